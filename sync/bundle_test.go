package sync

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// goldenAge opens the golden part; it has never been used for anything else.
func goldenAge(t testing.TB) *age.X25519Identity {
	id, err := age.ParseX25519Identity("AGE-SECRET-KEY-" + "14CEZSTUZ8WG665QWLEFM0PF7DLDLGKWETENGA3X28XP6YUHS4AJQW9MLV0")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newAge(t testing.TB) *age.X25519Identity {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func goldenHead() PartHead {
	return PartHead{Server: "s1", Bundle: "00112233445566aa", Part: 1, Of: 1, Account: "en0417", Made: 1790000123456, App: "1.0.0"}
}

func sealed(t testing.TB, a *author, from, to uint64, ids ...*age.X25519Identity) []byte {
	t.Helper()
	var recipients []age.Recipient
	for _, id := range ids {
		recipients = append(recipients, id.Recipient())
	}
	file, err := SealPart(goldenHead(), a.segment(from, to), a.key, recipients...)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func wantBundleCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
		return
	}
	if text := BundleText(code); text["vi"] == "" || text["en"] == "" {
		t.Errorf("%s: no sentence in both languages", code)
	}
}

func TestAPartIsWrittenAsInTheFirstVersionAndReadBack(t *testing.T) {
	a, id := goldenAuthor(t), goldenAge(t)
	plain, err := unseal(sealed(t, a, 1, 5, id), []age.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "bundle-v1.plain", plain)
	path := filepath.Join("testdata", "bundle-v1.rsb")
	if *update {
		if err := os.WriteFile(path, sealed(t, a, 1, 5, id), 0o644); err != nil { // encryption is another one each time
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenPart(file, id)
	if err != nil {
		t.Fatal(err)
	}
	want := goldenHead()
	if p.Server != want.Server || p.Bundle != want.Bundle || p.Replica != a.replica || p.From != 1 || p.To != 5 || p.Account != "en0417" || p.Of != 1 {
		t.Errorf("the head came back as %+v", p.PartHead)
	}
	for i, l := range p.Segment.Lines {
		if !bytes.Equal(l.Bytes, a.lines[i].Bytes) {
			t.Errorf("line %d came back as %s", i+1, l.Bytes)
		}
	}
}

func TestAPartCutOrAlteredAnywhereIsDamaged(t *testing.T) {
	a, id := goldenAuthor(t), newAge(t)
	file := sealed(t, a, 1, 5, id)
	for n := 25; n < len(file); n++ {
		if _, err := OpenPart(file[:n], id); err == nil {
			t.Fatalf("cut after %d of %d bytes it was taken", n, len(file))
		}
		altered := bytes.Clone(file)
		altered[n] ^= 0x10
		if _, err := OpenPart(altered, id); err == nil {
			t.Fatalf("with byte %d of %d altered it was taken", n, len(file))
		}
	}
	_, err := OpenPart(file[:len(file)-1], id)
	wantBundleCode(t, "cut", err, CodeBundleDamaged)
	_, err = OpenPart(append(bytes.Clone(file), 'x'), id)
	wantBundleCode(t, "something behind its end", err, CodeBundleDamaged)
}

func TestFilesThatAreNoPartOfThisServerSayWhy(t *testing.T) {
	a, id := goldenAuthor(t), newAge(t)
	_, err := OpenPart(sealed(t, a, 1, 5, newAge(t)), id)
	wantBundleCode(t, "a part for another server", err, CodeBundleForeign)
	_, err = OpenPart([]byte("PK\x03\x04 a photo archive"), id)
	wantBundleCode(t, "another file", err, CodeBundleUnknown)
	_, err = OpenPart(nil, id)
	wantBundleCode(t, "an empty file", err, CodeBundleUnknown)
	_, err = OpenPart(append([]byte("age-encryption.org/v1\n"), make([]byte, MaxPartBytes)...), id)
	wantBundleCode(t, "a file over the limit", err, CodeBundleLarge)

	plain, err := unseal(sealed(t, a, 1, 5, id), []age.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	_, err = readPart(bytes.Replace(plain, []byte(`"v":1`), []byte(`"v":2`), 1))
	wantBundleCode(t, "a newer version", err, CodeBundleNewer)
	_, err = readPart(bytes.Replace(plain, []byte(`"en0417"`), []byte(`"en0418"`), 1))
	wantBundleCode(t, "another account than was signed", err, CodeBundleSignature)
	_, err = readPart(append(plain, "{}\n"...))
	wantBundleCode(t, "a line more than was signed", err, CodeBundleDamaged)
	_, err = readPart([]byte(`{"rasoat":"receipts","v":1}` + "\n"))
	wantBundleCode(t, "another kind of file", err, CodeBundleUnknown)
}

func TestAPartOfAnotherKeyForThisReplicaIsRefusedAtItsBeginning(t *testing.T) {
	a, other, id := goldenAuthor(t), newAuthor(9), newAge(t)
	file, err := SealPart(goldenHead(), a.segment(1, 5), other.key, id.Recipient()) // head signed by one key, lines by another
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenPart(file, id)
	wantBundleCode(t, "lines of another key", err, CodeBundleDamaged)
}

// A lost stick discloses nothing: neither names, answers, accounts nor even how many changes there are can be read.
func TestAPartShowsNothingWithoutTheKey(t *testing.T) {
	a, id := goldenAuthor(t), newAge(t)
	file := sealed(t, a, 1, 5, id)
	for _, word := range []string{"en0417", "Thôn", "drilled_well", "household", a.replica, "bundle", `"s":1,`} {
		if bytes.Contains(file, []byte(word)) {
			t.Errorf("%q stands in the file", word)
		}
	}
	if name := PartName(&PartHead{Bundle: "00112233445566aa", Part: 2, Of: 11, Made: 1790000123456}); name != "rasoat-20260921-1415-00112233445566aa-002of011.rsb" {
		t.Errorf("the name is %s", name)
	}
}

func TestTheFullestPartStaysUnderItsLimit(t *testing.T) {
	a := newAuthor(4)
	noise := make([]byte, 30_000) // bytes that do not compress, as text
	size := 0
	for size < MaxPartLines-60_000 {
		for i := range noise {
			noise[i] = byte(a.rnd.Uint32())
		}
		value, err := json.Marshal(base64.StdEncoding.EncodeToString(noise))
		if err != nil {
			t.Fatal(err)
		}
		size += len(a.write(t, &Change{Record: labRecord, Kind: "interview", Op: OpEdit, Writes: []Write{{".", []byte(`"active"`)}, {"note/1", value}}}).Bytes)
	}
	ids := []*age.X25519Identity{newAge(t), newAge(t), newAge(t)}
	file := sealed(t, a, 1, uint64(len(a.lines)), ids...)
	if len(file) > MaxPartBytes || size < MaxPartLines*9/10 {
		t.Fatalf("%d bytes of lines give a file of %d, the limit is %d", size, len(file), MaxPartBytes)
	}
	for _, id := range ids {
		if _, err := OpenPart(file, id); err != nil {
			t.Fatal(err)
		}
	}
}

func goldenReceipts(t *testing.T, a *author) []byte {
	r := &Receipt{Server: "s1", Epoch: "e7", Replica: a.replica, Seq: 5, H: a.lines[4].H, Level: LevelDurable}
	r.Sign(testKey)
	file, err := WriteReceipts(ReceiptsHead{Server: "s1", Epoch: "e7", Made: 1790000999999}, []ReceiptLine{{Receipt: r, Notes: []Note{{S: 3, State: "held", Why: "scope"}}}}, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReceiptsAreWrittenAsInTheFirstVersionAndReadBack(t *testing.T) {
	a := goldenAuthor(t)
	file := golden(t, "receipts-v1.rsr", goldenReceipts(t, a))
	r, err := ReadReceipts(file, "s1", a.public())
	if err != nil || len(r.Lines) != 1 || r.Epoch != "e7" || r.Lines[0].Receipt.Seq != 5 || r.Lines[0].Notes[0].Why != "scope" {
		t.Fatalf("read back: %+v, %v", r, err)
	}
	_, err = ReadReceipts(file, "s2", a.public())
	wantBundleCode(t, "receipts of another server", err, CodeBundleForeign)
	_, err = ReadReceipts(file, "s1", newAuthor(9).public())
	wantBundleCode(t, "receipts signed by another key", err, CodeBundleSignature)
	for n := range len(file) - 1 {
		if _, err := ReadReceipts(file[:n], "s1", a.public()); err == nil {
			t.Fatalf("cut after %d of %d bytes they were taken", n, len(file))
		}
	}
}

func TestFilesOnAStickAreReadBackBeforeTheyCount(t *testing.T) {
	dir := t.TempDir()
	a, id := goldenAuthor(t), newAge(t)
	files := []StickFile{{"rasoat-1.rsb", sealed(t, a, 1, 2, id)}, {"rasoat-2.rsb", sealed(t, a, 3, 5, id)}}
	verify := func(_ string, data []byte) error {
		_, err := OpenPart(data, id)
		return err
	}
	if err := WriteFiles(dir, files, verify); err != nil {
		t.Fatal(err)
	}
	names, err := PartFiles(dir)
	if err != nil || len(names) != 2 || filepath.Base(names[1]) != "rasoat-2.rsb" {
		t.Fatalf("the folder has %v, %v", names, err)
	}
	// A medium that gives other bytes back than it was given: the file does not stay there as if it were good.
	files[0] = StickFile{"rasoat-3.rsb", files[0].Data[:100]}
	err = WriteFiles(dir, files[:1], verify)
	if err == nil {
		t.Fatal("a part that cannot be opened again counts as written")
	}
	if _, err := os.Stat(filepath.Join(dir, "rasoat-3.rsb")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what could not be verified is still there: %v", err)
	}
	if err := WriteFiles(filepath.Join(dir, "gone"), files, verify); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stick that is not there: %v", err)
	}
	if err := WriteFiles(dir, []StickFile{{"../rasoat-x.rsb", nil}}, verify); err == nil {
		t.Error("a name outside the folder was written")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left over", e.Name())
		}
	}
}

// FuzzPart: any file is a part or a Problem with a sentence, never a panic; what is taken is signed.
func FuzzPart(f *testing.F) {
	a := newAuthor(3)
	a.household(f, testRound, "01969-03")
	id := goldenAge(f)
	file := sealed(f, a, 1, 2, id)
	plain, err := unseal(file, []age.Identity{id})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file, true)
	f.Add(plain, false)
	f.Add(bytes.Replace(plain, []byte(`"v":1`), []byte(`"v":0`), 1), false)
	f.Fuzz(func(t *testing.T, in []byte, whole bool) {
		var p *Part
		var err error
		if whole {
			p, err = OpenPart(in, id)
		} else {
			p, err = readPart(in)
		}
		if err == nil {
			if !VerifyHead(ed25519.PublicKey(p.Pub), p.Replica, p.Segment.To, p.Segment.H, p.Segment.Sig) {
				t.Fatalf("%q was taken without a signature", in)
			}
			return
		}
		var problem *Problem
		if !errors.As(err, &problem) || BundleText(problem.Code)["vi"] == "" {
			t.Fatalf("%q: %v has no sentence", in, err)
		}
	})
}

// FuzzReceipts: any file is a receipts file of this server or a Problem with a sentence, never a panic.
func FuzzReceipts(f *testing.F) {
	key := testKey.Public().(ed25519.PublicKey)
	r := &Receipt{Server: "s1", Epoch: "e7", Replica: testReplica, Seq: 5, H: ChainStart(testReplica, key), Level: LevelDurable}
	r.Sign(testKey)
	file, err := WriteReceipts(ReceiptsHead{Server: "s1", Epoch: "e7", Made: 1}, []ReceiptLine{{Receipt: r}}, testKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := ReadReceipts(in, "s1", key)
		if err == nil {
			for _, l := range got.Lines {
				if !l.Receipt.Verify(key) {
					t.Fatalf("%q: a receipt was taken without its signature", in)
				}
			}
			return
		}
		var problem *Problem
		if !errors.As(err, &problem) || BundleText(problem.Code)["vi"] == "" {
			t.Fatalf("%q: %v has no sentence", in, err)
		}
	})
}

package sync

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; bytes of a published version must never change")

// golden compares what is written today with what was written first: bytes of a published version stay readable for ever.
func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s is written otherwise today:\n%s\nwant\n%s", name, got, want)
	}
	return want
}

func goldenAuthor(t *testing.T) *author {
	a := newAuthor(5)
	a.replica, a.key, a.account = testReplica, testKey, "en0417"
	text := func(s string) []byte { return appendText(nil, s) }
	household := "0199c0de-0000-7000-8000-0000000000aa"
	interview := InterviewID(testRound, household)
	a.write(t, &Change{Record: household, Kind: "household", Op: OpCreate, Scope: "01969-03", At: 1790000123456,
		Writes: []Write{{".", text("active")}, {"village", text("01969-03")}, {"address", text("Thôn Nà Cà")}}})
	a.write(t, &Change{Record: interview, Kind: "interview", Op: OpCreate, Scope: "01969-03", At: 1790000323456,
		Writes: []Write{{".", text("active")}, {"house_area", []byte("32.5")}, {"water", text("drilled_well")}, {"gps", []byte(`{"lat":22.31,"lon":105.9,"accuracy_m":8}`)}}})
	a.write(t, &Change{Record: interview, Kind: "interview", Op: OpEdit, Scope: "01969-03", At: 1790000523456, Parents: []Dot{{testReplica, 2}, {"Zr81nVbT2wY", 1007}},
		Writes: []Write{{".", text("active")}, {"water", []byte("null")}, {"m/0199c0de-0000-7000-8000-0000000000bb/name", text("Nguye\u0302\u0303n Thị \"Hằng\"")}}})
	a.write(t, &Change{Record: interview, Kind: "interview", Op: OpResolve, Scope: "01969-03", At: 1790000723456, Parents: []Dot{{testReplica, 3}},
		Writes: []Write{{"water", text("rain")}}, Why: "đã hỏi lại chủ hộ", Tag: "a1f0", Was: &Dot{"Zr81nVbT2wY", 1008}})
	a.raw([]byte(`{"s":5,"r":"` + interview + `","k":"kind_of_later","op":"edit","u":"en0417","as":"enumerator","at":1790000923456, "later":{"x":[1,2]},"w":{"later/unit":"\u0111"}}`))
	return a
}

func TestTheInterviewIDIsTheTestVectors(t *testing.T) {
	if got, want := InterviewID(testRound, "0199c0de-0000-7000-8000-0000000000aa"), "10c79b2e-5eb9-5498-92d3-a58a86db72cf"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	for _, bad := range []string{"", "0199C0DE-0000-7000-8000-0000000000AA", "{0199c0de-0000-7000-8000-0000000000aa}"} {
		if got := InterviewID(testRound, bad); got != "" {
			t.Errorf("household %q gives %s, want nothing", bad, got)
		}
	}
}

func TestASegmentIsWrittenAsInTheFirstVersionAndReadBack(t *testing.T) {
	a := goldenAuthor(t)
	var out bytes.Buffer
	if err := EncodeSegment(&out, a.segment(1, 5)); err != nil {
		t.Fatal(err)
	}
	want := golden(t, "segment.jsonl", out.Bytes())
	seg, err := ReadSegment(bytes.NewReader(want), func(string) (ed25519.PublicKey, error) { return a.public(), nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range seg.Lines {
		if l.Fault != nil || !bytes.Equal(l.Bytes, a.lines[i].Bytes) {
			t.Fatalf("line %d came back as %s, %v", i+1, l.Bytes, l.Fault)
		}
	}
}

func TestPullLinesSnapshotAndReceiptAreWrittenAsInTheFirstVersion(t *testing.T) {
	a := goldenAuthor(t)
	r := NewRecord(a.lines[1].Change.Record, "interview")
	for _, l := range a.lines[1:] {
		r.Apply(l.Change)
	}
	state := r.State("01969-03")
	fp := Print(r.Fingerprint())
	lines := []*PullLine{
		{C: &Position{"01969-03", 1}, Replica: a.replica, S: 5, B: a.lines[4].Bytes},
		{C: &Position{"01969-03", 2}, Replica: a.replica, S: 1, Own: true},
		{C: &Position{"01969-03", 3}, Gone: "0199c0de-0000-7000-8000-0000000000aa"},
		{C: &Position{"01969-03", 4}, State: &state},
		{C: &Position{"01969-03", 5}, Erase: []string{testReplica + ":3"}},
		{End: &PullEnd{End: map[string]Cursor{"01969-03": {"e7", 5}, "01969": {"e7", 9}}, FP: map[string]Print{"01969-03": fp}}},
	}
	var out []byte
	for _, l := range lines {
		out = append(l.Append(out), '\n')
	}
	for i, text := range bytes.Split(bytes.TrimSpace(golden(t, "pull.jsonl", out)), []byte{'\n'}) {
		back, err := ParsePullLine(text)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if again := back.Append(nil); !bytes.Equal(again, text) {
			t.Fatalf("line %d came back as\n%s\nwant\n%s", i+1, again, text)
		}
	}
	head := &SnapshotHead{Scope: "01969-03", At: Cursor{"e7", 5}, FP: fp}
	snapshot := golden(t, "snapshot.jsonl", AppendSnapshot(nil, head, slices.Values([]*State{&state})))
	if back, states, err := ReadSnapshot(snapshot); err != nil || *back != *head || len(states) != 1 {
		t.Fatalf("snapshot came back as %v with %d states, %v", back, len(states), err)
	}
	receipt := Receipt{Server: "s1", Epoch: "e7", Replica: a.replica, Seq: 5, H: a.lines[4].H, Level: LevelDurable}
	receipt.Sign(testKey)
	text, err := json.Marshal(&receipt)
	if err != nil {
		t.Fatal(err)
	}
	var back Receipt
	if err := json.Unmarshal(golden(t, "receipt.json", text), &back); err != nil || !back.Verify(a.public()) {
		t.Fatalf("the receipt is not verified: %v", err)
	}
	back.Level = LevelCarried
	if back.Verify(a.public()) {
		t.Fatal("a receipt of another level is verified")
	}
}

func TestACutSnapshotIsNotTakenForAWholeOne(t *testing.T) {
	a := goldenAuthor(t)
	r := NewRecord(a.lines[1].Change.Record, "interview")
	r.Apply(a.lines[1].Change)
	state := r.State("01969-03")
	whole := AppendSnapshot(nil, &SnapshotHead{"01969-03", Cursor{"e7", 5}, Print(r.Fingerprint())}, slices.Values([]*State{&state}))
	for n := range len(whole) - 1 {
		if _, _, err := ReadSnapshot(whole[:n]); err == nil {
			t.Fatalf("cut after %d of %d bytes it was taken", n, len(whole))
		}
	}
}

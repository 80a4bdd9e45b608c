package tablet

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/rasoat/rasoat/internal/central"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// office is the real central store with one village, one round and the accounts that ask for it.
type office struct {
	*central.Store
	t       *testing.T
	path    string
	address string
	round   string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, path: filepath.Join(t.TempDir(), "central.db")}
	o.open()
	_, err := o.ImportAreas(bg, "", strings.NewReader("code,name,parent_code,valid_from,valid_to\n"+village+",Thôn Nà Ản,"+commune+",2020-01-01,\n"))
	must(t, err)
	o.round, _, err = o.AddRound(bg, "", central.NewRound{Name: "Rà soát 2026", Area: commune, Standard: "vn-2027", Questionnaire: "household/2026.1", From: "2026-09-01", To: "2026-12-14"})
	must(t, err)
	return o
}

func (o *office) open() {
	o.t.Helper()
	store, err := central.Open(bg, "sqlite:"+o.path, central.Options{Log: slog.New(slog.DiscardHandler)})
	must(o.t, err)
	srv := httptest.NewServer(fieldsync.NewHandler(store, fieldsync.HandlerOptions{}))
	o.Store, o.address = store, srv.URL
	o.t.Cleanup(func() {
		srv.Close()
		if err := store.Close(); err != nil {
			o.t.Error(err)
		}
	})
}

// tablet is one that is enrolled and has had its first sync.
func (o *office) tablet(account string) *Store {
	o.t.Helper()
	err := o.AddAccount(bg, "", central.NewAccount{Account: account, Name: "Người " + account, Role: "enumerator", Areas: []string{village}})
	if err != nil && !errors.Is(err, central.ErrAccountExists) {
		o.t.Fatal(err)
	}
	code, _, err := o.NewEnrolCode(bg, "", account)
	must(o.t, err)
	s, err := Open(bg, filepath.Join(o.t.TempDir(), account), Options{Log: slog.New(slog.DiscardHandler), App: "test"})
	must(o.t, err)
	o.t.Cleanup(func() { s.db.Close() })
	must(o.t, s.Enrol(bg, o.address, code))
	_, err = s.Sync(bg, nil)
	must(o.t, err)
	return s
}

// visit makes a household with an interview on the tablet: two changes.
func (o *office) visit(s *Store) string {
	o.t.Helper()
	f, err := s.NewHousehold(bg, o.round, village)
	must(o.t, err)
	must(o.t, f.Set(bg, "water", Text("tap")))
	must(o.t, f.Close(bg))
	return f.Household()
}

// carry imports what is on the stick.
func (o *office) carry(dir string) []central.BundleImported {
	o.t.Helper()
	paths, err := fieldsync.PartFiles(dir)
	must(o.t, err)
	var files []central.BundleFile
	for _, path := range paths {
		files = append(files, central.BundleFile{Name: filepath.Base(path), Read: func() ([]byte, error) { return fieldsync.ReadPartFile(path) }})
	}
	got, err := o.ImportBundles(bg, "", files)
	must(o.t, err)
	return got
}

func TestWorkGoesHomeByStickAndTheReceiptComesBackByStick(t *testing.T) {
	o := newOffice(t)
	s, stick := o.tablet("en01"), t.TempDir()
	o.visit(s)
	open, err := s.NewHousehold(bg, o.round, village)
	must(t, err)
	must(t, open.Set(bg, "water", Text("rain"))) // a draft is saved work too
	unsent := s.Unsent().Changes
	e, err := s.ExportBundle(bg, stick)
	must(t, err)
	if e.Changes <= unsent || e.Parts != 1 || e.Bytes == 0 || s.Unsent().Drafts != 0 {
		t.Fatalf("export: %+v of %d unsent, want these and the draft's in one part", e, unsent)
	}
	if last, err := s.LastExport(bg); err != nil || last.Bundle != e.Bundle || last.Changes != e.Changes {
		t.Errorf("the last export: %+v, %v", last, err)
	}
	if got := s.Unsent().Changes; got != e.Changes {
		t.Errorf("after the export %d changes are unsent, want all %d: nobody has acknowledged them", got, e.Changes)
	}
	for range 2 { // twice is harmless
		for _, r := range o.carry(stick) {
			if r.Refused != nil || r.Unaccepted || len(r.Notes) > 0 {
				t.Fatalf("import: %+v", r)
			}
		}
	}
	_, err = s.ImportReceipts(bg, stick)
	wantProblem(t, err, "receipts_none")
	_, err = o.WriteReceipts(bg, stick)
	must(t, err)
	taken, err := s.ImportReceipts(bg, stick)
	if err != nil || taken.Feeds != 1 || taken.Changes != e.Changes || taken.Made.IsZero() || s.Unsent().Changes != 0 {
		t.Errorf("receipts: %+v, %v with %d unsent, want all acknowledged", taken, err, s.Unsent().Changes)
	}
	if taken, err := s.ImportReceipts(bg, stick); err != nil || taken.Changes != 0 || s.Unsent().Changes != 0 {
		t.Errorf("the same receipts again: %+v, %v", taken, err)
	}
	if e, err := s.ExportBundle(bg, stick); err != nil || e.Bundle != "" {
		t.Errorf("an export with nothing unsent: %+v, %v", e, err)
	}
	if whole, err := s.ExportWhole(bg, t.TempDir()); err != nil || whole.Changes != e.Changes {
		t.Errorf("an export of everything: %+v, %v", whole, err)
	}
	if sum, err := s.Sync(bg, nil); err != nil || sum.Sent != 0 {
		t.Errorf("a sync after the stick: %+v, %v, want nothing left to send", sum, err)
	}
}

func TestALongWeekIsSeveralPartsEachWholeInItself(t *testing.T) {
	o := newOffice(t)
	s, stick := o.tablet("en01"), t.TempDir()
	for range 90 {
		o.visit(s)
	}
	e, err := s.ExportBundle(bg, stick)
	must(t, err)
	if e.Parts < 1 || e.Changes < 180 || len(e.Files) != e.Parts {
		t.Fatalf("export: %+v", e)
	}
	for range 60 {
		o.visit(s)
	}
	more, err := s.ExportBundle(bg, stick)
	must(t, err)
	if more.Parts < 2 {
		t.Fatalf("%d changes in %d parts, want more than %d changes to be split", more.Changes, more.Parts, fieldsync.MaxBatchChanges)
	}
	// One part of the later export is damaged on the way; the other parts and the earlier export go on without it.
	broken := filepath.Join(stick, more.Files[0])
	data, err := os.ReadFile(broken)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(broken, data, 0o600))
	refused := 0
	for _, r := range o.carry(stick) {
		if r.Refused != nil {
			refused++
			if r.Refused.Code != fieldsync.CodeBundleDamaged && r.Refused.Code != fieldsync.CodeGap {
				t.Errorf("%s: %v", r.Name, r.Refused)
			}
		}
	}
	if refused == 0 {
		t.Error("the damaged part was taken")
	}
	if sum, err := s.Sync(bg, nil); err != nil || s.Unsent().Changes != 0 {
		t.Errorf("the wire brings what the stick did not: %+v, %v, %d unsent", sum, err, s.Unsent().Changes)
	}
}

func TestAnExportCountsOnlyWhenTheStickGivesItBack(t *testing.T) {
	o := newOffice(t)
	s := o.tablet("en01")
	o.visit(s)
	_, err := s.ExportBundle(bg, filepath.Join(t.TempDir(), "no-stick"))
	wantProblem(t, err, "stick_gone")
	if last, err := s.LastExport(bg); err != nil || last.Bundle != "" {
		t.Errorf("a failed export counts: %+v, %v", last, err)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		wantProblem(t, stickProblem(writeFull()), "stick_full")
	}
	fresh := openAt(t, filepath.Join(t.TempDir(), "fresh"))
	_, err = fresh.ExportBundle(bg, t.TempDir())
	wantProblem(t, err, "not_enrolled")
	old := newHome(t).tablet("en01", village) // a server of before there were keys
	_, err = old.ExportBundle(bg, t.TempDir())
	wantProblem(t, err, "bundle_keys")
}

func writeFull() error {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("x"))
	return errors.Join(err, f.Close())
}

func TestReceiptsOfOthersAndDamagedOnesAcknowledgeNothing(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	s, stick := o.tablet("en01"), t.TempDir()
	o.visit(s)
	n := s.Unsent().Changes
	_, err := other.WriteReceipts(bg, stick)
	must(t, err)
	_, err = s.ImportReceipts(bg, stick)
	wantProblem(t, err, fieldsync.CodeBundleForeign)
	file, _, err := o.ReceiptsFile(bg)
	must(t, err)
	name := filepath.Join(t.TempDir(), fieldsync.ReceiptsName(o.Self().Server))
	must(t, os.WriteFile(name, []byte(strings.Replace(string(file), `"count":0`, `"count":1`, 1)), 0o600))
	_, err = s.ImportReceipts(bg, name)
	wantProblem(t, err, fieldsync.CodeBundleSignature)
	if got := s.Unsent().Changes; got != n {
		t.Errorf("%d changes are unsent, want %d", got, n)
	}
}

// A restored server has lost changes for which an old stick still holds receipts.
func TestAnOldStickDoesNotAcknowledgeWhatARestoreHasLost(t *testing.T) {
	o := newOffice(t)
	s := o.tablet("en01")
	o.visit(s)
	_, err := s.Sync(bg, nil)
	must(t, err)
	f := s.current()
	all := f.last
	at := s.me.Contact + s.me.Skew
	key := o.Self().Key
	write := func(epoch string, seq uint64, made int64) string {
		dir := t.TempDir()
		h, err := s.ChainAt(bg, seq)
		must(t, err)
		r := &fieldsync.Receipt{Server: o.Self().Server, Epoch: epoch, Replica: f.replica, Seq: seq, H: h, Level: fieldsync.LevelDurable}
		r.Sign(key)
		file, err := fieldsync.WriteReceipts(fieldsync.ReceiptsHead{Server: o.Self().Server, Epoch: epoch, Made: made}, []fieldsync.ReceiptLine{{Receipt: r}}, key)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, fieldsync.ReceiptsName(o.Self().Server)), file, 0o600))
		return dir
	}
	old := write(o.Self().Epoch, all, at-1000)
	_, err = s.ImportReceipts(bg, write("restored", all-1, at+1000))
	must(t, err)
	if got := s.Unsent().Changes; got != 1 {
		t.Fatalf("after the restored server's receipts %d changes are unsent, want the one it lost", got)
	}
	_, err = s.ImportReceipts(bg, old)
	must(t, err)
	if got := s.Unsent().Changes; got != 1 {
		t.Errorf("after a stick of before the restore %d changes are unsent, want still 1", got)
	}
	if e, err := s.ExportBundle(bg, t.TempDir()); err != nil || e.Changes != 1 {
		t.Errorf("the next export: %+v, %v, want the lost change", e, err)
	}
	_, err = s.ImportReceipts(bg, write("restored", all, at+2000))
	must(t, err)
	if got := s.Unsent().Changes; got != 0 {
		t.Errorf("after it was carried home %d changes are unsent", got)
	}
}

func TestALostStickShowsNothing(t *testing.T) {
	o := newOffice(t)
	recovery, err := age.GenerateX25519Identity()
	must(t, err)
	must(t, o.SetRecovery(bg, "", recovery.Recipient().String()))
	s, stick := o.tablet("en01"), t.TempDir()
	o.visit(s)
	e, err := s.ExportBundle(bg, stick)
	must(t, err)
	data, err := os.ReadFile(filepath.Join(stick, e.Files[0]))
	must(t, err)
	for _, word := range []string{"en01", "water", s.Identity().Replica, village, "household"} {
		if strings.Contains(string(data), word) || strings.Contains(e.Files[0], word) {
			t.Errorf("%q can be read on the stick", word)
		}
	}
	stranger, err := age.GenerateX25519Identity()
	must(t, err)
	if _, err := fieldsync.OpenPart(data, stranger); err == nil {
		t.Error("a stranger's key opens it")
	}
	p, err := fieldsync.OpenPart(data, recovery) // when the server is lost, who holds the paper key can
	if err != nil || !ed25519.PublicKey(p.Pub).Equal(s.current().pub()) || time.UnixMilli(p.Made).Sub(e.At) != 0 {
		t.Errorf("with the recovery key: %+v, %v", p, err)
	}
}

package tablet

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/rasoat/rasoat/internal/central"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// restored puts a backup into a new folder and serves it in the place of the old server.
func (o *office) restored(backup string, ids ...age.Identity) central.Restored {
	o.t.Helper()
	dir := filepath.Join(o.t.TempDir(), "anew")
	done, err := central.Restore(bg, backup, dir, central.Options{Log: slog.New(slog.DiscardHandler)}, ids...)
	must(o.t, err)
	o.path = filepath.Join(dir, central.DatabaseName)
	o.open()
	return done
}

// meets is a sync with the server where it is now.
func (o *office) meets(s *Store) fieldsync.Summary {
	o.t.Helper()
	must(o.t, s.SetBase(bg, o.address))
	sum, err := s.Sync(bg, nil)
	must(o.t, err)
	return sum
}

func (o *office) sound() {
	o.t.Helper()
	if r, err := o.Rebuild(bg, true); err != nil || !r.OK() {
		o.t.Errorf("rebuild: %+v, %v", r, err)
	}
}

// here counts the households the server has.
func (o *office) here() int {
	o.t.Helper()
	list, err := o.Custody(bg, central.CustodyFilter{Area: village})
	must(o.t, err)
	return len(list.Households)
}

func TestARestoredServerIsHealedByItsTabletsAndSaysWhatIsMissing(t *testing.T) {
	o := newOffice(t)
	paper, err := age.GenerateX25519Identity()
	must(t, err)
	must(t, o.SetRecovery(bg, "", paper.Recipient().String()))
	a, b, lost := o.tablet("en01"), o.tablet("en02"), o.tablet("en03")
	shared := o.visit(a)
	o.visit(lost)
	for _, s := range []*Store{a, lost, b, lost} {
		o.meets(s)
	}
	to, err := o.RecoveryRecipients(bg)
	must(t, err)
	backup, _, err := o.BackupKept(bg, filepath.Join(t.TempDir(), "backups"), 3, to...)
	must(t, err)

	// After the backup: work of all tablets, and an act of the office, all of which the others have seen.
	inBackup := map[string]uint64{}
	for _, s := range []*Store{a, b, lost} {
		inBackup[s.current().replica] = s.current().last
	}
	for _, s := range []*Store{a, b, lost} {
		o.visit(s)
		o.meets(s)
	}
	form, err := lost.OpenForm(bg, shared, o.round) // into a household the backup has too
	must(t, err)
	must(t, form.Set(bg, "toilet", Text("none")))
	must(t, form.Close(bg))
	o.meets(lost)
	office := o.Self()
	_, _, err = o.AddRound(bg, "", central.NewRound{Name: "Thường xuyên tháng 11", Kind: "regular", Area: commune, Standard: "vn-2027", Questionnaire: "household/2026.1", From: "2026-11-15", To: "2026-11-30"})
	must(t, err)
	o.meets(a)
	o.meets(b)
	unsent := o.visit(b) // and one that never was at the server
	receipts, _, err := o.ReceiptsFile(bg)
	must(t, err)

	done := o.restored(backup, paper)
	if me := o.Self(); me.Server != office.Server || me.Epoch == office.Epoch || me.Replica == office.Replica || me.RepKey.Equal(office.RepKey) || done.Epoch != me.Epoch || done.Last == 0 {
		t.Fatalf("restored as %+v, was %+v: want the same server, another epoch, another replica and key", me, office)
	}
	if got := o.here(); got != 2 {
		t.Fatalf("the backup has %d households, want 2", got)
	}
	gaps, err := o.Missing(bg, receipts)
	must(t, err)
	if len(gaps) != 3 {
		t.Errorf("by an old receipts file %+v are missing, want the ranges of three tablets", gaps)
	}
	epoch := o.Self().Epoch
	for i, s := range []*Store{a, b, a, b, a, b} {
		if sum := o.meets(s); s.Unsent().Changes != 0 || i >= 4 && len(sum.Alarms) > 0 {
			t.Errorf("sync %d after the restore: %+v with %d changes unsent", i+1, sum, s.Unsent().Changes)
		}
	}
	if o.Self().Epoch != epoch {
		t.Error("receipts of before the restore turned the epoch again")
	}
	if got := o.here(); got != 5 { // 2 of the backup, one of a, two of b
		t.Errorf("after the tablets synced the server has %d households, want 5", got)
	}
	if list, err := o.Custody(bg, central.CustodyFilter{Area: village, Household: unsent}); err != nil || len(list.Households) != 1 {
		t.Errorf("the household that had never been sent: %+v, %v", list, err)
	}
	gaps, err = o.Missing(bg)
	must(t, err)
	f := lost.current()
	var ofLost, ofOffice *central.Gap
	for i, g := range gaps {
		switch g.Replica {
		case f.replica:
			ofLost = &gaps[i]
		case office.Replica:
			ofOffice = &gaps[i]
		}
	}
	if len(gaps) != 2 || ofLost == nil || ofOffice == nil {
		t.Fatalf("missing: %+v, want the lost tablet's work and the office's act", gaps)
	}
	if ofLost.From != inBackup[f.replica]+1 || ofLost.To != f.last || ofLost.Account != "en03" || ofLost.Whose != central.GapTablet || !slices.Contains(ofLost.Because, central.BecauseSaw) {
		t.Errorf("the lost tablet: %+v, want %d to %d of en03", ofLost, inBackup[f.replica]+1, f.last)
	}
	if ofOffice.Whose != central.GapServer || ofOffice.To < ofOffice.From {
		t.Errorf("the office: %+v", ofOffice)
	}
	o.sound()
	o.meets(lost) // found behind the stove
	if gaps, err := o.Missing(bg); err != nil || len(gaps) != 1 || o.here() != 6 {
		t.Errorf("after the lost tablet came back: %+v, %v, %d households, want the office's act alone and 6", gaps, err, o.here())
	}
	o.sound()
}

func TestARestoreNeedsItsKeyAnEmptyFolderAndAWholeBackup(t *testing.T) {
	o := newOffice(t)
	paper, err := age.GenerateX25519Identity()
	must(t, err)
	o.meets(o.tablet("en01"))
	dir := t.TempDir()
	sealed, plain := filepath.Join(dir, "sealed"), filepath.Join(dir, "plain")
	if _, err := o.Backup(bg, sealed, paper.Recipient()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Backup(bg, plain); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sealed)
	must(t, err)
	cutShort := filepath.Join(dir, "cut")
	must(t, os.WriteFile(cutShort, data[:len(data)-100], 0o600))
	if strings.Contains(string(data), "SQLite") {
		t.Error("the sealed backup shows what it is made of")
	}
	stranger, err := age.GenerateX25519Identity()
	must(t, err)
	full := filepath.Join(dir, "full")
	must(t, os.Mkdir(full, 0o700))
	must(t, os.WriteFile(filepath.Join(full, central.DatabaseName), nil, 0o600))
	letter := filepath.Join(dir, "letter")
	must(t, os.WriteFile(letter, []byte("Kính gửi"), 0o600))
	for _, c := range []struct {
		name, backup, dir, code string
		ids                     []age.Identity
	}{
		{"without a key", sealed, filepath.Join(dir, "r1"), "restore_key", nil},
		{"with another key", sealed, filepath.Join(dir, "r2"), "restore_key_wrong", []age.Identity{stranger}},
		{"cut short", cutShort, filepath.Join(dir, "r3"), "restore_damaged", []age.Identity{paper}},
		{"over a store", plain, full, "restore_not_empty", nil},
		{"of another file", letter, filepath.Join(dir, "r4"), "restore_damaged", nil},
		{"of no file", filepath.Join(dir, "none"), filepath.Join(dir, "r5"), "restore_unread", nil},
	} {
		_, err := central.Restore(bg, c.backup, c.dir, central.Options{Log: slog.New(slog.DiscardHandler)}, c.ids...)
		var r *central.Refusal
		if !errors.As(err, &r) || r.Code != c.code || r.Text["vi"] == "" {
			t.Errorf("restore %s: %v, want %s", c.name, err, c.code)
		}
		if left, err := os.ReadDir(c.dir); err == nil && c.dir != full && len(left) > 0 {
			t.Errorf("restore %s left %v behind", c.name, left)
		}
	}
	if done, err := central.Restore(bg, plain, filepath.Join(dir, "r1"), central.Options{Log: slog.New(slog.DiscardHandler)}); err != nil || done.Changes == 0 {
		t.Errorf("a restore after one that failed: %+v, %v", done, err)
	}
}

func TestWhatWasErasedAfterTheBackupStaysErased(t *testing.T) {
	o := newOffice(t)
	a := o.tablet("en01")
	id := o.visit(a)
	o.meets(a)
	dir := t.TempDir()
	backup := filepath.Join(dir, "backup")
	if _, err := o.Backup(bg, backup); err != nil {
		t.Fatal(err)
	}
	changes, err := a.Changes(bg, id)
	must(t, err)
	var list []string
	for _, c := range changes {
		list = append(list, c.Dot)
	}
	anew := filepath.Join(dir, "anew")
	must(t, os.Mkdir(anew, 0o700))
	must(t, os.WriteFile(filepath.Join(anew, central.ErasedName), []byte(strings.Join(append(list, a.current().replica+":999"), "\n")), 0o600))
	done, err := central.Restore(bg, backup, anew, central.Options{Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	if done.Erased != len(list) || done.ErasedUnknown != 1 {
		t.Errorf("erased again: %+v, want %d and one that is not in the backup", done, len(list))
	}
	data, err := os.ReadFile(filepath.Join(anew, central.DatabaseName))
	must(t, err)
	if strings.Contains(string(data), `"water":"tap"`) {
		t.Error("the erased answer is in the restored file")
	}
	o.path = filepath.Join(anew, central.DatabaseName)
	o.open()
	o.sound()
}

func TestOldBackupsGoOnlyWhenANewOneIsWhole(t *testing.T) {
	o := newOffice(t)
	dir := filepath.Join(t.TempDir(), "backups")
	other := filepath.Join(dir, "rasoat-backup-notes.txt")
	var newest string
	for i := range 4 {
		path, done, err := o.BackupKept(bg, dir, 2)
		if err != nil || done.Bytes == 0 {
			t.Fatalf("backup %d: %+v, %v", i, done, err)
		}
		must(t, os.WriteFile(other, nil, 0o600))
		newest = path
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if len(names) != 3 || !slices.Contains(names, filepath.Base(newest)) || !slices.Contains(names, filepath.Base(other)) {
		t.Errorf("the folder has %v, want the two newest backups and what is not a backup", names)
	}
	if _, _, err := o.BackupKept(bg, dir, 0); err == nil {
		t.Error("keeping none was accepted")
	}
}

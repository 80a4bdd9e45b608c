package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/internal/tablet"
)

// tabletOf is a real tablet store enrolled with the desk's server, with a household visited.
func (d *desk) tabletOf(s *served, account, round string) *tablet.Store {
	d.t.Helper()
	store, err := tablet.Open(d.t.Context(), d.t.TempDir(), tablet.Options{App: "test"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			d.t.Error(err)
		}
	})
	if err := store.Enrol(d.t.Context(), s.address, firstLine(d.do("", "enrol", account))); err != nil {
		d.t.Fatal(err)
	}
	if _, err := store.Sync(d.t.Context(), nil); err != nil {
		d.t.Fatal(err)
	}
	d.visit(store, round)
	return store
}

func (d *desk) visit(store *tablet.Store, round string) {
	d.t.Helper()
	form, err := store.NewHousehold(d.t.Context(), round, "01969-01")
	if err != nil {
		d.t.Fatal(err)
	}
	if err := form.Set(d.t.Context(), "water", tablet.Text("rain")); err != nil {
		d.t.Fatal(err)
	}
	if err := form.Close(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func TestWorkByStickThroughTheCommands(t *testing.T) {
	d := newDesk(t)
	round := d.office()
	s := d.serve()
	store, stick := d.tabletOf(s, "en01", round), t.TempDir()
	if _, err := store.ExportBundle(t.Context(), stick); err != nil {
		t.Fatal(err)
	}
	if status, _, errOut := d.try("", "bundle", "import", t.TempDir()); status != statusFailed || !strings.Contains(errOut, "bundle_none") {
		t.Errorf("an empty stick: status %d, %s", status, errOut)
	}
	if err := os.WriteFile(filepath.Join(stick, "rasoat-photo.rsb"), []byte("JFIF"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errOut := d.try("", "bundle", "import", stick)
	if status != statusFailed || !strings.Contains(errOut, "bundle_unknown") || !strings.Contains(out, "2 thay đổi mới") {
		t.Errorf("a good part beside a bad file: status %d\n%s%s", status, out, errOut)
	}
	if err := os.Remove(filepath.Join(stick, "rasoat-photo.rsb")); err != nil {
		t.Fatal(err)
	}
	if out := d.do("", "bundle", "import", stick, "--lang", "en"); !strings.Contains(out, "0 new changes") {
		t.Errorf("the same stick again: %s", out)
	}
	d.do("", "bundle", "receipts", "--out", stick)
	if taken, err := store.ImportReceipts(t.Context(), stick); err != nil || taken.Changes != 2 || store.Unsent().Changes != 0 {
		t.Errorf("receipts: %+v, %v with %d unsent", taken, err, store.Unsent().Changes)
	}
	if status, _, errOut := d.try("", "bundle", "receipts", "--out", filepath.Join(stick, "none")); status != statusFailed || !strings.Contains(errOut, "[stick]") {
		t.Errorf("no stick: status %d, %s", status, errOut)
	}
	if status, _, errOut := d.try("", "bundle", "accept", store.Identity().Replica, "en01"); status != statusFailed || !strings.Contains(errOut, "replica_not_waiting") {
		t.Errorf("accepting what is accepted: status %d, %s", status, errOut)
	}
	if out := d.do("", "custody", "--area", "01969"); !strings.Contains(out, "en01") || !strings.Contains(out, "đang giao") {
		t.Errorf("custody:\n%s", out)
	}
	d.do("", "device", "revoke", "1")
	d.visit(store, round)
	if _, err := store.ExportBundle(t.Context(), stick); err != nil {
		t.Fatal(err)
	}
	if out := d.do("", "bundle", "import", stick); !strings.Contains(out, "2 đang bị giữ") {
		t.Errorf("late work of a revoked device:\n%s", out)
	}
	if out := d.do("", "custody", "--area", "01969-01", "--lang", "en"); !strings.Contains(out, "device revoked") {
		t.Errorf("custody after the device was revoked:\n%s", out)
	}
}

func TestBackupRestoreAndWhatIsMissingThroughTheCommands(t *testing.T) {
	d := newDesk(t)
	round := d.office()
	s := d.serve()
	paper := d.file("paper", firstLine(d.do("", "recovery", "new"))+"\n")
	if out := d.do("", "recovery", "show"); !strings.HasPrefix(out, "age1") {
		t.Errorf("recovery show: %s", out)
	}
	store := d.tabletOf(s, "en01", round)
	folder := filepath.Join(t.TempDir(), "backups")
	for range 3 {
		d.do("", "backup", "--dir", folder, "--keep", "2")
	}
	backups, err := filepath.Glob(filepath.Join(folder, "*.db.age"))
	if err != nil || len(backups) != 2 {
		t.Fatalf("backups kept: %v, %v, want two, encrypted without being told", backups, err)
	}
	if _, err := store.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	stick := t.TempDir()
	d.do("", "bundle", "receipts", "--out", stick)
	anew := newDesk(t)
	if status, _, errOut := anew.try("", "restore", backups[1]); status != statusFailed || !strings.Contains(errOut, "restore_key") {
		t.Errorf("a restore without the key: status %d, %s", status, errOut)
	}
	if status, _, errOut := d.try("", "restore", backups[1], "--identity", paper); status != statusFailed || !strings.Contains(errOut, "restore_not_empty") {
		t.Errorf("a restore over the store: status %d, %s", status, errOut)
	}
	if out := anew.do("", "restore", backups[1], "--identity", paper); !strings.Contains(out, "server missing") {
		t.Errorf("restore does not say what to expect:\n%s", out)
	}
	receipts, err := filepath.Glob(filepath.Join(stick, "rasoat-receipts-*"))
	if err != nil || len(receipts) != 1 {
		t.Fatal(receipts, err)
	}
	status, out, _ := anew.try("", "missing", receipts[0])
	if status != statusFailed || !strings.Contains(out, store.Identity().Replica) || !strings.Contains(out, "en01") {
		t.Errorf("missing by an old receipts file: status %d\n%s", status, out)
	}
	again := anew.serve()
	if err := store.SetBase(t.Context(), again.address); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if out := anew.do("", "missing", receipts[0]); !strings.Contains(out, "Không thấy thiếu gì") {
		t.Errorf("after the tablet synced:\n%s", out)
	}
	anew.do("", "rebuild", "--verify")
}

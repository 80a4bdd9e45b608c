package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rasoat/rasoat/internal/central"
)

// killed runs the program and kills it some time later, as a power cut does; it tells whether the program ended by itself.
func (d *desk) killed(after time.Duration, args ...string) (ended bool) {
	d.t.Helper()
	cmd := exec.Command(os.Args[0], append(args, "--data", d.data)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	return err == nil
}

func TestAnImportThatIsKilledAnywhereLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	d := newDesk(t)
	round := d.office()
	s := d.serve()
	store, stick := d.tabletOf(s, "en01", round), t.TempDir()
	for range 149 {
		d.visit(store, round)
	}
	e, err := store.ExportBundle(t.Context(), stick)
	if err != nil || e.Parts < 2 {
		t.Fatalf("export: %+v, %v, want at least two parts", e, err)
	}
	s.end()
	seed := time.Now().UnixNano()
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	kills := 0
	for range 12 {
		if !d.killed(time.Duration(50+r.IntN(400))*time.Millisecond, "bundle", "import", stick) {
			kills++
		}
	}
	d.do("", "bundle", "import", stick)
	d.do("", "rebuild", "--verify")
	if n := strings.Count(d.do("", "custody", "--area", "01969-01"), "en01  "); n < 150 {
		t.Errorf("seed %d: after %d kills %d households of 150 are here", seed, kills, n)
	}
	d.do("", "bundle", "receipts", "--out", stick)
	if taken, err := store.ImportReceipts(t.Context(), stick); err != nil || taken.Changes != e.Changes || store.Unsent().Changes != 0 {
		t.Errorf("seed %d: after %d kills the receipts settle %+v, %v of %d changes", seed, kills, taken, err, e.Changes)
	}
	t.Logf("seed %d: %d of 12 imports were killed, %d changes, none lost", seed, kills, e.Changes)
}

func TestARestoreThatIsKilledAnywhereIsBegunAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	d := newDesk(t)
	round := d.office()
	s := d.serve()
	store := d.tabletOf(s, "en01", round)
	if _, err := store.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	d.do("", "backup", "--to", backup)
	old, err := central.Open(t.Context(), "sqlite:"+filepath.Join(d.data, central.DatabaseName), central.Options{})
	if err != nil {
		t.Fatal(err)
	}
	me := old.Self()
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	seed := time.Now().UnixNano()
	r := rand.New(rand.NewPCG(uint64(seed), 2))
	kills := 0
	for range 6 {
		anew := newDesk(t)
		name := filepath.Join(anew.data, central.DatabaseName)
		for try := 1; !anew.killed(time.Duration(20+r.IntN(150*try))*time.Millisecond, "restore", backup); try++ { // a slow machine gets there too
			kills++
			if _, err := os.Stat(name); err == nil {
				break // it had its name when the program was killed: all was done
			}
		}
		got, err := central.Open(t.Context(), "sqlite:"+name, central.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if now := got.Self(); now.Server != me.Server || now.Epoch == me.Epoch || now.Replica == me.Replica {
			t.Errorf("seed %d: a restore that was killed serves as epoch %s and replica %s, the old ones", seed, now.Epoch, now.Replica)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
		anew.do("", "rebuild", "--verify")
	}
	t.Logf("seed %d: %d restores were killed on the way to 6", seed, kills)
}

package tablet

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// The fault points T1 to T4 of a save, and a full disk. Files are copied as they lie at the moment of the power cut.

func TestAPowerCutInsideACommitLeavesTheDraftWhole(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "water", Text("rain")))
	before := copyStore(t, s.dir) // T1
	var inside string
	stop := errors.New("stop")
	s.lock()
	err := s.write(bg, func(tx *tx) error { // T2: the change is in the log, the draft is away, nothing is committed
		c := &fieldsync.Change{Record: f.Interview(), Kind: "interview", Op: "edit", Account: "en01", Role: "enumerator", At: 1,
			Writes: []fieldsync.Write{{Unit: "water", Value: Text("rain")}}}
		must(t, s.append(tx, c))
		must(t, tx.exec(`DELETE FROM draft`))
		inside = copyStore(t, s.dir)
		return stop
	})
	s.unlock()
	if !errors.Is(err, stop) || s.current().last != 0 {
		t.Fatalf("after a failed transaction the feed ends at %d (%v), want 0", s.current().last, err)
	}
	_, err = f.Commit(bg)
	must(t, err)
	after := copyStore(t, s.dir) // T3
	late := copyStore(t, s.dir)  // T4: committed, side file not yet
	must(t, os.WriteFile(filepath.Join(late, sideName), readFile(t, filepath.Join(before, sideName)), 0o600))

	for name, dir := range map[string]string{"before": before, "inside": inside, "after": after, "before the side file": late} {
		again := openAt(t, dir)
		if again.current().replica != s.current().replica {
			t.Errorf("%s: the replica changed, although no dot was in danger", name)
		}
		cs := ownChanges(t, again, f.Interview())
		if len(cs) != 1 || asText(written(cs[0], "water")) != "rain" || cs[0].Dot.Seq != 1 {
			t.Errorf("%s: own changes %v, want exactly one with the answer", name, cs)
		}
		if u := again.Unsent(); u.Changes != 1 || u.Drafts != 0 {
			t.Errorf("%s: unsent %+v, want the one change", name, u)
		}
	}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	must(tb, err)
	return b
}

func TestAPowerCutDuringAPullAppliesAllOfABatchOrNone(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	iv := fieldsync.InterviewID(roundID, id)
	h.write("interview", iv, village, fieldsync.OpCreate, map[string]any{"household": id, "round": roundID, "village": village, ".": "active"})
	lines := []*fieldsync.PullLine{h.line(village, uint64(len(h.log[village])-1), "")}
	bad := &fieldsync.PullLine{C: &fieldsync.Position{Scope: village, Pos: 99}, Replica: "AAAAAAAAAAA", S: 1, B: []byte("{")}
	if err := s.Pulled(bg, append(lines, bad)); err == nil {
		t.Fatal("a batch with a broken line was applied")
	}
	cur, err := s.Cursors(bg)
	must(t, err)
	if rec, err := s.shown(bg, s.db, iv); err != nil || rec != nil || cur[village].Pos != uint64(len(h.log[village])-1) {
		t.Errorf("after a batch that failed: record %v, cursor %v (%v), want neither moved", rec, cur[village], err)
	}
	must(t, s.Pulled(bg, lines))
	s.kill(t)
	s = openAt(t, s.dir)
	cur, err = s.Cursors(bg)
	must(t, err)
	if rec, err := s.shown(bg, s.db, iv); err != nil || rec == nil || cur[village].Pos != uint64(len(h.log[village])) {
		t.Errorf("after the batch: record %v, cursor %v (%v), want both", rec, cur[village], err)
	}
	must(t, s.Pulled(bg, lines)) // and again: harmless
}

func TestAFullDiskIsSaidAndLosesNothing(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "water", Text("rain")))
	var pages int
	must(t, s.db.QueryRow(`PRAGMA page_count`).Scan(&pages))
	if _, err := s.db.Exec(`PRAGMA max_page_count = 1`); err != nil { // SQLite takes the present size as the least
		t.Fatal(err)
	}
	var full error
	for i := 0; full == nil && i < 100; i++ {
		full = f.Set(bg, "note/"+newID(t), Object(map[string]any{"text": strings.Repeat("x", 20000)}))
	}
	wantProblem(t, full, "disk_full")
	drafts := f.Drafts()
	if _, err := s.db.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	if got := f.Value("water").Text(); got != "rain" {
		t.Errorf("water = %q after the full disk, want rain", got)
	}
	must(t, f.Set(bg, "toilet", Text("none")))
	must(t, f.Close(bg))
	n := 0
	for _, c := range ownChanges(t, s, f.Interview()) {
		for _, w := range c.Writes {
			if w.Unit == "water" || w.Unit == "toilet" || strings.HasPrefix(w.Unit, "note/") {
				n++
			}
		}
	}
	if n != drafts+1 {
		t.Errorf("%d answers were cut, want the %d saved before the disk was full and one after", n, drafts)
	}
}

func TestADamagedDatabaseIsSaid(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, databaseName), []byte(strings.Repeat("this is no database. ", 1000)), 0o600))
	_, err := Open(bg, dir, Options{})
	wantProblem(t, err, "damaged")
}

func TestTheScreenAndTheSyncWorkAtTheSameTime(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	heard := make(chan Event, 10000)
	s.Subscribe(func(e Event) {
		s.Unsent() // a subscriber may ask at once
		heard <- e
	})
	f := openForm(t, s, id)
	done := make(chan error, 2)
	go func() {
		for i := range 30 {
			if err := f.Set(bg, "water", Text([]string{"tap", "rain"}[i%2])); err != nil {
				done <- err
				return
			}
			s.Households(Filter{Text: "may"})
			s.Villages()
			if _, err := f.Judgement("vi"); err != nil {
				done <- err
				return
			}
		}
		_, err := f.Commit(bg)
		done <- err
	}()
	go func() {
		for range 10 {
			if err := h.trySync(s, commune, village); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 2 {
		must(t, <-done)
	}
	must(t, f.Close(bg))
	h.sync(s, commune, village)
	if u := s.Unsent(); u.Changes != 0 || u.Drafts != 0 {
		t.Errorf("unsent %+v, want nothing", u)
	}
	if len(heard) == 0 {
		t.Error("nobody was told that anything changed")
	}
}

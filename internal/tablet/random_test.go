package tablet

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// world is two tablets of one village and a home, and what a witness outside has been told was saved.
type world struct {
	tb         testing.TB
	home       *home
	tablets    [2]*Store
	households []string
	members    map[string][]string
	backups    [2]map[string][]byte
	saved      map[string]string         // dot → the change's writes, from every commit that said done
	typed      [2]map[string]typedAnswer // answers given since the last commit, by record and unit
}

type typedAnswer struct{ household, unit, value string }

// TestRandomWorkOnTwoTabletsLosesNothing is invariants I1, I4, I8 and I9 of sync.md, and the promise about drafts.
func TestRandomWorkOnTwoTabletsLosesNothing(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		must(t, flag.Set("rapid.checks", "15")) // real files: each of them takes a second of its own
		defer flag.Set("rapid.checks", f.DefValue)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		defer func() {
			for _, s := range w.tablets {
				s.db.Close()
			}
		}()
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			w.step(rt)
		}
		w.settle(rt)
	})
}

func newWorld(t *testing.T) *world {
	w := &world{tb: t, home: newHome(t), members: map[string][]string{}, saved: map[string]string{}}
	for range 2 {
		id, members := w.home.household(village, "Nông Thị Mây", "Lý Văn Sơn")
		w.households = append(w.households, id)
		w.members[id] = members
	}
	for i := range w.tablets {
		w.tablets[i] = w.home.tablet(fmt.Sprint("en0", i), village)
		w.typed[i] = map[string]typedAnswer{}
		w.backups[i] = w.read(i)
	}
	return w
}

func (w *world) step(rt *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(rt, "tablet")
	switch action := rapid.SampledFrom([]string{"set", "set", "set", "set", "member", "commit", "close", "news", "sync", "kill", "backup", "restore", "board", "new"}).Draw(rt, "action"); action {
	case "set":
		w.set(rt, i)
	case "member":
		w.member(rt, i)
	case "commit":
		w.commit(rt, i, false)
	case "close":
		w.commit(rt, i, true)
	case "news":
		if err := w.form(rt, i).AcceptNews(bg); err != nil {
			rt.Fatalf("accept news: %v", err)
		}
	case "sync":
		w.sync(rt, i)
	case "kill":
		w.kill(rt, i)
	case "backup":
		w.backups[i] = w.read(i)
	case "restore":
		w.restore(rt, i)
	case "board":
		w.board(rt)
	case "new":
		w.fresh(rt, i)
	}
}

func (w *world) form(rt *rapid.T, i int) *Form {
	f, err := w.tablets[i].OpenForm(bg, rapid.SampledFrom(w.households).Draw(rt, "household"), roundID)
	if err != nil {
		rt.Fatalf("open form: %v", err)
	}
	return f
}

func (w *world) set(rt *rapid.T, i int) {
	f := w.form(rt, i)
	units := []string{"water", "toilet", "respondent", "review_date", "m/" + w.members[f.household][0] + "/name", "m/" + w.members[f.household][1] + "/sex"}
	unit := rapid.SampledFrom(units).Draw(rt, "unit")
	w.put(rt, i, f, unit, Text(rapid.SampledFrom([]string{"a", "b", "c", "2026-10-01"}).Draw(rt, "value")))
}

func (w *world) put(rt *rapid.T, i int, f *Form, unit string, value json.RawMessage) {
	if err := f.Set(bg, unit, value); err != nil {
		rt.Fatalf("set %s: %v", unit, err)
	}
	if a := f.Value(unit); a.Draft {
		w.typed[i][f.interview+unit] = typedAnswer{f.household, unit, string(value)}
	} else {
		delete(w.typed[i], f.interview+unit)
	}
}

func (w *world) member(rt *rapid.T, i int) {
	f := w.form(rt, i)
	m := rapid.SampledFrom(w.members[f.household]).Draw(rt, "member")
	var err error
	if rapid.Bool().Draw(rt, "leaves") {
		err = f.RemoveMember(bg, m, Removal{Why: "moved_out"})
	} else {
		err = f.ConfirmMember(bg, m)
	}
	if err != nil {
		rt.Fatalf("member: %v", err)
	}
}

func (w *world) fresh(rt *rapid.T, i int) {
	f, err := w.tablets[i].NewHousehold(bg, roundID, village)
	if err != nil {
		rt.Fatalf("new household: %v", err)
	}
	m, err := f.AddMember(bg)
	if err != nil {
		rt.Fatalf("add member: %v", err)
	}
	w.put(rt, i, f, "m/"+m+"/name", Text("Người mới"))
}

func (w *world) commit(rt *rapid.T, i int, closing bool) {
	f := w.form(rt, i)
	done, err := f.Commit(bg)
	if err != nil {
		rt.Fatalf("commit: %v", err)
	}
	w.witness(rt, i, f.household, done.Dots)
	if closing {
		if err := f.Close(bg); err != nil {
			rt.Fatalf("close: %v", err)
		}
	}
}

// witness writes down what was said to be saved, and that each answer typed before is in it.
func (w *world) witness(rt *rapid.T, i int, household string, dots []string) {
	for _, text := range dots {
		d, _ := fieldsync.ParseDot(text)
		c, err := w.tablets[i].ownChange(bg, w.tablets[i].db, d)
		if err != nil || c == nil {
			rt.Fatalf("change %s was said to be saved and is not there (%v)", d, err)
		}
		if was, twice := w.saved[text]; twice && was != writesOf(c) {
			rt.Fatalf("dot %s was used twice", d)
		}
		w.saved[text] = writesOf(c)
	}
	for key, a := range w.typed[i] {
		if a.household == household {
			w.wasCut(rt, i, a)
			delete(w.typed[i], key)
		}
	}
}

// wasCut fails unless the last own change that writes the unit says what was typed.
func (w *world) wasCut(rt *rapid.T, i int, a typedAnswer) {
	cs, err := w.tablets[i].ownOf(bg, w.tablets[i].db, fieldsync.InterviewID(roundID, a.household))
	if err != nil {
		rt.Fatal(err)
	}
	last := ""
	for _, c := range cs {
		if v := written(c, a.unit); v != nil {
			last = string(v)
		}
	}
	if last != a.value {
		rt.Fatalf("tablet %d: %s was answered %s, but the last own change says %q", i, a.unit, a.value, last)
	}
}

func writesOf(c *fieldsync.Change) string {
	var b strings.Builder
	for _, w := range c.Writes {
		fmt.Fprintf(&b, "%s %s=%s\n", c.Record, w.Unit, w.Value)
	}
	return b.String()
}

func (w *world) sync(rt *rapid.T, i int) {
	if err := w.home.trySync(w.tablets[i], commune, village); err != nil {
		rt.Fatalf("sync of tablet %d: %v", i, err)
	}
}

func (w *world) board(rt *rapid.T) {
	iv := fieldsync.InterviewID(roundID, rapid.SampledFrom(w.households).Draw(rt, "household"))
	w.home.write("interview", iv, village, fieldsync.OpEdit, map[string]any{"review/state": rapid.SampledFrom([]string{"returned", "approved"}).Draw(rt, "state"),
		"water": rapid.SampledFrom([]string{"a", "d"}).Draw(rt, "value"), ".": "active"})
}

// kill ends the tablet as a power cut does and starts it again from the files as they lay there.
func (w *world) kill(rt *rapid.T, i int) {
	files := w.read(i)
	w.reopen(rt, i, files)
	for key, a := range w.typed[i] { // every answer typed became part of a change at the start
		w.wasCut(rt, i, a)
		delete(w.typed[i], key)
	}
	w.remember(rt, i)
}

// remember writes down all own changes.
func (w *world) remember(rt *rapid.T, i int) {
	s := w.tablets[i]
	for _, f := range s.feeds {
		for n := uint64(1); n <= f.last; n++ {
			w.witness(rt, i, "", []string{fieldsync.Dot{Replica: f.replica, Seq: n}.String()})
		}
	}
}

// restore puts the database of an old backup in place; the side file stays as it is. What was saved since and never sent is
// lost by the person who did that, and by nobody else.
func (w *world) restore(rt *rapid.T, i int) {
	now := w.read(i)
	files := map[string][]byte{sideName: now[sideName]}
	for name, b := range w.backups[i] {
		if name != sideName {
			files[name] = b
		}
	}
	w.reopen(rt, i, files)
	w.typed[i] = map[string]typedAnswer{}
	for dot := range w.saved {
		d, _ := fieldsync.ParseDot(dot)
		if f := w.home.feeds[d.Replica]; w.tablets[i].feedOf(d.Replica) != nil || f != nil && d.Seq <= uint64(len(f.lines)) {
			continue
		}
		if other := w.tablets[1-i]; other.feedOf(d.Replica) == nil {
			delete(w.saved, dot) // went with a replica this copy never heard of
		}
	}
	for _, f := range w.tablets[i].feeds {
		for dot := range w.saved {
			d, _ := fieldsync.ParseDot(dot)
			if at := w.home.feeds[d.Replica]; d.Replica == f.replica && d.Seq > f.last && (at == nil || d.Seq > uint64(len(at.lines))) {
				delete(w.saved, dot)
			}
		}
	}
	w.remember(rt, i)
}

func (w *world) read(i int) map[string][]byte {
	files := map[string][]byte{}
	entries, err := os.ReadDir(w.tablets[i].dir)
	must(w.tb, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(w.tablets[i].dir, e.Name()))
		must(w.tb, err)
		files[e.Name()] = b
	}
	return files
}

func (w *world) reopen(rt *rapid.T, i int, files map[string][]byte) {
	dir := w.tablets[i].dir
	must(w.tb, w.tablets[i].db.Close())
	entries, err := os.ReadDir(dir)
	must(w.tb, err)
	for _, e := range entries {
		must(w.tb, os.Remove(filepath.Join(dir, e.Name())))
	}
	for name, b := range files {
		must(w.tb, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	w.tablets[i] = openAt(w.tb, dir)
}

// settle lets everybody finish and compares all that must be equal.
func (w *world) settle(rt *rapid.T) {
	for i, s := range w.tablets {
		if err := s.CommitAll(bg); err != nil {
			rt.Fatalf("commit all: %v", err)
		}
		w.remember(rt, i)
	}
	for range 2 {
		w.sync(rt, 0)
		w.sync(rt, 1)
	}
	arrived := map[string]string{} // at home, by the dot it has and by the one it had before a fork
	for replica, f := range w.home.feeds {
		for n := range f.lines {
			d := fieldsync.Dot{Replica: replica, Seq: uint64(n + 1)}
			c := w.home.changeOf(d)
			arrived[d.String()] = writesOf(c)
			if c.Was != nil {
				arrived[c.Was.String()] = writesOf(c)
			}
		}
	}
	for dot, writes := range w.saved {
		if arrived[dot] != writes {
			rt.Fatalf("change %s was saved as\n%s and arrived as\n%s", dot, writes, arrived[dot])
		}
	}
	for i, s := range w.tablets {
		if u := s.Unsent(); u.Changes != 0 || u.Drafts != 0 {
			rt.Fatalf("tablet %d still has %+v", i, u)
		}
		fps, err := s.Fingerprints(bg)
		if err != nil {
			rt.Fatal(err)
		}
		if want := fieldsync.Print(w.home.fingerprint(village)); fps[village] != want {
			rt.Fatalf("tablet %d: fingerprint of the village %v, want %v", i, fps[village], want)
		}
		for id, rec := range w.home.records {
			got, err := s.shown(bg, s.db, id)
			if err != nil || got == nil || got.Version() != rec.Version() {
				rt.Fatalf("tablet %d shows another state of %s than the home (%v)", i, id, err)
			}
		}
	}
}

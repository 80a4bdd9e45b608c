package sim

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// What must hold when the world has healed.

// maxRounds is how often everybody may have to sync before nothing moves (I15).
const maxRounds = 12

// heal mends the links, closes the forms, brings what is late and lets everybody sync until nothing moves; then people decide
// about all that is held, and everybody syncs again.
func (w *world) heal() {
	w.deliverLate(len(w.late))
	for _, t := range w.tabs {
		w.must(t.store.CommitAll(bg), "close the forms of "+t.name)
		w.witness.cut(t)
		t.form = nil
	}
	w.quiet()
	w.acceptAll()
	for {
		held, err := w.home.store.Held(bg)
		w.must(err, "list what is held")
		if len(held) == 0 {
			break
		}
		for _, h := range held {
			w.decide(h.Dot, true)
		}
	}
	w.quiet()
}

func (w *world) quiet() {
	for range maxRounds {
		before := w.positions()
		for _, t := range w.tabs {
			w.must(t.sync(nil, 0), "I15: "+t.name+" syncs over a good link")
			w.checkLog()
		}
		if maps.Equal(before, w.positions()) {
			return
		}
	}
	w.fail("I15: after %d rounds of syncs over good links something still moves: %v", maxRounds, w.positions())
}

// positions say how far everything is: feeds at home, own feeds, cursors.
func (w *world) positions() map[string]string {
	at := map[string]string{}
	w.home.query("SELECT scope, pos FROM scope_head", func(rows *sql.Rows) error {
		var scope, pos string
		err := rows.Scan(&scope, &pos)
		at[scope] = pos
		return err
	})
	w.home.query("SELECT replica, seq FROM replica", func(rows *sql.Rows) error {
		var replica, seq string
		err := rows.Scan(&replica, &seq)
		at[replica] = seq
		return err
	})
	for i, t := range w.tabs {
		hello, err := t.store.Greeting(bg)
		w.must(err, "greet")
		at[fmt.Sprint("tablet ", i)] = fmt.Sprint(hello.Replica, hello.Seq, hello.Cursors, t.store.Unsent().Changes)
	}
	return at
}

// checkAll is the end of a run.
func (w *world) checkAll() {
	log := w.learn()
	w.checkWitness(log)
	w.checkHome(log)
	w.checkActs(log)
	w.checkPublishedForGood(log)
	for _, t := range w.tabs {
		if u := t.store.Unsent(); u.Changes != 0 || u.Drafts != 0 {
			w.fail("I15: %s still has %+v for itself", t.name, u)
		}
		w.checkPrints(t)
		w.checkNode(t, log, true)
	}
}

// checkHome is I13: what the server has stored is what its log says, by its own rebuild and by the fold here.
func (w *world) checkHome(log *changeLog) {
	w.home.store.WaitRejudged()
	report, err := w.home.store.Rebuild(bg, true)
	w.must(err, "verify")
	if !report.OK() {
		w.fail("I13: the server has stored otherwise than its log says: %+v", report.Differences[0])
	}
	w.clock.Add(25 * 3600_000) // no snapshot made before is given out any more
	for _, account := range slices.Sorted(maps.Keys(accounts)) {
		for _, scope := range w.home.granted(account) {
			for _, state := range w.snapshot(account, scope) {
				if d := differs(state, log.byRec[state.Record]); d != "" {
					w.fail("I2: the server's state of %s is not the fold of what it has seen: %s", state.Record, d)
				}
				if got, want := seenDots(state), published(log.byRec[state.Record]); !slices.Equal(got, want) {
					w.fail("I2: the server has seen %v of %s, published are %v", got, state.Record, want)
				}
			}
		}
	}
}

func (w *world) snapshot(account, scope string) (states []*fieldsync.State) {
	s, err := w.home.store.Snapshot(bg, fieldsync.Device{Account: account, Role: "enumerator"}, scope, nil)
	w.must(err, "take a snapshot")
	lines := gunzipLines(w, s.Gzip)
	for _, line := range lines[1:] {
		st := &fieldsync.State{}
		w.must(json.Unmarshal([]byte(line), st), "read a state")
		states = append(states, st)
	}
	return states
}

func published(changes []*logLine) (dots []string) {
	for _, c := range changes {
		if c.published() {
			dots = append(dots, c.dot)
		}
	}
	slices.Sort(dots)
	return dots
}

// ownAct is an act of the board and what it was shown.
type ownAct struct {
	dot     string
	v       viewed
	unit    string
	parents []fieldsync.Dot
}

// checkActs is I6: an act of the board closes exactly what it showed.
func (w *world) checkActs(log *changeLog) {
	for _, a := range w.ownActs {
		c := log.byDot[a.dot]
		if c == nil {
			if w.home.epochs == 0 {
				w.fail("I4: the board's act %s is gone", a.dot)
			}
			continue
		}
		var want []string
		for _, p := range a.parents {
			want = append(want, p.String())
		}
		got := slices.Clone(c.P)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			w.fail("I6: the board's act %s names %v, and was shown %v", a.dot, got, want)
		}
	}
}

// checkPublishedForGood: what was ever published is at home at the end, but for acts of the board that a restore of the server
// took, and what an old copy of a tablet's folder took.
func (w *world) checkPublishedForGood(log *changeLog) {
	if w.home.epochs > 0 {
		return // the witness answers for what tablets saved; the rest went with the backup
	}
	for dot := range w.registry {
		if log.byDot[dot] == nil {
			w.fail("I4: %s was at home, and is not any more", dot)
		}
	}
}

// checkPrints is I8: equal fingerprints, provably complete. After a restore of the server a tablet may know more than it.
func (w *world) checkPrints(t *tab) {
	have, err := t.store.Fingerprints(bg)
	w.must(err, "fingerprints")
	for _, scope := range w.home.granted(t.account) {
		var count uint64
		w.home.query("SELECT fp_count FROM scope_head WHERE scope = $1", func(rows *sql.Rows) error { return rows.Scan(&count) }, scope)
		if got := have[scope].Count; got != count && (w.home.epochs == 0 || got < count) {
			w.fail("I8: %s has %d changes of %s, the server %d", t.name, got, scope, count)
		}
	}
}

// checkNode is I2 for one tablet: each record it has is the fold of what it has seen. When whole it has, of its villages, all
// that is published, and of others nothing.
func (w *world) checkNode(t *tab, log *changeLog, whole bool) {
	places := w.places(t.account)
	states := t.states()
	for rec, state := range states {
		if d := differs(state, w.everSeen(log, rec)); d != "" {
			w.fail("I2: %s has a state of %s that is not the fold of what it has seen: %s", t.name, rec, d)
		}
		if whole {
			w.checkWhole(t, rec, state, log, places)
		}
	}
	for rec := range places {
		if whole && states[rec] == nil && len(published(log.byRec[rec])) > 0 {
			w.fail("I8: %s lacks %s, which stands in its villages", t.name, rec)
		}
	}
}

// states reads what the tablet has of each record, from a copy of its database.
func (t *tab) states() map[string]*fieldsync.State {
	dir := t.copy()
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, tabletFile))
	t.w.must(err, "open a copy")
	defer db.Close()
	rows, err := db.Query("SELECT rec, state FROM record")
	t.w.must(err, "read a copy")
	defer rows.Close()
	out := map[string]*fieldsync.State{}
	for rows.Next() {
		var rec string
		var body []byte
		t.w.must(rows.Scan(&rec, &body), "read a copy")
		out[rec] = unpack(t.w, body)
	}
	t.w.must(rows.Err(), "read a copy")
	return out
}

func (w *world) checkWhole(t *tab, rec string, state *fieldsync.State, log *changeLog, places map[string]bool) {
	if !places[rec] && len(state.Seen) > 0 { // what a tablet wrote itself of a village that is not its own stays, and holds nothing of others
		w.fail("I12: %s still has %s, which stands in none of its villages (%v)", t.name, rec, w.home.granted(t.account))
	}
	got, want := seenDots(state), published(log.byRec[rec])
	if w.home.epochs > 0 { // acts of the board younger than the backup live on where they were seen
		got = slices.DeleteFunc(got, func(dot string) bool { return log.byDot[dot] == nil })
	}
	if places[rec] && !slices.Equal(got, want) {
		w.fail("I8: %s has seen %v of %s, published are %v", t.name, got, rec, want)
	}
}

// places are the records that stand in an account's scopes.
func (w *world) places(account string) map[string]bool {
	scopes := map[string]bool{}
	for _, area := range w.home.granted(account) {
		for _, s := range append([]string{area}, above[area]...) {
			scopes[s] = true
		}
	}
	out := map[string]bool{}
	w.home.query("SELECT scope, rec FROM record_scope", func(rows *sql.Rows) error {
		var scope, rec string
		err := rows.Scan(&scope, &rec)
		if scopes[scope] {
			out[rec] = true
		}
		return err
	})
	return out
}

// everSeen are a record's changes at home, and those that were once.
func (w *world) everSeen(log *changeLog, rec string) []*logLine {
	list := slices.Clone(log.byRec[rec])
	if w.home.epochs == 0 {
		return list
	}
	for dot, bytes := range w.registry {
		if log.byDot[dot] == nil && strings.Contains(bytes, rec) {
			c := &logLine{dot: dot, State: "published"}
			w.must(json.Unmarshal([]byte(bytes), c), "read a change")
			if c.R == rec {
				list = append(list, c)
			}
		}
	}
	return list
}

var unzstd, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))

func unpack(w *world, body []byte) *fieldsync.State {
	plain, err := unzstd.DecodeAll(body, nil)
	w.must(err, "unpack a record")
	st := &fieldsync.State{}
	w.must(json.Unmarshal(plain, st), "read a record")
	return st
}

// alarmsExcused: after a restore or beside a clone a difference from the server is how it is found.
func (w *world) alarmsExcused() bool { return w.restores > 0 || w.home.epochs > 0 }

var _ tablet.Sealer = (*gate)(nil)

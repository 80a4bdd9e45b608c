package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

const (
	sideFile   = "last-change.json"
	tabletFile = "rasoat.db"
	address    = "http://home.example"
)

// tab is one tablet: the real store in a folder of its own.
type tab struct {
	w       *world
	name    string
	account string
	dir     string
	store   *tablet.Store
	form    *tablet.Form // the one that is open, if any
	skew    atomic.Int64 // its clock less the true one, milliseconds
	gate    gate
	link    link
	backups []backup
	// lives counts kills, restores and clones; knowledge of one life says nothing of the next.
	lives   int
	cursors map[string]fieldsync.Cursor
}

// backup is an old copy of a tablet's folder.
type backup struct {
	dir  string
	save int // how many saves the witness knew then
}

func (t *tab) now() time.Time { return time.UnixMilli(t.w.clock.Load() + t.skew.Load()).UTC() }

func (t *tab) open() {
	t.gate = gate{}
	t.link = link{w: t.w, t: t}
	s, err := tablet.Open(bg, t.dir, tablet.Options{Now: t.now, Log: slog.New(t.w.log), Sealer: &t.gate, App: "sim",
		HTTP: &http.Client{Transport: &t.link, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}})
	t.w.must(err, "open "+t.name)
	t.store, t.form, t.cursors = s, nil, map[string]fieldsync.Cursor{}
	t.lives++
}

func (t *tab) enrol() {
	code, _, err := t.w.home.store.NewEnrolCode(bg, "", t.account)
	t.w.must(err, "make a code")
	t.w.must(t.store.Enrol(bg, address, code), "enrol "+t.name)
}

// gate is the tablet's Sealer. Sealing changes nothing here, but it happens inside every transaction, once for each value:
// so it is where a tablet is killed or its disk fails in the middle of one (fault points T1, T2, T9, D7, D8).
type gate struct {
	left int // seals until it happens; 0 never
	then func() error
	hit  bool
}

var errDisk = errors.New("sim: the disk is full")

func (g *gate) arm(n int, then func() error) { g.left, g.then, g.hit = n, then, false }

func (g *gate) disarm() (hit bool) {
	hit = g.hit
	*g = gate{}
	return hit
}

func (g *gate) Seal(_ string, b []byte) ([]byte, error) {
	if g.left > 0 {
		if g.left--; g.left == 0 {
			g.hit = true
			if err := g.then(); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func (g *gate) Open(_ string, b []byte) ([]byte, error) { return b, nil }

// copy puts the folder aside as a power cut would leave it now.
func (t *tab) copy() string {
	to := t.w.folder("copy")
	t.w.must(copyDir(t.dir, to), "copy the folder of "+t.name)
	return to
}

// become kills the program and starts it on another folder.
func (t *tab) become(dir string) {
	old, dead := t.dir, t.store
	t.gate.disarm()
	if err := dead.Close(); err != nil {
		t.w.fail("close %s: %v", t.name, err)
	}
	t.w.must(os.RemoveAll(old), "remove a dead folder")
	t.dir = dir
	t.w.witness.killed(t)
	t.open()
	t.w.checkLog()
}

// outcome is what a person is told of a save.
type outcome int

const (
	done    outcome = iota // reported as done: the witness writes it down
	doubt                  // the program died or failed over it: it may be there or not
	refused                // refused with a reason; nothing was saved
)

// do lets the tablet do something, now and then with a fault in the middle of it or right behind it.
func (t *tab) do(r *rand.Rand, what string, op func() error) outcome {
	side, _ := os.ReadFile(filepath.Join(t.dir, sideFile))
	copied := ""
	switch n := r.IntN(100); {
	case n < 5:
		t.gate.arm(1+r.IntN(14), func() error { copied = t.copy(); return nil })
	case n < 9:
		t.gate.arm(1+r.IntN(10), func() error { return fmt.Errorf("write: %w", errDisk) })
	}
	after := chance(r, 3)
	err := op()
	hit := t.gate.disarm()
	switch {
	case copied != "":
		t.w.fault("T2 %s killed inside %s", t.name, what)
		t.become(copied)
		return doubt
	case hit:
		t.w.fault("D8 the disk of %s failed inside %s (%v)", t.name, what, err)
		if err == nil {
			return done
		}
		return doubt
	case err != nil:
		t.explain(what, err)
		return refused
	case after:
		t.w.fault("T4 %s killed after %s, before the side file", t.name, what)
		copied = t.copy()
		if len(side) > 0 {
			t.w.must(os.WriteFile(filepath.Join(copied, sideFile), side, 0o600), "put the old side file back")
		}
		t.link.killed = copied // carried out when the witness has written down what was reported
	}
	return done
}

// settleKill carries out a kill that was put off.
func (t *tab) settleKill() (killed bool) {
	if t.link.killed == "" {
		return false
	}
	copied := t.link.killed
	t.link.killed = ""
	t.become(copied)
	return true
}

// explain fails on an error a person could do nothing with.
func (t *tab) explain(what string, err error) {
	var p *tablet.Problem
	if !errors.As(err, &p) {
		t.w.fail("%s: %s: %v", t.name, what, err)
	}
	t.w.note("    %s: %s refused: %s", t.name, what, p.Code)
}

// local watches what a session asks of the tablet: cursors never go back in one life.
type local struct {
	*tablet.Store
	t *tab
}

func (l local) Cursors(ctx ctxt) (map[string]fieldsync.Cursor, error) {
	now, err := l.Store.Cursors(ctx)
	for scope, c := range now {
		if was := l.t.cursors[scope]; was.Epoch == c.Epoch && c.Pos < was.Pos {
			l.t.w.fail("I8: %s read %s to %d, and now only to %d", l.t.name, scope, was.Pos, c.Pos)
		}
	}
	l.t.cursors = now
	return now, err
}

// Bootstrap checks I7: a snapshot is joined to what is here, it never takes a change away.
func (l local) Bootstrap(ctx ctxt, head *fieldsync.SnapshotHead, states []*fieldsync.State) error {
	before := l.t.states()
	err := l.Store.Bootstrap(ctx, head, states)
	after := l.t.states()
	for rec, was := range before {
		now := after[rec]
		for _, dot := range seenDots(was) {
			if now != nil && !sees(now, dot) {
				l.t.w.fail("I7: %s knew %s of %s, and after a snapshot of %s no more", l.t.name, dot, rec, head.Scope)
			}
		}
	}
	return err
}

// sync runs one session over a link of which bad percent of the requests suffer.
func (t *tab) sync(r *rand.Rand, bad int) error {
	w := t.w
	w.count.syncs++
	t.link.begin(r, bad)
	copied := ""
	if r != nil && bad > 0 && chance(r, 12) {
		t.gate.arm(1+r.IntN(60), func() error { copied = t.copy(); t.link.dead = true; return nil })
	} else if r != nil && bad > 0 && chance(r, 6) {
		t.gate.arm(1+r.IntN(60), func() error { return fmt.Errorf("write: %w", errDisk) })
	}
	session := fieldsync.Session{Client: t.store.Client(), Local: local{t.store, t}, Attempts: 6, Sleep: w.wait, Jitter: func() float64 { return 0.5 }}
	sum, err := session.Run(bg)
	hit := t.gate.disarm()
	if copied == "" {
		copied = t.link.killed
	} else {
		w.fault("T9 %s killed inside a session", t.name)
	}
	t.link.killed = ""
	if copied != "" {
		t.become(copied)
		return errKilled
	}
	if hit {
		w.fault("D8 the disk of %s failed inside a session (%v)", t.name, err)
	}
	w.note("    %s sent %d pulled %d snapshots %d renewed %v: %v", t.name, sum.Sent, sum.Pulled, sum.Snapshots, sum.Renewed, err)
	if len(sum.Alarms) > 0 && !w.alarmsExcused() {
		w.fail("I8: %s differs from the server in %v after a whole pull", t.name, sum.Alarms)
	}
	return err
}

var errKilled = errors.New("sim: the tablet was killed")

func (w *world) wait(_ ctxt, d time.Duration) error {
	w.clock.Add(d.Milliseconds())
	return nil
}

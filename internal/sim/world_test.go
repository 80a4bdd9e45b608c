package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

var bg = context.Background()

type ctxt = context.Context

// world is one run: a server, its tablets, the people who work with them, and the witness.
type world struct {
	seed   uint64
	dir    string
	clock  atomic.Int64 // true time, Unix milliseconds
	home   *home
	tabs   []*tab
	houses []string // households in the order they came to be; steps choose by place in it, never by an id, which is random
	late   []request
	log    *watchLog

	witness  witness
	registry map[string]string // dot → the bytes anybody has ever published under it
	decided  map[string]string // dot → what a person decided about it when it was held
	shown    []viewed          // records as the board saw them some time ago
	ownActs  []ownAct
	sticks   []string
	restores int // tablets put back or cloned
	// oldFolders: in this run whole folders of tablets are put back and cloned; in the others the server is put back. Both at
	// once cannot be told apart from the truth by anybody: a tablet and the server that have both forgotten a change give its
	// number to another.
	oldFolders bool
	next       int // makes values and folders unlike any other

	trace []string
	count counts
}

// counts are what a run did.
type counts struct{ steps, changes, faults, syncs, saves, givenUp, lost int }

func (c *counts) add(o counts) {
	c.steps += o.steps
	c.changes += o.changes
	c.faults += o.faults
	c.syncs += o.syncs
	c.saves += o.saves
	c.givenUp += o.givenUp
	c.lost += o.lost
}

// failure is how a run ends when something that must hold does not.
type failure struct {
	text  string
	trace []string
}

// epochStart is where the virtual clock begins.
var epochStart = time.Date(2024, 10, 1, 8, 0, 0, 0, time.UTC).UnixMilli()

func (w *world) fail(format string, args ...any) { panic(failure{text: fmt.Sprintf(format, args...)}) }

func (w *world) must(err error, doing string) {
	if err != nil {
		w.fail("%s: %v", doing, err)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// fault counts and tells one fault.
func (w *world) fault(format string, args ...any) {
	w.count.faults++
	w.note("    fault: "+format, args...)
}

// token is a value nobody has written before.
func (w *world) token() string {
	w.next++
	return fmt.Sprintf("v%d", w.next)
}

func (w *world) folder(what string) string {
	w.next++
	return filepath.Join(w.dir, fmt.Sprintf("%s-%d", what, w.next))
}

// run makes a world of a seed, takes the steps and heals. Each step draws from its own source: leaving some out, as shrinking
// does, leaves the others what they were.
func run(seed uint64, steps []int) (count counts, bad *failure) {
	w := &world{seed: seed, registry: map[string]string{}, decided: map[string]string{}, log: &watchLog{}}
	w.witness.w = w
	w.clock.Store(epochStart)
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				f = failure{text: fmt.Sprintf("panic: %v\n%s", p, debug.Stack())}
			}
			f.trace = w.trace
			count, bad = w.count, &f // the stores stay open: one of them may hold a lock for ever
		}
		os.RemoveAll(w.dir)
	}()
	w.build(w.source(0))
	for _, i := range steps {
		w.step(i)
	}
	w.note("heal")
	w.heal()
	w.checkAll()
	w.close()
	return w.count, nil
}

func (w *world) source(step int) *rand.Rand { return rand.New(rand.NewPCG(w.seed, uint64(step))) }

func (w *world) step(i int) {
	r := w.source(i + 1)
	w.count.steps++
	w.clock.Add(int64(r.IntN(3600)) * 1000)
	k := pick(r, kinds)
	t := w.tabs[r.IntN(len(w.tabs))]
	w.note("%4d %s %s", i, k.name, t.name)
	k.do(w, r, t)
	w.checkLog()
}

// kind is one kind of step; the weights say how often each comes.
type kind struct {
	weight int
	name   string
	do     func(w *world, r *rand.Rand, t *tab)
}

func pick(r *rand.Rand, from []kind) kind {
	all := 0
	for _, k := range from {
		all += k.weight
	}
	n := r.IntN(all)
	for _, k := range from {
		if n -= k.weight; n < 0 {
			return k
		}
	}
	return from[0]
}

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func one[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// build starts a server from the prepared folder and enrols two to four tablets over a perfect link.
func (w *world) build(r *rand.Rand) {
	w.oldFolders = chance(r, 50)
	var err error
	w.dir, err = os.MkdirTemp(scratch(), "rasoat-sim-")
	w.must(err, "make a folder")
	w.home = &home{w: w, dir: w.folder("home")}
	w.must(copyDir(prepared(), w.home.dir), "copy the prepared store")
	w.home.open()
	for _, h := range preparedHouses {
		w.houses = append(w.houses, h.id)
	}
	for i := range 2 + r.IntN(3) {
		t := &tab{w: w, name: fmt.Sprintf("T%d", i), account: fmt.Sprintf("en%d", i), dir: w.folder("tablet")}
		t.open()
		t.enrol()
		w.tabs = append(w.tabs, t)
		t.sync(nil, 0)
	}
	w.home.enrolCanary()
}

func (w *world) close() {
	for _, t := range w.tabs {
		w.must(t.store.Close(), "close "+t.name)
	}
	w.must(w.home.store.Close(), "close the server")
}

// scratch is a folder in memory where there is one: a save waits for the disk, and here are thousands.
func scratch() string {
	const memory = "/dev/shm"
	if s, err := os.Stat(memory); err == nil && s.IsDir() {
		return memory
	}
	return ""
}

// copyDir copies the files of a folder as they stand. Of a store in use that is what a power cut leaves: what a transaction
// has not committed is in the log without its end.
func copyDir(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") || !e.Type().IsRegular() {
			continue // shared memory does not outlive its process
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// watchLog keeps what the stores say of errors: an error nobody was told of is a failure here.
type watchLog struct{ lines []string }

func (l *watchLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (l *watchLog) Handle(_ context.Context, rec slog.Record) error {
	var b strings.Builder
	b.WriteString(rec.Message)
	rec.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	if rec.Level >= slog.LevelError || strings.Contains(rec.Message, "differs from the server's") {
		l.lines = append(l.lines, b.String())
	}
	return nil
}

func (l *watchLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *watchLog) WithGroup(string) slog.Handler      { return l }

// checkLog fails on what the stores logged as errors since the last step.
func (w *world) checkLog() {
	lines := w.log.lines
	w.log.lines = nil
	for _, line := range lines {
		if !slices.ContainsFunc(expected, func(s string) bool { return strings.Contains(line, s) }) {
			w.fail("a store logged: %s", line)
		}
	}
}

// expected are texts of faults made on purpose.
var expected = []string{errDisk.Error()}

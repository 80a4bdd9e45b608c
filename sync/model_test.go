package sync

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The model says what a record is, without saying how to keep it up: a unit's live writes are the writes of it that no change
// of the set, which writes the same unit, has named as parent. It knows only a set of changes, so order, repetition and path
// cannot matter to it.
type model map[Dot]*Change

func (m model) heads(unit string) map[Dot]string {
	live := map[Dot]string{}
	for d, c := range m {
		for _, w := range c.Writes {
			if w.Unit == unit {
				live[d] = string(w.Value)
			}
		}
	}
	for _, c := range m {
		if slices.ContainsFunc(c.Writes, func(w Write) bool { return w.Unit == unit }) {
			for _, p := range c.Parents {
				delete(live, p)
			}
		}
	}
	return live
}

// waiting returns the parents named by someone and not here, each with the units it has lost.
func (m model) waiting() map[Dot][]string {
	lost := map[Dot][]string{}
	for _, c := range m {
		for _, p := range c.Parents {
			if m[p] != nil {
				continue
			}
			for _, w := range c.Writes {
				if !slices.Contains(lost[p], w.Unit) {
					lost[p] = append(lost[p], w.Unit)
				}
			}
		}
	}
	return lost
}

// expectation is all that a record which has seen the model's changes must show.
type expectation struct {
	model   model
	units   []string
	heads   map[string]map[Dot]string
	alive   map[Dot]bool
	waiting map[Dot][]string
	fp      Fingerprint
}

func (m model) expect(units []string) *expectation {
	e := &expectation{model: m, units: units, heads: map[string]map[Dot]string{}, alive: map[Dot]bool{}, waiting: m.waiting()}
	for d := range m {
		e.fp = e.fp.Add(DotFingerprint(d))
	}
	for _, unit := range units {
		e.heads[unit] = m.heads(unit)
		for d := range e.heads[unit] {
			e.alive[d] = true
		}
	}
	for _, lost := range e.waiting {
		slices.Sort(lost)
	}
	return e
}

// differs says what of the expectation a record does not meet; "" means nothing.
func (e *expectation) differs(r *Record) string {
	for d := range e.model {
		if !r.Seen(d) {
			return fmt.Sprintf("%s was applied and is not seen", d)
		}
	}
	if r.Fingerprint() != e.fp {
		return fmt.Sprintf("fingerprint %v, want %v", r.Fingerprint(), e.fp)
	}
	for unit, want := range e.heads {
		got := r.Heads(unit)
		same := len(got) == len(want)
		for _, h := range got {
			v, ok := want[h.Dot]
			same = same && ok && v == string(h.Value)
		}
		if !same {
			return fmt.Sprintf("unit %s: live writes %v, want %v", unit, got, want)
		}
	}
	if len(r.live) != len(e.alive) || len(r.by) != len(e.alive) {
		return fmt.Sprintf("live changes %v, want %v", r.LiveDots(), e.alive)
	}
	for d := range e.alive {
		c := e.model[d]
		if want := (Author{c.Account, c.Role, c.At, c.Form, c.Why}); r.Author(d) != want {
			return fmt.Sprintf("author of %s: %v, want %v", d, r.Author(d), want)
		}
	}
	if len(r.over) != len(e.waiting) {
		return fmt.Sprintf("waits for %v, want %v", r.Waiting(), e.waiting)
	}
	for d, lost := range e.waiting {
		if got := sortedKeys(r.over[d]); !slices.Equal(got, lost) {
			return fmt.Sprintf("%s has lost %v, want %v", d, got, lost)
		}
	}
	return ""
}

// lab is a few nodes that save, receive, exchange states, crash and come back, with what each has seen written down apart.
type lab struct {
	nodes []*node
	all   []*Change
	shown map[Dot]map[Dot]bool // change → what stood on its author's screen
	units []string
}

type node struct {
	replica string
	record  *Record
	seen    model
	form    *Record // the snapshot of the open form
	screen  map[Dot]bool
	seq     uint64
}

const labRecord = "0199c0de-0000-7000-8000-0000000000aa"

func newLab(n int) *lab {
	l := &lab{shown: map[Dot]map[Dot]bool{}, units: []string{".", "a", "b", "m/1/c"}}
	for i := range n {
		l.nodes = append(l.nodes, &node{replica: strings.Repeat(string(rune('A'+i)), 10) + "A", record: NewRecord(labRecord, "interview"), seen: model{}})
	}
	return l
}

func (n *node) receive(c *Change) {
	n.record.Apply(c)
	n.seen[c.Dot] = c
}

func (n *node) open() {
	n.form, n.screen = n.record.Clone(), map[Dot]bool{}
	for d := range n.seen {
		n.screen[d] = true
	}
}

// save cuts a change from the open form: its parents are what the form shows, whatever has been pulled meanwhile.
func (l *lab) save(n *node, units []string, value string, at int64) *Change {
	if n.form == nil {
		n.open()
	}
	n.seq++
	c := &Change{Dot: Dot{n.replica, n.seq}, Record: labRecord, Kind: "interview", Op: OpEdit, Account: "u" + n.replica[:1], Role: "enumerator",
		At: at, Parents: n.form.ParentsOf(units)}
	for _, u := range units {
		c.Writes = append(c.Writes, Write{u, []byte(value)})
	}
	l.all = append(l.all, c)
	l.shown[c.Dot] = maps.Clone(n.screen)
	n.receive(c)
	n.form.Apply(c)
	n.screen[c.Dot] = true
	return c
}

// check is I1, I2 and I3 on every node.
func (l *lab) check(t interface{ Fatalf(string, ...any) }) {
	for i, n := range l.nodes {
		if why := n.seen.expect(l.units).differs(n.record); why != "" {
			t.Fatalf("node %d is not the fold of what it has seen: %s\nchanges: %s", i, why, l)
		}
	}
	for _, c := range l.all {
		for _, p := range c.Parents {
			if !l.shown[c.Dot][p] {
				t.Fatalf("%s names %s as parent, which its author never saw: an update is lost\nchanges: %s", c.Dot, p, l)
			}
		}
	}
}

func (l *lab) String() string {
	var b strings.Builder
	for _, c := range l.all {
		fmt.Fprintf(&b, "\n  %s p=%v", c.Dot, c.Parents)
		for _, w := range c.Writes {
			fmt.Fprintf(&b, " %s=%s", w.Unit, w.Value)
		}
	}
	return b.String()
}

// stored takes a record through a store and back.
func (n *node) stored() error {
	b := n.record.AppendStored(nil)
	needed, err := StoredDots(b)
	if err != nil {
		return err
	}
	back, err := RestoreRecord(labRecord, "interview", b, func(d Dot) (*Change, error) {
		if !slices.Contains(needed, d) || n.seen[d] == nil {
			return nil, fmt.Errorf("change %s was not announced", d)
		}
		return n.seen[d], nil
	})
	if err == nil {
		n.record = back
	}
	return err
}

// travelled takes a state over the wire.
func travelled(r *Record) (*Record, error) {
	s := r.State("01969-03")
	line, err := ParsePullLine((&PullLine{C: &Position{"01969-03", 7}, State: &s}).Append(nil))
	if err != nil {
		return nil, err
	}
	return FromState(line.State)
}

func TestStateIsAFunctionOfTheSetOfChangesOnEveryNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(rapid.IntRange(2, 4).Draw(t, "nodes"))
		pick := func() *node { return l.nodes[rapid.IntRange(0, len(l.nodes)-1).Draw(t, "node")] }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { l.check(t) },
			"open": func(*rapid.T) {
				pick().open()
			},
			"save": func(t *rapid.T) {
				units := rapid.SliceOfNDistinct(rapid.SampledFrom(l.units), 1, 3, rapid.ID).Draw(t, "units")
				l.save(pick(), units, rapid.SampledFrom([]string{`1`, `2`, `"x"`}).Draw(t, "value"), int64(rapid.IntRange(0, 9).Draw(t, "at")))
			},
			"receive": func(t *rapid.T) {
				if len(l.all) > 0 {
					pick().receive(rapid.SampledFrom(l.all).Draw(t, "change"))
				}
			},
			"join": func(t *rapid.T) {
				from, to := pick(), pick()
				theirs, err := travelled(from.record)
				if err != nil {
					t.Fatalf("state over the wire: %v", err)
				}
				to.record.Join(theirs)
				maps.Copy(to.seen, from.seen)
			},
			"restart": func(t *rapid.T) {
				if err := pick().stored(); err != nil {
					t.Fatalf("state through a store: %v", err)
				}
			},
		})
		l.quiesce(t)
	})
}

// quiesce brings everything to everyone in some order, and checks that all are equal (I1, I2) and hold nothing more (I11).
func (l *lab) quiesce(t *rapid.T) {
	for _, n := range l.nodes {
		for _, c := range rapid.Permutation(l.all).Draw(t, "order") {
			n.receive(c)
		}
		n.form = nil
	}
	l.check(t)
	first := l.nodes[0].record
	for _, n := range l.nodes[1:] {
		if a, b := first.State("s"), n.record.State("s"); string(a.Append(nil)) != string(b.Append(nil)) {
			t.Fatalf("two nodes saw the same and differ:\n%s\n%s", a.Append(nil), b.Append(nil))
		}
		if first.Version() != n.record.Version() {
			t.Fatalf("equal records with versions %s and %s", first.Version(), n.record.Version())
		}
	}
	if len(first.over) > 0 || len(first.by) > len(l.all) || len(first.by) != len(first.live) {
		t.Fatalf("after everything arrived the record still keeps over %v, %d authors, %d live", first.over, len(first.by), len(first.live))
	}
}

// histories calls f with every way in which n changes may come about: each writes one of the sets of units, having seen any of
// the changes before it. Only what the merge can tell apart is tried: the same parents and units come once.
func histories(n int, sets [][]string, f func([]*Change)) int {
	count := 0
	var grow func(made []*Change)
	grow = func(made []*Change) {
		if len(made) == n {
			count++
			f(made)
			return
		}
		tried := map[string]bool{}
		for _, units := range sets {
			for mask := range 1 << len(made) {
				base := NewRecord(labRecord, "interview")
				for i, c := range made {
					if mask>>i&1 == 1 {
						base.Apply(c)
					}
				}
				k := len(made)
				c := &Change{Dot: Dot{strings.Repeat(string(rune('A'+k%3)), 10) + "A", uint64(k/3 + 1)}, Record: labRecord, Kind: "interview", Parents: base.ParentsOf(units)}
				for _, u := range units {
					c.Writes = append(c.Writes, Write{u, fmt.Appendf(nil, "%d", k)})
				}
				if key := fmt.Sprint(units, c.Parents); !tried[key] {
					tried[key] = true
					grow(append(slices.Clone(made), c))
				}
			}
		}
	}
	grow(nil)
	return count
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return out
}

// orders are the permutations of up to four changes.
var orders = [][][]int{permutations(0), permutations(1), permutations(2), permutations(3), permutations(4)}

func foldOf(changes []*Change) *Record {
	r := NewRecord(labRecord, "interview")
	for _, c := range changes {
		r.Apply(c)
	}
	return r
}

func modelOf(changes []*Change) model {
	m := model{}
	for _, c := range changes {
		m[c.Dot] = c
	}
	return m
}

// allOrders checks every order of a history, and every way of two nodes to share it and then join.
func allOrders(t *testing.T, units []string, made []*Change) {
	want := modelOf(made).expect(units)
	for _, order := range orders[len(made)] {
		r := NewRecord(labRecord, "interview")
		for _, i := range order {
			r.Apply(made[i])
		}
		r.Apply(made[order[0]]) // and once more
		if why := want.differs(r); why != "" {
			t.Fatalf("order %v: %s\nchanges: %s", order, why, &lab{all: made})
		}
	}
	if testing.Short() && len(made) > 3 {
		return // hundreds of joins each: the longest part, and three changes show what four do
	}
	allJoins(t, units, made)
}

// allJoins lets each change be on the left, on the right, on both or on neither, takes the left through a store, and joins.
func allJoins(t *testing.T, units []string, made []*Change) {
	want := make([]*expectation, 1<<len(made)) // by the set of changes that are somewhere
	left, right := make([]*Change, 0, len(made)), make([]*Change, 0, len(made))
	for way := range 1 << (2 * len(made)) {
		left, right = left[:0], right[:0]
		anywhere := 0
		for i, c := range made {
			if way>>(2*i)&1 == 1 {
				left = append(left, c)
			}
			if way>>(2*i)&2 == 2 {
				right = append(right, c)
			}
			if way>>(2*i)&3 != 0 {
				anywhere |= 1 << i
			}
		}
		if len(made) > 3 && anywhere != 1<<len(made)-1 {
			continue // gaps are tried with three changes
		}
		if want[anywhere] == nil {
			want[anywhere] = modelOf(slices.Concat(left, right)).expect(units)
		}
		a := &node{record: foldOf(left), seen: modelOf(left)}
		if err := a.stored(); err != nil {
			t.Fatal(err)
		}
		a.record.Join(foldOf(right))
		if why := want[anywhere].differs(a.record); why != "" {
			t.Fatalf("one node saw %v, the other %v, joined: %s\nchanges: %s", dotsOf(left), dotsOf(right), why, &lab{all: made})
		}
	}
}

func dotsOf(changes []*Change) (dots []Dot) {
	for _, c := range changes {
		dots = append(dots, c.Dot)
	}
	return dots
}

func TestEverySmallHistoryMergesAlikeInEveryOrderAndByEveryJoin(t *testing.T) {
	two, three := [][]string{{"a"}, {"b"}, {"a", "b"}}, [][]string{{"a"}, {"b"}, {"c"}, {"a", "b"}, {"b", "c"}, {"a", "c"}, {"a", "b", "c"}}
	total, longest := 0, 4
	if raceDetector {
		longest = 3
	}
	for n := 1; n <= longest; n++ {
		total += histories(n, two, func(made []*Change) { allOrders(t, []string{"a", "b"}, made) })
	}
	if !testing.Short() {
		total += histories(3, three, func(made []*Change) { allOrders(t, []string{"a", "b", "c"}, made) })
	}
	t.Logf("%d histories", total)
}

func TestJoinIsCommutativeAssociativeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(3)
		for range rapid.IntRange(1, 12).Draw(t, "saves") {
			n := l.nodes[rapid.IntRange(0, 2).Draw(t, "node")]
			if len(l.all) > 0 && rapid.Bool().Draw(t, "receive") {
				n.receive(rapid.SampledFrom(l.all).Draw(t, "change"))
				n.form = nil
			}
			l.save(n, rapid.SliceOfNDistinct(rapid.SampledFrom(l.units), 1, 2, rapid.ID).Draw(t, "units"), `1`, 0)
		}
		text := func(r *Record) string { s := r.State("s"); return string(s.Append(nil)) }
		join := func(a, b *Record) *Record { c := a.Clone(); c.Join(b); return c }
		a, b, c := l.nodes[0].record, l.nodes[1].record, l.nodes[2].record
		before := text(b)
		if x, y := text(join(a, b)), text(join(b, a)); x != y {
			t.Fatalf("a with b:\n%s\nb with a:\n%s", x, y)
		}
		if x, y := text(join(join(a, b), c)), text(join(a, join(b, c))); x != y {
			t.Fatalf("(ab)c:\n%s\na(bc):\n%s", x, y)
		}
		if x, y := text(join(a, a)), text(a); x != y {
			t.Fatalf("a with itself:\n%s\na:\n%s", x, y)
		}
		if text(b) != before {
			t.Fatalf("joining b into a changed b")
		}
	})
}

func TestAResolutionClosesExactlyWhatItShowed(t *testing.T) {
	l := newLab(4)
	a, b, c, board := l.nodes[0], l.nodes[1], l.nodes[2], l.nodes[3]
	one, two := l.save(a, []string{"a"}, `1`, 1), l.save(b, []string{"a"}, `2`, 2)
	unseen := l.save(c, []string{"a"}, `3`, 3)
	board.receive(one)
	board.receive(two)
	if open := board.record.Conflicts(nil); len(open) != 1 || len(open[0].Values) != 2 {
		t.Fatalf("two values are open, got %v", open)
	}
	board.open()
	board.receive(unseen) // arrives while the board has the two on the screen
	decision := l.save(board, []string{"a"}, `2`, 4)
	if !slices.Equal(decision.Parents, []Dot{one.Dot, two.Dot}) {
		t.Fatalf("the decision names %v, the board saw %v and %v", decision.Parents, one.Dot, two.Dot)
	}
	l.check(t)
	open := board.record.Conflicts(nil)
	if len(open) != 1 || !slices.EqualFunc(open[0].Values, []Dot{decision.Dot, unseen.Dot}, func(h Head, d Dot) bool { return h.Dot == d }) {
		t.Fatalf("the value nobody had seen reopens the conflict with the decision as one side, got %v", open)
	}
}

func TestClocksDecideNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(3)
		for range rapid.IntRange(1, 10).Draw(t, "saves") {
			l.save(l.nodes[rapid.IntRange(0, 2).Draw(t, "node")], []string{rapid.SampledFrom(l.units).Draw(t, "unit")}, `1`, 5)
		}
		plain, odd := foldOf(l.all), NewRecord(labRecord, "interview")
		for _, c := range l.all {
			other := *c
			other.At = rapid.Int64Range(-maxNumber, maxNumber).Draw(t, "at")
			odd.Apply(&other)
		}
		for _, u := range l.units {
			same := func(a, b Head) bool { return a.Dot == b.Dot && string(a.Value) == string(b.Value) }
			if !slices.EqualFunc(plain.Heads(u), odd.Heads(u), same) {
				t.Fatalf("other clocks, other live writes of %s: %v, %v", u, plain.Heads(u), odd.Heads(u))
			}
			byDot := func(a, b Head) int { return cmp.Or(a.Dot.Compare(b.Dot)) }
			x, y := slices.SortedFunc(slices.Values(plain.Look(u, nil).Values), byDot), slices.SortedFunc(slices.Values(odd.Look(u, nil).Values), byDot)
			if len(x) != len(y) {
				t.Fatalf("other clocks, another conflict on %s: %v, %v", u, x, y)
			}
		}
		if plain.Version() != odd.Version() || plain.Fingerprint() != odd.Fingerprint() {
			t.Fatalf("other clocks, another version or fingerprint")
		}
	})
}

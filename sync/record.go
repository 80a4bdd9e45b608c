package sync

import (
	"slices"
	"strings"
)

// Record is the merged state of one record: for every unit the writes that no other write has named as parent.
// It is a pure function of the set of changes applied, whatever their order, and however often each came.
//
// The zero Record is not usable; make one with NewRecord. A Record is not safe for concurrent use.
type Record struct {
	ID   string
	Kind string

	seen  map[string]ranges       // replica → sequence numbers applied
	heads map[string][]Head       // unit → live writes, sorted by dot
	over  map[Dot]map[string]bool // parents not yet here → units they have already lost
	by    map[Dot]Author          // authors of the live dots
	live  map[Dot]liveness        // dots that are head of some unit
	fp    Fingerprint
}

// Head is one live write of a unit. Value is verbatim JSON.
type Head struct {
	Dot   Dot
	Value []byte
}

// Author is what people see beside a value: who wrote it, in which role, when by the device's clock, under which form, why.
type Author struct {
	Account string
	Role    string
	At      int64 // Unix milliseconds of the device's clock
	Form    string
	Why     string
}

// liveness counts the units a change is still head of, of all it wrote; of is 0 where the change itself was never here.
type liveness struct{ heads, of int }

// NewRecord returns the empty state of a record.
func NewRecord(id, kind string) *Record {
	return &Record{
		ID: id, Kind: kind,
		seen:  map[string]ranges{},
		heads: map[string][]Head{},
		over:  map[Dot]map[string]bool{},
		by:    map[Dot]Author{},
		live:  map[Dot]liveness{},
	}
}

// Apply merges one change and tells whether it was new. A change of another record is a programming error and panics.
func (r *Record) Apply(c *Change) bool {
	if c.Record != r.ID {
		panic("sync: change of record " + c.Record + " applied to record " + r.ID)
	}
	if r.Seen(c.Dot) {
		return false
	}
	r.see(c.Dot)
	if len(r.heads) == 0 {
		r.heads = make(map[string][]Head, len(c.Writes)) // a first change brings most of the units there will be
	}
	lost := r.over[c.Dot]
	backing := make([]Head, len(c.Writes)) // one allocation for all the units of the change
	alive := 0
	for i, w := range c.Writes {
		for _, q := range c.Parents {
			r.drop(w.Unit, q)
			if !r.Seen(q) {
				r.lose(q, w.Unit)
			}
		}
		if lost[w.Unit] {
			continue
		}
		backing[i] = Head{c.Dot, w.Value}
		r.addHead(w.Unit, backing[i:i+1:i+1])
		alive++
	}
	delete(r.over, c.Dot)
	if alive > 0 {
		r.live[c.Dot] = liveness{alive, len(c.Writes)}
		r.by[c.Dot] = Author{c.Account, c.Role, c.At, c.Form, c.Why}
	}
	return true
}

// addHead adds one head, given as a slice of its own so that the usual case (the unit's only head) needs no allocation.
func (r *Record) addHead(unit string, one []Head) {
	have := r.heads[unit]
	if len(have) == 0 {
		r.heads[unit] = one
		return
	}
	at, _ := slices.BinarySearchFunc(have, one[0].Dot, func(h Head, d Dot) int { return h.Dot.Compare(d) })
	r.heads[unit] = slices.Insert(slices.Clone(have), at, one[0])
}

func (r *Record) drop(unit string, d Dot) {
	have := r.heads[unit]
	for i := range have {
		if have[i].Dot != d {
			continue
		}
		if len(have) == 1 {
			delete(r.heads, unit)
		} else {
			r.heads[unit] = slices.Delete(slices.Clone(have), i, i+1)
		}
		if l := r.live[d]; l.heads > 1 {
			r.live[d] = liveness{l.heads - 1, l.of}
		} else {
			delete(r.live, d)
			delete(r.by, d)
		}
		return
	}
}

func (r *Record) lose(d Dot, unit string) {
	units := r.over[d]
	if units == nil {
		units = map[string]bool{}
		r.over[d] = units
	}
	units[unit] = true
}

// Join merges another node's state of the same record into this one. Snapshots are joined, never put in place of what is here.
func (r *Record) Join(o *Record) {
	if o.ID != r.ID {
		panic("sync: state of record " + o.ID + " joined to record " + r.ID)
	}
	heads := map[string][]Head{}
	keep := func(from, other *Record) {
		for unit, hs := range from.heads {
			for _, h := range hs {
				inBoth := other.isHead(unit, h.Dot)
				if (inBoth && from == o) || (!inBoth && other.Seen(h.Dot)) || r.over[h.Dot][unit] || o.over[h.Dot][unit] {
					continue
				}
				heads[unit] = append(heads[unit], h)
			}
		}
	}
	keep(r, o)
	keep(o, r)
	for _, hs := range heads {
		slices.SortFunc(hs, func(a, b Head) int { return a.Dot.Compare(b.Dot) })
	}
	for replica, rs := range o.seen {
		r.seen[replica] = r.seen[replica].union(rs)
	}
	for d, units := range o.over {
		for unit := range units {
			r.lose(d, unit)
		}
	}
	for d := range r.over {
		if r.Seen(d) {
			delete(r.over, d)
		}
	}
	r.heads = heads
	r.recount(o)
}

// recount derives what follows from heads and seen: the live dots, their authors, the fingerprint.
func (r *Record) recount(o *Record) {
	by, live := map[Dot]Author{}, map[Dot]liveness{}
	for _, hs := range r.heads {
		for _, h := range hs {
			of := max(r.live[h.Dot].of, o.live[h.Dot].of)
			live[h.Dot] = liveness{live[h.Dot].heads + 1, of}
			if a, ok := r.by[h.Dot]; ok {
				by[h.Dot] = a
			} else {
				by[h.Dot] = o.by[h.Dot]
			}
		}
	}
	r.by, r.live = by, live
	r.refingerprint()
}

func (r *Record) refingerprint() {
	r.fp = Fingerprint{}
	r.Dots(func(d Dot) bool {
		r.fp = r.fp.Add(DotFingerprint(d))
		return true
	})
}

// isHead tells whether d is a live write of unit.
func (r *Record) isHead(unit string, d Dot) bool {
	return slices.ContainsFunc(r.heads[unit], func(h Head) bool { return h.Dot == d })
}

// Seen tells whether the change has been applied here.
func (r *Record) Seen(d Dot) bool { return r.seen[d.Replica].has(d.Seq) }

// SeenCount is the number of changes applied.
func (r *Record) SeenCount() uint64 { return r.fp.Count }

// Dots calls f for each change applied, by replica and number, until f returns false.
func (r *Record) Dots(f func(Dot) bool) {
	for _, replica := range sortedKeys(r.seen) {
		for _, span := range r.seen[replica] {
			for n := span.from; n <= span.to; n++ {
				if !f(Dot{replica, n}) {
					return
				}
			}
		}
	}
}

func (r *Record) see(d Dot) {
	r.seen[d.Replica] = r.seen[d.Replica].with(d.Seq)
	r.fp = r.fp.Add(DotFingerprint(d))
}

// Heads returns the live writes of a unit, sorted by dot. The slice must not be changed.
func (r *Record) Heads(unit string) []Head { return r.heads[unit] }

// Units returns the units that have at least one live write, sorted.
func (r *Record) Units() []string { return sortedKeys(r.heads) }

// EachUnit calls f for every unit with its live writes, in no order. It must not change the record.
func (r *Record) EachUnit(f func(unit string, heads []Head)) {
	for unit, hs := range r.heads {
		f(unit, hs)
	}
}

// Author returns who made a live change.
func (r *Record) Author(d Dot) Author { return r.by[d] }

// LiveDots returns the changes that are head of some unit, sorted.
func (r *Record) LiveDots() []Dot {
	dots := make([]Dot, 0, len(r.live))
	for d := range r.live {
		dots = append(dots, d)
	}
	slices.SortFunc(dots, Dot.Compare)
	return dots
}

// ParentsOf returns the heads of the given units, sorted and each once: the parents of a change that is made with this
// state on the screen and writes these units.
func (r *Record) ParentsOf(units []string) []Dot {
	var dots []Dot
	for _, u := range units {
		for _, h := range r.heads[u] {
			dots = append(dots, h.Dot)
		}
	}
	slices.SortFunc(dots, Dot.Compare)
	return slices.Compact(dots)
}

// Waiting returns the changes that others have named as parents and that are not here yet, sorted.
func (r *Record) Waiting() []Dot {
	dots := make([]Dot, 0, len(r.over))
	for d := range r.over {
		dots = append(dots, d)
	}
	slices.SortFunc(dots, Dot.Compare)
	return dots
}

// Fingerprint is the count and sum of the changes applied; equal fingerprints mean the same set.
func (r *Record) Fingerprint() Fingerprint { return r.fp }

// Erase blanks the values these changes have here; they stay heads, so that nothing older comes back in their place.
func (r *Record) Erase(dots ...Dot) {
	for unit, hs := range r.heads {
		for i, h := range hs {
			if slices.Contains(dots, h.Dot) {
				hs = slices.Clone(hs)
				hs[i].Value = []byte("null")
				r.heads[unit] = hs
			}
		}
	}
}

// Clone returns an independent copy; values are shared, they never change.
func (r *Record) Clone() *Record {
	c := NewRecord(r.ID, r.Kind)
	for k, v := range r.seen {
		c.seen[k] = slices.Clone(v)
	}
	for k, v := range r.heads {
		c.heads[k] = slices.Clone(v)
	}
	for d, units := range r.over {
		for u := range units {
			c.lose(d, u)
		}
	}
	for d, a := range r.by {
		c.by[d] = a
	}
	for d, n := range r.live {
		c.live[d] = n
	}
	c.fp = r.fp
	return c
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}

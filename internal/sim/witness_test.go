package sim

import (
	"encoding/json"
	"slices"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// witness stands outside the system and writes down every save a tablet reported as done.
type witness struct {
	w       *world
	saves   []*save
	pending map[place]*save // not yet cut into a change: the same person may still answer otherwise
}

// place is one answer of one form on one tablet.
type place struct {
	tab       *tab
	rec, unit string
}

// save is one answer that was reported as durable.
type save struct {
	place
	number   int
	values   []string // any of them: where a tablet died over an answer, that one or the one before
	shown    []string // what stood on the screen: the only values this answer may put out of force
	gone     bool     // given up by the person who put an old copy in the tablet's place
	homeOnly bool     // no longer on its tablet
}

// typed notes an answer, with what stood on the screen before it.
func (x *witness) typed(t *tab, rec, unit string, value json.RawMessage, shown []string, how outcome) {
	p := place{t, rec, unit}
	canon := fieldsync.Canonical(value)
	before := x.pending[p]
	switch {
	case how == refused:
	case how == doubt && before != nil:
		before.values = append(before.values, canon)
		before.shown = append(before.shown, shown...)
	case how == doubt:
	case before != nil:
		before.values, before.number = []string{canon}, len(x.saves)
		before.shown = append(before.shown, shown...)
	default:
		if x.pending == nil {
			x.pending = map[place]*save{}
		}
		s := &save{place: p, number: len(x.saves), values: []string{canon}, shown: shown}
		x.saves = append(x.saves, s)
		x.pending[p] = s
	}
	x.w.count.saves++
}

// base notes that the form's snapshot was replaced: what is shown now is what pending answers are given against.
func (x *witness) base(t *tab, rec, unit string, shown []string) {
	if s := x.pending[place{t, rec, unit}]; s != nil {
		s.shown = append(s.shown, shown...)
	}
}

// cut notes that the tablet has made changes of all it had.
func (x *witness) cut(t *tab) {
	for p := range x.pending {
		if p.tab == t {
			delete(x.pending, p)
		}
	}
}

// killed: the next start makes changes of what the kill has left.
func (x *witness) killed(t *tab) { x.cut(t) }

// putBack: an old copy was put in the tablet's place. What was saved since, and is not at home, is given up.
func (x *witness) putBack(t *tab, since int) {
	log := x.w.learn()
	for _, s := range x.saves {
		if s.tab == t && s.number >= since && !s.gone {
			s.homeOnly = true
			x.giveUp(log, s)
		}
	}
}

// homePutBack: the server lost what it had since a backup. Tablets send it again, but for what was lost with their folders.
func (x *witness) homePutBack() {
	log := x.w.learn()
	for _, s := range x.saves {
		if s.homeOnly && !s.gone {
			x.giveUp(log, s)
		}
	}
}

func (x *witness) giveUp(log *changeLog, s *save) {
	if !log.has(s) {
		s.gone = true
		x.w.count.givenUp++
	}
}

// has tells whether a save is in the log, in whatever state.
func (l *changeLog) has(s *save) bool {
	for _, c := range l.byWrite[s.rec+" "+s.unit] {
		if slices.Contains(s.values, fieldsync.Canonical(c.W[s.unit])) {
			return true
		}
	}
	return false
}

// checkWitness is I3 and I4: each save is at home, published or held or decided about by a person, and put out of force only
// what its author had on the screen.
func (w *world) checkWitness(log *changeLog) {
	for _, s := range w.witness.saves {
		if s.gone {
			continue
		}
		var found *logLine
		for _, c := range log.byWrite[s.rec+" "+s.unit] {
			if slices.Contains(s.values, fieldsync.Canonical(c.W[s.unit])) && c.State != "quarantine" {
				found = c
				if c.State == "published" || c.State == "flagged" {
					break
				}
			}
		}
		if found == nil {
			w.count.lost++
			w.fail("I4: %s reported %s of %s = %v as done, and it is not at home", s.tab.name, s.unit, s.rec, s.values)
		}
		if found.State == "closed" {
			w.fail("I4: %s of %s = %v is in a closed branch, and did not come again", s.unit, s.rec, s.values)
		}
		w.checkShown(log, s, found)
	}
}

func (w *world) checkShown(log *changeLog, s *save, c *logLine) {
	for _, p := range c.P {
		parent := log.byDot[p]
		if parent == nil {
			continue // a board act that went with a backup: its bytes are nowhere any more
		}
		v, wrote := parent.W[s.unit]
		if !wrote || parent.U == c.U && parent.replica() == c.replica() || log.lostToOther(p, s.unit, c) {
			continue // another unit's parent, the author's own earlier answer, or out of force already
		}
		if canon := fieldsync.Canonical(v); canon != "null" && !slices.Contains(s.shown, canon) {
			w.fail("I3: %s puts %s of %s = %s out of force, which stood on no screen of %s (there stood %v)", c.dot, s.unit, s.rec, canon, s.tab.name, s.shown)
		}
	}
}

// lostToOther tells whether a change other than c has put a write of the unit out of force: c may name its change for another unit.
func (l *changeLog) lostToOther(dot, unit string, c *logLine) bool {
	for _, d := range l.byWrite[c.R+" "+unit] {
		if d != c && slices.Contains(d.P, dot) {
			return true
		}
	}
	return false
}

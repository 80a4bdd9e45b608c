package central

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// arrival is one line of a feed on its way in, with what becomes of it.
type arrival struct {
	seq        uint64
	bytes, h   []byte
	change     *fieldsync.Change // nil in quarantine
	state, why string
	logged     bool // it is in the log already: a held change that a person decided about
	anew       bool // … and about which the program decides again
}

// published tells whether the change enters feeds and records.
func (a *arrival) published() bool {
	return a.state == StatePublished || a.state == StateFlagged || a.state == StateRefused
}

// plan is what a piece of a feed does to the store: everything that can be computed before anything is written. It is made
// from one snapshot, outside the writing transaction where possible, and holds as long as what it has read is still so.
type plan struct {
	reads    map[string]int64    // record → version it was read at, 0 for none
	rounds   []string            // records judged by
	follows  map[string][]string // household → its followers as read
	areas    int64               // version of the area table
	arrivals []*arrival
	works    []*work
	feed     map[string][]feedLine
	prints   map[string]*printDelta
	counters counters
	related  [][2]string // household, record
}

// feedLine is one line to come in a scope's feed.
type feedLine struct {
	what string // lineChange or lineGone
	rec  string
	dot  fieldsync.Dot
}

const (
	lineChange = "c"
	lineGone   = "g"
	lineErase  = "e"
)

// printDelta is what happens to a scope's fingerprint.
type printDelta struct{ add, sub fieldsync.Fingerprint }

// work is one record that changes.
type work struct {
	old              *row // nil: new
	rec              *fieldsync.Record
	next             row
	hint             string            // sc of the first change
	added            bool              // changes were applied
	only             *fieldsync.Change // the one change of a new record, until there are more
	followsHousehold bool              // its scopes are those of a household that is here
	counted          counted
}

// planner makes a plan.
type planner struct {
	*reader
	places    *places
	areasText string
	rep       *replicaRow
	by        *author
	plan      *plan
	touched   []string
	byRec     map[string]*work
}

// makePlan decides about the arrivals and computes what they do. touch names records to look at anew though nothing arrived for them.
func (s *Store) makePlan(ctx context.Context, tx *sql.Tx, rep *replicaRow, arrivals []*arrival, touch []string) (*plan, error) {
	if err := s.loadAreas(ctx, tx); err != nil {
		return nil, err
	}
	places := s.places.Load()
	p := &planner{
		reader: &reader{s, ctx, tx, map[string]*row{}}, places: places, areasText: strconv.FormatInt(places.version, 10), rep: rep,
		touched: touch, byRec: map[string]*work{},
		plan: &plan{follows: map[string][]string{}, areas: places.version, arrivals: arrivals,
			feed: map[string][]feedLine{}, prints: map[string]*printDelta{}, counters: counters{}},
	}
	if rep != nil {
		var err error
		if p.by, err = readAuthor(ctx, tx, rep.account); err != nil {
			return nil, err
		}
	}
	steps := []func() error{p.prepare, p.apply, p.route, p.groupAll, p.viewAll, p.feedAll}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	p.plan.reads = make(map[string]int64, len(p.rows))
	for rec, x := range p.rows {
		p.plan.reads[rec] = 0
		if x != nil {
			p.plan.reads[rec] = x.ver
		}
	}
	return p.plan, nil
}

// prepare decides what can be decided from the changes alone, and reads all records they touch in few queries.
func (p *planner) prepare() error {
	ids := map[string]bool{}
	for _, a := range p.plan.arrivals {
		if a.change == nil {
			continue
		}
		if !a.logged || a.anew {
			a.state, a.why = p.s.fate(p.rep, p.by, a.change)
		}
		if !a.published() {
			continue
		}
		ids[a.change.Record] = true
		for _, w := range a.change.Writes {
			if references(a.change.Kind, w.Unit) {
				ids[textOf(w.Value)] = true
			}
		}
	}
	for _, rec := range p.touched {
		ids[rec] = true
	}
	if err := p.load(slices.Sorted(maps.Keys(ids))...); err != nil {
		return err
	}
	var more []string
	for rec := range ids {
		if x := p.rows[rec]; x != nil {
			more = append(append(more, strings.Fields(x.household)...), x.round)
		}
	}
	if err := p.load(more...); err != nil {
		return err
	}
	return p.open()
}

// references tells whether a unit names another record that decides where this one is or how it is judged.
func references(kind, unit string) bool {
	switch kind {
	case schema.KindInterview:
		return unit == "household" || unit == "round"
	case kindLink:
		return unit == "a" || unit == "b"
	case kindComplaint, kindRequest:
		return unit == "household"
	}
	return false
}

// Kinds of record, beside those schema names.
const (
	kindLink      = "link"
	kindRound     = "round"
	kindMeeting   = "meeting"
	kindPosting   = "posting"
	kindComplaint = "complaint"
	kindRequest   = "request"
)

// open restores the merged state of every record that changes.
func (p *planner) open() error {
	need := map[string]bool{}
	for _, a := range p.plan.arrivals {
		if a.published() && a.change != nil {
			need[a.change.Record] = true
		}
	}
	for _, rec := range p.touched {
		need[rec] = true
	}
	var stored []*row
	for _, rec := range slices.Sorted(maps.Keys(need)) {
		if x := p.rows[rec]; x != nil {
			stored = append(stored, x)
		}
	}
	records, err := p.restore(stored)
	if err != nil {
		return err
	}
	for _, x := range stored {
		p.work(x.rec, x.kind, x).rec = records[x.rec]
	}
	return nil
}

// work returns the record's work, made when it is not there yet.
func (p *planner) work(rec, kind string, old *row) *work {
	w := p.byRec[rec]
	if w == nil {
		w = &work{old: old, next: row{rec: rec, kind: kind}}
		if old != nil {
			w.next = *old
		}
		w.next.ver++
		p.byRec[rec] = w
		p.plan.works = append(p.plan.works, w)
	}
	return w
}

// apply decides by scope and merges, change by change in the feed's order.
func (p *planner) apply() error {
	for _, a := range p.plan.arrivals {
		if a.change == nil || !a.published() {
			continue
		}
		c := a.change
		w := p.byRec[c.Record]
		if w != nil && w.next.kind != c.Kind {
			a.state, a.why = StateHeld, WhyKind
			continue
		}
		if (!a.logged || a.anew) && p.rep.state != replicaServer {
			if ok, why := p.places.allowed(p.by, p.areasOf(c, w)); !ok {
				a.state, a.why = StateHeld, why
				continue
			}
		}
		if a.state == StatePublished && (!a.logged || a.anew) && p.namesNoVillage(c) {
			a.state, a.why = StateFlagged, WhyVillage
		}
		if w == nil {
			w = p.work(c.Record, c.Kind, nil)
			w.rec, w.hint, w.only = fieldsync.NewRecord(c.Record, c.Kind), c.Scope, c
		}
		if w.rec.Apply(c) {
			if w.added = true; w.only != c {
				w.only = nil
			}
			p.note(w, c)
		}
	}
	// A record that was read because a change named it, and then was held, has not changed.
	p.plan.works = slices.DeleteFunc(p.plan.works, func(w *work) bool {
		if w.added || slices.Contains(p.touched, w.next.rec) {
			return false
		}
		delete(p.byRec, w.next.rec)
		return true
	})
	return nil
}

// namesNoVillage tells whether a change moves a household to a code that is no village's.
func (p *planner) namesNoVillage(c *fieldsync.Change) bool {
	return c.Kind == schema.KindHousehold && slices.ContainsFunc(villagesIn(c), func(v string) bool { return !p.places.village(v) })
}

// villagesIn are the villages a change writes to a household.
func villagesIn(c *fieldsync.Change) (villages []string) {
	for _, x := range c.Writes {
		if v := textOf(x.Value); x.Unit == "village" && v != "" {
			villages = append(villages, v)
		}
	}
	return villages
}

// areasOf are the areas of which the author must have been granted one: the villages ever written to the household, or
// where it is while none of them is known.
func (p *planner) areasOf(c *fieldsync.Change, w *work) []string {
	var areas []string
	switch c.Kind {
	case schema.KindHousehold:
		if w != nil {
			areas = p.standsIn(w.next.villages, w)
		} else if areas = slices.DeleteFunc(villagesIn(c), func(v string) bool { return !p.places.village(v) }); len(areas) == 0 {
			areas = []string{c.Scope}
		}
	case schema.KindInterview, kindLink:
		for _, household := range p.householdsOf(c, w) {
			if h := p.byRec[household]; h != nil {
				areas = append(areas, p.standsIn(h.next.villages, h)...)
			} else if x := p.rows[household]; x != nil {
				areas = append(areas, p.standsIn(x.villages, &work{next: *x})...)
			}
		}
	}
	if len(areas) > 0 {
		return areas
	}
	if w != nil && len(w.next.scopes) > 0 {
		return w.next.scopes
	}
	return []string{c.Scope}
}

// standsIn are the villages among those ever written to a household, and while none is known the scopes it is in.
func (p *planner) standsIn(villages []string, w *work) []string {
	if slices.ContainsFunc(villages, p.places.village) {
		return villages
	}
	if len(w.next.scopes) > 0 {
		return append(slices.Clone(w.next.scopes), villages...)
	}
	return append(slices.Clone(villages), w.hint)
}

// householdsOf are the households a record follows, by its row and by what the change itself says.
func (p *planner) householdsOf(c *fieldsync.Change, w *work) []string {
	var ids []string
	if w != nil {
		ids = strings.Fields(w.next.household)
	}
	for _, x := range c.Writes {
		if references(c.Kind, x.Unit) && x.Unit != "round" {
			if id := textOf(x.Value); id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// villagesOf are all villages ever written to a household.
func (p *planner) villagesOf(household string) []string {
	if w := p.byRec[household]; w != nil {
		return w.next.villages
	}
	if x := p.rows[household]; x != nil {
		return x.villages
	}
	return nil
}

// note keeps up what later changes of the same batch are decided by.
func (p *planner) note(w *work, c *fieldsync.Change) {
	if w.hint == "" {
		w.hint = c.Scope
	}
	for _, x := range c.Writes {
		switch {
		case c.Kind == schema.KindHousehold && x.Unit == "village":
			if v := textOf(x.Value); v != "" && !slices.Contains(w.next.villages, v) {
				w.next.villages = append(slices.Clone(w.next.villages), v)
				slices.Sort(w.next.villages)
			}
		case references(c.Kind, x.Unit):
			w.refer()
			return
		}
	}
}

// refer reads from the merged record which others it hangs on. What nothing live says any more stays as it was.
func (w *work) refer() {
	var households []string
	for _, unit := range []string{"household", "a", "b"} {
		if !references(w.next.kind, unit) {
			continue
		}
		for _, h := range w.rec.Heads(unit) {
			if id := textOf(h.Value); id != "" && !slices.Contains(households, id) {
				households = append(households, id)
			}
		}
	}
	if len(households) > 0 {
		slices.Sort(households)
		w.next.household = strings.Join(households, " ")
	}
	if w.next.kind == schema.KindInterview {
		if id := textOf(provisional(w.rec, "round", nil)); id != "" {
			w.next.round = id
		}
	}
}

// viewAll looks at what changed and counts it.
func (p *planner) viewAll() error {
	for _, w := range p.plan.works {
		w.next.state = w.rec.AppendStored(nil)
		w.next.fp = w.rec.Fingerprint()
		if err := p.look(w); err != nil {
			return fmt.Errorf("look at record %s: %w", w.next.rec, err)
		}
		if w.old != nil {
			had, err := parseCounted(w.old.tally)
			if err != nil {
				return err
			}
			p.plan.counters.add(w.old.round, w.old.standard, had, -1)
		}
		p.plan.counters.add(w.next.round, w.next.standard, w.counted, 1)
		if w.next.round != "" && !slices.Contains(p.plan.rounds, w.next.round) {
			p.plan.rounds = append(p.plan.rounds, w.next.round)
		}
		p.relate(w)
	}
	return nil
}

// relate notes which households a record follows, when that is new.
func (p *planner) relate(w *work) {
	if w.next.kind != schema.KindInterview && w.next.kind != kindLink {
		return
	}
	var had []string
	if w.old != nil {
		had = strings.Fields(w.old.household)
	}
	for _, household := range strings.Fields(w.next.household) {
		if !slices.Contains(had, household) {
			p.plan.related = append(p.plan.related, [2]string{household, w.next.rec})
		}
	}
}

// feedAll lays out the lines of every scope's feed: first the new changes in the order they came, then what enters or leaves.
func (p *planner) feedAll() error {
	for _, a := range p.plan.arrivals {
		if a.change == nil || !a.published() {
			continue
		}
		w := p.byRec[a.change.Record]
		for _, scope := range w.next.scopes {
			if w.old == nil || slices.Contains(w.old.scopes, scope) {
				p.plan.feed[scope] = append(p.plan.feed[scope], feedLine{lineChange, w.next.rec, a.change.Dot})
			}
		}
	}
	for _, w := range p.plan.works {
		p.feedMove(w)
	}
	return nil
}

func (p *planner) feedMove(w *work) {
	for _, scope := range w.next.scopes {
		p.print(scope).add = p.print(scope).add.Add(w.next.fp)
		if w.old == nil || slices.Contains(w.old.scopes, scope) {
			continue
		}
		for _, d := range dotsOf(w.rec) {
			p.plan.feed[scope] = append(p.plan.feed[scope], feedLine{lineChange, w.next.rec, d})
		}
	}
	if w.old == nil {
		return
	}
	for _, scope := range w.old.scopes {
		p.print(scope).sub = p.print(scope).sub.Add(w.old.fp)
		if !slices.Contains(w.next.scopes, scope) {
			p.plan.feed[scope] = append(p.plan.feed[scope], feedLine{lineGone, w.next.rec, fieldsync.Dot{}})
		}
	}
}

func (p *planner) print(scope string) *printDelta {
	d := p.plan.prints[scope]
	if d == nil {
		d = &printDelta{}
		p.plan.prints[scope] = d
	}
	return d
}

// scopes are the scopes the plan writes to, sorted: the order in which they are locked.
func (p *plan) scopes() []string { return slices.Sorted(maps.Keys(p.prints)) }

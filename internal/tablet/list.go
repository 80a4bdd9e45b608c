package tablet

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/rasoat/rasoat/internal/survey"
)

// State is what a household waits for in the round worked in.
type State string

// States, the most urgent first: a row shows the first that is true of it, a filter finds all it is true of.
const (
	Conflict State = "conflict" // people gave different answers; the board decides
	Returned State = "returned" // the board sent the interview back
	Draft    State = "draft"    // begun, not marked complete, or with answers not yet cut into a change
	Todo     State = "todo"     // not visited yet
	Unsent   State = "unsent"   // complete, but a server has not all of it
	Received State = "received" // complete and at home
	Complete State = "complete" // complete, wherever it is
	AnyState State = ""
)

// Row is one household of the list, for the round worked in. Rows are never changed; a newer one takes their place.
type Row struct {
	ID         string
	Interview  string // "" when there is none in the round
	Head       string // name of the head of household, or of anybody
	Code       string
	Village    string
	Members    int
	Class      survey.Class // computed, this round; "" before there is an answer
	LastClass  survey.Class // recognised last, or computed then; "" when unknown
	Outcome    string
	State      State
	Todo       bool
	Draft      bool
	Complete   bool
	Returned   bool
	Received   bool
	Conflicts  int    // units people must decide about
	Unsent     int    // own changes the home has not acknowledged
	AskLater   int    // questions left for later
	Removed    string // why the household is no more
	UnsentFrom int64  // when the oldest unsent change was made, Unix milliseconds; 0 without one

	folded string
	key    []byte
}

// is tells whether the state is true of the row.
func (r *Row) is(s State) bool {
	switch s {
	case Conflict:
		return r.Conflicts > 0
	case Returned:
		return r.Returned
	case Draft:
		return r.Draft
	case Todo:
		return r.Todo
	case Unsent:
		return r.Unsent > 0
	case Received:
		return r.Received
	case Complete:
		return r.Complete
	}
	return s == AnyState
}

// Filter chooses rows; the zero Filter chooses all.
type Filter struct {
	Village string // area code
	State   State
	Text    string // part of the head's name, with or without marks, or the beginning of a household code
}

// Households returns the rows that pass the filter, sorted the Vietnamese way: by given name, then by the rest of the name.
func (s *Store) Households(f Filter) []*Row {
	text := survey.FoldName(f.Text)
	s.list.mu.RLock()
	defer s.list.mu.RUnlock()
	if f == (Filter{}) {
		return slices.Clone(s.list.rows)
	}
	var out []*Row
	for _, r := range s.list.rows {
		if (f.Village == "" || r.Village == f.Village) && r.is(f.State) &&
			(text == "" || strings.Contains(r.folded, text) || strings.HasPrefix(strings.ToLower(r.Code), text)) {
			out = append(out, r)
		}
	}
	return out
}

// Village is one village and how far its round is.
type Village struct {
	Code, Name                                                         string
	Total, Todo, Draft, Complete, Returned, Conflict, Unsent, Received int
}

// Villages counts the households of each village the tablet works in, sorted the Vietnamese way.
func (s *Store) Villages() []Village {
	s.lock()
	defer s.unlock()
	byCode := map[string]*Village{}
	for _, scope := range s.me.Scopes {
		if a, ok := s.areaNames[scope]; ok && a.Level == "village" {
			byCode[scope] = &Village{Code: scope}
		}
	}
	s.list.mu.RLock()
	for _, r := range s.list.rows {
		v := byCode[r.Village]
		if v == nil {
			v = &Village{Code: r.Village}
			byCode[r.Village] = v
		}
		v.count(r)
	}
	s.list.mu.RUnlock()
	out := make([]Village, 0, len(byCode))
	for _, v := range byCode {
		v.Name = s.areaName(v.Code)
		out = append(out, *v)
	}
	keys := map[string][]byte{}
	for _, v := range out {
		keys[v.Code] = placeKey(v.Name)
	}
	slices.SortFunc(out, func(a, b Village) int {
		if c := bytes.Compare(keys[a.Code], keys[b.Code]); c != 0 {
			return c
		}
		return strings.Compare(a.Code, b.Code)
	})
	return out
}

func (v *Village) count(r *Row) {
	if r.Removed != "" {
		return
	}
	v.Total++
	for _, c := range []struct {
		n  *int
		is bool
	}{{&v.Todo, r.Todo}, {&v.Draft, r.Draft}, {&v.Complete, r.Complete}, {&v.Returned, r.Returned},
		{&v.Conflict, r.Conflicts > 0}, {&v.Unsent, r.Unsent > 0}, {&v.Received, r.Received}} {
		if c.is {
			*c.n++
		}
	}
}

// list is all households in memory, so that search and sorting need no plain names on the disk.
type list struct {
	mu    sync.RWMutex
	round Round
	days  map[string]string // round → first day
	data  map[string]*listed
	rows  []*Row
	byID  map[string]*Row
	draft map[string]bool
}

// fill replaces everything.
func (l *list) fill(all []*listed, round Round, days map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data, l.draft = make(map[string]*listed, len(all)), map[string]bool{}
	for _, d := range all {
		l.data[d.ID] = d
	}
	l.round, l.days = round, days
	l.makeAll()
}

// rebuild makes all rows anew, for another round.
func (l *list) rebuild(round Round, days map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.round, l.days = round, days
	l.makeAll()
}

func (l *list) makeAll() {
	l.rows, l.byID = make([]*Row, 0, len(l.data)), make(map[string]*Row, len(l.data))
	for _, d := range l.data {
		r := d.row(l.round, l.days, l.draft[d.ID])
		l.rows, l.byID[d.ID] = append(l.rows, r), r
	}
	slices.SortFunc(l.rows, compareRows)
}

func compareRows(a, b *Row) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// manyRows is where sorting everything once is quicker than moving rows one by one.
const manyRows = 64

// put takes in rows that changed; one without a name of its own (gone) is taken out.
func (l *list) put(rows []*listed) {
	if len(rows) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range rows {
		if d.gone {
			delete(l.data, d.ID)
		} else {
			l.data[d.ID] = d
		}
	}
	if len(rows) > manyRows {
		l.makeAll()
		return
	}
	for _, d := range rows {
		l.place(d.ID)
	}
}

// place makes one row anew and puts it where it belongs.
func (l *list) place(id string) {
	if old := l.byID[id]; old != nil {
		if at, ok := slices.BinarySearchFunc(l.rows, old, compareRows); ok {
			l.rows = slices.Delete(l.rows, at, at+1)
		}
		delete(l.byID, id)
	}
	d := l.data[id]
	if d == nil {
		return
	}
	r := d.row(l.round, l.days, l.draft[id])
	at, _ := slices.BinarySearchFunc(l.rows, r, compareRows)
	l.rows, l.byID[id] = slices.Insert(l.rows, at, r), r
}

// setDraft marks that answers of a household are not yet cut into a change.
func (s *Store) setDraft(household string, drafted bool) {
	l := &s.list
	l.mu.Lock()
	changed := l.draft[household] != drafted
	if changed {
		if drafted {
			l.draft[household] = true
		} else {
			delete(l.draft, household)
		}
		l.place(household)
	}
	l.mu.Unlock()
	if changed {
		s.events = append(s.events, Event{Kind: EventList})
	}
}

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
	l := &s.list
	if text != "" {
		l.index()
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if f.Village == "" && f.State == AnyState && text == "" {
		return slices.Clone(l.rows)
	}
	var out []*Row
	take := func(r *Row) {
		if (f.Village == "" || r.Village == f.Village) && r.is(f.State) {
			out = append(out, r)
		}
	}
	if text == "" {
		for _, r := range l.rows {
			take(r)
		}
		return out
	}
	for _, i := range l.find(text) {
		take(l.rows[i])
	}
	return out
}

// index makes what is searched anew when rows have changed since.
func (l *list) index() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names.of == len(l.rows) && !l.stale {
		return
	}
	l.names, l.codes = haystackOf(l.rows, func(r *Row) string { return r.folded }), haystackOf(l.rows, func(r *Row) string { return strings.ToLower(r.Code) })
	l.stale = false
}

// find returns the places of rows whose folded name holds the text or whose code begins with it, in order. Rows may have
// changed since index; then they are looked at one by one.
func (l *list) find(text string) []int {
	if l.stale {
		var out []int
		for i, r := range l.rows {
			if strings.Contains(r.folded, text) || strings.HasPrefix(strings.ToLower(r.Code), text) {
				out = append(out, i)
			}
		}
		return out
	}
	out := l.names.find(text)
	if byCode := l.codes.find("\n" + text); len(byCode) > 0 {
		out = append(out, byCode...)
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// haystack is one text of every row, each on a line of its own: looking through one piece of memory is many times quicker
// than through ten thousand.
type haystack struct {
	text string
	ends []int // where the row's line ends
	of   int
}

func haystackOf(rows []*Row, of func(*Row) string) haystack {
	var b strings.Builder
	h := haystack{ends: make([]int, len(rows)), of: len(rows)}
	for i, r := range rows {
		b.WriteByte('\n')
		b.WriteString(of(r))
		h.ends[i] = b.Len()
	}
	h.text = b.String()
	return h
}

func (h *haystack) find(text string) (rows []int) {
	for from := 0; ; {
		at := strings.Index(h.text[from:], text)
		if at < 0 {
			return rows
		}
		row, _ := slices.BinarySearch(h.ends, from+at+1)
		rows = append(rows, row)
		from = h.ends[row]
	}
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

	names, codes haystack
	stale        bool // rows have changed since names and codes were made
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
	l.stale = true
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
	l.stale = true
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

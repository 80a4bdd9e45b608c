package survey

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Limits of one interview.
const (
	MaxMembers = 60   // members of one household; more is a problem, never a refusal
	MaxUnits   = 4000 // units the classify command takes on one line
)

// Interview is the answers of one interview, ready to be checked and judged. A unit holds no value (unanswered), one,
// or several: an open conflict between people who worked apart. null is no value.
//
// It is read-only once made, and safe for concurrent use.
type Interview struct {
	house   []answer
	members []memberAnswers // in order of id
}

type memberAnswers struct {
	id      string
	answers []answer
}

// answer is one unit. value is the provisional one: what is shown, and what stands when the unit never blocks.
type answer struct {
	unit  string   // a member's without "m/<id>/"
	value string   // verbatim JSON; "" when unanswered
	more  []string // the other values of a contested unit
}

func (a *answer) open() bool { return len(a.more) > 0 }

// values are all values of a contested unit, the provisional one first.
func (a *answer) values() []string { return append([]string{a.value}, a.more...) }

// answered tells whether any of the values is one.
func (a *answer) answered() bool {
	return a.value != "" || slices.ContainsFunc(a.more, func(v string) bool { return v != "" })
}

// ReadValues makes an Interview of one value a unit. Values that are not JSON count as unanswered and are reported; what
// type a value must have is the questionnaire's matter, see [Check] and [Judge.Judge].
func ReadValues(w map[string]json.RawMessage) (*Interview, []Problem) {
	text := texts{}
	for _, raw := range w {
		text.expect(raw)
	}
	b := builder{}
	var problems []Problem
	for unit, raw := range w {
		value := text.of(bytes.TrimSpace(raw))
		if len(unit) > fieldsync.MaxUnitName || !utf8.ValidString(unit) || !utf8.ValidString(value) || !validJSON(value) {
			problems = append(problems, problem("value_json", strings.ToValidUTF8(unit, "\uFFFD"), "", nil))
			value = ""
		}
		b.add(unit, value, nil)
	}
	slices.SortFunc(problems, compareProblems)
	return b.interview(), problems
}

// ReadRecord makes an Interview of a merged record. What merges without a question (max, min) gives one value, and so does
// a unit that never blocks (a GPS fix, who was present); every other conflict stays open.
func ReadRecord(rec *fieldsync.Record, q *schema.Questionnaire) *Interview {
	policies := Policies(q)
	text := texts{}
	rec.EachUnit(func(_ string, heads []fieldsync.Head) {
		for _, h := range heads {
			text.expect(h.Value)
		}
	})
	b := builder{}
	rec.EachUnit(func(unit string, heads []fieldsync.Head) {
		if len(heads) == 1 {
			b.add(unit, text.of(heads[0].Value), nil)
			return
		}
		look := rec.Look(unit, policies)
		if len(look.Values) == 0 {
			return
		}
		var more []string
		if !look.Quiet {
			for _, h := range look.Values[1:] {
				more = append(more, notNull(text.of(h.Value)))
			}
		}
		b.add(unit, text.of(look.Values[0].Value), more)
	})
	return b.interview()
}

// texts turns many short values into strings with one copy and one allocation for all of them.
type texts struct {
	b        strings.Builder
	expected int
}

// expect announces a value, so that there will be room for all.
func (t *texts) expect(v []byte) { t.expected += len(v) }

func (t *texts) of(v []byte) string {
	if t.b.Cap() == 0 {
		t.b.Grow(t.expected)
	}
	from := t.b.Len()
	t.b.Write(v)
	return t.b.String()[from:]
}

// ReadWrites makes an Interview of one change's writes: of a record that has seen nothing else, as ReadRecord would.
func ReadWrites(writes []fieldsync.Write) *Interview {
	text, b := texts{}, builder{}
	for _, w := range writes {
		text.expect(w.Value)
	}
	for _, w := range writes {
		b.add(w.Unit, text.of(w.Value), nil)
	}
	return b.interview()
}

// Policies are the questionnaire's merge policies as values for package sync.
func Policies(q *schema.Questionnaire) fieldsync.Policies {
	if q == nil {
		return nil
	}
	return func(kind, unit string) fieldsync.Policy {
		question, ok := q.Question(kind, unit)
		if !ok {
			return fieldsync.Policy{}
		}
		p := fieldsync.Policy{Order: question.Policy.Order, Quiet: !question.Policy.Blocking}
		switch question.Policy.Merge {
		case "max":
			p.Merge = fieldsync.MergeMax
		case "min":
			p.Merge = fieldsync.MergeMin
		}
		return p
	}
}

// builder collects answers in any order.
type builder struct {
	iv   Interview
	last int            // the member of the last answer: members' units mostly come together
	byID map[string]int // for large rosters
}

func (b *builder) add(unit, value string, more []string) {
	a := answer{unit: unit, value: notNull(value), more: more}
	id, rest, ok := schema.MemberUnit(unit)
	if !ok {
		if b.iv.house == nil {
			b.iv.house = make([]answer, 0, 80)
		}
		b.iv.house = append(b.iv.house, a)
		return
	}
	a.unit = rest
	m := b.member(id)
	m.answers = append(m.answers, a)
}

func (b *builder) member(id string) *memberAnswers {
	if b.last < len(b.iv.members) && b.iv.members[b.last].id == id {
		return &b.iv.members[b.last]
	}
	if len(b.iv.members) > 8 {
		if len(b.byID) != len(b.iv.members) {
			b.byID = make(map[string]int, 2*len(b.iv.members))
			for i := range b.iv.members {
				b.byID[b.iv.members[i].id] = i
			}
		}
		if i, ok := b.byID[id]; ok {
			b.last = i
			return &b.iv.members[i]
		}
	} else {
		for i := range b.iv.members {
			if b.iv.members[i].id == id {
				b.last = i
				return &b.iv.members[i]
			}
		}
	}
	b.last = len(b.iv.members)
	if b.byID != nil {
		b.byID[id] = b.last
	}
	if n := len(b.iv.members); n < cap(b.iv.members) { // a builder used again has room from before
		b.iv.members = b.iv.members[:n+1]
	} else {
		b.iv.members = append(b.iv.members, memberAnswers{answers: make([]answer, 0, 24)})
	}
	m := &b.iv.members[b.last]
	m.id, m.answers = id, m.answers[:0]
	return m
}

// reset makes room for the next interview; the one before is gone.
func (b *builder) reset() {
	b.iv.house, b.iv.members, b.last, b.byID = b.iv.house[:0], b.iv.members[:0], 0, nil
}

func (b *builder) interview() *Interview {
	slices.SortFunc(b.iv.members, func(x, y memberAnswers) int { return strings.Compare(x.id, y.id) })
	return &b.iv
}

func (iv *Interview) find(unit string) *answer {
	list := iv.house
	if id, rest, ok := schema.MemberUnit(unit); ok {
		m := iv.member(id)
		if m == nil {
			return nil
		}
		list, unit = m.answers, rest
	}
	return findAnswer(list, unit)
}

func (iv *Interview) member(id string) *memberAnswers {
	at, ok := slices.BinarySearchFunc(iv.members, id, func(m memberAnswers, id string) int { return strings.Compare(m.id, id) })
	if !ok {
		return nil
	}
	return &iv.members[at]
}

func findAnswer(list []answer, unit string) *answer {
	for i := range list {
		if list[i].unit == unit {
			return &list[i]
		}
	}
	return nil
}

// Value is the unit's provisional value as verbatim JSON, nil when unanswered.
func (iv *Interview) Value(unit string) []byte {
	if v := iv.raw(unit); v != "" {
		return []byte(v)
	}
	return nil
}

func (iv *Interview) raw(unit string) string {
	if a := iv.find(unit); a != nil {
		return a.value
	}
	return ""
}

// Text is the unit's provisional value as text: a string without its quotes, trimmed and in NFC; a number as written.
func (iv *Interview) Text(unit string) string { return plainText(iv.raw(unit)) }

// Has tells whether the unit has a value.
func (iv *Interview) Has(unit string) bool {
	a := iv.find(unit)
	return a != nil && a.answered()
}

// Open returns the values people must decide between, the provisional one first and nil for "unanswered"; it is empty
// when the unit is not in conflict.
func (iv *Interview) Open(unit string) [][]byte {
	a := iv.find(unit)
	if a == nil || !a.open() {
		return nil
	}
	var list [][]byte
	for _, v := range a.values() {
		if v == "" {
			list = append(list, nil)
			continue
		}
		list = append(list, []byte(v))
	}
	return list
}

// OpenUnits are the units in conflict, sorted.
func (iv *Interview) OpenUnits() []string {
	var units []string
	for unit, a := range iv.all() {
		if a.open() {
			units = append(units, unit)
		}
	}
	slices.Sort(units)
	return units
}

// Units are all units that have a value, sorted.
func (iv *Interview) Units() []string {
	var units []string
	for unit, a := range iv.all() {
		if a.answered() {
			units = append(units, unit)
		}
	}
	slices.Sort(units)
	return units
}

func (iv *Interview) all() func(func(string, *answer) bool) {
	return func(yield func(string, *answer) bool) {
		for i := range iv.house {
			if !yield(iv.house[i].unit, &iv.house[i]) {
				return
			}
		}
		for i := range iv.members {
			m := &iv.members[i]
			for j := range m.answers {
				if !yield("m/"+m.id+"/"+m.answers[j].unit, &m.answers[j]) {
					return
				}
			}
		}
	}
}

// Member is one person of the household as shown.
type Member struct {
	ID        string
	Name      string
	Birth     string // as answered: YYYY, YYYY-MM or YYYY-MM-DD
	Sex       string
	Relation  string
	Head      bool
	Contested bool // some say the person is no member any more; counted until a board decides
}

// Members are the existing members: those with any value whose status is not "removed". Head first, then in order of id,
// which is the order in which they were added.
func (iv *Interview) Members() []Member {
	head := iv.Head()
	var list []Member
	for i := range iv.members {
		m := &iv.members[i]
		if !m.exists() {
			continue
		}
		at := func(unit string) string {
			if a := findAnswer(m.answers, unit); a != nil {
				return plainText(a.value)
			}
			return ""
		}
		status := findAnswer(m.answers, unitStatus)
		list = append(list, Member{
			ID: m.id, Name: at("name"), Birth: at("birth"), Sex: at("sex"), Relation: at("relation"),
			Head: m.id == head, Contested: status != nil && status.open(),
		})
	}
	slices.SortStableFunc(list, func(a, b Member) int { return cmp.Compare(rankHead(b.Head), rankHead(a.Head)) })
	return list
}

func rankHead(head bool) int {
	if head {
		return 1
	}
	return 0
}

// Head is the id of the head of household: the unit head, or else the only member whose relation is head. "" when unknown.
func (iv *Interview) Head() string {
	if id := iv.Text("head"); id != "" {
		if m := iv.member(id); m != nil && m.exists() {
			return id
		}
	}
	found := ""
	for i := range iv.members {
		m := &iv.members[i]
		if a := findAnswer(m.answers, "relation"); a != nil && m.exists() && plainText(a.value) == "head" {
			if found != "" {
				return ""
			}
			found = m.id
		}
	}
	return found
}

// unitStatus is the unit that says whether a record or a member is still there.
const unitStatus = "."

// exists: any value, and not certainly removed. While the status is contested the member stays visible and counted.
func (m *memberAnswers) exists() bool {
	any := false
	for i := range m.answers {
		a := &m.answers[i]
		if a.unit == unitStatus && a.value != "" && removed(a.value) && !slices.ContainsFunc(a.more, func(v string) bool { return !removed(v) }) {
			return false
		}
		any = any || a.answered()
	}
	return any
}

// removed reads a status: {"s":"removed",…} or {"s":"deleted",…}; anything else is active, so that nobody vanishes by a typo.
func removed(status string) bool {
	if status == "" || status[0] != '{' {
		return false
	}
	word := statusWord(status)
	return word == "removed" || word == "deleted"
}

// statusWord is the s of a status that is an object.
func statusWord(status string) string {
	var s struct {
		S string `json:"s"`
	}
	if json.Unmarshal([]byte(status), &s) != nil {
		return ""
	}
	return s.S
}

func notNull(v string) string {
	if v == "null" {
		return ""
	}
	return v
}

// plainText is a JSON value as text.
func plainText(v string) string {
	if len(v) < 2 || v[0] != '"' {
		return v
	}
	inner := v[1 : len(v)-1]
	if strings.IndexByte(inner, '\\') >= 0 {
		var s string
		if json.Unmarshal([]byte(v), &s) != nil {
			return ""
		}
		inner = s
	}
	return strings.TrimSpace(norm.NFC.String(inner))
}

// Same tells whether two values are one answer: text trimmed and in NFC, numbers by value.
func Same(a, b []byte) bool {
	return fieldsync.Canonical(orNull(a)) == fieldsync.Canonical(orNull(b))
}

func orNull(v []byte) []byte {
	if v == nil {
		return []byte("null")
	}
	return v
}

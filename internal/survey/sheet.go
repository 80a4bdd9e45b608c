package survey

import (
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// cellState says what is known of one answer.
type cellState uint8

const (
	unanswered cellState = iota
	known
	wrong // a value the question cannot have: reported, and judged as unknown
)

// cell is one answer as the judge sees it.
type cell struct {
	state cellState
	index uint8 // of a known code: its place in the variable's list of answers
	value schema.Value
}

// sheet is one interview laid out for one judge: every answer a rule looks at at a fixed place.
type sheet struct {
	house  []cell
	people []person
	env    *schema.Env

	lang string // of the problems

	review   Day
	reviewed bool // review_date is known
	year     int  // of review; 0 when not known

	size      cell // household_size
	sizeRange [2]int
	contested bool // household_size has several values
	vague     bool // who is a member is contested beyond what can be tried out

	problems []Problem
	opens    []openUnit
}

// person is one member that has any value.
type person struct {
	id     string
	cells  []cell
	birth  Birth
	born   cellState
	age    Months
	exists bool
}

// openUnit is one contested answer that a rule looks at.
type openUnit struct {
	member int // in people, or -1
	slot   *slot
	values []string
}

// role is what an answer means to the judge besides being looked at by rules.
type role uint8

const (
	plain role = iota
	birthUnit
	statusUnit
	sizeUnit
	reviewUnit
)

// slot is the place of a unit in the sheet and how its values are read.
type slot struct {
	unit     string
	role     role
	cell     int // -1: only its role counts
	variable *schema.Variable
	codes    map[string]uint8 // JSON text of a code → its place in the variable's list
	fields   []*slot          // of an object: one for each field a rule looks at
}

func (s *sheet) reset(j *Judge) {
	clear(s.house)
	s.people = s.people[:0]
	s.review, s.reviewed, s.year = Day{}, false, 0
	s.size, s.sizeRange, s.contested, s.vague = cell{}, [2]int{}, false, false
	s.problems, s.opens = nil, s.opens[:0]
}

// lay fills the sheet from an interview: provisional values, with the open ones beside them.
func (j *Judge) lay(s *sheet, iv *Interview, area AreaType) {
	s.reset(j)
	for i := range iv.house {
		a := &iv.house[i]
		slot := j.house[a.unit]
		if slot == nil {
			continue
		}
		j.put(s, -1, slot, a.value)
		if a.open() {
			j.addOpen(s, -1, slot, a)
		}
	}
	for i := range iv.members {
		m := &iv.members[i]
		p := s.addPerson(m.id, len(j.memberVars))
		for k := range m.answers {
			a := &m.answers[k]
			p.exists = p.exists || a.answered()
		}
		if !p.exists {
			s.people = s.people[:len(s.people)-1]
			continue
		}
		at := len(s.people) - 1
		for k := range m.answers {
			a := &m.answers[k]
			if slot := j.person[a.unit]; slot != nil {
				j.put(s, at, slot, a.value)
				if a.open() {
					j.addOpen(s, at, slot, a)
				}
			}
		}
	}
	if j.areaCell >= 0 && area != AreaUnknown {
		for i, v := range j.areaVar.Domain {
			if v.Text() == string(area) {
				s.house[j.areaCell] = cell{state: known, index: uint8(i), value: v}
			}
		}
	}
	s.ages()
	if limit, listed := memberLimit(j.q), s.listed(); listed > limit {
		s.problems = appendProblem(s.problems, problem("members_limit", "", s.lang, limitMarks(limit, listed)))
	}
}

// listed counts the members that exist.
func (s *sheet) listed() int {
	n := 0
	for i := range s.people {
		if s.people[i].exists {
			n++
		}
	}
	return n
}

func (s *sheet) addPerson(id string, cells int) *person {
	n := len(s.people)
	if n < cap(s.people) {
		s.people = s.people[:n+1]
	} else {
		s.people = append(s.people, person{})
	}
	p := &s.people[n]
	if cap(p.cells) < cells {
		p.cells = make([]cell, cells)
	} else {
		p.cells = p.cells[:cells]
		clear(p.cells)
	}
	p.id, p.born, p.exists = id, unanswered, false
	return p
}

func (j *Judge) addOpen(s *sheet, member int, slot *slot, a *answer) {
	values := a.values()
	if slot.role != sizeUnit {
		s.opens = append(s.opens, openUnit{member, slot, values})
		return
	}
	s.contested = true
	s.sizeRange = [2]int{1 << 30, 0}
	for _, v := range values {
		c := slot.read(v)
		if c.state == wrong || (c.state == known && c.value.Int() > MaxMembers) {
			s.sizeRange = [2]int{0, 0} // could be anything
			return
		}
		if c.state == known {
			n := int(c.value.Int())
			s.sizeRange = [2]int{min(s.sizeRange[0], n), max(s.sizeRange[1], n)}
		}
	}
}

// put places one value. It is called again for each value of a contested unit.
func (j *Judge) put(s *sheet, member int, slot *slot, raw string) {
	if slot.fields != nil {
		putFields(s, member, slot, raw)
		return
	}
	switch slot.role {
	case birthUnit:
		s.putBirth(member, slot, raw)
	case statusUnit:
		s.people[member].exists = !removed(raw)
		if fault := statusFault(raw); fault != "" {
			s.wrong(member, slot, fault, nil)
		}
	case reviewUnit:
		s.review, s.reviewed = Day{}, false
		if raw != "" {
			if s.review, s.reviewed = ParseDay(quoted(raw)); !s.reviewed {
				s.wrong(member, slot, "date_form", nil)
			}
		}
		s.year = s.review.Year
	}
	if slot.cell < 0 && slot.role != sizeUnit {
		return
	}
	c := slot.read(raw)
	if c.state == wrong {
		s.wrong(member, slot, slot.fault(raw), slot.variable.Question)
	}
	switch {
	case slot.role == sizeUnit:
		s.size = c
	case member < 0:
		s.house[slot.cell] = c
	default:
		s.people[member].cells[slot.cell] = c
	}
}

func putFields(s *sheet, member int, slot *slot, raw string) {
	object, ok := fieldsOf(raw)
	if !ok && raw != "" {
		s.wrong(member, slot, "value_type", nil)
	}
	for _, f := range slot.fields {
		c := f.read(object[f.variable.Field])
		if c.state == wrong {
			s.wrong(member, slot, f.fault(object[f.variable.Field]), f.variable.Question)
		}
		if member < 0 {
			s.house[f.cell] = c
		} else {
			s.people[member].cells[f.cell] = c
		}
	}
}

// fieldsOf splits an object into its fields, values verbatim and null left out.
func fieldsOf(raw string) (map[string]string, bool) {
	s := scanner{text: raw}
	if raw == "" || raw[0] != '{' {
		return nil, false
	}
	fields := map[string]string{}
	ok := s.members(func(key, value string) bool {
		if v := notNull(value); v != "" {
			fields[key] = v
		}
		return true
	})
	return fields, ok
}

func (s *sheet) putBirth(member int, slot *slot, raw string) {
	p := &s.people[member]
	p.born = unanswered
	if raw == "" {
		return
	}
	birth, ok := ParseBirth(quoted(raw))
	if !ok {
		p.born = wrong
		s.wrong(member, slot, "birth_form", nil)
		return
	}
	p.birth, p.born = birth, known
}

// ages works out the ages of all members once births and the day of review are in.
func (s *sheet) ages() {
	for i := range s.people {
		p := &s.people[i]
		p.age = anyAge
		if p.born != known || !s.reviewed {
			continue
		}
		age, ok := p.birth.Age(s.review)
		if !ok {
			code := p.birth.fault(s.review)
			s.problems = appendProblem(s.problems, problem(code, "m/"+p.id+"/birth", "", nil))
			continue
		}
		p.age = age
	}
}

func (s *sheet) wrong(member int, slot *slot, code string, q *schema.Question) {
	unit := slot.unit
	if member >= 0 {
		unit = "m/" + s.people[member].id + "/" + unit
	}
	s.problems = appendProblem(s.problems, faultProblem(code, unit, s.lang, q))
}

// appendProblem keeps each problem once: contested units are read many times.
func appendProblem(list []Problem, p Problem) []Problem {
	for i := range list {
		if list[i].Code == p.Code && list[i].Unit == p.Unit {
			return list
		}
	}
	return append(list, p)
}

// read turns a value into a cell.
func (sl *slot) read(raw string) cell {
	if raw == "" {
		return cell{}
	}
	if sl.codes != nil {
		if i, ok := sl.codes[raw]; ok {
			return cell{known, i, sl.variable.Domain[i]}
		}
		if raw[0] == '"' { // blanks around the code, or written with escapes
			text := plainText(raw)
			if text == "" {
				return cell{}
			}
			if i, ok := sl.codes[`"`+text+`"`]; ok {
				return cell{known, i, sl.variable.Domain[i]}
			}
		}
		return cell{state: wrong}
	}
	c := readValue(sl.variable.Kind, raw)
	if q := sl.variable.Question; c.state == known && q != nil && outside(q, c.value) {
		return cell{state: wrong}
	}
	return c
}

func readValue(kind schema.ValueKind, raw string) cell {
	switch kind {
	case schema.KindInt:
		if n, ok := wholeNumber(raw); ok {
			return cell{state: known, value: schema.IntValue(n)}
		}
	case schema.KindDecimal:
		if f, ok := decimalNumber(raw); ok {
			return cell{state: known, value: schema.DecimalValue(f)}
		}
	case schema.KindString:
		if raw[0] == '"' {
			text := plainText(raw)
			if text == "" {
				return cell{}
			}
			return cell{state: known, value: schema.StringValue(text)}
		}
	case schema.KindBool:
		switch raw {
		case "true":
			return cell{state: known, value: schema.BoolValue(true)}
		case "false":
			return cell{state: known, value: schema.BoolValue(false)}
		}
	}
	return cell{state: wrong}
}

// fault is the code of what is wrong with a value that could not be read.
func (sl *slot) fault(raw string) string {
	if sl.codes == nil && readValue(sl.variable.Kind, raw).state == known {
		return "out_of_range"
	}
	return faultOf(sl.variable, raw)
}

func faultOf(v *schema.Variable, raw string) string {
	if len(raw) > 0 && raw[0] == '"' {
		if v.Kind == schema.KindInt || v.Kind == schema.KindDecimal {
			return "number_as_text"
		}
		return "choice_unknown"
	}
	if v.Kind == schema.KindInt {
		if _, ok := decimalNumber(raw); ok {
			return "number_whole"
		}
	}
	return "value_type"
}

// wholeNumber reads a JSON number without a fraction: 140, 140.0, 1.4e2. Text is refused: "140" is not a number.
func wholeNumber(raw string) (int64, bool) {
	if n, ok := plainInteger(raw); ok {
		return n, true
	}
	f, ok := decimalNumber(raw)
	if !ok || f != float64(int64(f)) || f > 1e15 || f < -1e15 {
		return 0, false
	}
	return int64(f), true
}

func plainInteger(raw string) (int64, bool) {
	digits := raw
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	n := int64(0)
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, true
}

func decimalNumber(raw string) (float64, bool) {
	if len(raw) == 0 || len(raw) > 40 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return 0, false
	}
	f, err := strconv.ParseFloat(raw, 64)
	return f, err == nil && f > -1e18 && f < 1e18
}

// quoted is the text of a JSON string; "" for anything else, so that the number 1990 is not taken for a year.
func quoted(raw string) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	inner := raw[1 : len(raw)-1]
	if len(inner) > 0 && inner[0] > ' ' && inner[len(inner)-1] > ' ' && strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return plainText(raw)
}

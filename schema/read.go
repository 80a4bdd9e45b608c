package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// reader reads questionnaires in two passes: first what is asked, then, when all variables are known, the conditions.
type reader struct {
	to      *Problems
	pending []pending
	writers map[string][]string // "board_only": roles; of the file being read
	section *Section
}

// pending is a condition waiting for the variables.
type pending struct {
	node   node
	source string
	member bool
	set    func(*Expression)
}

var (
	unitForm   = regexp.MustCompile(`^([a-z][a-z0-9_]*|\*)(/([a-z][a-z0-9_]*|\*))*(/\*\*)?$`)
	idForm     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	typeNames  = []string{"text", "integer", "decimal", "money", "date", "birth", "select", "yes_no", "multi", "object", "member", "record", "area", "status"}
	roles      = []string{"enumerator", "village_head", "board", "chairman", "district", "admin", "server"} // sync.md section 4
	policyKeys = []string{"merge", "order", "blocking"}

	questionnaireKeys = []string{"name", "title", "source", "limits", "writers", "kinds", "sections", "messages"}
	kindKeys          = []string{"label", "scope", "units"}
	sectionKeys       = []string{"id", "title", "hint", "roster", "carry", "show_if", "questions"}
	fieldKeys         = []string{"unit", "type", "label", "hint", "ask", "choices", "code_list", "reported_in", "min", "max", "decimals", "required", "picture"}
	questionKeys      = append([]string{"fields", "per_choice", "asked", "show_if", "constraints", "carry", "sensitive", "member",
		"writers", "source", "confirmed", "program"}, append(fieldKeys, policyKeys...)...)
)

// questionnaire reads one file; name is what its place says it is called.
func (r *reader) questionnaire(name string, n node) *Questionnaire {
	m := n.mapping("questionnaire", questionnaireKeys)
	q := &Questionnaire{Name: m.text("name"), Title: m.wording("title", true), Source: m.text("source"),
		Kinds: map[string]*Kind{}, Messages: map[string]Message{}}
	if q.Name != name {
		m.problem("name_mismatch", q.Name, name)
	}
	if l, ok := m.get("limits"); ok {
		lm := l.mapping("limits", []string{"members", "text"})
		q.Limits = Limits{Members: int(lm.whole("members")), Text: int(lm.whole("text"))}
	}
	r.readWriters(m)
	if kinds, ok := m.need("kinds"); ok {
		for _, f := range kinds.mapping("kinds", nil).fields {
			q.Kinds[f.key] = r.kind(f)
		}
	}
	if sections, ok := m.need("sections"); ok {
		for _, s := range sections.list("sections") {
			q.Sections = append(q.Sections, r.readSection(s))
		}
	}
	if messages, ok := m.get("messages"); ok {
		for _, f := range messages.mapping("messages", nil).fields {
			mm := f.node.mapping("message", []string{"vi", "en", "level"})
			q.Messages[f.key] = Message{Code: f.key, Text: textOf(mm, f.key), Level: level(mm)}
		}
	}
	r.index(q, m.node)
	return q
}

func (r *reader) readWriters(m mapping) {
	r.writers = map[string][]string{}
	w, ok := m.get("writers")
	if !ok {
		return
	}
	for _, f := range w.mapping("writers", nil).fields {
		for _, role := range f.node.list("writers") {
			name := role.text("role")
			if !slices.Contains(roles, name) {
				role.problem("value_unknown", name, strings.Join(roles, ", "))
			}
			r.writers[f.key] = append(r.writers[f.key], name)
		}
	}
}

func (r *reader) kind(f field) *Kind {
	m := f.node.mapping("kind", kindKeys)
	k := &Kind{Name: f.key, Label: m.wording("label", true), Scope: m.oneOf("scope", "board")}
	r.section = nil
	if units, ok := m.need("units"); ok {
		for _, u := range units.list("units") {
			if q := r.question(u, false); q != nil {
				k.Units = append(k.Units, q)
			}
		}
	}
	return k
}

func (r *reader) readSection(n node) *Section {
	m := n.mapping("section", sectionKeys)
	s := &Section{ID: m.text("id"), Title: m.wording("title", true), Roster: m.flag("roster", false), Carry: m.flag("carry", false)}
	if !idForm.MatchString(s.ID) {
		m.problem("unit_form", s.ID)
	}
	if _, ok := m.get("hint"); ok {
		s.Hint = m.wording("hint", true)
	}
	if c, ok := m.get("show_if"); ok {
		r.pend(c, c.text("show_if"), false, func(e *Expression) { s.ShowIf = e })
	}
	r.section = s
	if questions, ok := m.need("questions"); ok {
		for _, u := range questions.list("questions") {
			if q := r.question(u, s.Roster); q != nil {
				s.Questions = append(s.Questions, q)
			}
		}
	}
	return s
}

func (r *reader) pend(n node, source string, member bool, set func(*Expression)) {
	r.pending = append(r.pending, pending{n, source, member, set})
}

func (r *reader) question(n node, roster bool) *Question {
	m := n.mapping("question", questionKeys)
	q := r.field(m)
	if q == nil {
		return nil
	}
	q.Member = roster || m.flag("member", false)
	if r.section != nil {
		q.Section, q.Carry = r.section.ID, m.flag("carry", r.section.Carry)
	}
	q.Unanswered = m.flag("program", false)
	q.Sensitive = m.flag("sensitive", false)
	q.Source = m.text("source")
	q.Confidence = Confidence(m.oneOf("confirmed", "true", "partly", "false"))
	q.Confirmed = q.Confidence == "" || q.Confidence == Confirmed
	if (q.Source == "") != (q.Confidence == "") {
		m.problem("source_missing", q.Unit)
	}
	r.fields(m, q)
	r.policy(m, q)
	r.roles(m, q)
	r.conditions(m, q)
	r.expand(m, q)
	return q
}

// field reads what a question and a field of an object have in common.
func (r *reader) field(m mapping) *Question {
	q := &Question{Unit: m.text("unit"), Type: Type(m.oneOf("type", typeNames...)), Line: m.line(),
		CodeList: m.text("code_list"), ReportedIn: m.text("reported_in"), Picture: m.text("picture"), Required: m.flag("required", false), Decimals: int(m.whole("decimals"))}
	if _, ok := m.need("unit"); !ok {
		return nil
	}
	if q.Unit != "." && !unitForm.MatchString(q.Unit) {
		m.problem("unit_form", q.Unit)
		return nil
	}
	if _, ok := m.need("type"); !ok {
		return nil
	}
	q.Label = m.wording("label", true)
	if _, ok := m.get("hint"); ok {
		q.Hint = m.wording("hint", true)
	}
	if _, ok := m.get("ask"); ok {
		q.Ask = m.wording("ask", true)
	}
	q.Min, q.Max = bound(m, "min"), bound(m, "max")
	r.choices(m, q)
	return q
}

func bound(m mapping, key string) *float64 {
	n, ok := m.get(key)
	if !ok {
		return nil
	}
	f := n.number(key)
	return &f
}

var yesNo = []Choice{{Value: "yes", Label: Text{"vi": "Có", "en": "Yes"}}, {Value: "no", Label: Text{"vi": "Không", "en": "No"}}}

func (r *reader) choices(m mapping, q *Question) {
	if list, ok := m.get("choices"); ok {
		for _, f := range list.mapping("choices", nil).fields {
			q.Choices = append(q.Choices, choice(f))
		}
	} else if q.Type == TypeYesNo {
		q.Choices = yesNo
	}
	needs := q.Type == TypeSelect || q.Type == TypeMulti || q.Type == TypeStatus
	if needs && len(q.Choices) == 0 && q.CodeList == "" {
		m.problem("choices_missing", q.Unit)
	}
	q.choice = make(map[string]Value, len(q.Choices))
	for _, c := range q.Choices {
		q.choice[c.Value] = StringValue(c.Value)
	}
}

func choice(f field) Choice {
	c := Choice{Value: f.key, Label: Text{}}
	if !idForm.MatchString(c.Value) && strings.Trim(c.Value, "0123456789") != "" {
		f.node.to.add(f.node.file, f.line, "unit_form", c.Value)
	}
	for _, part := range f.node.mapping("choice", nil).fields {
		switch {
		case part.key == "picture":
			c.Picture = part.node.text("picture")
		case part.key == "reported_as":
			c.ReportedAs = part.node.text("reported_as")
		case part.key == "hint":
			c.Hint = part.node.wording("hint")
		case isLanguage(part.key):
			c.Label[part.key] = part.node.text(part.key)
		default:
			f.node.to.add(f.node.file, part.line, "key_unknown", part.key)
		}
	}
	f.node.checkLanguages(f.key, c.Label)
	return c
}

func (r *reader) fields(m mapping, q *Question) {
	list, ok := m.get("fields")
	if !ok {
		if q.Type == TypeObject {
			m.problem("key_missing", "fields")
		}
		return
	}
	for _, n := range list.list("fields") {
		f := r.field(n.mapping("field", fieldKeys))
		if f == nil {
			continue
		}
		if had, twice := q.Field(f.Unit); twice {
			n.problem("unit_twice", f.Unit, had.Line)
			continue
		}
		f.Member, f.Confirmed = q.Member, true
		q.Fields = append(q.Fields, f)
	}
}

func (r *reader) policy(m mapping, q *Question) {
	q.Policy = Policy{Merge: m.oneOf("merge", "conflict", "max", "min"), Order: m.texts("order"), Blocking: m.flag("blocking", true)}
	if q.Policy.Merge == "" {
		q.Policy.Merge = "conflict"
	}
	if q.Policy.Merge == "conflict" || len(q.Choices) == 0 {
		return
	}
	for _, c := range q.Choices {
		if q.Policy.Rank(c.Value) < 0 {
			m.problem("order", c.Value)
		}
	}
	for _, code := range q.Policy.Order {
		if _, ok := q.Choice(code); !ok {
			m.problem("order", code)
		}
	}
}

func (r *reader) roles(m mapping, q *Question) {
	n, ok := m.get("writers")
	if !ok {
		return
	}
	name := n.text("writers")
	roles, ok := r.writers[name]
	if !ok {
		n.problem("value_unknown", name, "writers: …")
	}
	q.Writers = roles
}

// conditions reads asked, show_if and constraints.
func (r *reader) conditions(m mapping, q *Question) {
	source, at := "", m.node
	if n, ok := m.get("asked"); ok {
		q.Asked = asked(n)
		source, at = q.Asked.expression(), n
		if !q.Member {
			n.problem("key_unknown", "asked")
			source = ""
		}
	}
	if n, ok := m.get("show_if"); ok {
		at = n
		if source != "" {
			source += " && "
		}
		source += "(" + n.text("show_if") + ")"
	}
	if source != "" {
		r.pend(at, source, q.Member, func(e *Expression) { q.ShowIf = e })
	}
	list, ok := m.get("constraints")
	if !ok {
		return
	}
	items := list.list("constraints")
	q.Constraints = make([]Constraint, len(items))
	for i, n := range items {
		cm := n.mapping("constraint", []string{"code", "broken_when", "message", "level"})
		c := &q.Constraints[i]
		c.Code, c.Level = cm.text("code"), level(cm)
		if !idForm.MatchString(c.Code) {
			cm.problem("unit_form", c.Code)
		}
		if message, ok := cm.get("message"); ok {
			c.Message = message.wording("message")
		} else {
			cm.problem("constraint_message", c.Code)
		}
		if when, ok := cm.need("broken_when"); ok {
			r.pend(when, when.text("broken_when"), q.Member, func(e *Expression) { c.When = e })
		}
	}
}

func level(m mapping) Level {
	if s := m.oneOf("level", "problem", "warning"); s != "" {
		return Level(s)
	}
	return LevelProblem
}

func textOf(m mapping, what string) Text {
	t := Text{"vi": m.text("vi"), "en": m.text("en")}
	m.checkLanguages(what, t)
	return t
}

// asked reads "15+", "<16", "3-30" (years, both ends included).
func asked(n node) *Asked {
	s, a := n.text("asked"), &Asked{Max: -1}
	var ok bool
	switch {
	case strings.HasSuffix(s, "+"):
		_, err := fmt.Sscanf(s, "%d+", &a.Min)
		ok = err == nil
	case strings.HasPrefix(s, "<"):
		_, err := fmt.Sscanf(s, "<%d", &a.Max)
		a.Max--
		ok = err == nil
	default:
		_, err := fmt.Sscanf(s, "%d-%d", &a.Min, &a.Max)
		ok = err == nil && a.Min <= a.Max
	}
	if !ok {
		n.problem("shape", "asked", "dạng 15+, <16 hoặc 3-30", "like 15+, <16 or 3-30")
	}
	return a
}

func (a *Asked) expression() string {
	if a.Max < 0 {
		return fmt.Sprintf("age >= %d", a.Min)
	}
	return fmt.Sprintf("age >= %d && age <= %d", a.Min, a.Max)
}

// expand makes the units of a multi (one yes/no a choice) and of an object asked per choice.
func (r *reader) expand(m mapping, q *Question) {
	perChoice := m.flag("per_choice", false)
	if q.Type != TypeMulti && !perChoice {
		return
	}
	if perChoice && len(q.Choices) == 0 {
		m.problem("choices_missing", q.Unit)
	}
	for _, c := range q.Choices {
		part := *q
		part.Unit, part.Label, part.Picture, part.Group, part.Parts = q.Unit+"/"+c.Value, c.Label, c.Picture, q, nil
		part.Choices, part.choice = nil, nil
		if q.Type == TypeMulti {
			part.Type, part.Choices = TypeYesNo, yesNo
			part.choice = map[string]Value{"yes": StringValue("yes"), "no": StringValue("no")}
		}
		part.Constraints = nil
		q.Parts = append(q.Parts, &part)
	}
}

// index gathers the units of the interview from its sections and makes every kind searchable.
func (r *reader) index(q *Questionnaire, n node) {
	interview := q.Kinds[KindInterview]
	if interview == nil {
		n.problem("key_missing", "kinds.interview")
		return
	}
	ids := map[string]bool{}
	for _, s := range q.Sections {
		if ids[s.ID] {
			n.problem("key_twice", s.ID)
		}
		ids[s.ID] = true
		interview.Units = append(interview.Units, s.Questions...)
	}
	for _, k := range q.Kinds {
		k.index(n)
	}
}

func (k *Kind) index(n node) {
	k.exact, k.member = map[string]*Question{}, map[string]*Question{}
	var flat []*Question
	for _, q := range k.Units {
		if len(q.Parts) > 0 {
			flat = append(flat, q.Parts...)
		} else {
			flat = append(flat, q)
		}
	}
	k.Units = flat
	for _, q := range flat {
		table := k.exact
		if q.Member {
			table = k.member
		}
		if had, twice := table[q.Unit]; twice {
			n.to.add(n.file, q.Line, "unit_twice", q.Unit, had.Line)
			continue
		}
		table[q.Unit] = q
		if strings.Contains(q.Unit, "*") {
			k.patterns = append(k.patterns, q)
		}
	}
	slices.SortStableFunc(k.patterns, func(a, b *Question) int { return len(b.Unit) - len(a.Unit) })
}

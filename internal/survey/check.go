package survey

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rasoat/rasoat/schema"
)

// Check says what is wrong with an interview: answers that cannot be read, required questions without an answer, the
// questionnaire's constraints, and the household as a whole (roster.go). The order is that of the questionnaire, the
// household as a whole last; problems about it have no unit. An open answer breaks no rule, and neither does a contested one.
func Check(q *schema.Questionnaire, iv *Interview, lang string) []Problem {
	return Ask(q, iv, nil).Check(lang)
}

// Visible tells whether a unit is asked in this interview: yes, no, or unknown, which means that it is shown. A unit that no
// section asks is not visible. For many units of one interview make an [Asking] once.
func Visible(q *schema.Questionnaire, iv *Interview, unit string) schema.Truth {
	return Ask(q, iv, nil).Visible(unit)
}

// SectionVisible tells whether a section is asked in this interview.
func SectionVisible(q *schema.Questionnaire, iv *Interview, section string) schema.Truth {
	return Ask(q, iv, nil).Section(section)
}

// Asking is what is asked in one interview as it stands. It is not safe for concurrent use.
type Asking struct{ c *checker }

// Ask makes an Asking. With a judgement, questions for households that may be poor (causes, support) are left out once the
// class is certainly not poor; g may be nil.
func Ask(q *schema.Questionnaire, iv *Interview, g *Judgement) *Asking {
	c := newChecker(q, iv, "")
	if v, ok := q.Vars.Lookup(schema.VarMayBePoor); ok && g != nil {
		c.env.Set(v, schema.BoolValue(g.Possible != canNotPoor))
	}
	return &Asking{c}
}

// Check is [Check] of the interview.
func (a *Asking) Check(lang string) []Problem {
	c := a.c
	c.lang, c.problems = lang, nil
	for _, s := range c.q.Sections {
		c.section(s)
	}
	c.rest()
	c.household()
	return c.problems
}

// Visible is [Visible] of the interview.
func (a *Asking) Visible(unit string) schema.Truth {
	c := a.c
	question, ok := c.kind.Question(unit)
	if !ok || question.Section == "" {
		return schema.No
	}
	env := c.env
	if id, _, ok := schema.MemberUnit(unit); ok {
		if env = c.memberEnv(id); env == nil {
			return schema.No
		}
	}
	return and(a.Section(question.Section), c.shown(question, env))
}

// Section is [SectionVisible] of the interview.
func (a *Asking) Section(id string) schema.Truth {
	s := sectionOf(a.c.q, id)
	if s == nil {
		return schema.No
	}
	return s.ShowIf.Eval(a.c.env)
}

func sectionOf(q *schema.Questionnaire, id string) *schema.Section {
	for _, s := range q.Sections {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func and(a, b schema.Truth) schema.Truth {
	switch {
	case a == schema.No || b == schema.No:
		return schema.No
	case a == schema.Yes && b == schema.Yes:
		return schema.Yes
	}
	return schema.Unknown
}

// checker holds one interview's answers as expressions see them.
type checker struct {
	q        *schema.Questionnaire
	iv       *Interview
	lang     string
	kind     *schema.Kind
	env      *schema.Env
	members  []Member
	envs     []*schema.Env // of members, in their order
	review   Day
	reviewed bool
	gone     bool // the visit's outcome is not an interview: only the arrival is required
	problems []Problem
}

func newChecker(q *schema.Questionnaire, iv *Interview, lang string) *checker {
	c := &checker{q: q, iv: iv, lang: lang, kind: q.Kinds[schema.KindInterview], env: q.Vars.NewEnv(), members: iv.Members()}
	c.review, c.reviewed = ParseDay(iv.Text("review_date"))
	outcome := iv.Text("outcome")
	c.gone = outcome != "" && outcome != "interviewed"
	for i := range iv.house {
		c.place(&iv.house[i], false, c.env)
	}
	if v, ok := q.Vars.Lookup(schema.VarMembers); ok {
		c.env.Set(v, schema.IntValue(int64(len(c.members))))
	}
	for _, m := range c.members {
		env := &schema.Env{Household: c.env.Household, Member: make([]schema.Value, len(q.Vars.Member))}
		answers := iv.member(m.ID).answers
		for i := range answers {
			c.place(&answers[i], true, env)
		}
		c.placeAge(m.ID, env)
		c.envs = append(c.envs, env)
	}
	return c
}

func (c *checker) memberEnv(id string) *schema.Env {
	for i := range c.members {
		if c.members[i].ID == id {
			return c.envs[i]
		}
	}
	return nil
}

// place gives the expressions one answer: certain ones only.
func (c *checker) place(a *answer, member bool, env *schema.Env) {
	if a.value == "" || a.open() {
		return
	}
	question, ok := c.question(a.unit, member)
	if !ok {
		return
	}
	if question.Type != schema.TypeObject {
		if value, fault := readAnswer(question, a.value); fault == "" && value.Known() {
			if v, ok := c.q.Vars.Of(question.Unit, ""); ok {
				env.Set(v, value)
			}
		}
		return
	}
	object, ok := fieldsOf(a.value)
	if !ok {
		return
	}
	for _, f := range question.Fields {
		if value, fault := readAnswer(f, object[f.Unit]); fault == "" && value.Known() {
			if v, ok := c.q.Vars.Of(question.Unit, f.Unit); ok {
				env.Set(v, value)
			}
		}
	}
}

func (c *checker) question(unit string, member bool) (*schema.Question, bool) {
	if member {
		return c.kind.MemberQuestion(unit)
	}
	return c.kind.Question(unit)
}

// placeAge gives the completed years and months when they are certain.
func (c *checker) placeAge(id string, env *schema.Env) {
	age, ok := c.age(id)
	if !ok {
		return
	}
	if v, ok := c.q.Vars.Lookup(schema.VarAge); ok && age.Exact() {
		env.Set(v, schema.IntValue(int64(age.From/12)))
	}
	if v, ok := c.q.Vars.Lookup(schema.VarAgeMonths); ok && age.From == age.To {
		env.Set(v, schema.IntValue(int64(age.From)))
	}
}

// age is a member's possible ages; ok is false when nothing is known.
func (c *checker) age(id string) (Months, bool) {
	a := c.iv.find("m/" + id + "/birth")
	if a == nil || a.value == "" || a.open() || !c.reviewed {
		return anyAge, false
	}
	birth, ok := ParseBirth(quoted(a.value))
	if !ok {
		return anyAge, false
	}
	return birth.Age(c.review)
}

// shown evaluates a question's own condition. An age that is known to a year or two decides where all of it agrees.
func (c *checker) shown(q *schema.Question, env *schema.Env) schema.Truth {
	t := q.ShowIf.Eval(env)
	if q.Group != nil {
		t = and(t, q.Group.ShowIf.Eval(env))
	}
	return t
}

func (c *checker) section(s *schema.Section) {
	if s.ShowIf.Eval(c.env) == schema.No {
		return
	}
	if !s.Roster {
		for _, q := range s.Questions {
			c.ask(q, "", c.env)
		}
		return
	}
	for i, m := range c.members {
		for _, q := range s.Questions {
			c.ask(q, "m/"+m.ID+"/", c.envs[i])
		}
	}
}

// ask checks one question and its parts, for the household or for one member.
func (c *checker) ask(q *schema.Question, prefix string, env *schema.Env) {
	for _, part := range q.Parts {
		c.ask(part, prefix, env)
	}
	if strings.ContainsRune(q.Unit, '*') || q.Type == schema.TypeMulti {
		return
	}
	unit := prefix + q.Unit
	a := c.iv.find(unit)
	if a == nil || !a.answered() {
		c.required(q, unit, prefix, env)
		return
	}
	if a.value == "" || a.open() {
		return
	}
	c.value(q, unit, a.value)
	for i := range q.Constraints {
		if rule := &q.Constraints[i]; rule.When.Eval(env) == schema.Yes {
			c.add(Problem{Code: rule.Code, Unit: unit, Level: rule.Level, text: rule.Message})
		}
	}
}

// required leaves the head to roster.go, which says it better.
func (c *checker) required(q *schema.Question, unit, prefix string, env *schema.Env) {
	if !q.Required || q.Unanswered || q.Unit == "head" || c.shown(q, env) == schema.No || c.iv.Has(prefix+"open/"+q.Unit) {
		return
	}
	if c.gone && q.Unit != "review_date" && q.Unit != "outcome" {
		return
	}
	c.say("required", unit, map[string]string{"question": q.Label.In(c.lang)})
}

// value checks one value by its question alone.
func (c *checker) value(q *schema.Question, unit string, raw string) {
	value, fault := readAnswer(q, raw)
	marks := map[string]string{"question": q.Label.In(c.lang)}
	switch {
	case fault == "year_short":
		marks["year"] = shortYear(quoted(raw), c.review.Year)
	case fault == "" && q.Type == schema.TypeObject:
		c.fields(q, unit, raw)
		return
	case fault == "" && q.Type == schema.TypeText && c.q.Limits.Text > 0 && utf8.RuneCountInString(value.Text()) > c.q.Limits.Text:
		fault = "text_long"
		marks["limit"] = strconv.Itoa(c.q.Limits.Text)
	case fault == "" && q.Type == schema.TypeBirth && c.reviewed:
		fault = birthFault(value.Text(), c.review)
	case fault == "" && q.Type == schema.TypeMember && !slices.ContainsFunc(c.members, func(m Member) bool { return m.ID == value.Text() }):
		if q.Unit == "head" {
			return // roster.go says it better
		}
		if q.Unit == "respondent" {
			return // may be the name of somebody who is no member
		}
		fault = "person_not_listed"
	}
	if fault != "" {
		c.say(fault, unit, marks)
		return
	}
	c.limits(q, unit, value, marks)
}

// fields checks an object field by field.
func (c *checker) fields(q *schema.Question, unit string, raw string) {
	object, ok := fieldsOf(raw)
	if !ok {
		return // one of the object's codes
	}
	for _, f := range q.Fields {
		if v := object[f.Unit]; v != "" {
			c.value(f, unit, v)
		}
	}
}

// limits checks range and decimals of a number.
func (c *checker) limits(q *schema.Question, unit string, value schema.Value, marks map[string]string) {
	if value.Kind() == schema.KindDecimal {
		if whole, rest, ok := strings.Cut(strconv.FormatFloat(value.Decimal(), 'f', -1, 64), "."); ok && whole != "" && len(rest) > q.Decimals {
			marks["decimals"] = strconv.Itoa(q.Decimals)
			c.say("number_decimals", unit, marks)
		}
	}
	if outside(q, value) {
		c.say("out_of_range", unit, rangeMarks(q, c.lang))
	}
}

// rest checks the values of units that no section asks (status, notes, decisions) and of those with a path of their own.
func (c *checker) rest() {
	for unit, a := range c.iv.all() {
		if a.value == "" || a.open() {
			continue
		}
		_, _, member := schema.MemberUnit(unit)
		q, ok := c.question(a.unit, member)
		if ok && (q.Section == "" || strings.ContainsRune(q.Unit, '*')) {
			c.value(q, unit, a.value)
		}
	}
}

// say adds a problem with the questionnaire's wording, or this package's where the version has none.
func (c *checker) say(code, unit string, marks map[string]string) {
	p := problem(code, unit, c.lang, marks)
	if m, ok := c.q.Messages[code]; ok {
		p.text = m.Text
		if m.Level != "" {
			p.Level = m.Level
		}
	}
	c.add(p)
}

func (c *checker) add(p Problem) {
	for i := range c.problems {
		if c.problems[i].Code == p.Code && c.problems[i].Unit == p.Unit {
			return
		}
	}
	c.problems = append(c.problems, p.In(c.lang))
}

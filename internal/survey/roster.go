package survey

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Ages behind the checks of the roster: surely a slip of the pen, never a refusal.
const (
	minParentGap = 13 // years between a parent and a child
	minHeadAge   = 15
)

// household checks what concerns more than one answer.
func (c *checker) household() {
	if c.gone {
		return
	}
	c.size()
	c.heads()
	c.parents()
	c.idNumbers()
	c.scoreSum()
	c.measured()
}

func (c *checker) size() {
	if limit := memberLimit(c.q); len(c.members) > limit {
		c.say("members_limit", "", limitMarks(limit, len(c.members)))
	}
	a := c.iv.find("household_size")
	if a == nil || a.value == "" || a.open() {
		return
	}
	if n, ok := wholeNumber(a.value); ok && n != int64(len(c.members)) {
		c.say("size_differs", "household_size", map[string]string{"size": strconv.FormatInt(n, 10), "listed": strconv.Itoa(len(c.members))})
	}
}

func memberLimit(q *schema.Questionnaire) int {
	if q.Limits.Members > 0 {
		return q.Limits.Members
	}
	return MaxMembers
}

func limitMarks(limit, count int) map[string]string {
	return map[string]string{"limit": strconv.Itoa(limit), "count": strconv.Itoa(count)}
}

// heads: the unit head names one listed member, and nobody else has the relation head.
func (c *checker) heads() {
	if len(c.members) == 0 || len(c.iv.Open("head")) > 0 {
		return
	}
	chosen := c.iv.Text("head")
	var names []string
	listed := false
	for _, m := range c.members {
		if m.ID == chosen {
			listed = true
		}
		if m.Relation == "head" || m.ID == chosen {
			names = append(names, orText(m.Name, someone, c.lang))
		}
	}
	switch {
	case chosen != "" && !listed:
		c.say("head_not_member", "head", nil)
	case len(names) == 0:
		c.say("head_missing", "head", nil)
	case len(names) > 1:
		c.say("head_several", "head", map[string]string{"count": strconv.Itoa(len(names)), "names": strings.Join(names, ", ")})
	}
	head := c.iv.Head()
	if age, ok := c.age(head); head != "" && ok && age.To < minHeadAge*12 {
		c.say("head_young", "head", map[string]string{"member": c.name(head), "age": ageText(age, c.lang)})
	}
}

func (c *checker) name(id string) string { return orText(memberName(c.iv, id), someone, c.lang) }

// parents: a child of the head, or the head beside a parent, with surely fewer than 13 years between them.
func (c *checker) parents() {
	head := c.iv.Head()
	for _, m := range c.members {
		if head == "" || m.ID == head {
			continue
		}
		switch m.Relation {
		case "child":
			c.pair(m.ID, head)
		case "parent":
			c.pair(head, m.ID)
		}
	}
}

func (c *checker) pair(child, parent string) {
	young, okYoung := ParseBirth(c.iv.Text("m/" + child + "/birth"))
	old, okOld := ParseBirth(c.iv.Text("m/" + parent + "/birth"))
	if !okYoung || !okOld || old.First.monthsUntil(young.Last) >= minParentGap*12 {
		return
	}
	c.say("child_older", "m/"+child+"/birth", map[string]string{
		"child": c.name(child), "child_birth": c.iv.Text("m/" + child + "/birth"),
		"parent": c.name(parent), "parent_birth": c.iv.Text("m/" + parent + "/birth"),
	})
}

func (c *checker) idNumbers() {
	holders := map[string][]string{}
	for _, m := range c.members {
		unit := "m/" + m.ID + "/id_number"
		text := c.iv.Text(unit)
		if text != "" && len(c.iv.Open(unit)) == 0 {
			holders[text] = append(holders[text], orText(m.Name, someone, c.lang))
		}
		id, ok := ParseIDNumber(text)
		if !ok || !id.differs(m.Birth, m.Sex) {
			continue
		}
		c.say("id_differs", unit, map[string]string{
			"id_year": strconv.Itoa(id.Year), "id_sex": sexText[id.Sex].In(c.lang),
			"birth": orText(m.Birth, unknownText, c.lang), "sex": orText(sexText[m.Sex].In(c.lang), unknownText, c.lang),
		})
	}
	for _, m := range c.members {
		unit := "m/" + m.ID + "/id_number"
		if names := holders[c.iv.Text(unit)]; len(names) > 1 {
			c.say("id_twice", unit, map[string]string{"names": strings.Join(names, ", ")})
		}
	}
}

// scoreSum: points typed item by item against the sum on the sheet.
func (c *checker) scoreSum() {
	sum, items := int64(0), 0
	for i := range c.iv.house {
		a := &c.iv.house[i]
		if strings.HasPrefix(a.unit, "b1/") && a.value != "" && !a.open() {
			if n, ok := wholeNumber(a.value); ok {
				sum += n
				items++
			}
		}
	}
	stated, ok := wholeNumber(c.iv.raw("b1_score"))
	if items == 0 || !ok || len(c.iv.Open("b1_score")) > 0 || sum == stated {
		return
	}
	c.say("b1_sum_differs", "b1_score", map[string]string{"sum": strconv.FormatInt(sum, 10), "stated": strconv.FormatInt(stated, 10)})
}

// measured: children who are surely under 16 and of whom nutrition is not known.
func (c *checker) measured() {
	for _, m := range c.members {
		age, ok := c.age(m.ID)
		if !ok || age.To >= 16*12 {
			continue
		}
		prefix := "m/" + m.ID + "/"
		stunted, underweight := c.iv.Text(prefix+"stunted"), c.iv.Text(prefix+"underweight")
		if stunted == "yes" || underweight == "yes" || (stunted != "" && underweight != "") {
			continue
		}
		c.say("nutrition_open", prefix+"stunted", map[string]string{"member": c.name(m.ID)})
	}
}

// Gaps is the problem of finishing an interview while answers that decide its class are open and no reason was given for
// leaving them; ok is false when there are none.
func Gaps(q *schema.Questionnaire, iv *Interview, g *Judgement, lang string) (p Problem, ok bool) {
	var labels []string
	for _, unit := range g.Deciding {
		reason := "open/" + unit
		if id, rest, member := schema.MemberUnit(unit); member {
			reason = "m/" + id + "/open/" + rest
		}
		if iv.Has(reason) {
			continue
		}
		labels = append(labels, UnitLabel(q, iv, unit, lang))
	}
	if len(labels) == 0 {
		return Problem{}, false
	}
	c := checker{q: q, iv: iv, lang: lang}
	c.say("complete_with_gaps", "status", map[string]string{"count": strconv.Itoa(len(labels)), "questions": strings.Join(labels, "; ")})
	return c.problems[0], true
}

// UnitLabel is the wording of a unit's question, with the member's name before it: "Nông Thị Lan: Bảo hiểm y tế".
func UnitLabel(q *schema.Questionnaire, iv *Interview, unit, lang string) string {
	question, ok := q.Question(schema.KindInterview, unit)
	if !ok {
		return unit
	}
	label := question.Label.In(lang)
	if id, _, member := schema.MemberUnit(unit); member {
		return orText(memberName(iv, id), someone, lang) + ": " + label
	}
	return label
}

// Flags are what two people's work makes of a record although neither broke a rule: a household interviewed by one and found
// gone by another. The board looks; nothing is refused.
func Flags(rec *fieldsync.Record, q *schema.Questionnaire, lang string) []Problem {
	var outcomes []string
	for _, h := range rec.Heads("outcome") {
		outcomes = append(outcomes, quoted(string(h.Value)))
	}
	c := checker{q: q, lang: lang}
	if slices.Contains(outcomes, "interviewed") && (slices.Contains(outcomes, "moved") || slices.Contains(outcomes, "dissolved")) {
		c.say("interviewed_and_gone", "outcome", nil)
	}
	return c.problems
}

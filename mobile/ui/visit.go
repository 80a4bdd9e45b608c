package ui

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// visit is an open form with what follows from its answers: what is shown, what is wrong, which class they give.
type visit struct {
	a    *App
	form *tablet.Form
	q    *schema.Questionnaire
	kind *schema.Kind
	now  findings

	pending atomic.Int32 // writes handed over and not yet done: the findings are made after the last of them
	changed func()       // of the page in sight: the findings are new
}

// findings are computed off the UI goroutine after every answer.
type findings struct {
	iv       *survey.Interview
	roster   []tablet.Member
	problems map[string][]survey.Problem // by unit; "" for the household as a whole
	judged   *survey.Judgement
	hidden   map[string]bool // units that are certainly not asked
	sections []*schema.Section
}

// newVisit looks at a form for the first time; it may be called off the UI goroutine.
func newVisit(a *App, form *tablet.Form) *visit {
	q := a.Set.Questionnaires[form.Round().Questionnaire]
	v := &visit{a: a, form: form, q: q, kind: q.Kinds[schema.KindInterview]}
	v.now = v.look()
	return v
}

// look computes the findings.
func (v *visit) look() findings {
	f := findings{iv: v.form.Interviewed(), roster: v.form.Roster(), problems: map[string][]survey.Problem{}, hidden: map[string]bool{}}
	f.judged, _ = v.form.Judgement(v.a.lang) // nil while the round's standard is not here: the class strip says so
	asking := survey.Ask(v.q, f.iv, f.judged)
	for _, p := range asking.Check(v.a.lang) {
		f.problems[p.Unit] = append(f.problems[p.Unit], p)
	}
	for _, s := range v.q.Sections {
		people, asked := f.people(s), 0
		for _, unit := range unitsOf(s, people) {
			if asking.Visible(unit) == schema.No {
				f.hidden[unit] = true
				continue
			}
			asked++
		}
		nobody := s.Roster && !s.Carry && len(people) > 0 && asked == 0 // no child in the house: nothing to measure
		if asking.Section(s.ID) != schema.No && !nobody {
			f.sections = append(f.sections, s)
		}
	}
	return f
}

// people are those a section's questions are asked of: "" for the household itself.
func (f *findings) people(s *schema.Section) []string {
	if !s.Roster {
		return []string{""}
	}
	var ids []string
	for _, m := range f.members() {
		ids = append(ids, m.ID)
	}
	return ids
}

// members are the people known to be in the household this round.
func (f *findings) members() []tablet.Member {
	var list []tablet.Member
	for _, m := range f.roster {
		if m.Settled && m.Removed == "" {
			list = append(list, m)
		}
	}
	return list
}

// unsettled are people of last year of whom nobody has said yet whether they are still here.
func (f *findings) unsettled() (list []tablet.Member) {
	for _, m := range f.roster {
		if !m.Settled {
			list = append(list, m)
		}
	}
	return list
}

// unitsOf are the units of a section's questions as they stand on the wire, for each of the people; headings by their parts.
// Append-only paths (visit/*) are not among them: nobody has to answer them.
func unitsOf(s *schema.Section, people []string) (units []string) {
	for _, id := range people {
		for _, q := range s.Questions {
			for _, leaf := range leaves(q) {
				if !strings.Contains(leaf.Unit, "*") {
					units = append(units, wire(id, leaf.Unit))
				}
			}
		}
	}
	return units
}

// leaves are the units a question writes.
func leaves(q *schema.Question) []*schema.Question {
	if len(q.Parts) > 0 {
		return q.Parts
	}
	return []*schema.Question{q}
}

func wire(member, unit string) string {
	if member == "" {
		return unit
	}
	return "m/" + member + "/" + unit
}

// set saves an answer of the interview (home: of the household's own record) and looks again.
func (v *visit) set(unit string, value json.RawMessage, home bool) {
	v.write(func(ctx context.Context) error {
		if home {
			return v.form.SetHousehold(ctx, unit, value)
		}
		return v.form.Set(ctx, unit, value)
	}, nil)
}

// write runs a write on the form, looks again, and tells the page in sight; then runs after that in the UI goroutine.
func (v *visit) write(f func(ctx context.Context) error, then func()) {
	v.pending.Add(1)
	v.a.do(func() func() {
		err := f(context.Background())
		if v.pending.Add(-1) > 0 && err == nil && then == nil {
			return nil
		}
		now := v.look()
		return func() {
			v.now = now
			if err != nil {
				v.a.failed(err)
				return
			}
			if then != nil {
				then()
				return
			}
			if v.changed != nil {
				v.changed()
			}
		}
	})
}

// shown tells whether a unit is or may be asked.
func (v *visit) shown(unit string) bool { return !v.now.hidden[unit] }

// progress counts a section's questions: answered or left open with a reason, asked, and with a problem.
type progress struct{ done, of, problems, later int }

func (v *visit) progress(s *schema.Section, people []string) (p progress) {
	for _, id := range people {
		for _, q := range s.Questions {
			v.count(&p, q, id)
		}
	}
	if s.Roster && s.Carry {
		p.of += len(v.now.unsettled())
	}
	return p
}

// count adds one question; a heading with parts counts once, as answered when all of them are.
func (v *visit) count(p *progress, q *schema.Question, member string) {
	if strings.Contains(q.Unit, "*") || q.Unanswered {
		return
	}
	asked, answered, later := false, true, false
	for _, leaf := range leaves(q) {
		unit := wire(member, leaf.Unit)
		if !v.shown(unit) {
			continue
		}
		asked = true
		has := v.now.iv.Has(unit)
		why := v.openReason(unit)
		answered = answered && (has || why != "")
		later = later || (!has && why != "")
		if v.broken(unit) {
			p.problems++
		}
	}
	if !asked || (optional(q) && !answered) {
		return
	}
	p.of++
	if answered {
		p.done++
	}
	if later {
		p.later++
	}
}

// optional questions do not count as missing while they are empty: nothing depends on them.
func optional(q *schema.Question) bool {
	if q.Required {
		return false
	}
	return !q.Policy.Blocking || q.Type == schema.TypeText || q.Type == schema.TypeObject || q.Type == schema.TypeMoney
}

// broken tells whether a problem (not a mere warning) stands at the unit.
func (v *visit) broken(unit string) bool {
	for _, p := range v.now.problems[unit] {
		if p.Level == schema.LevelProblem && p.Code != "required" {
			return true
		}
	}
	return false
}

// openUnit is where the reason stands why a question is left open: open/<unit>, m/<id>/open/<unit>.
func openUnit(unit string) string {
	if id, rest, ok := schema.MemberUnit(unit); ok {
		return "m/" + id + "/open/" + rest
	}
	return "open/" + unit
}

// openReason is why a question is left open: ask_later, dont_know, refused, or "".
func (v *visit) openReason(unit string) string { return v.now.iv.Text(openUnit(unit)) }

// memberName is the name of a member, or words for one without.
func (v *visit) memberName(id string) string {
	for i, m := range v.now.roster {
		if m.ID == id {
			if m.Name != "" {
				return m.Name
			}
			return v.a.t("member.nth", "n", itoa(i+1))
		}
	}
	return v.a.t("member.unknown")
}

// title names the household: its head, else its first member, else that it is new.
func (v *visit) title() string {
	if id := v.now.iv.Head(); id != "" {
		return v.memberName(id)
	}
	for _, m := range v.now.roster {
		if m.Name != "" {
			return m.Name
		}
	}
	return v.a.t("household.new")
}

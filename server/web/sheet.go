package web

import (
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// roster is one section of the sheet that is asked of every member, as a table.
func (v *visit) roster(r *reading, s *schema.Section) roster {
	out := roster{ID: s.ID, Title: s.Title.In(v.lang)}
	var asked []*schema.Question
	for _, q := range s.Questions {
		if q.Unit != "name" && !strings.Contains(q.Unit, "*") && r.anyone(q) {
			asked = append(asked, q)
			out.Heads = append(out.Heads, q.Label.In(v.lang))
		}
	}
	if len(asked) == 0 {
		return out
	}
	for _, m := range r.iv.Members() {
		row := rosterRow{Name: m.Name, Note: v.age(r, m.Birth)}
		if row.Name == "" {
			row.Name = v.t("household.unnamed_member")
		}
		if m.Contested {
			row.Note += " · " + v.t("answer.contested")
		}
		for _, q := range asked {
			row.Cells = append(row.Cells, r.answer(q, "m/"+m.ID+"/"+q.Unit))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// age is a member's age on the day of review; as a range while only the year of birth is known.
func (v *visit) age(r *reading, born string) string {
	birth, ok1 := survey.ParseBirth(born)
	review, ok2 := survey.ParseDay(r.iv.Text("review_date"))
	if !ok1 || !ok2 {
		return ""
	}
	months, ok := birth.Age(review)
	if !ok {
		return ""
	}
	from, to := months.Years()
	return v.t("household.age", points(from, to))
}

// anyone tells whether a member question has an answer, or a reason why not, for anybody: empty columns are left out.
func (r *reading) anyone(q *schema.Question) bool {
	for id := range r.names {
		if unit := "m/" + id + "/" + q.Unit; r.iv.Has(unit) || r.iv.Has("m/"+id+"/open/"+q.Unit) {
			return true
		}
	}
	return false
}

// section lists a section's answers. What is certainly not asked of this household is left out.
func (v *visit) section(r *reading, s *schema.Section) section {
	out := section{ID: s.ID, Title: s.Title.In(v.lang)}
	asked := survey.SectionVisible(r.q, r.iv, s.ID) != schema.No
	add := func(q *schema.Question, unit string, a answer) {
		if a == (answer{}) && (!asked || survey.Visible(r.q, r.iv, unit) == schema.No) {
			return
		}
		out.Rows = append(out.Rows, sectionRow{q.Label.In(v.lang), a})
	}
	for _, q := range s.Questions {
		switch {
		case len(q.Parts) > 0 && q.Type == schema.TypeMulti:
			add(q, q.Parts[0].Unit, r.choices(q))
		case len(q.Parts) > 0:
			for _, p := range q.Parts {
				if a := r.answer(p, p.Unit); a != (answer{}) {
					a.Text = p.Label.In(v.lang) + ": " + a.Text
					add(q, p.Unit, a)
				}
			}
		case strings.Contains(q.Unit, "*"):
			for _, unit := range r.iv.Units() {
				if got, ok := r.q.Question(schema.KindInterview, unit); ok && got == q {
					add(q, unit, r.answer(q, unit))
				}
			}
		default:
			add(q, q.Unit, r.answer(q, q.Unit))
		}
	}
	return out
}

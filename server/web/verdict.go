package web

import (
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// judged makes the class of a household under one standard with its reasons, as a family can be told them.
func (v *visit) judged(r *reading, j *survey.Judge, area survey.AreaType) judged {
	g := j.Judge(r.iv, area, survey.Options{Reasons: true, Lang: v.lang})
	std := g.Standard()
	out := judged{Name: std.Name, Title: std.Title.In(v.lang), Class: string(g.Class), Summary: v.summary(r, g, area)}
	if g.Basis == survey.BasisIncome && std.Score != nil {
		out.Marks = append(out.Marks, v.t("household.by_income"))
	}
	if !r.iv.Has("household_size") {
		out.Marks = append(out.Marks, v.t("household.roster_open"))
	}
	if g.AverageLiving == "yes" {
		out.Marks = append(out.Marks, std.Sentences["average_living"].In(v.lang))
	}
	for _, why := range g.Why {
		ind, ok := std.Indicator(why.Indicator)
		if !ok {
			continue
		}
		x := reason{Indicator: ind.Label.In(v.lang), Sentence: why.Sentence, Article: ind.Source, Open: why.Verdict == survey.Unknown, Confirmed: why.Confirmed}
		for _, d := range std.Dimensions {
			if d.Code == ind.Dimension {
				x.Dimension = d.Label.In(v.lang)
			}
		}
		if v.sensitiveIndicator(r, ind) && !r.show {
			x.Sentence = v.t("sensitive.reason")
		}
		for i, unit := range why.Undecided {
			if i > 0 {
				x.Undecided += "; "
			}
			x.Undecided += r.label(schema.KindInterview, unit)
		}
		out.Reasons = append(out.Reasons, x)
	}
	return out
}

// sensitiveIndicator: its sentence would tell a member's health or disability.
func (v *visit) sensitiveIndicator(r *reading, ind *schema.Indicator) bool {
	return slices.ContainsFunc(ind.Units, func(unit string) bool {
		for _, full := range []string{unit, "m/-/" + unit} {
			if q, ok := r.q.Question(schema.KindInterview, full); ok && sensitive(q) {
				return true
			}
		}
		return false
	})
}

// summary is the class in one line: the income side, the points, the area type, the range while it is open.
func (v *visit) summary(r *reading, g *survey.Judgement, area survey.AreaType) string {
	parts := []string{v.t("household.b2", points(g.B2, g.B2Max))}
	if score := r.iv.Text("b1_score"); score != "" && g.Standard().Score != nil {
		line, ok := g.Standard().Score.For(string(area))
		if ok {
			parts = append(parts, v.t("household.b1", numeral(score, v.lang), v.n(line)))
		}
	} else if income := r.iv.Text("income_per_capita"); income != "" && g.Standard().Income != nil {
		line, ok := g.Standard().Income.For(string(area))
		if ok {
			parts = append(parts, v.t("household.income", numeral(income, v.lang), v.n(line)))
		}
	} else {
		parts = append(parts, v.t("household.no_income"))
	}
	if area != "" {
		parts = append(parts, v.t("area."+string(area)))
	} else {
		parts = append(parts, v.t("area.unknown"))
	}
	if g.Class == survey.Undetermined {
		parts = append(parts, v.t("household.range", v.t("class."+string(g.Low)), v.t("class."+string(g.High))))
	}
	return strings.Join(parts, " · ")
}

func (v *visit) contested(r *reading, rec *fieldsync.Record, j *survey.Judge, area survey.AreaType) []contested {
	var out []contested
	for _, o := range rec.Conflicts(survey.Policies(r.q)) {
		c := contested{Label: r.label(rec.Kind, o.Unit), Quiet: o.Quiet}
		if rec.Kind == schema.KindInterview && j != nil && !o.Quiet {
			c.Flips = j.RankConflict(r.iv, area, o.Unit) == survey.RankFlips
		}
		for i, h := range o.Values {
			by := rec.Author(h.Dot)
			text := r.value(rec.Kind, o.Unit, h.Value)
			if text.Hidden {
				text.Text = v.t("sensitive.dots")
			}
			c.Values = append(c.Values, saidValue{Text: text.Text, By: v.by(by), Why: by.Why, Shown: i == 0})
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b contested) int { return rankOf(a) - rankOf(b) })
	return out
}

func rankOf(c contested) int {
	switch {
	case c.Flips:
		return 0
	case c.Quiet:
		return 2
	}
	return 1
}

// by says who gave a value: account, role and when by the tablet's clock.
func (v *visit) by(a fieldsync.Author) string {
	return strings.Join([]string{a.Account, v.role(a.Role), moment(a.At, v.lang)}, " · ")
}

func (v *visit) role(role string) string {
	if _, ok := catalogue["role."+role]; ok {
		return v.t("role." + role)
	}
	return role
}

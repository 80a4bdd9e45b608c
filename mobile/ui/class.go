package ui

import (
	"strings"

	"fyne.io/fyne/v2"

	"github.com/rasoat/rasoat/internal/survey"
)

// classPage is the class the answers give so far and why: the income side, each lacking indicator with the person it is due
// to and its article, and what is still open. It never looks like a recognised result.
type classPage struct{ v *visit }

func (p *classPage) build(a *App) *frame {
	v := p.v
	v.changed = func() { a.refresh(p) }
	back := newButton(a.t("class.back"), lookPrimary, a.back)
	g := v.now.judged
	if g == nil {
		return newFrame(a.t("class.title"), a.back, column(newPara(a.t("class.none.why"))), back)
	}
	items := []fyne.CanvasObject{
		newPara(a.className(g.Class)).bold().sized("headingText"),
		newPara(a.t("class.provisional")).in(red).bold(),
		newPara(g.Standard().Title.In(a.lang)),
	}
	items = append(items, p.basis(g)...)
	if g.Class == survey.Undetermined {
		items = append(append(items, p.open(g)...), p.indicators(g)...)
	} else {
		items = append(append(items, p.indicators(g)...), p.open(g)...)
	}
	if text, ok := g.Standard().Sentences["average_living"]; ok && g.AverageLiving == "yes" {
		items = append(items, newPara(text.In(a.lang)))
	}
	for _, problem := range g.Problems {
		items = append(items, problemLine(problem.In(a.lang)))
	}
	return newFrame(v.title()+" – "+a.t("class.title"), a.back, column(items...), back)
}

// basis is what the class rests on: the score or stated income against the line, and the points of B2.
func (p *classPage) basis(g *survey.Judgement) (items []fyne.CanvasObject) {
	v, a, std := p.v, p.v.a, g.Standard()
	area := string(v.form.AreaType())
	if area == "" {
		items = append(items, newPara(a.t("class.area.unknown")).in(amber))
	} else {
		items = append(items, newPara(a.t("class.area."+area)))
	}
	score, income := v.now.iv.Text("b1_score"), v.now.iv.Text("income_per_capita")
	if std.Score != nil {
		items = append(items, newPara(a.t("class.b1", "value", orDash(writeNumber(score)), "line", lineText(std.Score, area))))
	}
	if std.Income != nil {
		items = append(items, newPara(a.t("class.income", "value", orDash(writeNumber(income)), "line", lineText(std.Income, area))))
	}
	switch g.Basis {
	case survey.BasisIncome:
		if std.Score != nil {
			items = append(items, newPara(a.t("class.byincome")).in(amber).bold())
		}
	case survey.BasisNone:
		items = append(items, newPara(a.t("class.nobasis")).in(amber).bold())
	}
	b2 := a.t("class.b2", "n", itoa(g.B2), "line", itoa(std.B2Poor))
	if g.B2Max != g.B2 {
		b2 = a.t("class.b2range", "from", itoa(g.B2), "to", itoa(g.B2Max), "line", itoa(std.B2Poor))
	}
	return append(items, newPara(b2))
}

// lineText is the line of an area type, or both lines while the type is not known.
func lineText(l interface {
	For(string) (int64, bool)
}, area string) string {
	if n, ok := l.For(area); ok {
		return writeNumber(itoa(int(n)))
	}
	rural, _ := l.For("rural")
	urban, _ := l.For("urban")
	return writeNumber(itoa(int(rural))) + " / " + writeNumber(itoa(int(urban)))
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// open is what has no answer yet, and whether it could change the class.
func (p *classPage) open(g *survey.Judgement) (items []fyne.CanvasObject) {
	v, a := p.v, p.v.a
	list := g.Deciding
	if g.Class == survey.Undetermined {
		items = append(items, newPara(a.t("class.range", "low", a.className(g.Low), "high", a.className(g.High))).bold(),
			newPara(a.t("class.deciding", "n", itoa(len(g.Deciding)))).in(amber))
	} else if list = g.Undecided; len(list) > 0 {
		items = append(items, newPara(a.t("class.settled", "n", itoa(len(list)))).in(green))
	} else {
		return []fyne.CanvasObject{newPara(a.t("class.nothing.open")).in(green)}
	}
	for i, unit := range list {
		if i == maxGaps {
			items = append(items, note(a.t("gap.more", "n", itoa(len(list)-maxGaps))))
			break
		}
		items = append(items, newButton(v.unitName(unit), lookRow, func() { v.goToUnit(unit) }))
	}
	return items
}

// indicators are the verdicts: those lacking with their reasons first, then those still open, then the rest in one line.
func (p *classPage) indicators(g *survey.Judgement) (items []fyne.CanvasObject) {
	a := p.v.a
	for _, want := range []survey.Verdict{survey.Yes, survey.Unknown} {
		var cards []fyne.CanvasObject
		for _, why := range g.Why {
			if why.Verdict == want {
				cards = append(cards, p.reason(g, why))
			}
		}
		if len(cards) > 0 {
			items = append(items, heading(a.t("class.verdict."+want.String(), "n", itoa(len(cards)))))
			items = append(items, cards...)
		}
	}
	fine := ""
	for i, ind := range g.Standard().Indicators {
		if verdict := g.Indicators[i]; verdict == survey.No || verdict == survey.NA {
			if fine != "" {
				fine += "; "
			}
			fine += ind.Label.In(a.lang)
		}
	}
	if fine != "" {
		items = append(items, heading(a.t("class.fine")), newPara(fine))
	}
	return items
}

func (p *classPage) reason(g *survey.Judgement, why survey.Reason) fyne.CanvasObject {
	a := p.v.a
	label := why.Indicator
	ind, ok := g.Standard().Indicator(why.Indicator)
	if ok {
		label = ind.Label.In(a.lang)
	}
	items := []fyne.CanvasObject{newPara(label).bold(), newPara(why.Sentence)}
	if why.Article != "" && ok {
		source, _, _ := strings.Cut(ind.Source, ",") // the decree; the article says where in it
		items = append(items, note(source+", "+why.Article))
	}
	if !why.Confirmed {
		text := a.t("unconfirmed")
		if ok && ind.Note.In(a.lang) != "" {
			text += ": " + ind.Note.In(a.lang)
		}
		items = append(items, newPara(text).in(amber))
	}
	if why.Verdict == survey.Yes {
		return card(redPale, red, items...)
	}
	return card(amberPale, amber, items...)
}

func (p *classPage) leave() {}

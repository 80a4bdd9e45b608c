package ui

import (
	"context"
	"encoding/json"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// rosterPage lists everybody in the household. Last year's people stand first, each to be settled: still here, or gone and
// why. Nobody is taken over or left out silently.
type rosterPage struct {
	v       *visit
	section *schema.Section
}

func (p *rosterPage) build(a *App) *frame {
	v := p.v
	v.changed = func() { a.refresh(p) }
	v.remember(p.section)
	items := []fyne.CanvasObject{p.sizeLine()}
	for _, m := range v.now.unsettled() {
		items = append(items, p.unsettled(m))
	}
	for i, m := range v.now.roster {
		if m.Settled {
			items = append(items, p.settled(i, m))
		}
	}
	for _, problem := range v.now.problems[""] {
		items = append(items, problemLine(problem))
	}
	add := newButton(a.t("member.add"), lookPlain, p.add).withIcon(theme.ContentAddIcon())
	items = append(items, add)
	if len(v.now.members()) > 1 {
		items = append(items, newButton(a.t("split.title"), lookPlain, func() { a.show(&splitPage{v: v}) }).withIcon(theme.ContentCutIcon()))
	}
	f := newFrame(p.section.Title.In(a.lang), a.back, column(items...), v.walk(p.section)...)
	class := v.classButton()
	return f.withStrip(row(newPara(v.title()+" · "+a.t("people", "n", itoa(len(v.now.members())))).in(faint), class))
}

// sizeLine compares the number of people stated with those listed.
func (p *rosterPage) sizeLine() fyne.CanvasObject {
	a, listed := p.v.a, len(p.v.now.members())
	stated := p.v.now.iv.Text("household_size")
	switch {
	case stated == "":
		return card(amberPale, amber, newPara(a.t("roster.unstated")).in(amber),
			newButton(a.t("roster.state"), lookPlain, func() { p.v.goToUnit("household_size") }))
	case stated != itoa(listed) || len(p.v.now.unsettled()) > 0:
		text := a.t("roster.differs", "stated", stated, "listed", itoa(listed))
		if n := len(p.v.now.unsettled()); n > 0 {
			text += " " + a.t("roster.unsettled", "n", itoa(n))
		}
		return card(amberPale, amber, newPara(text).in(amber).bold())
	}
	return newPara(a.t("roster.agrees", "n", stated)).in(green).bold()
}

func (p *rosterPage) unsettled(m tablet.Member) fyne.CanvasObject {
	a := p.v.a
	here := newButton(a.t("member.here"), lookPlain, func() {
		p.v.write(func(ctx context.Context) error { return p.v.form.ConfirmMember(ctx, m.ID) }, nil)
	}).withIcon(theme.ConfirmIcon())
	gone := newButton(a.t("member.gone"), lookPlain, func() { a.show(&removePage{v: p.v, member: m}) })
	return card(amberPale, amber, newPara(p.v.memberLine(m)).bold(), note(a.t("member.lastyear")), grid(140, here, gone))
}

func (p *rosterPage) settled(i int, m tablet.Member) fyne.CanvasObject {
	a := p.v.a
	if m.Removed != "" {
		text := p.v.memberLine(m) + " – " + p.v.removedText(m.Removed)
		back := newButton(a.t("member.undo"), lookPlain, func() {
			p.v.set("m/"+m.ID+"/.", tablet.Text("active"), false)
		})
		return card(ground, line, row(newPara(text).in(faint), back))
	}
	got := p.v.progress(&schema.Section{Roster: true, Questions: p.section.Questions}, []string{m.ID})
	text := p.v.memberLine(m) + " – " + a.t("section.count", "done", itoa(got.done), "of", itoa(got.of))
	b := newButton(text, lookRow, func() { a.show(&sectionPage{v: p.v, section: p.section, member: m.ID}) })
	b.withIcon(theme.AccountIcon())
	if got.problems > 0 {
		b.withIcon(theme.WarningIcon())
	}
	gone := newButton("", lookPlain, func() { a.show(&removePage{v: p.v, member: m}) }).withIcon(theme.ContentRemoveIcon())
	return newBox(stretchFirst, widest, b, gone)
}

// stretchFirst keeps the last item at its least width beside the first, always on one line.
func stretchFirst(items []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
	w := items[1].MinSize().Width
	h := max(heightFor(items[0], width-w-gapWidth), touchHeight)
	if put != nil {
		put(items[0], 0, 0, width-w-gapWidth, h)
		put(items[1], width-w, 0, w, h)
	}
	return h
}

// add makes a new person and opens the sheet.
func (p *rosterPage) add() {
	var id string
	p.v.write(func(ctx context.Context) (err error) {
		id, err = p.v.form.AddMember(ctx)
		return err
	}, func() { p.v.a.show(&sectionPage{v: p.v, section: p.section, member: id}) })
}

func (p *rosterPage) leave() {}

// memberLine is a person in one line: name, sex, birth and age, relation to the head.
func (v *visit) memberLine(m tablet.Member) string {
	text := v.memberName(m.ID)
	if q, ok := v.kind.MemberQuestion("sex"); ok && m.Sex != "" {
		text += ", " + v.answerText(q, tablet.Text(m.Sex))
	}
	if m.Birth != "" {
		text += ", " + writeDate(m.Birth) + v.ageOf(m.Birth)
	}
	if q, ok := v.kind.MemberQuestion("relation"); ok && m.Relation != "" {
		text += ", " + v.answerText(q, tablet.Text(m.Relation))
	}
	return text
}

// ageOf is " (64 tuổi)" on the day of review, " (63–64 tuổi)" when the birth leaves both open, "" when it is not known.
func (v *visit) ageOf(birth string) string {
	b, ok := survey.ParseBirth(birth)
	review, okDay := survey.ParseDay(v.now.iv.Text("review_date"))
	if !ok || !okDay {
		return ""
	}
	age, ok := b.Age(review)
	if !ok {
		return ""
	}
	from, to := age.Years()
	n := itoa(from)
	if to != from {
		n += "–" + itoa(to)
	}
	return " (" + v.a.t("age.short", "n", n) + ")"
}

func (v *visit) removedText(why string) string {
	if q, ok := v.kind.MemberQuestion("."); ok {
		if c, ok := q.Choice(why); ok {
			return c.Label.In(v.a.lang)
		}
	}
	return why
}

// removePage asks why a person is no longer in the household. It names the person, and the button that does it stands apart
// from the one that led here.
type removePage struct {
	v      *visit
	member tablet.Member
	why    string
}

func (p *removePage) build(a *App) *frame {
	v := p.v
	q, _ := v.kind.MemberQuestion(".")
	do := newButton(a.t("member.remove"), lookDanger, nil)
	do.setDisabled(true)
	to := newField(a, a.t("member.where"))
	var c chosen
	var items []fyne.CanvasObject
	items = append(items, newPara(a.t("member.why", "name", v.memberLine(p.member))).bold())
	if q != nil {
		var buttons []fyne.CanvasObject
		for _, choice := range q.Choices {
			buttons = append(buttons, c.add(choice.Value, choice.Label.In(a.lang), func(value json.RawMessage) {
				p.why = plain(value)
				do.setDisabled(false)
			}))
		}
		items = append(items, grid(240, buttons...))
	}
	items = append(items, newPara(a.t("member.where")), to)
	do.tapped = func() {
		removal := tablet.Removal{Why: p.why, To: to.Text}
		v.write(func(ctx context.Context) error { return v.form.RemoveMember(ctx, p.member.ID, removal) }, a.back)
	}
	return newFrame(v.title(), a.back, column(items...), newButton(a.t("cancel"), lookPlain, a.back), do)
}

func (p *removePage) leave() {}

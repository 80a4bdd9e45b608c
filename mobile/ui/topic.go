package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/schema"
)

// topicPage is a section asked of each person: either the whole house question by question (yes or no), or person by person.
type topicPage struct {
	v       *visit
	section *schema.Section
}

func (p *topicPage) build(a *App) *frame {
	v := p.v
	v.changed = func() { a.refresh(p) }
	v.remember(p.section)
	var items []fyne.CanvasObject
	if hint := p.section.Hint.In(a.lang); hint != "" {
		items = append(items, note(hint))
	}
	if n, of := v.form.CarryOffer(p.section.ID); n > 0 {
		items = append(items, newButton(a.t("carry.offer", "n", itoa(n), "of", itoa(of)), lookPlain, p.confirm).withIcon(theme.ConfirmIcon()))
	}
	items = append(items, p.house()...)
	items = append(items, p.people()...)
	f := newFrame(p.section.Title.In(a.lang), a.back, column(items...), v.walk(p.section)...)
	got := v.progress(p.section, v.now.people(p.section))
	class := v.classButton()
	return f.withStrip(row(newPara(v.stripText("", got)).in(faint), class))
}

// house are the questions that can be asked of the whole house at once.
func (p *topicPage) house() (items []fyne.CanvasObject) {
	a := p.v.a
	for _, q := range p.section.Questions {
		if q.Type != schema.TypeYesNo || len(p.asked(q)) < 2 {
			continue
		}
		done := 0
		for _, id := range p.asked(q) {
			if p.v.now.iv.Has(wire(id, q.Unit)) {
				done++
			}
		}
		text := q.Label.In(a.lang) + " – " + a.t("section.count", "done", itoa(done), "of", itoa(len(p.asked(q))))
		b := newButton(text, lookRow, func() { a.show(&housePage{v: p.v, section: p.section, q: q}) })
		b.withIcon(theme.ListIcon())
		items = append(items, b)
	}
	if len(items) > 0 {
		items = append([]fyne.CanvasObject{newPara(a.t("topic.house")).bold()}, grid(320*a.textSize()/textBase, items...))
		items = append(items, newPara(a.t("topic.person")).bold())
	}
	return items
}

// asked are the people a question may be asked of.
func (p *topicPage) asked(q *schema.Question) []string { return p.v.askedOf(q) }

func (v *visit) askedOf(q *schema.Question) (ids []string) {
	for _, m := range v.now.members() {
		if v.shown(wire(m.ID, q.Unit)) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (p *topicPage) people() (items []fyne.CanvasObject) {
	v, a := p.v, p.v.a
	if len(v.now.members()) == 0 {
		return []fyne.CanvasObject{newPara(a.t("member.first"))}
	}
	for _, m := range v.now.members() {
		if !v.asksOf(p.section, m.ID) {
			continue
		}
		got := v.progress(p.section, []string{m.ID})
		b := newButton(v.memberLine(m)+" – "+a.t("section.count", "done", itoa(got.done), "of", itoa(got.of)), lookRow, func() {
			a.show(&sectionPage{v: v, section: p.section, member: m.ID})
		})
		b.withIcon(theme.AccountIcon())
		if got.problems > 0 {
			b.withIcon(theme.WarningIcon())
		}
		items = append(items, b)
	}
	if len(items) == 0 {
		return []fyne.CanvasObject{newPara(a.t("topic.nobody"))}
	}
	return []fyne.CanvasObject{grid(320*a.textSize()/textBase, items...)}
}

func (p *topicPage) confirm() {
	p.v.write(p.v.confirmSection(p.section.ID), nil)
}

func (p *topicPage) leave() {}

// housePage asks one yes-or-no question of everybody it concerns: the whole house at a tap, then the exceptions.
type housePage struct {
	v       *visit
	section *schema.Section
	q       *schema.Question
	pairs   []*pair
}

func (p *housePage) build(a *App) *frame {
	v := p.v
	v.changed = p.update
	p.pairs = nil
	items := []fyne.CanvasObject{newPara(p.q.Label.In(a.lang)).bold()}
	if ask := p.q.Ask.In(a.lang); ask != "" {
		items = append(items, newPara("“"+ask+"”"))
	}
	items = append(items, grid(160, p.all("yes", "topic.allyes"), p.all("no", "topic.allno")))
	for _, m := range v.now.members() {
		unit := wire(m.ID, p.q.Unit)
		if !v.shown(unit) {
			continue
		}
		pr, line := newPair(a, unit, v.memberLine(m), func(pr *pair, value string) {
			pr.mark(value)
			v.set(pr.unit, jsonText(value), false)
		})
		p.pairs = append(p.pairs, pr)
		items = append(items, separator(), line)
	}
	p.update()
	return newFrame(p.section.Title.In(a.lang), a.back, column(items...), newButton(a.t("done"), lookPrimary, a.back))
}

// all answers for everybody who has no answer yet.
func (p *housePage) all(value, key string) *button {
	return newButton(p.v.a.t(key), lookPlain, func() {
		for _, pr := range p.pairs {
			if pr.value == "" {
				pr.mark(value)
				p.v.set(pr.unit, jsonText(value), false)
			}
		}
	})
}

func (p *housePage) update() {
	for _, pr := range p.pairs {
		pr.mark(p.v.now.iv.Text(pr.unit))
	}
}

func (p *housePage) leave() {}

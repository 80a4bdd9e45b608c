package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// sectionPage is one section of the interview, of the household or of one person: its questions, built when shown and dropped
// when left.
type sectionPage struct {
	v       *visit
	section *schema.Section
	member  string
	focus   string // unit to bring into sight

	views []*questionView
	line  *para
	class *button
	carry *button
}

func (p *sectionPage) build(a *App) *frame {
	v := p.v
	e := env{v: v, member: p.member, reflow: func() { a.frame.reflow() }, another: func() { a.again(p) }}
	p.views = nil
	var items []fyne.CanvasObject
	if hint := p.section.Hint.In(a.lang); hint != "" && p.member == "" {
		items = append(items, note(hint))
	}
	p.carry = newButton("", lookPlain, p.confirm).withIcon(theme.ConfirmIcon())
	items = append(items, p.carry)
	for _, q := range p.section.Questions {
		if q.Unanswered {
			continue
		}
		view := newQuestionView(e, q, wire(p.member, q.Unit))
		if len(p.views) > 0 {
			view.box.items = append([]fyne.CanvasObject{separator()}, view.box.items...)
		}
		p.views, items = append(p.views, view), append(items, view.box)
	}
	p.line = newPara("").in(faint)
	p.class = v.classButton()
	f := newFrame(p.heading(), func() { a.back() }, column(items...), p.actions()...)
	f.withStrip(row(p.line, p.class))
	v.changed = p.update
	p.refresh()
	if p.focus != "" {
		defer p.bringIntoSight(f)
	}
	v.remember(p.section)
	return f
}

func (p *sectionPage) heading() string {
	title := p.section.Title.In(p.v.a.lang)
	if p.member != "" {
		return p.v.memberName(p.member) + " – " + title
	}
	return title
}

// actions are the ways on: through the sections, or through the people of a section.
func (p *sectionPage) actions() []fyne.CanvasObject {
	a := p.v.a
	if p.member == "" {
		return p.v.walk(p.section)
	}
	if next := p.v.nextPerson(p.section, p.member); next != "" {
		return []fyne.CanvasObject{newButton(a.t("member.all"), lookPlain, a.back), newButton(a.t("member.next"), lookPrimary, func() {
			a.instead(&sectionPage{v: p.v, section: p.section, member: next})
		})}
	}
	return []fyne.CanvasObject{newButton(a.t("member.all"), lookPrimary, a.back)}
}

// nextPerson is the next person of the household after id of whom the section asks anything.
func (v *visit) nextPerson(s *schema.Section, id string) string {
	seen := false
	for _, m := range v.now.members() {
		if seen && v.asksOf(s, m.ID) {
			return m.ID
		}
		seen = seen || m.ID == id
	}
	return ""
}

// asksOf tells whether any question of the section may be asked of a person.
func (v *visit) asksOf(s *schema.Section, id string) bool {
	for _, unit := range unitsOf(s, []string{id}) {
		if v.shown(unit) {
			return true
		}
	}
	return false
}

// update takes up new findings without building the page anew: the entry in use keeps its focus.
func (p *sectionPage) update() {
	p.refresh()
	p.v.a.frame.title.set(p.heading()) // the name may just have been written
	p.v.a.frame.reflow()
}

func (p *sectionPage) refresh() {
	v := p.v
	for _, view := range p.views {
		view.update()
	}
	people := []string{p.member}
	got := v.progress(p.section, people)
	p.line.set(v.stripText(p.member, got))
	p.class.setText(v.classShort())
	n, of := 0, 0
	if p.member == "" && p.section.Carry {
		n, of = v.form.CarryOffer(p.section.ID)
	}
	p.carry.Hidden = n == 0
	p.carry.setText(v.a.t("carry.offer", "n", itoa(n), "of", itoa(of)))
}

// confirm takes over last year's answers of this section which can be assumed to hold: they stand on the screen beside the
// questions while the button is tapped.
func (p *sectionPage) confirm() {
	p.leave()
	p.v.write(p.v.confirmSection(p.section.ID), func() { p.v.a.refresh(p) })
}

func (v *visit) confirmSection(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := v.form.ConfirmSection(ctx, id)
		return err
	}
}

func (p *sectionPage) bringIntoSight(f *frame) {
	for _, view := range p.views {
		for _, unit := range view.units() {
			if unit == p.focus {
				p.v.a.later(func() { f.reveal(view.box) })
				return
			}
		}
	}
}

func (p *sectionPage) leave() {
	for _, view := range p.views {
		view.flush()
	}
}

// walk are the buttons to the section before and after.
func (v *visit) walk(s *schema.Section) (buttons []fyne.CanvasObject) {
	list := v.now.sections
	at := -1
	for i := range list {
		if list[i].ID == s.ID {
			at = i
		}
	}
	if at > 0 {
		before := list[at-1]
		buttons = append(buttons, newButton(v.a.t("section.before"), lookPlain, func() { v.goTo(before, "") }))
	}
	if at >= 0 && at+1 < len(list) {
		next := list[at+1]
		buttons = append(buttons, newButton(v.a.t("section.next"), lookPrimary, func() { v.goTo(next, "") }))
	} else {
		buttons = append(buttons, newButton(v.a.t("section.list"), lookPrimary, v.a.back))
	}
	return buttons
}

// page is the screen of a section.
func (v *visit) page(s *schema.Section, focus string) screen {
	switch {
	case !s.Roster:
		return &sectionPage{v: v, section: s, focus: focus}
	case s.Carry:
		return &rosterPage{v: v, section: s}
	}
	return &topicPage{v: v, section: s}
}

// goTo shows a section above the list of sections, in place of the one that is open.
func (v *visit) goTo(s *schema.Section, focus string) {
	a := v.a
	a.leaveTop()
	for len(a.stack) > 1 {
		if _, list := a.top().(*formPage); list {
			break
		}
		a.stack = a.stack[:len(a.stack)-1]
	}
	a.stack = append(a.stack, v.page(s, focus))
	a.draw()
}

// goToUnit shows the question of a unit.
func (v *visit) goToUnit(unit string) {
	member, rest, ofMember := schema.MemberUnit(unit)
	if !ofMember {
		rest = unit
	}
	for _, s := range v.q.Sections {
		for _, q := range s.Questions {
			for _, leaf := range leaves(q) {
				if s.Roster != ofMember || leaf.Unit != rest && !matchesLine(leaf.Unit, rest) {
					continue
				}
				v.goTo(s, unit)
				if ofMember {
					v.a.show(&sectionPage{v: v, section: s, member: member, focus: unit})
				}
				return
			}
		}
	}
}

func matchesLine(pattern, unit string) bool {
	prefix, ok := strings.CutSuffix(pattern, "*")
	return ok && strings.HasPrefix(unit, prefix)
}

// unitName is the wording of a unit's question, with the person it is about.
func (v *visit) unitName(unit string) string { return v.nameOf(schema.KindInterview, unit) }

func (v *visit) nameOf(kind, unit string) string {
	q, ok := v.q.Question(kind, unit)
	if !ok {
		return unit
	}
	name := q.Label.In(v.a.lang)
	if q.Group != nil {
		name = q.Group.Label.In(v.a.lang) + ": " + name
	}
	if id, _, ok := schema.MemberUnit(unit); ok {
		name = v.memberName(id) + ": " + name
	}
	return name
}

// stripText names the household (beside a person's page, which names the person) and says how far the section is.
func (v *visit) stripText(member string, got progress) string {
	text := v.a.t("section.progress", "done", itoa(got.done), "of", itoa(got.of))
	if member == "" {
		text = v.title() + " · " + text
	}
	return text
}

// classButton shows the running class and opens the page that explains it.
func (v *visit) classButton() *button {
	b := newButton(v.classShort(), lookPlain, func() { v.a.show(&classPage{v: v}) })
	b.oneLine = true
	return b
}

// classShort is the running class in a few words.
func (v *visit) classShort() string {
	if v.now.judged == nil {
		return v.a.t("class.none")
	}
	text := v.a.className(v.now.judged.Class)
	if v.now.judged.Class == survey.Undetermined {
		text = v.a.t("class.open")
	}
	return v.a.t("class.short", "class", text)
}

func (a *App) className(c survey.Class) string {
	if c == "" {
		return "–"
	}
	return a.t("class." + string(c))
}

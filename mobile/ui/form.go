package ui

import (
	"context"
	"encoding/json"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// openForm opens a household's interview; section is where to go on, "" the list of sections.
func (a *App) openForm(household, round, section string) {
	a.open(func(ctx context.Context) (*tablet.Form, error) { return a.store.OpenForm(ctx, household, round) }, section)
}

// newHousehold begins a household nobody has written yet.
func (a *App) newHousehold(village string) {
	round := a.store.Round().ID
	a.open(func(ctx context.Context) (*tablet.Form, error) { return a.store.NewHousehold(ctx, round, village) }, "")
}

func (a *App) open(get func(context.Context) (*tablet.Form, error), section string) {
	a.do(func() func() {
		form, err := get(context.Background())
		if err != nil {
			return func() { a.failed(err) }
		}
		v := newVisit(a, form)
		return func() {
			a.show(&formPage{v: v})
			for _, s := range v.now.sections {
				if s.ID == section {
					v.goTo(s, "")
				}
			}
		}
	})
}

// remember keeps where work stands, for a start after a kill.
func (v *visit) remember(s *schema.Section) {
	prefs := v.a.App.Preferences()
	prefs.SetString(prefHousehold, v.form.Household())
	prefs.SetString(prefRound, v.form.Round().ID)
	id := ""
	if s != nil {
		id = s.ID
	}
	prefs.SetString(prefSection, id)
}

// resume opens the form that was open when the program ended.
func (a *App) resume() {
	prefs := a.App.Preferences()
	household := prefs.String(prefHousehold)
	if household == "" || !a.store.Identity().Enrolled {
		return
	}
	if slices.ContainsFunc(a.store.Households(tablet.Filter{}), func(r *tablet.Row) bool { return r.ID == household }) {
		a.openForm(household, prefs.String(prefRound), prefs.String(prefSection))
	}
}

// formPage is one household's interview: what it is, how far each section is, what is wrong, and the ways out.
type formPage struct{ v *visit }

func (p *formPage) build(a *App) *frame {
	v := p.v
	v.changed = func() { a.refresh(p) }
	v.remember(nil)
	items := []fyne.CanvasObject{p.about(), p.notes()}
	var next *schema.Section
	var lines []fyne.CanvasObject
	for i, s := range v.now.sections {
		got := v.progress(s, v.now.people(s))
		b := newButton(p.sectionText(i, s, got), lookRow, func() { v.goTo(s, "") })
		switch {
		case got.problems > 0:
			b.withIcon(theme.WarningIcon())
		case got.done == got.of && (!s.Roster || len(v.now.members()) > 0):
			b.withIcon(theme.ConfirmIcon())
		default:
			b.withIcon(theme.DocumentCreateIcon())
		}
		if next == nil && got.done < got.of { // sections without anybody to ask wait for the roster
			next = s
		}
		lines = append(lines, b)
	}
	items = append(items, grid(320*a.textSize()/textBase, lines...))
	for _, problem := range v.now.problems[""] {
		items = append(items, problemLine(problem))
	}
	items = append(items, p.board()...)
	if next == nil {
		next = v.now.sections[len(v.now.sections)-1]
	}
	class := v.classButton()
	f := newFrame(v.title(), a.back, column(items...), newButton(a.t("form.list"), lookPlain, a.back),
		newButton(a.t("form.go"), lookPrimary, func() { v.goTo(next, "") }))
	return f.withStrip(row(newPara(p.state()).in(faint), class))
}

// sectionText is a section's name, its progress and what is wrong in it.
func (p *formPage) sectionText(i int, s *schema.Section, got progress) string {
	a := p.v.a
	text := itoa(i+1) + ". " + s.Title.In(a.lang) + " – " + a.t("section.count", "done", itoa(got.done), "of", itoa(got.of))
	if got.problems > 0 {
		text += " · " + a.t("section.problems", "n", itoa(got.problems))
	}
	if got.later > 0 {
		text += " · " + a.t("section.later", "n", itoa(got.later))
	}
	return text
}

// about is where the household is, and the way to change it.
func (p *formPage) about() fyne.CanvasObject {
	v, a := p.v, p.v.a
	text := a.store.AreaName(v.form.HouseholdValue("village").Text())
	for _, unit := range []string{"household_code", "address", "phone"} {
		if s := v.form.HouseholdValue(unit).Text(); s != "" {
			text += " · " + s
		}
	}
	if last := v.lastClass(); last != "" {
		text += "\n" + last
	}
	edit := newButton(a.t("form.about"), lookPlain, func() { a.show(&householdPage{v: v}) }).withIcon(theme.HomeIcon())
	return column(newPara(text), edit)
}

// lastClass is the last recognised class with the number and date of its decision.
func (v *visit) lastClass() string {
	var last struct {
		Class        survey.Class `json:"class"`
		Number, Date string
	}
	if json.Unmarshal(v.now.iv.Value("prior_class"), &last) != nil || last.Class == "" {
		return ""
	}
	more := ""
	if last.Number != "" {
		more += ", " + last.Number
	}
	if last.Date != "" {
		more += ", " + writeDate(last.Date)
	}
	return v.a.t("form.last", "class", v.a.className(last.Class), "more", more)
}

// notes are the board's words on a returned interview, each with the reply to be given.
func (p *formPage) notes() fyne.CanvasObject {
	v, a := p.v, p.v.a
	list := tight()
	for _, n := range v.form.ReviewNotes() {
		if n.Done {
			continue
		}
		text := a.t("note.board", "text", n.Text)
		if n.On != "" {
			text = v.unitName(n.On) + ": " + text
		}
		items := []fyne.CanvasObject{newPara(text).in(red).bold()}
		if n.On != "" {
			items = append(items, newButton(a.t("note.go"), lookPlain, func() { v.goToUnit(n.On) }))
		}
		items = append(items, newButton(a.t("note.done"), lookPlain, func() {
			v.set("reply/"+n.ID, tablet.Object(map[string]any{"done": "yes"}), false)
		}))
		list.items = append(list.items, card(redPale, red, items...))
	}
	return list
}

// board are the rarer ways on: conflicts, news, who leaves to a household of their own.
func (p *formPage) board() (items []fyne.CanvasObject) {
	v, a := p.v, p.v.a
	if v.form.News() {
		items = append(items, newButton(a.t("news.open"), lookPlain, func() { a.show(&newsPage{v: v}) }).withIcon(theme.DownloadIcon()))
	}
	items = append(items, newButton(a.t("conflict.list"), lookPlain, func() { a.show(&conflictsPage{v: v}) }).withIcon(theme.InfoIcon()))
	return items
}

// state says in words where the answers are.
func (p *formPage) state() string {
	v, a := p.v, p.v.a
	state := a.t("state.draft")
	if v.now.iv.Text("status") == "complete" {
		state = a.t("state.complete")
	}
	if n := v.form.Drafts(); n > 0 {
		return state + " · " + a.t("form.saved", "n", itoa(n))
	}
	return state
}

func (p *formPage) leave() {}

func (p *formPage) heard(e tablet.Event) {
	if e.Kind == tablet.EventForm && e.Household == p.v.form.Household() {
		p.v.a.refresh(p)
	}
}

// closing cuts a change from the answers and puts the form away.
func (p *formPage) closing(a *App) {
	form := p.v.form
	a.App.Preferences().SetString(prefHousehold, "")
	a.do(func() func() {
		err := form.Close(context.Background())
		return func() {
			a.failed(err)
			if w, ok := a.top().(*workPage); ok {
				a.refresh(w)
			}
		}
	})
}

// householdPage edits the household's own record.
type householdPage struct {
	v     *visit
	views []*questionView
}

func (p *householdPage) build(a *App) *frame {
	v := p.v
	e := env{v: v, home: true, reflow: func() { a.frame.reflow() }, another: func() { a.again(p) }}
	v.changed = func() {}
	p.views = nil
	body := column()
	kind := v.q.Kinds[schema.KindHousehold]
	for _, unit := range []string{"village", "household_code", "address", "phone", "origin"} {
		if q, ok := kind.Question(unit); ok {
			view := newQuestionView(e, q, unit)
			if len(p.views) > 0 {
				body.items = append(body.items, separator())
			}
			p.views, body.items = append(p.views, view), append(body.items, view.box)
		}
	}
	return newFrame(a.t("form.about"), a.back, body, newButton(a.t("done"), lookPrimary, a.back))
}

func (p *householdPage) leave() {
	for _, view := range p.views {
		view.flush()
	}
}

// gap is one thing that keeps the form from being complete.
type gap struct {
	text string
	open func()
}

// gaps are what must be settled, or given a reason for, before the form is complete. A household that was not interviewed
// needs only its outcome and date.
func (v *visit) gaps() (list []gap) {
	met := v.now.iv.Text("outcome") == "interviewed"
	if met {
		for _, m := range v.now.unsettled() {
			list = append(list, gap{v.a.t("gap.unsettled", "name", m.Name), func() { v.goToUnit("m/" + m.ID + "/name") }})
		}
	}
	seen := map[string]bool{}
	for _, unit := range sortedUnits(v.now.problems) {
		early := unit == "review_date" || unit == "outcome"
		for _, p := range v.now.problems[unit] {
			if p.Level != schema.LevelProblem || (!met && !early) || v.openReason(unit) != "" || unit == "status" {
				continue
			}
			seen[unit] = true
			list = append(list, gap{p.Message, func() { v.goToUnit(unit) }})
		}
	}
	if !met || v.now.judged == nil || v.now.judged.Class != survey.Undetermined {
		return list
	}
	for _, unit := range v.now.judged.Deciding {
		if !seen[unit] && v.openReason(unit) == "" && v.shown(unit) {
			list = append(list, gap{v.a.t("gap.deciding", "question", v.unitName(unit)), func() { v.goToUnit(unit) }})
		}
	}
	return list
}

func sortedUnits(m map[string][]survey.Problem) (units []string) {
	for unit := range m {
		units = append(units, unit)
	}
	slices.Sort(units)
	return units
}

// maxGaps is how many gaps are listed at once; the first ones lead to the rest.
const maxGaps = 12

// statusEditor is the end of an interview: what is still open, each a tap away, and the button that calls it complete.
func statusEditor(e env, put func(json.RawMessage)) editor {
	v, a := e.v, e.v.a
	body := column()
	fill := func() {
		body.items = nil
		gaps := v.gaps()
		for i, g := range gaps {
			if i == maxGaps {
				body.items = append(body.items, note(a.t("gap.more", "n", itoa(len(gaps)-maxGaps))))
				break
			}
			body.items = append(body.items, newButton(g.text, lookRow, g.open).withIcon(theme.WarningIcon()))
		}
		complete := v.now.iv.Text("status") == "complete"
		switch {
		case complete:
			body.items = append(body.items, newPara(a.t("finish.is")).bold().in(green))
		case len(gaps) > 0:
			body.items = append([]fyne.CanvasObject{newPara(a.t("finish.gaps", "n", itoa(len(gaps)))).bold().in(red)}, body.items...)
		}
		if !complete {
			b := newButton(a.t("finish.do"), lookPrimary, func() { put(jsonText("complete")) })
			b.setDisabled(len(gaps) > 0)
			body.items = append(body.items, b)
		}
		body.Refresh()
	}
	return editor{body, func(json.RawMessage) { fill() }, nothing}
}

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/rasoat/rasoat/internal/tablet"
)

// workPage is the first screen of a working tablet: the households to visit, by village and state, with a search that needs
// no accents.
type workPage struct {
	village string
	state   tablet.State
	text    string

	rows  []*tablet.Row
	names map[string]string // of villages
	list  *widget.List
	none  *para
	count *para
	a     *App
}

func (p *workPage) build(a *App) *frame {
	p.a = a
	search := newField(a, a.t("work.search"))
	search.put(p.text)
	search.OnChanged = func(text string) {
		p.text = text
		p.search()
	}
	p.names = map[string]string{}
	for _, v := range a.store.Villages() {
		p.names[v.Code] = v.Name
	}
	villages := newButton(p.villageText(), lookPlain, func() { a.show(&villagePage{work: p}) }).withIcon(theme.HomeIcon())
	states := newButton(a.t("state."+string(p.stateOr())), lookPlain, func() { a.show(p.statePicker()) }).withIcon(theme.ListIcon())
	p.count, p.none = newPara("").in(faint), newPara(a.t("work.nothing"))
	p.list = widget.NewList(func() int { return len(p.rows) }, func() fyne.CanvasObject { return newListLine(2) },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			r := p.rows[i]
			o.(*listLine).set(p.first(r), p.second(r), a.t("state."+string(r.State)))
		})
	p.list.OnSelected = func(i widget.ListItemID) {
		p.list.UnselectAll()
		a.openForm(p.rows[i].ID, a.store.Round().ID, "")
	}
	choices := newBox(searchAbove(660*a.textSize()/textBase), widest, search, villages, states)
	top := column(choices, p.count, p.none)
	p.search()
	settings := newButton("", lookPlain, func() { a.show(&settingsPage{}) }).withIcon(theme.SettingsIcon())
	return newFrame(a.roundName(), nil, listBody(top, p.list),
		newButton(a.t("household.new"), lookPlain, p.add).withIcon(theme.ContentAddIcon()),
		newButton(a.syncText(), lookPrimary, func() { a.show(&syncPage{}) }).withIcon(theme.ViewRefreshIcon())).withTools(settings)
}

// searchAbove puts the search above the two choices, or beside them on a screen at least wide across.
func searchAbove(wide float32) arrangement {
	return func(items []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
		if width >= wide {
			return cells(0)(items, width, put)
		}
		h := heightFor(items[0], width) + gapWidth
		below := func(o fyne.CanvasObject, x, y, w, bh float32) { put(o, x, y+h, w, bh) }
		if put == nil {
			below = nil
		} else {
			put(items[0], 0, 0, width, h-gapWidth)
		}
		return h + cells(0)(items[1:], width, below)
	}
}

func (a *App) roundName() string {
	if r := a.store.Round(); r.ID != "" {
		return r.Name
	}
	return a.t("work.noround")
}

// syncText is the sync button's text: how much only this tablet has.
func (a *App) syncText() string {
	if n := a.store.Unsent().Changes; n > 0 {
		return a.t("sync.button", "n", itoa(n))
	}
	return a.t("sync.title")
}

func (p *workPage) stateOr() tablet.State {
	if p.state == tablet.AnyState {
		return "any"
	}
	return p.state
}

func (p *workPage) villageText() string {
	if p.village == "" {
		return p.a.t("work.allvillages")
	}
	return p.names[p.village]
}

func (p *workPage) search() {
	p.rows = p.a.store.Households(tablet.Filter{Village: p.village, State: p.state, Text: p.text})
	p.count.set(p.a.t("work.count", "n", itoa(len(p.rows))))
	p.none.Hidden = len(p.rows) > 0
	p.count.Hidden = len(p.rows) == 0
	p.list.Refresh()
	p.list.ScrollToTop()
}

// first is the head's name, or what stands for it.
func (p *workPage) first(r *tablet.Row) string {
	if r.Head != "" {
		return r.Head
	}
	return p.a.t("household.unnamed")
}

// second is the village, the people, last year's and this year's class, and what is left to do.
func (p *workPage) second(r *tablet.Row) string {
	a := p.a
	text := r.Code
	if p.village == "" {
		text = p.names[r.Village]
	}
	if r.Members > 0 {
		text += " · " + a.t("people", "n", itoa(r.Members))
	}
	if r.LastClass != "" {
		text += " · " + a.t("work.last", "class", a.className(r.LastClass))
	}
	if r.Class != "" {
		text += " · " + a.t("work.now", "class", a.className(r.Class))
	}
	if r.Complete && r.AskLater > 0 {
		text += " · " + a.t("work.later", "n", itoa(r.AskLater))
	}
	if r.Unsent > 0 {
		text += " · " + a.t("state.unsent")
	}
	return text
}

func (p *workPage) add() {
	a := p.a
	if a.store.Round().ID == "" {
		a.show(&messagePage{title: a.t("problem"), text: a.t("work.noround.do"), back: true})
		return
	}
	var options []option
	for _, v := range a.store.Villages() {
		options = append(options, option{v.Code, v.Name})
	}
	switch {
	case len(options) == 0:
		a.show(&messagePage{title: a.t("problem"), text: a.t("work.novillage"), back: true})
	case p.village != "":
		a.newHousehold(p.village)
	case len(options) == 1:
		a.newHousehold(options[0].value)
	default:
		a.show(&pickPage{title: a.t("work.where"), options: options, picked: a.newHousehold})
	}
}

func (p *workPage) statePicker() screen {
	var options []option
	for _, s := range []tablet.State{"any", tablet.Todo, tablet.Draft, tablet.Returned, tablet.Conflict, tablet.Complete, tablet.Unsent, tablet.Received} {
		options = append(options, option{string(s), p.a.t("state." + string(s))})
	}
	return &pickPage{title: p.a.t("work.state"), options: options, picked: func(s string) {
		if p.state = tablet.State(s); s == "any" {
			p.state = tablet.AnyState
		}
		p.a.refresh(p)
	}}
}

func (p *workPage) leave() {}

func (p *workPage) heard(e tablet.Event) {
	switch e.Kind {
	case tablet.EventList:
		p.search()
	case tablet.EventSync:
		p.a.refresh(p)
	}
}

// villagePage lists the villages with how far each is, and chooses one for the list.
type villagePage struct {
	work *workPage
}

func (p *villagePage) build(a *App) *frame {
	villages := a.store.Villages()
	choose := func(code string) {
		p.work.village = code
		a.back()
	}
	list := widget.NewList(func() int { return len(villages) }, func() fyne.CanvasObject { return newListLine(2) },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			v := villages[i]
			text := a.t("village.line", "total", itoa(v.Total), "todo", itoa(v.Todo), "draft", itoa(v.Draft), "complete", itoa(v.Complete))
			for _, more := range []struct {
				key string
				n   int
			}{{"village.returned", v.Returned}, {"village.conflict", v.Conflict}, {"village.unsent", v.Unsent}} {
				if more.n > 0 {
					text += " · " + a.t(more.key, "n", itoa(more.n))
				}
			}
			o.(*listLine).set(v.Name, text, "")
		})
	list.OnSelected = func(i widget.ListItemID) { choose(villages[i].Code) }
	return newFrame(a.t("work.villages"), a.back, list, newButton(a.t("work.allvillages"), lookPlain, func() { choose("") }))
}

func (p *villagePage) leave() {}

package ui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// welcomePage is the first start: the language and a text size chosen by looking at it.
type welcomePage struct{}

func (p *welcomePage) build(a *App) *frame {
	next := newButton(a.t("next"), lookPrimary, func() {
		a.App.Preferences().SetBool(prefText+"-chosen", true)
		a.home()
	})
	items := append([]fyne.CanvasObject{heading(a.t("welcome.hello")), newPara(a.t("welcome.size"))}, a.looks()...)
	return newFrame("Rà soát", nil, column(items...), next)
}

func (p *welcomePage) leave() {}

// looks are the choices of text size and language; each size is shown in itself.
func (a *App) looks() (items []fyne.CanvasObject) {
	for _, size := range TextSizes {
		b := newButton(a.t("size.sample", "n", itoa(int(size))), lookRadio, func() { a.setTextSize(size) })
		b.label.points = size
		b.selected = size == a.textSize()
		items = append(items, b)
	}
	vi := newButton("Tiếng Việt", lookRadio, func() { a.setLang("vi") })
	en := newButton("English", lookRadio, func() { a.setLang("en") })
	vi.selected, en.selected = a.lang == "vi", a.lang == "en"
	return append(items, newPara(a.t("settings.lang")).bold(), grid(150, vi, en))
}

func (a *App) setTextSize(size float32) {
	a.App.Preferences().SetFloat(prefText, float64(size))
	a.App.Settings().SetTheme(newTheme(size))
	a.draw()
}

func (a *App) setLang(lang string) {
	a.lang = lang
	a.App.Preferences().SetString(prefLang, lang)
	useFyneWords(lang)
	a.draw()
}

// settingsPage holds what the enumerator may change, and what the program is.
type settingsPage struct{ base *field }

func (p *settingsPage) build(a *App) *frame {
	id := a.store.Identity()
	items := append([]fyne.CanvasObject{newPara(a.t("settings.size")).bold()}, a.looks()...)
	p.base = newField(a, "https://")
	p.base.put(id.Base)
	save := newButton(a.t("settings.save"), lookPlain, func() {
		base := p.base.Text
		a.do(func() func() {
			err := a.store.SetBase(context.Background(), base)
			return func() {
				a.failed(err)
				if err == nil {
					a.show(&messagePage{title: a.t("settings.base"), text: a.t("settings.saved"), back: true})
				}
			}
		})
	})
	items = append(items, separator(), newPara(a.t("settings.base")).bold(), p.base, save)
	items = append(items, p.rounds(a)...)
	items = append(items, separator(), newButton(a.t("enrol.again"), lookPlain, func() { a.show(&enrolPage{again: true}) }).withIcon(theme.AccountIcon()))
	items = append(items, separator(), heading(a.t("about.title")), newPara(a.t("about.text")),
		newPara(a.t("about.who", "name", id.Name, "account", id.Account, "role", a.t("role."+id.Role))),
		newPara(a.t("about.version", "version", a.Version, "replica", id.Replica)))
	return newFrame(a.t("settings.title"), a.back, column(items...), newButton(a.t("done"), lookPrimary, a.back))
}

// rounds lets an earlier round be looked at; the newest is worked in otherwise.
func (p *settingsPage) rounds(a *App) (items []fyne.CanvasObject) {
	rounds := a.store.Rounds()
	if len(rounds) < 2 {
		return nil
	}
	items = append(items, separator(), newPara(a.t("settings.round")).bold())
	for _, r := range rounds {
		b := newButton(r.Name, lookRadio, func() {
			a.do(func() func() {
				err := a.store.SetRound(context.Background(), r.ID)
				return func() {
					a.failed(err)
					a.refresh(p)
				}
			})
		})
		b.selected = r.ID == a.store.Round().ID
		items = append(items, b)
	}
	return items
}

func (p *settingsPage) leave() {}

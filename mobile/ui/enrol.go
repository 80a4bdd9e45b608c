package ui

import (
	"context"
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/mobile"

	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// enrolPage binds the tablet to an account: the server's address and the one-time code the commune has given.
type enrolPage struct {
	again bool // from the settings, on a tablet that is enrolled

	base, code *field
	says       *para
	do         *button
	busy       bool
}

func (p *enrolPage) build(a *App) *frame {
	prefs := a.App.Preferences()
	p.base = newField(a, "https://")
	p.base.keyboard = mobile.SingleLineKeyboard
	p.base.put(prefs.String(prefBase))
	p.code = newField(a, "XXXX-XXXX-XX")
	p.says = newPara("")
	p.says.Hide()
	p.do = newButton(a.t("enrol.do"), lookPrimary, func() { p.enrol(a) })
	p.code.OnSubmitted = func(string) { p.enrol(a) }
	body := column(newPara(a.t("enrol.text")), newPara(a.t("enrol.base")).bold(), p.base, newPara(a.t("enrol.code")).bold(),
		newBox(halfWidth, widest, p.code), p.says)
	lang := newButton(a.t("lang.other"), lookPlain, func() {
		prefs.SetString(prefBase, p.base.Text)
		if a.lang == "vi" {
			a.setLang("en")
		} else {
			a.setLang("vi")
		}
	})
	var back func()
	if p.again {
		back = a.back
	}
	return newFrame(a.t("enrol.title"), back, body, []fyne.CanvasObject{p.do}...).withTools(lang)
}

func (p *enrolPage) leave() {}

func (p *enrolPage) enrol(a *App) {
	if p.busy {
		return
	}
	base, code := address(p.base.Text), strings.ToUpper(strings.TrimSpace(p.code.Text))
	if base == "" || code == "" {
		p.say(a, a.t("enrol.missing"))
		return
	}
	a.App.Preferences().SetString(prefBase, base)
	p.wait(a, true)
	a.aside(func() func() {
		err := a.store.Enrol(context.Background(), base, code)
		return func() {
			p.wait(a, false)
			if err != nil {
				p.say(a, a.explainSync(err, base))
				return
			}
			a.home()
			a.show(&syncPage{start: true})
		}
	})
}

func (p *enrolPage) wait(a *App, on bool) {
	p.busy = on
	p.do.setDisabled(on)
	p.do.setText(a.t("enrol.do"))
	if on {
		p.do.setText(a.t("enrol.busy"))
	}
}

func (p *enrolPage) say(a *App, text string) {
	p.says.in(red).bold().set(text)
	p.says.Show()
	a.frame.reflow()
	a.frame.reveal(p.says)
}

// address completes what was typed: without a scheme it is https.
func address(typed string) string {
	s := strings.TrimRight(strings.TrimSpace(typed), "/")
	if s == "" || strings.Contains(s, "://") {
		return s
	}
	return "https://" + s
}

// explainSync is what a person is told when a server could not be reached or refused.
func (a *App) explainSync(err error, base string) string {
	var own *tablet.Problem
	if errors.As(err, &own) {
		return own.Text.In(a.lang)
	}
	var p *fieldsync.Problem
	if errors.As(err, &p) {
		if a.has("sync.code." + p.Code) {
			return a.t("sync.code."+p.Code, "base", base)
		}
		return a.t("sync.code.other", "code", p.Code, "detail", p.Title)
	}
	return a.t("sync.code.network", "base", base)
}

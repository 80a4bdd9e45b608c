package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// messagePage says one thing that has to be read before work goes on.
type messagePage struct {
	title, text string
	back        bool
}

func (p *messagePage) build(a *App) *frame {
	body := column(newPara(p.text))
	if !p.back {
		return newFrame(p.title, nil, body)
	}
	return newFrame(p.title, a.back, body, newButton(a.t("understood"), lookPrimary, a.back))
}

func (p *messagePage) leave() {}

// newsPage offers to take over what a pull brought: the whole snapshot is replaced, the answers typed here stay beside it.
type newsPage struct{ v *visit }

func (p *newsPage) build(a *App) *frame {
	take := newButton(a.t("news.take"), lookPrimary, func() {
		p.v.write(func(ctx context.Context) error { return p.v.form.AcceptNews(ctx) }, a.back)
	})
	return newFrame(a.t("news.title"), a.back, column(newPara(a.t("news.text"))), newButton(a.t("news.later"), lookPlain, a.back), take)
}

func (p *newsPage) leave() {}

// conflictsPage lists every answer of a household people disagree on, with all values, authors and times.
type conflictsPage struct {
	household, title string
	list             []tablet.ConflictAt
	changes          []tablet.ChangeStatus
	loaded           bool
}

func (p *conflictsPage) build(a *App) *frame {
	if !p.loaded {
		a.do(func() func() {
			list, err := a.store.Conflicts(context.Background(), p.household)
			changes, err2 := a.store.Changes(context.Background(), p.household)
			return func() {
				p.list, p.changes, p.loaded = list, changes, true
				if err == nil {
					err = err2
				}
				a.failed(err)
				a.refresh(p)
			}
		})
	}
	body := column()
	if p.loaded && len(p.list) == 0 {
		body.items = append(body.items, newPara(a.t("conflict.none")))
	}
	for _, c := range p.list {
		body.items = append(body.items, p.conflict(a, c))
	}
	if len(p.changes) > 0 {
		body.items = append(body.items, heading(a.t("changes.title")))
	}
	for _, c := range p.changes {
		body.items = append(body.items, changeLine(a, c))
	}
	return newFrame(p.title, a.back, body, newButton(a.t("done"), lookPrimary, a.back))
}

func (p *conflictsPage) conflict(a *App, c tablet.ConflictAt) fyne.CanvasObject {
	v := &visit{a: a, q: a.store.Questionnaire()}
	v.kind = v.q.Kinds[schema.KindInterview]
	name, q := c.Unit, &schema.Question{}
	if found, ok := v.q.Question(c.Kind, c.Unit); ok {
		name, q = found.Label.In(a.lang), found
	}
	items := []fyne.CanvasObject{newPara(name).bold()}
	for _, s := range c.Values {
		items = append(items, newPara(v.answerText(q, s.Value)+" – "+a.saidBy(s)))
	}
	if c.Quiet {
		return card(ground, line, items...)
	}
	return card(redPale, red, items...)
}

// changeLine is one of this tablet's own changes and where it is now.
func changeLine(a *App, c tablet.ChangeStatus) fyne.CanvasObject {
	text := when(c.At) + " · " + a.t("changes.units", "n", itoa(len(c.Units))) + " · " + a.t("status."+c.Status)
	items := []fyne.CanvasObject{newPara(text)}
	if why := c.Text.In(a.lang); why != "" {
		items = append(items, newPara(why).in(red))
	}
	return card(paper, line, items...)
}

func (p *conflictsPage) leave() {}

package ui

import "context"

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

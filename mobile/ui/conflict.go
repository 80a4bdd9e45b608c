package ui

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// conflict shows every answer people gave to one question, who gave it and when. The enumerator may say again what they
// know, their own or another's answer: that is one more statement with all the others in view. The board sees it.
func (v *questionView) conflict(said []tablet.Said) (o fyne.CanvasObject, drawn string) {
	a := v.e.v.a
	items := []fyne.CanvasObject{newPara(a.t("conflict.here", "n", itoa(len(said)))).in(red).bold()}
	var texts []string
	for _, s := range said {
		answer := v.e.v.answerText(v.q, s.Value)
		text := answer + " – " + a.saidBy(s)
		texts = append(texts, text)
		keep := newButton(a.t("conflict.keep", "answer", answer), lookPlain, func() {
			v.editor.show(s.Value)
			v.e.put(v.unit, s.Value)
		})
		items = append(items, newPara(text), keep)
	}
	return card(redPale, red, items...), strings.Join(texts, "\n")
}

// saidBy is who gave an answer and when, by the author's clock.
func (a *App) saidBy(s tablet.Said) string {
	who := s.Account
	if s.Own {
		who = a.t("said.me")
	}
	text := a.t("said.by", "who", who, "role", a.t("role."+s.Role), "when", when(s.At))
	if s.Why != "" {
		text += " – " + s.Why
	}
	return text
}

// conflictsPage lists every answer of a household people disagree on, with all values, authors and times, and below it what
// this tablet has saved of the household and where each piece is.
type conflictsPage struct {
	v       *visit
	list    []tablet.ConflictAt
	changes []tablet.ChangeStatus
	loaded  bool
}

func (p *conflictsPage) build(a *App) *frame {
	if !p.loaded {
		p.loaded = true
		a.do(func() func() {
			list, err := a.store.Conflicts(context.Background(), p.v.form.Household())
			changes, err2 := a.store.Changes(context.Background(), p.v.form.Household())
			return func() {
				p.list, p.changes = list, changes
				a.failed(errors.Join(err, err2))
				a.refresh(p)
			}
		})
	}
	body := column()
	if len(p.list) == 0 {
		body.items = append(body.items, newPara(a.t("conflict.none")))
	}
	for _, c := range p.list {
		body.items = append(body.items, p.conflict(a, c))
	}
	if len(p.changes) > 0 {
		body.items = append(body.items, heading(a.t("changes.title")))
	}
	for _, c := range p.changes {
		body.items = append(body.items, changeLine(a, "", c, p.v.said(c)...))
	}
	return newFrame(p.v.title(), a.back, body, newButton(a.t("done"), lookPrimary, a.back))
}

func (p *conflictsPage) conflict(a *App, c tablet.ConflictAt) fyne.CanvasObject {
	q, ok := p.v.q.Question(c.Kind, c.Unit)
	if !ok {
		q = &schema.Question{Unit: c.Unit}
	}
	items := []fyne.CanvasObject{newPara(p.v.nameOf(c.Kind, c.Unit)).bold()}
	for _, s := range c.Values {
		items = append(items, newPara(p.v.answerText(q, s.Value)+" – "+a.saidBy(s)))
	}
	if c.Quiet {
		return card(ground, line, items...)
	}
	return card(redPale, red, items...)
}

// maxSaid is how many answers of one change are listed.
const maxSaid = 8

// said are the answers a change of this tablet gave, in words.
func (v *visit) said(c tablet.ChangeStatus) (lines []string) {
	for _, unit := range slices.Sorted(slices.Values(c.Units)) {
		q, ok := v.q.Question(c.Kind, unit)
		if !ok || q.Unanswered || q.Type == schema.TypeStatus || q.Type == schema.TypeRecord {
			continue
		}
		if len(lines) == maxSaid {
			return append(lines, "…")
		}
		lines = append(lines, v.nameOf(c.Kind, unit)+": "+v.answerText(q, c.Values[unit]))
	}
	return lines
}

// changeLine is one of this tablet's own changes, where it is now and, when something is wrong, why and what to do.
func changeLine(a *App, of string, c tablet.ChangeStatus, said ...string) fyne.CanvasObject {
	text := when(c.At) + " · " + a.t("changes.units", "n", itoa(len(c.Units))) + " · " + a.t("status."+c.Status)
	if of != "" {
		text = of + " · " + text
	}
	items := []fyne.CanvasObject{newPara(text).bold()}
	if why := c.Text.In(a.lang); why != "" {
		items = append(items, newPara(why).in(red))
	}
	for _, s := range said {
		items = append(items, note(s))
	}
	return card(paper, line, items...)
}

func (p *conflictsPage) leave() {}

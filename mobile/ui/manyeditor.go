package ui

import (
	"encoding/json"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// partsEditor edits a heading whose parts are units of their own.
func partsEditor(e env, q *schema.Question) editor {
	if len(q.Parts) > 0 && q.Parts[0].Type == schema.TypeYesNo {
		return ticksEditor(e, q)
	}
	return foldedEditor(e, q)
}

// pair is one line with its two small buttons: yes and no.
type pair struct {
	unit    string
	yes, no *button
	value   string
}

func newPair(a *App, unit, label string, put func(p *pair, value string)) (*pair, fyne.CanvasObject) {
	p := &pair{unit: unit}
	p.yes = newButton(a.t("yes"), lookPlain, func() { put(p, "yes") })
	p.yes.wide = 76
	p.no = newButton(a.t("no"), lookPlain, func() { put(p, "no") })
	return p, row(newPara(label), p.yes, p.no)
}

func (p *pair) mark(value string) {
	p.value = value
	p.yes.setSelected(value == "yes")
	p.no.setSelected(value == "no")
}

// ticksEditor asks each part yes or no. An empty part is unanswered, never "no": one button writes an explicit no for all
// that are still empty.
func ticksEditor(e env, q *schema.Question) editor {
	a := e.v.a
	var pairs []*pair
	var items []fyne.CanvasObject
	rest := newButton("", lookPlain, nil)
	label := func() {
		open := slices.ContainsFunc(pairs, func(p *pair) bool { return p.value == "" })
		yes := slices.ContainsFunc(pairs, func(p *pair) bool { return p.value == "yes" })
		rest.Hidden = !open
		rest.setText(a.t("many.none"))
		if yes {
			rest.setText(a.t("many.rest"))
		}
	}
	put := func(p *pair, value string) {
		p.mark(value)
		label()
		e.put(p.unit, jsonText(value))
	}
	for _, part := range q.Parts {
		p, line := newPair(a, wire(e.member, part.Unit), part.Label.In(a.lang), put)
		pairs, items = append(pairs, p), append(items, line)
	}
	rest.tapped = func() {
		for _, p := range pairs {
			if p.value == "" {
				put(p, "no")
			}
		}
		e.reflow()
	}
	show := func(json.RawMessage) {
		for _, p := range pairs {
			p.mark(plain(e.get(p.unit)))
		}
		label()
	}
	return editor{column(append(items, rest)...), show, nothing}
}

func jsonText(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always can
	return b
}

// foldedEditor shows one line a part with its answer; a tap opens the part's fields on a page of their own.
func foldedEditor(e env, q *schema.Question) editor {
	var items []fyne.CanvasObject
	var lines []*button
	text := func(part *schema.Question) string {
		unit := wire(e.member, part.Unit)
		return part.Label.In(e.v.a.lang) + ": " + e.v.answerText(part, e.get(unit))
	}
	for _, part := range q.Parts {
		b := newButton(text(part), lookRow, func() { e.v.a.show(&partPage{e: e, q: part, unit: wire(e.member, part.Unit)}) })
		b.withIcon(theme.DocumentCreateIcon())
		lines, items = append(lines, b), append(items, b)
	}
	show := func(json.RawMessage) {
		for i, part := range q.Parts {
			lines[i].setText(text(part))
			lines[i].setSelected(e.get(wire(e.member, part.Unit)) != nil)
		}
	}
	body := column(grid(300, items...))
	if n := e.v.incomeFromSources(q); n > 0 {
		text := itoa(n)
		body.items = append(body.items, newButton(e.v.a.t("income.sum", "n", writeNumber(text)), lookPlain, func() {
			e.both("income_per_capita", tablet.Number(text), "income_source", jsonText("computed"))
		}))
	}
	return editor{body, show, nothing}
}

// incomeFromSources is the income per person and month that the sources give, in whole đồng; 0 while nothing is written or
// nobody is listed.
func (v *visit) incomeFromSources(q *schema.Question) int {
	people := len(v.now.members())
	if q.Unit != "income" || people == 0 {
		return 0
	}
	year := 0
	for _, part := range q.Parts {
		var source struct{ Revenue, Cost int }
		if json.Unmarshal(v.now.iv.Value(part.Unit), &source) == nil {
			year += source.Revenue - source.Cost
		}
	}
	return max(0, year/(12*people))
}

// linesEditor lists what stands under an append-only path ("visit/*") and adds a line: b1/<item> by its number, all others
// under a fresh id.
func linesEditor(e env, q *schema.Question) editor {
	a := e.v.a
	var items []fyne.CanvasObject
	prefix := strings.TrimSuffix(q.Unit, "*")
	for _, unit := range e.v.now.iv.Units() {
		found, ok := e.v.q.Question(schema.KindInterview, unit)
		if !ok || found.Unit != q.Unit || !strings.HasPrefix(unit, prefix) {
			continue
		}
		b := newButton(e.v.lineText(q, unit), lookRow, func() { a.show(&partPage{e: e, q: q, unit: unit}) })
		items = append(items, b.withIcon(theme.DocumentCreateIcon()))
	}
	if q.Type == schema.TypeObject {
		add := newButton(a.t("line.add"), lookPlain, func() {
			a.show(&partPage{e: e, q: q, unit: prefix + newID()})
		}).withIcon(theme.ContentAddIcon())
		return editor{column(append(items, add)...), func(json.RawMessage) {}, nothing}
	}
	number := newDigits(a, "", "")
	add := newButton(a.t("line.number"), lookPlain, nil).withIcon(theme.ContentAddIcon())
	add.tapped = func() {
		if n := strings.TrimLeft(number.Text, "0"); n != "" && len(n) < 5 {
			number.put("")
			a.show(&partPage{e: e, q: q, unit: prefix + n})
		}
	}
	items = append(items, newPara(a.t("line.which")), row(newBox(halfWidth, widest, number), add))
	if sum, n := e.v.pointsSum(prefix); n > 0 && q.Unit == "b1/*" {
		items = append(items, newButton(a.t("line.sum", "n", itoa(sum)), lookPlain, func() {
			e.both("b1_score", tablet.Number(itoa(sum)), "b1_source", jsonText("points"))
		}))
	}
	return editor{column(items...), func(json.RawMessage) {}, nothing}
}

// pointsSum adds what stands under a path of numbers.
func (v *visit) pointsSum(prefix string) (sum, n int) {
	for _, unit := range v.now.iv.Units() {
		if !strings.HasPrefix(unit, prefix) {
			continue
		}
		if points, ok := between(v.now.iv.Text(unit), 0, 9999); ok {
			sum, n = sum+points, n+1
		}
	}
	return sum, n
}

func (v *visit) lineText(q *schema.Question, unit string) string {
	text := v.answerText(q, v.form.Value(unit).Value)
	if q.Type == schema.TypeObject {
		return text
	}
	return v.a.t("line.item", "n", unit[strings.LastIndexByte(unit, '/')+1:], "value", text)
}

func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString()
	}
	return id.String()
}

// partPage edits one unit of its own page.
type partPage struct {
	e    env
	q    *schema.Question
	unit string
	view *questionView
}

func (p *partPage) build(a *App) *frame {
	e := p.e
	e.reflow = func() { a.frame.reflow() }
	e.another = func() { a.again(p) }
	p.view = newQuestionView(e, p.q, p.unit)
	e.v.changed = func() {
		p.view.update()
		a.frame.reflow()
	}
	done := newButton(a.t("done"), lookPrimary, a.back)
	return newFrame(e.v.title(), a.back, column(p.view.box), done)
}

func (p *partPage) leave() { p.view.flush() }

package ui

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// editor is what an answer is given with: its widgets, how a saved value is shown in them, and how what was typed is
// handed over when the page is left.
type editor struct {
	*box
	show  func(value json.RawMessage)
	flush func()
}

// env is what an editor asks of the page it stands on.
type env struct {
	v       *visit
	member  string // the questions are about this person; "" about the household
	home    bool   // the questions are of the household's own record
	reflow  func()
	another func() // builds the page anew once what was handed over is saved
}

func (e env) get(unit string) json.RawMessage {
	if e.home {
		return e.v.form.HouseholdValue(unit).Value
	}
	return e.v.form.Value(unit).Value
}

// both saves an answer and where it comes from, and shows the page with them.
func (e env) both(unit string, value json.RawMessage, sourceUnit string, source json.RawMessage) {
	e.put(unit, value)
	e.put(sourceUnit, source)
	e.another()
}

func (e env) put(unit string, value json.RawMessage) { e.v.set(unit, value, e.home) }

// newEditor makes the editor of a question whose answer goes to one unit. put saves a value; nil is "unanswered again".
func newEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	switch {
	case q.CodeList != "":
		return codeEditor(e, q, put)
	case q.Type == schema.TypeYesNo:
		return yesNoEditor(e, q, put)
	case q.Type == schema.TypeSelect:
		return choiceEditor(e, q, put)
	case q.Type == schema.TypeInteger, q.Type == schema.TypeDecimal, q.Type == schema.TypeMoney:
		return numberEditor(e, q, put)
	case q.Type == schema.TypeDate, q.Type == schema.TypeBirth:
		return dateEditor(e, q, put)
	case q.Type == schema.TypeObject:
		return objectEditor(e, q, put)
	case q.Type == schema.TypeMember:
		return memberEditor(e, put)
	case q.Type == schema.TypeArea:
		return areaEditor(e, q, put)
	}
	return textEditor(e, q, put)
}

func nothing() {}

func textEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	f := newField(e.v.a, "")
	if q.Unit == "text" || q.Unit == "note" {
		f = newLines(e.v.a, "")
	}
	save := func(text string) {
		if text = strings.TrimSpace(text); text == "" {
			put(nil)
			return
		}
		put(tablet.Text(text))
	}
	f.typed, f.left = save, save
	if q.Unit == "respondent" {
		return respondentEditor(e, f, put)
	}
	return editor{column(f), func(v json.RawMessage) { f.put(plain(v)) }, f.flush}
}

// respondentEditor offers the people of the household beside a name written freely.
func respondentEditor(e env, f *field, put func(json.RawMessage)) editor {
	var c chosen
	var items []fyne.CanvasObject
	for _, m := range e.v.now.members() {
		items = append(items, c.add(m.ID, e.v.memberName(m.ID), func(v json.RawMessage) {
			f.put("")
			put(v)
		}))
	}
	show := func(v json.RawMessage) {
		c.show(v)
		f.put("")
		if !slices.Contains(c.values, plain(v)) {
			f.put(plain(v))
		}
	}
	return editor{column(grid(200, items...), f), show, f.flush}
}

// chosen is a group of buttons of which one is the answer.
type chosen struct {
	values  []string
	buttons []*button
}

func (c *chosen) add(value, label string, put func(json.RawMessage)) fyne.CanvasObject {
	b := newButton(label, lookRadio, nil)
	b.tapped = func() {
		c.mark(value)
		put(tablet.Text(value))
	}
	c.values, c.buttons = append(c.values, value), append(c.buttons, b)
	return b
}

func (c *chosen) mark(value string) {
	for i, v := range c.values {
		c.buttons[i].setSelected(v == value)
	}
}

func (c *chosen) show(v json.RawMessage) { c.mark(plain(v)) }

func yesNoEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	if len(q.Choices) > 0 {
		return choiceEditor(e, q, put)
	}
	var c chosen
	yes, no := c.add("yes", e.v.a.t("yes"), put), c.add("no", e.v.a.t("no"), put)
	return editor{grid(120, yes, no), c.show, nothing}
}

func choiceEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	var c chosen
	var items []fyne.CanvasObject
	longest := 0
	for _, choice := range q.Choices {
		label := choice.Label.In(e.v.a.lang)
		longest = max(longest, len([]rune(label)))
		items = append(items, c.add(choice.Value, label, put))
	}
	cell := float32(150)
	if longest > 11 {
		cell = 240
	}
	return editor{grid(cell*e.v.a.textSize()/textBase, items...), c.show, nothing}
}

// memberEditor chooses one person of the household.
func memberEditor(e env, put func(json.RawMessage)) editor {
	var c chosen
	var items []fyne.CanvasObject
	for _, m := range e.v.now.members() {
		items = append(items, c.add(m.ID, e.v.memberLine(m), put))
	}
	if len(items) == 0 {
		items = append(items, note(e.v.a.t("member.first")))
	}
	return editor{grid(240, items...), c.show, nothing}
}

// codeEditor opens a page of its own to choose from a long list of codes.
func codeEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	b := newButton("", lookRow, nil).withIcon(theme.SearchIcon())
	list := e.v.a.Set.Codes[q.CodeList]
	show := func(v json.RawMessage) {
		b.setSelected(len(v) > 0)
		b.setText(e.v.a.t("pick.choose"))
		if len(v) > 0 {
			b.setText(e.v.answerText(q, v))
		}
	}
	b.tapped = func() {
		var options []option
		for _, c := range list.Codes {
			if c.ValidTo == "" {
				options = append(options, option{c.Value, c.Label.In(e.v.a.lang)})
			}
		}
		e.v.a.show(&pickPage{title: q.Label.In(e.v.a.lang), options: options, picked: func(value string) { put(tablet.Text(value)) }})
	}
	return editor{column(b), show, nothing}
}

// areaEditor chooses a village of those given to this tablet.
func areaEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	b := newButton("", lookRow, nil).withIcon(theme.HomeIcon())
	show := func(v json.RawMessage) {
		b.setText(e.v.a.t("pick.choose"))
		if len(v) > 0 {
			b.setText(e.v.answerText(q, v))
		}
	}
	b.tapped = func() {
		var options []option
		for _, village := range e.v.a.store.Villages() {
			options = append(options, option{village.Code, village.Name})
		}
		e.v.a.show(&pickPage{title: q.Label.In(e.v.a.lang), options: options, picked: func(value string) { put(tablet.Text(value)) }})
	}
	return editor{column(b), show, nothing}
}

// lowIncome is the sum below which đồng are taken for thousands of đồng, and a tap offers the larger number.
const lowIncome = 20_000

func numberEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	a := e.v.a
	decimals, also := 0, ". "
	if q.Type == schema.TypeDecimal {
		decimals, also = max(1, q.Decimals), ".,"
	}
	if q.Min != nil && *q.Min < 0 {
		also += "-"
	}
	f := newDigits(a, "", also)
	unread := newPara("").in(red)
	thousand := newButton("", lookPlain, nil)
	unread.Hide()
	thousand.Hide()
	current := ""
	offer := func(plain string) {
		n, err := strconv.ParseInt(plain, 10, 64)
		if q.Type == schema.TypeMoney && err == nil && n > 0 && n < lowIncome {
			more := itoa(int(n) * 1000)
			thousand.setText(a.t("number.thousand", "n", writeNumber(more)))
			thousand.tapped = func() {
				f.put(writeNumber(more))
				thousand.Hide()
				put(tablet.Number(more))
				e.reflow()
			}
			thousand.Show()
		} else {
			thousand.Hide()
		}
	}
	read := func(text string, final bool) {
		plain, problem := readNumber(text, decimals)
		if problem == "number.none" {
			plain, problem = "", ""
		}
		if problem != "" {
			if final {
				unread.set(a.t(problem))
				unread.Show()
				e.reflow()
			}
			return
		}
		unread.Hide()
		if final && plain != "" {
			f.put(writeNumber(plain))
		}
		offer(plain)
		if plain != current {
			current = plain
			put(tablet.Number(plain))
		} else if final {
			e.reflow()
		}
	}
	f.typed = func(text string) { read(text, false) }
	f.left = func(text string) { read(text, true) }
	show := func(v json.RawMessage) {
		current = plain(v)
		f.put(writeNumber(current))
		offer(current)
	}
	return editor{column(newBox(halfWidth, widest, f), unread, thousand), show, f.flush}
}

// halfWidth keeps a short field from spanning a wide screen.
func halfWidth(items []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
	w := min(width, 360)
	h := heightFor(items[0], w)
	if put != nil {
		put(items[0], 0, 0, w, h)
	}
	return h
}

// objectEditor edits the fields of one unit, which are saved together. An object with choices may be one of them instead.
func objectEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	fields := map[string]json.RawMessage{}
	var c chosen
	save := func() {
		c.mark("")
		all := map[string]any{}
		for name, v := range fields {
			if len(v) > 0 && string(v) != "null" {
				all[name] = v
			}
		}
		if len(all) == 0 {
			put(nil)
			return
		}
		put(tablet.Object(all))
	}
	var items []fyne.CanvasObject
	for _, choice := range q.Choices {
		items = append(items, c.add(choice.Value, choice.Label.In(e.v.a.lang), func(v json.RawMessage) {
			clear(fields)
			put(v)
			e.another()
		}))
	}
	var editors []editor
	for _, f := range q.Fields {
		ed := newEditor(e, f, func(v json.RawMessage) {
			fields[f.Unit] = v
			save()
		})
		editors = append(editors, ed)
		items = append(items, newPara(f.Label.In(e.v.a.lang)), ed.box)
	}
	show := func(v json.RawMessage) {
		clear(fields)
		// A value of another form, or a choice, leaves the fields empty; it stays until it is written over.
		if json.Unmarshal(v, &fields) != nil {
			clear(fields)
		}
		c.show(v)
		for i, f := range q.Fields {
			editors[i].show(fields[f.Unit])
		}
	}
	body := card(paper, line, items...)
	return editor{column(body), show, func() {
		for _, ed := range editors {
			ed.flush()
		}
	}}
}

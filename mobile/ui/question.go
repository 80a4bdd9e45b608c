package ui

import (
	"encoding/json"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// questionView is one question on a page: its wording, its editor, last year's answer beside it, what is wrong with it, what
// others have answered, and why it is left open.
type questionView struct {
	*box
	e    env
	q    *schema.Question
	unit string

	editor   editor
	after    *box // what follows from the answers: made anew when they change
	more     *box // reasons to leave it open, on demand
	moreOpen bool
	drawn    string  // what after was made of
	unknown  *button // of a birth: nobody knows
}

func newQuestionView(e env, q *schema.Question, unit string) *questionView {
	a := e.v.a
	v := &questionView{e: e, q: q, unit: unit, after: tight(), more: column()}
	switch {
	case strings.Contains(q.Unit, "*") && strings.Contains(unit, "*"):
		v.editor = linesEditor(e, q)
	case len(q.Parts) > 0:
		v.editor = partsEditor(e, q)
	case q.Unit == "status" && !q.Member:
		v.editor = statusEditor(e, v.answer)
	case q.Unit == "notice" && !q.Member:
		v.editor = noticeEditor(e, unit)
	default:
		v.editor = newEditor(e, q, v.answer)
	}
	label := q.Label.In(a.lang)
	if q.Required {
		label += " *"
	}
	head := fyne.CanvasObject(newPara(label).bold())
	if v.mayStayOpen() {
		tool := newButton("", lookPlain, v.toggle).withIcon(theme.MoreVerticalIcon())
		head = row(head, tool)
	}
	items := []fyne.CanvasObject{head}
	if ask := q.Ask.In(a.lang); ask != "" && ask != label {
		items = append(items, newPara("“"+ask+"”"))
	}
	if hint := q.Hint.In(a.lang); hint != "" {
		items = append(items, note(hint))
	}
	if !q.Confirmed && q.Confidence == schema.Unconfirmed {
		items = append(items, note(a.t("unconfirmed.question")).in(amber))
	}
	v.more.Hide()
	items = append(items, v.editor.box)
	if q.Type == schema.TypeBirth && v.mayStayOpen() {
		v.unknown = newButton(a.t("date.unknown"), lookRadio, func() { v.leaveOpen("dont_know") })
		items = append(items, v.unknown)
	}
	v.box = newBox(stack(8), widest, append(items, v.more, v.after)...)
	v.editor.show(v.value())
	v.update()
	return v
}

func (v *questionView) value() json.RawMessage {
	if strings.Contains(v.unit, "*") || len(v.q.Parts) > 0 {
		return nil
	}
	return v.e.get(v.unit)
}

// mayStayOpen: whether a reason can be given for leaving the question unanswered.
func (v *questionView) mayStayOpen() bool {
	return !v.e.home && !strings.Contains(v.unit, "*") && len(v.q.Parts) == 0 && v.q.Unit != "status" && v.q.Unit != "notice"
}

// toggle shows or hides the reasons to leave the question open.
func (v *questionView) toggle() {
	v.moreOpen = !v.moreOpen
	v.more.Hidden = !v.moreOpen
	if v.moreOpen {
		v.more.items = v.reasons()
	}
	v.e.reflow()
}

func (v *questionView) reasons() []fyne.CanvasObject {
	a, now := v.e.v.a, v.e.v.openReason(v.unit)
	items := []fyne.CanvasObject{newPara(a.t("open.why"))}
	var buttons []fyne.CanvasObject
	for _, code := range []string{"ask_later", "dont_know", "refused"} {
		b := newButton(a.t("open."+code), lookRadio, func() { v.leaveOpen(code) })
		b.selected = now == code
		buttons = append(buttons, b)
	}
	items = append(items, grid(200, buttons...))
	if v.value() != nil || now != "" {
		items = append(items, newButton(a.t("answer.clear"), lookDanger, func() {
			v.shut()
			v.clear()
			if now != "" {
				v.e.put(openUnit(v.unit), nil)
			}
		}))
	}
	return items
}

// answer saves an answer; a reason why there is none is withdrawn with it.
func (v *questionView) answer(value json.RawMessage) {
	v.e.put(v.unit, value)
	if value != nil && !v.e.home && v.e.v.openReason(v.unit) != "" {
		v.e.put(openUnit(v.unit), nil)
	}
}

// leaveOpen takes an answer back and says why there is none.
func (v *questionView) leaveOpen(code string) {
	v.shut()
	v.clear()
	v.e.put(openUnit(v.unit), jsonText(code))
}

func (v *questionView) shut() {
	v.moreOpen = false
	v.more.Hide()
}

// clear takes the answer back: the question is unanswered again.
func (v *questionView) clear() {
	if v.value() != nil {
		v.editor.show(nil)
		v.e.put(v.unit, nil)
	}
	v.e.reflow()
}

func (v *questionView) flush() { v.editor.flush() }

// update shows what follows from the answers as they are now; nothing is made anew when nothing changed.
func (v *questionView) update() {
	v.box.Hidden = !v.e.home && !v.anyShown()
	items, drawn := v.consequences()
	if drawn != v.drawn {
		v.after.items, v.drawn = items, drawn
		v.after.Refresh()
	}
	if v.unknown != nil {
		v.unknown.setSelected(v.e.v.openReason(v.unit) == "dont_know" && v.value() == nil)
	}
	if len(v.q.Parts) > 0 || v.q.Unit == "status" {
		v.editor.show(nil) // filled from the findings
	}
}

func (v *questionView) anyShown() bool {
	if strings.Contains(v.unit, "*") {
		return true
	}
	for _, unit := range v.units() {
		if v.e.v.shown(unit) {
			return true
		}
	}
	return false
}

// units are the units of the question on the wire.
func (v *questionView) units() []string {
	if len(v.q.Parts) == 0 {
		return []string{v.unit}
	}
	var units []string
	for _, part := range v.q.Parts {
		units = append(units, wire(v.e.member, part.Unit))
	}
	return units
}

// consequences are the lines below the editor, and a text that says whether they changed.
func (v *questionView) consequences() (items []fyne.CanvasObject, drawn string) {
	a := v.e.v.a
	add := func(key string, o fyne.CanvasObject) {
		items, drawn = append(items, o), drawn+"\n"+key
	}
	if v.e.home || strings.Contains(v.unit, "*") {
		return nil, ""
	}
	for _, unit := range v.units() {
		for _, p := range v.e.v.now.problems[unit] {
			if p.Code != "required" {
				add(p.Message, problemLine(p))
			}
		}
		answer := v.e.v.form.Value(unit)
		if answer.Conflict() {
			o, text := v.conflict(answer.Said)
			add(text, o)
		}
	}
	if why := v.e.v.openReason(v.unit); why != "" && v.value() == nil {
		text := a.t("open.left", "why", a.t("open."+why))
		add(text, newPara(text).in(amber).bold())
	}
	if last := v.lastYear(); last != "" {
		text := a.t("last.answer", "answer", last)
		add(text, newPara(text).in(blue))
	}
	for _, n := range v.e.v.form.ReviewNotes() {
		if n.On == v.unit && !n.Done {
			text := a.t("note.board", "text", n.Text)
			add(text, newPara(text).in(red))
		}
	}
	return items, drawn
}

func (v *questionView) lastYear() string {
	if len(v.q.Parts) == 0 {
		if last := v.e.v.form.LastYear(v.unit); last != nil {
			return v.e.v.answerText(v.q, last)
		}
		return ""
	}
	var parts []string
	for _, part := range v.q.Parts {
		last := v.e.v.form.LastYear(wire(v.e.member, part.Unit))
		if last == nil || plain(last) == "no" {
			continue
		}
		text := part.Label.In(v.e.v.a.lang)
		if plain(last) != "yes" {
			text += ": " + v.e.v.answerText(part, last)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// problemLine is one problem at its question.
func problemLine(p survey.Problem) fyne.CanvasObject {
	if p.Level == schema.LevelWarning {
		return card(amberPale, amber, newPara(p.Message).in(amber))
	}
	return card(redPale, red, newPara(p.Message).in(red).bold())
}

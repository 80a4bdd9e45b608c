package ui

import (
	"strings"

	"fyne.io/fyne/v2"

	"github.com/rasoat/rasoat/internal/tablet"
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

package ui

import (
	"encoding/json"

	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/tablet"
)

// noticeVersion names the five sentences of notice.1 to notice.5.
const noticeVersion = "2026.1"

// noticeEditor opens the notice that is read aloud to the household before anything is asked, and records that it was.
func noticeEditor(e env, unit string) editor {
	a := e.v.a
	b := newButton("", lookRow, func() { a.show(&noticePage{e: e, unit: unit}) }).withIcon(theme.DocumentIcon())
	show := func(v json.RawMessage) {
		b.setSelected(len(v) > 0)
		b.setText(a.t("notice.open"))
		if len(v) > 0 {
			var read struct{ On string }
			if json.Unmarshal(v, &read) != nil || read.On == "" {
				read.On = "–"
			}
			b.setText(a.t("notice.read", "on", writeDate(read.On)))
		}
	}
	return editor{column(b), show, nothing}
}

// noticePage is five sentences in large letters: who asks, what for, who sees it, what is posted, where to complain.
type noticePage struct {
	e    env
	unit string
}

func (p *noticePage) build(a *App) *frame {
	body := column()
	for _, key := range []string{"notice.1", "notice.2", "notice.3", "notice.4", "notice.5"} {
		body.items = append(body.items, newPara(a.t(key)).sized(theme.SizeNameSubHeadingText))
	}
	read := newButton(a.t("notice.done"), lookPrimary, func() {
		p.e.put(p.unit, tablet.Object(map[string]any{"version": noticeVersion, "on": a.Now().Format("2006-01-02")}))
		a.back()
	})
	return newFrame(a.t("notice.title"), a.back, body, read)
}

func (p *noticePage) leave() {}

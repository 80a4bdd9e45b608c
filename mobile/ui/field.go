package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/widget"
)

// field is a text entry that hands over what was typed: after a pause, when it loses the focus, and when its page is left.
// Android's keyboards delete and retype letters while composing Vietnamese, so a change of the text is not yet an answer.
type field struct {
	widget.Entry
	keyboard mobile.KeyboardType
	accept   func(r rune) bool // nil: any
	gained   func(o fyne.CanvasObject)
	typed    func(text string) // after a pause
	left     func(text string) // on leaving the field or its page

	do    func(func()) // in the UI goroutine
	pause time.Duration
	timer *time.Timer
	dirty bool
}

func newField(a *App, placeholder string) *field {
	f := &field{keyboard: mobile.SingleLineKeyboard, pause: a.Pause, do: a.then, gained: a.reveal}
	f.PlaceHolder = placeholder
	f.ExtendBaseWidget(f)
	f.OnChanged = func(string) { f.changed() }
	return f
}

// newLines is a field of several lines.
func newLines(a *App, placeholder string) *field {
	f := newField(a, placeholder)
	f.keyboard = mobile.DefaultKeyboard
	f.MultiLine, f.Wrapping = true, fyne.TextWrapWord
	f.SetMinRowsVisible(3)
	return f
}

// newDigits is a field for numbers: digits and what else is named.
func newDigits(a *App, placeholder, also string) *field {
	f := newField(a, placeholder)
	f.keyboard = mobile.NumberKeyboard
	f.accept = func(r rune) bool { return r >= '0' && r <= '9' || strings.ContainsRune(also, r) }
	return f
}

func (f *field) Keyboard() mobile.KeyboardType { return f.keyboard }

func (f *field) MinSize() fyne.Size {
	m := f.Entry.MinSize()
	return fyne.NewSize(m.Width, max(touchHeight, m.Height))
}

func (f *field) TypedRune(r rune) {
	if f.accept == nil || f.accept(r) {
		f.Entry.TypedRune(r)
	}
}

func (f *field) TypedShortcut(s fyne.Shortcut) {
	f.Entry.TypedShortcut(s)
	if _, paste := s.(*fyne.ShortcutPaste); !paste || f.accept == nil {
		return
	}
	kept := strings.Map(func(r rune) rune {
		if f.accept(r) {
			return r
		}
		return -1
	}, f.Text)
	if kept != f.Text {
		f.SetText(kept)
	}
}

func (f *field) FocusGained() {
	f.Entry.FocusGained()
	if f.gained != nil {
		f.gained(f)
	}
}

func (f *field) FocusLost() {
	f.Entry.FocusLost()
	f.flush()
}

// put shows a text that is already saved.
func (f *field) put(text string) {
	f.stopTimer()
	if f.Text != text {
		f.SetText(text)
		f.stopTimer()
		if !f.MultiLine {
			f.CursorColumn = len([]rune(text)) // typing goes on at the end
			f.Refresh()
		}
	}
	f.dirty = false
}

func (f *field) changed() {
	f.dirty = true
	if f.pause <= 0 || f.typed == nil {
		return
	}
	f.stopTimer()
	f.timer = time.AfterFunc(f.pause, func() {
		f.do(func() {
			if f.dirty {
				f.typed(f.Text)
			}
		})
	})
}

func (f *field) stopTimer() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}

// flush hands over what was typed since the last time.
func (f *field) flush() {
	f.stopTimer()
	if f.dirty {
		f.dirty = false
		if f.left != nil {
			f.left(f.Text)
		}
	}
}

// reveal scrolls the page so that o is in sight.
func (a *App) reveal(o fyne.CanvasObject) {
	if a.frame != nil {
		a.frame.reveal(o)
	}
}

package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

var sizes = []fyne.Size{{Width: 533, Height: 853}, {Width: 853, Height: 533}, {Width: 800, Height: 1280}, {Width: 1280, Height: 800}}

// tour shows every screen and every section once and calls see with a name for each.
func (w *world) tour(see func(name string)) {
	w.tb.Helper()
	a := w.a
	step := func(name string, s screen) {
		a.show(s)
		w.settle()
		see(name)
	}
	see("work")
	work := a.top().(*workPage)
	step("villages", &villagePage{work: work})
	a.back()
	step("states", work.statePicker())
	a.back()
	step("settings", &settingsPage{})
	a.back()
	step("enrol", &enrolPage{again: true})
	a.top().(*enrolPage).say(a, a.t("sync.code.not_sync", "base", "https://ra-soat.xa-vi-huong.example:8443"))
	see("enrol-problem")
	a.back()
	step("sync", &syncPage{})
	a.back()
	step("welcome", &welcomePage{})
	a.back()
	a.openForm(id(0), thisRound, "")
	w.settle()
	see("form")
	form := a.top().(*formPage)
	w.visitForm(form, see)
	a.back()
	w.settle()
	for i, name := range []string{"returned", "conflict"} {
		a.openForm(id(1+i), thisRound, "water")
		w.settle()
		see("section-water-" + name)
		a.back()
		see("form-" + name)
		step("conflicts-"+name, &conflictsPage{v: a.top().(*formPage).v})
		a.back()
		a.back()
		w.settle()
	}
}

func (w *world) visitForm(form *formPage, see func(string)) {
	a, v := w.a, form.v
	for _, s := range v.q.Sections {
		v.goTo(s, "")
		w.settle()
		see("section-" + s.ID)
		if !s.Roster {
			continue
		}
		for _, m := range v.now.roster[:2] {
			a.show(&sectionPage{v: v, section: s, member: m.ID})
			see("person-" + s.ID)
			a.back()
		}
		for _, q := range s.Questions {
			if q.Type == "yes_no" {
				a.show(&housePage{v: v, section: s, q: q})
				see("house-" + q.Unit)
				a.back()
				break
			}
		}
	}
	for name, s := range map[string]screen{
		"class": &classPage{v: v}, "household": &householdPage{v: v}, "split": &splitPage{v: v}, "remove": &removePage{v: v, member: v.now.roster[1]},
		"news": &newsPage{v: v}, "notice": &noticePage{e: env{v: v}, unit: "notice"},
		"message": &messagePage{title: a.t("problem"), text: a.t("problem.other", "detail", strings.Repeat("lỗi-rất-dài-không-dấu-cách", 8)), back: true},
	} {
		a.show(s)
		w.settle()
		see(name)
		a.back()
	}
	s := v.q.Sections[len(v.q.Sections)-1]
	for _, q := range s.Questions {
		if q.Unit == "note/*" {
			a.show(&partPage{e: env{v: v}, q: q, unit: "note/" + id(5)})
			see("part")
			a.back()
		}
	}
	v.goTo(v.q.Sections[0], "")
	a.back()
}

// settledHouse confirms last year's people and gives the first answers, so that every section has something to show.
func (w *world) settledHouse() {
	w.a.openForm(id(0), thisRound, "arrival")
	w.settle()
	v := w.a.top().(*sectionPage).v
	w.choose("Ngày rà soát", "Hôm nay, 12/10/2026")
	w.choose("Kết quả đến nhà", "Đã phỏng vấn")
	section := func(id string) {
		for _, s := range v.q.Sections {
			if s.ID == id {
				v.goTo(s, "")
			}
		}
	}
	section("size")
	w.typeIn("Tổng số người trong hộ", "4")
	section("roster")
	for range 3 {
		w.tap("Vẫn ở đây")
	}
	section("housing")
	w.tap("Như năm trước: xác nhận 4 câu (trong 4)")
	w.a.back()
	w.a.back()
	w.settle()
}

func TestEveryScreenFitsEveryTabletInBothLanguages(t *testing.T) {
	shots := os.Getenv("RASOAT_SHOTS") // a folder: every screen is drawn into it in the two smallest sizes
	w := newWorld(t)
	w.ready()
	w.fill(24)
	w.open(sizes[0], "vi")
	w.settledHouse()
	textSizes := []float32{TextSizes[0], TextSizes[len(TextSizes)-1]}
	if testing.Short() {
		textSizes = textSizes[:1]
	}
	for _, textSize := range textSizes {
		for _, lang := range []string{"vi", "en"} {
			w.a.setLang(lang)
			w.a.setTextSize(textSize)
			w.tour(func(name string) {
				for _, size := range sizes {
					w.win.Resize(size)
					where := fmt.Sprintf("%s %s %gx%g text %g", name, lang, size.Width, size.Height, textSize)
					checkFits(t, where, w.a.frame, size)
					if shots != "" && (size == sizes[0] || size == sizes[1]) {
						file := filepath.Join(shots, fmt.Sprintf("%s-%s-%gx%g-%g", name, lang, size.Width, size.Height, textSize))
						saveShot(t, w, file+".png")
						if w.a.frame.down.Visible() {
							w.a.frame.turn(99)
							saveShot(t, w, file+"-end.png")
						}
					}
				}
			})
		}
	}
	w.close()
}

// checkFits fails when a screen needs more width than there is, when a text is drawn outside its place, or when something to
// be tapped is too small for a finger.
func checkFits(t *testing.T, where string, f *frame, size fyne.Size) {
	t.Helper()
	if got := f.MinSize().Width; got > size.Width {
		t.Errorf("%s: needs a width of %g", where, got)
	}
	if f.sheet != nil {
		if need := f.sheet.body.heightFor(size.Width-2*edge) + 2*edge; need > f.sheet.Size().Height+1 {
			t.Errorf("%s: the page needs a height of %g, can be scrolled over %g", where, need, f.sheet.Size().Height)
		}
		checkHeights(t, where, f.sheet.body)
	}
	var check func(o fyne.CanvasObject, at fyne.Position, right float32)
	check = func(o fyne.CanvasObject, at fyne.Position, right float32) {
		if o == nil || !o.Visible() || o.Size().Width == 0 {
			return
		}
		at = at.Add(o.Position())
		switch o := o.(type) {
		case *canvas.Text:
			if need := fyne.MeasureText(o.Text, o.TextSize, o.TextStyle).Width; need > o.Size().Width+1 || at.X+need > right+1 {
				t.Errorf("%s: text %q needs %g, has %g, ends at %g of %g", where, o.Text, need, o.Size().Width, at.X+need, right)
			}
			if o.TextSize < textBase && o.Text != "" {
				t.Errorf("%s: text %q is only %g high", where, o.Text, o.TextSize)
			}
		case *button:
			if o.Size().Height < 48 || o.Size().Width < 48 {
				t.Errorf("%s: button %q is %v, less than a finger needs", where, o.label.text, o.Size())
			}
			if need := o.heightFor(o.Size().Width); need > o.Size().Height+1 {
				t.Errorf("%s: button %q needs a height of %g, has %g", where, o.label.text, need, o.Size().Height)
			}
		case *field:
			if o.Size().Height < 48 || o.Size().Width < 60 {
				t.Errorf("%s: entry %q is %v", where, o.Text, o.Size())
			}
			return
		}
		for _, child := range children(o) {
			check(child, at, right)
		}
	}
	check(f, fyne.Position{}, size.Width)
}

// checkHeights fails when a box was laid out lower than it needs.
func checkHeights(t *testing.T, where string, b *box) {
	t.Helper()
	if need := b.heightFor(b.Size().Width); b.Visible() && need > b.Size().Height+1 {
		t.Errorf("%s: a box of %v needs a height of %g; it says %q", where, b.Size(), need, texts(b))
	}
	for _, item := range b.items {
		if inner, ok := item.(*box); ok && inner.Visible() {
			checkHeights(t, where, inner)
		}
	}
}

package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/rasoat/rasoat/internal/survey"
)

// option is one entry of a long list.
type option struct{ value, label string }

// pickPage chooses from a long list with a search that needs no accents. It takes the place of Fyne's Select, whose menu
// builds every entry at once.
type pickPage struct {
	title   string
	options []option
	picked  func(value string)

	found []option
	list  *widget.List
}

func (p *pickPage) build(a *App) *frame {
	p.found = p.options
	search := newField(a, a.t("search"))
	search.OnChanged = p.search
	p.list = widget.NewList(func() int { return len(p.found) }, func() fyne.CanvasObject { return newListLine(2) },
		func(i widget.ListItemID, o fyne.CanvasObject) { o.(*listLine).set(p.found[i].label, "", "") })
	p.list.OnSelected = func(i widget.ListItemID) {
		value := p.found[i].value
		a.back()
		p.picked(value)
		a.redrawAfter()
	}
	return newFrame(p.title, a.back, listBody(search, p.list), newButton(a.t("cancel"), lookPlain, a.back))
}

func (p *pickPage) search(text string) {
	p.found = nil
	folded := survey.FoldName(text)
	for _, o := range p.options {
		if strings.Contains(survey.FoldName(o.label), folded) {
			p.found = append(p.found, o)
		}
	}
	p.list.Refresh()
	p.list.ScrollToTop()
}

func (p *pickPage) leave() {}

// listBody is what stands above a list, and the list.
func listBody(top fyne.CanvasObject, list *widget.List) fyne.CanvasObject {
	return container.New(aboveLayout{}, top, list)
}

// aboveLayout gives the first object the height it needs and the second the rest.
type aboveLayout struct{}

func (aboveLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	w := max(objects[0].MinSize().Width, objects[1].MinSize().Width)
	return fyne.NewSize(w, objects[0].MinSize().Height+2*touchHeight)
}

func (aboveLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	h := heightFor(objects[0], size.Width)
	place(objects[0], 0, 0, size.Width, h)
	place(objects[1], 0, h+8, size.Width, max(0, size.Height-h-8))
}

// listLine is one recycled line of a list: a bold first line, a second line, and a word at the right.
type listLine struct {
	widget.BaseWidget
	first, second, tag *para
	seconds            int // lines of the second text
}

func newListLine(seconds int) *listLine {
	l := &listLine{first: newPara("").bold().limit(1), second: newPara("").limit(seconds), tag: newPara("").bold().limit(1), seconds: seconds}
	l.ExtendBaseWidget(l)
	return l
}

func (l *listLine) set(first, second, tag string) {
	l.first.set(first)
	l.second.set(second)
	l.tag.set(tag)
	l.Refresh()
}

func (l *listLine) MinSize() fyne.Size {
	h := l.first.lineHeight()
	if l.second.text != "" || l.seconds > 0 {
		h += float32(l.seconds) * l.second.lineHeight()
	}
	return fyne.NewSize(2*longestWord, max(touchHeight, h+12))
}

func (l *listLine) CreateRenderer() fyne.WidgetRenderer { return &lineRenderer{l} }

type lineRenderer struct{ l *listLine }

func (r *lineRenderer) Destroy()           {}
func (r *lineRenderer) MinSize() fyne.Size { return r.l.MinSize() }
func (r *lineRenderer) Refresh() {
	r.Layout(r.l.Size())
	canvas.Refresh(r.l)
}
func (r *lineRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.l.first, r.l.second, r.l.tag}
}

func (r *lineRenderer) Layout(size fyne.Size) {
	l := r.l
	tag := float32(0)
	if l.tag.text != "" {
		tag = l.tag.measure(l.tag.text) + 2
	}
	y := float32(6)
	if l.second.text == "" {
		y = (size.Height - l.first.lineHeight()) / 2
	}
	place(l.first, 6, y, max(0, size.Width-tag-24), l.first.lineHeight())
	place(l.tag, size.Width-tag-10, y, tag, l.tag.lineHeight())
	place(l.second, 6, y+l.first.lineHeight(), size.Width-16, float32(l.seconds)*l.second.lineHeight())
}

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// frame is one screen: a title bar with the way back, a strip that always stays in sight, a body and the actions below.
// The body is either a box, which scrolls, or anything else (a list), which fills the room.
type frame struct {
	widget.BaseWidget
	back    *button
	title   *para
	tools   []*button
	strip   fyne.CanvasObject
	sheet   *sheet
	scroll  *container.Scroll
	fill    fyne.CanvasObject
	actions *box
	up      *button
	down    *button
	bar     *canvas.Rectangle
	foot    *canvas.Rectangle
	rule    *canvas.Rectangle

	moved func() // what is in sight has changed
}

// newFrame makes a screen. back is nil where there is nothing to go back to.
func newFrame(title string, back func(), body fyne.CanvasObject, actions ...fyne.CanvasObject) *frame {
	f := &frame{title: newPara(title).bold().sized(theme.SizeNameSubHeadingText).limit(2)}
	if back != nil {
		f.back = newButton("", lookPlain, back).withIcon(theme.NavigateBackIcon())
	}
	if b, ok := body.(*box); ok {
		f.sheet = newSheet(b)
		f.scroll = container.NewVScroll(f.sheet)
	} else {
		f.fill = body
	}
	f.actions = grid(120, actions...)
	f.up = newButton("", lookPlain, func() { f.turn(-1) }).withIcon(theme.MoveUpIcon())
	f.down = newButton("", lookPlain, func() { f.turn(1) }).withIcon(theme.MoveDownIcon())
	f.bar = canvas.NewRectangle(ground)
	f.foot = canvas.NewRectangle(ground)
	f.rule = canvas.NewRectangle(line)
	f.ExtendBaseWidget(f)
	return f
}

func (f *frame) withTools(tools ...*button) *frame {
	f.tools = tools
	return f
}

func (f *frame) withStrip(o fyne.CanvasObject) *frame {
	f.strip = o
	return f
}

// turn scrolls by nearly a screen: no swipe is needed anywhere, for wet fingers and cracked glass.
func (f *frame) turn(pages float32) {
	if f.scroll == nil {
		return
	}
	f.scroll.ScrollToOffset(f.scroll.Offset.AddXY(0, pages*(f.scroll.Size().Height-touchHeight)))
	f.arrows()
	f.tell()
}

// arrows greys out the way that leads no further.
func (f *frame) arrows() {
	f.up.setDisabled(f.scroll.Offset.Y <= 0)
	f.down.setDisabled(f.scroll.Offset.Y >= f.sheet.Size().Height-f.scroll.Size().Height-1)
}

// reflow lays the body out again after something in it was shown, hidden or changed its height.
func (f *frame) reflow() {
	if f.sheet == nil || f.Size().Width <= 0 {
		return
	}
	f.layout(f.Size())
	relaid(f.sheet.body)
	f.Refresh()
	f.tell()
}

func (f *frame) tell() {
	if f.moved != nil {
		f.moved()
	}
}

// reveal scrolls so far that o is in sight: the system keyboard may have covered it.
func (f *frame) reveal(o fyne.CanvasObject) {
	if f.scroll == nil {
		return
	}
	at := float32(-1)
	visitParts(f.sheet.body, fyne.Position{}, func(part fyne.CanvasObject, p fyne.Position) {
		if part == o {
			at = p.Y
		}
	})
	if at < 0 {
		return
	}
	view := f.scroll.Size().Height
	y := f.scroll.Offset.Y
	if bottom := at + o.Size().Height + edge; bottom > y+view {
		y = bottom - view
	}
	if at-edge < y {
		y = max(0, at-edge)
	}
	if y != f.scroll.Offset.Y {
		f.scroll.ScrollToOffset(fyne.NewPos(0, y))
		f.tell()
	}
	f.arrows()
}

func (f *frame) MinSize() fyne.Size {
	w := f.title.MinSize().Width + 2*edge + touchHeight + gapWidth
	for _, t := range f.tools {
		w += t.MinSize().Width + gapWidth
	}
	w = max(w, f.actions.MinSize().Width+2*edge+2*(touchHeight+gapWidth))
	if f.strip != nil {
		w = max(w, f.strip.MinSize().Width+2*edge)
	}
	switch {
	case f.sheet != nil:
		w = max(w, f.sheet.MinSize().Width)
	case f.fill != nil:
		w = max(w, f.fill.MinSize().Width+2*edge)
	}
	return fyne.NewSize(w, 4*touchHeight)
}

// place moves and sizes an object.
func place(o fyne.CanvasObject, x, y, w, h float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(w, h))
}

func (f *frame) layout(size fyne.Size) {
	top := f.layoutTop(size.Width)
	bottom := f.layoutBottom(size, top)
	if f.fill != nil {
		place(f.fill, edge, top+6, size.Width-2*edge, bottom-top-6)
		return
	}
	f.sheet.width = size.Width
	place(f.scroll, 0, top, size.Width, bottom-top)
	f.scroll.Refresh()
}

func (f *frame) layoutTop(width float32) float32 {
	x, right := float32(edge), width-edge
	bar := float32(touchHeight)
	if f.back != nil {
		place(f.back, x, 6, touchHeight, touchHeight)
		x += touchHeight + gapWidth
	}
	for i := len(f.tools) - 1; i >= 0; i-- {
		w := f.tools[i].MinSize().Width
		h := f.tools[i].heightFor(w)
		place(f.tools[i], right-w, 6, w, h)
		right -= w + gapWidth
		bar = max(bar, h)
	}
	h := f.title.heightFor(right - x)
	bar = max(bar, h) + 12
	place(f.title, x, (bar-h)/2, right-x, h)
	place(f.bar, 0, 0, width, bar)
	place(f.rule, 0, bar, width, 1)
	if f.strip != nil {
		h := heightFor(f.strip, width-2*edge)
		place(f.strip, edge, bar+8, width-2*edge, h)
		bar += h + 10
	}
	return bar + 1
}

// layoutBottom places the actions and, when the body is longer than its room, the two arrows; it answers where the body ends.
func (f *frame) layoutBottom(size fyne.Size, top float32) float32 {
	content := float32(0)
	if f.sheet != nil {
		content = f.sheet.body.heightFor(size.Width-2*edge) + 2*edge
	}
	for _, arrows := range []bool{false, true} {
		w := size.Width - 2*edge
		if arrows {
			w -= 2 * (touchHeight + gapWidth)
		}
		h := f.actions.heightFor(w)
		if arrows {
			h = max(h, touchHeight)
		}
		end := size.Height
		if h > 0 {
			end -= h + 16
		}
		if !arrows && f.sheet != nil && content > end-top {
			continue
		}
		f.showArrows(arrows)
		place(f.actions, edge, end+8, w, max(0, size.Height-end-16))
		place(f.foot, 0, end, size.Width, size.Height-end)
		place(f.up, size.Width-edge-2*touchHeight-gapWidth, size.Height-8-touchHeight, touchHeight, touchHeight)
		place(f.down, size.Width-edge-touchHeight, size.Height-8-touchHeight, touchHeight, touchHeight)
		return end
	}
	return size.Height
}

func (f *frame) showArrows(on bool) {
	f.up.Hidden, f.down.Hidden = !on, !on
	if on {
		f.arrows()
	}
}

func (f *frame) CreateRenderer() fyne.WidgetRenderer { return &frameRenderer{f} }

type frameRenderer struct{ f *frame }

func (r *frameRenderer) Destroy()           {}
func (r *frameRenderer) MinSize() fyne.Size { return r.f.MinSize() }
func (r *frameRenderer) Refresh()           { canvas.Refresh(r.f) }

func (r *frameRenderer) Layout(size fyne.Size) {
	r.f.layout(size)
	if c := fyne.CurrentApp().Driver().CanvasForObject(r.f); c != nil && r.f.scroll != nil {
		if o, ok := c.Focused().(fyne.CanvasObject); ok {
			r.f.reveal(o)
		}
		r.f.arrows()
	}
}

func (r *frameRenderer) Objects() []fyne.CanvasObject {
	f := r.f
	list := []fyne.CanvasObject{f.bar, f.rule, f.foot, f.title}
	if f.back != nil {
		list = append(list, f.back)
	}
	for _, t := range f.tools {
		list = append(list, t)
	}
	if f.strip != nil {
		list = append(list, f.strip)
	}
	if f.fill != nil {
		list = append(list, f.fill)
	} else {
		list = append(list, f.scroll)
	}
	return append(list, f.actions, f.up, f.down)
}

// sheet is the scrolled content: as wide as the screen, as high as its column needs at that width.
type sheet struct {
	widget.BaseWidget
	body  *box
	width float32
}

func newSheet(body *box) *sheet {
	s := &sheet{body: body}
	s.ExtendBaseWidget(s)
	return s
}

func (s *sheet) MinSize() fyne.Size {
	w := s.body.least(s.body.items) + 2*s.body.pad + 2*edge
	return fyne.NewSize(w, s.body.heightFor(max(w, s.width)-2*edge)+2*edge)
}

func (s *sheet) CreateRenderer() fyne.WidgetRenderer { return &sheetRenderer{s} }

type sheetRenderer struct{ s *sheet }

func (r *sheetRenderer) Destroy()                     {}
func (r *sheetRenderer) MinSize() fyne.Size           { return r.s.MinSize() }
func (r *sheetRenderer) Refresh()                     { r.Layout(r.s.Size()); canvas.Refresh(r.s) }
func (r *sheetRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.s.body} }

func (r *sheetRenderer) Layout(size fyne.Size) {
	w := size.Width - 2*edge
	place(r.s.body, edge, edge, w, r.s.body.heightFor(w))
}

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// look is how a button is drawn.
type look int

const (
	lookPlain   look = iota // white with a border
	lookPrimary             // filled: the one thing to do next
	lookDanger              // takes something away
	lookRadio               // one of several answers
	lookCheck               // one answer of many
	lookRow                 // a line of a list that opens something
	lookBare                // no border: tools of a title bar
)

// button is a tappable text that wraps, at least touchHeight high. Fyne's own button does not wrap and so pushes what stands
// beside it off a small screen.
type button struct {
	widget.BaseWidget
	label    *para
	icon     fyne.Resource
	look     look
	selected bool
	disabled bool
	wide     float32 // least width, to line up with others
	oneLine  bool    // as wide as the text, even when that is long
	tapped   func()
}

func newButton(text string, l look, tapped func()) *button {
	b := &button{label: newPara(text), look: l, tapped: tapped}
	b.ExtendBaseWidget(b)
	b.paint()
	return b
}

// withIcon puts a picture before the text, or alone when there is no text.
func (b *button) withIcon(icon fyne.Resource) *button {
	b.icon = icon
	return b
}

func (b *button) setSelected(on bool) {
	if b.selected != on {
		b.selected = on
		b.Refresh()
	}
}

func (b *button) setDisabled(off bool) {
	if b.disabled != off {
		b.disabled = off
		b.Refresh()
	}
}

func (b *button) setText(text string) {
	if b.label.text != text {
		b.label.text = text
		b.Refresh()
	}
}

// Tapped is called by the driver.
func (b *button) Tapped(*fyne.PointEvent) {
	if !b.disabled && b.tapped != nil {
		b.tapped()
	}
}

const (
	iconSize  = 26
	buttonPad = 12
)

func (b *button) glyph() fyne.Resource {
	switch b.look {
	case lookRadio:
		if b.selected {
			return theme.RadioButtonCheckedIcon()
		}
		return theme.RadioButtonIcon()
	case lookCheck:
		if b.selected {
			return theme.CheckButtonCheckedIcon()
		}
		return theme.CheckButtonIcon()
	}
	return b.icon
}

// left tells how much room the picture takes.
func (b *button) left() float32 {
	if b.glyph() == nil {
		return 0
	}
	if b.label.text == "" {
		return iconSize
	}
	return iconSize + 8
}

func (b *button) heightFor(width float32) float32 {
	h := float32(0)
	if b.label.text != "" {
		h = b.label.heightFor(width - 2*buttonPad - b.left())
	}
	return max(touchHeight, h+16)
}

func (b *button) MinSize() fyne.Size {
	w := 2*buttonPad + b.left()
	if b.label.text != "" {
		w += b.whole()
	}
	w = max(w, touchHeight, b.wide)
	return fyne.NewSize(w, b.heightFor(max(w, b.Size().Width)))
}

// whole is the width of the text when it is short, else of its longest word: short labels stay on one line.
func (b *button) whole() float32 {
	full := b.label.measure(b.label.text) + 1
	if full <= longestWord || b.oneLine {
		return full
	}
	return b.label.MinSize().Width
}

// paint chooses the text's colour and place by the look.
func (b *button) paint() {
	b.label.color, b.label.style.Bold, b.label.align = ink, false, fyne.TextAlignCenter
	switch {
	case b.disabled:
		b.label.color = line
	case b.look == lookPrimary:
		b.label.color, b.label.style.Bold = paper, true
	case b.look == lookDanger:
		b.label.color = red
	case b.look == lookRadio || b.look == lookCheck:
		b.label.style.Bold = b.selected
	}
	if b.look == lookRadio || b.look == lookCheck || b.look == lookRow {
		b.label.align = fyne.TextAlignLeading
	}
	b.label.lines = nil
}

func (b *button) fill() (fill, border color.Color, width float32) {
	switch {
	case b.look == lookBare:
		return color.Transparent, color.Transparent, 0
	case b.disabled:
		return ground, line, 1
	case b.look == lookPrimary:
		return blue, blue, 1
	case b.look == lookDanger:
		return paper, red, 2
	case b.selected:
		return blueLight, blue, 3
	}
	return paper, line, 1.5
}

func (b *button) CreateRenderer() fyne.WidgetRenderer {
	r := &buttonRenderer{b: b, ground: canvas.NewRectangle(paper), icon: canvas.NewImageFromResource(nil)}
	r.ground.CornerRadius = 6
	r.icon.FillMode = canvas.ImageFillContain
	r.paint()
	return r
}

type buttonRenderer struct {
	b      *button
	ground *canvas.Rectangle
	icon   *canvas.Image
}

func (r *buttonRenderer) Destroy()           {}
func (r *buttonRenderer) MinSize() fyne.Size { return r.b.MinSize() }

func (r *buttonRenderer) paint() {
	b := r.b
	b.paint()
	r.ground.FillColor, r.ground.StrokeColor, r.ground.StrokeWidth = b.fill()
	if g := b.glyph(); g != nil {
		name := theme.ColorNameForeground
		switch {
		case b.look == lookPrimary && !b.disabled:
			name = theme.ColorNameForegroundOnPrimary
		case b.selected:
			name = theme.ColorNamePrimary
		}
		r.icon.Resource = theme.NewColoredResource(g, name)
	}
}

func (r *buttonRenderer) Layout(size fyne.Size) {
	b := r.b
	r.ground.Resize(size)
	left := b.left()
	inner := size.Width - 2*buttonPad - left
	h := b.label.heightFor(inner)
	x := float32(buttonPad) + left
	if b.label.align == fyne.TextAlignCenter && left > 0 && b.label.text != "" {
		// The picture stands right before the centred text.
		w := float32(0)
		for _, l := range b.label.lines {
			w = max(w, b.label.measure(l))
		}
		x = buttonPad + (size.Width-2*buttonPad-left-w)/2 + left
		inner = w + 1
	}
	if b.label.text == "" {
		x = (size.Width-iconSize)/2 + left
	}
	r.icon.Move(fyne.NewPos(x-left, (size.Height-iconSize)/2))
	r.icon.Resize(fyne.NewSquareSize(iconSize))
	b.label.Move(fyne.NewPos(x, (size.Height-h)/2))
	b.label.Resize(fyne.NewSize(inner, h))
}

func (r *buttonRenderer) Refresh() {
	r.paint()
	r.Layout(r.b.Size())
	r.ground.Refresh()
	if r.icon.Resource != nil {
		r.icon.Refresh()
	}
	r.b.label.Refresh()
	canvas.Refresh(r.b)
}

func (r *buttonRenderer) Objects() []fyne.CanvasObject {
	list := []fyne.CanvasObject{r.ground}
	if r.b.glyph() != nil {
		list = append(list, r.icon)
	}
	if r.b.label.text != "" {
		list = append(list, r.b.label)
	}
	return list
}

package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// Place is something in sight that can be tapped or typed into, or a text, with its middle in dp. A test that drives the real
// window from outside finds its way by them.
type Place struct {
	X, Y float32
	Kind string // button, entry, list, text
	Text string
}

func (p Place) String() string {
	return fmt.Sprintf("%.0f\t%.0f\t%s\t%s", p.X, p.Y, p.Kind, strings.ReplaceAll(p.Text, "\n", " "))
}

// tellPlaces hands what is in sight to whoever asked for it.
func (a *App) tellPlaces() {
	if a.Seen != nil {
		a.Seen(a.places())
	}
}

func (a *App) places() (list []Place) {
	f := a.frame
	see := func(o fyne.CanvasObject, at fyne.Position, top, bottom float32) {
		middle := at.AddXY(o.Size().Width/2, o.Size().Height/2)
		p := Place{X: middle.X, Y: middle.Y}
		switch o := o.(type) {
		case *button:
			p.Kind, p.Text = "button", o.label.text
			if o.disabled {
				return
			}
		case *field:
			p.Kind, p.Text = "entry", o.Text
		case *para:
			p.Kind, p.Text = "text", o.text
		case *widget.List:
			p.Kind = "list"
		}
		if p.Kind != "" && p.Y >= top && p.Y <= bottom {
			list = append(list, p)
		}
	}
	whole := func(o fyne.CanvasObject, at fyne.Position) { see(o, at, 0, f.Size().Height) }
	if f.back != nil {
		visitParts(f.back, fyne.Position{}, whole)
	}
	for _, t := range f.tools {
		visitParts(t, fyne.Position{}, whole)
	}
	for _, o := range []fyne.CanvasObject{f.title, f.strip, f.fill, f.actions} {
		visitParts(o, fyne.Position{}, whole)
	}
	if f.scroll != nil {
		top := f.scroll.Position().Y
		visitParts(f.sheet.body, f.scroll.Position().SubtractXY(0, f.scroll.Offset.Y), func(o fyne.CanvasObject, at fyne.Position) {
			see(o, at, top, top+f.scroll.Size().Height)
		})
		if f.down.Visible() && !f.down.disabled {
			list = append(list, Place{f.down.Position().X + touchHeight/2, f.down.Position().Y + touchHeight/2, "button", "▼"})
		}
	}
	return list
}

// visitParts visits what is visible of o, whose container stands at origin, with where each part stands.
func visitParts(o fyne.CanvasObject, origin fyne.Position, visit func(o fyne.CanvasObject, at fyne.Position)) {
	if o == nil || !o.Visible() {
		return
	}
	at := origin.Add(o.Position())
	visit(o, at)
	var items []fyne.CanvasObject
	switch c := o.(type) {
	case *box:
		items = c.items
	case *fyne.Container:
		items = c.Objects
	}
	for _, item := range items {
		visitParts(item, at, visit)
	}
}

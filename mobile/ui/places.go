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
	d := fyne.CurrentApp().Driver()
	size := f.Size()
	var visit func(o fyne.CanvasObject, top, bottom float32)
	visit = func(o fyne.CanvasObject, top, bottom float32) {
		if o == nil || !o.Visible() {
			return
		}
		at := d.AbsolutePositionForObject(o).Add(fyne.NewPos(o.Size().Width/2, o.Size().Height/2))
		see := func(kind, text string) {
			if at.Y >= top && at.Y <= bottom {
				list = append(list, Place{at.X, at.Y, kind, text})
			}
		}
		switch o := o.(type) {
		case *button:
			if !o.disabled {
				see("button", o.label.text)
			}
		case *field:
			see("entry", o.Text)
		case *para:
			see("text", o.text)
		case *widget.List:
			see("list", "")
		case *box:
			for _, item := range o.items {
				visit(item, top, bottom)
			}
		case *fyne.Container:
			for _, item := range o.Objects {
				visit(item, top, bottom)
			}
		}
	}
	if f.back != nil {
		visit(f.back, 0, size.Height)
	}
	for _, t := range f.tools {
		visit(t, 0, size.Height)
	}
	for _, o := range []fyne.CanvasObject{f.title, f.strip, f.fill, f.actions} {
		visit(o, 0, size.Height)
	}
	if f.scroll != nil {
		top := d.AbsolutePositionForObject(f.scroll).Y
		visit(f.sheet.body, top, top+f.scroll.Size().Height)
		if f.down.Visible() && !f.down.disabled {
			at := d.AbsolutePositionForObject(f.down)
			list = append(list, Place{at.X + touchHeight/2, at.Y + touchHeight/2, "button", "▼"})
		}
	}
	return list
}

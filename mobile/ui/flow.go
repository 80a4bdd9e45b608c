package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// flow is anything whose height depends on the width it is given.
type flow interface {
	fyne.CanvasObject
	heightFor(width float32) float32
}

func heightFor(o fyne.CanvasObject, width float32) float32 {
	if f, ok := o.(flow); ok {
		return f.heightFor(width)
	}
	return o.MinSize().Height
}

// longestWord is the widest a single word may force a text to be; longer ones (addresses, file names) are broken.
const longestWord = 150

// para is text that wraps at words.
type para struct {
	widget.BaseWidget
	text   string
	color  color.Color
	style  fyne.TextStyle
	size   fyne.ThemeSizeName
	points float32 // in place of the theme's size, when not 0
	align  fyne.TextAlign
	max    int // lines; 0: as many as needed. What does not fit ends in "…"

	width float32 // the width lines were made for
	made  string
	lines []string
}

func newPara(text string) *para {
	p := &para{text: text, color: ink, size: theme.SizeNameText}
	p.ExtendBaseWidget(p)
	return p
}

func (p *para) bold() *para                      { p.style.Bold = true; return p }
func (p *para) in(c color.Color) *para           { p.color = c; return p }
func (p *para) sized(n fyne.ThemeSizeName) *para { p.size = n; return p }
func (p *para) limit(lines int) *para            { p.max = lines; return p }
func heading(text string) *para                  { return newPara(text).bold().sized(theme.SizeNameSubHeadingText) }
func note(text string) *para                     { return newPara(text).in(faint) }

// set changes the text; the page must be laid out again by its owner when the height may change.
func (p *para) set(text string) {
	if p.text != text {
		p.text = text
		p.Refresh()
	}
}

func (p *para) textSize() float32 {
	if p.points > 0 {
		return p.points
	}
	return theme.Size(p.size)
}

func (p *para) measure(s string) float32 {
	return fyne.MeasureText(s, p.textSize(), p.style).Width
}

func (p *para) lineHeight() float32 {
	return fyne.MeasureText("Ặg", p.textSize(), p.style).Height
}

// wrap fills p.lines for a width.
func (p *para) wrap(width float32) {
	key := p.text
	if p.width == width && p.made == key && p.lines != nil {
		return
	}
	p.width, p.made, p.lines = width, key, p.lines[:0]
	for _, part := range strings.Split(p.text, "\n") {
		p.wrapLine(part, width)
	}
	if p.max > 0 && len(p.lines) > p.max {
		p.lines = p.lines[:p.max]
		last := []rune(p.lines[p.max-1])
		for len(last) > 0 && p.measure(string(last)+"…") > width {
			last = last[:len(last)-1]
		}
		p.lines[p.max-1] = string(last) + "…"
	}
}

func (p *para) wrapLine(text string, width float32) {
	current := ""
	for _, word := range strings.Fields(text) {
		next := word
		if current != "" {
			next = current + " " + word
		}
		if p.measure(next) <= width {
			current = next
			continue
		}
		if current != "" {
			p.lines = append(p.lines, current)
		}
		current = p.breakWord(word, width)
	}
	p.lines = append(p.lines, current)
}

// breakWord cuts a word that is wider than the line into lines and returns the rest.
func (p *para) breakWord(word string, width float32) string {
	for p.measure(word) > width {
		runes := []rune(word)
		n := len(runes)
		for n > 1 && p.measure(string(runes[:n])) > width {
			n--
		}
		if n == len(runes) {
			break
		}
		p.lines = append(p.lines, string(runes[:n]))
		word = string(runes[n:])
	}
	return word
}

func (p *para) heightFor(width float32) float32 {
	p.wrap(width)
	return float32(len(p.lines)) * p.lineHeight()
}

func (p *para) MinSize() fyne.Size {
	widest := float32(0)
	for _, word := range strings.Fields(p.text) {
		widest = max(widest, p.measure(word))
	}
	lines := max(1, len(p.lines))
	return fyne.NewSize(min(widest, longestWord), float32(lines)*p.lineHeight())
}

func (p *para) CreateRenderer() fyne.WidgetRenderer { return &paraRenderer{p: p} }

type paraRenderer struct {
	p     *para
	texts []*canvas.Text
}

func (r *paraRenderer) Destroy()              {}
func (r *paraRenderer) MinSize() fyne.Size    { return r.p.MinSize() }
func (r *paraRenderer) Layout(size fyne.Size) { r.draw(size) }
func (r *paraRenderer) Refresh() {
	r.p.lines = nil
	r.draw(r.p.Size())
	canvas.Refresh(r.p)
}

func (r *paraRenderer) draw(size fyne.Size) {
	p := r.p
	if size.Width <= 0 {
		r.texts = nil
		return
	}
	p.wrap(size.Width)
	r.texts = r.texts[:0]
	height := p.lineHeight()
	for i, s := range p.lines {
		t := canvas.NewText(s, p.color)
		t.TextSize, t.TextStyle, t.Alignment = p.textSize(), p.style, p.align
		t.Move(fyne.NewPos(0, float32(i)*height))
		t.Resize(fyne.NewSize(size.Width, height))
		r.texts = append(r.texts, t)
	}
}

func (r *paraRenderer) Objects() []fyne.CanvasObject {
	list := make([]fyne.CanvasObject, len(r.texts))
	for i, t := range r.texts {
		list[i] = t
	}
	return list
}

// arrangement places items in a width and answers the height used. put is nil when only the height is asked for.
type arrangement func(items []fyne.CanvasObject, width float32, put func(o fyne.CanvasObject, x, y, w, h float32)) float32

// box lays out its items by an arrangement, with a ground and a border of its own if it has them.
type box struct {
	widget.BaseWidget
	items   []fyne.CanvasObject
	arrange arrangement
	least   func(items []fyne.CanvasObject) float32 // least width
	pad     float32
	ground  *canvas.Rectangle

	width float32 // last laid out
}

func newBox(a arrangement, least func([]fyne.CanvasObject) float32, items ...fyne.CanvasObject) *box {
	b := &box{items: items, arrange: a, least: least}
	b.ExtendBaseWidget(b)
	return b
}

// column stacks items from top to bottom.
func column(items ...fyne.CanvasObject) *box { return newBox(stack(gapWidth), widest, items...) }

// tight stacks items without much room between them.
func tight(items ...fyne.CanvasObject) *box { return newBox(stack(2), widest, items...) }

// card is a column with a ground and a border.
func card(fill, border color.Color, items ...fyne.CanvasObject) *box {
	b := newBox(stack(6), widest, items...)
	b.pad = 10
	b.ground = canvas.NewRectangle(fill)
	b.ground.StrokeColor, b.ground.StrokeWidth, b.ground.CornerRadius = border, 1.5, 6
	return b
}

// grid places items in as many equal columns as fit with at least cell width each.
func grid(cell float32, items ...fyne.CanvasObject) *box {
	return newBox(cells(cell), widest, items...)
}

// row gives the first item what the others leave; when that is too little, the others go below it.
func row(first fyne.CanvasObject, others ...fyne.CanvasObject) *box {
	return newBox(sideBySide, widest, append([]fyne.CanvasObject{first}, others...)...)
}

func widest(items []fyne.CanvasObject) float32 {
	w := float32(0)
	for _, o := range items {
		if o.Visible() {
			w = max(w, o.MinSize().Width)
		}
	}
	return w
}

func stack(space float32) arrangement {
	return func(items []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
		y, first := float32(0), true
		for _, o := range items {
			if !o.Visible() {
				continue
			}
			if !first {
				y += space
			}
			first = false
			h := heightFor(o, width)
			if put != nil {
				put(o, 0, y, width, h)
			}
			y += h
		}
		return y
	}
}

func cells(least float32) arrangement {
	return func(all []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
		var items []fyne.CanvasObject
		for _, o := range all {
			if o.Visible() {
				items = append(items, o)
			}
		}
		if len(items) == 0 {
			return 0
		}
		cell := max(least, widest(items))
		n := max(1, min(len(items), int((width+gapWidth)/(cell+gapWidth))))
		w := (width - float32(n-1)*gapWidth) / float32(n)
		y := float32(0)
		for from := 0; from < len(items); from += n {
			line := items[from:min(from+n, len(items))]
			h := float32(0)
			for _, o := range line {
				h = max(h, heightFor(o, w))
			}
			for i, o := range line {
				if put != nil {
					put(o, float32(i)*(w+gapWidth), y, w, h)
				}
			}
			y += h + gapWidth
		}
		return y - gapWidth
	}
}

// leastBeside is the width the first item of a row keeps at least before the others go below it.
const leastBeside = 180

func sideBySide(items []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
	var others []fyne.CanvasObject
	used := float32(0)
	for _, o := range items[1:] {
		if o.Visible() {
			others = append(others, o)
			used += o.MinSize().Width + gapWidth
		}
	}
	left := width - used
	if left < leastBeside && len(others) > 0 {
		h := heightFor(items[0], width)
		if put != nil {
			put(items[0], 0, 0, width, h)
		}
		below := func(o fyne.CanvasObject, x, y, w, bh float32) { put(o, x, y+h+6, w, bh) }
		if put == nil {
			below = nil
		}
		return h + 6 + cells(60)(others, width, below)
	}
	h := heightFor(items[0], left)
	for _, o := range others {
		h = max(h, heightFor(o, o.MinSize().Width))
	}
	if put != nil {
		own := heightFor(items[0], left)
		put(items[0], 0, (h-own)/2, left, own)
		x := left + gapWidth
		for _, o := range others {
			w := o.MinSize().Width
			oh := heightFor(o, w)
			put(o, x, (h-oh)/2, w, oh)
			x += w + gapWidth
		}
	}
	return h
}

func (b *box) heightFor(width float32) float32 {
	if b.empty() {
		return 0
	}
	return b.arrange(b.items, width-2*b.pad, nil) + 2*b.pad
}

func (b *box) empty() bool {
	for _, o := range b.items {
		if o.Visible() {
			return false
		}
	}
	return true
}

func (b *box) MinSize() fyne.Size {
	w := b.least(b.items) + 2*b.pad
	return fyne.NewSize(w, b.heightFor(max(w, b.width)))
}

func (b *box) CreateRenderer() fyne.WidgetRenderer { return &boxRenderer{b} }

type boxRenderer struct{ b *box }

func (r *boxRenderer) Destroy()           {}
func (r *boxRenderer) MinSize() fyne.Size { return r.b.MinSize() }
func (r *boxRenderer) Refresh() {
	r.Layout(r.b.Size())
	canvas.Refresh(r.b)
}

func (r *boxRenderer) Layout(size fyne.Size) {
	b := r.b
	b.width = size.Width
	if b.ground != nil {
		b.ground.Resize(size)
	}
	b.arrange(b.items, size.Width-2*b.pad, func(o fyne.CanvasObject, x, y, w, h float32) {
		o.Move(fyne.NewPos(x+b.pad, y+b.pad))
		o.Resize(fyne.NewSize(w, h))
	})
}

func (r *boxRenderer) Objects() []fyne.CanvasObject {
	if r.b.ground == nil {
		return r.b.items
	}
	return append([]fyne.CanvasObject{r.b.ground}, r.b.items...)
}

// relaid lays out again what is inside although its size stays the same.
func relaid(o fyne.CanvasObject) {
	b, ok := o.(*box)
	if !ok {
		return
	}
	b.Refresh()
	for _, item := range b.items {
		relaid(item)
	}
}

// separator is a thin line across the page.
func separator() fyne.CanvasObject {
	r := canvas.NewRectangle(line)
	r.SetMinSize(fyne.NewSize(1, 1.5))
	return r
}

package ui

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPicturesForTheReadme draws the README's pictures: RASOAT_README_SHOTS=$PWD/docs/screens go test -run Pictures ./mobile/ui
func TestPicturesForTheReadme(t *testing.T) {
	dir := os.Getenv("RASOAT_README_SHOTS")
	if dir == "" {
		t.Skip("RASOAT_README_SHOTS names no folder")
	}
	w := newWorld(t)
	w.ready()
	w.fill(24)
	w.open(sizes[0], "vi")
	shot := func(name string) { saveShot(t, w, filepath.Join(dir, name+".png")) }
	w.settledHouse()
	w.a.openForm(id(0), thisRound, "roster")
	w.settle()
	shot("roster")
	w.a.openForm(id(0), thisRound, "water")
	w.settle()
	shot("questions")
	w.a.back()
	w.a.back()
	w.a.back()
	w.a.back()
	w.settle()
	w.newHousehold()
	w.record()
	w.a.back()
	shot("sections")
	w.tap("Tạm tính: Hộ nghèo")
	shot("class")
	w.a.back()
	w.a.back()
	w.settle()
	shot("households")
	w.a.openForm(id(2), thisRound, "water")
	w.settle()
	w.a.frame.turn(0.4)
	shot("conflict")
	w.close()
}

// saveShot writes the screen as a PNG of at most 256 colours: text on white needs few, and the file is a third as large.
func saveShot(t *testing.T, w *world, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(file, fewColours(w.win.Canvas().Capture())); err != nil {
		t.Fatal(err)
	}
}

// fewColours keeps the 255 most frequent colours; the others become the nearest of them.
func fewColours(img image.Image) *image.Paletted {
	b := img.Bounds()
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	var all []color.RGBA
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range all[:min(255, len(all))] {
		palette = append(palette, c)
	}
	index := map[color.RGBA]uint8{}
	out := image.NewPaletted(b, palette)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}

// Draws the program's icon: a house with a tick, in the program's blue. `go generate ./mobile` writes it anew.
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
)

const side = 512

var (
	blue  = color.NRGBA{R: 0x0b, G: 0x3d, B: 0x91, A: 0xff}
	white = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: icon FILE.png")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := png.Encode(f, draw()); err != nil {
		return err
	}
	return f.Sync()
}

// draw takes nine samples a pixel, so that slanted edges are smooth.
func draw() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			var ink, tick int
			for i := range 9 {
				px, py := (float64(x)+float64(i%3)/3)/side, (float64(y)+float64(i/3)/3)/side
				switch {
				case onTick(px, py):
					tick++
				case inHouse(px, py):
					ink++
				}
			}
			img.SetNRGBA(x, y, mix(ink, tick))
		}
	}
	return img
}

// mix is blue ground, white house and blue tick by the share of samples each has.
func mix(house, tick int) color.NRGBA {
	at := func(w, b uint8) uint8 { return uint8((int(w)*house + int(b)*(9-house)) / 9) }
	return color.NRGBA{R: at(white.R, blue.R), G: at(white.G, blue.G), B: at(white.B, blue.B), A: 0xff}
}

func inHouse(x, y float64) bool {
	roof := y >= 0.16 && y <= 0.46 && math.Abs(x-0.5) <= (y-0.16)/0.30*0.38
	walls := y > 0.46 && y <= 0.84 && math.Abs(x-0.5) <= 0.28
	return roof || walls
}

func onTick(x, y float64) bool {
	return near(x, y, 0.36, 0.60, 0.46, 0.71) || near(x, y, 0.46, 0.71, 0.66, 0.47)
}

// near tells whether a point is within the stroke from (x0,y0) to (x1,y1).
func near(x, y, x0, y0, x1, y1 float64) bool {
	dx, dy := x1-x0, y1-y0
	t := max(0, min(1, ((x-x0)*dx+(y-y0)*dy)/(dx*dx+dy*dy)))
	return math.Hypot(x-x0-t*dx, y-y0-t*dy) < 0.035
}

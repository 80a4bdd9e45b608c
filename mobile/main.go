// The tablet program: it wires the store's folder, the window and the screens of package ui, and decides nothing itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/mobile/ui"
)

// version is set when the program is built.
var version = "dev"

// typingPause is how long after the last key a typed answer is saved; leaving the field saves it at once.
const typingPause = 300 * time.Millisecond

func main() {
	data := flag.String("data", "", "folder of the tablet's data; the system's place for the program's files if left out")
	lang := flag.String("lang", "", "vi or en; as chosen in the program if left out")
	size := flag.String("size", "800x1280", "size of the window on a desktop, WIDTHxHEIGHT")
	places := flag.String("places", "", "file that is kept up with what is in sight and where, for a test that drives the window")
	flag.Parse()

	a := app.NewWithID("vn.rasoat.tablet")
	a.SetIcon(icon)
	w := a.NewWindow("Rà soát")
	var width, height float32
	if n, err := fmt.Sscanf(*size, "%gx%g", &width, &height); n != 2 || err != nil || width < 1 || height < 1 {
		fmt.Fprintln(os.Stderr, "--size: WIDTHxHEIGHT, e.g. 533x853")
		os.Exit(2)
	}
	w.Resize(fyne.NewSize(width, height))
	screens := ui.New(ui.Options{App: a, Window: w, Lang: *lang, Version: version, Pause: typingPause,
		Seen: writePlaces(*places),
		Open: func(ctx context.Context) (*tablet.Store, error) {
			dir := *data
			if dir == "" {
				dir = a.Storage().RootURI().Path()
			}
			return tablet.Open(ctx, dir, tablet.Options{App: version})
		}})
	a.Lifecycle().SetOnStarted(screens.Start)
	w.ShowAndRun()
	if err := screens.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close:", err)
		os.Exit(1)
	}
}

// writePlaces keeps a file up with what is in sight; nil without a file.
func writePlaces(name string) func([]ui.Place) {
	if name == "" {
		return nil
	}
	return func(list []ui.Place) {
		var b strings.Builder
		for _, p := range list {
			fmt.Fprintln(&b, p)
		}
		if err := os.WriteFile(name+".new", []byte(b.String()), 0o600); err == nil {
			err = os.Rename(name+".new", name)
			if err != nil {
				fyne.LogError("places", err)
			}
		}
	}
}

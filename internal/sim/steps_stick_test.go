package sim

import (
	"database/sql"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/tablet"
)

// Work that travels by hand: bundles from tablets to the server, receipts back. Sticks lie in drawers: any of them may be read
// at any time, again and again, whole or damaged.

// stepExport writes what is unsent, or all there is, to a stick.
func stepExport(w *world, r *rand.Rand, t *tab) {
	stick := w.folder("stick")
	w.must(os.MkdirAll(stick, 0o700), "make a stick")
	var e tablet.Export
	how := t.do(r, "an export", func() (err error) {
		if chance(r, 30) {
			e, err = t.store.ExportWhole(bg, stick)
		} else {
			e, err = t.store.ExportBundle(bg, stick)
		}
		return err
	})
	if how == done {
		w.witness.cut(t)
	}
	w.note("    %s exports %d changes in %d parts", t.name, e.Changes, e.Parts)
	w.sticks = append(w.sticks, stick)
	t.settleKill()
}

// stepImport reads a stick at the server, with some of its files cut, garbled, missing or twice.
func stepImport(w *world, r *rand.Rand, _ *tab) {
	if len(w.sticks) == 0 {
		return
	}
	stick := w.sticks[r.IntN(len(w.sticks))]
	entries, err := os.ReadDir(stick)
	w.must(err, "read a stick")
	var files []central.BundleFile
	damaged := map[string]bool{}
	for _, e := range entries {
		if strings.Contains(e.Name(), "receipts") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(stick, e.Name()))
		w.must(err, "read a stick")
		name := e.Name()
		switch r.IntN(10) {
		case 0:
			w.fault("a part is missing")
			continue
		case 1:
			w.fault("a part is cut")
			data, damaged[name] = data[:r.IntN(len(data))], true
		case 2:
			w.fault("a part is garbled")
			garble(r, data)
			damaged[name] = true
		case 3:
			files = append(files, central.BundleFile{Name: "again-" + name, Read: func() ([]byte, error) { return data, nil }})
		}
		files = append(files, central.BundleFile{Name: name, Read: func() ([]byte, error) { return data, nil }})
	}
	r.Shuffle(len(files), func(a, b int) { files[a], files[b] = files[b], files[a] })
	results, err := w.home.store.ImportBundles(bg, "ban", files)
	w.must(err, "import a stick")
	for _, x := range results {
		if damaged[x.Name] && x.Refused == nil {
			w.fail("D: a damaged part was taken: %s", x.Name)
		}
		if x.Refused != nil {
			w.note("    a part is refused: %s", x.Refused.Code)
		} else {
			w.note("    a part brings %d new changes, unaccepted %v", x.New, x.Unaccepted)
		}
	}
	if _, err := w.home.store.WriteReceipts(bg, stick); err != nil {
		w.fail("write receipts: %v", err)
	}
}

// stepReceipts lets a tablet read the receipts on some stick.
func stepReceipts(w *world, r *rand.Rand, t *tab) {
	if len(w.sticks) == 0 {
		return
	}
	stick := w.sticks[r.IntN(len(w.sticks))]
	t.do(r, "receipts", func() error { _, err := t.store.ImportReceipts(bg, stick); return err })
	t.settleKill()
}

// acceptAll gives each replica that came by hand, and never said hello, to the account its changes name.
func (w *world) acceptAll() {
	var waiting []string
	w.home.query("SELECT replica FROM replica WHERE state = 'unaccepted' ORDER BY created_at", func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		waiting = append(waiting, id)
		return err
	})
	for _, id := range waiting {
		account := ""
		w.home.query("SELECT bytes FROM change WHERE replica = $1 AND seq = 1", func(rows *sql.Rows) error {
			var c logLine
			var bytes string
			if err := rows.Scan(&bytes); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(bytes), &c)
			account = c.U
			return err
		}, id)
		if account == "" {
			continue // met, but nothing of it was taken
		}
		w.must(w.home.store.AcceptCarried(bg, "ban", id, account), "accept "+id)
		w.note("    %s accepted as %s's", id, account)
	}
}

package rasoat

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rasoat/rasoat"

// rooms is the picture of ARCHITECTURE.md: what each room may import of ours. A room that is not here may not exist.
var rooms = map[string][]string{
	"":                 {},
	"schema":           {},
	"sync":             {},
	"internal/survey":  {"schema", "sync"},
	"internal/central": {"schema", "sync", "internal/survey"},
	"internal/tablet":  {"schema", "sync", "internal/survey"},
	"internal/review":  {"schema", "sync", "internal/survey", "internal/central"},
	"internal/report":  {"schema", "sync", "internal/survey", "internal/central"},
	"internal/intake":  {"schema", "sync", "internal/survey", "internal/central"},
	"internal/account": {"schema", "sync", "internal/survey", "internal/central"},
	"server/web":       {"schema", "sync", "internal/survey", "internal/central", "internal/review", "internal/report", "internal/intake", "internal/account"},
	"internal/demo":    {"schema", "sync", "internal/survey", "internal/central", "internal/tablet", "internal/account", "server/web"},
	"internal/sim":     {"schema", "sync", "internal/survey", "internal/central", "internal/tablet"},
	"server":           {"schema", "sync", "internal/survey", "internal/central", "internal/account", "internal/intake", "internal/report", "server/web", "internal/demo"},
	"mobile/ui":        {"schema", "sync", "internal/survey", "internal/tablet"},
	"mobile":           {"schema", "internal/tablet", "mobile/ui"},
}

// testOnly is what the tests of a room may import beside what its code may.
var testOnly = map[string][]string{
	"internal/tablet": {"internal/central"},
	"mobile/ui":       {"internal/central"},
	"server":          {"internal/tablet"},
	"server/web":      {"internal/demo", "internal/tablet"},
}

// outside keeps a library where its reason is, so that a move away from it costs days and not months.
var outside = map[string][]string{
	"github.com/labstack/echo":        {"server/web"},
	"fyne.io/fyne/v2":                 {"mobile", "mobile/ui"},
	"fyne.io/fyne/v2/app":             {"mobile"}, // UI tests need no window system
	"modernc.org/sqlite":              {"internal/central", "internal/tablet"},
	"github.com/jackc/pgx":            {"internal/central"},
	"github.com/pressly/goose":        {"internal/central", "internal/tablet"},
	"github.com/xuri/excelize":        {"internal/report", "internal/intake"},
	"codeberg.org/go-pdf/fpdf":        {"internal/report"},
	"github.com/google/cel-go":        {"schema"},
	"github.com/goccy/go-yaml":        {"schema"},
	"github.com/alecthomas/kong":      {"server"},
	"github.com/alexedwards/scs":      {"internal/account", "server/web"},
	"github.com/alexedwards/argon2id": {"internal/account"},
}

type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-tags", "ci", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		list = append(list, p)
	}
}

// room is the longest entry of rooms that holds a package: server/web holds server/web/pages.
func room(path string) (string, bool) {
	name := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
	for {
		if _, ok := rooms[name]; ok {
			return name, true
		}
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			return name, false
		}
		name = name[:cut]
	}
}

func TestRoomsImportOnlyWhatLiesToTheirLeft(t *testing.T) {
	for _, p := range packages(t) {
		here, known := room(p.ImportPath)
		if !known {
			t.Errorf("package %s is in no room of the table: add it there and to ARCHITECTURE.md, with its reason", p.ImportPath)
			continue
		}
		checkOurs(t, p.ImportPath, here, p.Imports, rooms[here])
		tests := slices.Concat(p.TestImports, p.XTestImports)
		checkOurs(t, p.ImportPath+" (test)", here, tests, slices.Concat(rooms[here], testOnly[here]))
	}
}

func checkOurs(t *testing.T, from, here string, imports, allowed []string) {
	t.Helper()
	for _, path := range imports {
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		to, _ := room(path)
		if to != here && !slices.Contains(allowed, to) {
			t.Errorf("%s imports %s: %q may import %q only", from, path, here, allowed)
		}
	}
}

func TestOutsideLibrariesStayInTheirRooms(t *testing.T) {
	for _, p := range packages(t) {
		here, _ := room(p.ImportPath)
		for _, path := range p.Imports {
			for library, allowed := range outside {
				if (path == library || strings.HasPrefix(path, library+"/")) && !slices.Contains(allowed, here) {
					t.Errorf("%s imports %s, which only %q may", p.ImportPath, path, allowed)
				}
			}
		}
	}
}

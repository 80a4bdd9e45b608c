package web_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// scenario is what the browser's script is told: where to look, as whom, and at what.
type scenario struct {
	Base     string   `json:"base"`
	Password string   `json:"password"`
	Pages    []string `json:"pages"`
	Board    []string `json:"board"` // pages the board has and the administrator has not
	Round    string   `json:"round"`
	Fresh    string   `json:"fresh"` // a server on the day it is installed
}

// TestTheConsoleInChromium walks every page in a real browser, with and without JavaScript, in both languages, and asks axe
// about each. It needs Node with the packages that scripts/console installs, and runs only under it.
func TestTheConsoleInChromium(t *testing.T) {
	modules := os.Getenv("RASOAT_CONSOLE_MODULES")
	if modules == "" {
		t.Skip("run by scripts/console, which provides Node, Chromium and axe")
	}
	w := newWorld(t, 1000)
	fresh := empty(t, t.TempDir())
	defer fresh.store.Close()
	what, err := json.Marshal(scenario{Fresh: fresh.serve().URL, Base: w.serve().URL, Password: password, Pages: w.pages(), Board: []string{"/conflicts"}, Round: w.round})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "browser/console_test.mjs")
	cmd.Env = append(os.Environ(), "RASOAT_SCENARIO="+string(what))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the console in the browser: %v", err)
	}
}

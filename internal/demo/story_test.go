package demo

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
)

func TestTheStoryOfTwoCommunesEndsWithTheTotalsItWasMadeFor(t *testing.T) {
	var out bytes.Buffer
	err := Run(context.Background(), Options{Data: t.TempDir(), Seed: 2, Only: []string{ByLaw, Town}, Lang: "en", Out: &out})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := lines[len(lines)-1]
	if !regexp.MustCompile(`^demo: 1170 households, 71 poor, 61 near-poor, [1-9]\d* conflicts, 0 lost$`).MatchString(last) {
		t.Errorf("last line %q", last)
	}
	for _, want := range []string{"would change class", "≠", "answers lost"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story does not tell %q:\n%s", want, out.String())
		}
	}
}

func TestTheStoryRefusesAFolderThatHoldsData(t *testing.T) {
	dir := t.TempDir()
	o := Options{Data: dir, Only: []string{ByLaw}, Lang: "en"}
	var out bytes.Buffer
	o.Out = &out
	if err := Run(context.Background(), o); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if err := Run(context.Background(), o); err == nil {
		t.Error("a second run wrote into the same folder")
	}
}

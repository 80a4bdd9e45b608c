package ui

import (
	"testing"
	"time"
)

func TestNumbersAreReadAsPeopleHereWriteThem(t *testing.T) {
	for _, c := range []struct {
		in       string
		decimals int
		want     string
		problem  string
	}{
		{"32,5", 1, "32.5", ""},
		{"32.5", 1, "32.5", ""},
		{"32,50", 1, "32.5", ""},
		{"1.500.000", 0, "1500000", ""},
		{"1500000", 0, "1500000", ""},
		{"1 500 000", 0, "1500000", ""},
		{"1.500", 0, "1500", ""},
		{"0140", 0, "140", ""},
		{"-3", 0, "-3", ""},
		{"22,123456", 6, "22.123456", ""},
		{"22.123", 6, "22.123", ""}, // a latitude, not twenty-two thousand
		{"12,0", 0, "", "number.whole"},
		{"1,500,000", 0, "", "number.unclear"},
		{"15.00.000", 0, "", "number.unclear"},
		{"32,55", 1, "", "number.decimals"},
		{"12a", 0, "", "number.unclear"},
		{"", 0, "", "number.none"},
		{"1234567890123456", 0, "", "number.long"},
	} {
		if got, problem := readNumber(c.in, c.decimals); got != c.want || problem != c.problem {
			t.Errorf("readNumber(%q, %d) = %q, %q; want %q, %q", c.in, c.decimals, got, problem, c.want, c.problem)
		}
	}
}

func TestNumbersAreShownAsTheyAreTyped(t *testing.T) {
	for in, want := range map[string]string{"1500000": "1.500.000", "32.5": "32,5", "140": "140", "-1200.25": "-1.200,25", "1e6": "1e6", "0": "0"} {
		if got := writeNumber(in); got != want {
			t.Errorf("writeNumber(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDatesKeepTheirPrecision(t *testing.T) {
	now := time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		d, m, y string
		partial bool
		want    string
		problem string
		suggest int
	}{
		{"", "", "1962", true, "1962", "", 0},
		{"", "5", "1962", true, "1962-05", "", 0},
		{"9", "5", "1962", true, "1962-05-09", "", 0},
		{"", "", "1962", false, "", "date.month", 0},
		{"", "5", "2026", false, "", "date.day", 0},
		{"31", "4", "2000", true, "", "date.day", 0},
		{"29", "2", "2024", true, "2024-02-29", "", 0},
		{"29", "2", "2023", true, "", "date.day", 0},
		{"", "13", "2000", true, "", "date.month", 0},
		{"9", "", "2000", true, "", "date.month", 0},
		{"", "", "62", true, "", "date.short", 1962},
		{"", "", "15", true, "", "date.short", 2015},
		{"9", "5", "", true, "", "date.year", 0},
		{"", "", "", true, "", "", 0},
	} {
		got, problem, suggest := joinDate(c.d, c.m, c.y, c.partial, now)
		if got != c.want || problem != c.problem || suggest != c.suggest {
			t.Errorf("joinDate(%q,%q,%q,%v) = %q, %q, %d; want %q, %q, %d", c.d, c.m, c.y, c.partial, got, problem, suggest, c.want, c.problem, c.suggest)
		}
	}
	if got := writeDate("1962-05-09"); got != "9/5/1962" {
		t.Errorf("writeDate = %q, want 9/5/1962", got)
	}
}

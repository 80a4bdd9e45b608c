package schema

import (
	"strings"
	"time"
)

// CodeList is a list of codes with labels, e.g. "ethnic-groups".
type CodeList struct {
	Name  string
	Codes []Code
	index map[string]int
}

// Code is one entry. List names the official list it comes from: two lists of ethnic groups are in use and differ
// (04 is Hoa in one and Mường in the other), so a code means nothing without its list.
type Code struct {
	Value     string
	Label     Text
	List      string
	ValidFrom string // first day, "" for always
	ValidTo   string // first day it is no longer valid, "" for still valid
}

// Find returns the code with this value.
func (l *CodeList) Find(value string) (Code, bool) {
	i, ok := l.index[value]
	if !ok {
		return Code{}, false
	}
	return l.Codes[i], true
}

// Label is the code's label in lang, or the code itself when the list does not have it.
func (l *CodeList) Label(value, lang string) string {
	if c, ok := l.Find(value); ok {
		return c.Label.In(lang)
	}
	return value
}

// Succession says which new unit the land of an old one went to on a day.
type Succession struct {
	OldCode, OldName, OldDistrict, NewCode, NewName, Date string
}

var (
	codeColumns       = []string{"code", "vi", "en", "list", "valid_from", "valid_to"}
	successionColumns = []string{"old_code", "old_name", "old_district", "new_code", "new_name", "date"}
)

func readCodes(name, file string, data []byte, to *Problems) *CodeList {
	l := &CodeList{Name: name, index: map[string]int{}}
	lines := map[string]int{}
	readCSV(file, data, codeColumns, to, func(line int, r []string) {
		c := Code{r[0], Text{"vi": r[1], "en": r[2]}, r[3], r[4], r[5]}
		for _, lang := range []string{"vi", "en"} {
			if strings.TrimSpace(c.Label[lang]) == "" {
				to.add(file, line, "label_missing", r[0], lang)
			}
		}
		if !validPeriod(c.ValidFrom, c.ValidTo) {
			to.add(file, line, "validity", c.ValidFrom, c.ValidTo)
		}
		if had, twice := lines[c.Value]; twice {
			to.add(file, line, "code_twice", c.Value, had)
			return
		}
		lines[c.Value] = line
		l.index[c.Value] = len(l.Codes)
		l.Codes = append(l.Codes, c)
	})
	return l
}

func readSuccessions(file string, data []byte, areas *Areas, to *Problems) []Succession {
	var out []Succession
	readCSV(file, data, successionColumns, to, func(line int, r []string) {
		s := Succession{r[0], r[1], r[2], r[3], r[4], r[5]}
		if !validDate(s.Date) {
			to.add(file, line, "validity", s.Date, s.Date)
			return
		}
		if areas != nil {
			if _, ok := areas.At(s.OldCode, dayBefore(s.Date)); !ok {
				to.add(file, line, "parent_unknown", s.OldCode, s.NewCode)
			}
			if _, ok := areas.At(s.NewCode, s.Date); !ok {
				to.add(file, line, "parent_unknown", s.NewCode, s.OldCode)
			}
		}
		out = append(out, s)
	})
	return out
}

func validDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// validPeriod accepts open ends; to is exclusive.
func validPeriod(from, to string) bool {
	return (from == "" || validDate(from)) && (to == "" || validDate(to)) && (from == "" || to == "" || from < to)
}

func dayBefore(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, -1).Format(time.DateOnly)
}

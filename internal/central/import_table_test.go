package central

import (
	"strings"
	"testing"
)

// Whatever a file holds, reading it ends, every row that is given on is readable, and lines only go forward.
func FuzzTable(f *testing.F) {
	f.Add(memberList)
	f.Add("\ufeffcode;name;parent_code\n\"a;b\n;;;\n")
	f.Add("name\tthôn\r\n\xff\xfe\t1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := openTable(strings.NewReader(text), householdHeadings)
		if err != nil {
			return
		}
		before := 0
		err = table.each(func(RowProblem) {}, func(l *line) error {
			if l.number <= before {
				t.Fatalf("line %d after line %d of %q", l.number, before, text)
			}
			before = l.number
			if tidy(l.get("village")) != l.get("village") {
				t.Fatalf("a cell is not tidy: %q", l.get("village"))
			}
			return nil
		})
		if err != nil {
			t.Fatalf("reading %q: %v", text, err)
		}
	})
}

func FuzzReadBirth(f *testing.F) {
	for _, s := range []string{"1962", "10/1962", "21/10/1962", "1962-10-21", "3.2.1962", "62", "//", "31/02/1990"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		birth, ok := readBirth(cell)
		if !ok {
			return
		}
		if again, ok := readBirth(birth); !ok || again != birth {
			t.Errorf("%q is read as %q, which is read as %q, %v", cell, birth, again, ok)
		}
	})
}

func TestNoHeadingMeansTwoColumns(t *testing.T) {
	for name, headings := range map[string]map[string][]string{"areas": areaHeadings, "households": householdHeadings} {
		column := map[string]string{}
		for _, c := range sortedKeys(headings) {
			for _, alias := range headings[c] {
				key := foldHeading(alias)
				if strings.HasPrefix(alias, "=") {
					key = alias
				}
				if other, taken := column[key]; taken && other != c {
					t.Errorf("%s: %q stands for %s and for %s", name, alias, other, c)
				}
				column[key] = c
			}
		}
	}
}

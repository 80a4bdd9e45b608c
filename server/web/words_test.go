package web

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var verbs = regexp.MustCompile(`%(\[\d+\])?[sdq]`)

func TestEveryTextIsThereInBothLanguagesAndTakesTheSameArguments(t *testing.T) {
	for key, w := range catalogue {
		if strings.TrimSpace(w.vi) == "" || strings.TrimSpace(w.en) == "" {
			t.Errorf("%s: vi %q, en %q: both are needed", key, w.vi, w.en)
		}
		if vi, en := len(verbs.FindAllString(w.vi, -1)), len(verbs.FindAllString(w.en, -1)); vi != en {
			t.Errorf("%s: %d arguments in vi, %d in en", key, vi, en)
		}
		for _, text := range []string{w.vi, w.en} {
			if n := len(verbs.FindAllString(text, -1)); n > 0 && strings.Count(strings.ReplaceAll(text, "%%", ""), "%") != n {
				t.Errorf("%s: a sign %% in %q is neither %%%% nor an argument", key, text)
			}
		}
	}
}

func TestNoKeyStandsInTwoPartsOfTheCatalogue(t *testing.T) {
	n := 0
	for _, p := range []words{commonWords, frameWords, totalsWords, householdWords, roundWords, adminWords, problemWords} {
		n += len(p)
	}
	if n != len(catalogue) {
		t.Errorf("the parts hold %d texts, the catalogue %d: some key stands twice", n, len(catalogue))
	}
}

// sources is the text of all templates and all Go files of the package.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{".", "templates"} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ".html") || strings.HasSuffix(f.Name(), ".go") && !strings.HasPrefix(f.Name(), "words") {
				data, err := os.ReadFile(dir + "/" + f.Name())
				if err != nil {
					t.Fatal(err)
				}
				all.Write(data)
			}
		}
	}
	return all.String()
}

var (
	usedInTemplate = regexp.MustCompile(`\(?\bt "([a-z0-9_.]+)"()`)
	usedInGo       = regexp.MustCompile(`\b(?:word\([a-z.A-Z]+, |\.t\()"([a-z0-9_.]+)"(\s*\+)?`)
	madeInTemplate = regexp.MustCompile(`printf "([a-z0-9_.]+)%s"`)
)

func TestEveryTextThatIsUsedExistsAndEveryTextIsUsed(t *testing.T) {
	text := sources(t)
	used := map[string]bool{}
	var prefixes []string
	for _, re := range []*regexp.Regexp{usedInTemplate, usedInGo} {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			if m[2] != "" {
				prefixes = append(prefixes, m[1])
				continue
			}
			used[m[1]] = true
			if _, ok := catalogue[m[1]]; !ok {
				t.Errorf("text %q is used and not in the catalogue", m[1])
			}
		}
	}
	for _, m := range madeInTemplate.FindAllStringSubmatch(text, -1) {
		prefixes = append(prefixes, m[1])
	}
	for key := range catalogue {
		made := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
		if !used[key] && !made && !strings.Contains(text, `"`+key+`"`) {
			t.Errorf("text %q is used nowhere", key)
		}
	}
}

func TestNumbersAndDatesAreWrittenTheLanguagesWay(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(1425, "vi"), "1.425"}, {number(1425, "en"), "1,425"}, {number(999, "vi"), "999"}, {number(-12345678, "vi"), "−12.345.678"},
		{numeral("32.5", "vi"), "32,5"}, {numeral("1500000", "vi"), "1.500.000"}, {numeral("-0.5", "en"), "−0.5"}, {numeral("không rõ", "vi"), "không rõ"},
		{date("2024-10-05", "vi"), "05/10/2024"}, {date("2024-10-05", "en"), "5 Oct 2024"}, {date("1962", "vi"), "1962"}, {date("1962-03", "vi"), "03/1962"}, {date("?", "vi"), "?"},
		{moment(1729000000000, "vi"), "20:46 15/10/2024"}, {moment(0, "vi"), ""},
		{ago(0, 5, "en"), "never"}, {ago(0+1, 3*60000+1, "en"), "3 min ago"}, {ago(1, 49*3600*1000, "vi"), "2 ngày trước"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

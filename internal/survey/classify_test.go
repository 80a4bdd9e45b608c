package survey

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/rasoat/rasoat/schema"
)

func classify(t testing.TB, in, lang string) (lines []string, failed int) {
	t.Helper()
	var out bytes.Buffer
	failed, err := Classify(strings.NewReader(in), &out, schema.Builtin(), lang)
	if err != nil {
		t.Fatal(err)
	}
	if out.Len() == 0 {
		return nil, failed
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), failed
}

func line(t testing.TB, fields w) string {
	t.Helper()
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestClassifyAnswersInTheOrderAndFormOfTheContract(t *testing.T) {
	h := lacking(3).with(w{"m/a/health_insurance": nil})
	lines, failed := classify(t, line(t, w{"id": "1", "standard": "vn-2021", "area_type": "rural", "w": h}), "vi")
	want := `{"id":"1","class":"poor","b2":30,"b2_max":40,"indicators":{"employment":"no","dependents":"no","nutrition":"na",` +
		`"health_insurance":"unknown","adult_education":"na","child_schooling":"na","housing_quality":"no","housing_area":"no","water":"yes",` +
		`"toilet":"yes","telecom":"yes","info_means":"no"},"undecided":["m/a/health_insurance"],"average_living":"no","basis":"score","why":[` +
		`{"indicator":"health_insurance","verdict":"unknown","member":"a","sentence":"Chưa rõ Nông Thị Lan có thẻ bảo hiểm y tế hay không.",`
	if failed != 0 || len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
		t.Errorf("failed %d, got\n%s\nwant it to begin\n%s", failed, strings.Join(lines, "\n"), want)
	}
	var result struct {
		Why []Reason
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(lines[0], `"verdict":"`, `"v":"`)), &result); err != nil || len(result.Why) != 4 {
		t.Errorf("why has %d entries, %v; want one for each yes and unknown: 4", len(result.Why), err)
	}
}

func TestALineThatIsNotValidIsAnsweredByItsErrorAndTheRestGoOn(t *testing.T) {
	good := line(t, w{"id": "good", "standard": "vn-2021", "area_type": "rural", "w": lacking(3)})
	for _, c := range []struct{ what, in, id, code string }{
		{"no JSON", "nonsense", `null`, "json"},
		{"half an object", `{"id":"7","standard":"vn-2021"`, `null`, "json"},
		{"more after the object", `{"id":"7","standard":"vn-2021","w":{}} {}`, `null`, "json"},
		{"a list", `[1]`, `null`, "line_type"},
		{"a bare text", `"x"`, `null`, "line_type"},
		{"another standard", `{"id":"7","standard":"vn-2016","w":{}}`, `"7"`, "standard_unknown"},
		{"no standard", `{"id":"7","w":{}}`, `"7"`, "standard_missing"},
		{"an empty standard", `{"id":"7","standard":"","w":{}}`, `"7"`, "standard_missing"},
		{"a standard of null", `{"id":"7","standard":null,"w":{}}`, `"7"`, "standard_missing"},
		{"a standard of the wrong type", `{"id":7,"standard":5,"w":{}}`, `7`, "standard_unknown"},
		{"another area type", `{"id":"7","standard":"vn-2021","area_type":"city","w":{}}`, `"7"`, "area_type"},
		{"an area type of the wrong type", `{"id":"7","standard":"vn-2021","area_type":1,"w":{}}`, `"7"`, "area_type"},
		{"w is a list", `{"id":"7","standard":"vn-2021","w":[]}`, `"7"`, "w_type"},
		{"w is a text", `{"id":"7","standard":"vn-2021","w":"x"}`, `"7"`, "w_type"},
		{"no UTF-8", "{\"id\":\"7\",\"standard\":\"vn-2021\",\"w\":{\"m/a/name\":\"\xff\"}}", `null`, "utf8"},
		{"a unit twice", `{"id":"7","standard":"vn-2021","w":{"water":"tap","water":"surface"}}`, `"7"`, "key_twice"},
		{"a member's unit twice", `{"id":"7","standard":"vn-2021","w":{"m/a/sex":"male","water":"tap","m/a/sex":"female"}}`, `"7"`, "key_twice"},
		{"a field twice", `{"id":"7","id":"8","standard":"vn-2021"}`, `"7"`, "key_twice"},
		{"a unit twice by an escape", `{"id":"7","standard":"vn-2021","w":{"water":"tap","w\u0061ter":"surface"}}`, `"7"`, "key_twice"},
		{"a unit without a name", `{"id":"7","standard":"vn-2021","w":{"":1}}`, `"7"`, "unit_name"},
		{"another questionnaire", `{"id":"7","standard":"vn-2021","questionnaire":"household/1999.1","w":{}}`, `"7"`, "questionnaire_unknown"},
		{"too long a line", `{"id":"7","x":"` + strings.Repeat("a", MaxLine) + `"}`, `null`, "line_too_long"},
	} {
		for _, lang := range []string{"vi", "en"} {
			lines, failed := classify(t, good+c.in+"\n"+good, lang)
			if failed != 1 || len(lines) != 3 {
				t.Fatalf("%s: %d failed, %d lines", c.what, failed, len(lines))
			}
			if lines[0] != lines[2] || !strings.Contains(lines[0], `"class":"poor"`) {
				t.Errorf("%s: the lines around it are %.80s and %.80s", c.what, lines[0], lines[2])
			}
			var got struct {
				ID    json.RawMessage
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(lines[1]), &got); err != nil {
				t.Fatalf("%s: %v in %.200s", c.what, err, lines[1])
			}
			if string(got.ID) != c.id || got.Error.Code != c.code || got.Error.Message == "" {
				t.Errorf("%s: id %s, error %+v; want id %s, %s", c.what, got.ID, got.Error, c.id, c.code)
			}
		}
	}
}

func TestALineOfExactlyTheLimitIsTaken(t *testing.T) {
	head, tail := `{"id":"7","standard":"vn-2021","x":"`, `","w":{}}`
	for extra, want := range map[int]int{0: 0, 1: 1} {
		text := head + strings.Repeat("a", MaxLine-len(head)-len(tail)+extra) + tail
		for _, end := range []string{"\n", ""} {
			lines, failed := classify(t, text+end, "vi")
			if failed != want || len(lines) != 1 {
				t.Errorf("%d bytes over the limit, ending %q: %d failed of %d, want %d of 1", extra, end, failed, len(lines), want)
			}
		}
	}
}

func TestBlankLinesWindowsEndingsAndAMissingLastNewlineAreNoError(t *testing.T) {
	good := strings.TrimSpace(line(t, w{"id": "1", "standard": "vn-2021", "area_type": nil, "w": lacking(3)}))
	lines, failed := classify(t, "\n"+good+"\r\n\r\n  \n\t"+good, "vi")
	if failed != 0 || len(lines) != 2 {
		t.Errorf("%d failed, %d lines; want 0, 2", failed, len(lines))
	}
	if lines, failed := classify(t, "\ufeff"+good+"\n", "vi"); failed != 0 || len(lines) != 1 {
		t.Errorf("after a byte order mark: %d failed, %q", failed, lines)
	}
	if lines, failed := classify(t, "", "vi"); failed != 0 || lines != nil {
		t.Errorf("of nothing: %d failed, %q", failed, lines)
	}
}

func TestAValueOfTheWrongTypeIsReportedAndJudgedUnknown(t *testing.T) {
	for unit, c := range map[string]struct {
		value           any
		indicator, code string
	}{
		"house_area":           {"31.9", "housing_area", "number_as_text"},
		"water":                {1, "water", "value_type"},
		"internet_use":         {false, "telecom", "value_type"},
		"toilet":               {"hole", "toilet", "choice_unknown"},
		"m/a/health_insurance": {true, "health_insurance", "value_type"},
		"m/a/work":             {[]string{"unemployed"}, "employment", "value_type"},
	} {
		lines, failed := classify(t, line(t, w{"id": "1", "standard": "vn-2021", "area_type": "rural", "w": lacking(0).with(w{unit: c.value})}), "vi")
		var got struct {
			Indicators map[string]string
			Problems   []Problem
		}
		if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || failed != 0 {
			t.Fatal(err, failed)
		}
		if got.Indicators[c.indicator] != "unknown" || len(got.Problems) != 1 || got.Problems[0].Code != c.code || got.Problems[0].Unit != unit {
			t.Errorf("%s = %v: %s, problems %v; want unknown and %s", unit, c.value, got.Indicators[c.indicator], got.Problems, c.code)
		}
	}
	lines, _ := classify(t, line(t, w{"id": "1", "standard": "vn-2021", "w": w{"hous_area": 31, "m/a/worked": "unemployed"}}), "en")
	if strings.Count(lines[0], `"unit_unknown"`) != 2 || !strings.Contains(lines[0], "no such unit") {
		t.Errorf("mistyped names are not reported: %s", lines[0])
	}
}

func TestBlanksAndEscapesInAnAnswerChangeNothing(t *testing.T) {
	plain := `{"id":"1","standard":"vn-2021","area_type":"rural","w":{"review_date":"2026-10-01","b1_score":140,"water":"surface","m/a/birth":"1986"}}`
	odd := ` { "id" : "1" , "standard":"vn-2021", "area_type" :"rural","w":{ "review_date": " 2026-10-01 ", "b1_score":1.4e2 ,"w\u0061ter":" surf\u0061ce", "m/a/birth":"\u0031986"}}`
	lines, failed := classify(t, plain+"\n"+odd+"\n", "vi")
	if failed != 0 || lines[0] != lines[1] {
		t.Errorf("%d failed\n%s\n%s", failed, lines[0], lines[1])
	}
}

func TestReasonsNameTheMemberTheySpeakOfHeadFirst(t *testing.T) {
	h := lacking(0).with(child("b", "2018-01-01", "primary")).with(w{"m/a/health_insurance": "no", "m/b/health_insurance": "no", "m/b/name": "Bé Hoa", "m/b/relation": "head"})
	g := judge(t, h, AreaRural)
	if len(g.Why) != 1 || g.Why[0].Member != "b" || g.Why[0].MemberName != "Bé Hoa" {
		t.Errorf("why %+v, want the head b", g.Why)
	}
	g = judgeOf(t, "vn-2021").Judge(read(t, w(lacking(2).with(w{"house_area": 31.9, "m/a/name": nil, "m/a/work": "unemployed", "household_size": 5}))), AreaRural, Options{Reasons: true, Lang: "en"})
	for _, r := range g.Why {
		if r.Sentence == "" || strings.ContainsAny(r.Sentence, "{}") || r.Article == "" {
			t.Errorf("%s: %q, article %q", r.Indicator, r.Sentence, r.Article)
		}
		if r.Indicator == "employment" && r.Sentence != "A member (aged 40) has no job." {
			t.Errorf("employment of somebody without a name: %q", r.Sentence)
		}
		if r.Indicator == "telecom" && r.Confirmed {
			t.Error("a rule from memory is told as confirmed")
		}
	}
}

func TestEverySentenceIsFilledInBothLanguages(t *testing.T) {
	for _, standard := range []string{"vn-2021", "vn-2027"} {
		for _, h := range []household{lacking(12).with(w{"waste": "dumped"}), {"review_date": "2026-10-01", "m/a/name": "Lan"}, {}, lacking(12).with(w{"m/c/birth": "2015", "house_area": nil})} {
			for _, lang := range []string{"vi", "en"} {
				g := judgeOf(t, standard).Judge(read(t, w(h)), AreaRural, Options{Reasons: true, Lang: lang})
				for _, r := range g.Why {
					if r.Sentence == "" || strings.ContainsAny(r.Sentence, "{}") {
						t.Errorf("%s, %s, %s: %q", standard, r.Indicator, lang, r.Sentence)
					}
				}
			}
		}
	}
}

func TestClassifyHandsOnErrorsOfReadingAndWriting(t *testing.T) {
	broken := errors.New("cable")
	in := io.MultiReader(strings.NewReader(line(t, w{"id": "1", "standard": "vn-2021", "w": w{}})), iotest.ErrReader(broken))
	if _, err := Classify(in, io.Discard, schema.Builtin(), "vi"); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
	full := writerFunc(func([]byte) (int, error) { return 0, broken })
	if _, err := Classify(strings.NewReader(line(t, w{"id": "1", "standard": "vn-2021", "w": w{}})), full, schema.Builtin(), "vi"); !errors.Is(err, broken) {
		t.Errorf("writing: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestTheScannerTakesExactlyWhatTheStandardLibraryTakes(t *testing.T) {
	pieces := []string{"{", "}", "[", "]", ",", ":", `"a"`, `"\u00e9"`, `"\x"`, `"\ud800"`, "1", "-", "0", "01", "1.", ".5", "1e5", "1E+", "-0.0", "true", "null", "fals", " ", "\n", "\t", `"`, "\\", "\x00", "ế"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 9).Draw(t, "pieces"), "")
		if got, want := validJSON(text), json.Valid([]byte(text)); got != want {
			t.Fatalf("%q: valid %v, want %v", text, got, want)
		}
	})
	for _, text := range []string{`{"a":[1,{"b":null}],"c":"\"\\"}`, `[]`, `{}`, ` 1 `, ``, `{"a":1,}`, `[1,]`, `{"a"}`, `{1:2}`, "\"a\nb\"", `"\u12G4"`, `nul`} {
		if got, want := validJSON(text), json.Valid([]byte(text)); got != want {
			t.Errorf("%q: valid %v, want %v", text, got, want)
		}
	}
	deep := strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2)
	if validJSON(deep) {
		t.Error("nesting past the limit was taken")
	}
}

func TestComparingTwoStandardsNamesWhoEntersLeavesAndStays(t *testing.T) {
	old, next := judgeOf(t, "vn-2021"), judgeOf(t, "vn-2027")
	for _, c := range []struct {
		change   w
		from, to Class
		movement Movement
	}{
		{w{"b1_score": 150, "income_per_capita": 2000000}, NotPoor, NearPoor, Enters},
		{w{"b1_score": 140, "income_per_capita": 2300000}, NearPoor, NotPoor, Leaves},
		{w{"b1_score": 140, "income_per_capita": 1000000}, NearPoor, NearPoor, Stays},
		{w{"means/tv": "no", "water": "surface", "toilet": "none"}, Poor, NearPoor, Betters},
		{w{"waste": "burned", "water": "surface", "toilet": "none"}, NearPoor, Poor, Worsens},
		{w{"income_per_capita": nil}, NearPoor, Undetermined, Open},
	} {
		iv := read(t, w(household(calm()).with(c.change)))
		got := Compare(old.Judge(iv, AreaRural, Options{}), next.Judge(iv, AreaRural, Options{}))
		if got.From != c.from || got.To != c.to || got.Movement != c.movement {
			t.Errorf("%v: %s to %s is %s, want %s to %s, %s", c.change, got.From, got.To, got.Movement, c.from, c.to, c.movement)
		}
	}
	iv := read(t, w(household(calm()).with(w{"means/tv": "no", "waste": "burned", "income_per_capita": nil})))
	got := Compare(old.Judge(iv, AreaRural, Options{}), next.Judge(iv, AreaRural, Options{}))
	if strings.Join(got.Gained, " ") != "waste" || strings.Join(got.Lost, " ") != "info_means" || got.FromBasis != BasisScore || got.ToBasis != BasisNone {
		t.Errorf("gained %v, lost %v, by %s and %s; want waste, info_means, by score and none", got.Gained, got.Lost, got.FromBasis, got.ToBasis)
	}
}

func TestOneJudgeServesManyAtOnce(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	ivs := []*Interview{read(t, w(lacking(3))), read(t, w(lacking(12))), read(t, w{}), read(t, w(lacking(2).with(w{"m/a/birth": nil})))}
	var want []Class
	for _, iv := range ivs {
		want = append(want, judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{}).Class)
	}
	done := make(chan string)
	for range 8 {
		go func() {
			bad := ""
			for i := range 200 {
				if got := j.Judge(ivs[i%4], AreaRural, Options{Reasons: true}).Class; got != want[i%4] {
					bad = string(got)
				}
			}
			done <- bad
		}()
	}
	for range 8 {
		if bad := <-done; bad != "" {
			t.Errorf("class %s while others were judged", bad)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte(`{"id":"1","standard":"vn-2021","area_type":"rural","w":{"review_date":"2026-10-01","m/a/birth":"1990","m/a/.":{"s":"removed"}}}`))
	f.Add([]byte(`{"id":[1,{"a":"\""}],"standard":"vn-2027","w":{"house_area":1e3,"household_size":5}}`))
	f.Add([]byte("{}\n\n[]\nnull"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if _, err := Classify(bytes.NewReader(in), &out, schema.Builtin(), "vi"); err != nil {
			t.Fatal(err)
		}
		for _, l := range bytes.Split(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n")) {
			if len(l) > 0 && !json.Valid(l) {
				t.Fatalf("%q was answered by %q", in, l)
			}
		}
	})
}

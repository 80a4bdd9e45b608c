package survey

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/schema"
)

// whole is a household Check has nothing to say about.
func whole() household {
	return household(calm()).with(w{"outcome": "interviewed", "status": "draft", "household_size": 1, "head": "a", "m/a/relation": "head", "m/a/id_number": "006186001234"})
}

// found are the problems as "code unit".
func found(t *testing.T, h household) []string {
	t.Helper()
	var list []string
	for _, p := range Check(questionnaire(), read(t, w(h)), "vi") {
		list = append(list, strings.TrimSpace(p.Code+" "+p.Unit))
	}
	slices.Sort(list)
	return list
}

func TestCheckSaysWhatIsWrongAndNothingElse(t *testing.T) {
	if got := found(t, whole()); len(got) > 0 {
		t.Fatalf("a household in order: %v", got)
	}
	baby := child("c", "2025-01-01", "none")
	cases := []struct {
		what   string
		change w
		want   []string
	}{
		{"no day of review", w{"review_date": nil}, []string{"required review_date"}},
		{"a day that does not exist", w{"review_date": "2026-02-30"}, []string{"date_form review_date"}},
		{"no name", w{"m/a/name": nil}, []string{"required m/a/name"}},
		{"no name, with the reason", w{"m/a/name": nil, "m/a/open/name": "refused"}, nil},
		{"absent, so nothing is asked", w{"outcome": "absent", "household_size": nil, "m/a/name": nil, "m/a/sex": nil, "head": nil, "m/a/relation": nil}, nil},
		{"two digits of a year", w{"m/a/birth": "86"}, []string{"year_short m/a/birth"}},
		{"a birth in the future", w{"m/a/birth": "2027-01-01", "m/a/id_number": nil}, []string{"birth_after_review m/a/birth"}},
		{"somebody very old", w{"m/a/birth": "1910-01-01", "m/a/id_number": nil}, []string{"age_over_110 m/a/birth"}},
		{"a number as text", w{"b1_score": "140"}, []string{"number_as_text b1_score"}},
		{"half a point", w{"b1_score": 140.5}, []string{"number_whole b1_score"}},
		{"a code of nowhere", w{"water": "fountain"}, []string{"choice_unknown water"}},
		{"true for yes", w{"m/a/disabled": true}, []string{"value_type m/a/disabled"}},
		{"an area of 325 for 32,5", w{"house_area": 325}, []string{"house_area_large house_area"}},
		{"two decimals of an area", w{"house_area": 32.55}, []string{"number_decimals house_area"}},
		{"income in thousands", w{"income_per_capita": 1500}, []string{"income_thousands income_per_capita"}},
		{"nobody", w{"household_size": 0}, []string{"out_of_range household_size", "size_differs household_size"}},
		{"one more stated than listed", w{"household_size": 2}, []string{"size_differs household_size"}},
		{"no head", w{"head": nil, "m/a/relation": "other_relative"}, []string{"head_missing head"}},
		{"a head who is not listed", w{"head": "zz"}, []string{"head_not_member head"}},
		{"a child at the head", w{"m/a/birth": "2014-01-01", "m/a/attending": "lower_secondary", "m/a/stunted": "no", "m/a/underweight": "no", "m/a/id_number": nil}, []string{"head_young head"}},
		{"a pupil called unemployed", w{"m/a/work": "unemployed", "m/a/attending": "upper_secondary"}, []string{"pupil_unemployed m/a/work"}},
		{"the number says another year", w{"m/a/id_number": "006181001234"}, []string{"id_differs m/a/id_number"}},
		{"the number says a man", w{"m/a/id_number": "006086001234"}, []string{"id_differs m/a/id_number"}},
		{"a number of 9 digits", w{"m/a/id_number": "095123456"}, []string{"id_number_form m/a/id_number"}},
		{"the points differ from the sum", w{"b1/1": 75, "b1/2": 60}, []string{"b1_sum_differs b1_score"}},
		{"the points agree", w{"b1/1": 75, "b1/2": 65}, nil},
	}
	for _, c := range cases {
		if got := found(t, whole().with(c.change)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	two := whole().with(baby).with(w{"household_size": 2, "m/c/name": "Bé", "m/c/relation": "child"})
	pairs := []struct {
		what   string
		change w
		want   []string
	}{
		{"a mother of 38 and her child", nil, nil},
		{"a child older than the parent", w{"m/c/birth": "1979-01-01", "m/c/attending": "none"}, []string{"child_older m/c/birth"}},
		{"twelve years between parent and child", w{"m/c/birth": "1999-09-30"}, []string{"child_older m/c/birth"}},
		{"thirteen years between parent and child", w{"m/c/birth": "1999-10-01"}, nil},
		{"years alone that may be thirteen apart", w{"m/c/birth": "1999"}, nil},
		{"a parent younger than the head", w{"m/c/relation": "parent", "m/c/birth": "1990"}, []string{"child_older m/a/birth"}},
		{"two heads", w{"m/c/relation": "head"}, []string{"head_several head"}},
		{"the head is not the one chosen", w{"head": "c"}, []string{"head_several head", "head_young head"}},
		{"a child nobody measured", w{"m/c/stunted": nil}, []string{"nutrition_open m/c/stunted"}},
		{"a stunted child need not be weighed", w{"m/c/stunted": "yes", "m/c/underweight": nil}, nil},
		{"one number for two people", w{"m/c/id_number": "006186001234", "m/c/sex": "female", "m/c/birth": "1986", "m/c/relation": "sibling"},
			[]string{"id_twice m/a/id_number", "id_twice m/c/id_number"}},
	}
	for _, c := range pairs {
		if got := found(t, two.with(c.change)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

func TestSixtyMembersAreAHouseholdAndSixtyOneAreAsked(t *testing.T) {
	h := whole()
	for i := range 60 {
		if n := i + 1; n == 60 || n == 59 {
			got := found(t, h.with(w{"household_size": n}))
			if slices.Contains(got, "members_limit") {
				t.Errorf("%d members: %v", n, got)
			}
		}
		m := fmt.Sprintf("m/b%02d/", i)
		h = h.with(w{m + "name": "Nông Văn B", m + "birth": "1990", m + "sex": "male", m + "relation": "other_relative"})
	}
	if got := found(t, h.with(w{"household_size": nil})); !slices.Contains(got, "members_limit") {
		t.Errorf("61 members: %v, want members_limit", got)
	}
}

func TestEveryProblemIsToldInBothLanguagesWithoutAHoleInTheSentence(t *testing.T) {
	for code, m := range messages {
		for _, lang := range []string{"vi", "en"} {
			if m.Text[lang] == "" {
				t.Errorf("%s has no sentence in %s", code, lang)
			}
		}
		if m.Level == "" {
			t.Errorf("%s has no level", code)
		}
	}
	for code := range questionnaire().Messages {
		if _, ok := messages[code]; !ok {
			t.Errorf("the questionnaire words %s, which nothing here says", code)
		}
	}
	broken := whole().with(child("c", "1979-01-01", "none")).with(w{
		"household_size": 70, "m/c/relation": "child", "m/b/relation": "head", "m/b/birth": "86", "m/a/id_number": "006081001234",
		"m/c/id_number": "006081001234", "b1/1": 5, "house_area": 33.333, "m/d/birth": "2020", "m/d/name": "Bé", "water": 5,
	})
	for _, lang := range []string{"vi", "en"} {
		problems := Check(questionnaire(), read(t, w(broken)), lang)
		if len(problems) < 10 {
			t.Fatalf("only %d problems", len(problems))
		}
		for _, p := range problems {
			if p.Message == "" || strings.ContainsAny(p.Message, "{}") {
				t.Errorf("%s in %s: %q", p.Code, lang, p.Message)
			}
			if p.Level != schema.LevelProblem && p.Level != schema.LevelWarning {
				t.Errorf("%s has level %q", p.Code, p.Level)
			}
		}
	}
}

func TestAContestedAnswerBreaksNoRule(t *testing.T) {
	iv := contested(t, whole(), map[string][]any{"house_area": {325, 32.5}, "household_size": {1, 5}, "head": {"a", "zz"}, "m/a/id_number": {"006181001234", "x"}})
	if got := Check(questionnaire(), iv, "vi"); len(got) > 0 {
		t.Errorf("problems %v, want none until the board has decided", got)
	}
}

func TestQuestionsAreVisibleForThoseTheyAreAskedOf(t *testing.T) {
	q := questionnaire()
	h := whole().with(child("c", "2020-01-01", "primary")).with(child("d", "2011", "primary")).with(w{"m/e/name": "Không rõ"})
	iv := read(t, w(h))
	for unit, want := range map[string]schema.Truth{
		"water": schema.Yes, "m/a/work": schema.Yes, "m/c/work": schema.No, "m/d/work": schema.Unknown, "m/e/work": schema.Unknown,
		"m/c/stunted": schema.Yes, "m/a/stunted": schema.No, "screening/result": schema.No, "m/zz/work": schema.No,
		"decision/recognised": schema.No, "no_such_unit": schema.No,
	} {
		if unit == "screening/result" {
			iv = read(t, w(h.with(w{"listed": map[string]any{"why": "last_list"}})))
		}
		if got := Visible(q, iv, unit); got != want {
			t.Errorf("%s is visible: %v, want %v", unit, got, want)
		}
	}
	if got := Visible(q, read(t, w(h.with(w{"listed": map[string]any{"why": "request"}}))), "screening/result"); got != schema.Yes {
		t.Errorf("form A for one who filed a request: %v, want yes", got)
	}
}

func TestGapsNameTheQuestionsThatDecideUnlessAReasonIsGiven(t *testing.T) {
	h := lacking(2).with(w{"internet_use": nil, "m/a/health_insurance": nil})
	iv := read(t, w(h))
	g := judge(t, h, AreaRural)
	p, ok := Gaps(questionnaire(), iv, g, "vi")
	if !ok || p.Code != "complete_with_gaps" || !strings.Contains(p.Message, "2") || !strings.Contains(p.Message, "Nông Thị Lan") {
		t.Errorf("gaps: %+v, %v; want two questions, one of Nông Thị Lan", p, ok)
	}
	iv = read(t, w(h.with(w{"open/internet_use": "ask_later", "m/a/open/health_insurance": "dont_know"})))
	if p, ok := Gaps(questionnaire(), iv, g, "vi"); ok {
		t.Errorf("reasons are given, yet %+v", p)
	}
}

func TestHouseholdGroupsFollowTheHeadAndTheMembers(t *testing.T) {
	set := schema.Builtin()
	std, q := set.Standards["vn-2021"], questionnaire()
	base := whole().with(w{"m/a/ethnicity": "02", "m/a/merit": "no", "m/a/no_labour_capacity": "no", "indigenous": "no"})
	for _, c := range []struct {
		group  string
		change w
		want   Verdict
	}{
		{"minority", nil, Yes}, {"minority", w{"m/a/ethnicity": "01"}, No}, {"minority", w{"m/a/ethnicity": nil}, Unknown},
		{"minority", w{"head": nil, "m/a/relation": "child"}, Unknown},
		{"female_head", nil, Yes}, {"female_head", w{"m/a/sex": "male"}, No},
		{"merit", nil, No}, {"merit", w{"m/b/name": "B", "m/b/merit": "yes"}, Yes}, {"merit", w{"m/b/name": "B"}, Unknown},
		{"no_labour_capacity", nil, No}, {"no_labour_capacity", w{"m/a/no_labour_capacity": "yes"}, Yes},
		{"no_labour_capacity", w{"m/a/no_labour_capacity": nil}, Unknown},
		{"no_labour_capacity", w{"m/a/birth": "2015-01-01", "m/a/no_labour_capacity": nil}, Yes}, // nobody of 15 or older
		{"indigenous", w{"indigenous": "yes"}, Yes},
	} {
		if got := Groups(std, q, read(t, w(base.with(c.change))))[c.group]; got != c.want {
			t.Errorf("%s with %v: %v, want %v", c.group, c.change, got, c.want)
		}
	}
	for _, g := range std.Groups {
		if g.Code == "child_health" {
			h := base.with(child("c", "2018-01-01", "primary")).with(child("d", "2019-01-01", "primary")).with(w{"m/c/stunted": "yes", "m/d/health_insurance": "no"})
			if n := GroupMembers(g, q, read(t, w(h))); n != 2 {
				t.Errorf("%d children deprived in health, want 2", n)
			}
		}
	}
}

func TestCausesAreNotAskedOnceTheClassIsCertainlyNotPoor(t *testing.T) {
	q := questionnaire()
	for _, c := range []struct {
		b1   any
		want schema.Truth
	}{{140, schema.Yes}, {141, schema.No}, {nil, schema.Yes}} {
		h := household(calm()).with(w{"b1_score": c.b1, "income_per_capita": nil})
		iv := read(t, w(h))
		if got := Ask(q, iv, judge(t, h, AreaRural)).Visible("causes/land"); got != c.want {
			t.Errorf("causes with B1 %v: %v, want %v", c.b1, got, c.want)
		}
		if got := Visible(q, iv, "causes/land"); got != schema.Unknown {
			t.Errorf("causes before any judgement: %v, want unknown, which is shown", got)
		}
	}
}

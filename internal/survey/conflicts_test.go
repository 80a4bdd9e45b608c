package survey

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestContestedAnswersAreJudgedInEveryCombination(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	choices := map[string][]any{
		"water": {"tap", "surface"}, "toilet": {"septic", "none", nil}, "internet_use": {"yes", "no"}, "house_wall": {"durable", "non_durable"},
		"b1_score": {140, 141}, "m/a/work": {"unemployed", "self_employed"}, "m/a/birth": {"1986-10-01", "1960", "2015-01-01"},
		"m/a/health_insurance": {"yes", "no"}, "m/c/attending": {"none", "primary"}, "m/c/.": {"active", map[string]any{"s": "removed", "why": "died"}},
		"house_area": {80, 12.5}, "m/c/name": {"A", "B"}, "respondent": {"x", "y"},
	}
	rapid.Check(t, func(rt *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3))
		base := lacking(rnd.IntN(4)).with(child("c", "2018-01-01", "primary")).with(w{"m/c/.": "active"})
		open := map[string][]any{}
		units := []string{}
		for unit := range choices {
			units = append(units, unit)
		}
		slices.Sort(units)
		for range rapid.IntRange(1, 5).Draw(rt, "contested") {
			unit := units[rnd.IntN(len(units))]
			open[unit] = choices[unit]
		}
		iv := contested(t, base, open)
		got := j.Judge(iv, AreaRural, Options{})
		want := Classes(0)
		verdicts := slices.Repeat([]verdicts{0}, len(j.rules))
		walk(base, open, func(h household) {
			g := j.Judge(read(t, w(h)), AreaRural, Options{ClassOnly: true})
			want |= g.Possible
			for i, v := range g.Indicators {
				verdicts[i] |= [...]verdictsAlias{Unknown: canYes | canNo | canNA, Yes: canYes, No: canNo, NA: canNA}[v]
			}
		})
		if got.Possible != want || got.Class != want.One() {
			rt.Fatalf("contested %v: class %s, possible %b; the combinations give %b", open, got.Class, got.Possible, want)
		}
		for i := range verdicts {
			if got.Indicators[i] != verdicts[i].one() {
				rt.Fatalf("contested %v: %s is %v, the combinations give %v", open, j.std.Indicators[i].Code, got.Indicators[i], verdicts[i].one())
			}
		}
		if flips := j.Flips(iv, AreaRural); flips && want.One() != Undetermined {
			rt.Fatalf("contested %v: flips although every combination is %s", open, want.One())
		}
	})
}

type verdictsAlias = verdicts

// walk calls f with the household for each combination of the open values.
func walk(base household, open map[string][]any, f func(household)) {
	for unit, values := range open {
		rest := map[string][]any{}
		for u, v := range open {
			if u != unit {
				rest[u] = v
			}
		}
		for _, v := range values {
			walk(base.with(w{unit: v}), rest, f)
		}
		return
	}
	f(base)
}

func TestBeyond4096CombinationsContestedAnswersCountAsUnanswered(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	base := lacking(3)
	open := map[string][]any{}
	for i := range 13 {
		id := fmt.Sprintf("x%02d", i)
		base = base.with(child(id, "2018-01-01", "primary"))
		open["m/"+id+"/health_insurance"] = []any{"yes", "no"} // 2 to the 13th
	}
	blank := base
	for unit := range open {
		blank = blank.with(w{unit: nil})
	}
	got := j.Judge(contested(t, base, open), AreaRural, Options{})
	want := j.Judge(read(t, w(blank)), AreaRural, Options{})
	if diff := cmp.Diff(want.IndicatorMap(), got.IndicatorMap()); diff != "" || got.Class != want.Class {
		t.Errorf("class %s, want %s as if unanswered; verdicts (-unanswered +contested):\n%s", got.Class, want.Class, diff)
	}
	one := map[string][]any{}
	for unit, v := range open {
		if len(one) < 12 {
			one[unit] = v
		}
	}
	g := j.Judge(contested(t, base, one), AreaRural, Options{})
	if g.Class != Poor || g.Verdict("health_insurance") != Unknown {
		t.Errorf("4,096 combinations of insurance on top of 3 lacking: %s, insurance %v; want poor, unknown", g.Class, g.Verdict("health_insurance"))
	}
}

func TestWhenItIsContestedForManyWhoIsAMemberNothingAboutMembersIsSure(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	base := household(calm()).with(w{"m/a/work": "unemployed"})
	open := map[string][]any{}
	for i := range 13 {
		id := fmt.Sprintf("x%02d", i)
		base = base.with(child(id, "2018-01-01", "primary")).with(w{"m/" + id + "/.": "active"})
		open["m/"+id+"/."] = []any{"active", map[string]any{"s": "removed", "why": "mistake"}}
	}
	g := j.Judge(contested(t, base, open), AreaRural, Options{})
	for _, code := range []string{"employment", "dependents", "nutrition", "health_insurance", "adult_education", "child_schooling", "housing_area"} {
		if g.Verdict(code) != Unknown {
			t.Errorf("%s is %v with 13 contested members, want unknown", code, g.Verdict(code))
		}
	}
	if g.Verdict("water") != No {
		t.Errorf("water is %v, want no: it has nothing to do with members", g.Verdict("water"))
	}
}

func TestUndecidedNamesTheContestedAnswerOnWhichTheClassHangs(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	iv := contested(t, lacking(2), map[string][]any{"internet_use": {"yes", "no"}, "livelihood": {"salt", "other"}, "house_roof": {"durable", "non_durable"}})
	g := j.Judge(iv, AreaRural, Options{Reasons: true})
	if g.Class != Undetermined || !slices.Equal(g.Undecided, []string{"internet_use"}) {
		t.Errorf("class %s, undecided %v; want undetermined for internet_use alone (one soft roof is no lack)", g.Class, g.Undecided)
	}
	if !j.Flips(iv, AreaRural) {
		t.Error("the conflict does not count as one that flips the class")
	}
	for unit, want := range map[string]Rank{"internet_use": RankFlips, "house_roof": RankJudged, "livelihood": RankJudged, "causes/land": RankOther, "gps": RankHarmless} {
		if got := j.RankConflict(iv, AreaRural, unit); got != want {
			t.Errorf("rank of %s is %d, want %d", unit, got, want)
		}
	}
}

func TestAConflictOfWhoWasAskedOrWhereNeverMakesAClassUndetermined(t *testing.T) {
	open := map[string][]any{"respondent": {"a", "b"}, "signed": {"screen", "paper"}, "gps": {map[string]any{"lat": 1}, map[string]any{"lat": 2}},
		"review_date": {"2026-10-01", "2026-10-03"}, "outcome": {"absent", "interviewed"}, "status": {"draft", "complete"}}
	iv := contested(t, lacking(3), open)
	if g := judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{}); g.Class != Poor {
		t.Errorf("class %s, want poor", g.Class)
	}
	if got := iv.OpenUnits(); len(got) > 0 {
		t.Errorf("open: %v, want none", got)
	}
	for unit, want := range map[string]string{"review_date": "2026-10-03", "outcome": "interviewed", "status": "complete"} {
		if got := iv.Text(unit); got != want {
			t.Errorf("%s is %s, want %s by its order", unit, got, want)
		}
	}
}

func TestEqualAnswersOfTwoPeopleAreNoConflict(t *testing.T) {
	iv := contested(t, household(calm()), map[string][]any{"house_area": {80, json.RawMessage("80.0")}, "m/a/name": {"Hoà", "Hoà "}})
	if got := iv.OpenUnits(); len(got) > 0 {
		t.Errorf("open: %v, want none: equal in canonical form", got)
	}
	if !Same([]byte(`"Hoà"`), []byte("\"Hoa\u0300 \"")) || Same([]byte(`"1"`), []byte(`1`)) || !Same(nil, []byte("null")) {
		t.Error("text is compared trimmed and in NFC, a number is no text, null is unanswered")
	}
}

func TestAMemberWhoseRemovalIsContestedStaysOnTheList(t *testing.T) {
	base := household(calm()).with(child("c", "2018-01-01", "primary")).with(w{"m/c/.": "active"})
	gone := map[string]any{"s": "removed", "why": "moved_out"}
	iv := contested(t, base, map[string][]any{"m/c/.": {gone, "active"}})
	members := iv.Members()
	if len(members) != 2 || !members[1].Contested {
		t.Errorf("members %+v, want two, the second contested", members)
	}
	if n := len(read(t, w(base.with(w{"m/c/.": gone}))).Members()); n != 1 {
		t.Errorf("%d members after a removal nobody contests, want 1", n)
	}
	if n := len(read(t, w{"m/x/name": nil}).Members()); n != 0 {
		t.Errorf("%d members made of nothing but null, want 0", n)
	}
	if n := len(read(t, w{"m/x/.": "active"}).Members()); n != 1 {
		t.Errorf("%d members of a status alone, want 1", n)
	}
}

func TestAnOpenRosterLeavesOpenWhatFurtherMembersCouldChange(t *testing.T) {
	// 3 listed, 32 m²: 10.7 m² each, no dependents.
	base := household(calm()).with(w{"house_area": 32})
	for _, id := range []string{"b", "c"} {
		for unit, v := range calm() {
			if len(unit) > 4 && unit[:4] == "m/a/" {
				base = base.with(w{"m/" + id + "/" + unit[4:]: v})
			}
		}
	}
	cases := []struct {
		size             any
		change           w
		area, dependents Verdict
		insurance        Verdict
		named            bool
	}{
		{nil, nil, No, No, No, false},
		{3, nil, No, No, No, false},
		{4, nil, No, No, Unknown, true},                               // 32/4 is not under 8
		{5, nil, Unknown, No, Unknown, true},                          // 32/5 is
		{6, nil, Unknown, No, Unknown, true},                          // 3 of 6 is not over half
		{7, nil, Unknown, Unknown, Unknown, true},                     // 4 of 7 is
		{4, w{"house_area": 20}, Yes, No, Unknown, true},              // already under 8 for three
		{2, nil, Unknown, Unknown, Unknown, true},                     // fewer stated than listed
		{4, w{"m/b/health_insurance": "no"}, No, No, Yes, true},       // yes stays yes
		{"4", nil, Unknown, Unknown, Unknown, true},                   // a number as text is not known
		{400, nil, Unknown, Unknown, Unknown, true},                   // past the limit
		{60, w{"house_area": 700}, No, Unknown, Unknown, true},        // 700/60 is over 8: all sizes agree
		{60, w{"house_area": 479.9}, Unknown, Unknown, Unknown, true}, // 479.9/60 is not
		{4, w{"m/c/.": map[string]any{"s": "removed"}}, No, No, Unknown, true},
	}
	for _, c := range cases {
		g := judge(t, base.with(w{"household_size": c.size}).with(c.change), AreaRural)
		if g.Verdict("housing_area") != c.area || g.Verdict("dependents") != c.dependents || g.Verdict("health_insurance") != c.insurance {
			t.Errorf("size %v, %v: area %v, dependents %v, insurance %v; want %v, %v, %v", c.size, c.change,
				g.Verdict("housing_area"), g.Verdict("dependents"), g.Verdict("health_insurance"), c.area, c.dependents, c.insurance)
		}
		if got := slices.Contains(g.Undecided, "household_size"); got != c.named {
			t.Errorf("size %v, %v: household_size named: %v, want %v", c.size, c.change, got, c.named)
		}
	}
}

func TestAContestedHouseholdSizeOpensTheRoster(t *testing.T) {
	g := judgeOf(t, "vn-2021").Judge(contested(t, lacking(2), map[string][]any{"household_size": {1, 2}}), AreaRural, Options{})
	if g.Class != Undetermined || g.Verdict("health_insurance") != Unknown || !slices.Contains(g.Undecided, "household_size") {
		t.Errorf("class %s, insurance %v, undecided %v; want undetermined, unknown, household_size among them", g.Class, g.Verdict("health_insurance"), g.Undecided)
	}
}

func TestAnEmptyRosterLeavesEverythingAboutMembersUnknown(t *testing.T) {
	h := household{}
	for unit, v := range calm() {
		if unit[:2] != "m/" || unit[:4] == "mean" {
			h[unit] = v
		}
	}
	g := judge(t, h, AreaRural)
	for i, ind := range g.Standard().Indicators {
		want := No
		if ind.OverMember() || ind.Code == "housing_area" {
			want = Unknown
		}
		if g.Indicators[i] != want {
			t.Errorf("%s is %v without members, want %v", ind.Code, g.Indicators[i], want)
		}
	}
}

func TestAMissingAreaTypeIsJudgedBothWays(t *testing.T) {
	for _, c := range []struct {
		b1    int
		lacks int
		want  Class
		named []string
	}{{140, 3, Poor, nil}, {150, 3, Undetermined, []string{"village"}}, {176, 3, NotPoor, nil}} {
		g := judge(t, lacking(c.lacks).with(w{"b1_score": c.b1}), AreaUnknown)
		if g.Class != c.want || !slices.Equal(g.Deciding, c.named) {
			t.Errorf("B1 %d without area type: %s deciding %v, want %s %v", c.b1, g.Class, g.Deciding, c.want, c.named)
		}
	}
}

func TestFlagsShowAHouseholdInterviewedByOneAndGoneForAnother(t *testing.T) {
	rec := fieldsync.NewRecord("r", "interview")
	empty := rec.Clone()
	for i, outcome := range []string{"interviewed", "moved"} {
		a := &author{t, fmt.Sprint("tablet", i), 0}
		rec.Apply(a.change(empty, "enumerator", w{"outcome": outcome}))
	}
	if got := Flags(rec, questionnaire(), "vi"); len(got) != 1 || got[0].Code != "interviewed_and_gone" {
		t.Errorf("flags %v, want interviewed_and_gone", got)
	}
	if got := Flags(empty, questionnaire(), "vi"); len(got) != 0 {
		t.Errorf("flags %v of an empty record", got)
	}
}

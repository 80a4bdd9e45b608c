package survey

import (
	"fmt"
	"testing"
)

// Each indicator at its boundary and one past it, as the law's text and the traps of rules.md section 10 have it.
func TestEveryIndicatorTurnsExactlyAtItsBoundary(t *testing.T) {
	cases := []struct {
		what, indicator string
		change          w
		want            Verdict
	}{
		{"a woman of working age with a contract", "employment", w{"m/a/work": "wage_contract"}, No},
		{"a woman without a contract", "employment", w{"m/a/work": "wage_no_contract"}, Yes},
		{"an unemployed woman", "employment", w{"m/a/work": "unemployed"}, Yes},
		{"one who does not look for work", "employment", w{"m/a/work": "not_seeking"}, No},
		{"one who is unable to work", "employment", w{"m/a/work": "unable"}, No},
		{"a pupil", "employment", w{"m/a/work": "studying"}, No},
		{"the day before 15", "employment", w{"m/a/birth": "2011-10-02", "m/a/work": "unemployed"}, NA},
		{"on the 15th birthday", "employment", w{"m/a/birth": "2011-10-01", "m/a/work": "unemployed"}, Yes},
		{"a woman a month under 57 years in 2026", "employment", w{"m/a/birth": "1969-10-02", "m/a/work": "unemployed"}, Yes},
		{"a woman of exactly 57 years in 2026", "employment", w{"m/a/birth": "1969-10-01", "m/a/work": "unemployed"}, NA},
		{"the same woman in 2027 at 57 years 3 months", "employment", w{"review_date": "2027-01-01", "m/a/birth": "1969-10-01", "m/a/work": "unemployed"}, Yes},
		{"a woman of 57 years 4 months in 2027", "employment", w{"review_date": "2027-02-01", "m/a/birth": "1969-10-01", "m/a/work": "unemployed"}, NA},
		{"a man a day under 61 years 6 months in 2026", "employment", w{"m/a/sex": "male", "m/a/birth": "1965-04-02", "m/a/work": "unemployed"}, Yes},
		{"a man of 61 years 6 months in 2026", "employment", w{"m/a/sex": "male", "m/a/birth": "1965-04-01", "m/a/work": "unemployed"}, NA},

		{"one adult alone", "dependents", w{}, No},
		{"one old person without benefits", "dependents", w{"m/a/birth": "1940"}, No},
		{"one old person with benefits", "dependents", w{"m/a/birth": "1940", "m/a/social_assistance": "yes"}, Yes},
		{"benefits the day before 60", "dependents", w{"m/a/birth": "1966-10-02", "m/a/social_assistance": "yes"}, No},
		{"benefits on the 60th birthday", "dependents", w{"m/a/birth": "1966-10-01", "m/a/social_assistance": "yes"}, Yes},
		{"a disabled adult without benefits", "dependents", w{"m/a/disabled": "yes"}, No},
		{"a disabled adult with benefits", "dependents", w{"m/a/disabled": "yes", "m/a/social_assistance": "yes"}, Yes},

		{"no child", "nutrition", w{}, NA},

		{"an uninsured adult", "health_insurance", w{"m/a/health_insurance": "no"}, Yes},

		{"16 years and no school since primary", "adult_education", w{"m/a/birth": "2010-10-01", "m/a/degree": "primary"}, Yes},
		{"16 years, lower secondary finished, not studying", "adult_education", w{"m/a/birth": "2010-10-01", "m/a/degree": "lower_secondary"}, No},
		{"16 years and attending lower secondary", "adult_education", w{"m/a/birth": "2010-10-01", "m/a/degree": "primary", "m/a/attending": "lower_secondary"}, No},
		{"the day before 18 with lower secondary", "adult_education", w{"m/a/birth": "2008-10-02", "m/a/degree": "lower_secondary"}, No},
		{"18 years with lower secondary", "adult_education", w{"m/a/birth": "2008-10-01", "m/a/degree": "lower_secondary"}, Yes},
		{"18 years with lower secondary, certified on the job", "adult_education", w{"m/a/birth": "2008-10-01", "m/a/degree": "lower_secondary", "m/a/job_certified": "yes"}, No},
		{"18 years with a vocational degree", "adult_education", w{"m/a/birth": "2008-10-01", "m/a/degree": "vocational_elementary"}, No},
		{"18 years and attending vocational school", "adult_education", w{"m/a/birth": "2008-10-01", "m/a/degree": "primary", "m/a/attending": "vocational"}, No},
		{"the day before 31 without a degree", "adult_education", w{"m/a/birth": "1995-10-02", "m/a/degree": "none"}, Yes},
		{"31 years without a degree", "adult_education", w{"m/a/birth": "1995-10-01", "m/a/degree": "none"}, NA},

		{"one of three parts not durable", "housing_quality", w{"house_wall": "non_durable"}, No},
		{"two of three parts not durable", "housing_quality", w{"house_wall": "non_durable", "house_roof": "non_durable"}, Yes},
		{"all three parts not durable", "housing_quality", w{"house_wall": "non_durable", "house_roof": "non_durable", "house_column": "non_durable"}, Yes},
		{"one durable part open, the others not", "housing_quality", w{"house_wall": "non_durable", "house_roof": "non_durable", "house_column": nil}, Yes},
		{"two durable parts, one open", "housing_quality", w{"house_column": nil}, No},

		{"8 m² for one", "housing_area", w{"house_area": 8}, No},
		{"7.9 m² for one", "housing_area", w{"house_area": 7.9}, Yes},

		{"unprotected spring", "water", w{"water": "unprotected_spring"}, Yes},
		{"another source", "water", w{"water": "other"}, Yes},
		{"protected spring", "water", w{"water": "protected_spring"}, No},
		{"no toilet", "toilet", w{"toilet": "none"}, Yes},
		{"another toilet", "toilet", w{"toilet": "other"}, Yes},
		{"two compartments", "toilet", w{"toilet": "two_compartment"}, No},
		{"nobody uses internet", "telecom", w{"internet_use": "no"}, Yes},
		{"one of seven means", "info_means", w{"means/tv": "no", "means/smartphone": "yes"}, No},
		{"none of seven means", "info_means", w{"means/tv": "no"}, Yes},
		{"none of six, the seventh open", "info_means", w{"means/tv": nil}, Unknown},
	}
	for _, c := range cases {
		g := judge(t, household(calm()).with(c.change), AreaRural)
		if got := g.Verdict(c.indicator); got != c.want {
			t.Errorf("%s: %s with %v is %v, want %v", c.indicator, c.what, c.change, got, c.want)
		}
	}
}

func TestChildrenAreJudgedByTheirAgeOnTheDayOfReview(t *testing.T) {
	cases := []struct {
		what, indicator string
		birth           string
		attending       string
		change          w
		want            Verdict
	}{
		{"2 years 11 months out of school", "child_schooling", "2023-10-02", "none", nil, NA},
		{"3 years not in preschool", "child_schooling", "2023-10-01", "none", nil, Yes},
		{"3 years in preschool", "child_schooling", "2023-10-01", "preschool", nil, No},
		{"the day before 6 in preschool", "child_schooling", "2020-10-02", "preschool", nil, No},
		{"6 years in preschool", "child_schooling", "2020-10-01", "preschool", nil, Yes},
		{"6 years in primary", "child_schooling", "2020-10-01", "primary", nil, No},
		{"the day before 12 in primary", "child_schooling", "2014-10-02", "primary", nil, No},
		{"12 years in primary", "child_schooling", "2014-10-01", "primary", nil, Yes},
		{"12 years in lower secondary", "child_schooling", "2014-10-01", "lower_secondary", nil, No},
		{"15 years 11 months out of school", "child_schooling", "2010-10-02", "none", nil, Yes},
		{"16 years out of school", "child_schooling", "2010-10-01", "none", nil, NA},
		{"5 years 11 months uninsured", "health_insurance", "2020-10-02", "preschool", w{"m/c/health_insurance": "no"}, No},
		{"6 years uninsured", "health_insurance", "2020-10-01", "primary", w{"m/c/health_insurance": "no"}, Yes},
		{"a stunted child of 15", "nutrition", "2010-10-02", "lower_secondary", w{"m/c/stunted": "yes"}, Yes},
		{"an underweight child", "nutrition", "2018-10-02", "primary", w{"m/c/underweight": "yes"}, Yes},
		{"a healthy child", "nutrition", "2018-10-02", "primary", nil, No},
		{"stunted at 16 no longer counts", "nutrition", "2010-10-01", "lower_secondary", w{"m/c/stunted": "yes"}, NA},
		{"a child not measured", "nutrition", "2018-10-02", "primary", w{"m/c/stunted": nil, "m/c/underweight": nil}, Unknown},
		{"a disabled child of 6 on benefits and a parent are one half", "dependents", "2020-10-01", "primary", w{"m/c/disabled": "yes", "m/c/social_assistance": "yes"}, No},
	}
	for _, c := range cases {
		g := judge(t, household(calm()).with(child("c", c.birth, c.attending)).with(c.change), AreaRural)
		if got := g.Verdict(c.indicator); got != c.want {
			t.Errorf("%s: %s (born %s) is %v, want %v", c.indicator, c.what, c.birth, got, c.want)
		}
	}
}

func TestDependentsMustBeMoreThanHalf(t *testing.T) {
	for _, c := range []struct {
		adults, children int
		want             Verdict
	}{{2, 2, No}, {2, 3, Yes}, {1, 1, No}, {1, 2, Yes}, {4, 1, No}} {
		h := household(calm())
		for i := range c.children {
			h = h.with(child(fmt.Sprintf("c%d", i), "2018-01-01", "primary"))
		}
		for i := 1; i < c.adults; i++ {
			m := fmt.Sprintf("m/b%d/", i)
			h = h.with(w{m + "birth": "1980-01-01", m + "social_assistance": "no", m + "disabled": "no"})
		}
		if got := judge(t, h, AreaRural).Verdict("dependents"); got != c.want {
			t.Errorf("%d of %d dependents: %v, want %v", c.children, c.adults+c.children, got, c.want)
		}
	}
}

func TestAreaPerPersonIsStrictlyUnderEight(t *testing.T) {
	four := household(calm())
	for _, id := range []string{"b", "c", "d"} {
		four = four.with(w{"m/" + id + "/birth": "1980-01-01"})
	}
	for area, want := range map[float64]Verdict{32: No, 31.9: Yes, 32.1: No, 31.99: Yes} {
		if got := judge(t, four.with(w{"house_area": area}), AreaRural).Verdict("housing_area"); got != want {
			t.Errorf("%v m² for 4: %v, want %v", area, got, want)
		}
	}
}

// lacking makes a household with this many of the household's own indicators lacking.
func lacking(n int) household {
	h := household(calm()).with(w{"m/a/birth": "1986-10-01"})
	ways := []w{
		{"water": "surface"}, {"toilet": "none"}, {"internet_use": "no"}, {"means/tv": "no"},
		{"house_wall": "non_durable", "house_roof": "non_durable"}, {"house_area": 5}, {"m/a/health_insurance": "no"}, {"m/a/work": "unemployed"},
		child("c", "2018-01-01", "none"), {"m/c/stunted": "yes"},
		{"m/d/birth": "2017-01-01", "m/d/attending": "primary", "m/d/stunted": "no", "m/d/underweight": "no", "m/d/health_insurance": "yes"},
		{"m/e/birth": "2000-01-01", "m/e/attending": "none", "m/e/degree": "none", "m/e/job_certified": "no", "m/e/work": "self_employed", "m/e/health_insurance": "yes",
			"m/e/social_assistance": "no", "m/e/disabled": "no", "m/f/birth": "2020-01-01", "m/f/attending": "primary", "m/f/stunted": "no", "m/f/underweight": "no", "m/f/health_insurance": "yes"},
	}
	for _, c := range ways[:n] {
		h = h.with(c)
	}
	return h
}

func TestTheBoundaryVectorsOfTheRules(t *testing.T) {
	cases := []struct {
		area   AreaType
		b1     int
		lacks  int
		change w
		want   Class
	}{
		{AreaRural, 140, 3, nil, Poor},
		{AreaRural, 140, 2, nil, NearPoor},
		{AreaRural, 141, 12, nil, NotPoor},
		{AreaUrban, 175, 3, nil, Poor},
		{AreaUrban, 176, 3, nil, NotPoor},
		{AreaUrban, 141, 0, nil, NearPoor},
		{AreaRural, 0, 0, nil, NearPoor},
		{AreaRural, 120, 2, w{"internet_use": nil}, Undetermined},
		{AreaRural, 120, 4, w{"internet_use": nil}, Poor},
	}
	for i, c := range cases {
		g := judge(t, lacking(c.lacks).with(w{"b1_score": c.b1}).with(c.change), c.area)
		if g.Class != c.want {
			t.Errorf("vector %d (%s, B1 %d, %d lacking, %v): class %s with %v, want %s", i+1, c.area, c.b1, c.lacks, c.change, g.Class, g.IndicatorMap(), c.want)
		}
		if c.change == nil && (g.B2 != 10*c.lacks || g.B2Max != g.B2) {
			t.Errorf("vector %d: B2 %d to %d, want %d", i+1, g.B2, g.B2Max, 10*c.lacks)
		}
	}
}

func TestStatedIncomeDecidesOnlyWithoutAScore(t *testing.T) {
	cases := []struct {
		score, income any
		area          AreaType
		class         Class
		basis         string
	}{
		{nil, 1500000, AreaRural, NearPoor, BasisIncome},
		{nil, 1500001, AreaRural, NotPoor, BasisIncome},
		{nil, 2000000, AreaUrban, NearPoor, BasisIncome},
		{nil, 2000001, AreaUrban, NotPoor, BasisIncome},
		{140, 9000000, AreaRural, NearPoor, BasisScore},
		{141, 1, AreaRural, NotPoor, BasisScore},
		{nil, nil, AreaRural, Undetermined, BasisNone},
		{"140", 9000000, AreaRural, Undetermined, BasisNone}, // a score that cannot be read is still a score
	}
	for _, c := range cases {
		g := judge(t, household(calm()).with(w{"b1_score": c.score, "income_per_capita": c.income}), c.area)
		if g.Class != c.class || g.Basis != c.basis {
			t.Errorf("score %v, income %v, %s: %s by %s, want %s by %s", c.score, c.income, c.area, g.Class, g.Basis, c.class, c.basis)
		}
	}
}

func TestTheStandardOf2027HasItsOwnLinesAndIndicators(t *testing.T) {
	j := judgeOf(t, "vn-2027")
	for _, c := range []struct {
		income int
		area   AreaType
		change w
		want   Class
	}{
		{2200000, AreaRural, nil, NearPoor},
		{2200001, AreaRural, nil, NotPoor},
		{2800000, AreaUrban, nil, NearPoor},
		{2800001, AreaUrban, nil, NotPoor},
		{2200000, AreaRural, w{"water": "surface", "toilet": "none", "waste": "dumped"}, Poor},
		{2200000, AreaRural, w{"water": "surface", "toilet": "none", "means/tv": "no"}, NearPoor}, // no info_means any more
		{2200000, AreaRural, w{"b1_score": 10, "income_per_capita": nil}, Undetermined},           // no score table is known
	} {
		g := j.Judge(read(t, w(household(calm()).with(w{"income_per_capita": c.income}).with(c.change))), c.area, Options{})
		if g.Class != c.want {
			t.Errorf("income %d, %s, %v: %s, want %s (%v)", c.income, c.area, c.change, g.Class, c.want, g.IndicatorMap())
		}
		if g.AverageLiving != "na" {
			t.Errorf("average living under vn-2027 is %s, want na: no such rule is known", g.AverageLiving)
		}
	}
	if _, has := j.Judge(read(t, calm()), AreaRural, Options{}).IndicatorMap()["info_means"]; has {
		t.Error("vn-2027 still has info_means")
	}
	for code, want := range map[string]Verdict{"collected": No, "treated_at_home": No, "dumped": Yes, "burned": Yes, "other": Yes} {
		if got := j.Judge(read(t, w(household(calm()).with(w{"waste": code}))), AreaRural, Options{}).Verdict("waste"); got != want {
			t.Errorf("waste %s: %v, want %v", code, got, want)
		}
	}
}

func TestAverageLivingIsDecidedByIncomeAndLivelihoodApartFromTheClass(t *testing.T) {
	base := household(calm()).with(w{"b1_score": 150, "income_per_capita": 2000000})
	for _, c := range []struct {
		area   AreaType
		change w
		want   string
	}{
		{AreaRural, nil, "yes"},
		{AreaRural, w{"income_per_capita": 2250000}, "yes"},
		{AreaRural, w{"income_per_capita": 2250001}, "no"},
		{AreaRural, w{"income_per_capita": 1500001}, "yes"},
		{AreaRural, w{"income_per_capita": 1500000}, "no"},
		{AreaUrban, w{"b1_score": 180, "income_per_capita": 3000000}, "yes"},
		{AreaUrban, w{"b1_score": 180, "income_per_capita": 3000001}, "no"},
		{AreaUrban, w{"b1_score": 180, "income_per_capita": 2000000}, "no"},
		{AreaRural, w{"livelihood": "other"}, "no"},
		{AreaRural, w{"livelihood": "salt"}, "yes"},
		{AreaRural, w{"livelihood": nil}, "unknown"},
		{AreaRural, w{"income_per_capita": nil}, "unknown"},
		{AreaRural, w{"b1_score": 140}, "no"},
		{AreaRural, w{"b1_score": nil, "income_per_capita": nil, "livelihood": "other"}, "no"},
		{AreaUnknown, w{"b1_score": 180, "income_per_capita": 2100000}, "yes"},
		{AreaUnknown, w{"b1_score": 180, "income_per_capita": 2500000}, "unknown"},
	} {
		if got := judge(t, base.with(c.change), c.area).AverageLiving; got != c.want {
			t.Errorf("%q %v: %s, want %s", c.area, c.change, got, c.want)
		}
	}
}

package survey

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rasoat/rasoat/schema"
)

func TestABirthKeepsHowMuchOfItIsKnown(t *testing.T) {
	for text, want := range map[string]Precision{
		"1955": PrecisionYear, "1955-02": PrecisionMonth, "1955-02-28": PrecisionDay, "2024-02-29": PrecisionDay,
		"": 0, "55": 0, "0000": 0, "1955-13": 0, "1955-00": 0, "1955-02-30": 0, "2023-02-29": 0, "1900-02-29": 0, "2000-02-29": PrecisionDay,
		"1955/02/28": 0, "1955-2-28": 0, "19550228": 0, " 1955": 0, "1955-04-31": 0, "1955-02-": 0, "abcd": 0, "1955-0a": 0,
	} {
		got, ok := ParseBirth(text)
		if ok != (want != 0) || (ok && got.Precision != want) {
			t.Errorf("birth %q: precision %d, ok %v, want %d", text, got.Precision, ok, want)
		}
	}
	if _, ok := ParseDay("1955-02"); ok {
		t.Error("a month was taken for a day")
	}
}

func TestAgesAreCompletedMonthsOnTheDayOfReview(t *testing.T) {
	for _, c := range []struct {
		birth, review string
		from, to      int
		ok            bool
	}{
		{"2010-10-01", "2026-10-01", 16 * 12, 16 * 12, true},
		{"2010-10-02", "2026-10-01", 16*12 - 1, 16*12 - 1, true},
		{"2026-10-01", "2026-10-01", 0, 0, true},
		{"2026-10-02", "2026-10-01", 0, maxUnknownAge, false},
		{"2026", "2026-10-01", 0, 9, true}, // the rest of the year has not come
		{"2026-10", "2026-10-01", 0, 0, true},
		{"2026-11", "2026-10-01", 0, maxUnknownAge, false},
		{"2027", "2026-10-01", 0, maxUnknownAge, false},
		{"2008", "2026-10-01", 17*12 + 9, 18*12 + 9, true},
		{"2008-09", "2026-10-01", 18 * 12, 18*12 + 1, true},
		{"2008-02-29", "2026-02-28", 18*12 - 1, 18*12 - 1, true}, // complete on 1 March
		{"2008-02-29", "2026-03-01", 18 * 12, 18 * 12, true},
		{"2026-01-31", "2026-02-28", 0, 0, true},
		{"2026-01-31", "2026-03-01", 1, 1, true},
		{"1896-01-01", "2026-12-31", maxAge, maxAge, true},
		{"1895-12-31", "2026-12-31", 0, maxUnknownAge, false},
	} {
		birth, _ := ParseBirth(c.birth)
		review, _ := ParseDay(c.review)
		got, ok := birth.Age(review)
		if got != (Months{c.from, c.to}) || ok != c.ok {
			t.Errorf("born %s, reviewed %s: %v, %v; want {%d %d}, %v", c.birth, c.review, got, ok, c.from, c.to, c.ok)
		}
	}
}

func TestAgesAgreeWithTheCalendarOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 46000).Draw(t, "birth"))
		review := day.AddDate(0, 0, rapid.IntRange(0, 20000).Draw(t, "days"))
		birth, ok := ParseBirth(day.Format(time.DateOnly))
		on, okDay := ParseDay(review.Format(time.DateOnly))
		if !ok || !okDay {
			t.Fatalf("%v or %v was not read", day, review)
		}
		got, _ := birth.Age(on)
		n := 0 // the birthday of month n+1 has come: same day of a later month, or past the end of a shorter one
		for m := 1; ; m++ {
			year, month := day.Year()+(int(day.Month())+m-1)/12, (int(day.Month())+m-1)%12+1
			last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
			due := time.Date(year, time.Month(month), min(day.Day(), last), 0, 0, 0, 0, time.UTC)
			if day.Day() > last {
				due = due.AddDate(0, 0, 1)
			}
			if due.After(review) {
				break
			}
			n = m
		}
		if got != (Months{n, n}) {
			t.Fatalf("born %s, reviewed %s: %v, want %d", day.Format(time.DateOnly), review.Format(time.DateOnly), got, n)
		}
	})
}

func TestRetirementAgeRisesEachYearUntilItsEnd(t *testing.T) {
	std := schema.Builtin().Standards["vn-2021"]
	for _, c := range []struct {
		sex  string
		year int
		want int
	}{
		{"male", 2021, 60*12 + 3}, {"male", 2026, 61*12 + 6}, {"male", 2027, 61*12 + 9}, {"male", 2028, 62 * 12}, {"male", 2040, 62 * 12},
		{"female", 2021, 55*12 + 4}, {"female", 2026, 57 * 12}, {"female", 2027, 57*12 + 4}, {"female", 2035, 60 * 12}, {"female", 2050, 60 * 12},
	} {
		if got := RetirementMonths(std, c.sex, c.year); got != c.want {
			t.Errorf("%s in %d: %d months, want %d", c.sex, c.year, got, c.want)
		}
	}
}

func TestABirthThatCannotBeRightIsAProblemAndCountsAsUnknown(t *testing.T) {
	for birth, code := range map[any]string{"2030": "birth_after_review", "1800": "birth_too_old", "62": "birth_form", 1962: "birth_form"} {
		g := judge(t, household(calm()).with(w{"m/a/birth": birth, "m/a/work": "unemployed"}), AreaRural)
		if len(g.Problems) != 1 || g.Problems[0].Code != code || g.Problems[0].Unit != "m/a/birth" {
			t.Errorf("birth %v: problems %v, want %s", birth, g.Problems, code)
		}
		if g.Verdict("employment") != Unknown {
			t.Errorf("birth %v: employment %v, want unknown", birth, g.Verdict("employment"))
		}
	}
}

func TestWithoutADayOfReviewNoAgeIsKnown(t *testing.T) {
	h := household(calm()).with(w{"review_date": nil, "m/a/work": "unemployed", "b1_score": 140, "water": "surface", "toilet": "none"})
	g := judge(t, h, AreaRural)
	if g.Verdict("employment") != Unknown || g.Class != Undetermined {
		t.Errorf("employment %v, class %s; want unknown, undetermined", g.Verdict("employment"), g.Class)
	}
	named := false
	for _, u := range g.Undecided {
		named = named || u == "review_date"
		if u == "m/a/birth" {
			t.Error("the birth is known to the day, yet named")
		}
	}
	if !named {
		t.Errorf("review_date is not among %v", g.Undecided)
	}
}

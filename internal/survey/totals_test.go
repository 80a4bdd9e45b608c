package survey

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestRatesHaveTwoDecimalsHalfRoundedUpAndAreBlankOnNothing(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		want  string
		ok    bool
		err   error
	}{
		{1425, 8689, "16,40", true, nil},
		{795, 8680, "9,16", true, nil},
		{29, 60, "48,33", true, nil},
		{30, 60, "50,00", true, nil},
		{1, 8000, "0,01", true, nil},  // 0.0125
		{1, 20000, "0,01", true, nil}, // 0.005 exactly: up
		{1, 20001, "0,00", true, nil},
		{0, 5, "0,00", true, nil},
		{5, 5, "100,00", true, nil},
		{0, 0, "", false, nil},
		{31, 0, "", false, nil}, // not entered yet
		{31, 12, "", false, ErrRate},
		{-1, 5, "", false, ErrNegative},
		{1, -5, "", false, ErrNegative},
		{math.MaxInt64, math.MaxInt64, "100,00", true, nil},
		{math.MaxInt64 / 2, math.MaxInt64, "50,00", true, nil},
	} {
		text, ok, err := Rate(c.n, c.of)
		if text != c.want || ok != c.ok || !errors.Is(err, c.err) {
			t.Errorf("rate %d of %d: %q, %v, %v; want %q, %v, %v", c.n, c.of, text, ok, err, c.want, c.ok, c.err)
		}
	}
	if text, _, _ := RateIn(1425, 8689, "en"); text != "16.40" {
		t.Errorf("in English: %q", text)
	}
}

func TestNumbersAreWrittenTheVietnameseWay(t *testing.T) {
	for n, want := range map[int64][2]string{
		0: {"0", "0"}, 999: {"999", "999"}, 1000: {"1.000", "1,000"}, 1500000: {"1.500.000", "1,500,000"}, -1500000: {"-1.500.000", "-1,500,000"},
		5695680: {"5.695.680", "5,695,680"}, math.MinInt64: {"-9.223.372.036.854.775.808", "-9,223,372,036,854,775,808"},
	} {
		if got := [2]string{FormatInt(n, "vi"), FormatInt(n, "en")}; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for _, c := range []struct {
		f        float64
		decimals int
		want     string
	}{{31.9, -1, "31,9"}, {32, -1, "32"}, {32, 1, "32,0"}, {1234.5, 2, "1.234,50"}, {-0.5, -1, "-0,5"}} {
		if got := FormatDecimal(c.f, c.decimals, "vi"); got != c.want {
			t.Errorf("%v with %d decimals: %q, want %q", c.f, c.decimals, got, c.want)
		}
	}
	if got := FormatHundredths(-426, "vi"); got != "-4,26" {
		t.Errorf("a fall of 4.26 points: %q", got)
	}
}

func TestTalliesAddAndSubtractEveryField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b Tally
		for _, f := range append(a.fields(), b.fields()...) {
			*f = rapid.Int64Range(0, 1e9).Draw(t, "count")
		}
		sum := a
		sum.Add(b)
		for i, f := range sum.fields() {
			if *f != *a.fields()[i]+*b.fields()[i] {
				t.Fatalf("field %d: %d", i, *f)
			}
		}
		sum.Sub(b)
		if sum != a {
			t.Fatalf("(a+b)-b is %+v, want %+v", sum, a)
		}
		sum.Sub(a)
		if !sum.IsZero() {
			t.Fatalf("a-a is %+v", sum)
		}
	})
}

func TestATallyCountsTheCertainAndThePossible(t *testing.T) {
	var tally Tally
	for _, h := range []household{lacking(3), lacking(2), lacking(3).with(w{"b1_score": 141}), lacking(2).with(w{"internet_use": nil}), lacking(3).with(w{"b1_score": nil, "income_per_capita": nil})} {
		tally.Count(judge(t, h, AreaRural), 2)
	}
	want := Tally{Interviewed: 5, Poor: 1, NearPoor: 1, NotPoor: 1, Undetermined: 2, Persons: 10, PoorPersons: 2, NearPoorPersons: 2,
		PoorLow: 1, PoorHigh: 3, NearPoorLow: 1, NearPoorHigh: 2}
	if tally != want {
		t.Errorf("tally\n%+v, want\n%+v", tally, want)
	}
}

package survey

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The oracle judges a complete household by the text of the rules, in plain Go that shares nothing with the judge. An
// incomplete household is judged by trying every way of filling it in.

type truePerson struct {
	months                                            int
	sex, work, attending, degree, certified           string
	insurance, assistance, disabled, stunted, underwt string
}

type trueHousehold struct {
	people                             []truePerson
	wall, column, roof, water, toilet  string
	internet, tv, radio, phone, laptop string
	area                               float64
}

// oracle gives yes, no or na for the twelve indicators of vn-2021, in their order, in a review of 2026.
func (h *trueHousehold) oracle() [12]Verdict {
	var out [12]Verdict
	for i := range out {
		out[i] = NA
	}
	mark := func(i int, applies, deprived bool) {
		if !applies {
			return
		}
		if deprived {
			out[i] = Yes
		} else if out[i] == NA {
			out[i] = No
		}
	}
	dependents := 0
	for _, p := range h.people {
		years := p.months / 12
		retires := 61*12 + 6
		if p.sex == "female" {
			retires = 57 * 12
		}
		mark(0, years >= 15 && p.months < retires, p.work == "unemployed" || p.work == "wage_no_contract")
		if years < 16 || (p.assistance == "yes" && (years >= 60 || p.disabled == "yes")) {
			dependents++
		}
		mark(2, years < 16, p.stunted == "yes" || p.underwt == "yes")
		mark(3, years >= 6, p.insurance == "no")
		mark(4, years >= 16 && years <= 30, !p.educated(years))
		mark(5, years >= 3 && years < 16, !p.schooled(years))
	}
	mark(1, true, 2*dependents > len(h.people))
	soft := 0
	for _, part := range []string{h.wall, h.column, h.roof} {
		if part == "non_durable" {
			soft++
		}
	}
	mark(6, true, soft >= 2)
	mark(7, true, h.area < 8*float64(len(h.people)))
	mark(8, true, !slices.Contains([]string{"tap", "drilled_well", "protected_dug_well", "protected_spring", "rain", "bottled"}, h.water))
	mark(9, true, !slices.Contains([]string{"septic", "semi_septic", "pour_flush", "vip", "two_compartment"}, h.toilet))
	mark(10, true, h.internet == "no")
	mark(11, true, h.tv == "no" && h.radio == "no" && h.phone == "no" && h.laptop == "no")
	return out
}

var schools = []string{"none", "preschool", "primary", "lower_secondary", "upper_secondary", "vocational", "college", "university"}
var degrees = []string{"none", "primary", "lower_secondary", "upper_secondary", "vocational_elementary", "vocational_intermediate", "college", "university"}

func (p *truePerson) schooled(years int) bool {
	level := slices.Index(schools, p.attending)
	switch {
	case years < 6:
		return level >= 1
	case years < 12:
		return level >= 2
	}
	return level >= 3
}

func (p *truePerson) educated(years int) bool {
	school, degree := "lower_secondary", "lower_secondary"
	if years >= 18 {
		school, degree = "upper_secondary", "upper_secondary"
	}
	if slices.Index(schools, p.attending) >= slices.Index(schools, school) || slices.Index(degrees, p.degree) >= slices.Index(degrees, degree) {
		return true
	}
	return years >= 18 && p.certified == "yes"
}

// field is one answer of a generated household: where the oracle keeps it and what it may be.
type field struct {
	unit   string
	domain []string
	set    func(h *trueHousehold, value string)
}

var yesNo = []string{"yes", "no"}

func fieldsOfHousehold() []field {
	parts := []string{"durable", "non_durable"}
	return []field{
		{"house_wall", parts, func(h *trueHousehold, v string) { h.wall = v }},
		{"house_column", parts, func(h *trueHousehold, v string) { h.column = v }},
		{"house_roof", parts, func(h *trueHousehold, v string) { h.roof = v }},
		{"water", []string{"tap", "drilled_well", "protected_dug_well", "protected_spring", "rain", "bottled", "unprotected_dug_well", "unprotected_spring", "surface", "other"},
			func(h *trueHousehold, v string) { h.water = v }},
		{"toilet", []string{"septic", "semi_septic", "pour_flush", "vip", "two_compartment", "other", "none"}, func(h *trueHousehold, v string) { h.toilet = v }},
		{"internet_use", yesNo, func(h *trueHousehold, v string) { h.internet = v }},
		{"means/tv", yesNo, func(h *trueHousehold, v string) { h.tv = v }},
		{"means/radio", yesNo, func(h *trueHousehold, v string) { h.radio = v }},
		{"means/phone", yesNo, func(h *trueHousehold, v string) { h.phone = v }},
		{"means/laptop", yesNo, func(h *trueHousehold, v string) { h.laptop = v }},
	}
}

func fieldsOfPerson(i int) []field {
	m := fmt.Sprintf("m/p%d/", i)
	at := func(set func(p *truePerson, v string)) func(*trueHousehold, string) {
		return func(h *trueHousehold, v string) { set(&h.people[i], v) }
	}
	return []field{
		{m + "sex", []string{"male", "female"}, at(func(p *truePerson, v string) { p.sex = v })},
		{m + "work", []string{"wage_contract", "wage_no_contract", "self_employed", "unemployed", "studying", "homemaker", "retired", "not_seeking", "unable"},
			at(func(p *truePerson, v string) { p.work = v })},
		{m + "attending", schools, at(func(p *truePerson, v string) { p.attending = v })},
		{m + "degree", degrees, at(func(p *truePerson, v string) { p.degree = v })},
		{m + "job_certified", yesNo, at(func(p *truePerson, v string) { p.certified = v })},
		{m + "health_insurance", yesNo, at(func(p *truePerson, v string) { p.insurance = v })},
		{m + "social_assistance", yesNo, at(func(p *truePerson, v string) { p.assistance = v })},
		{m + "disabled", yesNo, at(func(p *truePerson, v string) { p.disabled = v })},
		{m + "stunted", yesNo, at(func(p *truePerson, v string) { p.stunted = v })},
		{m + "underweight", yesNo, at(func(p *truePerson, v string) { p.underwt = v })},
	}
}

var reviewDay = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// monthsOld counts completed months one by one.
func monthsOld(birth time.Time) int {
	n := (reviewDay.Year()-birth.Year())*12 + int(reviewDay.Month()) - int(birth.Month())
	if birth.Day() > reviewDay.Day() {
		n--
	}
	return n
}

// possibleMonths are the ages a birth as written allows, found day by day.
func possibleMonths(birth string) []int {
	if birth == "" {
		var all []int
		for m := range 100*12 + 12 {
			all = append(all, m)
		}
		return all
	}
	var ages []int
	for d := reviewDay; d.Year() > 1900; d = d.AddDate(0, 0, -1) {
		text := d.Format(time.DateOnly)
		if strings.HasPrefix(text, birth) {
			ages = append(ages, monthsOld(d))
		} else if len(ages) > 0 {
			break
		}
	}
	slices.Sort(ages)
	return slices.Compact(ages)
}

// blank is one answer left open, with the values that may stand there.
type blank struct {
	unit string
	n    int
	fill func(h *trueHousehold, k int)
}

// generated is a random household: its answers, the truth where it is known, and what is open.
type generated struct {
	answers w
	truth   trueHousehold
	blanks  []blank
}

const maxFillings = 1500

func generate(t *rapid.T) *generated {
	people := rapid.IntRange(1, 3).Draw(t, "people")
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 7))
	g := &generated{answers: w{"review_date": "2026-10-01", "means/desktop": "no", "means/tablet": "no", "means/smartphone": "no"}, truth: trueHousehold{people: make([]truePerson, people)}}
	fields := fieldsOfHousehold()
	for i := range people {
		fields = append(fields, fieldsOfPerson(i)...)
	}
	open := rapid.IntRange(0, 5).Draw(t, "open")
	fillings := 1
	for range open {
		f := fields[rnd.IntN(len(fields))]
		if fillings*len(f.domain) > maxFillings || slices.ContainsFunc(g.blanks, func(b blank) bool { return b.unit == f.unit }) {
			continue
		}
		fillings *= len(f.domain)
		g.blanks = append(g.blanks, blank{f.unit, len(f.domain), func(h *trueHousehold, k int) { f.set(h, f.domain[k]) }})
	}
	for _, f := range fields {
		if slices.ContainsFunc(g.blanks, func(b blank) bool { return b.unit == f.unit }) {
			continue
		}
		value := f.domain[rnd.IntN(len(f.domain))]
		f.set(&g.truth, value)
		g.answers[f.unit] = value
	}
	for i := range people {
		g.birth(rnd, i, &fillings)
	}
	g.truth.area = float64(rnd.IntN(280)) / 10
	g.answers["house_area"] = g.truth.area
	return g
}

// birth gives a person a birth that is a day, a month, a year or nothing, most often near an age at which a rule turns.
func (g *generated) birth(rnd *rand.Rand, i int, fillings *int) {
	years := []int{0, 3, 6, 12, 15, 16, 18, 30, 31, 57, 60, 61, 62, 70}[rnd.IntN(14)]
	day := reviewDay.AddDate(-years, rnd.IntN(13)-6, rnd.IntN(5)-2)
	if day.After(reviewDay) {
		day = reviewDay
	}
	text := day.Format(time.DateOnly)[:[]int{10, 10, 10, 7, 4, 4, 0}[rnd.IntN(7)]]
	ages := possibleMonths(text)
	if *fillings*len(ages) > maxFillings {
		text = day.Format(time.DateOnly)
		ages = possibleMonths(text)
	}
	*fillings *= len(ages)
	unit := fmt.Sprintf("m/p%d/birth", i)
	if text != "" {
		g.answers[unit] = text
	}
	if len(ages) == 1 {
		g.truth.people[i].months = ages[0]
		return
	}
	g.blanks = append(g.blanks, blank{unit, len(ages), func(h *trueHousehold, k int) { h.people[i].months = ages[k] }})
}

// fillings calls f with each complete household the answers allow.
func (g *generated) fillings(f func(h *trueHousehold)) {
	var walk func(i int)
	walk = func(i int) {
		if i == len(g.blanks) {
			f(&g.truth)
			return
		}
		for k := range g.blanks[i].n {
			g.blanks[i].fill(&g.truth, k)
			walk(i + 1)
		}
	}
	walk(0)
}

// possible is, for each indicator, what the fillings give.
func (g *generated) possible() [12]verdicts {
	var sets [12]verdicts
	g.fillings(func(h *trueHousehold) {
		for i, v := range h.oracle() {
			sets[i] |= [...]verdicts{Yes: canYes, No: canNo, NA: canNA}[v]
		}
	})
	return sets
}

func TestVerdictsAreExactlyWhatEveryFillingAgreesOn(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	rapid.Check(t, func(t *rapid.T) {
		g := generate(t)
		got := j.Judge(readRapid(t, g.answers), AreaRural, Options{})
		for i, set := range g.possible() {
			if want := set.one(); got.Indicators[i] != want {
				t.Fatalf("%s is %v, every filling together gives %v\nanswers %v", j.std.Indicators[i].Code, got.Indicators[i], want, g.answers)
			}
		}
	})
}

func TestTheClassContradictsNoFillingAndIsWithheldOnlyWhereTwoWouldDiffer(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	rapid.Check(t, func(t *rapid.T) {
		g := generate(t)
		side := rapid.SampledFrom([]string{"yes", "no", "unknown"}).Draw(t, "income side")
		if side != "unknown" {
			g.answers["b1_score"] = map[string]int{"yes": 140, "no": 141}[side]
		}
		got := j.Judge(readRapid(t, g.answers), AreaRural, Options{})
		classOf := func(yes int, onSide bool) Class {
			switch {
			case !onSide:
				return NotPoor
			case yes >= 3:
				return Poor
			}
			return NearPoor
		}
		sides := map[string][]bool{"yes": {true}, "no": {false}, "unknown": {true, false}}[side]
		g.fillings(func(h *trueHousehold) {
			yes := 0
			for _, v := range h.oracle() {
				if v == Yes {
					yes++
				}
			}
			for _, s := range sides {
				if class := classOf(yes, s); !got.Possible.Has(class) || (got.Class != Undetermined && got.Class != class) {
					t.Fatalf("the class is %s (possible %b), a filling gives %s\nanswers %v", got.Class, got.Possible, class, g.answers)
				}
			}
		})
		// Indicators independent of one another: every count between the least and the greatest is a point.
		least, most := 0, 0
		for _, set := range g.possible() {
			if set == canYes {
				least++
			}
			if set&canYes != 0 {
				most++
			}
		}
		points := map[Class]bool{}
		for n := least; n <= most; n++ {
			for _, s := range sides {
				points[classOf(n, s)] = true
			}
		}
		if (len(points) > 1) != (got.Class == Undetermined) {
			t.Fatalf("the class is %s, the points are %v\nanswers %v", got.Class, points, g.answers)
		}
	})
}

func TestUndecidedNamesExactlyTheAnswersThatChangeAnUnknownVerdict(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	rapid.Check(t, func(t *rapid.T) {
		g := generate(t)
		g.answers["b1_score"] = 141 // not poor whatever is open: Undecided names all that leaves an indicator open
		got := j.Judge(readRapid(t, g.answers), AreaRural, Options{})
		if len(got.Deciding) > 0 {
			t.Fatalf("the class is given, yet %v would decide it", got.Deciding)
		}
		named := map[string]bool{}
		for _, u := range got.Undecided {
			named[u] = true
		}
		if !slices.IsSorted(got.Undecided) {
			t.Fatalf("not sorted: %v", got.Undecided)
		}
		for _, b := range g.blanks {
			delete(named, b.unit)
		}
		if len(named) > 0 {
			t.Fatalf("named although answered: %v\nanswers %v", named, g.answers)
		}
		if open := slices.Contains(got.Indicators, Unknown); open != (len(got.Undecided) > 0) {
			t.Fatalf("unknown verdicts %v, named %v", got.IndicatorMap(), got.Undecided)
		}
		// Filling in what is named, in any way, leaves nothing unknown.
		for _, b := range g.blanks {
			if slices.Contains(got.Undecided, b.unit) {
				written, _ := g.answers[b.unit].(string)
				g.answers[b.unit] = anyAnswer(t, b.unit, written)
			}
		}
		if after := j.Judge(readRapid(t, g.answers), AreaRural, Options{}); slices.Contains(after.Indicators, Unknown) {
			t.Fatalf("all of %v was answered, still unknown: %v\nanswers %v", got.Undecided, after.Undecided, g.answers)
		}
	})
}

// anyAnswer is some answer to a unit; a birth of which the year or month is written is some day of it.
func anyAnswer(t *rapid.T, unit, written string) string {
	if strings.HasSuffix(unit, "/birth") {
		first, _ := ParseBirth(written)
		if written == "" {
			return rapid.SampledFrom([]string{"2020-10-01", "2009-03-04", "2001-12-31", "1965-04-01", "1930-05-06"}).Draw(t, unit)
		}
		day := time.Date(first.First.Year, time.Month(first.First.Month), 1, 0, 0, 0, 0, time.UTC)
		for {
			at := day.AddDate(0, 0, rapid.IntRange(0, 365).Draw(t, unit))
			if text := at.Format(time.DateOnly); strings.HasPrefix(text, written) && !at.After(reviewDay) {
				return text
			}
		}
	}
	for _, f := range append(fieldsOfHousehold(), slices.Concat(fieldsOfPerson(0), fieldsOfPerson(1), fieldsOfPerson(2))...) {
		if f.unit == unit {
			return rapid.SampledFrom(f.domain).Draw(t, unit)
		}
	}
	t.Fatalf("no such answer: %s", unit)
	return ""
}

func readRapid(t *rapid.T, answers w) *Interview {
	b := builder{}
	for unit, v := range answers {
		switch v := v.(type) {
		case string:
			b.add(unit, `"`+v+`"`, nil)
		default:
			b.add(unit, fmt.Sprint(v), nil)
		}
	}
	return b.interview()
}

func TestTheOracleKnowsAComeOfAgeHousehold(t *testing.T) {
	if got := possibleMonths("2008"); got[0] != 17*12+9 || got[len(got)-1] != 18*12+9 {
		t.Errorf("born in 2008: %v", got)
	}
	// Born in 2008, so 17 or 18, attending nothing, no degree: deprived either way.
	g := judge(t, household(calm()).with(w{"m/a/birth": "2008", "m/a/degree": "none"}), AreaRural)
	if g.Verdict("adult_education") != Yes {
		t.Errorf("17 or 18, attending nothing, no degree: %v", g.Verdict("adult_education"))
	}
}

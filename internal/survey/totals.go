package survey

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Tally counts the households of one area. Counts of larger areas are sums of smaller ones; the difference of two tallies is
// what a change moved.
type Tally struct {
	Resident, ResidentPersons int64 // entered or imported with their own source, never counted from interviews
	Listed                    int64 // households to review: last list, requests, the board's word
	Interviewed               int64
	Visited                   int64 // seen and not interviewed: moved, refused, not found …

	Poor, NearPoor, NotPoor, Undetermined int64
	Persons                               int64 // members of interviewed households
	PoorPersons, NearPoorPersons          int64
	AverageLiving, AverageLivingPersons   int64

	OpenConflicts int64 // open units
	// What the open answers allow: the surely poor and those that may be.
	PoorLow, PoorHigh, NearPoorLow, NearPoorHigh int64
}

func (t *Tally) fields() []*int64 {
	return []*int64{&t.Resident, &t.ResidentPersons, &t.Listed, &t.Interviewed, &t.Visited, &t.Poor, &t.NearPoor, &t.NotPoor,
		&t.Undetermined, &t.Persons, &t.PoorPersons, &t.NearPoorPersons, &t.AverageLiving, &t.AverageLivingPersons,
		&t.OpenConflicts, &t.PoorLow, &t.PoorHigh, &t.NearPoorLow, &t.NearPoorHigh}
}

// Add adds another tally.
func (t *Tally) Add(o Tally) {
	from := o.fields()
	for i, f := range t.fields() {
		*f += *from[i]
	}
}

// Sub takes another tally away.
func (t *Tally) Sub(o Tally) {
	from := o.fields()
	for i, f := range t.fields() {
		*f -= *from[i]
	}
}

// IsZero tells whether nothing is counted.
func (t Tally) IsZero() bool { return t == Tally{} }

// Count counts one interviewed household with its judgement and number of members.
func (t *Tally) Count(g *Judgement, persons int) {
	n := int64(persons)
	t.Interviewed++
	t.Persons += n
	switch g.Class {
	case Poor:
		t.Poor++
		t.PoorPersons += n
		t.PoorLow++
	case NearPoor:
		t.NearPoor++
		t.NearPoorPersons += n
		t.NearPoorLow++
	case NotPoor:
		t.NotPoor++
	default:
		t.Undetermined++
	}
	if g.Possible.Has(Poor) {
		t.PoorHigh++
	}
	if g.Possible.Has(NearPoor) {
		t.NearPoorHigh++
	}
	if g.AverageLiving == Yes.String() {
		t.AverageLiving++
		t.AverageLivingPersons += n
	}
}

// CountVisited counts a household that was visited and not interviewed, by its outcome.
func (t *Tally) CountVisited() { t.Visited++ }

// Why there is no rate. Over 100 % the number of all resident households is wrong or missing: ask for it again.
var (
	ErrRate     = errors.New("rate over 100 %")
	ErrNegative = errors.New("rate of a negative count")
)

// Rate is n of of in percent, written the Vietnamese way, see [RateIn].
func Rate(n, of int64) (text string, ok bool, err error) { return RateIn(n, of, "vi") }

// RateIn is n of of in percent with two decimals, half rounded up, in the language's way of writing numbers. It is blank
// when of is 0: no rate is not a rate of 0. Negative counts and rates over 100 % are refused.
func RateIn(n, of int64, lang string) (text string, ok bool, err error) {
	switch {
	case n < 0 || of < 0:
		return "", false, ErrNegative
	case of == 0:
		return "", false, nil
	case n > of:
		return "", false, ErrRate
	}
	return FormatHundredths(Hundredths(n, of), lang), true, nil
}

// Hundredths is n of of in hundredths of a percent, half rounded up; 0 when of is 0.
func Hundredths(n, of int64) int64 {
	if of == 0 {
		return 0
	}
	x := new(big.Int).Mul(big.NewInt(n), big.NewInt(20000))
	x.Add(x, big.NewInt(of))
	return x.Div(x, new(big.Int).Mul(big.NewInt(of), big.NewInt(2))).Int64()
}

// FormatHundredths writes hundredths with two decimals: 1640 is "16,40".
func FormatHundredths(h int64, lang string) string {
	sign := ""
	if h < 0 {
		sign, h = "-", -h
	}
	whole := FormatInt(h/100, lang)
	rest := strconv.FormatInt(100+h%100, 10)[1:]
	return sign + whole + decimalMark(lang) + rest
}

// FormatInt writes a whole number in groups of three: 1.500.000 in Vietnamese, 1,500,000 in English.
func FormatInt(n int64, lang string) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	group := "."
	if lang == "en" {
		group = ","
	}
	var b strings.Builder
	b.WriteString(sign)
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// FormatDecimal writes a number with this many decimals (-1: as many as it has): 31,9 in Vietnamese, 31.9 in English.
func FormatDecimal(f float64, decimals int, lang string) string {
	s := strconv.FormatFloat(f, 'f', decimals, 64)
	whole, rest, has := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return s
	}
	out := FormatInt(n, lang)
	if n == 0 && strings.HasPrefix(whole, "-") {
		out = "-0"
	}
	if has {
		out += decimalMark(lang) + rest
	}
	return out
}

func decimalMark(lang string) string {
	if lang == "en" {
		return "."
	}
	return ","
}

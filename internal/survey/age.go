package survey

import "github.com/rasoat/rasoat/schema"

// Bounds of ages. A birth that is not known stands for any age from 0 to 100 completed years; the tables of the judge
// reach further, so that the oldest person known is judged by the real age.
const (
	maxUnknownAge = 100*12 + 11 // months
	maxAge        = 130*12 + 11 // months
)

// Months is the set of ages in completed months somebody may have on the day of review: all of From to To.
type Months struct{ From, To int }

// anyAge is what a missing birth, or a birth that cannot be read, stands for.
var anyAge = Months{0, maxUnknownAge}

// Years are the completed years of both ends.
func (m Months) Years() (from, to int) { return m.From / 12, m.To / 12 }

// Exact tells whether the completed years are known.
func (m Months) Exact() bool { return m.From/12 == m.To/12 }

// Day is a calendar day; the zero Day is no day.
type Day struct{ Year, Month, Day int }

// ParseDay reads YYYY-MM-DD.
func ParseDay(s string) (Day, bool) {
	b, ok := ParseBirth(s)
	return b.First, ok && b.Precision == PrecisionDay
}

// before tells whether d is an earlier day than o.
func (d Day) before(o Day) bool {
	if d.Year != o.Year {
		return d.Year < o.Year
	}
	if d.Month != o.Month {
		return d.Month < o.Month
	}
	return d.Day < o.Day
}

// monthsUntil is the age in completed months on day o. Born on the 31st, a month is complete on the 1st after a shorter
// one; born on 29 February, a year is complete on 1 March.
func (d Day) monthsUntil(o Day) int {
	n := (o.Year-d.Year)*12 + o.Month - d.Month
	if o.Day < d.Day {
		n--
	}
	return n
}

// Precision says how much of a birth is known. It is part of the value: many older people know only the year.
type Precision uint8

const (
	PrecisionYear Precision = iota + 1
	PrecisionMonth
	PrecisionDay
)

// Birth is a date of birth as far as it is known: any day from First to Last.
type Birth struct {
	First, Last Day
	Precision   Precision
}

// ParseBirth reads YYYY, YYYY-MM or YYYY-MM-DD and refuses days the calendar does not have.
func ParseBirth(s string) (Birth, bool) {
	var year, month, day int
	var ok bool
	switch len(s) {
	case 4:
		year, ok = digits(s)
		return Birth{Day{year, 1, 1}, Day{year, 12, 31}, PrecisionYear}, ok && year > 0
	case 7, 10:
		if s[4] != '-' {
			return Birth{}, false
		}
		var okMonth bool
		year, ok = digits(s[:4])
		month, okMonth = digits(s[5:7])
		if !ok || !okMonth || year == 0 || month < 1 || month > 12 {
			return Birth{}, false
		}
	default:
		return Birth{}, false
	}
	if len(s) == 7 {
		return Birth{Day{year, month, 1}, Day{year, month, daysIn(year, month)}, PrecisionMonth}, true
	}
	day, ok = digits(s[8:])
	if !ok || s[7] != '-' || day < 1 || day > daysIn(year, month) {
		return Birth{}, false
	}
	d := Day{year, month, day}
	return Birth{d, d, PrecisionDay}, true
}

// Age is the ages this birth allows on the day of review. Days after the review are left out; when all of them are, the
// birth cannot be right and ok is false. So it is for somebody of more than 130 years.
func (b Birth) Age(review Day) (age Months, ok bool) {
	if review.before(b.First) {
		return anyAge, false
	}
	last := b.Last
	if review.before(last) {
		last = review
	}
	age = Months{last.monthsUntil(review), b.First.monthsUntil(review)}
	if age.To > maxAge {
		return anyAge, false
	}
	return age, true
}

// fault is why there is no age on the day of review; "" when there is one.
func (b Birth) fault(review Day) string {
	switch _, ok := b.Age(review); {
	case ok:
		return ""
	case b.Last.before(review):
		return "birth_too_old"
	}
	return "birth_after_review"
}

func birthFault(text string, review Day) string {
	b, ok := ParseBirth(text)
	if !ok {
		return ""
	}
	return b.fault(review)
}

// RetirementMonths is the retirement age in the year of review, by sex ("male", "female").
func RetirementMonths(std *schema.Standard, sex string, year int) int {
	if sex == "female" {
		return std.Retirement.Women.Months(year)
	}
	return std.Retirement.Men.Months(year)
}

func digits(s string) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

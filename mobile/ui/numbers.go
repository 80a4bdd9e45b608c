package ui

import (
	"fmt"
	"strings"
	"time"
)

// readNumber reads a number as people here write it: "32,5", "1.500.000", "1500000", also "1 500 000" and "32.5". It answers
// the number in plain digits ("32.5"), or the key of what to tell the person. A point before exactly three digits groups
// thousands; a comma is always the decimal mark.
func readNumber(text string, decimals int) (plain, problem string) {
	s := strings.NewReplacer(" ", "", "\u00a0", "").Replace(strings.TrimSpace(text))
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	}
	if s == "" {
		return "", "number.none"
	}
	whole, frac, comma := strings.Cut(s, ",")
	if !comma && strings.Count(s, ".") == 1 {
		if i := strings.IndexByte(s, '.'); len(s)-i-1 != 3 || i == 0 || i > 3 || decimals > 3 {
			whole, frac, comma = s[:i], s[i+1:], true
		}
	}
	groups := strings.Split(whole, ".")
	for i, g := range groups {
		if !onlyDigits(g) || (len(groups) > 1 && ((i > 0 && len(g) != 3) || (i == 0 && len(g) > 3))) {
			return "", "number.unclear"
		}
	}
	whole = strings.TrimLeft(strings.Join(groups, ""), "0")
	if whole == "" {
		whole = "0"
	}
	if len(whole) > 15 {
		return "", "number.long"
	}
	if !comma {
		return sign + whole, ""
	}
	if !onlyDigits(frac) {
		return "", "number.unclear"
	}
	if decimals == 0 {
		return "", "number.whole"
	}
	if len(strings.TrimRight(frac, "0")) > decimals {
		return "", "number.decimals"
	}
	if frac = strings.TrimRight(frac, "0"); frac == "" {
		return sign + whole, ""
	}
	return sign + whole + "." + frac, ""
}

func onlyDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// writeNumber is a plain number as people here write it: "1500000" becomes "1.500.000", "32.5" becomes "32,5".
func writeNumber(plain string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(plain, "-"); ok {
		sign, plain = "-", rest
	}
	whole, frac, has := strings.Cut(plain, ".")
	if !onlyDigits(whole) || (has && !onlyDigits(frac)) {
		return sign + plain // 1e6 and the like: shown as it is
	}
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteRune(c)
	}
	if has {
		b.WriteString("," + frac)
	}
	return sign + b.String()
}

// joinDate makes YYYY, YYYY-MM or YYYY-MM-DD of what stands in the three fields. A whole date is wanted unless part may be
// left out. When the year has two digits, suggest is the year it may stand for.
func joinDate(day, month, year string, partial bool, now time.Time) (value, problem string, suggest int) {
	day, month, year = strings.TrimSpace(day), strings.TrimSpace(month), strings.TrimSpace(year)
	switch {
	case day == "" && month == "" && year == "":
		return "", "", 0
	case !onlyDigits(year):
		return "", "date.year", 0
	case len(year) <= 2:
		return "", "date.short", fullYear(year, now.Year())
	case len(year) != 4:
		return "", "date.year", 0
	case month == "" && day == "" && partial:
		return year, "", 0
	case month == "":
		return "", "date.month", 0
	}
	m, ok := between(month, 1, 12)
	if !ok {
		return "", "date.month", 0
	}
	if day == "" {
		if partial {
			return fmt.Sprintf("%s-%02d", year, m), "", 0
		}
		return "", "date.day", 0
	}
	y, _ := between(year, 0, 9999)
	d, ok := between(day, 1, time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day())
	if !ok {
		return "", "date.day", 0
	}
	return fmt.Sprintf("%s-%02d-%02d", year, m, d), "", 0
}

// fullYear is the last year not after this one that ends in the digits typed: 62 is 1962, 15 is 2015.
func fullYear(short string, thisYear int) int {
	n, _ := between(short, 0, 99)
	year := thisYear/100*100 + n
	if year > thisYear {
		year -= 100
	}
	return year
}

func between(s string, low, high int) (int, bool) {
	if !onlyDigits(s) || len(s) > 4 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n, n >= low && n <= high
}

// writeDate shows YYYY, YYYY-MM or YYYY-MM-DD as 1962, 5/1962, 24/5/1962.
func writeDate(value string) string {
	parts := strings.Split(value, "-")
	for i := range parts[1:] {
		parts[i+1] = strings.TrimLeft(parts[i+1], "0")
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, "/")
}

// writeBytes is a size for a person: 812 B, 3,4 KB.
func writeBytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return strings.Replace(fmt.Sprintf("%.1f KB", float64(n)/1000), ".", ",", 1)
	}
	return strings.Replace(fmt.Sprintf("%.1f MB", float64(n)/1e6), ".", ",", 1)
}

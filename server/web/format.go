package web

import (
	"strconv"
	"strings"
	"time"
)

// vietnam is the zone in which all pages show times: it has had no summer time since 1979, and a page must not depend on a
// zone database on an office's old machine.
var vietnam = time.FixedZone("ICT", 7*60*60)

// number writes a whole number with its thousands apart: 1.425 in Vietnamese, 1,425 in English.
func number(n int64, lang string) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "−", s[1:]
	}
	sep := "."
	if lang == "en" {
		sep = ","
	}
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + sep + s[at:]
	}
	return sign + s
}

// numeral writes a number as it stands in an answer ("32.5", "1500000") the language's way; what is no number stays as it is.
func numeral(s, lang string) string {
	whole, rest, hasRest := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(whole) > 15 {
		return s
	}
	out := number(n, lang)
	if n == 0 && strings.HasPrefix(whole, "-") {
		out = "−" + out
	}
	if !hasRest {
		return out
	}
	if lang == "en" {
		return out + "." + rest
	}
	return out + "," + rest
}

// date writes a day given as YYYY-MM-DD, YYYY-MM or YYYY; anything else is shown as it stands.
func date(s, lang string) string {
	for _, f := range []struct{ in, vi, en string }{
		{"2006-01-02", "02/01/2006", "2 Jan 2006"}, {"2006-01", "01/2006", "Jan 2006"}, {"2006", "2006", "2006"},
	} {
		if t, err := time.Parse(f.in, s); err == nil {
			if lang == "en" {
				return t.Format(f.en)
			}
			return t.Format(f.vi)
		}
	}
	return s
}

// moment writes Unix milliseconds as a day and a time in Viet Nam; 0 is "".
func moment(ms int64, lang string) string {
	if ms == 0 {
		return ""
	}
	t := time.UnixMilli(ms).In(vietnam)
	if lang == "en" {
		return t.Format("2 Jan 2006 15:04")
	}
	return t.Format("15:04 02/01/2006")
}

// day is the day in Viet Nam of Unix milliseconds, as YYYY-MM-DD.
func day(ms int64) string { return time.UnixMilli(ms).In(vietnam).Format(time.DateOnly) }

// ago says in words how long ago it was, in the largest unit that fits.
func ago(ms, now int64, lang string) string {
	minutes := (now - ms) / 60000
	switch {
	case ms == 0:
		return word(lang, "ago.never")
	case minutes < 1:
		return word(lang, "ago.now")
	case minutes < 60:
		return word(lang, "ago.minutes", minutes)
	case minutes < 48*60:
		return word(lang, "ago.hours", minutes/60)
	}
	return word(lang, "ago.days", minutes/60/24)
}

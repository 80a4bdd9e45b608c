package central

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
)

// The columns of the table counter, in order.
const (
	tListed = iota
	tInterviews
	tInterviewed
	tComplete
	tVisited // visited, not interviewed: absent, not found, refused, moved, dissolved
	tWaiting // listed or begun, and nobody has been there
	tPoor
	tNearPoor
	tNotPoor
	tUndetermined
	tPoorLow
	tPoorHigh
	tNearLow
	tNearHigh
	tPersons
	tPoorPersons
	tNearPersons
	tAverage // average living standard
	tAveragePersons
	tConflicts
	tallyColumns
)

var counterColumns = [tallyColumns]string{"listed", "interviews", "interviewed", "complete", "visited", "waiting", "poor", "near_poor", "not_poor",
	"undetermined", "poor_low", "poor_high", "near_low", "near_high", "persons", "poor_persons", "near_persons", "average", "average_persons", "conflicts"}

// tally is what one interview, or all of an area, adds to the counters.
type tally [tallyColumns]int64

func (t *tally) add(o tally, sign int64) {
	for i := range t {
		t[i] += sign * o[i]
	}
}

// judged counts one interviewed household.
func (t *tally) judged(c survey.Tally) {
	t[tInterviewed], t[tPersons] = c.Interviewed, c.Persons
	t[tPoor], t[tNearPoor], t[tNotPoor], t[tUndetermined] = c.Poor, c.NearPoor, c.NotPoor, c.Undetermined
	t[tPoorLow], t[tPoorHigh], t[tNearLow], t[tNearHigh] = c.PoorLow, c.PoorHigh, c.NearPoorLow, c.NearPoorHigh
	t[tPoorPersons], t[tNearPersons], t[tAverage], t[tAveragePersons] = c.PoorPersons, c.NearPoorPersons, c.AverageLiving, c.AverageLivingPersons
}

// survey gives the counts in the survey's words.
func (t *tally) survey() survey.Tally {
	return survey.Tally{
		Listed: t[tListed], Interviewed: t[tInterviewed], Visited: t[tVisited], Persons: t[tPersons],
		Poor: t[tPoor], NearPoor: t[tNearPoor], NotPoor: t[tNotPoor], Undetermined: t[tUndetermined],
		PoorLow: t[tPoorLow], PoorHigh: t[tPoorHigh], NearPoorLow: t[tNearLow], NearPoorHigh: t[tNearHigh],
		PoorPersons: t[tPoorPersons], NearPoorPersons: t[tNearPersons], AverageLiving: t[tAverage], AverageLivingPersons: t[tAveragePersons],
		OpenConflicts: t[tConflicts],
	}
}

// counted is an interview's tally with the areas it was added to, so that exactly that can be taken out again, whatever the
// area table has become since.
type counted struct {
	areas []string
	tally tally
}

// String is the form of record.tally: areas with one space between, "|", the sparse counts.
func (c counted) String() string {
	if len(c.areas) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(strings.Join(c.areas, " "))
	b.WriteByte('|')
	for i, n := range c.tally {
		if n != 0 {
			b.WriteString(strconv.Itoa(i))
			b.WriteByte(':')
			b.WriteString(strconv.FormatInt(n, 10))
			b.WriteByte(' ')
		}
	}
	return strings.TrimSuffix(b.String(), " ")
}

func parseCounted(text string) (c counted, err error) {
	areas, counts, ok := strings.Cut(text, "|")
	if text == "" {
		return c, nil
	}
	c.areas = strings.Fields(areas)
	for _, f := range strings.Fields(counts) {
		at, n, _ := strings.Cut(f, ":")
		i, err1 := strconv.Atoi(at)
		v, err2 := strconv.ParseInt(n, 10, 64)
		if !ok || err1 != nil || err2 != nil || i < 0 || i >= tallyColumns {
			return c, fmt.Errorf("a record's tally cannot be read: %q", text)
		}
		c.tally[i] = v
	}
	return c, nil
}

// counterKey names one row of the table counter.
type counterKey struct{ area, round, standard string }

type counters map[counterKey]*tally

func (c counters) add(round, standard string, x counted, sign int64) {
	for _, area := range x.areas {
		key := counterKey{area, round, standard}
		if c[key] == nil {
			c[key] = new(tally)
		}
		c[key].add(x.tally, sign)
	}
}

// keys returns the keys that change something, sorted: all transactions lock counters in this order.
func (c counters) keys() []counterKey {
	var keys []counterKey
	for k, t := range c {
		if *t != (tally{}) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b counterKey) int {
		return strings.Compare(a.area+" "+a.round+" "+a.standard, b.area+" "+b.round+" "+b.standard)
	})
	return keys
}

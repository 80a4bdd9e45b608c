package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/rasoat/rasoat/internal/central/centraltest"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// history is a random course of the world: tablets that visit, edit, move, delete, push and pull in any order. The same
// steps are played on several stores.
type history struct {
	tabs       []*tab
	board      *tab
	round      string
	households []string
}

const historyRound = "01980000-0000-7000-8000-000000000001"

var historyVillages = []string{villageA, villageB, villageC}

func newHistory(tb testing.TB, s *Store, round string, tablets int) *history {
	h := &history{round: addRound(tb, s, round), board: newTab(tb, s, "board", "board", district)}
	for i := range tablets {
		h.tabs = append(h.tabs, newTab(tb, s, fmt.Sprintf("en%d", i), "enumerator", historyVillages[i%3], historyVillages[(i+1)%3]))
	}
	return h
}

// step is one act, drawn beforehand so that it can be played twice.
type step struct {
	act, tab, household, village, unit, value int
	id                                        string
}

func drawSteps(t *rapid.T, least, most int) []step {
	number := func(most int, label string) int { return rapid.IntRange(0, most).Draw(t, label) }
	steps := make([]step, rapid.IntRange(least, most).Draw(t, "steps"))
	for i := range steps {
		steps[i] = step{number(9, "act"), number(2, "tab"), number(9, "household"), number(2, "village"), number(5, "unit"), number(2, "value"), fmt.Sprintf("01990000-0000-7000-8000-%012d", i)}
	}
	return steps
}

func (h *history) play(x step) {
	t := h.tabs[x.tab%len(h.tabs)]
	village := historyVillages[x.village]
	household := ""
	if len(h.households) > 0 {
		household = h.households[x.household%len(h.households)]
	}
	interview := ""
	if household != "" {
		interview = interviewID(h.round, household)
	}
	switch {
	case x.act <= 1 || household == "":
		h.households = append(h.households, x.id)
		t.write(x.id, "household", village, w("village", village, "household_code", x.id[30:], ".", "active"))
		t.interview(x.id, village, h.round, poor...)
	case x.act <= 4: // an edit, or the interview of somebody else's household not seen here yet
		if t.records[interview] == nil {
			t.interview(household, village, h.round, poor...)
			return
		}
		edits := [][]any{{"b1_score", 100 + 40*x.value}, {"water", []string{"tap", "surface", "rain"}[x.value]}, {"toilet", []string{"none", "septic", "vip"}[x.value]},
			{"outcome", []string{"interviewed", "absent", "moved"}[x.value]}, {"status", []string{"draft", "complete", "complete"}[x.value]}, {"house_area", 5 + 10*x.value}}
		t.write(interview, "interview", village, w(append(edits[x.unit], ".", "active")...))
	case x.act == 5:
		if t.records[household] != nil {
			t.write(household, "household", village, w("village", village, ".", "active"))
		}
	case x.act == 6:
		if t.records[interview] != nil {
			t.write(interview, "interview", village, w(".", map[string]string{"s": "deleted", "why": "mistake"}))
		}
	case x.act <= 8:
		t.push()
	case x.value == 0 && len(h.households) > 1: // a board says of two households that they are one, or are not
		other := h.households[(x.household+1+x.unit)%len(h.households)]
		if other == household {
			return
		}
		id := uuid.NewSHA1(uuid.MustParse(h.round), []byte("link "+household+other)).String()
		h.board.write(id, "link", village, w("a", household, "b", other, "verdict", []string{"same", "different"}[x.unit%2], "survivor", household, "same/m1", "m1"))
		h.board.push()
	default:
		t.pull(500+x.value*100_000, historyVillages[x.tab%3])
	}
}

func (h *history) settle() {
	for _, t := range h.tabs {
		t.push()
	}
}

// faults compares what a reader from the start gets with what the server says, and everything stored with a recount.
func (h *history) faults(tb testing.TB, s *Store) []string {
	tb.Helper()
	list := unsound(tb, s)
	for _, village := range historyVillages {
		x := newTab(tb, s, "reader-"+village+newID(), "enumerator", village)
		if fp := x.pull(3000, village); fp[village] != x.print() {
			list = append(list, fmt.Sprintf("%s: the server's fingerprint %v is not that of what it sent, %v", village, fp[village], x.print()))
		}
	}
	return list
}

func TestAfterAnyHistoryCountersAndFingerprintsEqualARecount(t *testing.T) {
	n := 0
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s, err := Open(context.Background(), fmt.Sprintf("sqlite:%s/%d.db", dir, n), Options{Log: quiet})
		must(t, err)
		defer s.Close()
		testVillages(t, s)
		h := newHistory(t, s, historyRound, 3)
		h.fixReplicas(t, s)
		for _, x := range drawSteps(rt, 5, 30) {
			h.play(x)
		}
		h.settle()
		if faults := h.faults(t, s); len(faults) > 0 {
			rt.Fatalf("%s", strings.Join(faults, "\n"))
		}
	})
}

func TestBothEnginesComeToTheSameTotalsAndFingerprints(t *testing.T) {
	postgres := centraltest.PostgresURL(t)
	steps := rapid.Custom(func(rt *rapid.T) []step { return drawSteps(rt, 150, 150) }).Example(7)
	round := historyRound
	type outcome struct {
		Counters map[string]tally
		Prints   map[string]string
		Classes  map[string]string
	}
	var got [2]outcome
	for i, url := range []string{sqliteURL(t), postgres} {
		s := openAt(t, url)
		h := newHistory(t, s, round, 3)
		h.fixReplicas(t, s)
		for _, x := range steps {
			h.play(x)
		}
		h.settle()
		for _, fault := range h.faults(t, s) {
			t.Error(fault)
		}
		got[i] = outcome{map[string]tally{}, map[string]string{}, map[string]string{}}
		for k, c := range countersOf(t, s) {
			got[i].Counters[k.area] = *c
		}
		must(t, s.View(context.Background(), func(tx *sql.Tx) error {
			for _, v := range historyVillages {
				_, fp, err := s.head(context.Background(), tx, v)
				if err != nil {
					return err
				}
				got[i].Prints[v] = printText(fp)
			}
			return nil
		}))
		for _, household := range h.households {
			if x := recordOf(t, s, interviewID(round, household)); x != nil {
				got[i].Classes[household] = x.class + " " + x.area
			}
		}
	}
	if len(got[0].Classes) < 5 {
		t.Fatalf("the history has only %d interviews", len(got[0].Classes))
	}
	if diff := cmp.Diff(got[0], got[1]); diff != "" {
		t.Errorf("sqlite and postgres differ (-sqlite +postgres):\n%s", diff)
	}
}

// fixReplicas gives the tablets the same replica ids every time: dots decide orders, and a failure must be the same when it
// is played again.
func (h *history) fixReplicas(tb testing.TB, s *Store) {
	rename(tb, s, h.board, "AAAAAAAAA9A")
	for k, x := range h.tabs {
		rename(tb, s, x, fmt.Sprintf("AAAAAAAAA%dA", k))
	}
}

// rename gives a tablet that has not written anything another replica id.
func rename(tb testing.TB, s *Store, x *tab, id string) {
	tb.Helper()
	start := fieldsync.ChainStart(id, x.key.Public().(ed25519.PublicKey))
	must(tb, s.Update(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE replica SET replica = $1, h = $2 WHERE replica = $3", id, []byte(start), x.replica)
		return err
	}))
	x.replica, x.chain = id, []fieldsync.B64{start}
}

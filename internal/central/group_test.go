package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestTwoHouseholdsThatABoardCallsOneAreCountedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		b := newTab(t, s, "en2", "enumerator", villageB)
		first, firstInterview := a.household(villageA, round, poor...)
		second, secondInterview := b.household(villageB, round, rename1(poor, "m1", "m2")...)
		a.push()
		link := newID()
		act := func(writes ...any) {
			t.Helper()
			_, err := s.Author(ctx, Act{Account: "bd", Role: "board", Changes: []ActChange{{Record: link, Kind: "link", Op: fieldsync.OpEdit, Scope: villageA, Why: "cùng một hộ", Writes: w(writes...)}}})
			must(t, err)
		}
		check := func(when string, interviews, poor, undetermined int64) {
			t.Helper()
			c := countersOf(t, s)[counterKey{"01975", round, "vn-2021"}]
			if c == nil || c[tInterviews] != interviews || c[tPoor] != poor || c[tUndetermined] != undetermined {
				t.Errorf("%s: %v, want %d interviews, %d poor, %d undetermined", when, c, interviews, poor, undetermined)
			}
			sound(t, s)
		}
		check("alone", 1, 1, 0)
		act("a", first, "b", second, "verdict", "same", "survivor", first) // before the second household is here
		check("linked to what is not here yet", 1, 1, 0)
		b.push()
		check("linked, and nobody said who is who", 1, 0, 1)
		act("same/m2", "m1")
		check("linked, with the persons", 1, 1, 0)
		b.write(secondInterview, "interview", villageB, w("b1_score", 200)) // of a group: one says poor, one not
		b.push()
		check("one of the two says otherwise", 1, 0, 1)
		if x := recordOf(t, s, firstInterview); x.hard == 0 {
			t.Error("the surviving interview shows no conflict")
		}
		act("verdict", "different")
		check("different after all", 2, 1, 0)
		a.pull(1<<20, villageA)
		if a.records[link] == nil {
			t.Error("the link is not in the feed of the first household's village")
		}
	})
}

// rename1 gives the member of a set of answers another id.
func rename1(answers []any, from, to string) []any {
	out := append([]any{}, answers...)
	for i, v := range out {
		if unit, ok := v.(string); ok && len(unit) > 3 && unit[:3] == "m/"+from[:1] {
			out[i] = "m/" + to + unit[2+len(from):]
		} else if v == from {
			out[i] = to
		}
	}
	return out
}

func TestAnInterviewAndItsHouseholdThatComeAtOnceInTwoVillagesMeet(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := addRound(t, s, newID())
		for i := range 15 {
			a := newTab(t, s, fmt.Sprintf("a%d", i), "enumerator", villageA, villageB)
			b := newTab(t, s, fmt.Sprintf("b%d", i), "enumerator", villageA, villageB)
			household := newID()
			a.write(household, "household", villageB, w("village", villageB))
			interview := b.interview(household, villageA, round, poor...)
			var both sync.WaitGroup
			for _, x := range []*tab{a, b} {
				both.Add(1)
				go func() {
					defer both.Done()
					if _, err := s.Push(context.Background(), x.dev, x.segment(1, 1)); err != nil {
						t.Errorf("push: %v", err)
					}
				}()
			}
			both.Wait()
			if x := recordOf(t, s, interview); len(x.scopes) != 1 || x.scopes[0] != villageB {
				t.Fatalf("pair %d: the interview is in %v, its household in %s", i, x.scopes, villageB)
			}
		}
		sound(t, s)
	})
}

func TestAFailureInAGroupCommitUndoesItsOwnWorkAlone(t *testing.T) {
	s := openAt(t, sqliteURL(t))
	broken := errors.New("broken")
	var all sync.WaitGroup
	for i := range 40 {
		all.Add(1)
		go func() {
			defer all.Done()
			err := s.grouped(context.Background(), 1, func(tx *sql.Tx) error {
				if _, err := tx.Exec("INSERT INTO meta (key, value) VALUES ($1, 'x')", fmt.Sprintf("piece-%02d", i)); err != nil {
					return err
				}
				if i%3 == 0 {
					return broken
				}
				return nil
			})
			if (i%3 == 0) != errors.Is(err, broken) {
				t.Errorf("piece %d: %v", i, err)
			}
		}()
	}
	all.Wait()
	var n int
	must(t, s.View(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM meta WHERE key LIKE 'piece-%'").Scan(&n)
	}))
	if n != 26 {
		t.Errorf("%d pieces are stored, want the 26 that did not fail", n)
	}
}

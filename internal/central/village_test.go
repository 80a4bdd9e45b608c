package central

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rasoat/rasoat/schema"
)

const nowhere = "01969-77" // no table knows it

func (t *tab) sees(scope, rec string) bool {
	t.tb.Helper()
	fresh := newTab(t.tb, t.s, t.dev.Account, t.role)
	fresh.pull(1<<20, scope)
	return fresh.records[rec] != nil
}

func issueCodes(tb testing.TB, s *Store, rec string) (codes []string) {
	tb.Helper()
	must(tb, s.View(context.Background(), func(tx *sql.Tx) error {
		return eachRow(context.Background(), tx, "SELECT code FROM issue WHERE rec = $1 ORDER BY code", []any{rec}, func(rows *sql.Rows) error {
			var code string
			err := rows.Scan(&code)
			codes = append(codes, code)
			return err
		})
	}))
	return codes
}

func TestAHouseholdMovedToAnUnknownVillageStaysWherePeopleSeeIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		household, interview := a.household(villageA, round, poor...)
		a.push()
		a.write(household, "household", villageA, w("village", nowhere))
		if diff := cmp.Diff([]string{"3 flagged village"}, states(a.push())); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		if !a.sees(villageA, household) || !a.sees(villageA, interview) {
			t.Error("the household has vanished from the village it was in")
		}
		if diff := cmp.Diff([]string{"village_unknown"}, issueCodes(t, s, household)); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
		a.write(interview, "interview", villageA, w("house_area", 12)) // and work on it goes on
		fresh := a.write(newID(), "household", villageA, w("village", nowhere, ".", "active"))
		newInterview := a.interview(fresh.Record, villageA, round, poor...)
		if diff := cmp.Diff([]string{"5 flagged village"}, states(a.push())); diff != "" {
			t.Errorf("notes of later work (-want +got):\n%s", diff)
		}
		if !a.sees(villageA, fresh.Record) || !a.sees(villageA, newInterview) {
			t.Error("a new household of an unknown village does not stand in its home scope")
		}
		sound(t, s)
		must(t, s.AddAreas(context.Background(), []schema.Area{{Code: nowhere, Level: schema.LevelVillage, Name: "Nà Mới", Parent: "01969", ValidFrom: "2020-01-01", ValidTo: "2025-07-01"}}))
		s.WaitRejudged()
		there := newTab(t, s, "en2", "enumerator", nowhere)
		for _, rec := range []string{household, interview, fresh.Record, newInterview} {
			if a.sees(villageA, rec) || !there.sees(nowhere, rec) {
				t.Errorf("after its village was imported record %s is in %v", rec, recordOf(t, s, rec).scopes)
			}
		}
		sound(t, s)
	})
}

func TestAWrongCodeOfAnAreaAboveBringsAHouseholdIntoNoFeedOfMany(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en1", "enumerator", villageA)
		household, _ := a.household(villageA, newID())
		a.write(household, "household", villageA, w("village", province))
		if diff := cmp.Diff([]string{"3 flagged village"}, states(a.push())); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		if got := recordOf(t, s, household).scopes; !slices.Equal(got, []string{villageA}) {
			t.Errorf("the household is in %v", got)
		}
		sound(t, s)
	})
}

func TestTheVillageOfANewHouseholdDecidesAndNotItsHomeScope(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en1", "enumerator", villageA)
		a.write(newID(), "household", villageA, w("village", villageB)) // foreign village, own sc
		a.write(newID(), "household", villageB, w("village", villageA)) // own village, foreign sc
		a.write(newID(), "household", villageA, w("address", "x"))      // no village
		a.interview(newID(), villageA, newID())                         // before its household
		a.write(newID(), "household", villageB, w("address", "x"))      // no village, foreign sc
		a.write(newID(), "household", villageB, w("village", nowhere))  // unknown village, foreign sc
		a.write(newID(), "household", villageA, w("village", nowhere))  // unknown village, own sc
		want := []string{"1 held scope", "5 held scope", "6 held scope", "7 flagged village"}
		if diff := cmp.Diff(want, states(a.push())); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		sound(t, s)
	})
}

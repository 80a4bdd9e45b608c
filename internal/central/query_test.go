package central

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// desk is a round with a few interviews: what the pages' queries look at.
type desk struct {
	s                           *Store
	round                       string
	first, second               *tab // two tablets of Vi Hương
	poor, rich, visited, listed string
	urban                       string
}

// poorAnswers come to a poor household in the country: score under the line, three lacks.
func poorAnswers(name string, score int) []any {
	return []any{"outcome", "interviewed", "review_date", "2024-10-15", "b1_score", score, "household_size", 1, "head", "p1",
		"m/p1/name", name, "m/p1/birth", "1980-05-01", "m/p1/sex", "male", "m/p1/relation", "head", "m/p1/health_insurance", "no", "m/p1/work", "self_employed", "m/p1/.", "active",
		"house_wall", "non_durable", "house_column", "non_durable", "house_roof", "durable", "house_area", 30, "water", "surface", "toilet", "septic", "internet_use", "yes", "means/tv", "yes", "status", "complete"}
}

func newDesk(t *testing.T, s *Store) *desk {
	d := &desk{s: s, round: addRound(t, s, newID())}
	d.first, d.second = newTab(t, s, "en0417", "enumerator", "01975", "01969@2025-06-30"), newTab(t, s, "en0418", "enumerator", "01975")
	d.poor, _ = d.first.household(villageA, d.round, poorAnswers("Nguyễn Thị Hường", 120)...)
	d.rich, _ = d.first.household(villageA, d.round, poorAnswers("Lò Văn Pành", 300)...)
	d.visited, _ = d.first.household(villageB, d.round, "outcome", "absent")
	d.listed, _ = d.first.household(villageB, d.round, "listed_by_nobody", "x")
	d.urban, _ = d.first.household(villageC, d.round, poorAnswers("Hoàng Văn Phố", 160)...)
	d.first.push()
	return d
}

func TestTotalsAreSumsOfVillagesByTheUnitsOfAnyDate(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		d := newDesk(t, s)
		whole, err := s.Totals(ctx, TotalsQuery{Round: d.round})
		must(t, err)
		if whole.Sum.Poor != 2 || whole.Sum.NotPoor != 1 || whole.Sum.Visited != 1 || whole.Sum.Recorded != 5 || len(whole.Rows) != 14 {
			t.Errorf("the district: %+v in %d rows", whole.Sum.AreaCount, len(whole.Rows))
		}
		commune, err := s.Totals(ctx, TotalsQuery{Round: d.round, Area: "01975"})
		must(t, err)
		if commune.Sum.Poor != 1 || commune.Sum.Recorded != 4 || len(commune.Rows) != 4 || commune.Rows[0].Area.Code != villageA || commune.Rows[0].NotPoor != 1 {
			t.Errorf("Vi Hương: %+v", commune)
		}
		if after, err := s.Totals(ctx, TotalsQuery{Round: d.round, Date: "2025-07-01"}); err != nil || after.Area.Code != "" || after.Sum.Recorded != 5 {
			t.Errorf("by the units of 2025, whose villages here have ended: %+v, %v", after.Sum.AreaCount, err)
		}
		if _, err := s.Totals(ctx, TotalsQuery{Round: newID()}); !errors.Is(err, ErrRoundMissing) {
			t.Errorf("a round that is not here: %v", err)
		}
	})
}

func TestRatesNeedResidentsOfEveryVillageOrOfTheWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		d := newDesk(t, s)
		enter := func(writes ...any) {
			_, err := s.Author(ctx, Act{Account: "ban", Role: "board", Changes: []ActChange{{Record: d.round, Kind: "round", Op: fieldsync.OpEdit, Writes: w(writes...)}}})
			must(t, err)
		}
		row := func() AreaTotal {
			commune, err := s.Totals(ctx, TotalsQuery{Round: d.round, Area: "01975"})
			must(t, err)
			return commune.Sum
		}
		if r := row(); r.HasResident || r.ResidentMissing != 4 {
			t.Errorf("nothing entered: %+v", r.AreaCount)
		}
		enter("residents/"+villageA, Residents{70, 280, "2024-09-01", "Công an xã"})
		if r := row(); r.HasResident || r.ResidentMissing != 3 || r.Resident != 0 {
			t.Errorf("one of four villages entered is not a denominator: %+v", r.AreaCount)
		}
		enter("residents/01975", Residents{560, 2200, "2024-08-01", "Xã"})
		if r := row(); !r.HasResident || r.Resident != 560 || r.AsOf != "2024-08-01" || r.Source != "Xã" {
			t.Errorf("the commune's own number stands in: %+v", r.AreaCount)
		}
		for _, v := range []string{villageB, "01975-03", "01975-04"} {
			enter("residents/"+v, Residents{10, 40, "2024-09-02", "Công an xã"})
		}
		if r := row(); r.Resident != 100 || r.ResidentPersons != 400 || r.AsOf != "2024-09-02" || r.Source != "Công an xã" {
			t.Errorf("the sum of all villages: %+v", r.AreaCount)
		}
	})
}

func TestHouseholdsAreFoundByClassStateAndFoldedText(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		d := newDesk(t, s)
		find := func(f HouseholdFilter) string {
			f.Round, f.Villages = d.round, []string{villageA, villageB}
			list, err := s.Households(ctx, f)
			must(t, err)
			var ids []string
			for _, r := range list {
				ids = append(ids, map[string]string{d.poor: "poor", d.rich: "rich", d.visited: "visited", d.listed: "listed", d.urban: "urban"}[r.Household])
			}
			if len(ids) > 1 {
				return strings.Join([]string{"many"}, "")
			}
			return strings.Join(ids, " ")
		}
		for name, c := range map[string]struct {
			f    HouseholdFilter
			want string
		}{
			"everybody":        {HouseholdFilter{}, "many"},
			"class":            {HouseholdFilter{Class: survey.Poor}, "poor"},
			"folded name":      {HouseholdFilter{Text: "nguyen thi huong"}, "poor"},
			"name with marks":  {HouseholdFilter{Text: "PÀNH"}, "rich"},
			"nothing":          {HouseholdFilter{Text: "%"}, ""},
			"visited":          {HouseholdFilter{Visited: true}, "visited"},
			"not begun":        {HouseholdFilter{NotBegun: true}, "listed"},
			"conflict":         {HouseholdFilter{Conflict: true}, ""},
			"class and nobody": {HouseholdFilter{Class: survey.Poor, Text: "pành"}, ""},
		} {
			if got := find(c.f); got != c.want {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		}
		if list, err := s.Households(ctx, HouseholdFilter{Round: "' OR 1=1 --", Villages: []string{villageA}}); err != nil || len(list) != 0 {
			t.Errorf("a round that is markup: %d households, %v", len(list), err)
		}
	})
}

func TestAConflictThatFlipsTheClassComesFirstAndKeepsAllValues(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		d := newDesk(t, s)
		iv := interviewID(d.round, d.poor)
		d.second.interview(d.poor, villageA, d.round, "b1_score", 300, "respondent", "Bà Mùi", "m/p1/name", "Nguyễn Thị Hương")
		d.second.push()
		list, err := s.Conflicts(ctx, d.round, []string{villageA, villageB})
		must(t, err)
		if len(list) != 2 || list[0].Unit != "b1_score" || list[0].Rank != survey.RankFlips || list[1].Unit != "m/p1/name" || len(list[0].Values) != 2 {
			t.Fatalf("conflicts: %+v", list)
		}
		authors := list[0].Values[0].Account + " " + list[0].Values[1].Account
		if authors != "en0417 en0418" && authors != "en0418 en0417" {
			t.Errorf("authors of the two scores: %s", authors)
		}
		if none, err := s.Conflicts(ctx, d.round, []string{villageC}); err != nil || len(none) != 0 {
			t.Errorf("another village: %d conflicts, %v", len(none), err)
		}
		h, err := s.Household(ctx, d.poor)
		must(t, err)
		if len(h.Interviews) != 1 || h.Interviews[0].ID != iv || h.Interviews[0].Round.Standard != "vn-2021" || h.Record == nil {
			t.Errorf("the household: %+v", h)
		}
		history, err := s.History(ctx, iv)
		must(t, err)
		if len(history) != 2 || history[0].Received < history[1].Received || history[0].Op == "" || len(history[1].Units) < 10 {
			t.Errorf("history: %+v", history)
		}
		if _, err := s.Household(ctx, newID()); !errors.Is(err, ErrHouseholdUnknown) {
			t.Errorf("a household that is not here: %v", err)
		}
		if areas, err := s.HouseholdAreas(ctx, d.poor); err != nil || strings.Join(areas, " ") != villageA {
			t.Errorf("its areas: %v, %v", areas, err)
		}
		if of, err := s.HouseholdOf(ctx, iv); err != nil || of != d.poor {
			t.Errorf("whose interview: %s, %v", of, err)
		}
	})
}

func TestATownJudgedAsRuralAndUnderTheOtherStandard(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		d := newDesk(t, s)
		// 160 points are under the line of a town (175) and over that of the country (140).
		shift, err := s.Rejudged(ctx, d.round, []string{villageC}, "", survey.AreaRural)
		must(t, err)
		if len(shift) != 1 || shift[[2]survey.Class{survey.Poor, survey.NotPoor}] != 1 {
			t.Errorf("the town as rural: %v", shift)
		}
		shift, err = s.Rejudged(ctx, d.round, []string{villageA, villageB}, "vn-2027", "")
		must(t, err)
		if shift[[2]survey.Class{survey.Poor, survey.Undetermined}] != 1 || shift[[2]survey.Class{survey.NotPoor, survey.Undetermined}] != 1 {
			t.Errorf("under vn-2027, which has no score: %v", shift)
		}
		if _, err := s.Rejudged(ctx, d.round, []string{villageA}, "vn-1900", ""); err == nil {
			t.Errorf("an unknown standard was accepted")
		}
	})
}

func TestHeldChangesAreListedUntilSomebodyDecides(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		d := newDesk(t, s)
		stray := newTab(t, s, "en0900", "enumerator", "01978")
		c := stray.write(interviewID(d.round, d.poor), "interview", villageA, w("water", "tap"))
		stray.push()
		list, err := s.Held(ctx)
		must(t, err)
		if len(list) != 1 || list[0].Dot != c.Dot || list[0].Village != villageA || list[0].StateWhy != WhyScope || list[0].Account != "en0900" {
			t.Fatalf("held: %+v", list)
		}
		must(t, s.Release(ctx, c.Dot, "ban", "Làm thay"))
		if _, err := s.HeldChange(ctx, c.Dot); !errors.Is(err, ErrHeldGone) {
			t.Errorf("after the decision: %v", err)
		}
	})
}

func TestTheCommunesAFileOfVillagesNamesAreReadBeforeAnythingIsStored(t *testing.T) {
	s := openAt(t, sqliteURL(t))
	parents, err := s.AreaParents(strings.NewReader("code,name,parent_code\n01978-01,A,01978\n01978-02,B,01978\n01981-01,C,01981\n"))
	if err != nil || strings.Join(parents, " ") != "01978 01981" {
		t.Errorf("parents: %v, %v", parents, err)
	}
	if _, known := s.AnyArea("01978-01"); known {
		t.Errorf("reading a file stored it")
	}
}

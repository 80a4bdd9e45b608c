package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// shownConflicts is how many conflicts are printed in full.
const shownConflicts = 5

// report prints what came of it and checks it against what is known.
func (s *story) report(ctx context.Context) error {
	store := s.office.store
	s.step("Máy chủ đã gộp và xếp loại", "The server has merged and classified")
	totals, err := store.Totals(ctx, central.TotalsQuery{Round: s.office.round})
	if err != nil {
		return err
	}
	s.table(totals)
	conflicts, err := s.conflicts(ctx, totals.Sum.Villages)
	if err != nil {
		return err
	}
	if err := s.otherGeography(ctx, totals.Sum); err != nil {
		return err
	}
	if err := s.townAsRural(ctx, totals); err != nil {
		return err
	}
	lost, err := s.lost(ctx)
	if err != nil {
		return err
	}
	if err := s.rebuilt(ctx); err != nil {
		return err
	}
	sum := totals.Sum
	s.expect(sum, lost)
	fmt.Fprintf(s.Out, "demo: %d households, %d poor, %d near-poor, %d conflicts, %d lost\n", sum.Resident, sum.Poor, sum.NearPoor, conflicts, lost)
	return nil
}

// expect compares the totals with the classes the households were made for, and those of the whole district with the
// published figures.
func (s *story) expect(sum central.AreaTotal, lost int) {
	want := func(what string, got, want int64) {
		if got != want {
			s.miss("%s: %d, phải là %d", "%s: %d, must be %d", what, got, want)
		}
	}
	made, reviewed := map[string]int64{}, int64(0)
	for i := range s.office.households {
		h := &s.office.households[i]
		made[h.Class]++
		if h.reviewedBecause() != "" {
			reviewed++
		}
	}
	want("resident households", sum.Resident, int64(len(s.office.households)))
	want("poor", sum.Poor, made["poor"])
	want("near-poor", sum.NearPoor, made["near_poor"])
	want("undetermined", sum.Undetermined, 0)
	want("interviewed", sum.Interviewed, reviewed)
	want("lost", int64(lost), 0)
	if s.Only == nil {
		want("resident households, published", sum.Resident, Households)
		want("poor, published", sum.Poor, Poor)
		want("near-poor, published", sum.NearPoor, NearPoor)
	}
}

func (s *story) table(t *central.Totals) {
	s.say("\n   %-22s %8s %8s %7s %9s %7s %9s %9s", "\n   %-22s %8s %8s %7s %9s %7s %9s %9s", s.heads()...)
	for _, row := range append(t.Rows, t.Sum) {
		s.row(row)
	}
}

func (s *story) heads() []any {
	if s.Lang == "en" {
		return []any{"area", "resident", "poor", "%", "near-poor", "%", "undeterm.", "conflicts"}
	}
	return []any{"địa bàn", "hộ dân", "nghèo", "%", "cận nghèo", "%", "chưa rõ", "xung đột"}
}

func (s *story) row(row central.AreaTotal) {
	resident, poor, near := "", "", ""
	if row.HasResident {
		resident = survey.FormatInt(row.Resident, s.Lang)
		poor, _, _ = survey.RateIn(row.Poor, row.Resident, s.Lang)
		near, _, _ = survey.RateIn(row.NearPoor, row.Resident, s.Lang)
	}
	name := strings.TrimSpace(row.Area.UnitType + " " + row.Area.Name)
	if len(row.Missing) > 0 {
		name += " *"
	}
	// fmt counts bytes of NFC letters as runes, so the columns hold.
	fmt.Fprintf(s.Out, "   %-22s %8s %8d %7s %9d %7s %9d %9d\n", name, resident, row.Poor, poor, row.NearPoor, near, row.Undetermined, row.OpenConflicts)
}

// conflicts prints the first true conflicts with both values and their authors, and counts all that need a person.
func (s *story) conflicts(ctx context.Context, villages []string) (int, error) {
	rows, err := s.office.store.Conflicts(ctx, s.office.round, villages)
	if err != nil {
		return 0, err
	}
	twice, hard := 0, 0
	for _, t := range s.tablets {
		for _, v := range t.visits {
			if v.second {
				twice++
			}
		}
	}
	open := map[string]bool{}
	for _, c := range rows {
		if !c.Quiet {
			hard++
			open[c.Household] = true
		}
	}
	s.say("\n   %d hộ được hai máy cùng ghi: %d hộ gộp sạch, %d hộ có %d xung đột thật, chờ xã quyết định:",
		"\n   %d households were recorded by two tablets: %d merged cleanly, %d have %d true conflicts for the board:", twice, twice-len(open), len(open), hard)
	shown := 0
	for _, c := range rows {
		if c.Quiet || shown == shownConflicts {
			continue
		}
		shown++
		var said []string
		for _, v := range c.Values {
			said = append(said, fmt.Sprintf("%s (%s)", v.Value, v.Account))
		}
		s.say("     hộ %s, %s: %s; xếp loại không đổi: %s", "     household %s, %s: %s; class either way: %s", c.Code, s.unitName(c.Unit), strings.Join(said, " ≠ "), c.Class)
	}
	return hard, nil
}

func (s *story) unitName(unit string) string {
	q := schema.Builtin().Questionnaires[Questionnaire]
	if question, ok := q.Question("interview", unit); ok {
		return question.Label.In(s.Lang)
	}
	return unit
}

// otherGeography sums the same classes by the communes of 2025.
func (s *story) otherGeography(ctx context.Context, before central.AreaTotal) error {
	after, err := s.office.store.Totals(ctx, central.TotalsQuery{Round: s.office.round, Date: AfterMerger})
	if err != nil {
		return err
	}
	s.say("\n   Cùng kết quả ấy theo 5 xã từ 01/07/2025 (* thiếu phần nằm ngoài huyện cũ):", "\n   The same classes by the five communes of 2025-07-01 (* without parts from outside the old district):")
	for _, row := range after.Rows {
		s.row(row)
		for _, m := range row.Missing {
			s.say("     * thiếu %s (%s)", "     * without %s (%s)", m.OldName, m.OldCode)
		}
	}
	if after.Sum.Poor != before.Poor || after.Sum.NearPoor != before.NearPoor {
		s.miss("tổng theo xã mới là %d và %d", "the sums by the new communes are %d and %d", after.Sum.Poor, after.Sum.NearPoor)
	}
	return nil
}

// townAsRural counts whose class changes if Phủ Thông is judged as the rural commune it became.
func (s *story) townAsRural(ctx context.Context, t *central.Totals) error {
	for _, row := range t.Rows {
		if row.Area.Code != Town || row.Interviewed == 0 {
			continue
		}
		shift, err := s.office.store.Rejudged(ctx, s.office.round, row.Villages, "", schema.AreaRural)
		if err != nil {
			return err
		}
		changed := int64(0)
		for move, n := range shift {
			if move[0] != move[1] {
				changed += n
			}
		}
		s.say("\n   Nếu xét Thị trấn Phủ Thông theo chuẩn nông thôn: %d hộ đổi kết quả.", "\n   If the town of Phủ Thông were judged rural: %d households would change class.", changed)
		if changed == 0 {
			s.miss("không hộ nào đổi", "no household changes")
		}
	}
	return nil
}

// lost counts answers that a tablet reported as saved and that the server does not show as a value of their unit, however
// they were merged. It also asks that every change is at home and none is held.
func (s *story) lost(ctx context.Context) (int, error) {
	lost := 0
	for _, t := range s.tablets {
		for _, v := range t.visits {
			h, err := s.office.store.Household(ctx, v.household.ID)
			if err != nil {
				return 0, fmt.Errorf("household %s: %w", v.household.Code, err)
			}
			rec := recordOf(h, s.office.round)
			for unit, value := range v.answers() {
				if rec == nil || !holds(rec, unit, value) {
					lost++
				}
			}
		}
	}
	held, err := s.office.store.Held(ctx)
	if err != nil {
		return 0, err
	}
	return lost + len(held), nil
}

func recordOf(h *central.Household, round string) *fieldsync.Record {
	for _, iv := range h.Interviews {
		if iv.Round.ID == round {
			return iv.Record
		}
	}
	return nil
}

func holds(rec *fieldsync.Record, unit string, value json.RawMessage) bool {
	want := fieldsync.Canonical(value)
	for _, h := range rec.Heads(unit) {
		if fieldsync.Canonical(h.Value) == want {
			return true
		}
	}
	return false
}

// rebuilt checks that records and counters equal what the log gives.
func (s *story) rebuilt(ctx context.Context) error {
	report, err := s.office.store.Rebuild(ctx, true)
	if err != nil {
		return err
	}
	if n := len(report.Differences); n > 0 {
		s.miss("%d chỗ khác với dựng lại từ nhật ký", "%d places differ from what the log gives", n)
	}
	return nil
}

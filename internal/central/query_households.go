package central

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// HouseholdRow is one household of a round as lists show it.
type HouseholdRow struct {
	Household, Interview string
	Village              string // where it counts
	Code                 string // official household code
	Conflicts            int64
	Rank                 int64 // RankFlips …
	View                 View  // of the interview
}

// HouseholdFilter chooses households of a round. Zero fields choose all.
type HouseholdFilter struct {
	Round    string
	Villages []string
	Class    survey.Class
	Conflict bool   // with open conflicts
	NotBegun bool   // listed or begun, nobody has been there
	Visited  bool   // visited, not interviewed
	Text     string // folded here: "nguyen thi" finds Nguyễn Thị; also part of a household code
}

// Households returns the households of a round that are in these villages, in no particular order. One that is in two
// villages while people disagree where it lives is there once, under the village it counts in.
func (s *Store) Households(ctx context.Context, f HouseholdFilter) (out []HouseholdRow, err error) {
	text := survey.FoldName(f.Text)
	if text == "" && strings.TrimSpace(f.Text) != "" {
		return nil, nil // signs alone are in no name
	}
	seen := map[string]bool{}
	err = s.View(ctx, func(tx *sql.Tx) error {
		return s.eachInterview(ctx, tx, f.Round, f.Villages, func(rows *sql.Rows) error {
			var r HouseholdRow
			var view, fold, houseView, houseFold string
			if err := rows.Scan(&r.Interview, &r.Household, &r.Village, &r.Conflicts, &r.Rank, &view, &fold, &houseView, &houseFold); err != nil {
				return err
			}
			if seen[r.Interview] || text != "" && !strings.Contains(fold+" "+houseFold, text) {
				return nil
			}
			var house View
			if err := readViews(view, &r.View, houseView, &house); err != nil {
				return err
			}
			r.Code = house.Code
			if f.keeps(&r) {
				seen[r.Interview] = true
				out = append(out, r)
			}
			return nil
		})
	})
	return out, err
}

func (s *Store) eachInterview(ctx context.Context, tx *sql.Tx, round string, villages []string, f func(*sql.Rows) error) error {
	for len(villages) > 0 {
		piece := villages[:min(len(villages), maxKeys)]
		villages = villages[len(piece):]
		cond, args := s.eng.in(2, piece)
		err := eachRow(ctx, tx, `SELECT i.rec, i.household, i.area, i.open_hard, i.rank, i.view, i.fold, COALESCE(h.view, ''), COALESCE(h.fold, '')
			FROM record_scope x JOIN record i ON i.rec = x.rec LEFT JOIN record h ON h.rec = i.household
			WHERE x.kind = 'interview' AND i.round = $1 AND x.scope `+cond, append([]any{round}, args...), f)
		if err != nil {
			return fmt.Errorf("read interviews: %w", err)
		}
	}
	return nil
}

func readViews(a string, into *View, b string, also *View) (err error) {
	if *into, err = viewOf(a); err != nil {
		return err
	}
	*also, err = viewOf(b)
	return err
}

func (f *HouseholdFilter) keeps(r *HouseholdRow) bool {
	v := &r.View
	begun := v.Outcome != "" || v.Members > 0
	interviewed := v.Outcome == "interviewed" || (v.Outcome == "" && v.Members > 0)
	switch {
	case v.Deleted,
		f.Class != "" && (v.Class != f.Class || !interviewed),
		f.Conflict && r.Conflicts == 0,
		f.NotBegun && begun,
		f.Visited && (interviewed || !begun):
		return false
	}
	return true
}

// Household is everything that is here about one household.
type Household struct {
	ID         string
	Record     *fieldsync.Record // nil while the household's own record has not arrived
	Scopes     []string          // villages it is in, and was ever in
	View       View
	Interviews []Interview // the latest round first
}

// Interview is one interview of a household.
type Interview struct {
	ID, Area string
	Round    RoundDetail // ID alone while the round has not arrived
	Record   *fieldsync.Record
	View     View
	Form     *schema.Questionnaire
}

// ErrHouseholdUnknown says that there is no such household here.
var ErrHouseholdUnknown = refuse("household_unknown", "Không có hộ này trên máy chủ. Tìm lại trong danh sách hộ.",
	"The server has no such household. Look for it in the list of households.")

// Household reads one household with its interviews; ErrHouseholdUnknown when nothing is here.
func (s *Store) Household(ctx context.Context, id string) (h *Household, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		r := &reader{s, ctx, tx, map[string]*row{}}
		follow, err := r.follow([]string{id})
		if err != nil {
			return err
		}
		if err := r.load(append(follow[id], id)...); err != nil {
			return err
		}
		h, err = s.household(r, id, follow[id])
		return err
	})
	return h, err
}

func (s *Store) household(r *reader, id string, follow []string) (*Household, error) {
	h := &Household{ID: id}
	var rows []*row
	if x := r.rows[id]; x != nil && x.kind == schema.KindHousehold {
		rows = append(rows, x)
	}
	for _, rec := range follow {
		if x := r.rows[rec]; x != nil && x.kind == schema.KindInterview {
			rows = append(rows, x)
		}
	}
	if len(rows) == 0 {
		return nil, ErrHouseholdUnknown
	}
	records, err := r.restore(rows)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, x := range rows {
		rec := records[x.rec]
		v, err := viewOf(x.view)
		if err != nil {
			return nil, err
		}
		h.Scopes = append(append(h.Scopes, x.scopes...), x.villages...)
		if x.kind == schema.KindHousehold {
			h.Record, h.View = rec, v
			continue
		}
		ids = append(ids, x.round)
		h.Interviews = append(h.Interviews, Interview{ID: x.rec, Area: x.area, Round: RoundDetail{ID: x.round}, Record: rec, View: v, Form: s.questionnaireOf(rec)})
	}
	rounds, err := s.roundDetails(r.ctx, r.tx, ids)
	if err != nil {
		return nil, err
	}
	for i := range h.Interviews {
		for _, d := range rounds {
			if d.ID == h.Interviews[i].Round.ID {
				h.Interviews[i].Round = d
			}
		}
	}
	slices.Sort(h.Scopes)
	h.Scopes = slices.Compact(h.Scopes)
	slices.SortStableFunc(h.Interviews, func(a, b Interview) int { return strings.Compare(b.Round.From, a.Round.From) })
	return h, nil
}

// HouseholdAreas says where a household is now, with its interviews, without reading it whole: what a permission is asked for.
func (s *Store) HouseholdAreas(ctx context.Context, id string) (areas []string, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		return eachRow(ctx, tx, `SELECT scopes FROM record WHERE rec = $1 AND kind = 'household'
			UNION ALL SELECT r.scopes FROM related x JOIN record r ON r.rec = x.rec WHERE x.household = $1`,
			[]any{id}, func(rows *sql.Rows) error {
				var scopes string
				err := rows.Scan(&scopes)
				areas = append(areas, strings.Fields(scopes)...)
				return err
			})
	})
	slices.Sort(areas)
	return slices.Compact(areas), err
}

// ChangeRow is one change in a history.
type ChangeRow struct {
	Dot                fieldsync.Dot
	Record, Kind, Op   string
	Account, Role, Why string
	At, Received       int64 // by the device's clock; by the server's
	State, StateWhy    string
	Units              []string
	Change             *fieldsync.Change // nil for a line in quarantine
}

// History returns every change a record has seen, the latest received first. Held changes are in no record; see Held.
func (s *Store) History(ctx context.Context, record string) (out []ChangeRow, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		r := &reader{s, ctx, tx, map[string]*row{}}
		if err := r.load(record); err != nil || r.rows[record] == nil {
			return err
		}
		dots, err := seenDots(r.rows[record])
		if err != nil {
			return err
		}
		out, err = r.changeRows(dots)
		return err
	})
	slices.SortStableFunc(out, func(a, b ChangeRow) int {
		if a.Received != b.Received {
			return int(b.Received - a.Received)
		}
		return b.Dot.Compare(a.Dot)
	})
	return out, err
}

// changeRows reads changes with when they came and what became of them.
func (r *reader) changeRows(dots []fieldsync.Dot) (out []ChangeRow, err error) {
	at, err := r.received(dots)
	if err != nil {
		return nil, err
	}
	err = r.logged(dots, func(l *logged) error {
		row := ChangeRow{Dot: l.dot, Record: l.rec, State: l.state, StateWhy: l.why, Received: at[l.dot]}
		row.fill(l.bytes)
		out = append(out, row)
		return nil
	})
	return out, err
}

func (c *ChangeRow) fill(bytes []byte) {
	change, fault := fieldsync.DecodeChange(c.Dot.Replica, bytes)
	if fault != nil {
		return
	}
	c.Change, c.Kind, c.Op, c.Record = change, change.Kind, change.Op, change.Record
	c.Account, c.Role, c.Why, c.At = change.Account, change.Role, change.Why, change.At
	for _, w := range change.Writes {
		c.Units = append(c.Units, w.Unit)
	}
}

// received tells when the server got each of these changes.
func (r *reader) received(dots []fieldsync.Dot) (map[fieldsync.Dot]int64, error) {
	spans := map[string][2]uint64{}
	var replicas []string
	for _, d := range dots {
		sp, ok := spans[d.Replica]
		if !ok {
			sp = [2]uint64{d.Seq, d.Seq}
			replicas = append(replicas, d.Replica)
		}
		spans[d.Replica] = [2]uint64{min(sp[0], d.Seq), max(sp[1], d.Seq)}
	}
	homes, err := r.s.homesOf(r.ctx, r.tx, replicas)
	if err != nil {
		return nil, err
	}
	wanted := make(map[fieldsync.Dot]bool, len(dots))
	for _, d := range dots {
		wanted[d] = true
	}
	out := make(map[fieldsync.Dot]int64, len(dots))
	for _, replica := range replicas {
		sp := spans[replica]
		err := eachRow(r.ctx, r.tx, "SELECT seq, recv_at FROM change WHERE home = $1 AND replica = $2 AND seq >= $3 AND seq <= $4",
			[]any{homes[replica], replica, int64(sp[0]), int64(sp[1])}, func(rows *sql.Rows) error {
				var seq, at int64
				err := rows.Scan(&seq, &at)
				if d := (fieldsync.Dot{Replica: replica, Seq: uint64(seq)}); wanted[d] {
					out[d] = at
				}
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("read when changes came: %w", err)
		}
	}
	return out, nil
}

// Shift counts households by their class before and after: under another standard, or another area type.
type Shift map[[2]survey.Class]int64

// Rejudged judges the interviewed households of a round in these villages anew, under the round's standard and under
// another one or another area type, and counts how the class moves. Nothing is stored.
func (s *Store) Rejudged(ctx context.Context, round string, villages []string, standard string, area survey.AreaType) (Shift, error) {
	shift := Shift{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		d, err := s.roundDetail(ctx, tx, round)
		if err != nil {
			return err
		}
		if standard == "" {
			standard = d.Standard
		}
		from, err1 := s.judge(d.Standard, d.Questionnaire)
		to, err2 := s.judge(standard, d.Questionnaire)
		if err1 != nil || err2 != nil || from == nil || to == nil {
			return refuse("standard_unknown", "Không có chuẩn này cho phiếu của đợt.", "This standard does not exist for the round's questionnaire.")
		}
		for _, v := range villages {
			if err := s.rejudgeVillage(ctx, tx, d, v, from, to, area, shift); err != nil {
				return err
			}
		}
		return nil
	})
	return shift, err
}

func (s *Store) rejudgeVillage(ctx context.Context, tx *sql.Tx, d RoundDetail, village string, from, to *survey.Judge, other survey.AreaType, shift Shift) error {
	r := &reader{s, ctx, tx, map[string]*row{}}
	var rows []*row
	err := eachRow(ctx, tx, "SELECT "+prefixed("i.", rowColumns)+` FROM record_scope x JOIN record i ON i.rec = x.rec
		WHERE x.scope = $1 AND x.kind = 'interview' AND i.round = $2 AND i.area = $1`, []any{village, d.ID}, func(rs *sql.Rows) error {
		x, err := scanRow(rs)
		rows = append(rows, x)
		return err
	})
	if err != nil {
		return err
	}
	records, err := r.restore(rows)
	if err != nil {
		return err
	}
	for _, x := range rows {
		v, err := viewOf(x.view)
		if err != nil {
			return err
		}
		if v.Deleted || (v.Outcome != "interviewed" && (v.Outcome != "" || v.Members == 0)) {
			continue
		}
		day := v.Review
		if day == "" {
			day = d.Date
		}
		area := survey.AreaType(s.Areas().AreaType(x.area, day))
		iv := survey.ReadRecord(records[x.rec], s.questionnaireOf(records[x.rec]))
		before := from.Judge(iv, area, survey.Options{ClassOnly: true}).Class
		if other != "" {
			area = other
		}
		shift[[2]survey.Class{before, to.Judge(iv, area, survey.Options{ClassOnly: true}).Class}]++
	}
	return nil
}

func prefixed(prefix, columns string) string {
	names := strings.Split(columns, ",")
	for i, n := range names {
		names[i] = prefix + strings.TrimSpace(n)
	}
	return strings.Join(names, ", ")
}

// Judge returns the judge for a standard and questionnaire, nil when either is unknown here.
func (s *Store) Judge(standard, questionnaire string) (*survey.Judge, error) {
	return s.judge(standard, questionnaire)
}

package central

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// ConflictRow is one unit that people must decide about.
type ConflictRow struct {
	Household, Interview, Village, Name, Code string
	Class                                     survey.Class
	Unit                                      string
	Quiet                                     bool
	Rank                                      survey.Rank
	Values                                    []Said // the provisional one first
	Record                                    *fieldsync.Record
}

// Said is one live value of a unit with who gave it.
type Said struct {
	Value []byte
	fieldsync.Author
	Dot fieldsync.Dot
}

// maxConflictRecords bounds the interviews one page of conflicts reads whole.
const maxConflictRecords = 2000

// Conflicts returns the open conflicts of a round in these villages: those that change a class first, then those a rule
// looks at, then the rest, then those that never block.
func (s *Store) Conflicts(ctx context.Context, round string, villages []string) (out []ConflictRow, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		d, err := s.roundDetail(ctx, tx, round)
		if err != nil {
			return err
		}
		r := &reader{s, ctx, tx, map[string]*row{}}
		rows, codes, err := r.open(d.ID, villages)
		if err != nil {
			return err
		}
		records, err := r.restore(rows)
		if err != nil {
			return err
		}
		j, err := s.judge(d.Standard, d.Questionnaire)
		if err != nil {
			return err
		}
		for _, x := range rows {
			list, err := s.conflictsOf(d, x, records[x.rec], j)
			if err != nil {
				return err
			}
			for i := range list {
				list[i].Code = codes[x.household]
			}
			out = append(out, list...)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b ConflictRow) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(a.Village, b.Village), strings.Compare(a.Household, b.Household), strings.Compare(a.Unit, b.Unit))
	})
	return out, err
}

// open reads the interviews of a round with open conflicts, and their households' codes.
func (r *reader) open(round string, villages []string) (rows []*row, codes map[string]string, err error) {
	codes = map[string]string{}
	seen := map[string]bool{}
	for len(villages) > 0 {
		piece := villages[:min(len(villages), maxKeys)]
		villages = villages[len(piece):]
		cond, args := r.s.eng.in(2, piece)
		query := "SELECT " + prefixed("i.", rowColumns) + ` FROM record_scope x JOIN record i ON i.rec = x.rec
			WHERE x.kind = 'interview' AND i.round = $1 AND i.open_hard > 0 AND x.scope ` + cond
		err := eachRow(r.ctx, r.tx, query, append([]any{round}, args...), func(rs *sql.Rows) error {
			x, err := scanRow(rs)
			if err == nil && !seen[x.rec] && len(rows) < maxConflictRecords {
				seen[x.rec] = true
				rows = append(rows, x)
			}
			return err
		})
		if err != nil {
			return nil, nil, fmt.Errorf("read open conflicts: %w", err)
		}
	}
	var households []string
	for _, x := range rows {
		households = append(households, x.household)
	}
	if err := r.load(households...); err != nil {
		return nil, nil, err
	}
	for _, h := range households {
		if x := r.rows[h]; x != nil {
			v, err := viewOf(x.view)
			if err != nil {
				return nil, nil, err
			}
			codes[h] = v.Code
		}
	}
	return rows, codes, nil
}

func (s *Store) conflictsOf(d RoundDetail, x *row, rec *fieldsync.Record, j *survey.Judge) ([]ConflictRow, error) {
	v, err := viewOf(x.view)
	if err != nil {
		return nil, err
	}
	q := s.questionnaireOf(rec)
	iv := survey.ReadRecord(rec, q)
	area := s.areaTypeOf(d, x.area, v.Review)
	var out []ConflictRow
	for _, o := range rec.Conflicts(survey.Policies(q)) {
		c := ConflictRow{Household: x.household, Interview: x.rec, Village: x.area, Name: v.Name, Class: v.Class, Unit: o.Unit, Quiet: o.Quiet, Record: rec, Rank: survey.RankOther}
		if j != nil {
			c.Rank = j.RankConflict(iv, area, o.Unit)
		}
		if o.Quiet {
			c.Rank = survey.RankHarmless
		}
		for _, h := range o.Values {
			c.Values = append(c.Values, Said{h.Value, rec.Author(h.Dot), h.Dot})
		}
		out = append(out, c)
	}
	return out, nil
}

// areaTypeOf is rural or urban, by the commune's legal type on the day of review.
func (s *Store) areaTypeOf(d RoundDetail, village, review string) survey.AreaType {
	if review == "" {
		review = d.Date
	}
	return survey.AreaType(s.Areas().AreaType(village, review))
}

// AreaTypeOf is the area type an interview is judged by.
func (s *Store) AreaTypeOf(iv *Interview) survey.AreaType {
	return s.areaTypeOf(iv.Round, iv.Area, iv.View.Review)
}

// HeldRow is a change that waits for a person: durable, acknowledged, in no feed and no total.
type HeldRow struct {
	ChangeRow
	Home    string
	Village string // the home scope its author wrote, or the area its record is in
}

// Held returns the changes that are held, the oldest first.
func (s *Store) Held(ctx context.Context) (out []HeldRow, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		out, err = s.held(ctx, tx, "", nil)
		return err
	})
	return out, err
}

// HeldChange returns one held change; ErrHeldGone when it is not, or no longer, held.
func (s *Store) HeldChange(ctx context.Context, dot fieldsync.Dot) (h HeldRow, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		rows, err := s.held(ctx, tx, " AND replica = $2 AND seq = $3", []any{dot.Replica, int64(dot.Seq)})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrHeldGone
		}
		h = rows[0]
		return nil
	})
	return h, err
}

// ErrHeldGone says that someone has decided about the change in the meantime, or that it never was held.
var ErrHeldGone = refuse("held_gone", "Thay đổi này không còn bị giữ: đã có người quyết định. Xem lại danh sách.",
	"This change is no longer held: someone has decided about it. Look at the list again.")

func (s *Store) held(ctx context.Context, tx *sql.Tx, where string, args []any) ([]HeldRow, error) {
	var out []HeldRow
	var recs []string
	err := eachRow(ctx, tx, "SELECT home, replica, seq, rec, recv_at, why, bytes FROM change WHERE state = $1"+where+" ORDER BY recv_at, home, replica, seq",
		append([]any{StateHeld}, args...), func(rows *sql.Rows) error {
			var h HeldRow
			var seq int64
			var bytes []byte
			if err := rows.Scan(&h.Home, &h.Dot.Replica, &seq, &h.Record, &h.Received, &h.StateWhy, &bytes); err != nil {
				return err
			}
			h.Dot.Seq, h.State = uint64(seq), StateHeld
			h.fill(bytes)
			if h.Change != nil {
				h.Village = h.Change.Scope
			}
			recs = append(recs, h.Record)
			out = append(out, h)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read held changes: %w", err)
	}
	r := &reader{s, ctx, tx, map[string]*row{}}
	if err := r.load(recs...); err != nil {
		return nil, err
	}
	for i := range out {
		if x := r.rows[out[i].Record]; x != nil && len(x.scopes) > 0 {
			out[i].Village = x.scopes[0]
			if x.area != "" {
				out[i].Village = x.area
			}
		}
	}
	return out, nil
}

// HouseholdOf tells which household a record belongs to: itself, or the one it follows.
func (s *Store) HouseholdOf(ctx context.Context, record string) (household string, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		var kind string
		err := tx.QueryRowContext(ctx, "SELECT kind, household FROM record WHERE rec = $1", record).Scan(&kind, &household)
		if err == sql.ErrNoRows {
			return nil
		}
		if kind == schema.KindHousehold {
			household = record
		}
		return err
	})
	return household, err
}

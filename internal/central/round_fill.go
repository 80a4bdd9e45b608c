package central

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// FillDone says what filling a round did.
type FillDone struct {
	Households int // poor or near-poor by the last recognised list, or by a decision after it
	Changes    int // written: 0 when all of them were on the round's list
}

// FillRound puts the households that are poor or near-poor by the last recognised decision on the list of a round: each gets
// its interview with why it is reviewed and what it was before. Doing it again adds only what is new. Households that
// filed a request are listed by their request.
func (s *Store) FillRound(ctx context.Context, by, round string) (done FillDone, err error) {
	if err := s.LoadAreas(ctx); err != nil {
		return done, err
	}
	d, err := s.RoundDetail(ctx, round)
	if err != nil {
		return done, err
	}
	known, err := s.recognisedIn(ctx, d)
	if err != nil {
		return done, err
	}
	w := &listWriter{s: s, ctx: ctx, by: by, done: &HouseholdImport{}, once: "listed"}
	for piece := range slices.Chunk(known, 2*listBatch) {
		var changes []ActChange
		for _, k := range piece {
			if k.listed() {
				done.Households++
				changes = append(changes, k.change(d))
			}
		}
		if err := w.author(changes); err != nil {
			return done, err
		}
	}
	done.Changes = w.done.Changes
	return done, s.Audit(ctx, AuditEntry{Actor: by, Act: "round.fill", Object: round, Area: d.Area, Detail: fmt.Sprintf("households %d changes %d", done.Households, done.Changes)})
}

// recognition is a household with the decisions about it that are on record, the oldest first.
type recognition struct {
	household, village string
	decisions          []decision
}

type decision struct {
	Class  string `json:"class"`
	Number string `json:"number"`
	Date   string `json:"date"`

	to    string // last day of its round, where the decision has no date
	year  string
	prior priorClass
}

// priorClass is the unit prior_class.
type priorClass struct {
	Class        string `json:"class"`
	Number       string `json:"number,omitempty"`
	Date         string `json:"date,omitempty"`
	EverPoor     string `json:"ever_poor"`
	EverNearPoor string `json:"ever_near_poor"`
	Since        string `json:"since,omitempty"`
}

func (d *decision) when() string {
	if d.Date != "" {
		return d.Date
	}
	return d.to
}

// recognisedIn reads the decisions about every household that counts in the round's area, of the rounds before it.
func (s *Store) recognisedIn(ctx context.Context, d RoundDetail) (out []*recognition, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		r := &reader{s, ctx, tx, map[string]*row{}}
		found, err := s.interviewsBefore(ctx, tx, d)
		if err != nil {
			return err
		}
		byHousehold := map[string]*recognition{}
		for piece := range slices.Chunk(found, maxKeys) {
			if err := r.decisions(piece, d, byHousehold); err != nil {
				return err
			}
		}
		for _, id := range sortedKeys(byHousehold) {
			k := byHousehold[id]
			slices.SortStableFunc(k.decisions, func(a, b decision) int { return strings.Compare(a.when(), b.when()) })
			out = append(out, k)
		}
		return nil
	})
	return out, err
}

// foundInterview is an interview of another round with a recognised class, and where its household counts now.
type foundInterview struct{ rec, round, household, village string }

func (s *Store) interviewsBefore(ctx context.Context, tx *sql.Tx, d RoundDetail) (found []foundInterview, err error) {
	villages := []string{d.Area}
	for _, a := range s.places.Load().below(d.Area) {
		villages = append(villages, a.Code)
	}
	query := `SELECT i.rec, i.round, i.household, h.area, i.view, h.view FROM record h JOIN related f ON f.household = h.rec
		JOIN record i ON i.rec = f.rec AND i.kind = 'interview' WHERE h.kind = 'household' AND h.area `
	err = s.each(ctx, tx, query, villages, "", func(rows *sql.Rows) error {
		var f foundInterview
		var view, houseView string
		if err := rows.Scan(&f.rec, &f.round, &f.household, &f.village, &view, &houseView); err != nil {
			return err
		}
		var interview, house View
		if err := readViews(view, &interview, houseView, &house); err != nil {
			return err
		}
		if f.round != d.ID && interview.Recognised != "" && !house.Deleted {
			found = append(found, f)
		}
		return nil
	})
	return found, err
}

func (r *reader) decisions(found []foundInterview, d RoundDetail, to map[string]*recognition) error {
	var ids []string
	for _, f := range found {
		ids = append(ids, f.rec)
	}
	if err := r.load(ids...); err != nil {
		return err
	}
	var rows []*row
	for _, id := range ids {
		rows = append(rows, r.rows[id])
	}
	records, err := r.restore(rows)
	if err != nil {
		return err
	}
	for _, f := range found {
		round, err := r.round(f.round)
		if err != nil {
			return err
		}
		if round == nil || round.from >= d.From {
			continue
		}
		rec := records[f.rec]
		policies := r.s.policiesOf(rec)
		made := decision{to: round.to, year: round.from[:min(4, len(round.from))]}
		if json.Unmarshal(provisional(rec, "decision/recognised", policies), &made) != nil {
			continue
		}
		if before := provisional(rec, "prior_class", policies); before != nil && json.Unmarshal(before, &made.prior) != nil {
			made.prior = priorClass{}
		}
		k := to[f.household]
		if k == nil {
			k = &recognition{household: f.household, village: f.village}
			to[f.household] = k
		}
		k.decisions = append(k.decisions, made)
	}
	return nil
}

// listed tells whether the last decision puts the household on the list to review.
func (k *recognition) listed() bool {
	last := k.decisions[len(k.decisions)-1]
	return last.Class == string(survey.Poor) || last.Class == string(survey.NearPoor)
}

// prior is what the records say of the household before this round. What they do not reach back to is unknown, never no.
func (k *recognition) prior() priorClass {
	last := k.decisions[len(k.decisions)-1]
	p := priorClass{Class: last.Class, Number: last.Number, Date: last.Date, EverPoor: "unknown", EverNearPoor: "unknown", Since: last.year}
	for _, d := range k.decisions {
		if d.Class == string(survey.Poor) || d.prior.EverPoor == "yes" || d.prior.Class == string(survey.Poor) {
			p.EverPoor = "yes"
		}
		if d.Class == string(survey.NearPoor) || d.prior.EverNearPoor == "yes" || d.prior.Class == string(survey.NearPoor) {
			p.EverNearPoor = "yes"
		}
		p.Since = min(p.Since, d.year)
	}
	return p
}

func (k *recognition) change(d RoundDetail) ActChange {
	h := &listedHousehold{village: k.village}
	return h.change(fieldsync.InterviewID(d.ID, k.household), schema.KindInterview, units{
		"household": k.household, "round": d.ID, "village": k.village,
		"listed": object("why", "last_list", "on", d.From), "prior_class": k.prior()})
}

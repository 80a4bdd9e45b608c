package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// rejudgeSoon looks in the background for interviews that were judged on another basis than today's (areas were imported, a
// round arrived or got another standard) and judges them again; counters move in the same transactions.
func (s *Store) rejudgeSoon() {
	s.jobs.soon(func(ctx context.Context) {
		if n, err := s.Rejudge(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("judging again failed; it is tried again with the next change of areas or rounds", "error", err)
		} else if n > 0 {
			s.log.Info("interviews were judged again", "interviews", n)
		}
	})
}

// WaitRejudged returns when no judging is going on in the background.
func (s *Store) WaitRejudged() { s.jobs.wait() }

// rejudgeBatch bounds the records of one transaction.
const rejudgeBatch = 200

// Rejudge judges all interviews again whose basis is not today's, and returns how many there were.
func (s *Store) Rejudge(ctx context.Context) (total int, err error) {
	if err := s.settleVillages(ctx); err != nil {
		return 0, err
	}
	for after := ""; ; {
		var recs []string
		scanned := 0
		err := s.View(ctx, func(tx *sql.Tx) (err error) {
			recs, after, scanned, err = s.stale(ctx, tx, after)
			return err
		})
		if err != nil {
			return total, err
		}
		for piece := range slices.Chunk(recs, rejudgeBatch) {
			if err := s.touch(ctx, piece); err != nil {
				return total, err
			}
		}
		total += len(recs)
		if scanned < rejudgeScan {
			return total, nil
		}
	}
}

// settleVillages moves households to the villages they name, where these were in no area table when that was written.
func (s *Store) settleVillages(ctx context.Context) error {
	var recs []string
	err := s.View(ctx, func(tx *sql.Tx) error {
		if err := s.loadAreas(ctx, tx); err != nil {
			return err
		}
		places := s.places.Load()
		return eachRow(ctx, tx, `SELECT DISTINCT r.rec, r.scopes FROM issue i JOIN record r ON r.rec = i.rec
			WHERE i.code = $1 AND r.kind = 'household' ORDER BY r.rec`, []any{issueVillage}, func(rows *sql.Rows) error {
			var rec, scopes string
			err := rows.Scan(&rec, &scopes)
			if in := strings.Fields(scopes); len(in) > 1 && slices.ContainsFunc(in, places.village) {
				recs = append(recs, rec)
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("find households of unknown villages: %w", err)
	}
	for piece := range slices.Chunk(recs, rejudgeBatch) {
		if err := s.touch(ctx, piece); err != nil {
			return err
		}
	}
	return nil
}

// rejudgeScan is the number of rows looked at in one go.
const rejudgeScan = 2000

// stale returns the interviews after a record id whose basis is not today's.
func (s *Store) stale(ctx context.Context, tx *sql.Tx, after string) (recs []string, last string, scanned int, err error) {
	if err := s.loadAreas(ctx, tx); err != nil {
		return nil, after, 0, err
	}
	p := &planner{reader: &reader{s, ctx, tx, map[string]*row{}}, areasText: fmt.Sprint(s.places.Load().version)}
	type have struct{ rec, round, basis string }
	var rows []have
	err = eachRow(ctx, tx, "SELECT rec, round, basis FROM record WHERE kind = 'interview' AND rec > $1 ORDER BY rec LIMIT $2",
		[]any{after, rejudgeScan}, func(r *sql.Rows) error {
			var h have
			err := r.Scan(&h.rec, &h.round, &h.basis)
			rows = append(rows, h)
			return err
		})
	for _, h := range rows {
		if err != nil {
			break
		}
		last = h.rec
		round, err2 := p.round(h.round)
		if err2 != nil {
			err = err2
		} else if p.basis(round) != h.basis {
			recs = append(recs, h.rec)
		}
	}
	return recs, last, len(rows), err
}

// touch looks at records anew though nothing arrived for them.
func (s *Store) touch(ctx context.Context, recs []string) error {
	remake := func(ctx context.Context, tx *sql.Tx) (*plan, error) { return s.makePlan(ctx, tx, nil, nil, recs) }
	for try := 0; ; try++ {
		var p *plan
		err := s.View(ctx, func(tx *sql.Tx) (err error) {
			p, err = remake(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		err = s.grouped(ctx, len(recs), func(tx *sql.Tx) error {
			_, err := s.carryOut(ctx, tx, nil, p, try, remake)
			return err
		})
		if err == nil || try == maxTries || !(errors.Is(err, errStale) || s.eng.again(err)) {
			return err
		}
	}
}

// afterWrite starts what must follow a committed plan: a round that came or changed judges its interviews again.
func (s *Store) afterWrite(p *plan) {
	if p != nil && slices.ContainsFunc(p.works, func(w *work) bool { return w.next.kind == kindRound }) {
		s.rejudgeSoon()
	}
}

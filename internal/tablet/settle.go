package tablet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/rasoat/rasoat/schema"
)

// settle does what follows from records having changed: rounds are read anew, open forms hear the news, what left goes.
func (s *Store) settle(ctx context.Context, touched map[string]bool) error {
	if len(touched) == 0 {
		return nil
	}
	if err := s.loadRounds(ctx); err != nil {
		return err
	}
	if err := s.relist(ctx); err != nil {
		return err
	}
	for _, f := range s.forms {
		if !touched[f.household] && !touched[f.interview] {
			continue
		}
		next := *f
		if err := next.take(ctx); err != nil {
			return err
		}
		if next.hh.Version() != f.hh.Version() || next.iv.Version() != f.iv.Version() {
			f.news = true
			s.events = append(s.events, Event{Kind: EventForm, Household: f.household})
		}
	}
	return s.sweep(ctx)
}

// relist makes the list anew when what it was made by has changed: a round, a standard, an area.
func (s *Store) relist(ctx context.Context) error {
	basis := s.basis()
	if basis == s.listedBy {
		return nil
	}
	err := s.write(ctx, func(t *tx) error {
		rows, err := t.QueryContext(t.ctx, `SELECT rec FROM record WHERE kind = ?`, schema.KindHousehold)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var rec string
			if err := rows.Scan(&rec); err != nil {
				return err
			}
			t.dirty[rec] = true
		}
		return errors.Join(rows.Err(), s.putMeta(t, "basis", basis))
	})
	if err != nil {
		return err
	}
	s.listedBy = basis
	s.list.rebuild(s.roundNow(), s.roundDays())
	return nil
}

// basis changes whenever a class or a count in the list might.
func (s *Store) basis() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d\n", s.set.Sum, len(s.areaNames))
	for _, r := range s.sortedRounds() {
		fmt.Fprintf(h, "%+v\n", r)
	}
	return hex.EncodeToString(h.Sum(nil))
}

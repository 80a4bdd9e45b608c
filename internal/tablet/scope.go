package tablet

import (
	"context"
	"errors"
	"fmt"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Bootstrap joins a snapshot of a scope and sets the scope's cursor to it. Records that stood in the scope and are not in the
// snapshot have left it.
func (s *Store) Bootstrap(ctx context.Context, head *fieldsync.SnapshotHead, states []*fieldsync.State) error {
	s.lock()
	defer s.unlock()
	touched := map[string]bool{}
	err := s.write(ctx, func(t *tx) error {
		was, err := s.standing(t, head.Scope)
		if err != nil {
			return err
		}
		for _, state := range states {
			if err := s.join(t, head.Scope, state); err != nil {
				return err
			}
			delete(was, state.Record)
			touched[state.Record] = true
		}
		for rec := range was {
			if err := s.left(t, head.Scope, rec); err != nil {
				return err
			}
			touched[rec] = true
		}
		return t.exec(`INSERT INTO cursor (server, scope, epoch, pos, stale) VALUES (?, ?, ?, ?, 0)
			ON CONFLICT (server, scope) DO UPDATE SET epoch = excluded.epoch, pos = excluded.pos, stale = 0`,
			s.me.Server, head.Scope, head.At.Epoch, head.At.Pos)
	})
	if err != nil {
		return fmt.Errorf("snapshot of %s: %w", head.Scope, err)
	}
	return s.settle(ctx, touched)
}

func (s *Store) standing(t *tx, scope string) (map[string]bool, error) {
	rows, err := t.QueryContext(t.ctx, `SELECT rec FROM place WHERE scope = ?`, scope)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var rec string
		if err := rows.Scan(&rec); err != nil {
			return nil, err
		}
		out[rec] = true
	}
	return out, rows.Err()
}

// DropScopes removes withdrawn scopes. One in which this tablet has work nobody else has is kept until a later contact.
func (s *Store) DropScopes(ctx context.Context, scopes []string) error {
	s.lock()
	defer s.unlock()
	if len(scopes) == 0 {
		return s.sweep(ctx)
	}
	if err := s.commitAll(ctx); err != nil {
		return err
	}
	for _, scope := range scopes {
		err := s.write(ctx, func(t *tx) error { return s.dropScope(t, scope) })
		if err != nil {
			return fmt.Errorf("drop %s: %w", scope, err)
		}
	}
	return s.sweep(ctx)
}

func (s *Store) dropScope(t *tx, scope string) error {
	recs, err := s.standing(t, scope)
	if err != nil {
		return err
	}
	rows, err := t.QueryContext(t.ctx, `SELECT rec FROM record WHERE scope = ?
		AND NOT EXISTS (SELECT 1 FROM place WHERE place.rec = record.rec)`, scope)
	if err != nil {
		return err
	}
	for rows.Next() { // households begun here that no pull has brought back yet
		var rec string
		if err := rows.Scan(&rec); err != nil {
			rows.Close()
			return err
		}
		recs[rec] = true
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for rec := range recs {
		if busy, err := s.busy(t, rec); err != nil || busy {
			return err
		}
	}
	for rec := range recs {
		if err := s.left(t, scope, rec); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM cursor WHERE server = ? AND scope = ?`, s.me.Server, scope)
}

// ended takes the cursors of a pull's end, and its fingerprints: a scope that has not the same changes as the server's is
// fetched whole at the next contact.
func (s *Store) ended(t *tx, end *fieldsync.PullEnd, cursors map[string]fieldsync.Cursor) error {
	for scope, c := range end.End {
		cursors[scope] = c
	}
	if end.More || len(end.FP) == 0 {
		return nil
	}
	if err := s.store(t); err != nil {
		return err
	}
	for scope, want := range end.FP {
		got, err := s.fingerprint(t.ctx, t, scope)
		if err != nil {
			return err
		}
		if got != fieldsync.Fingerprint(want) && got.Count <= want.Count {
			s.log.Warn("tablet: a scope differs from the server's; it is fetched whole at the next contact",
				"scope", scope, "here", got.Count, "there", want.Count)
			if err := s.stale(t, scope); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fingerprints are the sums over the records now in each granted scope, of what the server has told.
func (s *Store) Fingerprints(ctx context.Context) (map[string]fieldsync.Print, error) {
	s.lock()
	defer s.unlock()
	out := map[string]fieldsync.Print{}
	for _, scope := range s.me.Scopes {
		fp, err := s.fingerprint(ctx, s.db, scope)
		if err != nil {
			return nil, err
		}
		out[scope] = fieldsync.Print(fp)
	}
	return out, nil
}

func (s *Store) fingerprint(ctx context.Context, q querier, scope string) (sum fieldsync.Fingerprint, err error) {
	rows, err := q.QueryContext(ctx, `SELECT r.fp FROM place p JOIN record r ON r.rec = p.rec WHERE p.scope = ?`, scope)
	if err != nil {
		return sum, fmt.Errorf("fingerprint: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var fp []byte
		if err := rows.Scan(&fp); err != nil {
			return sum, fmt.Errorf("fingerprint: %w", err)
		}
		sum = sum.Add(fpOf(fp))
	}
	return sum, rows.Err()
}

// stale marks a scope to be fetched whole at the next contact.
func (s *Store) stale(t *tx, scope string) error {
	return t.exec(`INSERT INTO cursor (server, scope, epoch, pos, stale) VALUES (?, ?, ?, 0, 1)
		ON CONFLICT (server, scope) DO UPDATE SET stale = 1`, s.me.Server, scope, s.me.Epoch)
}

func (s *Store) putCursors(t *tx, cursors map[string]fieldsync.Cursor) error {
	for scope, c := range cursors {
		if err := t.exec(`INSERT INTO cursor (server, scope, epoch, pos) VALUES (?, ?, ?, ?)
			ON CONFLICT (server, scope) DO UPDATE SET pos = CASE WHEN epoch = excluded.epoch THEN max(pos, excluded.pos) ELSE excluded.pos END,
			epoch = excluded.epoch`, s.me.Server, scope, c.Epoch, c.Pos); err != nil {
			return fmt.Errorf("store cursor: %w", err)
		}
	}
	return nil
}

package tablet

import (
	"context"
	"errors"
	"fmt"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Pulled takes in lines in order, each with its cursor, in one transaction: after a kill either all of the batch is here or
// none of it is, and the cursor says which.
func (s *Store) Pulled(ctx context.Context, lines []*fieldsync.PullLine) error {
	s.lock()
	defer s.unlock()
	touched := map[string]bool{}
	err := s.write(ctx, func(t *tx) error {
		cursors := map[string]fieldsync.Cursor{}
		for _, line := range lines {
			if line.End != nil {
				if err := s.ended(t, line.End, cursors); err != nil {
					return err
				}
				continue
			}
			if err := s.takeLine(t, line, touched); err != nil {
				return fmt.Errorf("pulled line %s %d: %w", line.C.Scope, line.C.Pos, err)
			}
			cursors[line.C.Scope] = fieldsync.Cursor{Epoch: s.me.Epoch, Pos: line.C.Pos}
		}
		return s.putCursors(t, cursors)
	})
	if err != nil {
		return err
	}
	return s.settle(ctx, touched)
}

// takeLine takes in one line.
func (s *Store) takeLine(t *tx, line *fieldsync.PullLine, touched map[string]bool) error {
	if line.C == nil {
		return errors.New("it has no position")
	}
	scope := line.C.Scope
	switch {
	case line.Gone != "":
		touched[line.Gone] = true
		return s.left(t, scope, line.Gone)
	case line.State != nil:
		touched[line.State.Record] = true
		return s.join(t, scope, line.State)
	case len(line.Erase) > 0:
		return s.erase(t, line.Erase, touched)
	case line.B != nil:
		c, fault := fieldsync.DecodeChange(line.Replica, line.B)
		if fault != nil {
			return fault
		}
		touched[c.Record] = true
		return s.apply(t, scope, c)
	case line.Own || line.S > 0:
		return s.takeOwn(t, scope, fieldsync.Dot{Replica: line.Replica, Seq: line.S}, touched)
	}
	return errors.New("it says nothing")
}

// takeOwn takes back a change of this tablet, which comes without its bytes. One that is not here (the database was put back
// from a copy and the other copy went on) can only be had with the whole scope.
func (s *Store) takeOwn(t *tx, scope string, d fieldsync.Dot, touched map[string]bool) error {
	c, err := s.ownChange(t.ctx, t, d)
	if err != nil {
		return err
	}
	if c == nil {
		return s.stale(t, scope)
	}
	if s.refused(t, d) {
		c = skeleton(c)
	}
	touched[c.Record] = true
	return s.apply(t, scope, c)
}

// refused tells whether a person refused the change: then everybody else has it without its values.
func (s *Store) refused(t *tx, d fieldsync.Dot) bool {
	var n int
	err := t.QueryRowContext(t.ctx, `SELECT count(*) FROM note WHERE replica = ? AND seq = ? AND state = 'refused'`, d.Replica, d.Seq).Scan(&n)
	return err == nil && n > 0
}

func skeleton(c *fieldsync.Change) *fieldsync.Change {
	bare := *c
	bare.Writes = make([]fieldsync.Write, len(c.Writes))
	for i, w := range c.Writes {
		bare.Writes[i] = fieldsync.Write{Unit: w.Unit, Value: []byte("null")}
	}
	return &bare
}

func (s *Store) apply(t *tx, scope string, c *fieldsync.Change) error {
	st, err := s.open(t, c.Record, c.Kind)
	if err != nil {
		return err
	}
	if st.rec.Apply(c) {
		st.changed = true
		if s.wasErased(t, c.Dot) {
			st.rec.Erase(c.Dot)
		}
	}
	if err := s.noteSaw(t, c.Dot); err != nil {
		return err
	}
	return s.enter(t, scope, c.Record, st)
}

// join takes in another node's state of a record: joined, never put in place of what is here.
func (s *Store) join(t *tx, scope string, state *fieldsync.State) error {
	other, err := fieldsync.FromState(state)
	if err != nil {
		return err
	}
	st, err := s.open(t, state.Record, state.Kind)
	if err != nil {
		return err
	}
	st.rec.Join(other)
	st.changed = true
	last := map[string]uint64{}
	for _, d := range st.rec.LiveDots() {
		if s.wasErased(t, d) {
			st.rec.Erase(d)
		}
		last[d.Replica] = max(last[d.Replica], d.Seq)
	}
	for replica, seq := range last {
		if err := s.noteSaw(t, fieldsync.Dot{Replica: replica, Seq: seq}); err != nil {
			return err
		}
	}
	return s.enter(t, scope, state.Record, st)
}

// noteSaw remembers the highest number seen of every other replica: after the server was restored this is how it learns what it
// has lost, of its board's acts and of tablets that never come back.
func (s *Store) noteSaw(t *tx, d fieldsync.Dot) error {
	if s.feedOf(d.Replica) != nil {
		return nil
	}
	return t.exec(`INSERT INTO saw (replica, seq) VALUES (?, ?) ON CONFLICT (replica) DO UPDATE SET seq = max(seq, excluded.seq)`, d.Replica, d.Seq)
}

func (s *Store) wasErased(t *tx, d fieldsync.Dot) bool {
	var n int
	err := t.QueryRowContext(t.ctx, `SELECT count(*) FROM erased WHERE dot = ?`, d.String()).Scan(&n)
	return err == nil && n > 0
}

// enter notes that a record stands in a scope.
func (s *Store) enter(t *tx, scope, rec string, st *stored) error {
	if st.gone {
		st.gone, st.changed = false, true
	}
	if st.scope == "" {
		st.scope, st.changed = scope, true
	}
	return t.exec(`INSERT INTO place (scope, rec) VALUES (?, ?) ON CONFLICT DO NOTHING`, scope, rec)
}

// left notes that a record left a scope, which is not a deletion. When it stands in no granted scope any more it is removed,
// but not before own changes of it are at home.
func (s *Store) left(t *tx, scope, rec string) error {
	if err := t.exec(`DELETE FROM place WHERE scope = ? AND rec = ?`, scope, rec); err != nil {
		return err
	}
	var places int
	if err := t.QueryRowContext(t.ctx, `SELECT count(*) FROM place WHERE rec = ?`, rec).Scan(&places); err != nil || places > 0 {
		return err
	}
	st, err := s.load(t.ctx, t, rec)
	if err != nil || st == nil {
		return err
	}
	st.gone, st.changed = true, true
	if st.rec.Kind != schema.KindHousehold {
		return nil
	}
	interviews, err := s.interviewsOf(t.ctx, t, rec)
	if err != nil {
		return err
	}
	for _, iv := range interviews { // those begun here that no feed has brought yet go with their household
		if err := t.QueryRowContext(t.ctx, `SELECT count(*) FROM place WHERE rec = ?`, iv).Scan(&places); err != nil {
			return err
		}
		if places == 0 {
			if err := s.left(t, scope, iv); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes records that left, once a server has all this tablet wrote in them.
func (s *Store) sweep(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT rec, household FROM record WHERE gone = 1`)
	if err != nil {
		return fmt.Errorf("remove what left: %w", err)
	}
	defer rows.Close()
	gone := map[string]string{}
	for rows.Next() {
		var rec, household string
		if err := rows.Scan(&rec, &household); err != nil {
			return fmt.Errorf("remove what left: %w", err)
		}
		gone[rec] = household
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(gone) == 0 {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		for rec, household := range gone {
			busy, err := s.busy(t, rec)
			if err != nil {
				return err
			}
			if busy {
				continue
			}
			if err := t.exec(`DELETE FROM record WHERE rec = ?`, rec); err != nil {
				return err
			}
			delete(t.recs, rec)
			if household != "" {
				t.dirty[household] = true
			}
		}
		return nil
	})
}

// busy tells whether the record has answers or changes that only this tablet has.
func (s *Store) busy(t *tx, rec string) (bool, error) {
	var n int
	if err := t.QueryRowContext(t.ctx, `SELECT count(*) FROM draft_of WHERE rec = ?`, rec).Scan(&n); err != nil || n > 0 {
		return n > 0, err
	}
	for _, f := range s.feeds {
		err := t.QueryRowContext(t.ctx, `SELECT count(*) FROM own WHERE rec = ? AND replica = ? AND seq > ?`, rec, f.replica, f.durable).Scan(&n)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// erase blanks the values of changes, their copies here, and remembers that they are to stay blank.
func (s *Store) erase(t *tx, texts []string, touched map[string]bool) error {
	var dots []fieldsync.Dot
	for _, text := range texts {
		d, err := fieldsync.ParseDot(text)
		if err != nil {
			return err
		}
		dots = append(dots, d)
		if err := t.exec(`INSERT INTO erased (dot) VALUES (?) ON CONFLICT DO NOTHING`, text); err != nil {
			return err
		}
		if err := t.exec(`UPDATE own SET bytes = x'', erased = 1 WHERE replica = ? AND seq = ?`, d.Replica, d.Seq); err != nil {
			return err
		}
	}
	recs, err := s.holding(t, dots)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		st, err := s.load(t.ctx, t, rec)
		if err != nil {
			return err
		}
		st.rec.Erase(dots...)
		st.changed = true
		touched[rec] = true
	}
	return nil
}

// holding finds the records that show a value of these changes. Erasures are rare, so all records are looked at.
func (s *Store) holding(t *tx, dots []fieldsync.Dot) ([]string, error) {
	rows, err := t.QueryContext(t.ctx, `SELECT rec FROM record`)
	if err != nil {
		return nil, err
	}
	var all []string
	for rows.Next() {
		var rec string
		if err := rows.Scan(&rec); err != nil {
			rows.Close()
			return nil, err
		}
		all = append(all, rec)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for rec, st := range t.recs {
		if st.changed {
			all = append(all, rec)
		}
	}
	want := map[fieldsync.Dot]bool{}
	for _, d := range dots {
		want[d] = true
	}
	var out []string
	for _, rec := range all {
		st, err := s.load(t.ctx, t, rec)
		if err != nil {
			return nil, err
		}
		found := false
		for _, d := range st.rec.LiveDots() {
			found = found || want[d]
		}
		if found {
			out = append(out, rec)
		} else if !st.changed {
			delete(t.recs, rec)
		}
	}
	return out, nil
}

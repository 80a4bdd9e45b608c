package tablet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	if c.Role != "enumerator" && c.Role != "village_head" {
		if err := s.noteSaw(t, c.Dot); err != nil {
			return err
		}
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
	for _, d := range st.rec.LiveDots() {
		if s.wasErased(t, d) {
			st.rec.Erase(d)
		}
		if by := st.rec.Author(d); by.Role != "enumerator" && by.Role != "village_head" {
			if err := s.noteSaw(t, d); err != nil {
				return err
			}
		}
	}
	return s.enter(t, scope, state.Record, st)
}

func (s *Store) noteSaw(t *tx, d fieldsync.Dot) error {
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

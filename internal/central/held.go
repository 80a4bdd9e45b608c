package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Outcomes of a decision about a held change.
const (
	outcomeReleased = "released"
	outcomeRefused  = "refused"
)

// StateClosed is a change of a second branch that came again under the tablet's new replica: nothing is left to decide.
const StateClosed = "closed"

// ErrNotHeld: the change is not, or no longer, held.
var ErrNotHeld = errors.New("the change is not held")

// Release publishes a held change. by is the account that decided; whoever calls has asked survey.Can.
func (s *Store) Release(ctx context.Context, dot fieldsync.Dot, by, why string) error {
	return s.settle(ctx, dot, decided{StatePublished, "", outcomeReleased, by, why})
}

// Refuse lets a held change count as seen without its values, so that nothing waits for it for ever. A reason is required; the
// tablet shows it beside its own copy.
func (s *Store) Refuse(ctx context.Context, dot fieldsync.Dot, by, why string) error {
	if strings.TrimSpace(why) == "" {
		return errors.New("refuse a change: a reason is required")
	}
	return s.settle(ctx, dot, decided{StateRefused, why, outcomeRefused, by, why})
}

// decided is what a person decided about a held change.
type decided struct{ state, stateWhy, outcome, by, why string }

func (s *Store) settle(ctx context.Context, dot fieldsync.Dot, d decided) error {
	for try := 0; ; try++ {
		err := s.grouped(ctx, 1, func(tx *sql.Tx) error { return s.settleIn(ctx, tx, dot, d, try) })
		if err == nil || try == maxTries || !(errors.Is(err, errStale) || s.eng.again(err)) {
			return err
		}
	}
}

func (s *Store) settleIn(ctx context.Context, tx *sql.Tx, dot fieldsync.Dot, d decided, try int) error {
	rep, err := readReplica(ctx, tx, dot.Replica)
	if err != nil {
		return err
	}
	if err := s.lockReplica(ctx, tx, rep); err != nil {
		return err
	}
	a, err := s.heldArrival(ctx, tx, rep, dot)
	if err != nil {
		return err
	}
	a.state, a.why = d.state, d.stateWhy
	if d.state == StateRefused {
		a.change = withoutWrites(a.change)
	}
	remake := func(ctx context.Context, tx *sql.Tx) (*plan, error) {
		return s.makePlan(ctx, tx, rep, []*arrival{a}, nil)
	}
	p, err := remake(ctx, tx)
	if err != nil {
		return err
	}
	if _, err = s.carryOut(ctx, tx, rep, p, try, remake); err != nil {
		return err
	}
	if a.state != d.state {
		return fmt.Errorf("decide about change %s: it stays %s, because of its %s", dot, a.state, a.why)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO decision (home, replica, seq, outcome, why, by_account, at) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		rep.home, rep.id, int64(dot.Seq), d.outcome, d.why, d.by, s.Now())
	if err != nil {
		return fmt.Errorf("store the decision: %w", err)
	}
	return s.audit(ctx, tx, AuditEntry{Actor: d.by, Act: "held." + d.outcome, Object: dot.String()})
}

func (s *Store) heldArrival(ctx context.Context, tx *sql.Tx, rep *replicaRow, dot fieldsync.Dot) (*arrival, error) {
	r := &reader{s, ctx, tx, nil}
	var found *arrival
	err := r.logged([]fieldsync.Dot{dot}, func(l *logged) error {
		if l.state != StateHeld {
			return nil
		}
		c, err := rep.origin().decode(dot.Replica, l.bytes)
		found = &arrival{seq: dot.Seq, bytes: l.bytes, change: c, logged: true}
		return err
	})
	if err == nil && found == nil {
		err = ErrNotHeld
	}
	return found, err
}

func (r *replicaRow) origin() origin { return origin{r.home, r.forkOf, r.forkAt} }

// AcceptReplica takes over the work of a replica that was carried here unknown: everything it sent is decided anew, as if
// it came now from this account.
func (s *Store) AcceptReplica(ctx context.Context, replica, account string) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE replica SET state = 'accepted', account = $2 WHERE replica = $1 AND state = 'unaccepted'", replica, account)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("accept replica %s: it does not wait to be accepted", replica))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.acceptAll(ctx, replica)
}

// acceptAll decides anew about everything that was held for the replica.
func (s *Store) acceptAll(ctx context.Context, replica string) error {
	for {
		if done, err := s.acceptSome(ctx, replica); err != nil || done {
			return err
		}
	}
}

// acceptSome decides anew about the first of the changes that were held for the replica, in one transaction.
func (s *Store) acceptSome(ctx context.Context, replica string) (done bool, err error) {
	for try := 0; ; try++ {
		err = s.grouped(ctx, fieldsync.MaxBatchChanges, func(tx *sql.Tx) error {
			rep, err := readReplica(ctx, tx, replica)
			if err != nil {
				return err
			}
			if err := s.lockReplica(ctx, tx, rep); err != nil {
				return err
			}
			var p *plan
			remake := func(ctx context.Context, tx *sql.Tx) (*plan, error) {
				arrivals, err := s.waiting(ctx, tx, rep)
				if err != nil {
					return nil, err
				}
				done = len(arrivals) == 0
				return s.makePlan(ctx, tx, rep, arrivals, nil)
			}
			if p, err = remake(ctx, tx); err != nil || done {
				return err
			}
			_, err = s.carryOut(ctx, tx, rep, p, try, remake)
			return err
		})
		if err == nil || try == maxTries || !(errors.Is(err, errStale) || s.eng.again(err)) {
			return done, err
		}
	}
}

// waiting reads the first changes that are held because their replica was not accepted.
func (s *Store) waiting(ctx context.Context, tx *sql.Tx, rep *replicaRow) (arrivals []*arrival, err error) {
	err = eachRow(ctx, tx, `SELECT seq, bytes FROM change WHERE home = $1 AND replica = $2 AND state = 'held' AND why = 'replica' ORDER BY seq LIMIT $3`,
		[]any{rep.home, rep.id, fieldsync.MaxBatchChanges}, func(rows *sql.Rows) error {
			var seq int64
			var line []byte
			if err := rows.Scan(&seq, &line); err != nil {
				return err
			}
			c, err := rep.origin().decode(rep.id, line)
			arrivals = append(arrivals, &arrival{seq: uint64(seq), bytes: line, change: c, logged: true, anew: true})
			return err
		})
	return arrivals, err
}

// closeForks settles changes of second branches that came again under a new replica of the same account: the same act on the
// same record under "was".
func (s *Store) closeForks(ctx context.Context, tx *sql.Tx, rep *replicaRow, arrivals []*arrival) error {
	for _, a := range arrivals {
		if a.change == nil || a.change.Was == nil || a.change.Account != rep.account {
			continue
		}
		was := *a.change.Was
		var branches []*replicaRow
		err := eachRow(ctx, tx, "SELECT "+replicaColumns+" FROM replica WHERE fork_of = $1 AND fork_at <= $2", []any{was.Replica, int64(was.Seq)}, func(rows *sql.Rows) error {
			b, err := scanReplica(rows)
			branches = append(branches, b)
			return err
		})
		if err != nil {
			return err
		}
		for _, b := range branches {
			if err := s.closeFork(ctx, tx, b, was.Seq, a.change); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) closeFork(ctx context.Context, tx *sql.Tx, b *replicaRow, seq uint64, again *fieldsync.Change) error {
	held, err := s.heldArrival(ctx, tx, b, fieldsync.Dot{Replica: b.id, Seq: seq})
	if errors.Is(err, ErrNotHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	if was := held.change; was.Account != again.Account || was.Record != again.Record || was.Kind != again.Kind || !sameWrites(was.Writes, again.Writes) {
		return nil
	}
	_, err = tx.ExecContext(ctx, "UPDATE change SET state = 'closed' WHERE home = $1 AND replica = $2 AND seq = $3", b.home, b.id, int64(seq))
	return err
}

func sameWrites(a, b []fieldsync.Write) bool {
	byUnit := func(x, y fieldsync.Write) int { return strings.Compare(x.Unit, y.Unit) }
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, byUnit)
	slices.SortFunc(b, byUnit)
	return slices.EqualFunc(a, b, func(x, y fieldsync.Write) bool { return x.Unit == y.Unit && string(x.Value) == string(y.Value) })
}

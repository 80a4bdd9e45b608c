package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Act is one act of a person at the console, or of the program itself, as changes of this store's own replica. Whoever
// makes it has asked survey.Can.
type Act struct {
	Account string
	Role    string // survey.Server for the program itself
	Form    string // questionnaire; "" for the newest
	Tag     string // shared by the changes; made up when they are several and it is ""
	Changes []ActChange
}

// ActChange is one change of an act.
type ActChange struct {
	Record, Kind, Op string
	Scope            string // where a new record is
	Why              string
	Writes           []fieldsync.Write
	// Parents are the heads the author saw; nil takes those that stand now. A resolution names what it showed.
	Parents []fieldsync.Dot
	// Version, when not "", is the version of the record the author saw: another one now is ErrChanged.
	Version string
}

// ErrChanged: the record is no longer what the author saw. Show it again.
var ErrChanged = errors.New("the record has changed since it was shown")

// Author makes the changes of an act, signs and stores them by the way of every other change, and returns their dots.
// It is one transaction for at most fieldsync.MaxBatchChanges changes; a longer act is several.
func (s *Store) Author(ctx context.Context, act Act) ([]fieldsync.Dot, error) {
	if act.Tag == "" && len(act.Changes) > 1 {
		act.Tag = randomID(6)
	}
	var dots []fieldsync.Dot
	for piece := range slices.Chunk(act.Changes, fieldsync.MaxBatchChanges) {
		part := act
		part.Changes = piece
		done, err := s.author(ctx, nil, func(*sql.Tx, map[string]ScopeHead) (Act, error) { return part, nil })
		if err != nil {
			return dots, err
		}
		dots = append(dots, done...)
	}
	return dots, nil
}

// ScopeHead is where a scope's feed stands, and the fingerprint of all its records have seen.
type ScopeHead struct {
	Pos   uint64
	Print fieldsync.Print
}

// AuthorLocked makes an act out of what stands in some scopes, while nothing can be written to them: a cut is taken so. write
// may store rows of its own in tx; it runs again when the transaction has to, and its act has at most
// fieldsync.MaxBatchChanges changes.
func (s *Store) AuthorLocked(ctx context.Context, scopes []string, write func(tx *sql.Tx, heads map[string]ScopeHead) (Act, error)) ([]fieldsync.Dot, error) {
	scopes = slices.Clone(scopes)
	slices.Sort(scopes)
	return s.author(ctx, slices.Compact(scopes), write)
}

func (s *Store) author(ctx context.Context, scopes []string, write func(*sql.Tx, map[string]ScopeHead) (Act, error)) (dots []fieldsync.Dot, err error) {
	for try := 0; ; try++ {
		var p *plan
		err = s.grouped(ctx, fieldsync.MaxBatchChanges, func(tx *sql.Tx) (err error) {
			p, dots, err = s.authorIn(ctx, tx, scopes, write, try)
			return err
		})
		if err == nil {
			s.afterWrite(p)
		}
		if err == nil || try == maxTries || !(errors.Is(err, errStale) || s.eng.again(err)) {
			return dots, err
		}
	}
}

// authorIn works inside the writing transaction from the start: the own replica's row is the lock under which numbers are given.
func (s *Store) authorIn(ctx context.Context, tx *sql.Tx, scopes []string, write func(*sql.Tx, map[string]ScopeHead) (Act, error), try int) (*plan, []fieldsync.Dot, error) {
	me := s.Self()
	rep, err := scanReplica(tx.QueryRowContext(ctx, "UPDATE replica SET last_push = $2 WHERE replica = $1 RETURNING "+replicaColumns, me.Replica, s.Now()))
	if err != nil {
		return nil, nil, err
	}
	act, err := s.actIn(ctx, tx, scopes, write)
	if err != nil {
		return nil, nil, err
	}
	first := rep.seq + 1
	var arrivals []*arrival
	remake := func(ctx context.Context, tx *sql.Tx) (*plan, error) {
		if arrivals, err = s.compose(ctx, tx, rep, act, act.Changes); err != nil {
			return nil, err
		}
		return s.makePlan(ctx, tx, rep, arrivals, nil)
	}
	p, err := remake(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	if p, err = s.carryOut(ctx, tx, rep, p, try, remake); err != nil {
		return nil, nil, err
	}
	last := arrivals[len(arrivals)-1]
	head := *rep
	head.seq, head.h = last.seq, last.h
	sig := fieldsync.SignHead(me.RepKey, head.id, head.seq, head.h)
	return p, dotsOfArrivals(arrivals), s.advance(ctx, tx, &head, first, sig, 0)
}

// actIn locks the scopes and lets the act be made of what stands there.
func (s *Store) actIn(ctx context.Context, tx *sql.Tx, scopes []string, write func(*sql.Tx, map[string]ScopeHead) (Act, error)) (Act, error) {
	locked, err := s.lockScopes(ctx, tx, scopes, func(string) int { return 0 })
	if err != nil {
		return Act{}, err
	}
	heads := make(map[string]ScopeHead, len(locked))
	for scope, l := range locked {
		heads[scope] = ScopeHead{l.pos, fieldsync.Print(l.fp)}
	}
	act, err := write(tx, heads)
	if err != nil {
		return act, err
	}
	if n := len(act.Changes); n == 0 || n > fieldsync.MaxBatchChanges {
		return act, fmt.Errorf("author an act: it has %d changes, one transaction takes 1 to %d", n, fieldsync.MaxBatchChanges)
	}
	if act.Form == "" {
		for f := range s.set.Questionnaires {
			act.Form = max(act.Form, f)
		}
	}
	return act, nil
}

func dotsOfArrivals(arrivals []*arrival) []fieldsync.Dot {
	dots := make([]fieldsync.Dot, len(arrivals))
	for i, a := range arrivals {
		dots[i] = a.change.Dot
	}
	return dots
}

// compose writes the changes out: numbers, parents, status units, bytes, chain.
func (s *Store) compose(ctx context.Context, tx *sql.Tx, rep *replicaRow, act Act, changes []ActChange) ([]*arrival, error) {
	r := &reader{s, ctx, tx, map[string]*row{}}
	records, err := r.current(changes)
	if err != nil {
		return nil, err
	}
	seq, h := rep.seq, rep.h
	var arrivals []*arrival
	for i := range changes {
		x := &changes[i]
		rec := records[x.Record]
		if rec == nil {
			rec = fieldsync.NewRecord(x.Record, x.Kind)
			records[x.Record] = rec
		}
		if x.Version != "" && rec.Version() != x.Version {
			return nil, ErrChanged
		}
		seq++
		c := &fieldsync.Change{Dot: fieldsync.Dot{Replica: rep.id, Seq: seq}, Record: x.Record, Kind: x.Kind, Op: x.Op, Form: act.Form, Scope: x.Scope,
			Account: act.Account, Role: act.Role, At: s.Now(), N: seq, Writes: withStatus(x), Why: x.Why, Tag: act.Tag}
		c.Parents = parentsOf(rec, x, c.Writes)
		if err := c.Encode(); err != nil {
			return nil, fmt.Errorf("compose a change of %s: %w", x.Record, err)
		}
		rec.Apply(c)
		h = fieldsync.ChainNext(h, c.Bytes)
		arrivals = append(arrivals, &arrival{seq: seq, bytes: c.Bytes, h: h, change: c})
	}
	return arrivals, nil
}

// parentsOf: what the author saw of the written units, and whatever else he says he saw.
func parentsOf(rec *fieldsync.Record, x *ActChange, writes []fieldsync.Write) []fieldsync.Dot {
	if x.Parents != nil {
		return x.Parents
	}
	units := make([]string, len(writes))
	for i, w := range writes {
		units[i] = w.Unit
	}
	return rec.ParentsOf(units)
}

// current gives the merged records as they stand.
func (r *reader) current(changes []ActChange) (map[string]*fieldsync.Record, error) {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.Record)
	}
	if err := r.load(ids...); err != nil {
		return nil, err
	}
	var stored []*row
	for _, x := range r.rows {
		if x != nil {
			stored = append(stored, x)
		}
	}
	return r.restore(stored)
}

// withStatus adds "." = active, and the same for each member that gets an answer: so a deletion meets an edit it had not seen.
// What only the desk writes about a record (review, decisions, notes) answers nothing.
func withStatus(x *ActChange) []fieldsync.Write {
	writes := slices.Clone(x.Writes)
	have := map[string]bool{}
	for _, w := range x.Writes {
		have[w.Unit] = true
	}
	add := func(unit string) {
		if !have[unit] {
			have[unit] = true
			writes = append(writes, fieldsync.Write{Unit: unit, Value: []byte(`"active"`)})
		}
	}
	for _, w := range x.Writes {
		if w.Unit == "." || aboutRecord(w.Unit) {
			continue
		}
		if id, rest, ok := schema.MemberUnit(w.Unit); ok && rest != "." {
			add("m/" + id + "/.")
		}
		add(".")
	}
	return writes
}

func aboutRecord(unit string) bool {
	for _, prefix := range []string{"review/", "decision/", "note/", "reply/"} {
		if strings.HasPrefix(unit, prefix) {
			return true
		}
	}
	return false
}

package central

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Push takes a checked piece of a feed: durable, decided, merged and counted when it returns. Lines that are here already
// are ignored; a gap, or another line in the place of one that is here, is answered with a *fieldsync.Problem.
func (s *Store) Push(ctx context.Context, dev fieldsync.Device, seg *fieldsync.Segment) (*fieldsync.PushAnswer, error) {
	if n := uint64(len(seg.Lines)); n == 0 || seg.From == 0 || seg.To-seg.From+1 != n {
		return nil, &fieldsync.Problem{Status: 422, Code: "lines", Title: "The lines are not what the head announces."}
	}
	if seg.Unverified {
		if err := s.meetUnseen(ctx, dev, seg); err != nil {
			return nil, err
		}
	}
	for try := 0; ; try++ {
		answer, err := s.tryPush(ctx, dev, seg, try)
		if err == nil || try == maxTries || !(errors.Is(err, errStale) || s.eng.again(err)) {
			return answer, err
		}
	}
}

// tryPush makes a plan from a snapshot, then takes it to the writing transaction, which checks that it still holds.
func (s *Store) tryPush(ctx context.Context, dev fieldsync.Device, seg *fieldsync.Segment, try int) (*fieldsync.PushAnswer, error) {
	p := &push{s: s, dev: dev, seg: seg, try: try}
	if err := s.View(ctx, func(tx *sql.Tx) error { return p.prepare(ctx, tx) }); err != nil {
		return nil, err
	}
	if p.fork != nil && seg.Unverified {
		return nil, forkProblem(p.rep) // whose it is nobody can say, and another feed stands here: not kept
	}
	if p.fork != nil {
		return nil, s.keepFork(ctx, p)
	}
	if p.skip < len(seg.Lines) {
		if err := s.grouped(ctx, len(seg.Lines)-p.skip, func(tx *sql.Tx) error { return p.store(ctx, tx) }); err != nil {
			return nil, err
		}
	}
	s.afterWrite(p.plan)
	return p.answer(), nil
}

// push is one attempt to store a segment.
type push struct {
	s     *Store
	dev   fieldsync.Device
	seg   *fieldsync.Segment
	try   int
	rep   *replicaRow
	skip  int       // lines that are here already
	fork  *forkedAt // the segment is a second branch
	plan  *plan
	notes []fieldsync.Note
}

// forkedAt is where a segment leaves what is here.
type forkedAt struct {
	line int // index of the first differing line; -1: it lies before the segment
}

func (p *push) prepare(ctx context.Context, tx *sql.Tx) (err error) {
	if p.rep, err = readReplica(ctx, tx, p.seg.Replica); err != nil {
		return err
	}
	if p.skip, p.fork, err = p.s.fit(ctx, tx, p.rep, p.seg); err != nil || p.fork != nil {
		return err
	}
	if p.skip > 0 {
		if p.notes, err = p.s.notesBetween(ctx, tx, p.rep, p.seg.From, p.seg.From+uint64(p.skip)-1); err != nil {
			return err
		}
	}
	if p.skip < len(p.seg.Lines) {
		p.plan, err = p.remake(ctx, tx)
	}
	return err
}

func (p *push) remake(ctx context.Context, tx *sql.Tx) (*plan, error) {
	return p.s.makePlan(ctx, tx, p.rep, arrivalsOf(p.seg.Lines[p.skip:]), nil)
}

func arrivalsOf(lines []fieldsync.Line) []*arrival {
	backing := make([]arrival, len(lines))
	list := make([]*arrival, len(lines))
	for i := range lines {
		l := &lines[i]
		a := &backing[i]
		a.seq, a.bytes, a.h, a.change = l.Seq, l.Bytes, l.H, l.Change
		if l.Change == nil {
			a.state, a.why = StateQuarantine, "malformed"
			if l.Fault != nil {
				a.why = l.Fault.Code
			}
		}
		list[i] = a
	}
	return list
}

// fit finds where a segment continues what is here of its feed. The chain hash of one line vouches for all before it.
func (s *Store) fit(ctx context.Context, tx *sql.Tx, rep *replicaRow, seg *fieldsync.Segment) (skip int, fork *forkedAt, err error) {
	if seg.From > rep.seq+1 {
		return 0, nil, gapProblem(rep)
	}
	last := min(rep.seq, seg.To)
	if seg.From > last { // it begins right behind what is here
		if bytes.Equal(seg.Prev, rep.h) {
			return 0, nil, nil
		}
		return 0, &forkedAt{line: -1}, nil
	}
	here, err := s.chain(ctx, tx, rep, seg.From, last)
	if err != nil {
		return 0, nil, err
	}
	for i := len(here) - 1; i >= 0; i-- {
		if bytes.Equal(here[i], seg.Lines[i].H) {
			if i == len(here)-1 {
				return len(here), nil, nil
			}
			return 0, &forkedAt{line: i + 1}, nil
		}
	}
	before := fieldsync.ChainStart(rep.id, rep.pub)
	if seg.From > 1 {
		prior, err := s.chain(ctx, tx, rep, seg.From-1, seg.From-1)
		if err != nil {
			return 0, nil, err
		}
		before = prior[0]
	}
	if bytes.Equal(before, seg.Prev) {
		return 0, &forkedAt{line: 0}, nil
	}
	return 0, &forkedAt{line: -1}, nil
}

func gapProblem(rep *replicaRow) *fieldsync.Problem {
	return &fieldsync.Problem{Status: 409, Code: "gap", Title: "Changes before these have not arrived.",
		Detail: fmt.Sprintf("Send from number %d.", rep.seq+1), Have: &fieldsync.Have{Seq: rep.seq, H: rep.h}}
}

func forkProblem(rep *replicaRow) *fieldsync.Problem {
	return &fieldsync.Problem{Status: 409, Code: "fork", Title: "Other changes stand here under these numbers.",
		Detail: "Find the last common number by hello, take a new replica id and key, and send what follows it again under the new id.",
		Have:   &fieldsync.Have{Seq: rep.seq, H: rep.h}}
}

// chain returns the chain hashes of a piece of a feed that is here.
func (s *Store) chain(ctx context.Context, tx *sql.Tx, rep *replicaRow, from, to uint64) ([][]byte, error) {
	var list [][]byte
	err := eachRow(ctx, tx, "SELECT h FROM change WHERE home = $1 AND replica = $2 AND seq BETWEEN $3 AND $4 ORDER BY seq",
		[]any{rep.home, rep.id, int64(from), int64(to)}, func(rows *sql.Rows) error {
			var h []byte
			err := rows.Scan(&h)
			list = append(list, h)
			return err
		})
	if err == nil && uint64(len(list)) != to-from+1 {
		err = fmt.Errorf("the log of replica %s lacks numbers between %d and %d", rep.id, from, to)
	}
	return list, err
}

// notesBetween says which of the numbers are in another state than published.
func (s *Store) notesBetween(ctx context.Context, tx *sql.Tx, rep *replicaRow, from, to uint64) ([]fieldsync.Note, error) {
	var notes []fieldsync.Note
	err := eachRow(ctx, tx, `SELECT seq, state, why FROM change WHERE home = $1 AND replica = $2 AND seq BETWEEN $3 AND $4
		AND state <> 'published' ORDER BY seq`, []any{rep.home, rep.id, int64(from), int64(to)}, func(rows *sql.Rows) error {
		var n fieldsync.Note
		var seq int64
		err := rows.Scan(&seq, &n.State, &n.Why)
		n.S = uint64(seq)
		notes = append(notes, n)
		return err
	})
	return notes, err
}

// store writes the plan, or a new one where the old no longer holds.
func (p *push) store(ctx context.Context, tx *sql.Tx) error {
	if err := p.s.lockReplica(ctx, tx, p.rep); err != nil {
		return err
	}
	plan, err := p.s.carryOut(ctx, tx, p.rep, p.plan, p.try, p.remake)
	if err != nil {
		return err
	}
	p.plan = plan
	if err := p.s.closeForks(ctx, tx, p.rep, plan.arrivals); err != nil {
		return err
	}
	p.rep.seq, p.rep.h = p.seg.To, p.seg.H
	first := p.seg.From + uint64(p.skip)
	return p.s.advance(ctx, tx, p.rep, first, p.seg.Sig, p.dev.ID)
}

// lockReplica holds a replica's row until the transaction ends; errStale when it is no longer as read.
func (s *Store) lockReplica(ctx context.Context, tx *sql.Tx, rep *replicaRow) error {
	now, err := scanReplica(tx.QueryRowContext(ctx, "UPDATE replica SET last_push = $2 WHERE replica = $1 RETURNING "+replicaColumns, rep.id, s.Now()))
	if err != nil {
		return err
	}
	if now.seq != rep.seq || now.state != rep.state || now.account != rep.account || now.revoked != rep.revoked || !bytes.Equal(now.h, rep.h) {
		return errStale
	}
	return nil
}

// advance notes how far the feed is here now, and under which signature it came.
func (s *Store) advance(ctx context.Context, tx *sql.Tx, rep *replicaRow, from uint64, sig []byte, device int64) error {
	if _, err := tx.ExecContext(ctx, "UPDATE replica SET seq = $2, h = $3 WHERE replica = $1", rep.id, int64(rep.seq), []byte(rep.h)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO segment (home, replica, to_seq, from_seq, h, sig, device, recv_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
		rep.home, rep.id, int64(rep.seq), int64(from), []byte(rep.h), sig, device, s.Now())
	return err
}

// carryOut checks a plan under its locks and writes it. On SQLite the transaction is alone: a plan that no longer holds is
// made again at once. On PostgreSQL it is errStale and made again outside; after some tries inside, with the scopes locked.
func (s *Store) carryOut(ctx context.Context, tx *sql.Tx, rep *replicaRow, p *plan, try int, remake func(context.Context, *sql.Tx) (*plan, error)) (*plan, error) {
	if s.writer != nil {
		ok, err := s.holds(ctx, tx, p)
		if err == nil && !ok {
			p, err = remake(ctx, tx)
		}
		if err != nil {
			return nil, err
		}
	} else if try >= lockFirst {
		if _, err := s.lockScopes(ctx, tx, p.scopes(), func(string) int { return 0 }); err != nil {
			return nil, err
		}
		var err error
		if p, err = remake(ctx, tx); err != nil {
			return nil, err
		}
	}
	heads, err := s.lockScopes(ctx, tx, p.scopes(), func(scope string) int { return len(p.feed[scope]) })
	if err != nil {
		return nil, err
	}
	if s.writer == nil {
		if ok, err := s.holds(ctx, tx, p); err != nil || !ok {
			return nil, errors.Join(err, errStale)
		}
	}
	return p, s.write(ctx, tx, rep, p, heads)
}

// lockFirst is the try from which a plan is made under its locks.
const lockFirst = 3

func (p *push) answer() *fieldsync.PushAnswer {
	a := &fieldsync.PushAnswer{Through: p.seg.To, H: p.seg.H, Level: fieldsync.LevelDurable, Notes: p.notes}
	if p.plan != nil {
		for _, x := range p.plan.arrivals {
			if x.state != StatePublished {
				a.Notes = append(a.Notes, fieldsync.Note{S: x.seq, State: x.state, Why: x.why})
			}
		}
	}
	if p.rep.state == replicaAccepted {
		a.Receipt = p.s.receipt(p.rep)
	}
	return a
}

// receipt is the signed word on what is here of a feed.
func (s *Store) receipt(rep *replicaRow) *fieldsync.Receipt {
	me := s.Self()
	r := &fieldsync.Receipt{Server: me.Server, Epoch: me.Epoch, Replica: rep.id, Seq: rep.seq, H: rep.h, Level: fieldsync.LevelDurable}
	r.Sign(me.Key)
	return r
}

// Receipt returns the signed word on what is here of a replica's feed.
func (s *Store) Receipt(ctx context.Context, replica string) (*fieldsync.Receipt, error) {
	var rep *replicaRow
	err := s.View(ctx, func(tx *sql.Tx) (err error) {
		rep, err = readReplica(ctx, tx, replica)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.receipt(rep), nil
}

// keepFork stores the second branch of a feed under an id of its own, held, and answers fork.
func (s *Store) keepFork(ctx context.Context, p *push) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		rep, err := readReplica(ctx, tx, p.seg.Replica)
		if err != nil {
			return err
		}
		branch, skip, err := s.branchOf(ctx, tx, rep, p.seg, p.fork.line)
		if err != nil || branch == nil || skip == len(p.seg.Lines) {
			return err
		}
		arrivals := arrivalsOf(p.seg.Lines[skip:])
		for _, a := range arrivals {
			if a.change != nil {
				a.state, a.why = StateHeld, WhyFork
			}
		}
		if err := s.writeLog(ctx, tx, branch, arrivals, s.Now()); err != nil {
			return err
		}
		branch.seq, branch.h = p.seg.To, p.seg.H
		return s.advance(ctx, tx, branch, p.seg.From+uint64(skip), p.seg.Sig, p.dev.ID)
	})
	if err != nil {
		return fmt.Errorf("keep the second branch of replica %s: %w", p.seg.Replica, err)
	}
	s.log.Warn("two feeds under one replica id", "replica", p.seg.Replica, "from", p.seg.From, "to", p.seg.To)
	return forkProblem(p.rep)
}

// branchOf finds the branch a segment belongs to, or begins one at the first differing line. A segment whose beginning is
// in neither cannot be placed and is not kept: the tablet sends what lies before it first.
func (s *Store) branchOf(ctx context.Context, tx *sql.Tx, rep *replicaRow, seg *fieldsync.Segment, line int) (*replicaRow, int, error) {
	var branches []*replicaRow
	err := eachRow(ctx, tx, "SELECT "+replicaColumns+" FROM replica WHERE fork_of = $1", []any{rep.id}, func(rows *sql.Rows) error {
		b, err := scanReplica(rows)
		branches = append(branches, b)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for _, b := range branches {
		if skip, ok, err := s.fitBranch(ctx, tx, b, seg); err != nil || ok {
			return b, skip, err
		}
	}
	if line < 0 {
		return nil, 0, nil
	}
	first := seg.Lines[line]
	b := &replicaRow{id: ForkID(rep.id, first.H), home: rep.home, account: rep.account, state: replicaFork, forkOf: rep.id,
		pub: rep.pub, forkAt: first.Seq, seq: first.Seq - 1, h: seg.Prev}
	_, err = tx.ExecContext(ctx, `INSERT INTO replica (replica, home, pub, account, state, seq, h, fork_of, fork_at, created_at)
		VALUES ($1,$2,$3,$4,'fork',$5,$6,$7,$8,$9)`, b.id, b.home, []byte(b.pub), b.account, int64(b.seq), []byte(b.h), b.forkOf, int64(b.forkAt), s.Now())
	return b, line, err
}

// fitBranch tells whether a segment continues or repeats a branch, and how many of its lines are there already or belong to the common part.
func (s *Store) fitBranch(ctx context.Context, tx *sql.Tx, b *replicaRow, seg *fieldsync.Segment) (skip int, ok bool, err error) {
	if seg.From > b.seq+1 || seg.To < b.forkAt {
		return 0, false, nil
	}
	if seg.From == b.seq+1 {
		return 0, bytes.Equal(seg.Prev, b.h), nil
	}
	from, last := max(seg.From, b.forkAt), min(seg.To, b.seq)
	here, err := s.chain(ctx, tx, b, from, last)
	if err != nil {
		return 0, false, err
	}
	at := int(last - seg.From)
	return at + 1, bytes.Equal(here[len(here)-1], seg.Lines[at].H), nil
}

// ForkID is the feed id of a second branch: it depends on nothing but the branch, so every copy of it meets under one id.
func ForkID(replica string, h fieldsync.B64) string {
	d := sha256.New()
	d.Write([]byte("rasoat-fork-v1\x00" + replica + "\x00"))
	d.Write(h)
	return base64.RawURLEncoding.EncodeToString(d.Sum(nil)[:8])
}

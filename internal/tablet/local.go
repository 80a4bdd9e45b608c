package tablet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// This file is the tablet's side of a session: what it says of itself, what it learns, what it sends and what it is told
// about what it sent. pull.go takes in what comes.

// Greeting is the hello of the feed that is to be sent next: the oldest the server lacks something of.
func (s *Store) Greeting(ctx context.Context) (*fieldsync.HelloRequest, error) {
	s.lock()
	defer s.unlock()
	if s.me.Server == "" {
		return nil, problem("not_enrolled", "")
	}
	f := s.greeting()
	s.sending = f.replica
	req := &fieldsync.HelloRequest{Proto: []int{fieldsync.Proto}, Replica: f.replica, Pub: fieldsync.B64(f.pub()), App: s.app,
		Seq: f.last, H: f.h, At: s.now().UnixMilli(), Acked: f.durable}
	var err error
	if req.Cursors, err = s.cursors(ctx); err != nil {
		return nil, err
	}
	req.Saw, err = s.saw(ctx)
	return req, err
}

// maxSaw bounds what a hello names; a server takes no more. Those who wrote most come first: servers, and the neighbours.
const maxSaw = 64

func (s *Store) saw(ctx context.Context) (map[string]uint64, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT replica, seq FROM saw ORDER BY seq DESC, replica LIMIT ?`, maxSaw)
	if err != nil {
		return nil, fmt.Errorf("read saw: %w", err)
	}
	defer rows.Close()
	out := map[string]uint64{}
	for rows.Next() {
		var replica string
		var seq uint64
		if err := rows.Scan(&replica, &seq); err != nil {
			return nil, fmt.Errorf("read saw: %w", err)
		}
		out[replica] = seq
	}
	return out, rows.Err()
}

// Learn stores what the server said and answers what the session has to do.
func (s *Store) Learn(ctx context.Context, answer *fieldsync.HelloAnswer) (fieldsync.Plan, error) {
	s.lock()
	defer s.unlock()
	var plan fieldsync.Plan
	if answer.Server != s.me.Server {
		return plan, problem("other_server", "")
	}
	f := s.sent()
	ahead, err := s.compare(ctx, f, answer.Have)
	if err != nil || ahead {
		plan.Fork = ahead
		return plan, err
	}
	me := s.me
	me.Epoch, me.Scopes, me.Rounds = answer.Epoch, answer.Scopes, answer.Rounds
	if len(answer.BundleTo) > 0 {
		me.BundleTo, me.Recovery = answer.BundleTo, answer.Recovery
	}
	me.Contact = s.now().UnixMilli()
	if answer.Now > 0 {
		me.Skew = answer.Now - me.Contact
	}
	lost := uint64(0)
	err = s.write(ctx, func(t *tx) error {
		if err := s.putAreas(t, answer.Areas); err != nil {
			return err
		}
		if err := s.ack(t, f, me, min(answer.Have.Seq, f.last), min(answer.Have.Seq, f.last), answer.Receipt, true); err != nil {
			return err
		}
		if s.me.Epoch != "" && s.me.Epoch != me.Epoch {
			if err := s.unack(t, f, me); err != nil {
				return err
			}
		}
		if err := s.putNotes(t, f.replica, answer.Notes); err != nil {
			return err
		}
		if plan, err = s.planScopes(t, me, answer); err != nil {
			return err
		}
		lost, err = s.erasedPast(t, f, answer.Have.Seq)
		return errors.Join(err, s.putAccount(t, me))
	})
	if err != nil {
		return plan, err
	}
	if err := s.loadAreas(ctx); err != nil {
		return plan, err
	}
	if lost > 0 { // the server lacks a change whose bytes were erased here: the rest goes under another replica
		if err := s.renew(ctx, f, answer.Have.Seq); err != nil {
			return plan, err
		}
	}
	return plan, s.recount(ctx)
}

// compare tells whether the server's copy of a feed is not a beginning of this tablet's. Of a retired feed the server may have
// more: another copy of this installation went on with it, and all that is here is there.
func (s *Store) compare(ctx context.Context, f *feed, have fieldsync.Have) (fork bool, err error) {
	if have.Seq > f.last {
		return f == s.current(), nil
	}
	h, err := s.chainAt(ctx, s.db, f, have.Seq)
	return err == nil && len(have.H) > 0 && !bytes.Equal(h, have.H), err
}

// planScopes compares the granted scopes with what is here.
func (s *Store) planScopes(t *tx, me account, answer *fieldsync.HelloAnswer) (fieldsync.Plan, error) {
	var plan fieldsync.Plan
	rows, err := t.QueryContext(t.ctx, `SELECT scope, epoch, stale FROM cursor WHERE server = ? ORDER BY scope`, me.Server)
	if err != nil {
		return plan, fmt.Errorf("read cursors: %w", err)
	}
	defer rows.Close()
	good := map[string]bool{}
	plan.Drop = slices.Clone(answer.Drop)
	for rows.Next() {
		var scope, epoch string
		var stale bool
		if err := rows.Scan(&scope, &epoch, &stale); err != nil {
			return plan, fmt.Errorf("read cursors: %w", err)
		}
		good[scope] = epoch == me.Epoch && !stale
		if !slices.Contains(me.Scopes, scope) && !slices.Contains(plan.Drop, scope) {
			plan.Drop = append(plan.Drop, scope)
		}
	}
	for _, scope := range me.Scopes {
		if !good[scope] {
			plan.Snapshots = append(plan.Snapshots, scope)
		}
	}
	return plan, rows.Err()
}

// ack stores how much of a feed the server has. A hello says it afresh, even less than before (another epoch); a push only
// adds.
func (s *Store) ack(t *tx, f *feed, me account, through, durable uint64, receipt *fieldsync.Receipt, afresh bool) error {
	if !afresh {
		through, durable = max(through, f.through), max(durable, f.durable)
	}
	var body []byte
	if receipt != nil {
		if len(me.ServerKey) > 0 && !receipt.Verify([]byte(me.ServerKey)) {
			return errors.New("the server's receipt is not signed by the server this tablet is enrolled with")
		}
		var err error
		if body, err = s.sealJSON("ack/"+f.replica, receipt); err != nil {
			return err
		}
	}
	if err := t.exec(`INSERT INTO ack (server, replica, epoch, through, durable, body) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (server, replica) DO UPDATE SET epoch = excluded.epoch, through = excluded.through, durable = excluded.durable,
		body = coalesce(excluded.body, body)`, me.Server, f.replica, me.Epoch, through, durable, body); err != nil {
		return fmt.Errorf("store acknowledgement: %w", err)
	}
	t.then(func() {
		if f := s.feedOf(f.replica); f != nil {
			f.through, f.durable = through, durable
		}
	})
	return nil
}

// unack forgets what a server had of the other feeds: it was put back from a backup, and what it has is asked again feed by feed.
func (s *Store) unack(t *tx, but *feed, me account) error {
	for i := range s.feeds {
		if f := &s.feeds[i]; f.replica != but.replica {
			if err := s.ack(t, f, me, 0, 0, nil, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) erasedPast(t *tx, f *feed, seq uint64) (n uint64, err error) {
	err = t.QueryRowContext(t.ctx, `SELECT count(*) FROM own WHERE replica = ? AND seq > ? AND erased = 1`, f.replica, seq).Scan(&n)
	return n, err
}

// Outbox returns the next signed piece of the feed being sent, at least one change however long it is; nil when nothing is left.
func (s *Store) Outbox(ctx context.Context, after uint64, maxChanges, maxBytes int) (*fieldsync.Segment, error) {
	s.lock()
	defer s.unlock()
	return s.piece(ctx, s.sent(), after, maxChanges, maxBytes)
}

// piece cuts the next signed piece out of a feed; nil when nothing is left.
func (s *Store) piece(ctx context.Context, f *feed, after uint64, maxChanges, maxBytes int) (*fieldsync.Segment, error) {
	if after >= f.last {
		return nil, nil
	}
	prev, err := s.chainAt(ctx, s.db, f, after)
	if err != nil {
		return nil, err
	}
	seg := &fieldsync.Segment{PushHead: fieldsync.PushHead{Replica: f.replica, From: after + 1, Prev: prev}}
	rows, err := s.db.QueryContext(ctx, `SELECT seq, h, bytes FROM own WHERE replica = ? AND seq > ? ORDER BY seq LIMIT ?`, f.replica, after, maxChanges)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		line, err := s.outLine(f, rows.Scan)
		if err != nil {
			return nil, err
		}
		if size += len(line.Bytes) + 1; size > maxBytes && len(seg.Lines) > 0 {
			break
		}
		seg.Lines = append(seg.Lines, line)
		seg.To, seg.H = line.Seq, line.H
	}
	if err := rows.Err(); err != nil || len(seg.Lines) == 0 {
		return nil, err
	}
	seg.Sig = fieldsync.SignHead(f.key, f.replica, seg.To, seg.H)
	return seg, nil
}

func (s *Store) outLine(f *feed, scan func(...any) error) (fieldsync.Line, error) {
	var line fieldsync.Line
	var h, sealed []byte
	if err := scan(&line.Seq, &h, &sealed); err != nil {
		return line, fmt.Errorf("read outbox: %w", err)
	}
	d := fieldsync.Dot{Replica: f.replica, Seq: line.Seq}
	c, err := s.decodeOwn(d, sealed)
	if err != nil {
		return line, err
	}
	line.H, line.Bytes, line.Change = h, c.Bytes, c
	return line, nil
}

// Acked stores the answer to a push. What only a relay carries is received, not acknowledged.
func (s *Store) Acked(ctx context.Context, answer *fieldsync.PushAnswer) error {
	s.lock()
	defer s.unlock()
	f := s.sent()
	if answer.Receipt != nil && answer.Receipt.Replica != f.replica {
		if f = s.feedOf(answer.Receipt.Replica); f == nil {
			return errors.New("push answer: its receipt is for a replica this tablet never was")
		}
	}
	if answer.Through > f.last {
		return fmt.Errorf("push answer: through %d, but the feed ends at %d", answer.Through, f.last)
	}
	h, err := s.chainAt(ctx, s.db, f, answer.Through)
	if err != nil {
		return err
	}
	if !bytes.Equal(h, answer.H) {
		return fmt.Errorf("push answer: the server has another change %s:%d", f.replica, answer.Through)
	}
	durable := f.durable
	if answer.Level == fieldsync.LevelDurable {
		durable = max(durable, answer.Through)
	}
	err = s.write(ctx, func(t *tx) error {
		if err := s.putNotes(t, f.replica, answer.Notes); err != nil {
			return err
		}
		return s.ack(t, f, s.me, answer.Through, durable, answer.Receipt, false)
	})
	if err != nil {
		return err
	}
	return s.recount(ctx)
}

// putNotes stores what became of own changes; a published one needs no note any more.
func (s *Store) putNotes(t *tx, replica string, notes []fieldsync.Note) error {
	for _, n := range notes {
		var err error
		if n.State == "published" {
			err = t.exec(`DELETE FROM note WHERE replica = ? AND seq = ?`, replica, n.S)
		} else {
			err = t.exec(`INSERT INTO note (replica, seq, state, why, at) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (replica, seq) DO UPDATE SET state = excluded.state, why = excluded.why, at = excluded.at`,
				replica, n.S, n.State, n.Why, s.now().UnixMilli())
		}
		if err != nil {
			return fmt.Errorf("store notes: %w", err)
		}
	}
	return nil
}

// Cursors returns how far each granted scope has been read, of the server's present epoch.
func (s *Store) Cursors(ctx context.Context) (map[string]fieldsync.Cursor, error) {
	s.lock()
	defer s.unlock()
	return s.cursors(ctx)
}

func (s *Store) cursors(ctx context.Context) (map[string]fieldsync.Cursor, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT scope, epoch, pos FROM cursor WHERE server = ?`, s.me.Server)
	if err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	defer rows.Close()
	out := map[string]fieldsync.Cursor{}
	for rows.Next() {
		var scope string
		var c fieldsync.Cursor
		if err := rows.Scan(&scope, &c.Epoch, &c.Pos); err != nil {
			return nil, fmt.Errorf("read cursors: %w", err)
		}
		if slices.Contains(s.me.Scopes, scope) && (s.me.Epoch == "" || c.Epoch == s.me.Epoch) {
			out[scope] = c
		}
	}
	return out, rows.Err()
}

// ChainAt returns the chain hash, at a number, of the feed being sent: for the search of the last common change.
func (s *Store) ChainAt(ctx context.Context, seq uint64) (fieldsync.B64, error) {
	s.lock()
	defer s.unlock()
	return s.chainAt(ctx, s.db, s.sent(), seq)
}

package tablet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// feed is one replica this installation has written under. All but the last are retired: nothing is added to them, but what
// a server lacks of them is still sent.
type feed struct {
	replica string
	key     ed25519.PrivateKey
	last    uint64        // number of the last change, 0 when empty
	h       fieldsync.B64 // chain hash at last
	durable uint64        // highest the home has committed, by receipt or hello
	through uint64        // highest a server has received
}

func (f *feed) pub() ed25519.PublicKey { return f.key.Public().(ed25519.PublicKey) }

// current is the feed new changes go to.
func (s *Store) current() *feed { return &s.feeds[len(s.feeds)-1] }

// greeting is the feed to be sent next: the oldest that a server lacks something of, else the current one.
func (s *Store) greeting() *feed {
	for i := range s.feeds {
		if s.feeds[i].durable < s.feeds[i].last {
			return &s.feeds[i]
		}
	}
	return s.current()
}

// sent is the feed the last greeting named. It stays the same until the next greeting, also when all of it is acknowledged:
// numbers in an outbox are of this feed.
func (s *Store) sent() *feed {
	if f := s.feedOf(s.sending); f != nil {
		return f
	}
	return s.greeting()
}

func (s *Store) feedOf(replica string) *feed {
	for i := range s.feeds {
		if s.feeds[i].replica == replica {
			return &s.feeds[i]
		}
	}
	return nil
}

// loadFeeds reads the feeds and decides, before the first write, whether the current one may be written on: only when the
// side file vouches that this database knows the last change ever made under it. Otherwise the database was put back from a
// copy (or the side file is lost, which looks the same), and going on would use dots a second time.
func (s *Store) loadFeeds(ctx context.Context) error {
	if err := s.readFeeds(ctx); err != nil {
		return err
	}
	if _, err := s.getMeta(ctx, s.db, "n", &s.n); err != nil {
		return err
	}
	vouched, err := s.vouched(ctx)
	if err != nil {
		return err
	}
	if !vouched {
		if len(s.feeds) > 0 {
			s.log.Warn("tablet: the database is older than its side file; a new replica is taken", "old", s.current().replica)
		}
		return s.write(ctx, s.newFeed)
	}
	cur := s.current()
	return writeSide(s.dir, side{cur.replica, cur.last, cur.h})
}

// vouched tells whether the database holds all the side file knows of.
func (s *Store) vouched(ctx context.Context) (bool, error) {
	known, err := readSide(s.dir)
	if err != nil || known == nil || len(s.feeds) == 0 {
		return false, err
	}
	f := s.feedOf(known.Replica)
	if f == nil || known.Seq > f.last {
		return false, nil
	}
	h, err := s.chainAt(ctx, s.db, f, known.Seq)
	return err == nil && h.String() == known.H.String(), err
}

func (s *Store) readFeeds(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT f.replica, f.body,
		coalesce((SELECT max(seq) FROM own WHERE own.replica = f.replica), 0),
		coalesce((SELECT durable FROM ack WHERE ack.replica = f.replica AND server = ?1), 0),
		coalesce((SELECT through FROM ack WHERE ack.replica = f.replica AND server = ?1), 0)
		FROM feed f ORDER BY f.born`, s.me.Server)
	if err != nil {
		return fmt.Errorf("read feeds: %w", err)
	}
	defer rows.Close()
	s.feeds = nil
	for rows.Next() {
		var f feed
		var body []byte
		if err := rows.Scan(&f.replica, &body, &f.last, &f.durable, &f.through); err != nil {
			return fmt.Errorf("read feeds: %w", err)
		}
		seed, err := s.sealer.Open("feed/"+f.replica, body)
		if err != nil {
			return err
		}
		if len(seed) != ed25519.SeedSize {
			return errors.New("read feeds: a key is damaged")
		}
		f.key = ed25519.NewKeyFromSeed(seed)
		s.feeds = append(s.feeds, f)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read feeds: %w", err)
	}
	rows.Close()
	for i := range s.feeds {
		if s.feeds[i].h, err = s.chainAt(ctx, s.db, &s.feeds[i], s.feeds[i].last); err != nil {
			return err
		}
	}
	return nil
}

// newFeed takes a new replica id and key.
func (s *Store) newFeed(t *tx) error {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed) // never fails
	f := feed{replica: fieldsync.NewReplica(), key: ed25519.NewKeyFromSeed(seed)}
	f.h = fieldsync.ChainStart(f.replica, f.pub())
	body, err := s.sealer.Seal("feed/"+f.replica, seed)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO feed (replica, pub, body) VALUES (?, ?, ?)`, f.replica, []byte(f.pub()), body); err != nil {
		return fmt.Errorf("new replica: %w", err)
	}
	t.feed = &f
	t.last = &side{f.replica, 0, f.h}
	t.then(func() { s.feeds = append(s.feeds, f) })
	return nil
}

// chainAt is the chain hash of a feed at a number.
func (s *Store) chainAt(ctx context.Context, q querier, f *feed, seq uint64) (fieldsync.B64, error) {
	if seq == 0 {
		return fieldsync.ChainStart(f.replica, f.pub()), nil
	}
	var h []byte
	err := q.QueryRowContext(ctx, `SELECT h FROM own WHERE replica = ? AND seq = ?`, f.replica, seq).Scan(&h)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("own chain: there is no change %s:%d", f.replica, seq)
	}
	return h, err
}

// append gives c the next dot of the current feed, encodes it and writes it to the log, inside the transaction that saves it.
func (s *Store) append(t *tx, c *fieldsync.Change) error {
	if t.feed == nil {
		f := *s.current()
		t.feed = &f
	}
	f := t.feed
	c.Dot = fieldsync.Dot{Replica: f.replica, Seq: f.last + 1}
	if err := c.Encode(); err != nil {
		return fmt.Errorf("encode change %s: %w", c.Dot, err)
	}
	f.last, f.h = c.Dot.Seq, fieldsync.ChainNext(f.h, c.Bytes)
	sealed, err := s.sealer.Seal("own/"+c.Dot.String(), c.Bytes)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO own (replica, seq, h, rec, at, bytes) VALUES (?, ?, ?, ?, ?, ?)`,
		f.replica, f.last, []byte(f.h), c.Record, c.At, sealed); err != nil {
		return fmt.Errorf("save change %s: %w", c.Dot, err)
	}
	t.last = &side{f.replica, f.last, f.h}
	t.then(func() {
		if cur := s.feedOf(f.replica); cur != nil {
			cur.last, cur.h = max(cur.last, f.last), f.h
		}
	})
	return nil
}

// nextN is the counter that never goes back.
func (s *Store) nextN(t *tx) uint64 {
	if t.n == 0 {
		t.n = s.n
		t.then(func() { s.n = t.n })
	}
	t.n++
	return t.n
}

// ownChange reads one of this tablet's changes; nil when it is not here or its bytes were erased.
func (s *Store) ownChange(ctx context.Context, q querier, d fieldsync.Dot) (*fieldsync.Change, error) {
	var sealed []byte
	var erased bool
	err := q.QueryRowContext(ctx, `SELECT bytes, erased FROM own WHERE replica = ? AND seq = ?`, d.Replica, d.Seq).Scan(&sealed, &erased)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && erased) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read own change %s: %w", d, err)
	}
	return s.decodeOwn(d, sealed)
}

func (s *Store) decodeOwn(d fieldsync.Dot, sealed []byte) (*fieldsync.Change, error) {
	line, err := s.sealer.Open("own/"+d.String(), sealed)
	if err != nil {
		return nil, err
	}
	c, fault := fieldsync.DecodeChange(d.Replica, line)
	if fault != nil {
		return nil, fmt.Errorf("read own change %s: %w", d, fault)
	}
	return c, nil
}

package central

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Options are what a store takes from outside.
type Options struct {
	Set *schema.Set      // questionnaires, standards, national areas; nil: the built-in ones
	Now func() time.Time // nil: the system's clock
	Log *slog.Logger     // nil: the default logger
}

// Store is the central store. It is safe for concurrent use, and several processes may have one open.
type Store struct {
	eng engine
	set *schema.Set
	now func() time.Time
	log *slog.Logger

	self     atomic.Pointer[Self]
	places   atomic.Pointer[places]
	replicas replicaCache
	rules    rulesCache
	details  detailCache
	writer   *writer
	jobs     background
	gate     enrolGate
	turns    epochGate
}

// Self is who this store is.
type Self struct {
	Server  string // random, for ever
	Epoch   string // changed by a restore
	Key     ed25519.PrivateKey
	Replica string // the replica of this store's own changes; changed by a restore
	RepKey  ed25519.PrivateKey
}

// Open opens the store at url, "sqlite:FILE" or "postgres://…", and brings its tables to the newest version.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{set: o.Set, now: o.Now, log: o.Log}
	if s.set == nil {
		s.set = schema.Builtin()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.connect(ctx, url); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.eng.close())
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context, url string) (err error) {
	var db *sql.DB
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		var e *sqliteEngine
		if e, err = openSQLite(ctx, path); err != nil {
			return err
		}
		s.eng, db = e, e.write
	} else if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		var e *postgresEngine
		if e, err = openPostgres(url); err != nil {
			return err
		}
		s.eng, db = e, e.db
	} else {
		return errors.New(`open the store: the address begins with "sqlite:" or "postgres://"`)
	}
	if err := migrate(ctx, db, s.eng); err != nil {
		return errors.Join(err, s.eng.close())
	}
	return nil
}

func (s *Store) start(ctx context.Context) error {
	if err := s.identify(ctx); err != nil {
		return fmt.Errorf("read who the store is: %w", err)
	}
	if err := s.LoadAreas(ctx); err != nil {
		return err
	}
	s.startWriter()
	s.rejudgeSoon() // what a run that was killed had begun, and what other definitions than then ask for
	return nil
}

// Close ends background work, waits for what is being written and closes the database.
func (s *Store) Close() error {
	s.jobs.stop()
	s.stopWriter()
	return s.eng.close()
}

// Update runs f in one writing transaction and commits it durably. Where transactions run beside each other f may run again
// when it met another one: it must not keep anything from a run that failed.
func (s *Store) Update(ctx context.Context, f func(tx *sql.Tx) error) error {
	for try := 0; ; try++ {
		err := s.eng.update(ctx, f)
		if err == nil || try == maxTries || !(errors.Is(err, errStale) || s.eng.again(err)) {
			return err
		}
	}
}

// View runs f over one snapshot of the store. f must not write.
func (s *Store) View(ctx context.Context, f func(tx *sql.Tx) error) error { return s.eng.view(ctx, f) }

// maxTries bounds how often a transaction that met another is run again.
const maxTries = 20

// errStale: what a plan was made from is no longer so; the transaction is run again with a new plan.
var errStale = errors.New("records have changed since they were read")

func readOnly(ctx context.Context, db *sql.DB, o *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing was written
	return f(tx)
}

// Self returns who the store is now.
func (s *Store) Self() Self { return *s.self.Load() }

// Set returns the definitions the store works with.
func (s *Store) Set() *schema.Set { return s.set }

// Now returns the store's clock in Unix milliseconds.
func (s *Store) Now() int64 { return s.now().UnixMilli() }

func (s *Store) identify(ctx context.Context) error {
	var me Self
	err := s.Update(ctx, func(tx *sql.Tx) error {
		if err := s.bear(ctx, tx); err != nil {
			return err
		}
		get := func(key string) (v string, err error) {
			err = tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = $1", key).Scan(&v)
			return v, err
		}
		var key, repKey string
		for name, to := range map[string]*string{"server": &me.Server, "epoch": &me.Epoch, "server_key": &key, "replica": &me.Replica, "replica_key": &repKey} {
			v, err := get(name)
			if err != nil {
				return fmt.Errorf("meta %s: %w", name, err)
			}
			*to = v
		}
		seed, err1 := base64.RawURLEncoding.DecodeString(key)
		repSeed, err2 := base64.RawURLEncoding.DecodeString(repKey)
		if err1 != nil || err2 != nil || len(seed) != ed25519.SeedSize || len(repSeed) != ed25519.SeedSize {
			return errors.New("the store's keys cannot be read")
		}
		me.Key, me.RepKey = ed25519.NewKeyFromSeed(seed), ed25519.NewKeyFromSeed(repSeed)
		return nil
	})
	if err == nil {
		s.self.Store(&me)
	}
	return err
}

// bear gives a new store its identity; a store that has one keeps it.
func (s *Store) bear(ctx context.Context, tx *sql.Tx) error {
	for _, kv := range [][2]string{{"server", randomID(12)}, {"areas_version", "0"}, {"epoch", "e" + randomID(6)}, {"server_key", randomID(ed25519.SeedSize)}, {bundleKeyName, newBundleKey()}} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", kv[0], kv[1]); err != nil {
			return err
		}
	}
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM meta WHERE key = 'replica'").Scan(&n); err != nil || n > 0 {
		return err
	}
	return s.newReplica(ctx, tx)
}

// newReplica gives the store a new replica of its own: at its birth and after a restore.
func (s *Store) newReplica(ctx context.Context, tx *sql.Tx) error {
	replica, seed := fieldsync.NewReplica(), make([]byte, ed25519.SeedSize)
	rand.Read(seed) // never fails
	pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	for _, kv := range [][2]string{{"replica", replica}, {"replica_key", base64.RawURLEncoding.EncodeToString(seed)}} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", kv[0], kv[1]); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO replica (replica, home, pub, account, state, h, created_at) VALUES ($1, '', $2, '', 'server', $3, $4)",
		replica, []byte(pub), []byte(fieldsync.ChainStart(replica, pub)), s.Now())
	return err
}

// newEpoch is taken when this store turns out to have been rolled back: cursors of the old epoch mean nothing here any more.
func (s *Store) newEpoch(ctx context.Context, why string) error {
	old := s.Self()
	err := s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE meta SET value = $1 WHERE key = 'epoch' AND value = $2", "e"+randomID(6), old.Epoch)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err // another request has noticed it first
		}
		return s.newReplica(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("take a new epoch: %w", err)
	}
	if err := s.identify(ctx); err != nil {
		return err
	}
	s.log.Warn("the store was rolled back; a new epoch begins", "why", why, "was", old.Epoch, "epoch", s.Self().Epoch)
	return nil
}

// randomID returns n random bytes as base64url.
func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

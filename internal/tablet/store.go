package tablet

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // also the driver "sqlite"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Store is a tablet's local store. Its methods may be called from any goroutine; each one that writes is one transaction
// and has reached the disk when it returns.
type Store struct {
	db     *sql.DB
	dir    string
	now    func() time.Time
	set    *schema.Set
	log    *slog.Logger
	sealer Sealer
	app    string
	http   *http.Client

	// mu guards everything below and orders all work on the database: one writer, one connection.
	mu        sync.Mutex
	me        account
	feeds     []feed
	sending   string // replica named by the last greeting
	n         uint64 // changes saved since installation
	forms     map[string]*Form
	rounds    map[string]Round
	round     string // chosen by the user; "" is the newest
	areas     *schema.Areas
	areaNames map[string]schema.Area
	judges    map[string]*judge
	listedBy  string  // what the rows of the list were made by
	events    []Event // told when mu is released

	list list

	subs    sync.Mutex
	subID   int
	subFunc map[int]func(Event)
}

// Options are what a Store needs from outside.
type Options struct {
	Now    func() time.Time // default time.Now
	Set    *schema.Set      // default schema.Builtin()
	Log    *slog.Logger     // default slog.Default(); never gets anything personal
	Sealer Sealer           // default Plain
	App    string           // the program's version, told to the server
	HTTP   *http.Client     // default http.DefaultClient's settings, with the time limits of package sync
}

// Event says that something changed, so that a screen can ask again.
type Event struct {
	Kind      string // EventList, EventForm, EventSync
	Household string // of EventForm
}

// Kinds of Event.
const (
	EventList = "list" // rows of the list, counts of unsent work
	EventForm = "form" // an open form has news
	EventSync = "sync" // a sync ended; rounds, areas or notes may have changed
)

const databaseName = "rasoat.db"

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the store in dir, or makes it, and cuts changes from the drafts a kill has left. A second Open of the same
// folder is refused (problem "in_use") while the first is open.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	s := newStore(dir, o)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open tablet store: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, databaseName)+
		"?_pragma=busy_timeout(2000)&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-8000)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open tablet store: %w", err)
	}
	db.SetMaxOpenConns(1)
	s.db = db
	if err := s.start(ctx); err != nil {
		db.Close()
		return nil, opening(err)
	}
	return s, nil
}

func newStore(dir string, o Options) *Store {
	s := &Store{dir: dir, now: o.Now, set: o.Set, log: o.Log, sealer: o.Sealer, app: o.App, http: o.HTTP,
		forms: map[string]*Form{}, rounds: map[string]Round{}, judges: map[string]*judge{},
		subFunc: map[int]func(Event){}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.set == nil {
		s.set = schema.Builtin()
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.sealer == nil {
		s.sealer = Plain
	}
	s.areas = s.set.Areas
	return s
}

// start brings a fresh connection to where work can begin.
func (s *Store) start(ctx context.Context) error {
	if err := s.claim(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.loadAccount(ctx); err != nil {
		return err
	}
	if err := s.loadFeeds(ctx); err != nil {
		return err
	}
	if err := s.loadAreas(ctx); err != nil {
		return err
	}
	if err := s.loadRounds(ctx); err != nil {
		return err
	}
	if err := s.loadList(ctx); err != nil {
		return err
	}
	if err := s.relist(ctx); err != nil {
		return err
	}
	return s.commitLeft(ctx)
}

// claim takes the lock that keeps a second program out. Reading alone does not: in WAL mode SQLite takes it, and then keeps it,
// with the first writing transaction.
func (s *Store) claim(ctx context.Context) error {
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("claim the store: %w", err)
	}
	return t.Rollback()
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, files)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// opening turns what the database says at start into what a person is told.
func opening(err error) error {
	code := ""
	switch resultOf(err) {
	case resultBusy, resultLocked:
		code = "in_use"
	case resultCorrupt, resultNotADatabase:
		code = "damaged"
	default:
		return fmt.Errorf("open tablet store: %w", err)
	}
	p := problem(code, "")
	p.Err = err
	return p
}

// Primary result codes of SQLite that people are told about, <https://sqlite.org/rescode.html>.
const (
	resultBusy         = 5
	resultLocked       = 6
	resultCorrupt      = 11
	resultFull         = 13
	resultNotADatabase = 26
)

// resultOf is SQLite's primary result code inside an error, 0 when there is none.
func resultOf(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// Close cuts changes from the drafts of open forms and closes the store.
func (s *Store) Close() error {
	err := s.CommitAll(context.Background())
	s.lock()
	defer s.unlock()
	for _, f := range s.forms {
		f.closed = true
	}
	return errors.Join(err, s.db.Close())
}

// write runs f in one transaction, refreshes the rows of the list that it touched, and keeps the side file up with the own
// feed. The caller holds s.mu. Own changes made inside are only in memory once the transaction has reached the disk.
func (s *Store) write(ctx context.Context, f func(tx *tx) error) error {
	t, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer t.Rollback()
	if err := f(t); err != nil {
		return err
	}
	if err := s.store(t); err != nil {
		return err
	}
	rows, err := s.refresh(t)
	if err != nil {
		return err
	}
	if t.n > 0 {
		if err := s.putMeta(t, "n", t.n); err != nil {
			return err
		}
	}
	if err := t.Commit(); err != nil {
		return err
	}
	for _, after := range t.after {
		after()
	}
	if len(rows) > 0 {
		s.list.put(rows)
		s.events = append(s.events, Event{Kind: EventList})
	}
	s.keepSide(t.last)
	return nil
}

// keepSide writes the side file after own changes. That it failed (a full disk) does not undo the save: at the next start
// the database is found ahead and the file is repaired.
func (s *Store) keepSide(last *side) {
	if last == nil {
		return
	}
	if err := writeSide(s.dir, *last); err != nil {
		s.log.Warn("tablet: side file not written", "error", err)
	}
}

func (s *Store) lock() { s.mu.Lock() }

// unlock releases mu and then tells subscribers what happened.
func (s *Store) unlock() {
	events := s.events
	s.events = nil
	s.mu.Unlock()
	if len(events) > 0 {
		s.tell(events...)
	}
}

// tx is a transaction with what must happen once it is durable.
type tx struct {
	*sql.Tx
	ctx   context.Context
	recs  map[string]*stored // records read in this transaction
	stmts map[string]*sql.Stmt
	dirty map[string]bool // households whose row must be made anew
	feed  *feed           // the current feed as this transaction leaves it; nil when it is as before
	n     uint64          // the counter as this transaction leaves it
	last  *side           // the last own change made
	after []func()
}

func (s *Store) begin(ctx context.Context) (*tx, error) {
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &tx{Tx: t, ctx: ctx, recs: map[string]*stored{}, stmts: map[string]*sql.Stmt{}, dirty: map[string]bool{}}, nil
}

// then does f after the transaction is durable.
func (t *tx) then(f func()) { t.after = append(t.after, f) }

// stmt prepares a query once a transaction: a snapshot runs the same few thousands of times. It is closed with the
// transaction. A query must be read to its end before it is asked again.
func (t *tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := t.stmts[query]; st != nil {
		return st, nil
	}
	st, err := t.Tx.PrepareContext(ctx, query)
	if err == nil {
		t.stmts[query] = st
	}
	return st, err
}

func (t *tx) exec(query string, args ...any) error {
	st, err := t.stmt(t.ctx, query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(t.ctx, args...)
	return err
}

// QueryContext is the transaction's, with the statement kept.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// QueryRowContext is the transaction's, with the statement kept.
func (t *tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	st, err := t.stmt(ctx, query)
	if err != nil {
		return t.Tx.QueryRowContext(ctx, query, args...) // which says the error
	}
	return st.QueryRowContext(ctx, args...)
}

// Subscribe calls f after something changed, from the goroutine that changed it, holding no lock. cancel ends it.
func (s *Store) Subscribe(f func(Event)) (cancel func()) {
	s.subs.Lock()
	defer s.subs.Unlock()
	id := s.subID
	s.subID++
	s.subFunc[id] = f
	return func() {
		s.subs.Lock()
		defer s.subs.Unlock()
		delete(s.subFunc, id)
	}
}

func (s *Store) tell(events ...Event) {
	s.subs.Lock()
	var fs []func(Event)
	for _, f := range s.subFunc {
		fs = append(fs, f)
	}
	s.subs.Unlock()
	for _, e := range events {
		for _, f := range fs {
			f(e)
		}
	}
}

// getMeta reads one value of the meta table into v and tells whether it was there.
func (s *Store) getMeta(ctx context.Context, q querier, key string, v any) (bool, error) {
	var body []byte
	err := q.QueryRowContext(ctx, `SELECT body FROM meta WHERE key = ?`, key).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read meta %s: %w", key, err)
	}
	return true, s.openJSON("meta/"+key, body, v)
}

func (s *Store) putMeta(t *tx, key string, v any) error {
	body, err := s.sealJSON("meta/"+key, v)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO meta (key, body) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body`, key, body)
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var _ fieldsync.Local = (*Store)(nil)

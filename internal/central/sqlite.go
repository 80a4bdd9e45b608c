package central

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pressly/goose/v3/database"
	"modernc.org/sqlite"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// sqliteEngine is one writing connection and a pool of readers over one file in WAL mode. The writer keeps its prepared
// statements: whoever holds turn may use conn and prepared.
type sqliteEngine struct {
	path        string
	write, read *sql.DB
	turn        chan struct{}
	conn        *sql.Conn
	prepared    map[statement]*sql.Stmt
}

// statement is a bulk insert of a number of rows.
type statement struct {
	table string
	rows  int
}

func openSQLite(ctx context.Context, path string) (*sqliteEngine, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, "immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil { // creates the file before readers, which may not
		return nil, errors.Join(fmt.Errorf("open %s: %w", filepath.Base(path), err), write.Close())
	}
	read, err := sql.Open("sqlite", sqliteDSN(path, "deferred")+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	readers := 2 * runtime.GOMAXPROCS(0)
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &sqliteEngine{path: path, write: write, read: read, turn: make(chan struct{}, 1)}, nil
}

// sqliteDSN: FULL, because an answered push must survive a power cut; checkpoints are rare, because a page changed by
// many pushes is then written to the file once; pages of 8 KiB, because a change of 3 KB fills one of 4 KiB badly.
func sqliteDSN(path, txlock string) string {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(15000)", "page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-65536)",
		"wal_autocheckpoint(8000)", "foreign_keys(1)", "temp_store(2)"}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (e *sqliteEngine) name() string                   { return "sqlite" }
func (e *sqliteEngine) gooseDialect() database.Dialect { return gooseSQLite }
func (e *sqliteEngine) words(text string) string       { return ownLines(text, "sqlite") }

// update waits for its turn before it begins, so that a transaction never waits for another of this process inside the
// driver, where neither the context nor the prepared statements would help.
func (e *sqliteEngine) update(ctx context.Context, f func(*sql.Tx) error) error {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.conn == nil {
		conn, err := e.write.Conn(ctx)
		if err != nil {
			return err
		}
		e.conn, e.prepared = conn, map[statement]*sql.Stmt{}
	}
	tx, err := e.conn.BeginTx(ctx, nil)
	if err != nil {
		return errors.Join(err, e.drop())
	}
	return finish(tx, f(tx))
}

// drop gives the writing connection up; the next transaction opens another.
func (e *sqliteEngine) drop() error {
	if e.conn == nil {
		return nil
	}
	for _, stmt := range e.prepared {
		stmt.Close()
	}
	err := e.conn.Close()
	e.conn, e.prepared = nil, nil
	return err
}

func (e *sqliteEngine) view(ctx context.Context, f func(*sql.Tx) error) error {
	return readOnly(ctx, e.read, nil, f)
}

// in gives the keys as one argument: the text stays the same for any number of them.
func (e *sqliteEngine) in(from int, keys []string) (string, []any) {
	list, _ := json.Marshal(keys) // strings are never refused
	return fmt.Sprintf("IN (SELECT value FROM json_each($%d))", from), []any{string(list)}
}

func (e *sqliteEngine) share() string { return "" }

// dots joins the log to a list of keys; CROSS JOIN keeps SQLite from reading the log first.
func (e *sqliteEngine) dots(dots []fieldsync.Dot, origins map[string]origin) (string, []any) {
	var b strings.Builder
	args := make([]any, 0, 3*len(dots))
	b.WriteString("WITH d(home, replica, seq) AS (VALUES ")
	for i, d := range dots {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("(?,?,?)")
		args = append(args, origins[d.Replica].home, d.Replica, int64(d.Seq))
	}
	b.WriteString(") SELECT " + loggedColumns + " FROM d CROSS JOIN change c ON c.home = d.home AND c.replica = d.replica AND c.seq = d.seq")
	return b.String(), args
}

// sqliteRows are the numbers of rows a bulk insert is prepared for: few texts, so that they stay prepared.
var sqliteRows = []int{64, 16, 4, 1}

func (e *sqliteEngine) insert(ctx context.Context, _ *sql.Tx, ins *insert) (int64, error) {
	var done int64
	args := make([]any, 0, 64*len(ins.columns))
	for row, n := 0, ins.len(); row < n; {
		size := 1
		for _, s := range sqliteRows {
			if s <= n-row {
				size = s
				break
			}
		}
		args = args[:0]
		for i := row; i < row+size; i++ {
			for _, col := range ins.values {
				args = append(args, columnAt(col, i))
			}
		}
		stmt, err := e.prepare(ctx, ins, size)
		if err != nil {
			return 0, err
		}
		res, err := stmt.ExecContext(ctx, args...)
		if err != nil {
			return 0, fmt.Errorf("insert into %s: %w", ins.table, err)
		}
		wrote, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		done += wrote
		row += size
	}
	return done, nil
}

// prepare keeps one statement a table and number of rows; a table is always inserted into in the same way. Parameters have no
// names: the driver asks SQLite for the name of each one, which searches all of them.
func (e *sqliteEngine) prepare(ctx context.Context, ins *insert, rows int) (*sql.Stmt, error) {
	key := statement{ins.table, rows}
	if stmt := e.prepared[key]; stmt != nil {
		return stmt, nil
	}
	var b strings.Builder
	b.WriteString("INSERT INTO " + ins.table + " (" + strings.Join(ins.columns, ",") + ") VALUES ")
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("(?" + strings.Repeat(",?", len(ins.columns)-1) + ")")
	}
	b.WriteString(" " + ins.then)
	stmt, err := e.conn.PrepareContext(ctx, b.String())
	if err != nil {
		return nil, fmt.Errorf("prepare insert into %s: %w", ins.table, err)
	}
	e.prepared[key] = stmt
	return stmt, nil
}

// lock has nothing to do: a writing transaction is alone.
func (e *sqliteEngine) lock(context.Context, *sql.Tx, []string) error { return nil }

func (e *sqliteEngine) again(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == 5 // SQLITE_BUSY: another process is writing
}

func (e *sqliteEngine) close() error {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	return errors.Join(e.read.Close(), e.drop(), e.write.Close())
}

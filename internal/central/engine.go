package central

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pressly/goose/v3/database"

	fieldsync "github.com/rasoat/rasoat/sync"
)

const loggedColumns = "c.home, c.replica, c.seq, c.rec, c.state, c.why, c.bytes"

// engine is where SQLite and PostgreSQL differ. All other SQL of this module is the common subset, with $1 placeholders.
type engine interface {
	name() string
	gooseDialect() database.Dialect
	// words puts a migration into the engine's words.
	words(text string) string
	// update runs f in a writing transaction and commits it durably; on SQLite it is the only one.
	update(ctx context.Context, f func(*sql.Tx) error) error
	// view runs f over one snapshot of the whole store.
	view(ctx context.Context, f func(*sql.Tx) error) error
	// in returns a condition for "column is one of these keys", the first of its arguments being $from, and the arguments.
	in(from int, keys []string) (string, []any)
	// dots returns the query for home, replica, seq, rec, state, why, bytes of these changes, and its arguments.
	dots(dots []fieldsync.Dot, origins map[string]origin) (string, []any)
	// share is what a SELECT ends in to keep the rows it read as they are until the transaction ends.
	share() string
	// insert adds rows given as columns ([]string, []int64 or [][]byte, all of one length) and returns the rows it wrote.
	insert(ctx context.Context, tx *sql.Tx, ins *insert) (int64, error)
	// lock takes locks named by keys until the transaction ends, in sorted order.
	lock(ctx context.Context, tx *sql.Tx, keys []string) error
	// again tells whether a transaction failed only because of another one beside it.
	again(err error) bool
	close() error
}

// finish commits, or takes everything back and returns the error as it is.
func finish(tx *sql.Tx, err error) error {
	if err == nil {
		return tx.Commit()
	}
	if err2 := tx.Rollback(); err2 != nil {
		return errors.Join(err, err2)
	}
	return err
}

// insert is a bulk insert: many rows of one table in few statements.
type insert struct {
	table   string
	columns []string
	then    string // what follows the values: ON CONFLICT …
	values  []any  // one slice a column
}

func (i *insert) len() int { return columnLen(i.values[0]) }

func columnLen(col any) int {
	switch c := col.(type) {
	case []string:
		return len(c)
	case []int64:
		return len(c)
	case [][]byte:
		return len(c)
	}
	panic("central: a column of a bulk insert is []string, []int64 or [][]byte")
}

func columnAt(col any, i int) any {
	switch c := col.(type) {
	case []string:
		return c[i]
	case []int64:
		return c[i]
	case [][]byte:
		return c[i]
	}
	panic("central: a column of a bulk insert is []string, []int64 or [][]byte")
}

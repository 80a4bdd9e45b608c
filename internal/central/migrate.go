package central

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables to the newest version. It only goes forward.
func migrate(ctx context.Context, db *sql.DB, e engine) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(e.gooseDialect(), db, dialectFS{files, e}, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	return nil
}

// dialectFS gives the migrations in one engine's words, so that one text serves both.
type dialectFS struct {
	fs.FS
	e engine
}

// Open returns the file with the engine's words in it.
func (d dialectFS) Open(name string) (fs.File, error) {
	f, err := d.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return &dialectFile{f, bytes.NewReader([]byte(d.e.words(string(text))))}, nil
}

type dialectFile struct {
	fs.File
	text *bytes.Reader
}

func (f *dialectFile) Read(p []byte) (int, error) { return f.text.Read(p) }

// ownLines activates the statements of one engine: lines that begin with "--" and its name.
func ownLines(text, name string) string {
	return strings.ReplaceAll(text, "\n--"+name+" ", "\n")
}

var (
	gooseSQLite   = database.DialectSQLite3
	goosePostgres = database.DialectPostgres
)

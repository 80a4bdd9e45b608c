package central

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

// BackupDone says what a backup holds.
type BackupDone struct {
	Changes, Bytes int64
}

// Backup writes a copy of a SQLite store to a new file while everything goes on, and reads it back: "done" means that
// the copy opens, is whole and holds the log. With recipients the file is encrypted by age, opened once more with a key made for
// that and forgotten, and leaves no plain copy behind.
func (s *Store) Backup(ctx context.Context, to string, recipients ...age.Recipient) (done BackupDone, err error) {
	e, ok := s.eng.(*sqliteEngine)
	if !ok {
		return done, refuse("backup_postgres", "Kho PostgreSQL sao lưu bằng pg_dump hoặc pg_basebackup.", "Back up a PostgreSQL store with pg_dump or pg_basebackup.")
	}
	if _, err := os.Stat(to); err == nil {
		return done, refuse("backup_exists", "Tệp đích đã có. Chọn tên khác; bản sao cũ không bị ghi đè.", "The target exists. Choose another name; an old backup is never written over.")
	}
	// The plain copy is made beside the store, where plain data is anyway, when the target is to be encrypted.
	dir := filepath.Dir(to)
	if len(recipients) > 0 {
		dir = filepath.Dir(e.path)
	}
	tmp, err := os.MkdirTemp(dir, ".backup-")
	if err != nil {
		return done, fmt.Errorf("make room for the backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	plain := filepath.Join(tmp, "copy")
	if done, err = e.copyTo(ctx, plain); err != nil {
		return done, err
	}
	if len(recipients) == 0 {
		return done, publish(plain, to)
	}
	sealed := to + ".part"
	defer os.Remove(sealed) // only there when something failed
	if done.Bytes, err = seal(plain, sealed, recipients); err != nil {
		return done, err
	}
	return done, publish(sealed, to)
}

// copyTo makes a whole copy from one snapshot of the store, and checks it.
func (e *sqliteEngine) copyTo(ctx context.Context, to string) (done BackupDone, err error) {
	from, err := sql.Open("sqlite", sqliteDSN(e.path, "deferred"))
	if err != nil {
		return done, err
	}
	defer from.Close()
	if _, err := from.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		return done, fmt.Errorf("copy the store: %w", err)
	}
	copied, err := sql.Open("sqlite", "file:"+(&url.URL{Path: to}).EscapedPath()+"?mode=ro")
	if err != nil {
		return done, err
	}
	defer copied.Close()
	var verdict string
	if err := copied.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return done, fmt.Errorf("the copy is not whole: %s: %w", verdict, errors.Join(err, errCopy))
	}
	if err := copied.QueryRowContext(ctx, "SELECT count(*) FROM change").Scan(&done.Changes); err != nil {
		return done, fmt.Errorf("read the copy: %w", err)
	}
	info, err := os.Stat(to)
	if err != nil {
		return done, err
	}
	done.Bytes = info.Size()
	return done, nil
}

var errCopy = errors.New("the backup failed; the store itself is untouched")

func seal(from, to string, recipients []age.Recipient) (n int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("create the backup: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	check, err := age.GenerateX25519Identity()
	if err != nil {
		return 0, err
	}
	w, err := age.Encrypt(out, append(slices.Clone(recipients), check.Recipient())...)
	if err != nil {
		return 0, fmt.Errorf("encrypt the backup: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), in); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	if err := errors.Join(w.Close(), out.Sync()); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), sameInside(to, check, [sha256.Size]byte(sum.Sum(nil)))
}

// publish makes a written file durable under its name.
func publish(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("make the backup durable: %w", err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	if dir, err := os.Open(filepath.Dir(to)); err == nil {
		_ = dir.Sync() // where a folder can be synced at all (not on Windows); the file itself is durable
		dir.Close()
	}
	return nil
}

// Names of kept backups: sorted by name they are sorted by time.
const (
	backupPrefix = "rasoat-backup-"
	backupSuffix = ".db"
	sealedSuffix = ".db.age"
)

// MaxBackups bounds how many backups a folder keeps.
const MaxBackups = 1000

// BackupKept makes a backup in a folder under the time as its name and keeps the newest ones, this one among them. An old one
// goes only after the new one has been read back.
func (s *Store) BackupKept(ctx context.Context, dir string, keep int, recipients ...age.Recipient) (path string, done BackupDone, err error) {
	if keep < 1 || keep > MaxBackups {
		return "", done, refuse("backup_keep", fmt.Sprintf("Số bản giữ lại từ 1 đến %d.", MaxBackups), fmt.Sprintf("Keep from 1 to %d backups.", MaxBackups))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", done, fmt.Errorf("make the folder of backups: %w", err)
	}
	suffix := backupSuffix
	if len(recipients) > 0 {
		suffix = sealedSuffix
	}
	path = filepath.Join(dir, backupPrefix+time.UnixMilli(s.Now()).UTC().Format("20060102-150405.000")+suffix)
	if done, err = s.Backup(ctx, path, recipients...); err != nil {
		return "", done, err
	}
	return path, done, prune(dir, keep)
}

// prune takes away all but the newest backups.
func prune(dir string, keep int) error {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return fmt.Errorf("look through the backups: %w", err)
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, backupPrefix) && (strings.HasSuffix(name, backupSuffix) || strings.HasSuffix(name, sealedSuffix)) {
			names = append(names, name)
		}
	}
	for _, name := range names[:max(0, len(names)-keep)] {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("take away an old backup: %w", err)
		}
	}
	return nil
}

// RecoveryRecipients is whom backups are sealed for when nobody else is named: the recovery key, or nobody.
func (s *Store) RecoveryRecipients(ctx context.Context) ([]age.Recipient, error) {
	text, err := s.Recovery(ctx)
	if err != nil || text == "" {
		return nil, err
	}
	r, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, errRecipient
	}
	return []age.Recipient{r}, nil
}

package central

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// DatabaseName is the store's file in a data folder, ErasedName the list of erased changes beside it, a dot a line: an old
// backup would bring them back.
const (
	DatabaseName = "central.db"
	ErasedName   = "erased.list"
)

// Restored says what a restore found.
type Restored struct {
	Server, Epoch string
	Changes       int64
	Last          int64 // when the newest change in the backup was received, Unix milliseconds; 0: there is none
	Erased        int   // changes whose values were taken out again
	ErasedUnknown int   // named by the list, not in the backup
}

// Restore makes a store from a backup in an empty folder. It keeps the server's id and keys; it takes a new epoch and a new
// replica of its own, so that every tablet notices, sends what is missing here and starts from a snapshot. The store has its
// name only when all of that is done: a restore that was broken off is begun again.
func Restore(ctx context.Context, backup, dir string, o Options, ids ...age.Identity) (done Restored, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return done, fmt.Errorf("make the data folder: %w", err)
	}
	part := filepath.Join(dir, "restore.part")
	if err := emptyFolder(dir, part); err != nil {
		return done, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeStore(part))
		}
	}()
	if err := unsealBackup(backup, part, ids); err != nil {
		return done, err
	}
	if done.Changes, done.Last, err = checkBackup(ctx, part); err != nil {
		return done, err
	}
	if err := begin(ctx, part, filepath.Join(dir, ErasedName), o, &done); err != nil {
		return done, err
	}
	// Closing took the write-ahead log into the file. Where it could not, the file alone would be an older state.
	if info, err := os.Stat(part + "-wal"); err == nil && info.Size() > 0 {
		return done, errors.New("finish the restored store: its write-ahead log could not be folded in")
	}
	return done, publish(part, filepath.Join(dir, DatabaseName))
}

// emptyFolder: a restore never writes over anything. What an earlier one left behind is taken away.
func emptyFolder(dir, part string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != ErasedName && !strings.HasPrefix(e.Name(), filepath.Base(part)) {
			return refuse("restore_not_empty", fmt.Sprintf("Thư mục %s không trống (%s). Chọn thư mục mới; không ghi đè lên dữ liệu nào.", dir, e.Name()),
				fmt.Sprintf("The folder %s is not empty (%s). Choose a new one; nothing is written over.", dir, e.Name()))
		}
	}
	return removeStore(part)
}

func removeStore(path string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// unsealBackup copies a backup, decrypted where it is encrypted.
func unsealBackup(from, to string, ids []age.Identity) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return refuse("restore_unread", fmt.Sprintf("Không mở được bản sao lưu: %v.", err), fmt.Sprintf("The backup cannot be opened: %v.", err))
	}
	defer in.Close()
	plain := bufio.NewReader(in)
	var src io.Reader = plain
	if head, _ := plain.Peek(len(ageBegins)); string(head) == ageBegins {
		if src, err = decryptBackup(plain, ids); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the store: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, src); err != nil {
		return errors.Join(errBackupDamaged, err)
	}
	return out.Sync()
}

const ageBegins = "age-encryption.org/"

func decryptBackup(r io.Reader, ids []age.Identity) (io.Reader, error) {
	if len(ids) == 0 {
		return nil, refuse("restore_key", "Bản sao lưu đã mã hóa. Đưa khóa cứu hộ trên giấy vào một tệp và dùng --identity TỆP.", "The backup is encrypted. Put the recovery key from paper into a file and give it with --identity FILE.")
	}
	plain, err := age.Decrypt(r, ids...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return nil, refuse("restore_key_wrong", "Khóa này không mở được bản sao lưu. Kiểm tra đúng tờ khóa của máy chủ này.", "This key does not open the backup. Check that it is this server's.")
	}
	if err != nil {
		return nil, errors.Join(errBackupDamaged, err)
	}
	return plain, nil
}

var errBackupDamaged = refuse("restore_damaged", "Bản sao lưu bị hỏng hoặc không phải của Rà soát. Dùng bản khác.", "The backup is damaged or not one of Rà soát. Use another one.")

// checkBackup reads the copy without changing it.
func checkBackup(ctx context.Context, path string) (changes, last int64, err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return 0, 0, errors.Join(errBackupDamaged, err)
	}
	var version int
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil {
		return 0, 0, errors.Join(errBackupDamaged, err)
	}
	if files, err := migrations.ReadDir("migrations"); err != nil || version > len(files) {
		return 0, 0, errors.Join(refuse("restore_newer", "Bản sao lưu do chương trình mới hơn tạo ra. Cập nhật máy chủ rồi khôi phục.", "The backup was made by a newer program. Update the server, then restore."), err)
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*), coalesce(max(recv_at), 0) FROM change").Scan(&changes, &last); err != nil {
		return 0, 0, errors.Join(errBackupDamaged, err)
	}
	return changes, last, nil
}

// begin opens the copy as a store and gives it its new epoch.
func begin(ctx context.Context, path, erased string, o Options, done *Restored) (err error) {
	s, err := Open(ctx, "sqlite:"+path, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.WaitRejudged() // a read that closing breaks off gives its connection back later, and only the last one folds the log in
	if done.Erased, done.ErasedUnknown, err = s.eraseAgain(ctx, erased); err != nil {
		return err
	}
	if err := s.newEpoch(ctx, "restored from a backup"); err != nil {
		return err
	}
	me := s.Self()
	done.Server, done.Epoch = me.Server, me.Epoch
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM session"); err != nil { // whoever was signed in then signs in again
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM snapshot"); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Act: "store.restore", Object: me.Epoch, Detail: fmt.Sprintf("%d changes", done.Changes)})
	})
}

// eraseAgain takes the values out of changes that were erased after the backup was made.
func (s *Store) eraseAgain(ctx context.Context, list string) (erased, unknown int, err error) {
	text, err := os.ReadFile(list)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read the list of erased changes: %w", err)
	}
	err = s.Update(ctx, func(tx *sql.Tx) error {
		erased, unknown = 0, 0
		for i, line := range strings.Fields(string(text)) {
			dot, err := fieldsync.ParseDot(line)
			if err != nil {
				return refuse("restore_erased", fmt.Sprintf("Danh sách xóa %s sai ở mục %d: %s. Sửa rồi khôi phục lại.", list, i+1, line), fmt.Sprintf("The list of erased changes %s is wrong at entry %d: %s. Correct it and restore again.", list, i+1, line))
			}
			found, err := s.blank(ctx, tx, dot)
			if err != nil {
				return err
			}
			if found {
				erased++
			} else {
				unknown++
			}
		}
		return nil
	})
	if err != nil || erased == 0 {
		return erased, unknown, err
	}
	_, err = s.Rebuild(ctx, false)
	return erased, unknown, err
}

// blank leaves of a change its dot, its place in the chain and the names of its units.
func (s *Store) blank(ctx context.Context, tx *sql.Tx, dot fieldsync.Dot) (found bool, err error) {
	var home string
	var line []byte
	err = tx.QueryRowContext(ctx, "SELECT c.home, c.bytes FROM change c JOIN replica r ON r.home = c.home AND r.replica = c.replica WHERE c.replica = $1 AND c.seq = $2", dot.Replica, int64(dot.Seq)).Scan(&home, &line)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c, fault := fieldsync.DecodeChange(dot.Replica, line)
	if fault != nil { // quarantined: nobody can say what is in it
		line = []byte("{}")
	} else {
		for i := range c.Writes {
			c.Writes[i].Value = []byte("null")
		}
		c.Why, c.Bytes = "", nil
		if err := c.Encode(); err != nil {
			return false, fmt.Errorf("erase %s: %w", dot, err)
		}
		line = c.Bytes
	}
	state := "CASE WHEN state IN ('published', 'flagged') THEN 'erased' ELSE state END"
	_, err = tx.ExecContext(ctx, "UPDATE change SET bytes = $1, state = "+state+" WHERE home = $2 AND replica = $3 AND seq = $4", line, home, dot.Replica, int64(dot.Seq))
	return err == nil, err
}

// sameInside decrypts a sealed backup as it stands on the medium and compares it with what went in.
func sameInside(sealed string, id age.Identity, want [sha256.Size]byte) error {
	f, err := os.Open(sealed)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := age.Decrypt(f, id)
	if err != nil {
		return fmt.Errorf("read the backup back: %w", err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, plain); err != nil {
		return fmt.Errorf("read the backup back: %w", err)
	}
	if [sha256.Size]byte(h.Sum(nil)) != want {
		return errors.New("read the backup back: the medium gives other bytes than were written")
	}
	return nil
}

package central

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// multiplyLog copies the log as often as multiply copies the records, so that the file has the size of a province's: the
// copies stand under replica ids of their own.
func multiplyLog(tx *sql.Tx, by int) error {
	const columns = "home, replica, seq, h, rec, kind, recv_at, state, why, bytes"
	_, err := tx.Exec("INSERT INTO change (" + columns + ") SELECT " + strings.Replace(columns, "replica", "replica || '-' || n.n", 1) + fmt.Sprintf(`
		FROM (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %d) SELECT n FROM n) n, change`, by-1))
	return err
}

// BenchmarkBackup reports how long a sealed, verified backup of a province of 300,000 households takes, and its restore until a
// server could serve it.
func BenchmarkBackup(b *testing.B) {
	ctx := context.Background()
	s := openAt(b, sqliteURL(b))
	bigProvince(b, s)
	must(b, s.Update(ctx, func(tx *sql.Tx) error { return multiplyLog(tx, totalCopies) }))
	id, err := age.GenerateX25519Identity()
	must(b, err)
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		file, anew := filepath.Join(dir, fmt.Sprint("backup", i)), filepath.Join(dir, fmt.Sprint("anew", i))
		start := time.Now()
		done, err := s.Backup(ctx, file, id.Recipient())
		must(b, err)
		backup := time.Since(start)
		start = time.Now()
		back, err := Restore(ctx, file, anew, Options{Log: quiet}, id)
		must(b, err)
		restore := time.Since(start)
		if back.Changes != done.Changes || back.Changes < 2*totalVillages*totalCopies {
			b.Errorf("restored %d changes of %d, want all, and at least two a household", back.Changes, done.Changes)
		}
		b.ReportMetric(backup.Seconds(), "backup_300k_s")
		b.ReportMetric(restore.Seconds(), "restore_300k_s")
		b.ReportMetric(float64(done.Bytes)/1e6, "backup_300k_mb")
		must(b, os.Remove(file))
		must(b, os.RemoveAll(anew))
	}
}

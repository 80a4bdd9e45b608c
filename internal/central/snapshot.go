package central

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// snapshotLife is how long a snapshot can be fetched, in pieces if need be.
const snapshotLife = 24 * time.Hour

// snapshotFresh is how far behind the head a stored snapshot may lie to be given out again: the rest comes by pull.
const snapshotFresh = 200

// Snapshot gives a whole scope, as a header and one state a record, compressed and stored, so that a broken download goes on
// where it stopped. at names one that was begun; it is gone after a day (410).
func (s *Store) Snapshot(ctx context.Context, dev fieldsync.Device, scope string, at *fieldsync.Cursor) (*fieldsync.Snapshot, error) {
	var found *fieldsync.Snapshot
	err := s.View(ctx, func(tx *sql.Tx) error {
		by, err := readAuthor(ctx, tx, dev.Account)
		if err != nil {
			return err
		}
		if !s.places.Load().reads(by, scope) {
			return scopeProblem(scope)
		}
		epoch, err := s.epochNow(ctx, tx)
		if err != nil {
			return err
		}
		if at != nil {
			found, err = s.snapshotAt(ctx, tx, scope, *at, epoch)
			return err
		}
		found, err = s.freshSnapshot(ctx, tx, scope, epoch)
		return err
	})
	if err != nil || found != nil {
		return found, err
	}
	return s.makeSnapshot(ctx, scope)
}

func (s *Store) oldest() int64 { return s.Now() - snapshotLife.Milliseconds() }

func (s *Store) snapshotAt(ctx context.Context, tx *sql.Tx, scope string, at fieldsync.Cursor, epoch string) (*fieldsync.Snapshot, error) {
	var data []byte
	err := tx.QueryRowContext(ctx, "SELECT bytes FROM snapshot WHERE scope = $1 AND epoch = $2 AND pos = $3 AND made_at > $4",
		scope, at.Epoch, int64(at.Pos), s.oldest()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && at.Epoch != epoch) {
		return nil, &fieldsync.Problem{Status: 410, Code: "snapshot_gone", Title: "This snapshot is no longer kept.",
			Detail: "Begin again without at."}
	}
	if err != nil {
		return nil, err
	}
	return asSnapshot(data), nil
}

func (s *Store) freshSnapshot(ctx context.Context, tx *sql.Tx, scope, epoch string) (*fieldsync.Snapshot, error) {
	head, _, err := s.head(ctx, tx, scope)
	if err != nil {
		return nil, err
	}
	var data []byte
	err = tx.QueryRowContext(ctx, "SELECT bytes FROM snapshot WHERE scope = $1 AND epoch = $2 AND pos >= $3 AND pos <= $4 AND made_at > $5 ORDER BY pos DESC LIMIT 1",
		scope, epoch, max(int64(head)-snapshotFresh, 0), int64(head), s.oldest()+snapshotLife.Milliseconds()/2).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return asSnapshot(data), nil
}

func asSnapshot(data []byte) *fieldsync.Snapshot {
	sum := sha256.Sum256(data)
	return &fieldsync.Snapshot{ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, Gzip: data}
}

// makeSnapshot writes a scope out as it stands and stores it.
func (s *Store) makeSnapshot(ctx context.Context, scope string) (*fieldsync.Snapshot, error) {
	var data []byte
	var at fieldsync.Cursor
	err := s.View(ctx, func(tx *sql.Tx) (err error) {
		data, at, err = s.writeSnapshot(ctx, tx, scope)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make a snapshot of %s: %w", scope, err)
	}
	err = s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM snapshot WHERE made_at <= $1", s.oldest()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO snapshot (scope, epoch, pos, made_at, bytes) VALUES ($1,$2,$3,$4,$5) ON CONFLICT DO NOTHING",
			scope, at.Epoch, int64(at.Pos), s.Now(), data)
		if err != nil {
			return err
		}
		// Another request may have stored the same position first; its bytes are the ones that can be gone on with.
		return tx.QueryRowContext(ctx, "SELECT bytes FROM snapshot WHERE scope = $1 AND epoch = $2 AND pos = $3", scope, at.Epoch, int64(at.Pos)).Scan(&data)
	})
	if err != nil {
		return nil, fmt.Errorf("store a snapshot of %s: %w", scope, err)
	}
	return asSnapshot(data), nil
}

func (s *Store) writeSnapshot(ctx context.Context, tx *sql.Tx, scope string) ([]byte, fieldsync.Cursor, error) {
	epoch, err := s.epochNow(ctx, tx)
	if err != nil {
		return nil, fieldsync.Cursor{}, err
	}
	pos, fp, err := s.head(ctx, tx, scope)
	if err != nil {
		return nil, fieldsync.Cursor{}, err
	}
	at := fieldsync.Cursor{Epoch: epoch, Pos: pos}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	lines := json.NewEncoder(z)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(fieldsync.SnapshotHead{Scope: scope, At: at, FP: fieldsync.Print(fp)}); err != nil {
		return nil, at, err
	}
	err = s.eachRecord(ctx, tx, scope, func(rec *fieldsync.Record) error { return lines.Encode(rec.State(scope)) })
	if err == nil {
		err = z.Close()
	}
	return out.Bytes(), at, err
}

// snapshotBatch is the number of records restored at a time.
const snapshotBatch = 200

// eachRecord calls f for every record of a scope, merged, in order of their ids.
func (s *Store) eachRecord(ctx context.Context, tx *sql.Tx, scope string, f func(*fieldsync.Record) error) error {
	for after := ""; ; {
		var batch []*row
		err := eachRow(ctx, tx, "SELECT "+prefixed("r.", rowColumns)+" FROM record_scope s JOIN record r ON r.rec = s.rec WHERE s.scope = $1 AND s.rec > $2 ORDER BY s.rec LIMIT $3",
			[]any{scope, after, snapshotBatch}, func(rows *sql.Rows) error {
				x, err := scanRow(rows)
				batch = append(batch, x)
				return err
			})
		if err != nil || len(batch) == 0 {
			return err
		}
		records, err := (&reader{s, ctx, tx, map[string]*row{}}).restore(batch)
		if err != nil {
			return err
		}
		for _, x := range batch {
			if err := f(records[x.rec]); err != nil {
				return err
			}
		}
		after = batch[len(batch)-1].rec
	}
}

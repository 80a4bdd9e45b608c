package central

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

// AuditEntry is one act on accounts, grants, devices, holds or cuts. It holds no personal data of a household.
type AuditEntry struct {
	Actor  string // an account; "" is the operator at the command line
	Device int64
	Act    string // stable: "account.add", "device.revoke" …
	Object string
	Area   string
	Detail string
}

// AuditRow is an entry as it stands in the log.
type AuditRow struct {
	ID, At int64
	AuditEntry
}

// maxAuditDetail bounds one entry's free text, in bytes.
const maxAuditDetail = 2000

// audit appends a row in the caller's transaction. Each row is chained to the one before it, so that a row that is
// changed or taken out later shows.
func (s *Store) audit(ctx context.Context, tx *sql.Tx, e AuditEntry) error {
	if len(e.Detail) > maxAuditDetail {
		e.Detail = e.Detail[:maxAuditDetail]
	}
	if err := s.eng.lock(ctx, tx, []string{"audit"}); err != nil {
		return err
	}
	var before []byte
	err := tx.QueryRowContext(ctx, "SELECT h FROM audit ORDER BY id DESC LIMIT 1").Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the audit log: %w", err)
	}
	at := s.Now()
	_, err = tx.ExecContext(ctx, "INSERT INTO audit (at, actor, device, act, object, area, detail, h) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		at, e.Actor, e.Device, e.Act, e.Object, e.Area, e.Detail, auditHash(before, at, e))
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

func auditHash(before []byte, at int64, e AuditEntry) []byte {
	h := sha256.New()
	h.Write(before)
	for _, part := range []string{strconv.FormatInt(at, 10), e.Actor, strconv.FormatInt(e.Device, 10), e.Act, e.Object, e.Area, e.Detail} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return h.Sum(nil)
}

// Audit appends one entry in a transaction of its own.
func (s *Store) Audit(ctx context.Context, e AuditEntry) error {
	return s.Update(ctx, func(tx *sql.Tx) error { return s.audit(ctx, tx, e) })
}

// Audits returns the newest entries first, at most limit.
func (s *Store) Audits(ctx context.Context, limit int) (out []AuditRow, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		return eachRow(ctx, tx, "SELECT id, at, actor, device, act, object, area, detail FROM audit ORDER BY id DESC LIMIT $1", []any{limit},
			func(rows *sql.Rows) error {
				var r AuditRow
				err := rows.Scan(&r.ID, &r.At, &r.Actor, &r.Device, &r.Act, &r.Object, &r.Area, &r.Detail)
				out = append(out, r)
				return err
			})
	})
	return out, err
}

// VerifyAudit follows the chain of the whole log and returns the id of the first row that does not fit, 0 when all do.
func (s *Store) VerifyAudit(ctx context.Context) (broken int64, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		var before []byte
		return eachRow(ctx, tx, "SELECT id, at, actor, device, act, object, area, detail, h FROM audit ORDER BY id", nil, func(rows *sql.Rows) error {
			var r AuditRow
			var h []byte
			if err := rows.Scan(&r.ID, &r.At, &r.Actor, &r.Device, &r.Act, &r.Object, &r.Area, &r.Detail, &h); err != nil {
				return err
			}
			if broken == 0 && string(auditHash(before, r.At, r.AuditEntry)) != string(h) {
				broken = r.ID
			}
			before = h
			return nil
		})
	})
	return broken, err
}

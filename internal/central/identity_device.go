package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	fieldsync "github.com/rasoat/rasoat/sync"
)

var (
	errToken = &fieldsync.Problem{Status: 401, Code: "token", Title: "This device is not, or no longer, allowed to sync.",
		Detail: "Máy này chưa được hoặc không còn được phép đồng bộ. Dữ liệu vẫn ở trên máy; xin mã mới ở xã. The data stays on the device; ask for a new code."}
	errReplica = &fieldsync.Problem{Status: 403, Code: "replica", Title: "This replica belongs to another account or has another key.",
		Detail: "Take a new replica id and key, and say hello with them."}
)

// Device finds who a token speaks for. A revoked device and a disabled account get 401.
func (s *Store) Device(ctx context.Context, token string) (d fieldsync.Device, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		d, err = s.deviceOf(ctx, tx, token)
		return err
	})
	return d, err
}

func (s *Store) deviceOf(ctx context.Context, tx *sql.Tx, token string) (d fieldsync.Device, err error) {
	if token == "" {
		return d, errToken
	}
	err = tx.QueryRowContext(ctx, `SELECT d.id, a.account, a.role FROM device d JOIN account a ON a.account = d.account
		WHERE d.token_hash = $1 AND d.revoked_at = 0 AND a.disabled_at = 0`, tokenHash(token)).Scan(&d.ID, &d.Account, &d.Role)
	if errors.Is(err, sql.ErrNoRows) {
		return d, errToken
	}
	return d, err
}

// ReplicaKey returns the key of a replica of the device's account. One that was registered for another is refused with 403; one
// that was never heard of here is carried for somebody, and kept apart.
func (s *Store) ReplicaKey(ctx context.Context, dev fieldsync.Device, replica string) (key ed25519.PublicKey, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		r, err := readReplica(ctx, tx, replica)
		if errors.As(err, new(*fieldsync.Problem)) || err == nil && r.keyless() {
			return fieldsync.ErrUnseenReplica
		}
		if err != nil {
			return err
		}
		if r.state == replicaUnaccepted { // it came by hand before, with its key
			key = r.pub
			return nil
		}
		if r.account != dev.Account || r.state == replicaServer {
			return errReplica
		}
		key = r.pub
		return nil
	})
	return key, err
}

// maxReplicas bounds the replicas of one account: a tablet that renews itself at every start is broken or hostile.
const maxReplicas = 1000

var errReplicas = &fieldsync.Problem{Status: 403, Code: "replica", Title: "This account has too many replicas.",
	Detail: "Tài khoản này đã có quá nhiều bản cài. Báo cho người quản trị. Tell the administrator."}

// registerReplica binds a replica to its key and the device's account at first contact, and returns it. One that is bound
// already must come with the same key and account.
func (s *Store) registerReplica(ctx context.Context, tx *sql.Tx, dev fieldsync.Device, replica string, pub ed25519.PublicKey) (*replicaRow, error) {
	if !fieldsync.ValidReplica(replica) || len(pub) != ed25519.PublicKeySize {
		return nil, errEnrolForm
	}
	var home string
	var n int
	err := tx.QueryRowContext(ctx, "SELECT home, (SELECT count(*) FROM replica r WHERE r.account = a.account) FROM account a WHERE account = $1", dev.Account).Scan(&home, &n)
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	if n < maxReplicas {
		_, err = tx.ExecContext(ctx, `INSERT INTO replica (replica, home, pub, account, device, state, h, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (replica) DO NOTHING`, replica, home, []byte(pub), dev.Account, dev.ID, replicaAccepted, []byte(fieldsync.ChainStart(replica, pub)), s.Now())
		if err != nil {
			return nil, fmt.Errorf("register replica: %w", err)
		}
	}
	r, err := readReplica(ctx, tx, replica)
	if n >= maxReplicas && errors.As(err, new(*fieldsync.Problem)) {
		return nil, errReplicas
	}
	if err != nil {
		return nil, err
	}
	if r.keyless() {
		if r, err = s.prove(ctx, tx, r, pub); err != nil {
			return nil, err
		}
	}
	if r.state == replicaUnaccepted && slices.Equal(r.pub, pub) {
		return s.claim(ctx, tx, dev, r)
	}
	if r.account != dev.Account || r.state == replicaServer || r.state == replicaFork || !slices.Equal(r.pub, pub) {
		return nil, errReplica
	}
	return r, nil
}

// DeviceInfo is one device as a person sees it in a list.
type DeviceInfo struct {
	ID                                           int64
	Account, Name, Role, HW, App                 string
	CreatedAt, LastContact, ClockSkew, RevokedAt int64    // Unix milliseconds; ClockSkew: device minus server at the last hello
	Replicas                                     []string // newest first
}

// Devices lists the devices of an account ("": of all), the latest contact first.
func (s *Store) Devices(ctx context.Context, account string) (all []*DeviceInfo, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		byID := map[int64]*DeviceInfo{}
		err := eachRow(ctx, tx, `SELECT d.id, d.account, a.name, a.role, d.hw, d.app, d.created_at, d.last_contact, d.clock_skew, d.revoked_at
			FROM device d JOIN account a ON a.account = d.account WHERE d.account = $1 OR $1 = '' ORDER BY d.last_contact DESC, d.id`, []any{account},
			func(rows *sql.Rows) error {
				var d DeviceInfo
				err := rows.Scan(&d.ID, &d.Account, &d.Name, &d.Role, &d.HW, &d.App, &d.CreatedAt, &d.LastContact, &d.ClockSkew, &d.RevokedAt)
				all, byID[d.ID] = append(all, &d), &d
				return err
			})
		if err != nil {
			return err
		}
		return eachRow(ctx, tx, "SELECT device, replica FROM replica WHERE device <> 0 ORDER BY created_at DESC, replica", nil, func(rows *sql.Rows) error {
			var id int64
			var replica string
			err := rows.Scan(&id, &replica)
			if d := byID[id]; d != nil {
				d.Replicas = append(d.Replicas, replica)
			}
			return err
		})
	})
	return all, err
}

// RevokeDevice ends a device's token; from then on it gets 401. What it sent stays.
func (s *Store) RevokeDevice(ctx context.Context, by string, id int64) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		var account string
		err := tx.QueryRowContext(ctx, "UPDATE device SET revoked_at = CASE WHEN revoked_at = 0 THEN $1 ELSE revoked_at END WHERE id = $2 RETURNING account", s.Now(), id).Scan(&account)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrDeviceUnknown
		}
		if err != nil {
			return fmt.Errorf("revoke device: %w", err)
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Device: id, Act: "device.revoke", Object: account})
	})
}

package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"filippo.io/age"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Names in the table meta.
const (
	bundleKeyName   = "bundle_key" // age identity that opens bundles
	recoveryKeyName = "recovery"   // age recipient whose identity people keep on paper
)

// newBundleKey is what a store is born with, so that the first backup already holds it: after a restore the sticks that
// were written before can still be opened.
func newBundleKey() string {
	id, err := age.GenerateX25519Identity()
	if err != nil { // only when the system has no random numbers, and then nothing here is safe
		panic(err)
	}
	return id.String()
}

// stickKeys are for whom tablets seal what leaves them as a file.
type stickKeys struct {
	bundle   *age.X25519Identity
	recovery string // age recipient, "" when there is none yet
}

func (s *Store) stickKeys(ctx context.Context, tx *sql.Tx) (k stickKeys, err error) {
	var key string
	if err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = $1", bundleKeyName).Scan(&key); err != nil {
		return k, fmt.Errorf("read the bundle key: %w", err)
	}
	if k.bundle, err = age.ParseX25519Identity(key); err != nil {
		return k, fmt.Errorf("read the bundle key: %w", err)
	}
	err = tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = $1", recoveryKeyName).Scan(&k.recovery)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return k, err
}

// to lists the recipients of a bundle: this server, and whoever keeps the recovery key if the server is lost.
func (k stickKeys) to() []string {
	to := []string{k.bundle.Recipient().String()}
	if k.recovery != "" {
		to = append(to, k.recovery)
	}
	return to
}

// errRecipient: what was given is no age recipient.
var errRecipient = refuse("recipient", "Khóa không đúng. Khóa công khai của age bắt đầu bằng age1.", "The key is wrong. A public key of age begins with age1.")

// SetRecovery sets the recipient of backups and rescue files. The identity that opens them never comes near this store.
func (s *Store) SetRecovery(ctx context.Context, by, recipient string) error {
	if _, err := age.ParseX25519Recipient(recipient); err != nil {
		return errRecipient
	}
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", recoveryKeyName, recipient)
		if err != nil {
			return fmt.Errorf("store the recovery key: %w", err)
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Act: "recovery.set", Object: recipient})
	})
}

// Recovery is the recipient of backups and rescue files, "" when none is set.
func (s *Store) Recovery(ctx context.Context) (recipient string, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		k, err := s.stickKeys(ctx, tx)
		recipient = k.recovery
		return err
	})
	return recipient, err
}

// claim: a tablet that a valid token speaks for says hello with a replica whose work came by hand before. It needs nobody's
// word any more.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, dev fieldsync.Device, r *replicaRow) (*replicaRow, error) {
	_, err := tx.ExecContext(ctx, "UPDATE replica SET state = $1, account = $2, device = $3 WHERE replica = $4 AND state = $5",
		replicaAccepted, dev.Account, dev.ID, r.id, replicaUnaccepted)
	if err != nil {
		return nil, fmt.Errorf("accept replica: %w", err)
	}
	if err := s.audit(ctx, tx, AuditEntry{Actor: dev.Account, Device: dev.ID, Act: "replica.claim", Object: r.id}); err != nil {
		return nil, err
	}
	return readReplica(ctx, tx, r.id)
}

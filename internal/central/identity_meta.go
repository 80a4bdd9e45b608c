package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// SaveAddress remembers where this store is served, for the commands that tell people.
func (s *Store) SaveAddress(ctx context.Context, address string) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('address', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, address)
		if err != nil {
			return fmt.Errorf("store the address: %w", err)
		}
		return nil
	})
}

// Address returns where the store was served last; "" when it never was.
func (s *Store) Address(ctx context.Context) (address string, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'address'").Scan(&address)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return address, err
}

// clockSlack is how far a clock may be behind without a word: two machines may share a store.
const clockSlack = 10 * 60 * 1000 // milliseconds

// ClockBehind tells whether this machine's clock is earlier than the last thing stored, as with an empty battery: codes
// and working days would be wrong.
func (s *Store) ClockBehind(ctx context.Context) (behind bool, last int64) {
	err := s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT coalesce(max(at), 0) FROM audit").Scan(&last)
	})
	return err == nil && last > s.Now()+clockSlack, last
}

package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Session returns the data of a console session that has not expired. Tokens are hashed before they come here.
func (s *Store) Session(ctx context.Context, token string) (data []byte, ok bool, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT data FROM session WHERE token = $1 AND expiry > $2", token, s.Now()).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return data, ok, err
}

// SaveSession stores a session and forgets those that have expired.
func (s *Store) SaveSession(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM session WHERE expiry <= $1", s.Now()); err != nil {
			return fmt.Errorf("forget old sessions: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO session (token, data, expiry) VALUES ($1, $2, $3)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`, token, data, expiry.UnixMilli())
		if err != nil {
			return fmt.Errorf("store the session: %w", err)
		}
		return nil
	})
}

// DeleteSession ends a session.
func (s *Store) DeleteSession(ctx context.Context, token string) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM session WHERE token = $1", token)
		return err
	})
}

// Sessions returns the data of all sessions that have not expired, by token.
func (s *Store) Sessions(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		return eachRow(ctx, tx, "SELECT token, data FROM session WHERE expiry > $1", []any{s.Now()}, func(rows *sql.Rows) error {
			var token string
			var data []byte
			err := rows.Scan(&token, &data)
			all[token] = data
			return err
		})
	})
	return all, err
}

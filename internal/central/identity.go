package central

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// replicaCache remembers the home of replicas, which never changes.
type replicaCache struct{ homes sync.Map }

// homesOf returns the home of each replica.
func (s *Store) homesOf(ctx context.Context, tx *sql.Tx, replicas []string) (map[string]string, error) {
	homes := make(map[string]string, len(replicas))
	var missing []string
	for _, r := range replicas {
		if home, ok := s.replicas.homes.Load(r); ok {
			homes[r] = home.(string)
		} else {
			missing = append(missing, r)
		}
	}
	err := s.each(ctx, tx, "SELECT replica, home FROM replica WHERE replica ", missing, "", func(rows *sql.Rows) error {
		var r, home string
		if err := rows.Scan(&r, &home); err != nil {
			return err
		}
		homes[r] = home
		s.replicas.homes.Store(r, home)
		return nil
	})
	return homes, err
}

// each runs a query that ends in a column's name for all the keys, in pieces, and calls f for every row.
func (s *Store) each(ctx context.Context, tx *sql.Tx, query string, keys []string, rest string, f func(*sql.Rows) error) error {
	for len(keys) > 0 {
		piece := keys[:min(len(keys), maxKeys)]
		keys = keys[len(piece):]
		cond, args := s.eng.in(1, piece)
		if err := eachRow(ctx, tx, query+cond+rest, args, f); err != nil {
			return err
		}
	}
	return nil
}

// maxKeys bounds the keys of one query.
const maxKeys = 512

func eachRow(ctx context.Context, tx *sql.Tx, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("query %.60q: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

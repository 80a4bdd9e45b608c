package central

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// replicaCache remembers of replicas what never changes.
type replicaCache struct{ origins sync.Map }

// origin is where a feed belongs, and for a second branch which feed it left and from which number on.
type origin struct {
	home, forkOf string
	forkAt       uint64
}

// originsOf returns the origin of each replica.
func (s *Store) originsOf(ctx context.Context, tx *sql.Tx, replicas []string) (map[string]origin, error) {
	origins := make(map[string]origin, len(replicas))
	var missing []string
	for _, r := range replicas {
		if o, ok := s.replicas.origins.Load(r); ok {
			origins[r] = o.(origin)
		} else {
			missing = append(missing, r)
		}
	}
	err := s.each(ctx, tx, "SELECT replica, home, fork_of, fork_at FROM replica WHERE replica ", missing, "", func(rows *sql.Rows) error {
		var r string
		var o origin
		var at int64
		if err := rows.Scan(&r, &o.home, &o.forkOf, &at); err != nil {
			return err
		}
		o.forkAt = uint64(at)
		origins[r] = o
		s.replicas.origins.Store(r, o)
		return nil
	})
	return origins, err
}

// homesOf returns the home of each replica.
func (s *Store) homesOf(ctx context.Context, tx *sql.Tx, replicas []string) (map[string]string, error) {
	origins, err := s.originsOf(ctx, tx, replicas)
	homes := make(map[string]string, len(origins))
	for r, o := range origins {
		homes[r] = o.home
	}
	return homes, err
}

// decode reads a stored change. In a second branch the numbers from its beginning on mean the branch's own changes.
func (o origin) decode(replica string, line []byte) (*fieldsync.Change, error) {
	c, fault := fieldsync.DecodeChange(replica, line)
	if fault != nil {
		return nil, fmt.Errorf("a change of replica %s: %w", replica, fault)
	}
	if o.forkOf == "" {
		return c, nil
	}
	for i, q := range c.Parents {
		if q.Replica == o.forkOf && q.Seq >= o.forkAt {
			c.Parents[i].Replica = replica
		}
	}
	return c, nil
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

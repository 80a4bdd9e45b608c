package central

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/rasoat/rasoat/schema"
)

// places is the area table in use: the national one with this store's villages, and a version that names it.
type places struct {
	*schema.Areas
	version int64
}

// Areas returns the area table in use.
func (s *Store) Areas() *schema.Areas { return s.places.Load().Areas }

// LoadAreas reads the imported areas again; every push and pull looks whether another process has imported some.
func (s *Store) LoadAreas(ctx context.Context) error {
	return s.View(ctx, func(tx *sql.Tx) error { return s.loadAreas(ctx, tx) })
}

func (s *Store) loadAreas(ctx context.Context, tx *sql.Tx) error {
	version, err := areasVersion(ctx, tx)
	if err != nil {
		return err
	}
	if have := s.places.Load(); have != nil && have.version == version {
		return nil
	}
	rows, err := tx.QueryContext(ctx, "SELECT code, level, name, unit_type, parent_code, valid_from, valid_to FROM area ORDER BY code, valid_from")
	if err != nil {
		return fmt.Errorf("read areas: %w", err)
	}
	defer rows.Close()
	var extra []schema.Area
	for rows.Next() {
		var a schema.Area
		if err := rows.Scan(&a.Code, &a.Level, &a.Name, &a.UnitType, &a.Parent, &a.ValidFrom, &a.ValidTo); err != nil {
			return err
		}
		extra = append(extra, a)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	all, err := s.set.Areas.With(extra)
	if err != nil {
		return fmt.Errorf("join the imported areas to the national ones: %w", err)
	}
	s.places.Store(&places{all, version})
	return nil
}

func areasVersion(ctx context.Context, tx *sql.Tx) (int64, error) {
	var text string
	err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'areas_version'").Scan(&text)
	if err == sql.ErrNoRows {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the areas: %w", err)
	}
	return strconv.ParseInt(text, 10, 64)
}

// AddAreas adds areas (villages) or replaces those with the same code and first day, and judges in the background
// what depends on them. The whole table is checked first: one area that does not fit refuses all.
func (s *Store) AddAreas(ctx context.Context, areas []schema.Area) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		for _, a := range areas {
			_, err := tx.ExecContext(ctx, `INSERT INTO area (code, level, name, unit_type, parent_code, valid_from, valid_to, added_at)
				VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT (code, valid_from) DO UPDATE SET level = excluded.level, name = excluded.name,
				unit_type = excluded.unit_type, parent_code = excluded.parent_code, valid_to = excluded.valid_to`,
				a.Code, a.Level, a.Name, a.UnitType, a.Parent, a.ValidFrom, a.ValidTo, s.Now())
			if err != nil {
				return fmt.Errorf("add area %s: %w", a.Code, err)
			}
		}
		version, err := areasVersion(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('areas_version', $1)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, strconv.FormatInt(version+1, 10))
		if err != nil {
			return err
		}
		return s.loadAreas(ctx, tx) // refuses what does not fit, and with it the transaction
	})
	if err != nil {
		if err2 := s.LoadAreas(ctx); err2 != nil {
			return fmt.Errorf("%w (and: %w)", err, err2)
		}
		return err
	}
	return nil
}

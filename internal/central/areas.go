package central

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rasoat/rasoat/schema"
)

// places is the area table in use: the national one with this store's villages, and a version that names it.
type places struct {
	*schema.Areas
	version int64
	above   sync.Map            // code → []string, filled when asked for
	paths   sync.Map            // reference of a unit → []string, too
	allDays []string            // the last day of every imported period
	days    map[string][]string // code of an imported area → the last day of each of its periods
}

// ancestors returns the area's own code and the codes of all areas it has ever lain in.
func (p *places) ancestors(code string) []string {
	if codes, ok := p.above.Load(code); ok {
		return codes.([]string)
	}
	codes := []string{code}
	for _, day := range p.periods(code) {
		for _, a := range p.Path(code, day) {
			if !slices.Contains(codes, a.Code) {
				codes = append(codes, a.Code)
			}
		}
	}
	p.above.Store(code, codes)
	return codes
}

// path returns the codes from an area up on a date, or the code alone where the table does not know it.
func (p *places) path(code, date string) []string {
	var codes []string
	for _, a := range p.Path(code, date) {
		codes = append(codes, a.Code)
	}
	if codes == nil && code != "" {
		codes = []string{code}
	}
	return codes
}

// commune returns the commune an area is or lies in.
func (p *places) commune(code string) (string, bool) {
	for _, day := range p.periods(code) {
		for _, a := range p.Path(code, day) {
			if a.Level == schema.LevelCommune {
				return a.Code, true
			}
		}
	}
	return "", false
}

// any returns the area with this code in one of its periods, the newest first.
func (p *places) any(code string) (schema.Area, bool) {
	for _, day := range p.periods(code) {
		if a, ok := p.At(code, day); ok {
			return a, true
		}
	}
	return schema.Area{}, false
}

// village tells whether the table knows a village of this code, in whatever period.
func (p *places) village(code string) bool {
	a, ok := p.any(code)
	return ok && a.Level == schema.LevelVillage
}

// below returns everything that lies below an area in any of its periods, each code once.
func (p *places) below(code string) []schema.Area {
	var all []schema.Area
	known := map[string]bool{}
	for _, day := range p.periods(code) {
		for _, a := range p.Below(code, day) {
			if !known[a.Code] {
				known[a.Code] = true
				all = append(all, a)
			}
		}
	}
	return all
}

// periods returns a day in each period of an area, the present one first.
func (p *places) periods(code string) []string {
	return append([]string{"", endOfDistricts}, p.days[code]...)
}

// endOfDistricts is the last day of the areas of before 2025-07-01: the one change of the national list so far.
const endOfDistricts = "2025-06-30"

// lastDay is the last day of a period whose first day after is to.
func lastDay(to string) string {
	day, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return ""
	}
	return day.AddDate(0, 0, -1).Format(time.DateOnly)
}

// Areas returns the area table in use.
func (s *Store) Areas() *schema.Areas { return s.places.Load().Areas }

// LoadAreas reads the imported areas again; every push and pull looks whether another process has imported some.
func (s *Store) LoadAreas(ctx context.Context) error {
	return s.View(ctx, func(tx *sql.Tx) error { return s.loadAreas(ctx, tx) })
}

// loadAreas keeps the newest table anybody has read: a reader whose snapshot is older must not put the old one back.
func (s *Store) loadAreas(ctx context.Context, tx *sql.Tx) error {
	fresh, err := s.readAreas(ctx, tx)
	for err == nil && fresh != nil {
		have := s.places.Load()
		if have != nil && have.version >= fresh.version || s.places.CompareAndSwap(have, fresh) {
			break
		}
	}
	return err
}

// readAreas reads the table of areas; nil when it is not newer than the one in use.
func (s *Store) readAreas(ctx context.Context, tx *sql.Tx) (*places, error) {
	version, err := areasVersion(ctx, tx)
	if err != nil {
		return nil, err
	}
	if have := s.places.Load(); have != nil && have.version >= version {
		return nil, nil
	}
	rows, err := tx.QueryContext(ctx, "SELECT code, level, name, unit_type, parent_code, valid_from, valid_to FROM area ORDER BY code, valid_from")
	if err != nil {
		return nil, fmt.Errorf("read areas: %w", err)
	}
	defer rows.Close()
	var extra []schema.Area
	for rows.Next() {
		var a schema.Area
		if err := rows.Scan(&a.Code, &a.Level, &a.Name, &a.UnitType, &a.Parent, &a.ValidFrom, &a.ValidTo); err != nil {
			return nil, err
		}
		extra = append(extra, a)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	all, err := s.set.Areas.With(extra)
	if err != nil {
		return nil, fmt.Errorf("join the imported areas to the national ones: %w", err)
	}
	days := map[string][]string{}
	for _, a := range extra {
		if days[a.Code] == nil {
			days[a.Code] = []string{endOfDistricts} // a village of no last day lay in a district until then
		}
		days[a.Code] = append(days[a.Code], lastDay(a.ValidTo))
	}
	var allDays []string
	for _, list := range days {
		allDays = append(allDays, list...)
	}
	slices.Sort(allDays)
	return &places{Areas: all, version: version, days: days, allDays: slices.Compact(allDays)}, nil
}

func areasVersion(ctx context.Context, tx *sql.Tx) (int64, error) {
	var text string
	if err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'areas_version'").Scan(&text); err != nil {
		return 0, fmt.Errorf("read the version of the areas: %w", err)
	}
	return strconv.ParseInt(text, 10, 64)
}

// AddAreas adds areas (villages) or replaces those with the same code and first day, and judges in the background
// what depends on them. The whole table is checked first: one area that does not fit refuses all.
func (s *Store) AddAreas(ctx context.Context, areas []schema.Area) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		// First, so that it waits for the transactions that judge by the old table.
		_, err := tx.ExecContext(ctx, "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'areas_version'")
		if err != nil {
			return err
		}
		for _, a := range areas {
			_, err := tx.ExecContext(ctx, `INSERT INTO area (code, level, name, unit_type, parent_code, valid_from, valid_to, added_at)
				VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT (code, valid_from) DO UPDATE SET level = excluded.level, name = excluded.name,
				unit_type = excluded.unit_type, parent_code = excluded.parent_code, valid_to = excluded.valid_to`,
				a.Code, a.Level, a.Name, a.UnitType, a.Parent, a.ValidFrom, a.ValidTo, s.Now())
			if err != nil {
				return fmt.Errorf("add area %s: %w", a.Code, err)
			}
		}
		_, err = s.readAreas(ctx, tx) // refuses what does not fit, and with it the transaction
		return err
	})
	if err != nil {
		return err
	}
	if err := s.LoadAreas(ctx); err != nil { // in use once it is committed
		return err
	}
	s.rejudgeSoon()
	return nil
}

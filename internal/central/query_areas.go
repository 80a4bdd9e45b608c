package central

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// Villages returns the imported areas, each of its periods, by code.
func (s *Store) Villages(ctx context.Context) ([]schema.Area, error) { return s.importedAreas(ctx) }

// AreaParents returns the areas a file of villages puts its rows under, each once, without storing anything: who imports
// must be allowed in all of them.
func (s *Store) AreaParents(r io.Reader) ([]string, error) {
	t, err := openTable(r, areaHeadings)
	if err != nil {
		return nil, err
	}
	var parents []string
	err = t.each(func(RowProblem) {}, func(l *line) error {
		if p := strings.TrimSpace(l.get("parent_code")); p != "" && !slices.Contains(parents, p) {
			parents = append(parents, p)
		}
		return nil
	})
	return parents, err
}

// AreaPath returns the units a code has named and all they have ever lain in, as grants name them: what lies in an area is
// asked about village by village.
func (s *Store) AreaPath(code string) []string { return s.places.Load().areaPath(code) }

// UnitPath is AreaPath of exactly the unit a reference names, today's for a code alone: what may be granted is asked by it.
func (s *Store) UnitPath(ref string) []string { return s.places.Load().unitPath(ref) }

// AreaRefs returns how grants name the units of a code.
func (s *Store) AreaRefs(code string) []string { return s.places.Load().refsOf(code) }

// AnyArea returns the area with this code in one of its periods, the present one first.
func (s *Store) AnyArea(code string) (schema.Area, bool) { return s.places.Load().any(code) }

package central

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// knownHousehold is a household that is here already, as far as a list's rows are compared with it.
type knownHousehold struct {
	id, village string
	codes       []string
	people      []*knownPerson // of all its interviews
	taken       bool           // a household of the list is this one
}

// knownPerson holds every value that stands for a member: of several interviews, and of both sides of a conflict.
type knownPerson struct {
	id                                        string
	names, births, numbers, relations, folded []string
	interviews                                []string
	taken                                     bool
}

func (k *knownPerson) String() string {
	name := "?"
	if len(k.names) > 0 {
		name = k.names[len(k.names)-1]
	}
	if len(k.births) > 0 {
		name += " (" + k.births[len(k.births)-1] + ")"
	}
	return name
}

// head is who heads the household, else its first member.
func (k *knownHousehold) head() *knownPerson {
	for _, p := range k.people {
		if slices.Contains(p.relations, "head") {
			return p
		}
	}
	if len(k.people) > 0 {
		return k.people[0]
	}
	return &knownPerson{}
}

func (k *knownHousehold) String() string { return k.head().String() }

func (k *knownHousehold) person(id string) *knownPerson {
	for _, p := range k.people {
		if p.id == id {
			return p
		}
	}
	p := &knownPerson{id: id}
	k.people = append(k.people, p)
	return p
}

// knownHouseholds reads the households of the list's communes, in an order that does not change.
func (s *Store) knownHouseholds(ctx context.Context, list []*listedHousehold) ([]*knownHousehold, error) {
	villages := s.villagesAround(list)
	known := map[string]*knownHousehold{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		r := &reader{s, ctx, tx, map[string]*row{}}
		var ids []string
		err := s.each(ctx, tx, "SELECT DISTINCT rec FROM record_scope WHERE kind IN ('household', 'interview') AND scope ", villages, "", func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil {
			return err
		}
		for piece := range slices.Chunk(ids, 500) {
			if err := r.known(piece, known); err != nil {
				return err
			}
		}
		return nil
	})
	out := make([]*knownHousehold, 0, len(known))
	for _, id := range sortedKeys(known) {
		k := known[id]
		slices.SortFunc(k.people, func(a, b *knownPerson) int { return strings.Compare(a.id, b.id) })
		out = append(out, k)
	}
	return out, err
}

// villagesAround returns the villages of the communes a list is about: the same person may stand in the one next to it.
func (s *Store) villagesAround(list []*listedHousehold) []string {
	places, seen := s.places.Load(), map[string]bool{}
	for _, h := range list {
		if seen[h.village] {
			continue
		}
		seen[h.village] = true
		for _, code := range places.ancestors(h.village) {
			if a, ok := places.any(code); !ok || a.Level != schema.LevelCommune || seen[code] {
				continue
			}
			seen[code] = true
			for _, a := range places.below(code) {
				seen[a.Code] = true
			}
		}
	}
	return sortedKeys(seen)
}

func (r *reader) known(ids []string, into map[string]*knownHousehold) error {
	if err := r.load(ids...); err != nil {
		return err
	}
	var rows []*row
	for _, id := range ids {
		if x := r.rows[id]; x != nil {
			rows = append(rows, x)
		}
		delete(r.rows, id)
	}
	records, err := r.restore(rows)
	if err != nil {
		return err
	}
	for _, x := range rows {
		id := x.rec
		if x.kind == schema.KindInterview {
			id = x.household
		}
		k := into[id]
		if k == nil {
			k = &knownHousehold{id: id, village: x.area}
			into[id] = k
		}
		if x.kind == schema.KindHousehold {
			k.village = x.area
			records[x.rec].EachUnit(func(unit string, heads []fieldsync.Head) {
				if unit == "household_code" {
					k.codes = addTexts(k.codes, heads)
				}
			})
			continue
		}
		k.read(x.rec, records[x.rec])
	}
	return nil
}

// read takes the members of an interview.
func (k *knownHousehold) read(interview string, rec *fieldsync.Record) {
	rec.EachUnit(func(unit string, heads []fieldsync.Head) {
		id, rest, ok := schema.MemberUnit(unit)
		if !ok {
			return
		}
		p := k.person(id)
		if !slices.Contains(p.interviews, interview) {
			p.interviews = append(p.interviews, interview)
		}
		switch rest {
		case "name":
			p.names = addTexts(p.names, heads)
			for _, n := range p.names {
				if fold := survey.FoldName(n); !slices.Contains(p.folded, fold) {
					p.folded = append(p.folded, fold)
				}
			}
		case "birth":
			p.births = addTexts(p.births, heads)
		case "id_number":
			p.numbers = addTexts(p.numbers, heads)
		case "relation":
			p.relations = addTexts(p.relations, heads)
		}
	})
}

func addTexts(to []string, heads []fieldsync.Head) []string {
	for _, h := range heads {
		if text := textOf(h.Value); text != "" && !slices.Contains(to, text) {
			to = append(to, text)
		}
	}
	return to
}

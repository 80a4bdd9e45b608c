package central

import (
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// route finds the scopes of every record that changed, households first, and then of those that follow a household that moved.
func (p *planner) route() error {
	var moved []string
	for _, w := range p.plan.works {
		if w.next.kind != schema.KindHousehold {
			continue
		}
		w.next.scopes = p.homes(w)
		if w.old == nil || !slices.Equal(w.old.scopes, w.next.scopes) {
			moved = append(moved, w.next.rec)
		}
	}
	slices.Sort(moved)
	if err := p.followers(moved); err != nil {
		return err
	}
	for _, w := range p.plan.works {
		if w.next.kind != schema.KindHousehold {
			p.routeOne(w)
		}
	}
	return nil
}

// followers adds the interviews and links of households that moved or are new.
func (p *planner) followers(households []string) error {
	follows, err := p.follow(households)
	if err != nil {
		return err
	}
	var recs []string
	for _, household := range households {
		p.plan.follows[household] = follows[household]
		recs = append(recs, follows[household]...)
	}
	if err := p.load(recs...); err != nil {
		return err
	}
	var others []string
	var moving []*row
	for _, rec := range recs {
		if x := p.rows[rec]; x != nil && p.byRec[rec] == nil {
			p.work(rec, x.kind, x)
			moving = append(moving, x)
			others = append(append(others, strings.Fields(x.household)...), x.round)
		}
	}
	if err := p.load(others...); err != nil {
		return err
	}
	records, err := p.restore(moving)
	for _, x := range moving {
		p.byRec[x.rec].rec = records[x.rec]
	}
	return err
}

// homes are the scopes of a household: the villages that live values name. One that no area table knows is nobody's: while
// no other is named, the household also stays where it was last, or where its author put it, so that people still see it.
// An area that is no village has a feed that many villages read; nothing is put there by a wrong code.
func (p *planner) homes(w *work) []string {
	before := w.next.scopes
	if len(before) == 0 {
		before = scopeList(w.hint)
	}
	live := liveVillages(w.rec)
	if len(live) == 0 {
		return before // a village taken back: it stays where it was last
	}
	homes := slices.DeleteFunc(live, func(code string) bool {
		a, ok := p.places.any(code)
		return ok && a.Level != schema.LevelVillage
	})
	if slices.ContainsFunc(homes, p.places.village) {
		return homes
	}
	if slices.ContainsFunc(before, p.places.village) {
		before = slices.DeleteFunc(slices.Clone(before), func(scope string) bool { return !p.places.village(scope) })
	}
	for _, scope := range before {
		if scope != noScope || len(homes) == 0 {
			homes = append(homes, scope)
		}
	}
	slices.Sort(homes)
	return slices.Compact(homes)
}

func liveVillages(rec *fieldsync.Record) []string {
	var scopes []string
	for _, h := range rec.Heads("village") {
		if v := textOf(h.Value); v != "" && !slices.Contains(scopes, v) {
			scopes = append(scopes, v)
		}
	}
	slices.Sort(scopes)
	return scopes
}

const noScope = "-"

func scopeList(scope string) []string {
	if scope == "" {
		return []string{noScope} // a record whose author named no village: in no area, found by its id and in the issues
	}
	return []string{scope}
}

// routeOne finds the scopes of a record that is no household.
func (p *planner) routeOne(w *work) {
	switch w.next.kind {
	case schema.KindInterview, kindLink:
		scopes := p.scopesOfHouseholds(strings.Fields(w.next.household))
		if w.followsHousehold = len(scopes) > 0; w.followsHousehold {
			w.next.scopes = scopes
			return
		}
	case kindComplaint, kindRequest:
		w.next.scopes = p.boardScope(w)
		return
	default:
		if scopes := areaScopes(w.rec); len(scopes) > 0 {
			w.next.scopes = scopes
			return
		}
	}
	if len(w.next.scopes) == 0 {
		w.next.scopes = scopeList(w.hint)
	}
}

func (p *planner) scopesOfHouseholds(households []string) []string {
	var scopes []string
	for _, id := range households {
		if w := p.byRec[id]; w != nil {
			scopes = append(scopes, w.next.scopes...)
		} else if x := p.rows[id]; x != nil && x.kind == schema.KindHousehold {
			scopes = append(scopes, x.scopes...)
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// areaScopes is where rounds, meetings and postings are: the feed of their area.
func areaScopes(rec *fieldsync.Record) []string {
	var scopes []string
	for _, unit := range []string{"area", "village"} {
		for _, h := range rec.Heads(unit) {
			if code, _ := schema.ParseRef(textOf(h.Value)); code != "" && !slices.Contains(scopes, code) {
				scopes = append(scopes, code)
			}
		}
	}
	slices.Sort(scopes)
	return scopes
}

// boardScope is where complaints and requests are: never in a feed that tablets of the village pull.
func (p *planner) boardScope(w *work) []string {
	var from []string
	for _, h := range w.rec.Heads("household") {
		from = append(from, p.villagesOf(textOf(h.Value))...)
	}
	from = append(from, areaScopes(w.rec)...)
	if w.hint != "" {
		from = append(from, strings.TrimSuffix(w.hint, boardSuffix))
	}
	for _, area := range from {
		if commune, ok := p.places.commune(area); ok {
			return []string{commune + boardSuffix}
		}
	}
	if len(w.next.scopes) > 0 {
		return w.next.scopes
	}
	return []string{strings.TrimSuffix(w.hint, boardSuffix) + boardSuffix}
}

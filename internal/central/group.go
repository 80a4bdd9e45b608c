package central

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Codes a view flags when a board has said that two households are one.
const (
	FlagDuplicate = "duplicate" // counted in the interview of the surviving household
	FlagUnmapped  = "unmapped"  // of the survivor: not every person of the other is said to be one of this
)

// link is what a board says of two households.
type link struct {
	a, b, survivor string
	same           bool
	persons        map[string]string // member of b → member of a
}

// group is households that links say are one.
type group struct {
	households []string // the survivor first, then by id
	links      []link
}

func readLink(rec *fieldsync.Record, policies fieldsync.Policies) link {
	text := func(unit string) string { return textOf(provisional(rec, unit, policies)) }
	l := link{a: text("a"), b: text("b"), survivor: text("survivor"), persons: map[string]string{}}
	verdict := rec.Look("verdict", policies)
	l.same = len(verdict.Values) == 1 && textOf(verdict.Values[0].Value) == "same" && !deleted(rec, policies) && l.a != "" && l.b != "" && l.a != l.b
	rec.EachUnit(func(unit string, _ []fieldsync.Head) {
		if of, ok := strings.CutPrefix(unit, "same/"); ok {
			if person := text(unit); person != "" {
				l.persons[of] = person
			}
		}
	})
	return l
}

// groupAll follows what links say: households learn their partners, and the interviews of a group are looked at together.
func (p *planner) groupAll() error {
	if err := p.partnerAll(); err != nil {
		return err
	}
	for _, w := range slices.Clone(p.plan.works) {
		if w.next.kind != schema.KindInterview {
			continue
		}
		for _, household := range strings.Fields(w.next.household) {
			g, err := p.groupOf(household)
			if err != nil {
				return err
			}
			if g == nil {
				continue
			}
			for _, id := range g.interviews(w.next.round) {
				if _, err := p.reopen(id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// partnerAll gives the households of links that changed, and of links that came before them, their partners.
func (p *planner) partnerAll() error {
	var households []string
	for _, w := range p.plan.works {
		switch {
		case w.next.kind == kindLink:
			households = append(households, strings.Fields(w.next.household)...)
			if w.old != nil {
				households = append(households, strings.Fields(w.old.household)...)
			}
		case w.next.kind == schema.KindHousehold && w.old == nil && slices.ContainsFunc(p.plan.follows[w.next.rec], p.isLink):
			households = append(households, w.next.rec)
		}
	}
	slices.Sort(households)
	households = slices.Compact(households)
	if len(households) == 0 {
		return nil
	}
	follows, err := p.follow(households)
	if err != nil {
		return err
	}
	for _, household := range households {
		p.plan.follows[household] = follows[household]
		if err := p.partner(household); err != nil {
			return err
		}
		for _, rec := range follows[household] {
			if !p.isLink(rec) {
				if _, err := p.reopen(rec); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *planner) isLink(rec string) bool {
	if w := p.byRec[rec]; w != nil {
		return w.next.kind == kindLink
	}
	return p.rows[rec] != nil && p.rows[rec].kind == kindLink
}

// partner writes a household's partners into its row: so every interview of it learns of them without a query of its own.
func (p *planner) partner(household string) error {
	w, err := p.reopen(household)
	if err != nil || w == nil || w.next.kind != schema.KindHousehold {
		return err
	}
	links, err := p.linksOf([]string{household})
	w.next.household = strings.Join(partners(household, links), " ")
	return err
}

func partners(household string, links []link) []string {
	var with []string
	for _, l := range links {
		if l.same && (l.a == household || l.b == household) {
			other := l.b
			if l.b == household {
				other = l.a
			}
			with = append(with, other)
		}
	}
	slices.Sort(with)
	return slices.Compact(with)
}

// reopen takes a stored record into the plan, to be looked at anew; nil when there is none.
func (p *planner) reopen(rec string) (*work, error) {
	if w := p.byRec[rec]; w != nil {
		return w, nil
	}
	if err := p.load(rec); err != nil || p.rows[rec] == nil {
		return nil, err
	}
	x := p.rows[rec]
	if err := p.load(append(strings.Fields(x.household), x.round)...); err != nil {
		return nil, err
	}
	records, err := p.restore([]*row{x})
	if err != nil {
		return nil, err
	}
	w := p.work(rec, x.kind, x)
	w.rec = records[rec]
	if x.kind != schema.KindHousehold {
		p.routeOne(w)
	}
	return w, nil
}

// linksOf returns the links that name one of the households.
func (p *planner) linksOf(households []string) ([]link, error) {
	follows, err := p.follow(households)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, recs := range follows {
		ids = append(ids, recs...)
	}
	if err := p.load(ids...); err != nil {
		return nil, err
	}
	var stored []*row
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if w := p.byRec[id]; p.isLink(id) && p.rows[id] != nil && (w == nil || w.rec == nil) {
			stored = append(stored, p.rows[id])
		}
	}
	records, err := p.restore(stored)
	if err != nil {
		return nil, err
	}
	var links []link
	for _, x := range stored {
		links = append(links, readLink(records[x.rec], p.s.policiesOf(records[x.rec])))
	}
	for _, w := range p.plan.works {
		if w.next.kind == kindLink && w.rec != nil {
			if l := readLink(w.rec, p.s.policiesOf(w.rec)); slices.Contains(households, l.a) || slices.Contains(households, l.b) {
				links = append(links, l)
			}
		}
	}
	return links, nil
}

// groupOf finds the households that are one with this one; nil when it is alone.
func (p *planner) groupOf(household string) (*group, error) {
	found := []string{household}
	for i := 0; i < len(found); i++ {
		if err := p.load(found[i]); err != nil {
			return nil, err
		}
		with, err := p.partnersOf(found[i])
		if err != nil {
			return nil, err
		}
		for _, other := range with {
			if !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	if len(found) == 1 {
		return nil, nil
	}
	slices.Sort(found)
	links, err := p.linksOf(found)
	g := &group{links: slices.DeleteFunc(links, func(l link) bool { return !l.same })}
	survivor := g.survivor(found)
	g.households = append([]string{survivor}, slices.DeleteFunc(found, func(h string) bool { return h == survivor })...)
	return g, err
}

// partnersOf reads a household's partners from its row, or from the links where it has not arrived yet.
func (p *planner) partnersOf(household string) ([]string, error) {
	if w := p.byRec[household]; w != nil {
		return strings.Fields(w.next.household), nil
	}
	if x := p.rows[household]; x != nil {
		return strings.Fields(x.household), nil
	}
	follows, err := p.follow([]string{household})
	if err != nil || len(follows[household]) == 0 {
		return nil, err
	}
	p.plan.follows[household] = follows[household]
	links, err := p.linksOf([]string{household})
	return partners(household, links), err
}

// survivor is the household that a link lets survive and no other link ends; the least id where links contradict each other.
func (g *group) survivor(households []string) string {
	for _, h := range households {
		survives, ends := false, false
		for _, l := range g.links {
			survives = survives || l.survivor == h
			ends = ends || ((l.a == h || l.b == h) && l.survivor != h)
		}
		if survives && !ends {
			return h
		}
	}
	return households[0]
}

// interviews are the ids of the group's interviews in a round, whether they exist or not: made of round and household.
func (g *group) interviews(round string) []string {
	space, err := uuid.Parse(round)
	if err != nil {
		return nil
	}
	ids := make([]string, len(g.households))
	for i, h := range g.households {
		ids[i] = uuid.NewSHA1(space, []byte(h)).String()
	}
	return ids
}

// standing tells how an interview stands in its group: whether another one counts for it, and the join of all by which it is
// judged if it is the one that counts. joined is nil while some person of another interview is not said to be one of this.
func (p *planner) standing(w *work) (inGroup, counts bool, joined *fieldsync.Record, err error) {
	household, _, _ := strings.Cut(w.next.household, " ")
	if household == "" {
		return false, true, nil, nil
	}
	g, err := p.groupOf(household)
	if err != nil || g == nil {
		return false, true, nil, err
	}
	var all []*fieldsync.Record
	for _, id := range g.interviews(w.next.round) {
		rec, err := p.recordOf(id)
		if err != nil {
			return false, true, nil, err
		}
		// An edit whose creation is held or not here yet hangs on nothing: it is nobody's interview until it says whose.
		if rec != nil && rec.Kind == schema.KindInterview && slices.Contains(g.households, textOf(provisional(rec, "household", nil))) {
			all = append(all, rec)
		}
	}
	if len(all) < 2 || !slices.ContainsFunc(all, func(r *fieldsync.Record) bool { return r.ID == w.next.rec }) {
		return false, true, nil, nil
	}
	if all[0].ID != w.next.rec {
		return true, false, nil, nil
	}
	joined, err = g.join(all)
	return true, true, joined, err
}

// recordOf is a record as it will be after this plan.
func (p *planner) recordOf(rec string) (*fieldsync.Record, error) {
	if w := p.byRec[rec]; w != nil && w.rec != nil {
		return w.rec, nil
	}
	if err := p.load(rec); err != nil || p.rows[rec] == nil {
		return nil, err
	}
	records, err := p.restore([]*row{p.rows[rec]})
	return records[rec], err
}

// ownUnits differ between the interviews of a group by their nature, and contradict nothing.
var ownUnits = []string{"household", "round", "village"}

// join puts the interviews of a group together under the first one's id, persons under the ids the links give them.
func (g *group) join(all []*fieldsync.Record) (*fieldsync.Record, error) {
	persons := map[string]string{}
	for _, l := range g.links {
		for of, is := range l.persons {
			persons[of] = is
			if l.a != g.households[0] && l.b == g.households[0] {
				delete(persons, of)
				persons[is] = of // the survivor is b: its ids stay
			}
		}
	}
	whole := all[0].Clone()
	for _, other := range all[1:] {
		for _, m := range survey.ReadRecord(other, nil).Members() {
			if persons[m.ID] == "" {
				return nil, nil
			}
		}
		st := other.State("")
		st.Record = whole.ID
		st.Heads = renameMembers(st.Heads, persons)
		renamed, err := fieldsync.FromState(&st)
		if err != nil {
			return nil, err
		}
		whole.Join(renamed)
	}
	return whole, nil
}

// renameMembers puts the answers about a person under the id the survivor knows the person by, and so where a person is the
// answer itself (the head of household).
func renameMembers(heads map[string]map[string]json.RawMessage, persons map[string]string) map[string]map[string]json.RawMessage {
	out := make(map[string]map[string]json.RawMessage, len(heads))
	for unit, live := range heads {
		if slices.Contains(ownUnits, unit) {
			continue
		}
		if id, rest, ok := schema.MemberUnit(unit); ok && persons[id] != "" {
			unit = "m/" + persons[id] + "/" + rest
		}
		out[unit] = make(map[string]json.RawMessage, len(live))
		for dot, value := range live {
			if is := persons[textOf(value)]; is != "" {
				value, _ = json.Marshal(is) // a string is never refused
			}
			out[unit][dot] = value
		}
	}
	return out
}

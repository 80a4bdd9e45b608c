package survey

import (
	"maps"
	"slices"

	"github.com/rasoat/rasoat/schema"
)

// undecided names the open answers that would decide.
//
// An answer decides an indicator when there are two ways of filling in the member's (or the household's) other open answers
// that differ in it alone and give different verdicts; sex matters for employment at 58, not at 30. While the class is
// undetermined, only indicators that can still move B2 over the line count, and the income side while it is unknown; that
// is Deciding too. Once the class is given, nothing decides it any more, and Undecided names what is still open besides:
// the questions behind indicators that are unknown.
func (j *Judge) undecided(g *Judgement, s *sheet, all []outcome, merged *outcome) {
	given := g.Class != Undetermined
	relevant := func(i int) bool { return merged.verdicts[i] == Unknown && (given || merged.straddle) }
	units := map[string]bool{}
	if !given && merged.side == schema.Unknown {
		j.undecidedSide(s, all, merged, units)
	}
	j.undecidedOpens(s, all, units, relevant)
	j.blankOpens(s)
	who := s.roster(s.listed())
	for i, r := range j.rules {
		if merged.verdicts[i] != Unknown || !(relevant(i) || len(g.Why) > 0) {
			continue
		}
		own := map[string]bool{}
		r.deciding(j, s, &who, own)
		g.waits(r.ind.Code, own)
		if relevant(i) {
			maps.Copy(units, own)
		}
	}
	g.Undecided = sortedUnits(units)
	if !given {
		g.Deciding = g.Undecided
	}
}

func sortedUnits(units map[string]bool) []string {
	list := slices.AppendSeq(make([]string, 0, len(units)), maps.Keys(units))
	slices.Sort(list)
	return list
}

// waits notes in the reason for an indicator which units it waits for.
func (g *Judgement) waits(indicator string, units map[string]bool) {
	for i := range g.Why {
		if g.Why[i].Indicator == indicator {
			g.Why[i].Undecided = sortedUnits(units)
		}
	}
}

// deciding names the open answers on which a rule's verdict hangs.
func (r *rule) deciding(j *Judge, s *sheet, who *roster, units map[string]bool) {
	if (r.member || r.sized) && (who.open || who.listed == 0) {
		units["household_size"] = true
	}
	if !r.member {
		r.decidingHousehold(j, s, who, units)
		return
	}
	for k := range s.people {
		if p := &s.people[k]; p.exists {
			r.decidingMember(j, s, p, units)
		}
	}
}

// undecidedSide names the income side's questions, and the village when only the type of its commune is missing.
func (j *Judge) undecidedSide(s *sheet, all []outcome, merged *outcome, units map[string]bool) {
	for i := range all {
		if all[i].side == schema.Unknown && all[i].basis != BasisNone {
			units["village"] = true // known value, unknown line: the area type would decide
		}
		if all[i].basis != BasisNone {
			continue
		}
		if j.score >= 0 {
			units[j.std.Score.Unit] = true
			if s.house[j.score].state == wrong {
				continue
			}
		}
		if j.income >= 0 {
			units[j.std.Income.Unit] = true
		}
	}
}

// undecidedOpens names the contested answers on which an outcome hangs: two outcomes that differ in this answer alone.
func (j *Judge) undecidedOpens(s *sheet, all []outcome, units map[string]bool, relevant func(int) bool) {
	stride := len(all)
	for i := range s.opens {
		o := &s.opens[i]
		n := len(o.values)
		stride /= n
		unit := o.slot.unit
		if o.member >= 0 {
			unit = "m/" + s.people[o.member].id + "/" + unit
		}
		for k := range all {
			if (k/stride)%n == n-1 {
				continue
			}
			if j.differ(&all[k], &all[k+stride], relevant) {
				units[unit] = true
				break
			}
		}
	}
}

func (j *Judge) differ(a, b *outcome, relevant func(int) bool) bool {
	if a.classes != b.classes {
		return true
	}
	for i := range j.rules {
		if relevant(i) && joinVerdicts(a.verdicts[i], b.verdicts[i]) == Unknown && a.verdicts[i] != b.verdicts[i] {
			return true
		}
	}
	return false
}

// blankOpens makes the contested answers unanswered: what other answers decide is looked for with these open.
func (j *Judge) blankOpens(s *sheet) {
	for i := range s.opens {
		o := &s.opens[i]
		if o.slot.role == statusUnit {
			s.people[o.member].exists = true
			continue
		}
		j.put(s, o.member, o.slot, "")
	}
	if len(s.opens) > 0 {
		s.ages()
	}
}

// decidingMember names the open answers of one member on which a rule's verdict hangs.
func (r *rule) decidingMember(j *Judge, s *sheet, p *person, units map[string]bool) {
	set := r.ofMember(j, p, s)
	share := r.ind.Aggregate == schema.AggregateShare
	if single(set) || (!share && set.one() != Unknown) {
		return
	}
	same := func(a, b verdicts) bool {
		if share {
			return a == b
		}
		return a&canYes == b&canYes && (a == canYes) == (b == canYes)
	}
	var free []int
	for i := range r.finite {
		if r.cellOf(i, p.cells, s.house).state != known {
			free = append(free, i)
		}
	}
	var profiles []profile
	r.combos(p.cells, s.house, func(c int) bool {
		profiles = append(profiles, r.profile(j, c, s.year))
		return true
	})
	ages := breaks(profiles, p.age)
	at := func(k int, age int) verdicts { return profiles[k].over(Months{age, age}) }
	stride := len(profiles)
	for _, i := range free {
		n := r.finite[i].size()
		stride /= n
		if r.differs(len(profiles), stride, n, ages, at, same) {
			units[unitOf(&r.finite[i], p)] = true
		}
	}
	if !r.aged {
		return
	}
	for k := range profiles {
		for _, age := range ages {
			if !same(at(k, age), at(k, ages[0])) {
				ageUnits(s, p, units)
				return
			}
			if r.retirement && s.year == 0 && !single(at(k, age)) {
				units["review_date"] = true
			}
		}
	}
}

// differs tells whether two combinations that differ only in the variable with this stride give different verdicts at some age.
func (r *rule) differs(count, stride, n int, ages []int, at func(int, int) verdicts, same func(a, b verdicts) bool) bool {
	for k := range count {
		if (k/stride)%n == n-1 {
			continue
		}
		for _, age := range ages {
			if !same(at(k, age), at(k+stride, age)) {
				return true
			}
		}
	}
	return false
}

// ageUnits names what keeps an age open: the birth, the day of review, or both.
func ageUnits(s *sheet, p *person, units map[string]bool) {
	if !s.reviewed {
		units["review_date"] = true
	}
	if p.born != known || p.birth.Precision != PrecisionDay || (s.reviewed && p.age == anyAge) {
		units["m/"+p.id+"/birth"] = true
	}
}

func unitOf(v *variable, p *person) string {
	switch {
	case v.v.Name == schema.VarAreaType:
		return "village"
	case v.v.Member:
		return "m/" + p.id + "/" + v.v.Unit
	}
	return v.v.Unit
}

// breaks are the ages at which any of the profiles may change, within the ages that are possible.
func breaks(profiles []profile, age Months) []int {
	ages := []int{age.From}
	for _, p := range profiles {
		for _, r := range p {
			if int(r.from) > age.From && int(r.from) <= age.To {
				ages = append(ages, int(r.from))
			}
		}
	}
	slices.Sort(ages)
	return slices.Compact(ages)
}

func single(set verdicts) bool { return set&(set-1) == 0 }

// decidingHousehold names the open answers of the household on which a rule's verdict hangs.
func (r *rule) decidingHousehold(j *Judge, s *sheet, who *roster, units map[string]bool) {
	from, to := who.from, who.to
	if !r.sized {
		from, to = 0, 0
	}
	set := verdicts(0)
	for n := from; n <= to; n++ {
		set |= r.ofHousehold(j, s, n)
	}
	if set.one() != Unknown {
		return
	}
	for i := range r.open {
		if s.house[r.open[i].cell].state != known {
			units[r.open[i].v.Unit] = true
		}
	}
	for i := range r.finite {
		c := r.cellOf(i, nil, s.house)
		if c.state == known {
			continue
		}
		if r.decides(j, s, from, i, c) {
			units[unitOf(&r.finite[i], nil)] = true
		}
	}
}

// decides tries every filling of the other open answers: does the i-th variable change the verdict in one of them?
func (r *rule) decides(j *Judge, s *sheet, size, i int, c *cell) bool {
	before := *c
	defer func() { *c = before }()
	n := r.finite[i].size()
	first := make(map[int]Verdict)
	stride := 1
	for k := i + 1; k < len(r.finite); k++ {
		stride *= r.finite[k].size()
	}
	for value := range n {
		*c = cell{state: known, index: uint8(value), value: r.finite[i].v.Domain[value]}
		found := false
		r.combos(nil, s.house, func(combination int) bool {
			v := r.at(j, s, combination, size).one()
			rest := combination - value*stride
			if value == 0 {
				first[rest] = v
			} else if joinVerdicts(first[rest], v) == Unknown && first[rest] != v {
				found = true
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

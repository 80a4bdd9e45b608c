package survey

import (
	"slices"

	"github.com/rasoat/rasoat/schema"
)

// roster is who is in the household as far as it is known.
type roster struct {
	listed   int  // existing members
	open     bool // household_size says there may be others
	from, to int  // possible numbers of members; 0, 0: anything
}

func (s *sheet) roster(members int) roster {
	r := roster{listed: members, from: members, to: members}
	switch {
	case s.vague:
		r.open, r.from, r.to = true, 0, 0
	case s.contested:
		r.open = true
		if s.sizeRange[0] < members || s.sizeRange[1] == 0 {
			r.from, r.to = 0, 0
		} else {
			r.to = s.sizeRange[1]
		}
	case s.size.state == wrong:
		r.open, r.from, r.to = true, 0, 0
	case s.size.state == known && s.size.value.Int() != int64(members):
		r.open = true
		if n := s.size.value.Int(); n < int64(members) || n > MaxMembers {
			r.from, r.to = 0, 0
		} else {
			r.to = int(n)
		}
	}
	return r
}

func (j *Judge) verdict(r *rule, s *sheet, who *roster) Verdict {
	if (r.member || r.sized) && (who.listed == 0 || s.vague) {
		return Unknown
	}
	switch {
	case !r.member && !r.sized:
		return r.ofHousehold(j, s, 0).one()
	case !r.member:
		if who.to == 0 {
			return Unknown
		}
		set := verdicts(0)
		for n := who.from; n <= who.to; n++ {
			set |= r.ofHousehold(j, s, n)
		}
		return set.one()
	case r.ind.Aggregate == schema.AggregateShare:
		return j.share(r, s, who)
	}
	all := NA
	for i := range s.people {
		p := &s.people[i]
		if !p.exists {
			continue
		}
		switch r.ofMember(j, p, s).one() {
		case Yes:
			return Yes
		case Unknown:
			all = Unknown
		case No:
			if all == NA {
				all = No
			}
		}
	}
	if who.open {
		return Unknown
	}
	return all
}

// share compares the number of members for whom the rule holds with a fraction of those it applies to, in whole numbers:
// each yes adds den−num, each no takes num away, and the share is over num/den when the sum is over 0. Least and greatest
// sum are taken member by member.
func (j *Judge) share(r *rule, s *sheet, who *roster) Verdict {
	if who.to == 0 {
		return Unknown
	}
	yes, no := r.ind.Over.Den-r.ind.Over.Num, -r.ind.Over.Num
	least, most, onlyNA := int64(0), int64(0), true
	for i := range s.people {
		p := &s.people[i]
		if !p.exists {
			continue
		}
		set := r.ofMember(j, p, s)
		onlyNA = onlyNA && set == canNA
		lo, hi := yes, no
		for _, option := range []struct {
			bit  verdicts
			adds int64
		}{{canYes, yes}, {canNo, no}, {canNA, 0}} {
			if set&option.bit != 0 {
				lo, hi = min(lo, option.adds), max(hi, option.adds)
			}
		}
		least += lo
		most += hi
	}
	if more := int64(who.to - who.listed); more > 0 {
		least += more * no
		most += more * yes
		onlyNA = false
	}
	switch {
	case onlyNA:
		return NA
	case least > 0:
		return Yes
	case most <= 0:
		return No
	}
	return Unknown
}

// side tells whether the household is at or under the income line, and what that rests on. The score decides when it has a
// value; a score that cannot be read is still a score, so that stated income does not take its place.
func (j *Judge) side(s *sheet, area AreaType) (schema.Truth, string) {
	if j.score >= 0 {
		switch c := &s.house[j.score]; c.state {
		case known:
			line, _ := j.std.Score.For(string(area))
			return schema.TruthOf(c.value.Int() <= line), BasisScore
		case wrong:
			return schema.Unknown, BasisNone
		}
	}
	if j.income >= 0 {
		if c := &s.house[j.income]; c.state == known {
			line, _ := j.std.Income.For(string(area))
			return schema.TruthOf(c.value.Int() <= line), BasisIncome
		}
	}
	return schema.Unknown, BasisNone
}

// averageLiving is "hộ làm nông, lâm, ngư, diêm nghiệp có mức sống trung bình": it needs the livelihood, the class not_poor
// and an income over the line and at or under the rule's own. One that fails is enough for no.
func (j *Judge) averageLiving(s *sheet, area AreaType, classes Classes) Verdict {
	rule := j.std.AverageLiving
	if rule == nil {
		return NA
	}
	open := classes != canNotPoor
	if classes&canNotPoor == 0 {
		return No
	}
	switch c := &s.house[j.living]; c.state {
	case known:
		if !slices.Contains(rule.Livelihoods, c.value.Text()) {
			return No
		}
	default:
		open = true
	}
	if j.income < 0 || s.house[j.income].state != known {
		return Unknown
	}
	income := s.house[j.income].value.Int()
	line, _ := j.std.Income.For(string(area))
	upTo, _ := rule.UpTo.For(string(area))
	if income <= line || income > upTo {
		return No
	}
	if open {
		return Unknown
	}
	return Yes
}

package survey

import (
	"fmt"
	"sync/atomic"

	"github.com/rasoat/rasoat/schema"
)

// Verdict is an indicator's answer for one member or for the household.
type Verdict uint8

const (
	Unknown Verdict = iota
	Yes             // deprived (thiếu hụt)
	No
	NA // nobody it applies to
)

func (v Verdict) String() string { return [...]string{"unknown", "yes", "no", "na"}[v] }

// MarshalText gives the word used on the wire.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// verdicts is a set of possible verdicts.
type verdicts uint8

const (
	canYes verdicts = 1 << iota
	canNo
	canNA
)

// one is the verdict the set decides: {no, na} counts as no.
func (s verdicts) one() Verdict {
	switch s {
	case canYes:
		return Yes
	case canNo, canNo | canNA:
		return No
	case canNA:
		return NA
	}
	return Unknown
}

// maxCombinations bounds the table of one indicator: the product of the numbers of answers its questions have. The widest
// published indicator (adult_education) has 162.
const maxCombinations = 1 << 16

// rule is one indicator made ready: its verdict for every combination of answers, worked out from its expressions the
// first time a combination is met. Answers are few (codes) and ages are whole months, so the tables are small, the way
// from an answer to a verdict is an index, and "every way of filling in the open answers" is a loop over the table.
type rule struct {
	ind        *schema.Indicator
	member     bool
	finite     []variable // in table order; the first varies slowest
	open       []variable // without a list of answers (house_area): only in household rules
	sized      bool       // refers to the number of members
	aged       bool       // refers to a member's age
	monthly    bool       // … in months
	retirement bool
	said       []said                    // sentences by answer
	table      []atomic.Pointer[profile] // household rules without open variables; member rules without retirement
	byYear     [200]atomic.Pointer[[]atomic.Pointer[profile]]
}

// variable is an answer a rule looks at: where the expression wants it, and where the sheet has it.
type variable struct {
	v    *schema.Variable
	cell int // in sheet.house or person.cells
}

// said is the sentence of an indicator when an answer is known.
type said struct {
	cell   int
	member bool
	value  string
	text   schema.Text
}

// size is the number of answers the variable can have.
func (v *variable) size() int { return len(v.v.Domain) }

// profile is the verdicts over all ages, as runs that start at an age in months. Rules that do not look at the age have one run.
type profile []run

type run struct {
	from int16
	set  verdicts
}

// over is the set of verdicts the ages allow.
func (p profile) over(age Months) verdicts {
	set := verdicts(0)
	for i := range p {
		if int(p[i].from) > age.To {
			break
		}
		if i+1 < len(p) && int(p[i+1].from) <= age.From {
			continue
		}
		set |= p[i].set
	}
	return set
}

// newRule finds what the indicator looks at. cell gives the place of a variable in the sheet.
func newRule(ind *schema.Indicator, cell func(*schema.Variable) int) (*rule, error) {
	r := &rule{ind: ind, member: ind.OverMember()}
	seen := map[*schema.Variable]bool{}
	combinations := 1
	for _, e := range []*schema.Expression{ind.Applies, ind.When} {
		if e == nil {
			continue
		}
		for _, v := range e.Vars {
			if seen[v] {
				continue
			}
			seen[v] = true
			switch {
			case v.Name == schema.VarAge:
				r.aged = true
			case v.Name == schema.VarAgeMonths:
				r.aged, r.monthly = true, true
			case v.Name == schema.VarRetirementMen, v.Name == schema.VarRetirementWomen:
				r.retirement = true
			case v.Name == schema.VarMembers && !r.member:
				r.sized = true
			case len(v.Domain) > 0:
				r.finite = append(r.finite, variable{v, cell(v)})
				combinations *= len(v.Domain)
			case !r.member:
				r.open = append(r.open, variable{v, cell(v)})
			default:
				return nil, fmt.Errorf("indicator %s looks at %s of a member, which has no list of answers", ind.Code, v.Name)
			}
			if combinations > maxCombinations {
				return nil, fmt.Errorf("indicator %s has more than %d combinations of answers", ind.Code, maxCombinations)
			}
		}
	}
	for _, a := range ind.ByAnswer {
		r.said = append(r.said, said{cell(a.Var), a.Var.Member, a.Value, a.Sentence})
	}
	if !r.member && r.retirement {
		return nil, fmt.Errorf("indicator %s is over the household and looks at a retirement age", ind.Code)
	}
	r.table = make([]atomic.Pointer[profile], combinations)
	return r, nil
}

// profile is the member rule's verdicts over all ages for one combination of answers, in a year of review (0: not known).
func (r *rule) profile(j *Judge, combination, year int) profile {
	table := r.table
	if r.retirement {
		slot := &r.byYear[yearSlot(j.std, year)]
		t := slot.Load()
		if t == nil {
			fresh := make([]atomic.Pointer[profile], len(r.table))
			slot.CompareAndSwap(nil, &fresh)
			t = slot.Load()
		}
		table = *t
	}
	if p := table[combination].Load(); p != nil {
		return *p
	}
	p := r.work(j, combination, year)
	table[combination].Store(&p)
	return p
}

// yearSlot folds years with equal retirement ages together: 1 is the first year of the rule and all before it.
func yearSlot(std *schema.Standard, year int) int {
	if year == 0 {
		return 0
	}
	first := min(std.Retirement.Men.FirstYear, std.Retirement.Women.FirstYear)
	return max(1, min(year-first+1, 199))
}

// work evaluates the expressions for every age. With an unknown year it is the union over the years of the rule.
func (r *rule) work(j *Judge, combination, year int) profile {
	env := j.vars.NewEnv()
	r.fill(env, combination)
	years := []int{year}
	if r.retirement && year == 0 {
		years = nil
		first := min(j.std.Retirement.Men.FirstYear, j.std.Retirement.Women.FirstYear)
		for y := first; y < first+60; y++ {
			years = append(years, y)
		}
	}
	var p profile
	step, last := 1, maxAge
	switch {
	case !r.aged:
		last = 0
	case !r.monthly:
		step = 12
	}
	for months := 0; months <= last; months += step {
		j.setAge(env, months)
		set := verdicts(0)
		for _, y := range years {
			j.setRetirement(env, y)
			set |= r.eval(env)
		}
		if len(p) == 0 || p[len(p)-1].set != set {
			p = append(p, run{int16(months), set})
		}
	}
	return p
}

// fill puts a combination's answers where the expressions look for them.
func (r *rule) fill(env *schema.Env, combination int) {
	for i := len(r.finite) - 1; i >= 0; i-- {
		v := &r.finite[i]
		env.Set(v.v, v.v.Domain[combination%v.size()])
		combination /= v.size()
	}
}

// eval is the set of verdicts the expressions leave open in env.
func (r *rule) eval(env *schema.Env) verdicts {
	applies := r.ind.Applies.Eval(env)
	if applies == schema.No {
		return canNA
	}
	set := verdicts(0)
	switch r.ind.When.Eval(env) {
	case schema.Yes:
		set = canYes
	case schema.No:
		set = canNo
	default:
		set = canYes | canNo
	}
	if applies == schema.Unknown {
		set |= canNA
	}
	return set
}

// combos calls f with each combination of answers the cells allow, until f returns false. The usual case is exactly one.
func (r *rule) combos(cells, house []cell, f func(combination int) bool) {
	fixed, free := 0, 0
	for i := range r.finite {
		c := r.cellOf(i, cells, house)
		fixed *= r.finite[i].size()
		if c.state == known {
			fixed += int(c.index)
		} else {
			free++
		}
	}
	if free == 0 {
		f(fixed)
		return
	}
	r.walk(0, 0, cells, house, f)
}

func (r *rule) walk(i, combination int, cells, house []cell, f func(int) bool) bool {
	if i == len(r.finite) {
		return f(combination)
	}
	n := r.finite[i].size()
	if c := r.cellOf(i, cells, house); c.state == known {
		return r.walk(i+1, combination*n+int(c.index), cells, house, f)
	}
	for k := range n {
		if !r.walk(i+1, combination*n+k, cells, house, f) {
			return false
		}
	}
	return true
}

func (r *rule) cellOf(i int, cells, house []cell) *cell {
	v := &r.finite[i]
	if v.v.Member {
		return &cells[v.cell]
	}
	return &house[v.cell]
}

// ofMember is the set of verdicts a member can have.
func (r *rule) ofMember(j *Judge, p *person, s *sheet) verdicts {
	set := verdicts(0)
	r.combos(p.cells, s.house, func(combination int) bool {
		set |= r.profile(j, combination, s.year).over(p.age)
		return set != canYes|canNo|canNA
	})
	return set
}

// ofHousehold is the set of verdicts of a household rule, with the number of members size.
func (r *rule) ofHousehold(j *Judge, s *sheet, size int) verdicts {
	set := verdicts(0)
	r.combos(nil, s.house, func(combination int) bool {
		set |= r.at(j, s, combination, size)
		return set != canYes|canNo|canNA
	})
	return set
}

// at is the set of verdicts of a household rule for one combination of its listed answers.
func (r *rule) at(j *Judge, s *sheet, combination, size int) verdicts {
	if len(r.open) == 0 && !r.sized {
		p := r.table[combination].Load()
		if p == nil {
			worked := r.work(j, combination, 0)
			p = &worked
			r.table[combination].Store(p)
		}
		return (*p)[0].set
	}
	r.fill(s.env, combination)
	for i := range r.open {
		c := &s.house[r.open[i].cell]
		value := schema.Value{}
		if c.state == known {
			value = c.value
		}
		s.env.Set(r.open[i].v, value)
	}
	if r.sized {
		s.env.Set(j.members, schema.IntValue(int64(size)))
	}
	return r.eval(s.env)
}

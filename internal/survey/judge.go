package survey

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/rasoat/rasoat/schema"
)

// Class is the class of a household. Compare codes, never texts: "cận nghèo" contains "nghèo".
type Class string

const (
	Poor         Class = "poor"         // hộ nghèo
	NearPoor     Class = "near_poor"    // hộ cận nghèo
	NotPoor      Class = "not_poor"     // hộ không nghèo
	Undetermined Class = "undetermined" // chưa kết luận được: open answers can still change the class
)

// Classes is the set of classes the open answers allow.
type Classes uint8

const (
	canNotPoor Classes = 1 << iota
	canNearPoor
	canPoor
)

// AllClasses is what is possible of a household nobody can judge yet.
const AllClasses = canNotPoor | canNearPoor | canPoor

// Has tells whether the class is possible. Undetermined is never in the set.
func (s Classes) Has(c Class) bool {
	switch c {
	case Poor:
		return s&canPoor != 0
	case NearPoor:
		return s&canNearPoor != 0
	case NotPoor:
		return s&canNotPoor != 0
	}
	return false
}

// One is the only class of the set, or Undetermined.
func (s Classes) One() Class {
	switch s {
	case canPoor:
		return Poor
	case canNearPoor:
		return NearPoor
	case canNotPoor:
		return NotPoor
	}
	return Undetermined
}

// Low is the class furthest from poverty that is possible, High the poorest.
func (s Classes) Low() Class { return (s & -s).One() }
func (s Classes) High() Class {
	for _, c := range []Classes{canPoor, canNearPoor, canNotPoor} {
		if s&c != 0 {
			return c.One()
		}
	}
	return Undetermined
}

// AreaType is the legal type of the commune on the day of review; it decides the income line.
type AreaType string

const (
	AreaUnknown AreaType = "" // judged both ways
	AreaRural   AreaType = schema.AreaRural
	AreaUrban   AreaType = schema.AreaUrban
)

// What the income side of a class rests on.
const (
	BasisScore  = "score"  // B1, the procedure of the law under vn-2021
	BasisIncome = "income" // stated income: under vn-2021 not the procedure, and marked wherever it is shown
	BasisNone   = "none"
)

// Options say how much to tell.
type Options struct {
	Reasons   bool   // fill Judgement.Why
	Lang      string // of the sentences: "vi" (the default) or "en"
	ClassOnly bool   // leave out Undecided and Deciding: for counting
}

// Judgement is what a standard makes of an interview.
type Judgement struct {
	Class         Class
	Basis         string
	B2, B2Max     int       // points of the indicators that are yes; … and of those still unknown
	Indicators    []Verdict // in the order of the standard's indicators
	Undecided     []string  // units that would decide: the class while it is undetermined, else what is open besides
	Deciding      []string  // only the units that can still change the class; empty once it is given
	AverageLiving string    // yes, no, unknown; na when the standard has no such rule
	Why           []Reason
	Possible      Classes
	Low, High     Class // range of the class over all open answers
	Problems      []Problem

	std *schema.Standard
}

// Standard is the standard judged by.
func (g *Judgement) Standard() *schema.Standard { return g.std }

// Verdict is the verdict on one indicator by its code; Unknown for an indicator the standard does not have.
func (g *Judgement) Verdict(code string) Verdict {
	for i, ind := range g.std.Indicators {
		if ind.Code == code {
			return g.Indicators[i]
		}
	}
	return Unknown
}

// IndicatorMap is the verdicts by code.
func (g *Judgement) IndicatorMap() map[string]string {
	m := make(map[string]string, len(g.Indicators))
	for i, ind := range g.std.Indicators {
		m[ind.Code] = g.Indicators[i].String()
	}
	return m
}

// Judge is a standard made ready for a questionnaire. It is safe for concurrent use.
type Judge struct {
	std   *schema.Standard
	q     *schema.Questionnaire
	vars  *schema.Vars
	rules []*rule

	house, person         map[string]*slot
	houseVars, memberVars []*schema.Variable
	score, income, living int // cells; -1 when the standard does not look at it
	areaCell              int
	areaVar               *schema.Variable

	age, ageMonths, members, men, women *schema.Variable

	sheets sync.Pool
}

// MaxIndicators bounds a standard.
const MaxIndicators = 32

// NewJudge makes a standard ready. The error says which rule cannot be judged and why.
func NewJudge(std *schema.Standard, q *schema.Questionnaire) (*Judge, error) {
	if std == nil || q == nil {
		return nil, errors.New("make judge: a standard and a questionnaire are needed")
	}
	if len(std.Indicators) > MaxIndicators {
		return nil, fmt.Errorf("make judge of %s: more than %d indicators", std.Name, MaxIndicators)
	}
	j := &Judge{std: std, q: q, vars: q.Vars, house: map[string]*slot{}, person: map[string]*slot{}, score: -1, income: -1, living: -1, areaCell: -1}
	for name, to := range map[string]**schema.Variable{
		schema.VarAge: &j.age, schema.VarAgeMonths: &j.ageMonths, schema.VarMembers: &j.members,
		schema.VarRetirementMen: &j.men, schema.VarRetirementWomen: &j.women,
	} {
		v, ok := j.vars.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("make judge of %s: no variable %s", std.Name, name)
		}
		*to = v
	}
	for _, ind := range std.Indicators {
		r, err := newRule(ind, j.cell)
		if err != nil {
			return nil, fmt.Errorf("make judge of %s: %w", std.Name, err)
		}
		j.rules = append(j.rules, r)
	}
	for _, line := range []struct {
		line *schema.Line
		cell *int
	}{{std.Score, &j.score}, {std.Income, &j.income}} {
		if line.line == nil {
			continue
		}
		v, ok := j.vars.Of(line.line.Unit, "")
		if !ok || v.Member || v.Kind != schema.KindInt {
			return nil, fmt.Errorf("make judge of %s: the line's unit %s is not a whole number of the household", std.Name, line.line.Unit)
		}
		*line.cell = j.cell(v)
	}
	if std.AverageLiving != nil {
		v, ok := j.vars.Of("livelihood", "")
		if !ok {
			return nil, fmt.Errorf("make judge of %s: no unit livelihood", std.Name)
		}
		j.living = j.cell(v)
	}
	j.role("review_date", reviewUnit, j.house)
	if v, ok := j.vars.Of("household_size", ""); ok {
		j.house["household_size"] = &slot{unit: "household_size", role: sizeUnit, cell: -1, variable: v}
	}
	j.role("birth", birthUnit, j.person)
	j.role(unitStatus, statusUnit, j.person)
	j.sheets.New = func() any {
		return &sheet{house: make([]cell, len(j.houseVars)), env: j.vars.NewEnv()}
	}
	return j, nil
}

// role gives a unit its meaning besides being looked at by rules.
func (j *Judge) role(unit string, r role, slots map[string]*slot) {
	if s := slots[unit]; s != nil {
		s.role = r
		return
	}
	slots[unit] = &slot{unit: unit, role: r, cell: -1}
}

// cell gives a variable its place in the sheet.
func (j *Judge) cell(v *schema.Variable) int {
	list, slots := &j.houseVars, j.house
	if v.Member {
		list, slots = &j.memberVars, j.person
	}
	for i, had := range *list {
		if had == v {
			return i
		}
	}
	at := len(*list)
	*list = append(*list, v)
	if v.Computed {
		if v.Name == schema.VarAreaType {
			j.areaCell, j.areaVar = at, v
		}
		return at
	}
	s := &slot{unit: v.Unit, cell: at, variable: v}
	if len(v.Domain) > 0 {
		s.codes = make(map[string]uint8, len(v.Domain))
		for i, value := range v.Domain {
			b, _ := json.Marshal(value.Text())
			s.codes[string(b)] = uint8(i)
		}
	}
	if v.Field == "" {
		slots[v.Unit] = s
		return at
	}
	whole := slots[v.Unit]
	if whole == nil {
		whole = &slot{unit: v.Unit, cell: -1}
		slots[v.Unit] = whole
	}
	whole.fields = append(whole.fields, s)
	return at
}

func (j *Judge) setAge(env *schema.Env, months int) {
	env.Set(j.age, schema.IntValue(int64(months/12)))
	env.Set(j.ageMonths, schema.IntValue(int64(months)))
}

func (j *Judge) setRetirement(env *schema.Env, year int) {
	env.Set(j.men, schema.IntValue(int64(j.std.Retirement.Men.Months(year))))
	env.Set(j.women, schema.IntValue(int64(j.std.Retirement.Women.Months(year))))
}

// Judge classifies an interview. While answers are contested, every combination of them is judged when there are at most
// 4,096, and what they do not agree on is open; beyond that, contested answers count as unanswered.
func (j *Judge) Judge(iv *Interview, area AreaType, o Options) *Judgement {
	s := j.sheets.Get().(*sheet)
	defer j.sheets.Put(s)
	j.lay(s, iv, area)
	areas := areasOf(area)
	all := j.outcomes(s, areas)
	first := &all[0]
	merged := *first
	for i := range all[1:] {
		merged.join(&all[i+1], len(j.rules))
	}
	g := &Judgement{std: j.std, Basis: first.basis, Possible: merged.classes, Class: merged.classes.One(), AverageLiving: merged.average.String()}
	g.Low, g.High = merged.classes.Low(), merged.classes.High()
	g.Indicators = append(make([]Verdict, 0, len(j.rules)), merged.verdicts[:len(j.rules)]...)
	for _, v := range g.Indicators {
		switch v {
		case Yes:
			g.B2 += j.std.Points
			g.B2Max += j.std.Points
		case Unknown:
			g.B2Max += j.std.Points
		}
	}
	if o.Reasons {
		j.explain(g, s, iv, o.Lang)
	}
	if !o.ClassOnly {
		j.undecided(g, s, all, &merged)
	}
	for i := range s.problems {
		s.problems[i] = s.problems[i].In(o.Lang)
	}
	g.Problems = s.problems
	return g
}

var bothAreas = []AreaType{AreaRural, AreaUrban}

func areasOf(area AreaType) []AreaType {
	switch area {
	case AreaRural:
		return bothAreas[:1]
	case AreaUrban:
		return bothAreas[1:]
	}
	return bothAreas
}

// outcome is the judgement of one way the contested answers may be.
type outcome struct {
	verdicts [MaxIndicators]Verdict
	classes  Classes
	byArea   [2]Classes
	side     schema.Truth // on the income side; unknown also when the area types differ
	basis    string
	average  Verdict
	straddle bool // the indicators can still move B2 over the line
}

// join keeps what both agree on.
func (o *outcome) join(other *outcome, rules int) {
	for i := range rules {
		o.verdicts[i] = joinVerdicts(o.verdicts[i], other.verdicts[i])
	}
	o.classes |= other.classes
	o.byArea[0] |= other.byArea[0]
	o.byArea[1] |= other.byArea[1]
	if o.side != other.side {
		o.side = schema.Unknown
	}
	o.average = joinVerdicts(o.average, other.average)
	o.straddle = o.straddle || other.straddle
}

func joinVerdicts(a, b Verdict) Verdict {
	switch {
	case a == b:
		return a
	case (a == No && b == NA) || (a == NA && b == No):
		return No
	}
	return Unknown
}

// judge judges the sheet as it stands.
func (j *Judge) judge(s *sheet, areas []AreaType) outcome {
	var out outcome
	members := 0
	for i := range s.people {
		if s.people[i].exists {
			members++
		}
	}
	roster := s.roster(members)
	low, high := 0, 0
	for i, r := range j.rules {
		v := j.verdict(r, s, &roster)
		out.verdicts[i] = v
		if v == Yes {
			low++
			high++
		} else if v == Unknown {
			high++
		}
	}
	poorSure, poorMay := low*j.std.Points >= j.std.B2Poor, high*j.std.Points >= j.std.B2Poor
	out.average = NA
	for i, area := range areas {
		side, basis := j.side(s, area)
		out.basis = basis
		classes := Classes(0)
		if side != schema.No {
			if poorMay {
				classes |= canPoor
			}
			if !poorSure {
				classes |= canNearPoor
			}
		}
		if side != schema.Yes {
			classes |= canNotPoor
		}
		out.classes |= classes
		out.byArea[i] = classes
		out.straddle = out.straddle || (side != schema.No && poorMay && !poorSure)
		if average := j.averageLiving(s, area, classes); i == 0 {
			out.side, out.average = side, average
		} else {
			out.average = joinVerdicts(out.average, average)
			if side != out.side {
				out.side = schema.Unknown
			}
		}
	}
	return out
}

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
		if !contains(rule.Livelihoods, c.value.Text()) {
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

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

package survey

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/rasoat/rasoat/schema"
)

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
	if err := j.computed(); err != nil {
		return nil, fmt.Errorf("make judge of %s: %w", std.Name, err)
	}
	for _, ind := range std.Indicators {
		r, err := newRule(ind, j.cell)
		if err != nil {
			return nil, fmt.Errorf("make judge of %s: %w", std.Name, err)
		}
		j.rules = append(j.rules, r)
	}
	if err := j.lines(); err != nil {
		return nil, fmt.Errorf("make judge of %s: %w", std.Name, err)
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

// computed finds the variables this package works out.
func (j *Judge) computed() error {
	for name, to := range map[string]**schema.Variable{
		schema.VarAge: &j.age, schema.VarAgeMonths: &j.ageMonths, schema.VarMembers: &j.members,
		schema.VarRetirementMen: &j.men, schema.VarRetirementWomen: &j.women,
	} {
		v, ok := j.vars.Lookup(name)
		if !ok {
			return fmt.Errorf("no variable %s", name)
		}
		*to = v
	}
	return nil
}

// lines finds the answers of the income side and of the average living standard.
func (j *Judge) lines() error {
	for _, line := range []struct {
		line *schema.Line
		cell *int
	}{{j.std.Score, &j.score}, {j.std.Income, &j.income}} {
		if line.line == nil {
			continue
		}
		v, ok := j.vars.Of(line.line.Unit, "")
		if !ok || v.Member || v.Kind != schema.KindInt {
			return fmt.Errorf("the unit %s of an income line is not a whole number of the household", line.line.Unit)
		}
		*line.cell = j.cell(v)
	}
	if j.std.AverageLiving != nil {
		v, ok := j.vars.Of("livelihood", "")
		if !ok {
			return errors.New("no unit livelihood")
		}
		j.living = j.cell(v)
	}
	return nil
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
	s.lang = o.Lang
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
	who := s.roster(s.listed())
	if o.Reasons {
		j.explain(g, s, iv, &who, o.Lang)
	}
	if !o.ClassOnly {
		j.undecided(g, s, all, &merged)
	}
	if o.Reasons {
		j.reword(g, s, iv, &who, o.Lang)
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
	roster := s.roster(s.listed())
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

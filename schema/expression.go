package schema

// Variable is a name an expression may use: a unit of the household's interview, a unit of one member, a field of an
// object unit, or a value package survey computes (age, members …).
//
// Unit paths become names by "/" → ".": the unit means/tv is the variable means.tv, the field months of the unit
// residence is residence.months.
type Variable struct {
	Name     string
	Unit     string // "" for a computed variable
	Field    string // of an object unit
	Computed bool
	Member   bool // it stands in Env.Member, else in Env.Household
	Slot     int
	Kind     ValueKind
	Domain   []Value   // every value it can have, when they are few (codes, yes/no); nil: open-ended
	Question *Question // nil for a computed variable
}

// Computed variables, filled in by package survey.
const (
	VarAge             = "age"              // member: completed years on review_date, int
	VarAgeMonths       = "age_months"       // member: completed months on review_date, int
	VarMembers         = "members"          // household: number of active members, int
	VarRetirementMen   = "retirement_men"   // household: retirement age in the year of review_date, months, int
	VarRetirementWomen = "retirement_women" // household: the same for women
	VarAreaType        = "area_type"        // household: "rural" or "urban"
	VarMayBePoor       = "may_be_poor"      // household, bool: the class is not certainly not_poor; unknown while not computed
)

// Vars is the table of variables of a Set: each has a fixed slot, so an Env is filled once and every expression of
// every questionnaire and standard can be evaluated over it.
type Vars struct {
	Household []*Variable
	Member    []*Variable
	byName    map[string]*Variable
}

// Lookup finds a variable by its name in expressions.
func (v *Vars) Lookup(name string) (*Variable, bool) {
	found, ok := v.byName[name]
	return found, ok
}

// Of finds the variable of a unit ("" field for a plain unit; a member's unit without "m/<id>/").
func (v *Vars) Of(unit, field string) (*Variable, bool) {
	return v.Lookup(variableName(unit, field))
}

// NewEnv returns an Env of the right size in which every variable is unknown. Reuse it: clear and fill again.
func (v *Vars) NewEnv() *Env {
	return &Env{Household: make([]Value, len(v.Household)), Member: make([]Value, len(v.Member))}
}

// Env holds one value a variable: Household[v.Slot], or Member[v.Slot] when v.Member. Household expressions do not
// look at Member, so one household's slice can be shared by the Envs of all its members.
type Env struct {
	Household []Value
	Member    []Value
}

// Get returns the value of a variable.
func (e *Env) Get(v *Variable) Value {
	if v.Member {
		return e.Member[v.Slot]
	}
	return e.Household[v.Slot]
}

// Set sets the value of a variable.
func (e *Env) Set(v *Variable, to Value) {
	if v.Member {
		e.Member[v.Slot] = to
		return
	}
	e.Household[v.Slot] = to
}

// Expression is one compiled rule: parsed and type-checked by cel-go when the files are loaded. It is immutable and
// safe for concurrent use.
type Expression struct {
	Source string
	Vars   []*Variable // the variables it refers to, in order of their names
	run    func(*Env) Truth
}

// Condition is an expression that decides whether something is shown or broken.
type Condition = Expression

// Eval evaluates the expression. Unknown values follow Kleene logic: false && unknown is no, true || unknown is yes.
// An arithmetic fault (overflow) is unknown too. A nil expression is yes: what has no condition always applies.
func (e *Expression) Eval(env *Env) Truth {
	if e == nil {
		return Yes
	}
	return e.run(env)
}

// Units are the units the expression refers to, sorted, a member's without "m/<id>/". Computed variables stand for
// the units they are computed from: age for birth and review_date.
func (e *Expression) Units() []string {
	if e == nil {
		return nil
	}
	return unitsOf(e)
}

package schema

import (
	"slices"
	"sort"
	"strings"
)

// computed are the variables package survey fills in, with the units they are computed from.
var computed = []struct {
	name   string
	member bool
	kind   ValueKind
	from   []string
}{
	{VarAge, true, KindInt, []string{"birth", "review_date"}},
	{VarAgeMonths, true, KindInt, []string{"birth", "review_date"}},
	{VarMembers, false, KindInt, []string{"household_size"}},
	{VarRetirementMen, false, KindInt, []string{"review_date"}},
	{VarRetirementWomen, false, KindInt, []string{"review_date"}},
	{VarAreaType, false, KindString, []string{"village"}},
	{VarMayBePoor, false, KindBool, nil},
}

func variableName(unit, field string) string {
	name := strings.ReplaceAll(unit, "/", ".")
	if field != "" {
		name += "." + field
	}
	return name
}

// newVars gives every unit of every questionnaire's interview a slot. Units are never retyped, so that questionnaires of
// several years share one table; codes added later widen the domain.
func newVars(all []*Questionnaire, codes map[string]*CodeList, to *Problems, file func(*Questionnaire) string) *Vars {
	v := &Vars{byName: map[string]*Variable{}}
	for _, c := range computed {
		v.put(&Variable{Name: c.name, Computed: true, Member: c.member, Kind: c.kind, Domain: computedDomain(c.name)})
	}
	for _, q := range all {
		if q.Kinds[KindInterview] == nil {
			continue
		}
		for _, unit := range q.Kinds[KindInterview].Units {
			if strings.ContainsAny(unit.Unit, "*.") {
				continue
			}
			v.unit(unit, "", codes, to, file(q), q.Name)
			for _, f := range unit.Fields {
				v.unit(unit, f.Unit, codes, to, file(q), q.Name)
			}
		}
	}
	return v
}

func computedDomain(name string) []Value {
	switch name {
	case VarAreaType:
		return []Value{StringValue(AreaRural), StringValue(AreaUrban)}
	case VarMayBePoor:
		return []Value{BoolValue(false), BoolValue(true)}
	}
	return nil
}

func (v *Vars) unit(q *Question, name string, codes map[string]*CodeList, to *Problems, file, version string) {
	asked := q
	if name != "" {
		asked, _ = q.Field(name)
	}
	kind, ok := asked.kind()
	if !ok {
		return
	}
	next := &Variable{Name: variableName(q.Unit, name), Unit: q.Unit, Field: name, Member: q.Member, Kind: kind, Question: asked}
	for _, c := range asked.Choices {
		next.Domain = append(next.Domain, asked.choice[c.Value])
	}
	if list := codes[asked.CodeList]; list != nil {
		for _, c := range list.Codes {
			next.Domain = append(next.Domain, StringValue(c.Value))
		}
	}
	had, known := v.byName[next.Name]
	switch {
	case !known:
		v.put(next)
	case had.Computed || had.Member != next.Member:
		to.add(file, q.Line, "unit_twice", q.Unit, 0)
	case had.Kind != kind:
		to.add(file, q.Line, "unit_retyped", q.Unit, version)
	default:
		for _, d := range next.Domain {
			if had.Domain != nil && !slices.Contains(had.Domain, d) {
				had.Domain = append(had.Domain, d)
			}
		}
	}
}

func (v *Vars) put(next *Variable) {
	list := &v.Household
	if next.Member {
		list = &v.Member
	}
	next.Slot = len(*list)
	*list = append(*list, next)
	v.byName[next.Name] = next
}

// kind is the type of the answer in expressions; ok is false for headings, objects and the status.
func (q *Question) kind() (ValueKind, bool) {
	switch q.Type {
	case TypeMulti, TypeObject, TypeStatus:
		return 0, false
	case TypeInteger, TypeMoney:
		return KindInt, true
	case TypeDecimal:
		return KindDecimal, true
	}
	return KindString, true
}

// unitsOf lists the units behind the variables of an expression.
func unitsOf(expressions ...*Expression) []string {
	var units []string
	for _, e := range expressions {
		if e == nil {
			continue
		}
		for _, v := range e.Vars {
			if v.Computed {
				for _, c := range computed {
					if c.name == v.Name {
						units = append(units, c.from...)
					}
				}
				continue
			}
			units = append(units, v.Unit)
		}
	}
	sort.Strings(units)
	return slices.Compact(units)
}

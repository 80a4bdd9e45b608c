package schema

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// member evaluates an expression over one member of the built-in questionnaire; values maps names to values.
func member(t testing.TB, source string, values map[string]Value) Truth {
	t.Helper()
	e := compileBuiltin(t, source)
	env := Builtin().Vars.NewEnv()
	for name, v := range values {
		variable, ok := Builtin().Vars.Lookup(name)
		if !ok {
			t.Fatalf("no variable %q", name)
		}
		env.Set(variable, v)
	}
	return e.Eval(env)
}

func compileBuiltin(t testing.TB, source string) *Expression {
	t.Helper()
	c, err := newCompiler(Builtin().Vars)
	if err != nil {
		t.Fatal(err)
	}
	var problems Problems
	e := c.compile(node{file: "test", to: &problems}, source, true)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", source, problems)
	}
	return e
}

func TestOpenAnswersFollowKleene(t *testing.T) {
	str, num := StringValue, IntValue
	for _, c := range []struct {
		source string
		values map[string]Value
		want   Truth
	}{
		{`work == "unemployed"`, nil, Unknown},
		{`work == "unemployed" && age < 3`, map[string]Value{"age": num(40)}, No},
		{`work == "unemployed" || age >= 3`, map[string]Value{"age": num(40)}, Yes},
		{`work == "unemployed" || age < 3`, map[string]Value{"age": num(40)}, Unknown},
		{`!(work == "unemployed")`, nil, Unknown},
		{`work in ["unemployed", "unable"]`, nil, Unknown},
		{`!(work in ["unemployed", "unable"])`, map[string]Value{"work": str("retired")}, Yes},
		{`sex == "male" ? age > 3 : age > 50`, map[string]Value{"age": num(40)}, Unknown},
		{`sex == "male" ? age > 3 : age > 50`, map[string]Value{"age": num(40), "sex": str("male")}, Yes},
		{`age_months < (sex == "male" ? retirement_men : retirement_women)`, map[string]Value{"age_months": num(700), "sex": str("female"),
			"retirement_men": num(738), "retirement_women": num(684)}, No},
		{`house_area < 8 * members`, map[string]Value{"house_area": DecimalValue(31.9), "members": num(4)}, Yes},
		{`house_area < 8 * members`, map[string]Value{"house_area": DecimalValue(32), "members": num(4)}, No},
		{`house_area < 8 * members`, map[string]Value{"house_area": num(31), "members": num(4)}, Yes},
		{`house_area < 8 * members`, map[string]Value{"house_area": str("31"), "members": num(4)}, Unknown},
		{`income_per_capita * 9223372036854775807 > 0`, map[string]Value{"income_per_capita": num(1_500_000)}, Unknown},
		{`may_be_poor`, map[string]Value{"may_be_poor": BoolValue(true)}, Yes},
		{`may_be_poor == false`, nil, Unknown},
		{`birth > review_date`, map[string]Value{"birth": str("2026-11"), "review_date": str("2026-10-01")}, Yes},
		{`birth > review_date`, map[string]Value{"birth": str("2026"), "review_date": str("2026-10-01")}, No},
		{`id_number.matches("^0[0-9]{11}$")`, map[string]Value{"id_number": str("006185001234")}, Yes},
		{`id_number.matches("^0[0-9]{11}$")`, map[string]Value{"id_number": str("6185001234")}, No},
		{`id_number.matches("^0[0-9]{11}$")`, nil, Unknown},
		{`id_number.size() == 12 || age < 3`, map[string]Value{"age": num(1)}, Yes},
	} {
		if got := member(t, c.source, c.values); got != c.want {
			t.Errorf("%s with %v: got %s, want %s", c.source, c.values, got, c.want)
		}
	}
	var none *Expression
	if none.Eval(Builtin().Vars.NewEnv()) != Yes {
		t.Error("no condition must mean yes")
	}
}

// The closures must say what cel-go says, for every expression of the published files and on odd ones, with open answers,
// with answers of the wrong kind and with numbers at the edges.
func TestClosuresAgreeWithCelOnRandomAnswers(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	s := Builtin()
	var all []*Expression
	for _, std := range s.Standards {
		for _, i := range std.Indicators {
			all = append(all, i.Applies, i.When)
		}
		for _, g := range std.Groups {
			all = append(all, g.Applies, g.When)
		}
	}
	for _, u := range s.Questionnaires["household/2026.1"].Kinds[KindInterview].Units {
		all = append(all, u.ShowIf)
		for _, c := range u.Constraints {
			all = append(all, c.When)
		}
	}
	for _, odd := range []string{
		`(age + 3) * 2 - members > age_months`, `age - 5 == members`, `house_area + 1.5 >= 3.0 - house_area * 2.0`, `true || age > 3`, `false`,
		`work != "retired" && !(may_be_poor == (age > 3))`, `age == 3 || age != members`, `house_area == 8.0`, `"a" < name && name <= "x"`,
		`(sex == "male" ? age : age_months) > 30`, `sex == "male" ? work == "retired" : may_be_poor`, `name + "x" == "ax"`, `age / 2 > 3`,
		`age % members == 0 || sex == "male"`, `name in ["a", sex]`, `age in [1, 2, 3]`, `income_per_capita * income_per_capita > 0`,
	} {
		all = append(all, compileBuiltin(t, odd))
	}
	compared := 0
	for _, e := range all {
		if e == nil {
			continue
		}
		oracle := celOracle(t, e.Source)
		for range 300 {
			env := s.Vars.NewEnv()
			for _, v := range e.Vars {
				env.Set(v, randomValue(random, v))
			}
			got, want := e.Eval(env), oracle(env)
			if got != want {
				t.Fatalf("seed %d: %s\nwith %s\ngot %s, cel-go says %s", seed, e.Source, describe(env, e), got, want)
			}
			compared++
		}
	}
	if compared < 20_000 {
		t.Errorf("only %d comparisons", compared)
	}
}

func celOracle(t *testing.T, source string) func(*Env) Truth {
	t.Helper()
	vars := Builtin().Vars
	env, err := celEnv(vars.Household, vars.Member)
	if err != nil {
		t.Fatal(err)
	}
	checked, issues := env.Compile(source)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	run, err := interpreted(env, checked, vars)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func randomValue(r *rand.Rand, v *Variable) Value {
	if r.IntN(4) == 0 {
		return Value{}
	}
	if r.IntN(20) == 0 {
		return StringValue("wrong kind or code")
	}
	if len(v.Domain) > 0 {
		return v.Domain[r.IntN(len(v.Domain))]
	}
	switch v.Kind {
	case KindInt:
		return IntValue([]int64{0, 1, 3, 15, 16, 31, 186, 738, 1_500_000, -1, 1<<63 - 1, -1 << 63, r.Int64N(200)}[r.IntN(13)])
	case KindDecimal:
		return DecimalValue(float64(r.IntN(400)) / 10)
	case KindBool:
		return BoolValue(r.IntN(2) == 0)
	}
	return StringValue([]string{"", "a", "x", "2026-10-01", "1990", "006185001234"}[r.IntN(6)])
}

func describe(env *Env, e *Expression) (out string) {
	for _, v := range e.Vars {
		out += fmt.Sprintf(" %s=%d:%q", v.Name, env.Get(v).Kind(), env.Get(v).Text())
	}
	return out
}

// Boundaries of the law (rules.md sections 10 and 10.1), over one member or the household.
func TestIndicatorsAtTheirBoundaries(t *testing.T) {
	std := Builtin().Standards["vn-2021"]
	with := func(age int64, rest map[string]string) map[string]Value {
		values := map[string]Value{"age": IntValue(age), "age_months": IntValue(age * 12), "retirement_men": IntValue(738), "retirement_women": IntValue(684)}
		for name, code := range rest {
			values[name] = StringValue(code)
		}
		return values
	}
	m := func(pairs ...string) map[string]string {
		out := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for _, c := range []struct {
		code          string
		values        map[string]Value
		applies, when Truth
	}{
		{"health_insurance", with(5, m("health_insurance", "no")), No, Yes},
		{"health_insurance", with(6, m("health_insurance", "no")), Yes, Yes},
		{"health_insurance", with(6, m("health_insurance", "yes")), Yes, No},
		{"child_schooling", with(2, m("attending", "none")), No, Yes},
		{"child_schooling", with(3, m("attending", "none")), Yes, Yes},
		{"child_schooling", with(5, m("attending", "preschool")), Yes, No},
		{"child_schooling", with(6, m("attending", "preschool")), Yes, Yes},
		{"child_schooling", with(12, m("attending", "primary")), Yes, Yes},
		{"child_schooling", with(11, m("attending", "primary")), Yes, No},
		{"child_schooling", with(15, m("attending", "none")), Yes, Yes},
		{"child_schooling", with(16, m("attending", "none")), No, Yes},
		{"adult_education", with(15, m("attending", "none", "degree", "none", "job_certified", "no")), No, Yes},
		{"adult_education", with(16, m("attending", "none", "degree", "lower_secondary")), Yes, No},
		{"adult_education", with(17, m("attending", "none", "degree", "primary")), Yes, Yes},
		{"adult_education", with(18, m("attending", "none", "degree", "lower_secondary", "job_certified", "no")), Yes, Yes},
		{"adult_education", with(18, m("attending", "none", "degree", "lower_secondary", "job_certified", "yes")), Yes, No},
		{"adult_education", with(18, m("attending", "none", "degree", "vocational_elementary", "job_certified", "no")), Yes, No},
		{"adult_education", with(30, m("attending", "none", "degree", "none", "job_certified", "no")), Yes, Yes},
		{"adult_education", with(31, m("attending", "none", "degree", "none", "job_certified", "no")), No, Yes},
		{"nutrition", with(15, m("stunted", "no", "underweight", "yes")), Yes, Yes},
		{"nutrition", with(16, m("stunted", "yes", "underweight", "yes")), No, Yes},
		{"dependents", with(15, nil), Yes, Yes},
		{"dependents", with(16, m("social_assistance", "no")), Yes, No},
		{"dependents", with(60, m("social_assistance", "yes")), Yes, Yes},
		{"dependents", with(59, m("social_assistance", "yes", "disabled", "no")), Yes, No},
		{"dependents", with(59, m("social_assistance", "yes", "disabled", "yes")), Yes, Yes},
		{"dependents", with(90, m("social_assistance", "no")), Yes, No},
		{"employment", with(14, m("work", "unemployed", "sex", "male")), No, Yes},
		{"employment", with(15, m("work", "unemployed", "sex", "male")), Yes, Yes},
		{"employment", with(57, m("work", "wage_no_contract", "sex", "female")), No, Yes},
		{"employment", with(57, m("work", "wage_no_contract", "sex", "male")), Yes, Yes},
		{"employment", with(40, m("work", "self_employed", "sex", "male")), Yes, No},
		{"housing_quality", with(0, m("house_wall", "non_durable", "house_roof", "non_durable")), Yes, Yes},
		{"housing_quality", with(0, m("house_wall", "non_durable", "house_roof", "durable")), Yes, Unknown},
		{"housing_quality", with(0, m("house_wall", "durable", "house_roof", "durable")), Yes, No},
		{"water", with(0, m("water", "other")), Yes, Yes},
		{"water", with(0, m("water", "rain")), Yes, No},
		{"toilet", with(0, m("toilet", "none")), Yes, Yes},
		{"toilet", with(0, m("toilet", "two_compartment")), Yes, No},
		{"info_means", with(0, m("means.tv", "yes")), Yes, No},
		{"info_means", with(0, m("means.tv", "no")), Yes, Unknown},
	} {
		i, _ := std.Indicator(c.code)
		env := Builtin().Vars.NewEnv()
		for name, v := range c.values {
			variable, _ := Builtin().Vars.Lookup(name)
			env.Set(variable, v)
		}
		if applies, when := i.Applies.Eval(env), i.When.Eval(env); applies != c.applies || when != c.when {
			t.Errorf("%s with %v: applies %s when %s, want %s %s", c.code, c.values, applies, when, c.applies, c.when)
		}
	}
}

func TestFiniteAnswersHaveADomainToTry(t *testing.T) {
	for name, size := range map[string]int{"work": 9, "health_insurance": 2, "water": 10, "means.tv": 2, "ethnicity": 56, "area_type": 2,
		"residence.v": 2, "age": 0, "house_area": 0, "name": 0} {
		v, ok := Builtin().Vars.Lookup(name)
		if !ok || len(v.Domain) != size {
			t.Errorf("%s: domain of %d values, want %d", name, len(v.Domain), size)
		}
	}
	i, _ := Builtin().Standards["vn-2021"].Indicator("employment")
	if got := fmt.Sprint(i.Units); got != "[birth review_date sex work]" {
		t.Errorf("units of employment: %s", got)
	}
}

// The heaviest member rule, as the judgement runs it. Must not allocate.
func BenchmarkExpressionEval(b *testing.B) {
	i, _ := Builtin().Standards["vn-2021"].Indicator("adult_education")
	env := Builtin().Vars.NewEnv()
	for name, v := range map[string]Value{"age": IntValue(24), "attending": StringValue("none"), "degree": StringValue("primary"), "job_certified": StringValue("no")} {
		variable, _ := Builtin().Vars.Lookup(name)
		env.Set(variable, v)
	}
	b.ReportAllocs()
	for b.Loop() {
		if i.Applies.Eval(env) != Yes || i.When.Eval(env) != Yes {
			b.Fatal("wrong verdict")
		}
	}
}

// The same rule in cel-go, to see what the closures save.
func BenchmarkExpressionEvalByCel(b *testing.B) {
	vars := Builtin().Vars
	i, _ := Builtin().Standards["vn-2021"].Indicator("adult_education")
	celenv, err := celEnv(vars.Household, vars.Member)
	if err != nil {
		b.Fatal(err)
	}
	var run [2]func(*Env) Truth
	for n, e := range []*Expression{i.Applies, i.When} {
		checked, _ := celenv.Compile(e.Source)
		if run[n], err = interpreted(celenv, checked, vars); err != nil {
			b.Fatal(err)
		}
	}
	env := vars.NewEnv()
	for name, v := range map[string]Value{"age": IntValue(24), "attending": StringValue("none"), "degree": StringValue("primary"), "job_certified": StringValue("no")} {
		variable, _ := vars.Lookup(name)
		env.Set(variable, v)
	}
	b.ReportAllocs()
	for b.Loop() {
		if run[0](env) != Yes || run[1](env) != Yes {
			b.Fatal("wrong verdict")
		}
	}
}

// All twelve indicators of a household of four: what a judgement costs before anything is remembered.
func BenchmarkTwelveIndicatorsOfFour(b *testing.B) {
	std := Builtin().Standards["vn-2021"]
	env := Builtin().Vars.NewEnv()
	for _, v := range append(Builtin().Vars.Household, Builtin().Vars.Member...) {
		if len(v.Domain) > 0 {
			env.Set(v, v.Domain[0])
		} else if v.Kind == KindInt {
			env.Set(v, IntValue(20))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, i := range std.Indicators {
			times := 1
			if i.OverMember() {
				times = 4
			}
			for range times {
				if i.Applies.Eval(env) == Yes {
					i.When.Eval(env)
				}
			}
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	files := os.DirFS(".")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(files); err != nil {
			b.Fatal(err)
		}
	}
}

package schema

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// Limits of one expression. There are no comprehensions (macros are off), so the cost is known when it is loaded.
const (
	maxExpression     = 2000 // characters
	maxExpressionCost = 2000 // cel-go cost units: about one an operation
	maxAnswerLength   = 500  // characters a text answer is taken to have in the estimate
)

// compiler turns CEL sources into Expressions over the variables of a Set.
//
// cel-go parses, checks types, folds constants and estimates the cost. Evaluation is done by closures over the slots
// of an Env (evaluate.go) because a judgement evaluates some fifty expressions: they take a thirtieth of cel-go's time and
// allocate nothing. What the closures do not know (text functions such as matches) runs in cel-go itself; a test
// holds both against each other on random answers.
type compiler struct {
	vars      *Vars
	household *cel.Env
	member    *cel.Env
}

func newCompiler(vars *Vars) (*compiler, error) {
	household, err := celEnv(vars.Household)
	if err != nil {
		return nil, err
	}
	member, err := celEnv(vars.Household, vars.Member)
	if err != nil {
		return nil, err
	}
	return &compiler{vars: vars, household: household, member: member}, nil
}

func celEnv(lists ...[]*Variable) (*cel.Env, error) {
	opts := []cel.EnvOption{cel.ClearMacros(), cel.CrossTypeNumericComparisons(true)}
	for _, list := range lists {
		for _, v := range list {
			opts = append(opts, cel.Variable(v.Name, celType(v.Kind)))
		}
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("make expression environment: %w", err)
	}
	return env, nil
}

func celType(k ValueKind) *cel.Type {
	switch k {
	case KindBool:
		return cel.BoolType
	case KindInt:
		return cel.IntType
	case KindDecimal:
		return cel.DoubleType
	}
	return cel.StringType
}

// compile compiles the text of n, over a member or over the household, and reports every fault at n's line.
func (c *compiler) compile(n node, source string, member bool) *Expression {
	env := c.household
	if member {
		env = c.member
	}
	if len(source) > maxExpression {
		n.problem("expression_cost", len(source), maxExpression)
		return nil
	}
	checked, issues := env.Compile(source)
	if issues != nil && issues.Err() != nil {
		for _, e := range issues.Errors() {
			if name, ok := undeclared(e.Message); ok {
				n.problem("expression_unit", name)
				continue
			}
			n.problem("expression", e.Message)
		}
		return nil
	}
	if checked.OutputType() != cel.BoolType {
		n.problem("expression_type", checked.OutputType())
		return nil
	}
	cost, err := env.EstimateCost(checked, sizes{})
	if err != nil || cost.Max > maxExpressionCost {
		n.problem("expression_cost", cost.Max, maxExpressionCost)
		return nil
	}
	e := &Expression{Source: source}
	tree := &tree{ast: checked.NativeRep(), vars: c.vars}
	tree.collect(tree.ast.Expr(), n)
	e.Vars = tree.used
	sort.Slice(e.Vars, func(i, j int) bool { return e.Vars[i].Name < e.Vars[j].Name })
	if run, ok := tree.bool(tree.ast.Expr()); ok {
		e.run = run
		return e
	}
	run, err := interpreted(env, checked, c.vars)
	if err != nil {
		n.problem("expression", err.Error())
		return nil
	}
	e.run = run
	return e
}

// undeclared picks the name out of cel-go's message about an unknown reference.
func undeclared(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, "undeclared reference to '")
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, "'")
	return name, ok
}

// sizes bounds text answers for the cost estimate.
type sizes struct{}

func (sizes) EstimateSize(checker.AstNode) *checker.SizeEstimate {
	return &checker.SizeEstimate{Max: maxAnswerLength}
}
func (sizes) EstimateCallCost(_, _ string, _ *checker.AstNode, _ []checker.AstNode) *checker.CallEstimate {
	return nil
}

// tree is one checked expression while it is compiled.
type tree struct {
	ast  *ast.AST
	vars *Vars
	used []*Variable
}

// variable resolves an identifier or a dotted name.
func (t *tree) variable(e ast.Expr) (*Variable, bool) {
	r, ok := t.ast.ReferenceMap()[e.ID()]
	if !ok || r.Name == "" {
		return nil, false
	}
	return t.vars.Lookup(r.Name)
}

// collect notes the variables of e and refuses codes that no question has ("unemployd").
func (t *tree) collect(e ast.Expr, n node) {
	if v, ok := t.variable(e); ok {
		if !slices.Contains(t.used, v) {
			t.used = append(t.used, v)
		}
		return
	}
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			t.collect(call.Target(), n)
		}
		for _, a := range call.Args() {
			t.collect(a, n)
		}
		switch call.FunctionName() {
		case operators.Equals, operators.NotEquals:
			t.checkCode(call.Args()[0], call.Args()[1], n)
			t.checkCode(call.Args()[1], call.Args()[0], n)
		case operators.In:
			if list := call.Args()[1]; list.Kind() == ast.ListKind {
				for _, item := range list.AsList().Elements() {
					t.checkCode(call.Args()[0], item, n)
				}
			}
		}
	case ast.SelectKind:
		t.collect(e.AsSelect().Operand(), n)
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			t.collect(item, n)
		}
	}
}

func (t *tree) checkCode(variable, literal ast.Expr, n node) {
	v, ok := t.variable(variable)
	if !ok || v.Domain == nil || v.Kind != KindString || literal.Kind() != ast.LiteralKind {
		return
	}
	code, ok := literal.AsLiteral().(types.String)
	if ok && !slices.Contains(v.Domain, StringValue(string(code))) {
		n.problem("expression_code", string(code), v.Name)
	}
}

// interpreted evaluates by cel-go: for the few expressions with text functions.
func interpreted(env *cel.Env, checked *cel.Ast, vars *Vars) (func(*Env) Truth, error) {
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxExpressionCost))
	if err != nil {
		return nil, fmt.Errorf("plan expression: %w", err)
	}
	pool := sync.Pool{New: func() any { return &activation{vars: vars} }}
	return func(in *Env) Truth {
		a := pool.Get().(*activation)
		defer pool.Put(a)
		a.env = in
		out, _, err := program.Eval(a)
		a.env = nil
		if b, ok := out.(types.Bool); ok && err == nil {
			return TruthOf(bool(b))
		}
		return Unknown
	}, nil
}

// activation gives cel-go the values of an Env.
type activation struct {
	vars *Vars
	env  *Env
}

func (a *activation) Parent() cel.Activation { return nil }

func (a *activation) ResolveName(name string) (any, bool) {
	v, ok := a.vars.Lookup(name)
	if !ok {
		return nil, false
	}
	return celValue(a.env.Get(v), v), true
}

func celValue(v Value, of *Variable) ref.Val {
	if v.kind != of.Kind && !(v.kind == KindInt && of.Kind == KindDecimal) {
		return types.NewUnknown(int64(of.Slot)+1, nil)
	}
	switch of.Kind {
	case KindBool:
		return types.Bool(v.Bool())
	case KindInt:
		return types.Int(v.num)
	case KindDecimal:
		return types.Double(v.float())
	}
	return types.String(v.str)
}

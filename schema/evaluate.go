package schema

import (
	"math"
	"math/bits"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// bool compiles an expression of type bool into a closure; ok is false when it holds something only cel-go knows.
func (t *tree) bool(e ast.Expr) (func(*Env) Truth, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			truth := TruthOf(bool(b))
			return func(*Env) Truth { return truth }, true
		}
	case ast.IdentKind, ast.SelectKind:
		if value, ok := t.value(e); ok {
			return func(env *Env) Truth {
				if v := value(env); v.kind == KindBool {
					return TruthOf(v.num == 1)
				}
				return Unknown
			}, true
		}
	case ast.CallKind:
		return t.call(e.AsCall())
	}
	return nil, false
}

func (t *tree) call(call ast.CallExpr) (func(*Env) Truth, bool) {
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return t.junction(args, No)
	case operators.LogicalOr:
		return t.junction(args, Yes)
	case operators.LogicalNot:
		inner, ok := t.bool(args[0])
		return func(env *Env) Truth { return inner(env).not() }, ok
	case operators.Conditional:
		return t.choose(args)
	case operators.In:
		return t.in(args)
	case operators.Equals:
		return t.equal(args)
	case operators.NotEquals:
		equal, ok := t.equal(args)
		return func(env *Env) Truth { return equal(env).not() }, ok
	case operators.Less:
		return t.compare(args, func(c int) bool { return c < 0 })
	case operators.LessEquals:
		return t.compare(args, func(c int) bool { return c <= 0 })
	case operators.Greater:
		return t.compare(args, func(c int) bool { return c > 0 })
	case operators.GreaterEquals:
		return t.compare(args, func(c int) bool { return c >= 0 })
	}
	return nil, false
}

func (t Truth) not() Truth {
	switch t {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Unknown
}

// junction is && (decided by No) and || (decided by Yes): one deciding part decides, else one unknown makes unknown.
func (t *tree) junction(args []ast.Expr, decides Truth) (func(*Env) Truth, bool) {
	parts := make([]func(*Env) Truth, len(args))
	for i, a := range args {
		part, ok := t.bool(a)
		if !ok {
			return nil, false
		}
		parts[i] = part
	}
	if len(parts) == 2 {
		left, right := parts[0], parts[1]
		return func(env *Env) Truth {
			l := left(env)
			if l == decides {
				return l
			}
			r := right(env)
			if r == decides || l != Unknown {
				return r
			}
			return Unknown
		}, true
	}
	return func(env *Env) Truth {
		all := decides.not()
		for _, part := range parts {
			switch part(env) {
			case decides:
				return decides
			case Unknown:
				all = Unknown
			}
		}
		return all
	}, true
}

func (t *tree) choose(args []ast.Expr) (func(*Env) Truth, bool) {
	cond, ok1 := t.bool(args[0])
	then, ok2 := t.bool(args[1])
	other, ok3 := t.bool(args[2])
	return func(env *Env) Truth {
		switch cond(env) {
		case Yes:
			return then(env)
		case No:
			return other(env)
		}
		return Unknown
	}, ok1 && ok2 && ok3
}

// in is `variable in ["a", "b"]` with constants.
func (t *tree) in(args []ast.Expr) (func(*Env) Truth, bool) {
	left, ok := t.value(args[0])
	if !ok || args[1].Kind() != ast.ListKind {
		return nil, false
	}
	var codes []string
	for _, item := range args[1].AsList().Elements() {
		if item.Kind() != ast.LiteralKind {
			return nil, false
		}
		s, ok := item.AsLiteral().(types.String)
		if !ok {
			return nil, false
		}
		codes = append(codes, string(s))
	}
	return func(env *Env) Truth {
		v := left(env)
		if v.kind != KindString {
			return Unknown
		}
		return TruthOf(slices.Contains(codes, v.str))
	}, true
}

func (t *tree) equal(args []ast.Expr) (func(*Env) Truth, bool) {
	if v, ok := t.variable(args[0]); ok && args[1].Kind() == ast.LiteralKind && v.Kind == KindString {
		code, isText := args[1].AsLiteral().(types.String)
		if isText {
			return equalCode(v, string(code)), true
		}
	}
	if t.isBool(args[0]) || t.isBool(args[1]) {
		left, ok1 := t.bool(args[0])
		right, ok2 := t.bool(args[1])
		return func(env *Env) Truth {
			l, r := left(env), right(env)
			if l == Unknown || r == Unknown {
				return Unknown
			}
			return TruthOf(l == r)
		}, ok1 && ok2
	}
	return t.compare(args, func(c int) bool { return c == 0 })
}

// equalCode is the commonest comparison of all.
func equalCode(v *Variable, code string) func(*Env) Truth {
	slot := v.Slot
	if v.Member {
		return func(env *Env) Truth {
			if at := &env.Member[slot]; at.kind == KindString {
				return TruthOf(at.str == code)
			}
			return Unknown
		}
	}
	return func(env *Env) Truth {
		if at := &env.Household[slot]; at.kind == KindString {
			return TruthOf(at.str == code)
		}
		return Unknown
	}
}

func (t *tree) isBool(e ast.Expr) bool {
	return t.ast.GetType(e.ID()).Kind() == types.BoolKind
}

// compare orders two values of one kind (numbers of either kind together).
func (t *tree) compare(args []ast.Expr, holds func(int) bool) (func(*Env) Truth, bool) {
	left, ok1 := t.value(args[0])
	right, ok2 := t.value(args[1])
	if !ok1 || !ok2 || t.isBool(args[0]) || t.isBool(args[1]) {
		return nil, false
	}
	return func(env *Env) Truth {
		l, r := left(env), right(env)
		c, ok := order(l, r)
		if !ok {
			return Unknown
		}
		return TruthOf(holds(c))
	}, true
}

func order(l, r Value) (int, bool) {
	switch {
	case l.kind == KindInt && r.kind == KindInt:
		return compareOrdered(l.num, r.num), true
	case l.kind == KindString && r.kind == KindString:
		return compareOrdered(l.str, r.str), true
	case l.number() && r.number():
		lf, rf := l.float(), r.float()
		return compareOrdered(lf, rf), lf == lf && rf == rf
	}
	return 0, false
}

func compareOrdered[T int64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (v Value) number() bool { return v.kind == KindInt || v.kind == KindDecimal }

func (v Value) float() float64 {
	if v.kind == KindInt {
		return float64(v.num)
	}
	return math.Float64frombits(uint64(v.num))
}

// value compiles an expression that is not a bool.
func (t *tree) value(e ast.Expr) (func(*Env) Value, bool) {
	if v, ok := t.variable(e); ok {
		return load(v), true
	}
	switch e.Kind() {
	case ast.LiteralKind:
		v, ok := literal(e)
		return func(*Env) Value { return v }, ok
	case ast.CallKind:
		return t.arithmetic(e.AsCall())
	}
	return nil, false
}

// load reads a slot. A value of another kind than the question's is unknown (a number sent as a text).
func load(v *Variable) func(*Env) Value {
	slot, kind, member := v.Slot, v.Kind, v.Member
	return func(env *Env) Value {
		from := env.Household
		if member {
			from = env.Member
		}
		if at := &from[slot]; at.kind == kind || (at.kind == KindInt && kind == KindDecimal) {
			return *at
		}
		return Value{}
	}
}

func literal(e ast.Expr) (Value, bool) {
	switch l := e.AsLiteral().(type) {
	case types.String:
		return StringValue(string(l)), true
	case types.Int:
		return IntValue(int64(l)), true
	case types.Double:
		return DecimalValue(float64(l)), true
	}
	return Value{}, false
}

func (t *tree) arithmetic(call ast.CallExpr) (func(*Env) Value, bool) {
	args := call.Args()
	switch call.FunctionName() {
	case operators.Conditional:
		cond, ok1 := t.bool(args[0])
		then, ok2 := t.value(args[1])
		other, ok3 := t.value(args[2])
		return func(env *Env) Value {
			switch cond(env) {
			case Yes:
				return then(env)
			case No:
				return other(env)
			}
			return Value{}
		}, ok1 && ok2 && ok3
	case operators.Add, operators.Subtract, operators.Multiply:
		if t.ast.GetType(args[0].ID()).Kind() == types.StringKind { // joining texts is left to cel-go
			return nil, false
		}
		left, ok1 := t.value(args[0])
		right, ok2 := t.value(args[1])
		name := call.FunctionName()
		return func(env *Env) Value { return reckon(name, left(env), right(env)) }, ok1 && ok2
	}
	return nil, false
}

// reckon adds, subtracts or multiplies two numbers of one kind; overflow is unknown, as an error of cel-go is.
func reckon(name string, l, r Value) Value {
	switch {
	case l.kind == KindInt && r.kind == KindInt:
		return reckonInt(name, l.num, r.num)
	case l.number() && r.number():
		switch name {
		case operators.Add:
			return DecimalValue(l.float() + r.float())
		case operators.Subtract:
			return DecimalValue(l.float() - r.float())
		}
		return DecimalValue(l.float() * r.float())
	}
	return Value{}
}

func reckonInt(name string, a, b int64) Value {
	switch name {
	case operators.Add:
		if s := a + b; (s > a) == (b > 0) {
			return IntValue(s)
		}
	case operators.Subtract:
		if s := a - b; (s < a) == (b > 0) {
			return IntValue(s)
		}
	case operators.Multiply:
		hi, lo := bits.Mul64(magnitude(a), magnitude(b))
		if hi == 0 && lo <= math.MaxInt64 {
			return IntValue(a * b)
		}
	}
	return Value{}
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-(a + 1)) + 1
	}
	return uint64(a)
}

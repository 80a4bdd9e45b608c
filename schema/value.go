package schema

import (
	"math"
	"strconv"
)

// Truth is a Kleene truth value: an expression over open answers may be neither yes nor no.
type Truth int8

const (
	Unknown Truth = iota
	No
	Yes
)

func (t Truth) String() string {
	return [...]string{"unknown", "no", "yes"}[t]
}

// TruthOf makes a Truth of a bool.
func TruthOf(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// ValueKind is the type of a value inside an expression.
type ValueKind uint8

const (
	KindUnknown ValueKind = iota // unanswered, or in conflict
	KindBool
	KindInt
	KindDecimal
	KindString
)

// Value is one answer as expressions see it. The zero Value is unknown. It is passed by value and never allocates.
type Value struct {
	kind ValueKind
	num  int64 // the integer, the bool as 0 and 1, or the bits of the decimal
	str  string
}

func StringValue(s string) Value   { return Value{kind: KindString, str: s} }
func IntValue(n int64) Value       { return Value{kind: KindInt, num: n} }
func DecimalValue(f float64) Value { return Value{kind: KindDecimal, num: int64(math.Float64bits(f))} }
func BoolValue(b bool) Value       { return Value{kind: KindBool, num: int64(TruthOf(b) - No)} }
func (v Value) Kind() ValueKind    { return v.kind }
func (v Value) Known() bool        { return v.kind != KindUnknown }
func (v Value) Int() int64         { return v.num }
func (v Value) Bool() bool         { return v.num == 1 }
func (v Value) Decimal() float64   { return math.Float64frombits(uint64(v.num)) }

// Text is the value as a string: the code, the text, or the number in plain digits.
func (v Value) Text() string {
	switch v.kind {
	case KindString:
		return v.str
	case KindInt:
		return strconv.FormatInt(v.num, 10)
	case KindDecimal:
		return strconv.FormatFloat(v.Decimal(), 'f', -1, 64)
	case KindBool:
		return strconv.FormatBool(v.Bool())
	}
	return ""
}

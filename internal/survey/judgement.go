package survey

import "github.com/rasoat/rasoat/schema"

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

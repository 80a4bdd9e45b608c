package survey

// Movement is what changes for a household between two judgements: two standards side by side, or two years.
type Movement string

const (
	Stays   Movement = "stays"   // the same class
	Enters  Movement = "enters"  // was not poor, is poor or near-poor
	Leaves  Movement = "leaves"  // was poor or near-poor, is not
	Worsens Movement = "worsens" // from near-poor to poor
	Betters Movement = "betters" // from poor to near-poor
	Open    Movement = "open"    // one of the two is not determined: never left out of a comparison
)

// Comparison is one household under two standards.
type Comparison struct {
	From, To Class
	Movement Movement
	// What the classes rest on. A household that cannot be judged because there is neither score nor income is counted apart.
	FromBasis, ToBasis string
	Gained, Lost       []string // indicators that are yes under the second alone, and under the first alone
}

// Compare puts two judgements of one interview side by side.
func Compare(a, b *Judgement) Comparison {
	c := Comparison{From: a.Class, To: b.Class, Movement: Moved(a.Class, b.Class), FromBasis: a.Basis, ToBasis: b.Basis}
	for i, ind := range b.std.Indicators {
		if b.Indicators[i] == Yes && a.Verdict(ind.Code) != Yes {
			c.Gained = append(c.Gained, ind.Code)
		}
	}
	for i, ind := range a.std.Indicators {
		if a.Indicators[i] == Yes && b.Verdict(ind.Code) != Yes {
			c.Lost = append(c.Lost, ind.Code)
		}
	}
	return c
}

// Moved names the way from one class to another.
func Moved(from, to Class) Movement {
	a, b := height(from), height(to)
	switch {
	case a < 0 || b < 0:
		return Open
	case a == b:
		return Stays
	case a == 0:
		return Enters
	case b == 0:
		return Leaves
	case b > a:
		return Worsens
	}
	return Betters
}

func height(c Class) int {
	switch c {
	case NotPoor:
		return 0
	case NearPoor:
		return 1
	case Poor:
		return 2
	}
	return -1
}

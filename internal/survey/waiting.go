package survey

import (
	"slices"
	"strings"
)

// HangsOnEstimate are the members whose birth is only estimated (animal year, decade) and without whose birth the class
// would not be what it is, by id. Wherever such a class is shown it says so.
func (j *Judge) HangsOnEstimate(iv *Interview, area AreaType) []string {
	class := Class("")
	var members []string
	for i := range iv.members {
		m := &iv.members[i]
		source := findAnswer(m.answers, "birth_source")
		if source == nil || plainText(source.value) != "estimated" {
			continue
		}
		if class == "" {
			class = j.Judge(iv, area, Options{ClassOnly: true}).Class
		}
		if j.Judge(iv.without(i, "birth"), area, Options{ClassOnly: true}).Class != class {
			members = append(members, m.id)
		}
	}
	return members
}

// without is the interview with one answer of one member left out.
func (iv *Interview) without(member int, unit string) *Interview {
	out := &Interview{house: iv.house, members: slices.Clone(iv.members)}
	m := &out.members[member]
	m.answers = slices.DeleteFunc(slices.Clone(m.answers), func(a answer) bool { return a.unit == unit })
	return out
}

// WaitsForMeasuring tells whether the class waits for nothing but the height and weight of children, which a health station
// has to take: such households make a list of their own.
func (g *Judgement) WaitsForMeasuring() bool {
	for _, unit := range g.Deciding {
		if !strings.HasSuffix(unit, "/stunted") && !strings.HasSuffix(unit, "/underweight") {
			return false
		}
	}
	return len(g.Deciding) > 0
}

package survey

import (
	"slices"

	"github.com/rasoat/rasoat/schema"
)

// MaxCombinations is how many combinations of contested values are judged one by one.
const MaxCombinations = 4096

// outcomes judges every way the contested answers may be; the first is the provisional one. The sheet is left as it was laid.
// The combinations are in the order of an odometer whose last open unit turns fastest.
func (j *Judge) outcomes(s *sheet, areas []AreaType) []outcome {
	if len(s.opens) == 0 {
		return []outcome{j.judge(s, areas)}
	}
	if combinations(s.opens) > MaxCombinations {
		j.withdraw(s)
	}
	turns := make([]int, len(s.opens))
	all := make([]outcome, 0, combinations(s.opens))
	for {
		all = append(all, j.judge(s, areas))
		i := len(turns) - 1
		for ; i >= 0; i-- {
			turns[i]++
			if turns[i] < len(s.opens[i].values) {
				j.turn(s, i, turns[i])
				break
			}
			turns[i] = 0
			j.turn(s, i, 0)
		}
		if i < 0 {
			return all
		}
	}
}

func combinations(opens []openUnit) int {
	n := 1
	for i := range opens {
		n *= len(opens[i].values)
		if n > MaxCombinations {
			return MaxCombinations + 1
		}
	}
	return n
}

// turn puts the k-th value of the i-th open unit in its place.
func (j *Judge) turn(s *sheet, i, k int) {
	o := &s.opens[i]
	j.put(s, o.member, o.slot, o.values[k])
	if o.slot.role == birthUnit || o.slot.role == reviewUnit {
		s.ages()
	}
}

// withdraw makes contested answers unanswered, because there are too many to try out. Who is a member is still tried out
// when that alone is feasible; otherwise nothing about members is sure.
func (j *Judge) withdraw(s *sheet) {
	s.opens = slices.DeleteFunc(s.opens, func(o openUnit) bool {
		if o.slot.role == statusUnit {
			return false
		}
		j.put(s, o.member, o.slot, "")
		return true
	})
	if combinations(s.opens) > MaxCombinations {
		s.opens = s.opens[:0]
		s.vague = true
	}
	s.ages()
}

// Flips tells whether the class differs between the contested values: such a conflict comes first on the board's desk.
func (j *Judge) Flips(iv *Interview, area AreaType) bool {
	s := j.sheets.Get().(*sheet)
	defer j.sheets.Put(s)
	j.lay(s, iv, area)
	if len(s.opens) == 0 && !s.contested {
		return false
	}
	areas := areasOf(area)
	if !s.contested {
		return differentClasses(j.outcomes(s, areas))
	}
	var all []outcome
	a := iv.find("household_size")
	s.contested = false
	for _, v := range a.values() {
		s.size = j.house["household_size"].read(v)
		all = append(all, j.outcomes(s, areas)...)
	}
	return differentClasses(all)
}

func differentClasses(all []outcome) bool {
	return slices.ContainsFunc(all, func(o outcome) bool { return o.classes != all[0].classes })
}

// Rank orders open conflicts for the board: those that change the class, then those a rule looks at, then the rest.
type Rank uint8

const (
	RankFlips    Rank = iota // the class depends on which value is right
	RankJudged               // a rule looks at it
	RankOther                // kept and shown, decides nothing
	RankHarmless             // never blocks: settled in bulk
)

// RankConflict is the rank of one open unit of an interview.
func (j *Judge) RankConflict(iv *Interview, area AreaType, unit string) Rank {
	if question, ok := j.q.Question(schema.KindInterview, unit); ok && !question.Policy.Blocking {
		return RankHarmless
	}
	slots, name := j.house, unit
	if _, rest, ok := schema.MemberUnit(unit); ok {
		slots, name = j.person, rest
	}
	if slots[name] == nil {
		return RankOther
	}
	if j.Flips(iv.only(unit), area) {
		return RankFlips
	}
	return RankJudged
}

// only is the interview with every conflict settled on its provisional value except that of one unit.
func (iv *Interview) only(unit string) *Interview {
	keep := func(list []answer, prefix string) []answer {
		list = slices.Clone(list)
		for i := range list {
			if prefix+list[i].unit != unit {
				list[i].more = nil
			}
		}
		return list
	}
	out := &Interview{house: keep(iv.house, "")}
	for _, m := range iv.members {
		out.members = append(out.members, memberAnswers{m.id, keep(m.answers, "m/"+m.id+"/")})
	}
	return out
}

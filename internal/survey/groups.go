package survey

import "github.com/rasoat/rasoat/schema"

// Groups are the household groups of the reports by code (ethnic minority, merit, no labour capacity, female head …), by the
// standard's rules. They overlap. An open answer leaves a group unknown; such a household is counted apart, not as "no".
func Groups(std *schema.Standard, q *schema.Questionnaire, iv *Interview) map[string]Verdict {
	c := newChecker(q, iv, "")
	out := make(map[string]Verdict, len(std.Groups))
	for _, g := range std.Groups {
		out[g.Code] = c.group(g)
	}
	return out
}

// GroupMembers counts the members a group's rule surely holds for: report 11 counts children, not households.
func GroupMembers(group *schema.Group, q *schema.Questionnaire, iv *Interview) int {
	c := newChecker(q, iv, "")
	n := 0
	for i := range c.members {
		if groupVerdict(group, c.envs[i]) == Yes {
			n++
		}
	}
	return n
}

func (c *checker) group(g *schema.Group) Verdict {
	switch g.Aggregate {
	case schema.AggregateHousehold:
		return groupVerdict(g, c.env)
	case schema.AggregateHead:
		head := c.iv.Head()
		if env := c.memberEnv(head); head != "" && env != nil {
			return groupVerdict(g, env)
		}
		return Unknown
	}
	if len(c.members) == 0 {
		return Unknown
	}
	all := NA
	for i := range c.members {
		switch v := groupVerdict(g, c.envs[i]); {
		case v == Yes:
			all = Yes
		case v == Unknown && all != Yes:
			all = Unknown
		case v == No && all == NA:
			all = No
		}
	}
	if g.Aggregate != schema.AggregateNone {
		return all
	}
	switch all { // "nobody for whom the rule holds"; nobody it applies to is nobody too
	case Yes:
		return No
	case Unknown:
		return Unknown
	}
	return Yes
}

func groupVerdict(g *schema.Group, env *schema.Env) Verdict {
	r := rule{ind: &schema.Indicator{Applies: g.Applies, When: g.When}}
	return r.eval(env).one()
}

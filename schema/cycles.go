package schema

import (
	"slices"
	"sort"
	"strings"
)

// cycles finds conditions that wait for one another. Whether causes are asked depends on the class, and so on every
// unit an indicator looks at: may_be_poor stands for all of them.
func (ps *Problems) cycles(s *Set, file func(*Questionnaire) string) {
	var judged []string
	for _, std := range s.Standards {
		for _, i := range std.Indicators {
			judged = append(judged, i.Units...)
		}
	}
	for _, q := range s.Questionnaires {
		if q.Kinds[KindInterview] == nil {
			continue
		}
		g := newGraph(q, judged)
		for _, circle := range g.circles() {
			first := g.question[circle[0]]
			ps.add(file(q), first.Line, "cycle", strings.Join(append(circle, circle[0]), " → "))
		}
	}
}

// graph says which unit's visibility waits for which units.
type graph struct {
	needs    map[string][]string
	question map[string]*Question
}

func newGraph(q *Questionnaire, judged []string) *graph {
	g := &graph{map[string][]string{}, map[string]*Question{}}
	section := map[string]*Condition{}
	for _, s := range q.Sections {
		section[s.ID] = s.ShowIf
	}
	for _, u := range q.Kinds[KindInterview].Units {
		g.question[u.Unit] = u
		for _, e := range []*Expression{u.ShowIf, section[u.Section]} {
			needs := e.Units()
			if e != nil && slices.ContainsFunc(e.Vars, func(v *Variable) bool { return v.Name == VarMayBePoor }) {
				needs = append(needs, judged...)
			}
			g.needs[u.Unit] = append(g.needs[u.Unit], needs...)
		}
	}
	return g
}

// circles returns one list of units for each circle, each unit in at most one.
func (g *graph) circles() [][]string {
	var out [][]string
	done, reported := map[string]bool{}, map[string]bool{}
	var walk func(unit string, path []string)
	walk = func(unit string, path []string) {
		if i := slices.Index(path, unit); i >= 0 {
			circle := path[i:]
			if !slices.ContainsFunc(circle, func(u string) bool { return reported[u] }) {
				out = append(out, slices.Clone(circle))
				for _, u := range circle {
					reported[u] = true
				}
			}
			return
		}
		if done[unit] {
			return
		}
		path = append(path, unit)
		for _, next := range g.needs[unit] {
			if g.question[next] != nil {
				walk(next, path)
			}
		}
		done[unit] = true
	}
	units := make([]string, 0, len(g.needs))
	for unit := range g.needs {
		units = append(units, unit)
	}
	sort.Slice(units, func(i, j int) bool { return g.question[units[i]].Line < g.question[units[j]].Line })
	for _, unit := range units {
		walk(unit, nil)
	}
	return out
}

package schema

import (
	"io/fs"
	"sort"
)

// Report is what `server check DIR` prints about a folder of definitions.
type Report struct {
	Set         *Set     // nil when there are problems
	Problems    Problems // each must be put right before the folder can be used
	Unconfirmed []Rule   // rules not read in full in their source, in file order: a warning, never an error
	Drafts      []string // files not in published.sum
}

// Check loads a folder and returns everything there is to say about it.
func Check(fsys fs.FS) Report {
	s, problems := readSet(fsys)
	r := Report{Problems: problems, Unconfirmed: s.Unconfirmed(), Drafts: s.Drafts()}
	if len(problems) == 0 {
		r.Set = s
	}
	return r
}

// Unconfirmed lists every rule of the standards and questions whose source was not read in full.
func (s *Set) Unconfirmed() []Rule {
	var out []Rule
	for _, std := range s.Standards {
		for _, rule := range std.Rules {
			if rule.Confidence != Confirmed {
				out = append(out, rule)
			}
		}
	}
	for _, q := range s.Questionnaires {
		for _, k := range q.Kinds {
			for _, u := range k.Units {
				if u.Confirmed || (u.Group != nil && u.Group.Parts[0] != u) {
					continue
				}
				asked := u
				if u.Group != nil {
					asked = u.Group
				}
				out = append(out, Rule{Name: k.Name + "." + asked.Unit, Label: asked.Label, Source: u.Source, Confidence: u.Confidence,
					File: "questionnaires/" + q.Name + ".yaml", Line: u.Line})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].File != out[j].File {
			return out[i].File < out[j].File
		}
		return out[i].Line < out[j].Line
	})
	return out
}

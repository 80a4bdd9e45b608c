package schema

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
)

//go:embed questionnaires standards codes published.sum
var embedded embed.FS

// maxFile bounds any file of a definitions folder; areas.csv of the whole country has 0.7 MB.
const maxFile = 8 << 20

// ErrNoDefinition is returned by Bytes for a name the Set does not hold.
var ErrNoDefinition = errors.New("no such definition")

// Set is everything loaded and checked: what may be asked and how it may be judged. It is immutable.
type Set struct {
	Questionnaires map[string]*Questionnaire
	Standards      map[string]*Standard
	Codes          map[string]*CodeList
	Areas          *Areas
	Successions    []Succession
	Vars           *Vars
	Sum            string // SHA-256 (hex) of the list of all files' sums: names this state of the definitions

	files map[string][]byte // by path in the folder
}

// Builtin returns the embedded files, loaded once. It panics only if the embedded files are broken (a test guards that).
func Builtin() *Set { return builtin() }

var builtin = sync.OnceValue(func() *Set {
	s, err := Load(embedded)
	if err != nil {
		panic("schema: the embedded definitions are broken:\n" + err.Error())
	}
	return s
})

// Load reads and checks a folder laid out like this package's: questionnaires/, standards/, codes/ and published.sum.
// The error is a Problems list with every fault found.
func Load(fsys fs.FS) (*Set, error) {
	s, problems := readSet(fsys)
	if len(problems) > 0 {
		return nil, problems
	}
	return s, nil
}

// Questionnaire returns the questionnaire with this name and whether it is known.
func (s *Set) Questionnaire(name string) (*Questionnaire, bool) {
	q, ok := s.Questionnaires[name]
	return q, ok
}

// Standard returns the standard with this name and whether it is known.
func (s *Set) Standard(name string) (*Standard, bool) {
	std, ok := s.Standards[name]
	return std, ok
}

// Names lists what Bytes knows, sorted.
func (s *Set) Names() []string {
	var names []string
	for p := range s.files {
		names = append(names, definitionName(p))
	}
	sort.Strings(names)
	return names
}

// Bytes returns the published bytes of "household/2026.1", "vn-2021", "areas", "ethnic-groups", "published.sum". The
// caller must not change them.
func (s *Set) Bytes(name string) ([]byte, error) {
	for p, data := range s.files {
		if definitionName(p) == name {
			return data, nil
		}
	}
	return nil, fmt.Errorf("definition %q: %w", name, ErrNoDefinition)
}

// Definition names come from paths: questionnaires/household/2026.1.yaml is household/2026.1, codes/areas.csv is areas.
func definitionName(p string) string {
	for _, dir := range []string{"questionnaires/", "standards/", "codes/"} {
		if rest, ok := strings.CutPrefix(p, dir); ok {
			return strings.TrimSuffix(rest, path.Ext(rest))
		}
	}
	return p
}

func readSet(fsys fs.FS) (*Set, Problems) {
	l := &loader{set: &Set{Questionnaires: map[string]*Questionnaire{}, Standards: map[string]*Standard{}, Codes: map[string]*CodeList{}}}
	l.readFiles(fsys)
	l.codes()
	l.questionnaires()
	if len(l.set.Questionnaires) == 0 && len(l.problems) == 0 {
		l.problems.add("questionnaires", 0, "empty")
	}
	l.compile()
	l.standards()
	l.problems.cycles(l.set, l.file)
	checkSums(l.set, &l.problems)
	return l.set, l.problems.sorted()
}

// loader gathers problems from all files before it gives up.
type loader struct {
	set      *Set
	problems Problems
	pending  []pending
	compiler *compiler
}

func (l *loader) readFiles(fsys fs.FS) {
	l.set.files = map[string][]byte{}
	for _, dir := range []string{"questionnaires", "standards", "codes"} {
		err := fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if ext := path.Ext(p); d.IsDir() || (ext != ".yaml" && ext != ".csv") {
				return nil
			}
			l.readFile(fsys, p)
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.problems.add(dir, 0, "unreadable", err)
		}
	}
	if _, err := fs.Stat(fsys, sumFile); err == nil {
		l.readFile(fsys, sumFile)
	}
}

func (l *loader) readFile(fsys fs.FS, p string) {
	info, err := fs.Stat(fsys, p)
	if err == nil && info.Size() > maxFile {
		l.problems.add(p, 0, "too_big", maxFile)
		return
	}
	data, err := fs.ReadFile(fsys, p)
	if err != nil {
		l.problems.add(p, 0, "unreadable", err)
		return
	}
	l.set.files[p] = data
}

// paths are the files of a folder with this ending, sorted.
func (l *loader) paths(dir, ext string) []string {
	var out []string
	for p := range l.set.files {
		if strings.HasPrefix(p, dir+"/") && path.Ext(p) == ext {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}

func (l *loader) codes() {
	var successions []string
	for _, p := range l.paths("codes", ".csv") {
		name, data := definitionName(p), l.set.files[p]
		switch {
		case name == "areas":
			l.set.Areas = readAreas(p, data, &l.problems)
		case strings.HasPrefix(name, "successions-"):
			successions = append(successions, p)
		default:
			l.set.Codes[name] = readCodes(name, p, data, &l.problems)
		}
	}
	if l.set.Areas == nil {
		l.set.Areas = newAreas(nil)
	}
	for _, p := range successions {
		l.set.Successions = append(l.set.Successions, readSuccessions(p, l.set.files[p], l.set.Areas, &l.problems)...)
	}
}

func (l *loader) questionnaires() {
	for _, p := range l.paths("questionnaires", ".yaml") {
		n, ok := readYAML(p, l.set.files[p], &l.problems)
		if !ok {
			continue
		}
		r := &reader{to: &l.problems}
		q := r.questionnaire(definitionName(p), n)
		l.set.Questionnaires[definitionName(p)] = q
		l.pending = append(l.pending, r.pending...)
		l.codeLists(p, q)
	}
}

func (l *loader) codeLists(file string, q *Questionnaire) {
	for _, k := range q.Kinds {
		for _, u := range k.Units {
			if u.CodeList != "" && l.set.Codes[u.CodeList] == nil {
				l.problems.add(file, u.Line, "code_list_unknown", u.CodeList)
			}
			if u.ReportedIn != "" {
				l.reportedAs(file, u)
			}
		}
	}
}

// reportedAs checks that every answer has its place in the official list.
func (l *loader) reportedAs(file string, q *Question) {
	list := l.set.Codes[q.ReportedIn]
	if list == nil {
		l.problems.add(file, q.Line, "code_list_unknown", q.ReportedIn)
		return
	}
	for _, c := range q.Choices {
		if _, ok := list.Find(c.ReportedAs); !ok {
			l.problems.add(file, q.Line, "expression_code", c.ReportedAs, q.ReportedIn)
		}
	}
}

func (l *loader) file(q *Questionnaire) string { return "questionnaires/" + q.Name + ".yaml" }

// compile makes the variables of all questionnaires and then their conditions.
func (l *loader) compile() {
	names := make([]string, 0, len(l.set.Questionnaires))
	for name := range l.set.Questionnaires {
		names = append(names, name)
	}
	sort.Strings(names)
	var all []*Questionnaire
	for _, name := range names {
		all = append(all, l.set.Questionnaires[name])
	}
	vars := newVars(all, l.set.Codes, &l.problems, l.file)
	l.set.Vars = vars
	c, err := newCompiler(vars)
	if err != nil {
		l.problems.add("questionnaires", 0, "unreadable", err)
		return
	}
	l.compiler = c
	for _, p := range l.pending {
		p.set(c.compile(p.node, p.source, p.member))
	}
	for _, q := range all {
		q.Vars = vars
		for _, k := range q.Kinds {
			for _, u := range k.Units {
				if u.Group != nil {
					u.ShowIf = u.Group.ShowIf
				}
			}
		}
	}
}

func (l *loader) standards() {
	if l.compiler == nil {
		return
	}
	for _, p := range l.paths("standards", ".yaml") {
		if n, ok := readYAML(p, l.set.files[p], &l.problems); ok {
			s := readStandard(definitionName(p), n, l.compiler, l.set.Questionnaires)
			l.set.Standards[definitionName(p)] = s
		}
	}
}

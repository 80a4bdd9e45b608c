package survey

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// MaxLine is the longest line [Classify] takes, without its newline.
const MaxLine = 1 << 20

// Classify judges households written as JSON lines and answers each with one line, in order. A line that is not valid gets
// {"id":…,"error":{"code":…,"message":…}} and the rest go on; failed counts them. Blank lines are passed over. err is of
// reading or writing only.
func Classify(r io.Reader, w io.Writer, set *schema.Set, lang string) (failed int, err error) {
	return newClassifier(set, lang).run(r, w)
}

func newClassifier(set *schema.Set, lang string) *classifier {
	return &classifier{set: set, lang: lang, judges: map[[2]string]*Judge{}, seen: map[string]bool{}, known: map[string]bool{}}
}

func (c *classifier) run(r io.Reader, w io.Writer) (failed int, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	out := bufio.NewWriterSize(w, 64<<10)
	for first := true; ; first = false {
		line, long, readErr := readLine(in, &c.line)
		if first {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // some editors begin UTF-8 files with a mark
		}
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return failed, errors.Join(fmt.Errorf("read households: %w", readErr), out.Flush())
		}
		if long || len(bytes.TrimSpace(line)) > 0 {
			answer, ok := c.answer(line, long)
			if !ok {
				failed++
			}
			if _, err := out.Write(append(answer, '\n')); err != nil {
				return failed, fmt.Errorf("write results: %w", err)
			}
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return failed, fmt.Errorf("write results: %w", err)
	}
	return failed, nil
}

// readLine reads one line into buffer. What goes past MaxLine is read and dropped, so that the next line is found.
func readLine(in *bufio.Reader, buffer *[]byte) (line []byte, long bool, err error) {
	*buffer = (*buffer)[:0]
	for {
		part, err := in.ReadSlice('\n')
		if len(*buffer)+len(part) > MaxLine+1 {
			long = true
		}
		if !long {
			*buffer = append(*buffer, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line = bytes.TrimSuffix(*buffer, []byte{'\n'})
		return line, long || len(line) > MaxLine, err
	}
}

// classifier answers lines. It keeps its buffers from line to line.
type classifier struct {
	set    *schema.Set
	lang   string
	judges map[[2]string]*Judge
	noWhy  bool // without reasons, for measuring

	line    []byte
	out     []byte
	request request
	units   builder
	seen    map[string]bool
	known   map[string]bool // units and members' units of knownOf: a cache
	knownOf *schema.Questionnaire
}

// request is one line of the command, values verbatim.
type request struct {
	id, standard, questionnaire, area, w string
}

// lineError is why a line was refused.
type lineError struct {
	code   string
	vi, en string
}

var (
	errLong     = lineError{"line_too_long", "Dòng dài quá 1 MiB. Chia nhỏ hoặc kiểm tra tệp.", "The line is longer than 1 MiB. Check the file."}
	errUTF8     = lineError{"utf8", "Dòng không phải UTF-8. Lưu lại tệp bằng UTF-8.", "The line is not UTF-8. Save the file as UTF-8."}
	errJSON     = lineError{"json", "Dòng không phải JSON hợp lệ. Kiểm tra dấu ngoặc và dấu phẩy.", "The line is not valid JSON. Check braces and commas."}
	errObject   = lineError{"line_type", "Dòng phải là một đối tượng JSON: {\"id\":…,\"standard\":…,\"w\":{…}}.", "The line must be a JSON object: {\"id\":…,\"standard\":…,\"w\":{…}}."}
	errTwice    = lineError{"key_twice", "Một trường hoặc một câu hỏi xuất hiện hai lần trong dòng. Bỏ bớt một.", "A field or a unit stands twice on the line. Remove one."}
	errStandard = lineError{"standard_unknown", "Không có chuẩn nghèo này. Dùng tên như vn-2021.", "There is no such standard. Use a name like vn-2021."}
	errVersion  = lineError{"questionnaire_unknown", "Không có phiên bản phiếu này.", "There is no such version of the questionnaire."}
	errArea     = lineError{"area_type", "area_type phải là rural, urban, hoặc bỏ trống.", "area_type must be rural, urban, or left out."}
	errUnits    = lineError{"w_type", "w phải là một đối tượng: đường dẫn câu hỏi → giá trị.", "w must be an object: unit path → value."}
	errMany     = lineError{"too_many_units", "Quá nhiều câu trong một dòng (nhiều nhất 4.000).", "Too many units on one line (at most 4,000)."}
	errUnitName = lineError{"unit_name", "Tên câu hỏi quá dài hoặc trống.", "The name of a unit is too long or empty."}
)

func (e lineError) in(lang string) string {
	if lang == "en" {
		return e.en
	}
	return e.vi
}

func (c *classifier) answer(line []byte, long bool) (answer []byte, ok bool) {
	c.request = request{}
	fault := c.judge(line, long)
	if fault == nil {
		return c.out, true
	}
	id := c.request.id
	if id == "" {
		id = "null"
	}
	out := append(c.out[:0], `{"id":`...)
	out = append(out, id...)
	out = append(out, `,"error":{"code":`...)
	out = appendJSON(out, fault.code)
	out = append(out, `,"message":`...)
	out = appendJSON(out, fault.in(c.lang))
	c.out = append(out, "}}"...)
	return c.out, false
}

// judge answers one good line into c.out.
func (c *classifier) judge(line []byte, long bool) *lineError {
	switch {
	case long:
		return &errLong
	case !utf8.Valid(line):
		return &errUTF8
	}
	if fault := c.request.read(string(bytes.TrimSpace(line))); fault != nil {
		return fault
	}
	judge, fault := c.find()
	if fault != nil {
		return fault
	}
	area, fault := readArea(c.request.area)
	if fault != nil {
		return fault
	}
	iv, problems, fault := c.readUnits(judge.q)
	if fault != nil {
		return fault
	}
	g := judge.Judge(iv, area, Options{Reasons: !c.noWhy, Lang: c.lang})
	for i := range problems {
		problems[i] = problems[i].In(c.lang)
	}
	g.Problems = append(problems, g.Problems...)
	c.out = g.appendLine(c.out[:0], c.request.id)
	return nil
}

func (q *request) read(line string) (fault *lineError) {
	if line[0] != '{' {
		if validJSON(line) {
			return &errObject
		}
		return &errJSON
	}
	s := scanner{text: line}
	ok := s.members(func(key, value string) bool {
		var to *string
		switch key {
		case "id":
			to = &q.id
		case "standard":
			to = &q.standard
		case "questionnaire":
			to = &q.questionnaire
		case "area_type":
			to = &q.area
		case "w":
			to = &q.w
		default:
			return true
		}
		if *to != "" {
			fault = &errTwice
			return false
		}
		*to = value
		return true
	})
	if fault != nil {
		return fault
	}
	if !ok || !s.end() {
		*q = request{}
		return &errJSON
	}
	return nil
}

// find gives the judge of the line's standard and questionnaire; the newest questionnaire when the line names none.
func (c *classifier) find() (*Judge, *lineError) {
	key := [2]string{c.request.standard, c.request.questionnaire}
	if j := c.judges[key]; j != nil {
		return j, nil
	}
	std := c.set.Standards[quoted(c.request.standard)]
	if std == nil {
		return nil, &errStandard
	}
	name := quoted(c.request.questionnaire)
	if name == "" {
		name = NewestQuestionnaire(c.set)
	}
	q := c.set.Questionnaires[name]
	if q == nil {
		return nil, &errVersion
	}
	j, err := NewJudge(std, q)
	if err != nil {
		return nil, &lineError{"standard_unusable", err.Error(), err.Error()}
	}
	c.judges[[2]string{strings.Clone(key[0]), strings.Clone(key[1])}] = j
	return j, nil
}

// NewestQuestionnaire is the name of the last version of the household questionnaire.
func NewestQuestionnaire(set *schema.Set) string {
	newest := ""
	for name := range set.Questionnaires {
		if newest == "" || compareVersions(name, newest) > 0 {
			newest = name
		}
	}
	return newest
}

// compareVersions orders "household/2026.2" before "household/2026.10".
func compareVersions(a, b string) int {
	if len(a) != len(b) && bytes.HasPrefix([]byte(b), []byte(a)) {
		return -1
	}
	return slices.CompareFunc(versionParts(a), versionParts(b), func(x, y string) int {
		n, errN := strconv.Atoi(x)
		m, errM := strconv.Atoi(y)
		if errN == nil && errM == nil {
			return n - m
		}
		return bytes.Compare([]byte(x), []byte(y))
	})
}

func versionParts(name string) []string {
	var parts []string
	for _, p := range bytes.FieldsFunc([]byte(name), func(r rune) bool { return r == '/' || r == '.' }) {
		parts = append(parts, string(p))
	}
	return parts
}

func readArea(raw string) (AreaType, *lineError) {
	switch raw {
	case "", "null", `""`:
		return AreaUnknown, nil
	case `"rural"`:
		return AreaRural, nil
	case `"urban"`:
		return AreaUrban, nil
	}
	return AreaUnknown, &errArea
}

// readUnits reads w. A unit the questionnaire does not have is a warning: a mistyped name would otherwise pass as unanswered.
func (c *classifier) readUnits(q *schema.Questionnaire) (*Interview, []Problem, *lineError) {
	w := c.request.w
	c.units.reset()
	if w == "" || w == "null" {
		return c.units.interview(), nil, nil
	}
	if w[0] != '{' {
		return nil, nil, &errUnits
	}
	var problems []Problem
	var fault *lineError
	n := 0
	s := scanner{text: w}
	s.members(func(unit, value string) bool {
		n++
		switch {
		case n > MaxUnits:
			fault = &errMany
		case unit == "" || len(unit) > fieldsync.MaxUnitName:
			fault = &errUnitName
		}
		if fault != nil {
			return false
		}
		if !c.knows(q, unit) {
			problems = append(problems, problem("unit_unknown", unit, "", nil))
		}
		c.units.add(unit, value, nil)
		return true
	})
	if fault != nil {
		return nil, nil, fault
	}
	iv := c.units.interview()
	if c.twice(iv) {
		return nil, nil, &errTwice
	}
	return iv, problems, nil
}

// maxKnown bounds the cache of unit names: some have an id in their path.
const maxKnown = 4096

// knows tells whether the questionnaire has a unit.
func (c *classifier) knows(q *schema.Questionnaire, unit string) bool {
	name := unit
	if _, rest, ok := schema.MemberUnit(unit); ok {
		name = unit[len(unit)-len(rest)-1:] // with its "/", so that a member's unit is not taken for the household's
	}
	if c.knownOf != q {
		clear(c.known)
		c.knownOf = q
	}
	if c.known[name] {
		return true
	}
	_, ok := q.Question(schema.KindInterview, unit)
	if ok && len(c.known) < maxKnown {
		c.known[strings.Clone(name)] = true
	}
	return ok
}

// twice tells whether a unit was given two times.
func (c *classifier) twice(iv *Interview) bool {
	if c.repeated(iv.house) {
		return true
	}
	return slices.ContainsFunc(iv.members, func(m memberAnswers) bool { return c.repeated(m.answers) })
}

func (c *classifier) repeated(list []answer) bool {
	clear(c.seen)
	for i := range list {
		if c.seen[list[i].unit] {
			return true
		}
		c.seen[list[i].unit] = true
	}
	return false
}

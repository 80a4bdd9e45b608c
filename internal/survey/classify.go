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
	return &classifier{set: set, lang: lang, judges: map[[2]string]*lineJudge{}, seen: map[string]bool{}}
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
	judges map[[2]string]*lineJudge
	noWhy  bool // without reasons, for measuring

	line    []byte
	out     []byte
	request request
	units   builder
	seen    map[string]bool
}

// lineJudge is a judge with what it knows of the questionnaire's units.
type lineJudge struct {
	of    *Judge
	known map[string]knownUnit // units and members' units: a cache
}

// knownUnit is a unit the questionnaire has.
type knownUnit struct {
	question *schema.Question
	judged   bool // the judge looks at the value and says itself what is wrong with it
}

// request is one line of the command, values verbatim.
type request struct {
	id, standard, questionnaire, area, w string
	unknown                              []string // members of the line that nothing uses
}

// maxStrange bounds how many of them are told.
const maxStrange = 16

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
	errMissing  = lineError{"standard_missing", "Thiếu mục standard. Ghi tên chuẩn nghèo, ví dụ \"standard\":\"vn-2021\".", "The member standard is missing. Name the standard, e.g. \"standard\":\"vn-2021\"."}
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
	j, fault := c.find()
	if fault != nil {
		return fault
	}
	area, fault := readArea(c.request.area)
	if fault != nil {
		return fault
	}
	iv, problems, fault := c.readUnits(j)
	if fault != nil {
		return fault
	}
	g := j.of.Judge(iv, area, Options{Reasons: !c.noWhy, Lang: c.lang})
	for _, name := range c.request.unknown {
		problems = append(problems, problem("member_unknown", name, c.lang, map[string]string{"name": name}))
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
			if len(q.unknown) < maxStrange {
				q.unknown = append(q.unknown, shortName(key))
			}
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

// shortName is a name a person can read in a message.
func shortName(name string) string {
	const most = 40
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	return string([]rune(name)[:most]) + "…"
}

// find gives the judge of the line's standard and questionnaire; the newest questionnaire when the line names none.
func (c *classifier) find() (*lineJudge, *lineError) {
	key := [2]string{c.request.standard, c.request.questionnaire}
	if j := c.judges[key]; j != nil {
		return j, nil
	}
	switch c.request.standard {
	case "", "null", `""`:
		return nil, &errMissing
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
	judge, err := NewJudge(std, q)
	if err != nil {
		return nil, &lineError{"standard_unusable", err.Error(), err.Error()}
	}
	j := &lineJudge{judge, map[string]knownUnit{}}
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
func (c *classifier) readUnits(j *lineJudge) (*Interview, []Problem, *lineError) {
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
		if u := j.unit(unit); u.question == nil {
			problems = append(problems, problem("unit_unknown", unit, c.lang, nil))
		} else if !u.judged {
			if code, q := valueFault(u.question, notNull(value)); code != "" {
				problems = append(problems, faultProblem(code, unit, c.lang, q))
			}
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

// unit finds a unit of the questionnaire; its question is nil when there is none.
func (j *lineJudge) unit(unit string) knownUnit {
	name, slots := unit, j.of.house
	_, rest, member := schema.MemberUnit(unit)
	if member {
		name, slots = unit[len(unit)-len(rest)-1:], j.of.person // with its "/", so that a member's unit is not taken for the household's
	}
	u, ok := j.known[name]
	if ok {
		return u
	}
	question, ok := j.of.q.Question(schema.KindInterview, unit)
	if !ok {
		return u
	}
	u.question = question
	if _, u.judged = slots[unit]; member {
		_, u.judged = slots[rest]
	}
	if len(j.known) < maxKnown {
		j.known[strings.Clone(name)] = u
	}
	return u
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

package sync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Codes of a Fault: why a line is not a change. They are stable; people and programs act on them.
const (
	FaultJSON      = "json"      // not one JSON object on one line
	FaultUTF8      = "utf8"      // not valid UTF-8
	FaultTooLarge  = "too_large" // longer than MaxChangeBytes
	FaultDepth     = "depth"     // nested deeper than MaxDepth
	FaultDuplicate = "duplicate" // one member name twice in one object: which of the two was meant?
	FaultField     = "field"     // a member is missing, of another type or out of its range
	FaultUnits     = "units"     // no unit, or more than MaxUnits
	FaultUnit      = "unit"      // a unit's path breaks the rules of a path
	FaultParents   = "parents"   // more than MaxParents, or a parent that is not a dot
	FaultWhy       = "why"       // a reason longer than MaxWhy, or none where one is required
	FaultTag       = "tag"       // a tag longer than MaxTag
)

// MaxDepth bounds how deep values nest, the change's own object counted.
const MaxDepth = 32

// MaxName bounds, in bytes, the short texts of a change: kind, operation, form, scope, account, role.
const MaxName = 128

// maxNumber is the greatest whole number every JSON reader can hold exactly.
const maxNumber = 1<<53 - 1

// DecodeChange reads one line of a replica's feed. It goes over the line once, checks all of it, and copies nothing but the
// names: the change's Bytes and the values of its Writes are parts of line, which must not be altered afterwards. Members it
// does not know stay in Bytes. A number sent as text is not refused: what a value means is judged elsewhere.
//
// The Fault says why a line is not a change. A line with a Fault goes to quarantine; it never stops the lines behind it.
func DecodeChange(replica string, line []byte) (*Change, *Fault) {
	switch {
	case len(line) > MaxChangeBytes:
		return nil, faultf(FaultTooLarge, "the line has %d bytes, at most %d are allowed; split the save under one tag", len(line), MaxChangeBytes)
	case bytes.IndexByte(line, '\n') >= 0:
		return nil, faultf(FaultJSON, "a change is one line; this one has a line break in it")
	case !utf8.Valid(line):
		return nil, faultf(FaultUTF8, "the line is not valid UTF-8")
	}
	s := scanner{line: line, text: string(line)}
	c := &Change{Dot: Dot{Replica: replica}, Bytes: line}
	if !s.change(c) || !s.end() || !s.complete(c) {
		return nil, s.fault
	}
	return c, nil
}

func faultf(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// scanner goes over one line of JSON that is known to be valid UTF-8. A method that returns false has set fault.
type scanner struct {
	line  []byte
	text  string // the line once more, so that names need no copy each
	at    int
	depth int
	had   uint16 // members of a change found so far, a bit each
	fault *Fault
}

// Bits of scanner.had.
const (
	hadS = 1 << iota
	hadR
	hadK
	hadOp
	hadF
	hadSc
	hadU
	hadAs
	hadAt
	hadN
	hadP
	hadW
	hadWhy
	hadX
	hadWas
)

func (s *scanner) fail(code, format string, args ...any) bool {
	if s.fault == nil {
		s.fault = faultf(code, format, args...)
	}
	return false
}

func (s *scanner) syntax(want string) bool {
	if s.at >= len(s.line) {
		return s.fail(FaultJSON, "the line ends where %s is expected", want)
	}
	return s.fail(FaultJSON, "byte %d is %q where %s is expected", s.at+1, s.line[s.at], want)
}

// change reads the line's object.
func (s *scanner) change(c *Change) bool {
	var unknown names
	return s.object(func(from, to int, escaped bool) bool {
		key, ok := s.name(from, to, escaped)
		if !ok {
			return false
		}
		bit, known := memberBits[key]
		if !known {
			return unknown.add(s, key) && s.value()
		}
		return s.once(bit, key) && s.memberValue(c, bit)
	})
}

// memberBits are the members of a change.
var memberBits = map[string]uint16{
	"s": hadS, "r": hadR, "k": hadK, "op": hadOp, "f": hadF, "sc": hadSc, "u": hadU, "as": hadAs,
	"at": hadAt, "n": hadN, "p": hadP, "w": hadW, "why": hadWhy, "x": hadX, "was": hadWas,
}

func (s *scanner) once(bit uint16, key string) bool {
	if s.had&bit != 0 {
		return s.fail(FaultDuplicate, "the member %q stands twice", key)
	}
	s.had |= bit
	return true
}

// memberValue reads the value of a known member into its field.
func (s *scanner) memberValue(c *Change, bit uint16) bool {
	switch bit {
	case hadS:
		n, ok := s.number("s", 1)
		c.Dot.Seq = uint64(n)
		return ok
	case hadAt:
		n, ok := s.number("at", -maxNumber)
		c.At = n
		return ok
	case hadN:
		n, ok := s.number("n", 0)
		c.N = uint64(n)
		return ok
	case hadR:
		return s.short("r", &c.Record, 36)
	case hadK:
		return s.short("k", &c.Kind, MaxName)
	case hadOp:
		return s.short("op", &c.Op, MaxName)
	case hadF:
		return s.short("f", &c.Form, MaxName)
	case hadSc:
		return s.short("sc", &c.Scope, MaxName)
	case hadU:
		return s.short("u", &c.Account, MaxName)
	case hadAs:
		return s.short("as", &c.Role, MaxName)
	case hadWhy:
		return s.str("why", &c.Why)
	case hadX:
		return s.str("x", &c.Tag)
	case hadP:
		return s.parents(c)
	case hadWas:
		return s.was(c)
	}
	return s.writes(c)
}

// complete checks what only the whole change shows.
func (s *scanner) complete(c *Change) bool {
	for _, m := range [...]struct {
		bit  uint16
		name string
	}{{hadS, "s"}, {hadR, "r"}, {hadK, "k"}, {hadW, "w"}} {
		if s.had&m.bit == 0 {
			return s.fail(FaultField, "the member %q is missing", m.name)
		}
	}
	switch {
	case !validUUID(c.Record):
		return s.fail(FaultField, "the record id %.40q is not a UUID in lower case", c.Record)
	case c.Kind == "":
		return s.fail(FaultField, "the kind is empty")
	case len(c.Writes) == 0:
		return s.fail(FaultUnits, "a change writes at least one unit")
	case len(c.Why) > MaxWhy && utf8.RuneCountInString(c.Why) > MaxWhy:
		return s.fail(FaultWhy, "the reason has more than %d characters", MaxWhy)
	case c.Why == "" && (c.Op == OpResolve || c.Op == OpRevert):
		return s.fail(FaultWhy, "a change that decides or takes back needs a reason")
	case len(c.Tag) > MaxTag && utf8.RuneCountInString(c.Tag) > MaxTag:
		return s.fail(FaultTag, "the tag has more than %d characters", MaxTag)
	}
	return true
}

// short reads a text of at most max bytes.
func (s *scanner) short(name string, into *string, max int) bool {
	if !s.str(name, into) {
		return false
	}
	if len(*into) > max {
		return s.fail(FaultField, "the member %q has more than %d bytes", name, max)
	}
	return true
}

func (s *scanner) str(name string, into *string) bool {
	if s.space(); s.at < len(s.line) && s.line[s.at] != '"' {
		return s.fail(FaultField, "the member %q is not a text", name)
	}
	from, to, escaped, ok := s.quoted()
	if !ok {
		return false
	}
	*into, ok = s.name(from, to, escaped)
	return ok
}

// number reads a whole number written as digits, from min to 2^53-1.
func (s *scanner) number(name string, min int64) (int64, bool) {
	s.space()
	from := s.at
	if !s.value() {
		return 0, false
	}
	n, err := strconv.ParseInt(s.text[from:s.at], 10, 64)
	if err != nil || n < min || n > maxNumber {
		return 0, s.fail(FaultField, "the member %q is not a whole number from %d to %d", name, min, int64(maxNumber))
	}
	return n, true
}

func (s *scanner) was(c *Change) bool {
	var text string
	if !s.short("was", &text, MaxName) {
		return false
	}
	d, err := ParseDot(text)
	if err != nil {
		return s.fail(FaultField, "the member \"was\": %v", err)
	}
	c.Was = &d
	return true
}

func (s *scanner) parents(c *Change) bool {
	if s.space(); s.at < len(s.line) && s.line[s.at] != '[' {
		return s.fail(FaultField, "the member \"p\" is not a list")
	}
	var room [16]Dot
	dots := room[:0]
	ok := s.array(func() bool {
		var text string
		if !s.short("p", &text, MaxName) {
			return false
		}
		d, err := ParseDot(text)
		if err != nil {
			return s.fail(FaultParents, "%v", err)
		}
		if len(dots) == MaxParents {
			return s.fail(FaultParents, "a change names at most %d parents; split the save under one tag", MaxParents)
		}
		dots = append(dots, d)
		return true
	})
	if ok && len(dots) > 0 {
		c.Parents = slices.Clone(dots)
	}
	return ok
}

func (s *scanner) writes(c *Change) bool {
	if s.space(); s.at < len(s.line) && s.line[s.at] != '{' {
		return s.fail(FaultField, "the member \"w\" is not an object")
	}
	var room [128]Write
	writes := room[:0]
	var table unitTable
	ok := s.object(func(from, to int, escaped bool) bool {
		unit, ok := s.name(from, to, escaped)
		if !ok {
			return false
		}
		if why := badUnit(unit); why != "" {
			return s.fail(FaultUnit, "the unit %.60q %s", unit, why)
		}
		if len(writes) == MaxUnits {
			return s.fail(FaultUnits, "a change writes at most %d units; split the save under one tag", MaxUnits)
		}
		if !table.add(writes, unit) {
			return s.fail(FaultDuplicate, "the unit %.60q stands twice", unit)
		}
		s.space()
		start := s.at
		if !s.value() {
			return false
		}
		writes = append(writes, Write{unit, s.line[start:s.at:s.at]})
		return true
	})
	if ok {
		c.Writes = slices.Clone(writes)
	}
	return ok
}

// badUnit tells what is wrong with a unit's path; "" means nothing is. Paths of later versions must pass, so the rules are
// only those a path needs to be one: elements that are not empty, no blanks, no control characters.
func badUnit(unit string) string {
	switch {
	case unit == "":
		return "is empty"
	case len(unit) > MaxUnitName:
		return "has more than " + strconv.Itoa(MaxUnitName) + " bytes"
	case unit[0] == '/' || unit[len(unit)-1] == '/':
		return "begins or ends with a slash"
	}
	for i := 0; i < len(unit); i++ {
		if !notInPath[unit[i]] {
			continue
		}
		if unit[i] != '/' {
			return "holds a blank or a control character"
		}
		if unit[i-1] == '/' {
			return "has an empty element"
		}
	}
	return ""
}

// notInPath marks the bytes that need a look: blanks and controls, and the slash.
var notInPath = func() (t [256]bool) {
	for c := range ' ' + 1 {
		t[c] = true
	}
	t['/'], t[0x7f] = true, true
	return t
}()

// unitTable finds a unit that stands twice among at most MaxUnits, without allocating.
type unitTable [1024]uint16

var unitSeed = maphash.MakeSeed()

// add notes the unit that is about to become writes[len(writes)]; false means that it is there already.
func (t *unitTable) add(writes []Write, unit string) bool {
	i := maphash.String(unitSeed, unit) % uint64(len(t))
	for t[i] != 0 {
		if writes[t[i]-1].Unit == unit {
			return false
		}
		i = (i + 1) % uint64(len(t))
	}
	t[i] = uint16(len(writes) + 1)
	return true
}

// names finds a member name that stands twice in one object.
type names struct {
	few  []string
	many map[string]bool
}

func (n *names) add(s *scanner, name string) bool {
	if n.many[name] || (n.many == nil && slices.Contains(n.few, name)) {
		return s.fail(FaultDuplicate, "the member %.60q stands twice in one object", name)
	}
	switch {
	case n.many != nil:
		n.many[name] = true
	case len(n.few) < 16:
		n.few = append(n.few, name)
	default: // a hostile line may hold ten thousand names
		n.many = map[string]bool{name: true}
		for _, f := range n.few {
			n.many[f] = true
		}
	}
	return true
}

func validUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// name returns the text between from and to of the line, with its escapes resolved.
func (s *scanner) name(from, to int, escaped bool) (string, bool) {
	if !escaped {
		return s.text[from:to], true
	}
	var text string
	if err := json.Unmarshal(s.line[from-1:to+1], &text); err != nil {
		return "", s.fail(FaultJSON, "a text's escapes are wrong: %v", err)
	}
	return text, true
}

package schema

import "strings"

// Text is one wording in several languages: language tag to text. Published files carry at least "vi" and "en";
// a commune may add others (Tày, Nùng, Mông).
type Text map[string]string

// In returns the text in lang, else in Vietnamese, else in any language (the first by tag), else "".
func (t Text) In(lang string) string {
	if s, ok := t[lang]; ok {
		return s
	}
	if s, ok := t["vi"]; ok {
		return s
	}
	first := ""
	for tag := range t {
		if first == "" || tag < first {
			first = tag
		}
	}
	return t[first]
}

// Confidence says how sure the project is of a legal rule: read in a source, read in part, or from memory.
type Confidence string

const (
	Confirmed   Confidence = "true"   // read in the named source
	PartlyKnown Confidence = "partly" // read, but cut, second-hand or of another year
	Unconfirmed Confidence = "false"  // from memory; shown with "chưa xác nhận"
)

// Type is the kind of answer a question takes.
type Type string

const (
	TypeText    Type = "text"
	TypeInteger Type = "integer"
	TypeDecimal Type = "decimal"
	TypeMoney   Type = "money" // whole đồng
	TypeDate    Type = "date"  // YYYY-MM-DD
	TypeBirth   Type = "birth" // YYYY, YYYY-MM or YYYY-MM-DD: the precision is part of the value
	TypeSelect  Type = "select"
	TypeYesNo   Type = "yes_no"
	TypeMulti   Type = "multi"  // a heading: each choice is a yes/no unit of its own, see Question.Parts
	TypeObject  Type = "object" // one unit of several fields, which wins or conflicts whole
	TypeMember  Type = "member" // the id of a member of the same interview
	TypeRecord  Type = "record" // the id of another record (household, round, interview)
	TypeArea    Type = "area"   // an area code, read on the date of the record
	TypeStatus  Type = "status" // the unit ".": "active" or {"s":…,"why":…}
)

// Kinds of record that travel (sync.md section 3).
const (
	KindHousehold = "household"
	KindInterview = "interview"
)

// Questionnaire is one published version of what is asked, e.g. "household/2026.1".
type Questionnaire struct {
	Name     string
	Title    Text
	Source   string
	Kinds    map[string]*Kind
	Sections []*Section
	Messages map[string]Message // by code: what package survey says about the roster as a whole
	Vars     *Vars              // the variables of every expression, shared by the whole Set
	Limits   Limits
}

// Limits are the sizes package survey enforces.
type Limits struct {
	Members int // members of one household
	Text    int // characters of one text answer
}

// Message is a sentence with a stable code for a check that is written in Go. "{name}" marks are filled in by it.
type Message struct {
	Code  string
	Text  Text
	Level Level
}

// Kind is one kind of record and every unit it may hold.
type Kind struct {
	Name  string
	Label Text
	Scope string // "" or "board": a kind that stands in the board's own scope (sync.md section 4)
	Units []*Question

	exact    map[string]*Question // units of the record
	member   map[string]*Question // units of a member, without "m/<id>/"
	patterns []*Question
}

// Section is a page of the interview, in the order an enumerator works.
type Section struct {
	ID        string
	Title     Text
	Hint      Text
	Roster    bool // its questions are asked of each member
	Carry     bool // "unchanged, confirm" may be offered for it
	ShowIf    *Condition
	Questions []*Question
}

// Question is one unit: one path on the wire, one merge unit, usually one thing asked.
type Question struct {
	Unit        string // path pattern; a member's without "m/<id>/"; "*" stands for one path element, a last "**" for any rest
	Section     string // id of its section, "" for units that are not asked
	Member      bool
	Type        Type
	Decimals    int // of a decimal answer
	Label       Text
	Hint        Text
	Ask         Text // short spoken wording
	Unanswered  bool // written by the program: no screen asks it
	Picture     string
	Choices     []Choice
	CodeList    string      // "ethnic-groups", "areas"
	ReportedIn  string      // code list of the choices' ReportedAs
	Fields      []*Question // of an object: Unit is the field's name
	Parts       []*Question // of a multi (or an object asked per choice): the units on the wire
	Group       *Question   // of a part: the question it belongs to
	Min, Max    *float64    // inclusive
	Asked       *Asked
	Required    bool
	ShowIf      *Condition // includes Asked; unknown means: show it
	Constraints []Constraint
	Policy      Policy
	Carry       bool     // may be taken over from last year by one confirmation
	Sensitive   bool     // personal data the law calls sensitive
	Writers     []string // roles that may write it; empty: any role
	Confirmed   bool
	Confidence  Confidence
	Source      string
	Line        int // in the questionnaire's file

	choice map[string]Value
}

// Asked is for whom a member question is asked, in completed years, both ends included; Max < 0 means no upper end.
type Asked struct{ Min, Max int }

// Choice is one allowed code of a select, multi or yes/no question.
type Choice struct {
	Value      string
	Label      Text
	Hint       Text
	Picture    string
	ReportedAs string // the code under which official reports count it, of the list Question.ReportedIn
}

// Level tells whether a failed constraint must be settled or only looked at.
type Level string

const (
	LevelProblem Level = "problem"
	LevelWarning Level = "warning"
)

// Constraint is broken when When is certainly true: it names what must not be, so that an open answer never breaks it.
type Constraint struct {
	Code    string
	When    *Condition
	Message Text
	Level   Level
}

// Policy says what happens when two people wrote the unit apart from each other.
type Policy struct {
	Merge    string   // "conflict" (the default), "max", "min"
	Order    []string // for max and min of codes: lowest first
	Blocking bool     // false: an open conflict never blocks and never makes a class undetermined
}

// Rank is the place of code in Order (0 lowest), or -1.
func (p Policy) Rank(code string) int {
	for i, c := range p.Order {
		if c == code {
			return i
		}
	}
	return -1
}

// MemberUnit splits "m/<id>/attending" into the member's id and the unit.
func MemberUnit(unit string) (id, rest string, ok bool) {
	s, ok := strings.CutPrefix(unit, "m/")
	if !ok {
		return "", "", false
	}
	id, rest, ok = strings.Cut(s, "/")
	return id, rest, ok && id != "" && rest != ""
}

// Question finds the question of a unit as it stands on the wire: "water", "means/tv", "m/<id>/attending",
// "review/note/<uuid>", "open/means/tv".
func (q *Questionnaire) Question(kind, unit string) (*Question, bool) {
	k := q.Kinds[kind]
	if k == nil {
		return nil, false
	}
	return k.Question(unit)
}

// Question finds the question of a unit of this kind.
func (k *Kind) Question(unit string) (*Question, bool) {
	if _, rest, ok := MemberUnit(unit); ok {
		return k.MemberQuestion(rest)
	}
	if found, ok := k.exact[unit]; ok {
		return found, true
	}
	return k.pattern(unit, false)
}

// MemberQuestion finds a member's question by its unit without "m/<id>/".
func (k *Kind) MemberQuestion(unit string) (*Question, bool) {
	if found, ok := k.member[unit]; ok {
		return found, true
	}
	return k.pattern(unit, true)
}

func (k *Kind) pattern(unit string, member bool) (*Question, bool) {
	for _, p := range k.patterns {
		if p.Member == member && matches(p.Unit, unit) {
			return p, true
		}
	}
	return nil, false
}

// Choice finds the choice with this code.
func (q *Question) Choice(code string) (Choice, bool) {
	for _, c := range q.Choices {
		if c.Value == code {
			return c, true
		}
	}
	return Choice{}, false
}

// Field finds the field of an object.
func (q *Question) Field(name string) (*Question, bool) {
	for _, f := range q.Fields {
		if f.Unit == name {
			return f, true
		}
	}
	return nil, false
}

// MayWrite reports whether role may write the unit.
func (q *Question) MayWrite(role string) bool {
	for _, r := range q.Writers {
		if r == role {
			return true
		}
	}
	return len(q.Writers) == 0
}

// matches compares a unit with a pattern of "*" (one element) and a last "**" (one or more elements).
func matches(pattern, unit string) bool {
	for {
		p, prest, pmore := strings.Cut(pattern, "/")
		u, urest, umore := strings.Cut(unit, "/")
		switch {
		case p == "**":
			return unit != ""
		case p != "*" && p != u, u == "", pmore != umore:
			return false
		case !pmore:
			return true
		}
		pattern, unit = prest, urest
	}
}

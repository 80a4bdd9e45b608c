package survey

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rasoat/rasoat/schema"
)

// Reason is why an indicator is yes or unknown, in a sentence the household can be told.
type Reason struct {
	Indicator  string   `json:"indicator"`
	Verdict    Verdict  `json:"verdict"`
	Member     string   `json:"member,omitempty"` // the member it is due to; "" when it is due to the household
	MemberName string   `json:"-"`
	Sentence   string   `json:"sentence"`
	Article    string   `json:"article,omitempty"`
	Confirmed  bool     `json:"confirmed"`           // false: the rule was not read in its source, and the product says so
	Undecided  []string `json:"undecided,omitempty"` // the units this indicator waits for
}

// explain fills Why from the sheet with its provisional values.
func (j *Judge) explain(g *Judgement, s *sheet, iv *Interview, who *roster, lang string) {
	n := 0
	for _, v := range g.Indicators {
		if v == Yes || v == Unknown {
			n++
		}
	}
	g.Why = make([]Reason, 0, n)
	if n == 0 {
		return
	}
	head := iv.Head()
	for i, r := range j.rules {
		v := g.Indicators[i]
		if v != Yes && v != Unknown {
			continue
		}
		why := Reason{Indicator: r.ind.Code, Verdict: v, Article: r.ind.Article, Confirmed: r.ind.Confirmed}
		marks := map[string]string{}
		var p *person
		if r.member && r.ind.Aggregate == schema.AggregateAny {
			age := anyAge
			if p = j.dueTo(r, s, v, head); p != nil {
				why.Member = p.id
				why.MemberName = memberName(iv, p.id)
				age = p.age
			}
			marks["member"] = orText(why.MemberName, someone, lang)
			marks["age"], marks["aged"] = ageText(age, lang), agedText(age, lang)
		} else {
			j.householdMarks(r, s, marks, lang)
		}
		template := r.sentence(s, p)
		if v == Unknown && len(r.ind.Open) > 0 {
			template = r.ind.Open
		}
		why.Sentence = capital(fillMarks(template.In(lang), marks))
		if v == Unknown && who.listed == 0 && (r.member || r.sized) {
			why.Sentence = nobodyListed.In(lang)
			if s.membersContested() {
				why.Sentence = membersContested.In(lang)
			}
		}
		g.Why = append(g.Why, why)
	}
}

// sentence is the wording of a yes: that of the answer it is due to when the standard has one for it.
func (r *rule) sentence(s *sheet, p *person) schema.Text {
	for i := range r.said {
		a := &r.said[i]
		cells := s.house
		if a.member {
			if p == nil {
				continue
			}
			cells = p.cells
		}
		if c := &cells[a.cell]; c.state == known && c.value.Text() == a.value && !s.isOpen(p, a) {
			return a.text
		}
	}
	return r.ind.Sentence
}

// isOpen tells whether the answer behind a sentence is contested.
func (s *sheet) isOpen(p *person, a *said) bool {
	for i := range s.opens {
		if o := &s.opens[i]; o.slot.cell == a.cell && (o.member >= 0) == a.member && (o.member < 0 || &s.people[o.member] == p) {
			return true
		}
	}
	return false
}

// reword says what is really open where the indicator's own question is answered: the birth or the sex of the member, the
// day of review, or who else is in the household.
func (j *Judge) reword(g *Judgement, s *sheet, iv *Interview, who *roster, lang string) {
	at := 0
	for i, r := range j.rules {
		if v := g.Indicators[i]; v != Yes && v != Unknown {
			continue
		}
		why := &g.Why[at]
		at++
		if why.Verdict != Unknown || who.listed == 0 {
			continue
		}
		if r.member && r.ind.Aggregate == schema.AggregateAny && why.Member == "" {
			j.attribute(r, why, iv, lang)
		}
		rosterAlone := who.open && (len(why.Undecided) == 1 && why.Undecided[0] == "household_size")
		switch text, ok := ageOpen(why); {
		case ok:
			why.Sentence = capital(fillMarks(text.In(lang), map[string]string{"member": orText(why.MemberName, someone, lang)}))
		case rosterAlone && (r.member || r.sized):
			why.Sentence = s.rosterSentence(who, lang)
		case len(why.Undecided) == 0 && (r.member || r.sized) && s.membersContested():
			why.Sentence = membersContested.In(lang)
		}
	}
}

// membersContested tells whether people disagree on who is still in the household.
func (s *sheet) membersContested() bool {
	return slices.ContainsFunc(s.opens, func(o openUnit) bool { return o.slot.role == statusUnit })
}

// attribute names the first member whose answers an indicator waits for, when none of the values shown leaves it open.
func (j *Judge) attribute(r *rule, why *Reason, iv *Interview, lang string) {
	for _, unit := range why.Undecided {
		id, _, ok := schema.MemberUnit(unit)
		if !ok {
			continue
		}
		why.Member, why.MemberName = id, memberName(iv, id)
		why.Sentence = capital(fillMarks(r.ind.Open.In(lang), map[string]string{
			"member": orText(why.MemberName, someone, lang), "age": unknownText.In(lang), "aged": ageUnknown.In(lang),
		}))
		return
	}
}

// ageOpen is the sentence about a member of whom nothing but the birth, the sex or the day of review is open.
func ageOpen(why *Reason) (text schema.Text, ok bool) {
	if why.Member == "" {
		return nil, false
	}
	birth, sex, review := false, false, false
	for _, unit := range why.Undecided {
		id, rest, member := schema.MemberUnit(unit)
		switch {
		case unit == "review_date":
			review = true
		case !member && unit != "household_size":
			return nil, false
		case id != why.Member:
		case rest == "birth":
			birth = true
		case rest == "sex":
			sex = true
		default:
			return nil, false
		}
	}
	switch {
	case birth && sex:
		return openBirthSex, true
	case birth:
		return openBirth, true
	case sex:
		return openSex, true
	}
	return openReview, review
}

// rosterSentence says what is not known about who is in the household.
func (s *sheet) rosterSentence(who *roster, lang string) string {
	stated := s.size.value.Int()
	text := moreListed
	switch {
	case s.contested:
		text = sizeContested
	case s.vague:
		text = membersContested
	case s.size.state != known:
		text = sizeWrong
	case stated > int64(who.listed):
		text = fewerListed
	}
	return fillMarks(text.In(lang), map[string]string{
		"size": strconv.FormatInt(stated, 10), "listed": strconv.Itoa(who.listed), "more": strconv.FormatInt(stated-int64(who.listed), 10),
	})
}

// capital makes the first letter a capital one: a sentence may begin with a mark.
func capital(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if upper := unicode.ToUpper(first); n > 0 && upper != first {
		return string(upper) + s[n:]
	}
	return s
}

var (
	nobodyListed     = schema.Text{"vi": "Chưa ghi thành viên nào.", "en": "No member is listed yet."}
	fewerListed      = schema.Text{"vi": "Nhà khai {size} người, mới ghi {listed} người: còn {more} người chưa ghi.", "en": "Stated in the household: {size}; listed: {listed}; still to be listed: {more}."}
	moreListed       = schema.Text{"vi": "Nhà khai {size} người nhưng đã ghi {listed} người: xem lại số người.", "en": "Stated in the household: {size}; listed: {listed}. Check the number of people."}
	sizeContested    = schema.Text{"vi": "Chưa thống nhất nhà có mấy người.", "en": "It is not agreed yet how many people are in the household."}
	membersContested = schema.Text{"vi": "Chưa thống nhất ai còn trong hộ.", "en": "It is not agreed yet who is still in the household."}
	sizeWrong        = schema.Text{"vi": "Số người trong hộ ghi không đúng: nhập lại số người.", "en": "The number of people was not entered correctly. Enter it again."}

	openBirth    = schema.Text{"vi": "Chưa rõ ngày sinh của {member} nên chưa kết luận được.", "en": "The date of birth of {member} is not known, so there is no conclusion yet."}
	openSex      = schema.Text{"vi": "Chưa rõ giới tính của {member} nên chưa kết luận được.", "en": "The sex of {member} is not known, so there is no conclusion yet."}
	openBirthSex = schema.Text{"vi": "Chưa rõ ngày sinh và giới tính của {member} nên chưa kết luận được.", "en": "The date of birth and the sex of {member} are not known, so there is no conclusion yet."}
	openReview   = schema.Text{"vi": "Chưa có ngày rà soát nên chưa tính được tuổi của {member}.", "en": "There is no day of review yet, so the age of {member} cannot be told."}

	someone     = schema.Text{"vi": "một thành viên", "en": "a member"}
	unknownText = schema.Text{"vi": "chưa rõ", "en": "unknown"}
)

func orText(s string, fallback schema.Text, lang string) string {
	if s != "" {
		return s
	}
	return fallback.In(lang)
}

func memberName(iv *Interview, id string) string {
	m := iv.member(id)
	if m == nil {
		return ""
	}
	if a := findAnswer(m.answers, "name"); a != nil {
		return plainText(a.value)
	}
	return ""
}

// dueTo is the member an indicator is due to: the head of household before others, then in order of id. While values are
// contested it may be somebody whose verdict only one of the values gives.
func (j *Judge) dueTo(r *rule, s *sheet, v Verdict, head string) *person {
	var found *person
	for i := range s.people {
		p := &s.people[i]
		if p.exists && r.ofMember(j, p, s).one() == v && (found == nil || p.id == head) {
			found = p
		}
	}
	if found != nil || len(s.opens) == 0 {
		return found
	}
	for i := range s.opens {
		if m := s.opens[i].member; m >= 0 && s.people[m].exists && r.ofMember(j, &s.people[m], s) != canNA {
			return &s.people[m]
		}
	}
	return nil
}

// householdMarks are the figures a sentence about the household may name.
func (j *Judge) householdMarks(r *rule, s *sheet, marks map[string]string, lang string) {
	members, count := 0, 0
	for i := range s.people {
		if !s.people[i].exists {
			continue
		}
		members++
		if r.member && r.ofMember(j, &s.people[i], s) == canYes {
			count++
		}
	}
	if s.size.state == known && s.size.value.Int() > int64(members) {
		members = int(s.size.value.Int())
	}
	marks["members"] = strconv.Itoa(members)
	if r.member || r.sized {
		marks["people"] = peopleText(members, lang)
	}
	marks["count"] = strconv.Itoa(count)
	for i := range r.open {
		if c := &s.house[r.open[i].cell]; r.open[i].v.Unit == "house_area" && c.state == known {
			marks["area"] = FormatDecimal(c.value.Decimal(), -1, lang)
		}
	}
}

// ageText is an age in completed years, or the span of what is possible: "17–18".
func ageText(age Months, lang string) string {
	if age == anyAge {
		return unknownText.In(lang)
	}
	from, to := age.Years()
	if from == to {
		return strconv.Itoa(from)
	}
	return strconv.Itoa(from) + "–" + strconv.Itoa(to)
}

// agedText is an age in words of its own: "7 tuổi", "dưới 1 tuổi", "17–18 tuổi".
func agedText(age Months, lang string) string {
	if age == anyAge {
		return ageUnknown.In(lang)
	}
	text := agedYears
	n := ""
	if from, to := age.Years(); from == 0 {
		text, n = agedUnder, strconv.Itoa(to+1)
	} else {
		n = ageText(age, lang)
	}
	return strings.Replace(text.In(lang), "{n}", n, 1)
}

// peopleText is a number of people: "4 người".
func peopleText(n int, lang string) string {
	text := manyPeople
	if n == 1 {
		text = onePerson
	}
	return strings.Replace(text.In(lang), "{n}", strconv.Itoa(n), 1)
}

var (
	ageUnknown = schema.Text{"vi": "chưa rõ tuổi", "en": "age not known"}
	agedYears  = schema.Text{"vi": "{n} tuổi", "en": "aged {n}"}
	agedUnder  = schema.Text{"vi": "dưới {n} tuổi", "en": "under {n}"}
	onePerson  = schema.Text{"vi": "{n} người", "en": "{n} person"}
	manyPeople = schema.Text{"vi": "{n} người", "en": "{n} people"}
)

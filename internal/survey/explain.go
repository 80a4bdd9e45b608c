package survey

import (
	"strconv"
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
func (j *Judge) explain(g *Judgement, s *sheet, iv *Interview, lang string) {
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
		if r.member && r.ind.Aggregate == schema.AggregateAny {
			if p := j.dueTo(r, s, v, head); p != nil {
				why.Member = p.id
				why.MemberName = memberName(iv, p.id)
				marks["age"] = ageText(p.age, lang)
			}
			marks["member"] = orText(why.MemberName, someone, lang)
			if marks["age"] == "" {
				marks["age"] = unknownText.In(lang)
			}
		} else {
			j.householdMarks(r, s, marks, lang)
		}
		template := r.ind.Sentence
		if v == Unknown && len(r.ind.Open) > 0 {
			template = r.ind.Open
		}
		why.Sentence = capital(fillMarks(template.In(lang), marks))
		if v == Unknown && len(s.people) == 0 && (r.member || r.sized) {
			why.Sentence = nobodyListed.In(lang)
		}
		g.Why = append(g.Why, why)
	}
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
	nobodyListed = schema.Text{"vi": "Chưa ghi thành viên nào của hộ.", "en": "No member of the household is listed yet."}
	someone      = schema.Text{"vi": "một thành viên", "en": "a member"}
	unknownText  = schema.Text{"vi": "chưa rõ", "en": "unknown"}
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

package web

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// answer is one answer as people read it.
type answer struct {
	Text      string
	Open      string // why it is left open
	Hidden    bool   // sensitive, and not asked for
	Contested bool
}

// reading turns the units of one record into words.
type reading struct {
	v     *visit
	q     *schema.Questionnaire
	iv    *survey.Interview
	names map[string]string // member id → name
	show  bool              // sensitive answers too
}

// alsoSensitive are units the law protects as personal data that the questionnaire does not mark, with how they are shown.
var alsoSensitive = []string{"id_number", "insurance_number"}

func sensitive(q *schema.Question) bool {
	return q.Sensitive || slices.Contains(alsoSensitive, q.Unit) || q.Group != nil && q.Group.Sensitive
}

// answer is the provisional value of a unit.
func (r *reading) answer(question *schema.Question, unit string) answer {
	a := answer{Contested: len(r.iv.Open(unit)) > 0}
	value := r.iv.Value(unit)
	switch {
	case value == nil:
		open := "open/" + unit
		if id, rest, ok := schema.MemberUnit(unit); ok {
			open = "m/" + id + "/open/" + rest
		}
		if why := r.iv.Text(open); why != "" {
			a.Open = r.v.choice(schema.KindInterview, "open/water", why)
		}
	case sensitive(question) && !r.show:
		a.Hidden = true
	default:
		a.Text = r.text(question, value)
	}
	return a
}

// choices puts the yes and no answers of a question with several choices into one line: what there is, and what
// was not asked.
func (r *reading) choices(q *schema.Question) answer {
	var out answer
	var yes, open []string
	for _, p := range q.Parts {
		a := r.answer(p, p.Unit)
		label := p.Label.In(r.v.lang)
		out.Hidden = out.Hidden || a.Hidden
		out.Contested = out.Contested || a.Contested
		switch {
		case r.iv.Text(p.Unit) == "yes":
			yes = append(yes, label)
		case r.iv.Text(p.Unit) != "no":
			open = append(open, label)
		}
	}
	if out.Hidden || len(open) == len(q.Parts) {
		return out
	}
	switch {
	case len(yes) > 0:
		out.Text = strings.Join(yes, ", ")
	case len(open) == 0:
		out.Text = r.v.t("answer.none_of_them")
	}
	if len(open) > 0 {
		out.Text = strings.TrimPrefix(out.Text+"; "+r.v.t("answer.not_asked", strings.Join(open, ", ")), "; ")
	}
	return out
}

// text is a value in words.
func (r *reading) text(q *schema.Question, value []byte) string {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	if value[0] == '{' {
		return r.object(q, value)
	}
	plain := string(value)
	if value[0] == '"' && json.Unmarshal(value, &plain) != nil {
		return string(value)
	}
	if q == nil {
		return plain
	}
	if c, ok := q.Choice(plain); ok {
		return c.Label.In(r.v.lang)
	}
	switch q.Type {
	case schema.TypeYesNo:
		if plain == "yes" || plain == "no" {
			return r.v.t(plain)
		}
	case schema.TypeDate, schema.TypeBirth:
		return date(plain, r.v.lang)
	case schema.TypeInteger, schema.TypeDecimal, schema.TypeMoney:
		return numeral(plain, r.v.lang)
	case schema.TypeArea:
		return r.v.areaName(plain, "")
	case schema.TypeMember:
		if name := r.names[plain]; name != "" {
			return name
		}
	case schema.TypeStatus:
		if plain == "active" {
			return r.v.t("status.active")
		}
	}
	if q.CodeList != "" {
		if list := r.v.s.Store.Set().Codes[q.CodeList]; list != nil {
			return list.Label(plain, r.v.lang)
		}
	}
	if q.Unit == "respondent" && r.names[plain] != "" {
		return r.names[plain]
	}
	return plain
}

// object is a composite unit: its fields in the questionnaire's order.
func (r *reading) object(q *schema.Question, value []byte) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(value, &m) != nil {
		return string(value)
	}
	if q != nil && q.Type == schema.TypeStatus {
		return r.status(q, m)
	}
	var parts []string
	if q != nil {
		for _, f := range q.Fields {
			raw, ok := m[f.Unit]
			delete(m, f.Unit)
			if text := r.text(f, raw); ok && text != "" {
				if f.Unit == "v" {
					parts = append(parts, text)
				} else {
					parts = append(parts, f.Label.In(r.v.lang)+": "+text)
				}
			}
		}
	}
	for _, k := range sortedNames(m) { // fields of a newer questionnaire
		parts = append(parts, k+": "+r.text(nil, m[k]))
	}
	return strings.Join(parts, "; ")
}

func (r *reading) status(q *schema.Question, m map[string]json.RawMessage) string {
	text := r.v.t("status.removed")
	why := ""
	if json.Unmarshal(m["why"], &why) == nil && why != "" {
		if c, ok := q.Choice(why); ok {
			why = c.Label.In(r.v.lang)
		}
		text += ": " + why
	}
	return text
}

// label names a unit as it stands on the wire, with the member it is about.
func (r *reading) label(kind, unit string) string {
	q, ok := r.q.Question(kind, unit)
	if !ok {
		return unit
	}
	label := q.Label.In(r.v.lang)
	if q.Group != nil {
		label = q.Group.Label.In(r.v.lang) + ": " + label
	}
	if q.Unit == "." || strings.HasPrefix(q.Unit, "open/") {
		if _, rest, member := schema.MemberUnit(unit); member {
			unit = rest
		}
		if about, ok := strings.CutPrefix(unit, "open/"); ok {
			label += " (" + r.label(kind, about) + ")"
		}
	}
	if id, _, ok := schema.MemberUnit(unit); ok {
		name := r.names[id]
		if name == "" {
			name = r.v.t("household.unnamed_member")
		}
		label = name + ": " + label
	}
	return label
}

// value is a value of a unit in words; a sensitive one only when asked for.
func (r *reading) value(kind, unit string, value []byte) answer {
	q, _ := r.q.Question(kind, unit)
	if q != nil && sensitive(q) && !r.show {
		return answer{Hidden: true}
	}
	text := r.text(q, value)
	if text == "" {
		text = r.v.t("answer.none")
	}
	return answer{Text: text}
}

// units names what a change wrote, without the status units that go with every answer, at most maxUnits of them.
func (r *reading) units(kind string, units []string) string {
	var names []string
	for _, u := range units {
		if u == "." || strings.HasSuffix(u, "/.") {
			continue
		}
		names = append(names, r.label(kind, u))
	}
	if len(names) == 0 && len(units) > 0 {
		return r.v.t("history.status")
	}
	if len(names) > maxUnits {
		return strings.Join(names[:maxUnits], "; ") + "; " + r.v.t("history.more", r.v.n(int64(len(names)-maxUnits)))
	}
	return strings.Join(names, "; ")
}

// maxUnits is how many units a row of a history names.
const maxUnits = 6

// jsonText is a text as JSON.
func jsonText(s string) string {
	b, _ := json.Marshal(s) // a string always can
	return string(b)
}

func points(low, high int) string {
	if low == high {
		return strconv.Itoa(low)
	}
	return strconv.Itoa(low) + "–" + strconv.Itoa(high)
}

package ui

import (
	"bytes"
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rasoat/rasoat/schema"
)

func itoa(n int) string { return strconv.Itoa(n) }

// answerText is an answer in words: the label of a code, a number and a date as they are written here, a member's name.
func (v *visit) answerText(q *schema.Question, value json.RawMessage) string {
	if len(value) == 0 || string(value) == "null" {
		return v.a.t("answer.none")
	}
	text := plain(value)
	lang := v.a.lang
	switch {
	case value[0] == '{':
		return v.objectText(q, value)
	case q.CodeList != "":
		if list := v.a.Set.Codes[q.CodeList]; list != nil {
			return list.Label(text, lang)
		}
	case q.Type == schema.TypeMember:
		return v.memberName(text)
	case q.Type == schema.TypeArea:
		return v.a.store.AreaName(text)
	case q.Type == schema.TypeDate, q.Type == schema.TypeBirth:
		return writeDate(text)
	case q.Type == schema.TypeInteger, q.Type == schema.TypeDecimal, q.Type == schema.TypeMoney:
		return writeNumber(text)
	case q.Type == schema.TypeYesNo && len(q.Choices) == 0:
		if text == "yes" || text == "no" {
			return v.a.t(text)
		}
	}
	if c, ok := q.Choice(text); ok {
		return c.Label.In(lang)
	}
	if q.Unit == "respondent" {
		for _, m := range v.now.roster {
			if m.ID == text {
				return v.memberName(text)
			}
		}
	}
	return text
}

func (v *visit) objectText(q *schema.Question, value json.RawMessage) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(value, &fields) != nil {
		return string(value)
	}
	var parts []string
	for _, f := range q.Fields {
		if raw, ok := fields[f.Unit]; ok {
			parts = append(parts, f.Label.In(v.a.lang)+": "+v.answerText(f, raw))
			delete(fields, f.Unit)
		}
	}
	var rest []string
	for name, raw := range fields {
		if name != "at" {
			rest = append(rest, name+": "+plain(raw))
		}
	}
	sort.Strings(rest)
	return strings.Join(append(parts, rest...), "; ")
}

// plain is a JSON text without its quotes, anything else as written.
func plain(value json.RawMessage) string {
	value = bytes.TrimSpace(value)
	var s string
	if len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &s) == nil {
		return s
	}
	if string(value) == "null" {
		return ""
	}
	return string(value)
}

// when is a moment for a person, in the tablet's time.
func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format("15:04 2/1/2006")
}

// ago says how long ago a moment was, in whole units.
func (a *App) ago(t time.Time) string {
	switch d := a.Now().Sub(t); {
	case d < time.Minute:
		return a.t("ago.now")
	case d < time.Hour:
		return a.t("ago.minutes", "n", itoa(int(d.Minutes())))
	case d < 24*time.Hour:
		return a.t("ago.hours", "n", itoa(int(d.Hours())))
	default:
		return a.t("ago.days", "n", itoa(int(d.Hours()/24)))
	}
}

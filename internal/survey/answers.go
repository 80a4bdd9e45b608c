package survey

import (
	"strconv"

	"github.com/rasoat/rasoat/schema"
)

// readAnswer reads a value as the question's type. An empty text is no answer.
func readAnswer(q *schema.Question, raw string) (schema.Value, string) {
	if raw == "" {
		return schema.Value{}, ""
	}
	switch q.Type {
	case schema.TypeInteger, schema.TypeMoney:
		return readNumber(schema.KindInt, raw)
	case schema.TypeDecimal:
		return readNumber(schema.KindDecimal, raw)
	case schema.TypeObject:
		if raw[0] == '{' {
			return schema.Value{}, ""
		}
		if _, ok := q.Choice(quoted(raw)); ok {
			return schema.Value{}, ""
		}
		return schema.Value{}, "value_type"
	case schema.TypeStatus:
		return schema.Value{}, statusFault(raw)
	}
	if raw[0] != '"' {
		return schema.Value{}, "value_type"
	}
	text := plainText(raw)
	if text == "" {
		return schema.Value{}, ""
	}
	return schema.StringValue(text), textFault(q, text)
}

func readNumber(kind schema.ValueKind, raw string) (schema.Value, string) {
	c := readValue(kind, raw)
	if c.state == wrong {
		return schema.Value{}, faultOf(&schema.Variable{Kind: kind}, raw)
	}
	return c.value, ""
}

func textFault(q *schema.Question, text string) string {
	switch q.Type {
	case schema.TypeDate:
		if _, ok := ParseDay(text); !ok {
			return "date_form"
		}
	case schema.TypeBirth:
		if _, ok := ParseBirth(text); ok {
			return ""
		}
		if _, ok := digits(text); ok && len(text) == 2 {
			return "year_short"
		}
		return "birth_form"
	case schema.TypeSelect, schema.TypeYesNo:
		if _, ok := q.Choice(text); !ok && len(q.Choices) > 0 {
			return "choice_unknown"
		}
	}
	return ""
}

// shortYear is the year two digits most likely mean: the last such year that is not after the review.
func shortYear(two string, review int) string {
	n, _ := digits(two)
	if review == 0 {
		return strconv.Itoa(1900 + n)
	}
	year := review/100*100 + n
	if year > review {
		year -= 100
	}
	return strconv.Itoa(year)
}

// statusFault is what is wrong with a status: it is "active", or an object whose s is one of three words. Anything else
// counts as active and is told, so that nobody vanishes, or stays, by a typo.
func statusFault(raw string) string {
	if raw == "" || raw == `"active"` {
		return ""
	}
	word := quoted(raw)
	if raw[0] == '{' {
		word = statusWord(raw)
		if word == "removed" || word == "deleted" {
			return ""
		}
	}
	if word == "active" || raw == `""` {
		return ""
	}
	return "status_form"
}

// outside tells whether a number is out of the question's range.
func outside(q *schema.Question, v schema.Value) bool {
	var number float64
	switch v.Kind() {
	case schema.KindInt:
		number = float64(v.Int())
	case schema.KindDecimal:
		number = v.Decimal()
	default:
		return false
	}
	return (q.Min != nil && number < *q.Min) || (q.Max != nil && number > *q.Max)
}

// rangeMarks fill the sentence about a value out of range.
func rangeMarks(q *schema.Question, lang string) map[string]string {
	end := func(f *float64) string {
		if f == nil {
			return "…"
		}
		return FormatDecimal(*f, -1, lang)
	}
	return map[string]string{"question": q.Label.In(lang), "min": end(q.Min), "max": end(q.Max)}
}

// valueFault is what is wrong with one value by its question's type, codes and range, and the question it is wrong by: the
// question itself or a field of it. It says nothing of what needs more than the value, as [Check] does.
func valueFault(q *schema.Question, raw string) (code string, at *schema.Question) {
	if raw == "" || q.Type == schema.TypeMulti {
		return "", q
	}
	switch q.Type {
	case schema.TypeText, schema.TypeArea, schema.TypeMember, schema.TypeRecord:
		if raw[0] == '"' {
			return "", q
		}
		return "value_type", q
	case schema.TypeObject:
		if raw[0] == '{' {
			return fieldFault(q, raw)
		}
	}
	value, fault := readAnswer(q, raw)
	if fault == "" && value.Known() && outside(q, value) {
		fault = "out_of_range"
	}
	return fault, q
}

func fieldFault(q *schema.Question, raw string) (code string, at *schema.Question) {
	at = q
	s := scanner{text: raw}
	s.members(func(key, value string) bool {
		if f, ok := q.Field(key); ok {
			code, at = valueFault(f, notNull(value))
		}
		return code == ""
	})
	return code, at
}

// faultProblem is the problem about a value by its fault.
func faultProblem(code, unit, lang string, q *schema.Question) Problem {
	if code != "out_of_range" || q == nil {
		return problem(code, unit, lang, nil)
	}
	return problem(code, unit, lang, rangeMarks(q, lang))
}

package survey

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// appendLine writes the result as questionnaire.md section 5 shows it.
func (g *Judgement) appendLine(b []byte, id string) []byte {
	if id == "" {
		id = "null"
	}
	b = append(b, `{"id":`...)
	b = append(b, id...)
	b = append(b, `,"class":"`...)
	b = append(b, g.Class...)
	b = append(b, `","b2":`...)
	b = strconv.AppendInt(b, int64(g.B2), 10)
	b = append(b, `,"b2_max":`...)
	b = strconv.AppendInt(b, int64(g.B2Max), 10)
	b = append(b, `,"indicators":`...)
	b = g.appendIndicators(b)
	b = append(b, `,"undecided":`...)
	b = appendStrings(b, g.Undecided)
	b = append(b, `,"average_living":"`...)
	b = append(b, g.AverageLiving...)
	b = append(b, `","basis":"`...)
	b = append(b, g.Basis...)
	b = append(b, '"')
	if g.Why != nil {
		b = append(b, `,"why":[`...)
		for i := range g.Why {
			if i > 0 {
				b = append(b, ',')
			}
			b = g.Why[i].append(b)
		}
		b = append(b, ']')
	}
	if len(g.Problems) > 0 {
		b = append(b, `,"problems":`...)
		text, _ := json.Marshal(g.Problems) // of strings alone
		b = append(b, text...)
	}
	return append(b, '}')
}

func (g *Judgement) appendIndicators(b []byte) []byte {
	b = append(b, '{')
	for i, ind := range g.std.Indicators {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, ind.Code)
		b = append(b, `:"`...)
		b = append(b, g.Indicators[i].String()...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func (r *Reason) append(b []byte) []byte {
	b = append(b, `{"indicator":`...)
	b = appendJSON(b, r.Indicator)
	b = append(b, `,"verdict":"`...)
	b = append(b, r.Verdict.String()...)
	b = append(b, '"')
	if r.Member != "" {
		b = append(b, `,"member":`...)
		b = appendJSON(b, r.Member)
	}
	b = append(b, `,"sentence":`...)
	b = appendJSON(b, r.Sentence)
	b = append(b, `,"article":`...)
	b = appendJSON(b, r.Article)
	b = append(b, `,"confirmed":`...)
	b = strconv.AppendBool(b, r.Confirmed)
	if len(r.Undecided) > 0 {
		b = append(b, `,"undecided":`...)
		b = appendStrings(b, r.Undecided)
	}
	return append(b, '}')
}

// MarshalJSON gives the judgement as an object, indicators by code in the standard's order.
func (g *Judgement) MarshalJSON() ([]byte, error) {
	line := g.appendLine(nil, "")
	return append([]byte{'{'}, bytes.TrimPrefix(line, []byte(`{"id":null,`))...), nil
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, s)
	}
	return append(b, ']')
}

const hex = "0123456789abcdef"

// appendJSON writes a string as JSON, letters of every language as they are.
func appendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		from = i + 1
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

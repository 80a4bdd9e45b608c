package central

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// fateOfWrites: one unit the role may not write holds the whole change; a value no reader can take counts as unknown, and the
// board is told, as of a reason that is missing.
func fateOfWrites(q *schema.Questionnaire, c *fieldsync.Change) (state, why string) {
	state = StatePublished
	flag := func(reason string) {
		if state == StatePublished {
			state, why = StateFlagged, reason
		}
	}
	kind := q.Kinds[c.Kind]
	needsWhy := c.Op == fieldsync.OpResolve || c.Op == fieldsync.OpRevert
	for _, w := range c.Writes {
		question, known := kind.Question(w.Unit)
		if known && !question.MayWrite(c.Role) || !known && !survey.MayWrite(q, survey.Role(c.Role), c.Kind, w.Unit) {
			return StateHeld, WhyRole
		}
		if known && len(w.Value) > 0 && w.Value[0] == '"' && numeric(question.Type) || !readable(w.Value) {
			flag(WhyType)
		}
		if known && question.Type == schema.TypeStatus && gone(w.Value) {
			if needsWhy = true; !hasCode(question, w.Value) {
				flag(WhyReason)
			}
		}
	}
	if needsWhy && strings.TrimSpace(c.Why) == "" {
		flag(WhyReason)
	}
	return state, why
}

// hasCode tells whether a deletion or removal names a reason the questionnaire has.
func hasCode(q *schema.Question, status []byte) bool {
	var s struct {
		Why string `json:"why"`
	}
	return json.Unmarshal(status, &s) == nil && slices.ContainsFunc(q.Choices, func(c schema.Choice) bool { return c.Value == s.Why })
}

func numeric(t schema.Type) bool {
	return t == schema.TypeInteger || t == schema.TypeDecimal || t == schema.TypeMoney
}

// readable tells whether every number of a value is one, and every text: JSON allows 1e400 and half a character.
func readable(value []byte) bool {
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"':
			n, ok := readableText(value[i+1:])
			if i += 1 + n; !ok {
				return false
			}
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(value) && strings.IndexByte("+-.eE0123456789", value[end]) >= 0 {
				end++
			}
			if _, err := strconv.ParseFloat(string(value[i:end]), 64); err != nil {
				return false
			}
			i = end
		default:
			i++
		}
	}
	return true
}

// readableText reads to behind the closing quote: an escaped surrogate stands only in a pair.
func readableText(s []byte) (n int, ok bool) {
	if end := bytes.IndexByte(s, '"'); end >= 0 && bytes.IndexByte(s[:end], '\\') < 0 {
		return end + 1, true
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i + 1, true
		case s[i] != '\\':
		case i+1 < len(s) && s[i+1] != 'u':
			i++
		default:
			unit, ok := escaped(s[i:])
			if low, pair := escaped(s[min(i+6, len(s)):]); ok && unit>>10 == 0xD800>>10 && pair && low>>10 == 0xDC00>>10 {
				i += 6
			} else if !ok || unit>>11 == 0xD800>>11 {
				return len(s), false
			}
			i += 5
		}
	}
	return len(s), true
}

// escaped reads \uXXXX.
func escaped(s []byte) (unit uint64, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return unit, err == nil
}

package survey

import (
	"bytes"
	"encoding/json"
)

// eachMember calls f for the members of a JSON object, with the value verbatim, until f returns false. The text must be valid
// JSON (json.Valid), which is what makes this scanner so short; decoding a line into maps takes several times as long as
// judging it.
func eachMember(object []byte, f func(key string, value []byte) bool) {
	i := skipBlank(object, 0) + 1
	for {
		i = skipBlank(object, i)
		if object[i] == '}' {
			return
		}
		if object[i] == ',' {
			i++
			continue
		}
		end := stringEnd(object, i)
		key := keyText(object[i:end])
		i = skipBlank(object, end) + 1 // the colon
		i = skipBlank(object, i)
		end = valueEnd(object, i)
		if !f(key, object[i:end]) {
			return
		}
		i = end
	}
}

func skipBlank(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r' {
		i++
	}
	return i
}

// stringEnd is the index after the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(b[i:], '"')
		i += n
		back := 0
		for b[i-1-back] == '\\' {
			back++
		}
		if back%2 == 0 {
			return i + 1
		}
	}
}

func keyText(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // the text is valid JSON
	return s
}

// valueEnd is the index after the value that starts at i.
func valueEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch b[i] {
			case '"':
				i = stringEnd(b, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
}

package survey

import "encoding/json"

// scanner splits JSON in one pass and checks it on the way. Decoding a line into maps takes several times as long as judging
// it, and the standard library's check alone as long as all the rest.
type scanner struct {
	text string
	at   int
}

// maxDepth bounds nesting; no answer nests deeper than an object in w.
const maxDepth = 64

// members calls f for the members of the object that starts here, each value verbatim, until f returns false. ok is false
// when the text is not JSON.
func (s *scanner) members(f func(key, value string) bool) (ok bool) {
	if !s.take('{') {
		return false
	}
	s.blank()
	if s.take('}') {
		return true
	}
	for {
		s.blank()
		from := s.at
		if !s.str() {
			return false
		}
		key := keyText(s.text[from:s.at])
		s.blank()
		if !s.take(':') {
			return false
		}
		s.blank()
		from = s.at
		if !s.value(0) {
			return false
		}
		if !f(key, s.text[from:s.at]) {
			return true
		}
		s.blank()
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// end tells whether nothing but blanks is left.
func (s *scanner) end() bool {
	s.blank()
	return s.at == len(s.text)
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) blank() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) value(depth int) bool {
	if s.at >= len(s.text) || depth > maxDepth {
		return false
	}
	switch s.text[s.at] {
	case '"':
		return s.str()
	case '{', '[':
		return s.nested(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scanner) word(w string) bool {
	if len(s.text)-s.at < len(w) || s.text[s.at:s.at+len(w)] != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) nested(depth int) bool {
	object := s.text[s.at] == '{'
	last := byte(']')
	if object {
		last = '}'
	}
	s.at++
	s.blank()
	if s.take(last) {
		return true
	}
	for {
		s.blank()
		if object {
			if !s.str() {
				return false
			}
			s.blank()
			if !s.take(':') {
				return false
			}
			s.blank()
		}
		if !s.value(depth + 1) {
			return false
		}
		s.blank()
		if s.take(last) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// str passes over a string. Whether it is UTF-8 is checked for the whole text at once.
func (s *scanner) str() bool {
	if !s.take('"') {
		return false
	}
	text := s.text
	for i := s.at; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			s.at = i + 1
			return true
		case c == '\\':
			n := escape(text[i+1:])
			if n == 0 {
				return false
			}
			i += n
		case c < ' ':
			return false
		}
	}
	return false
}

// escape is the length of an escape after its backslash; 0 when it is none.
func escape(rest string) int {
	if rest == "" {
		return 0
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(rest) < 5 {
			return 0
		}
		for _, c := range []byte(rest[1:5]) {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return 0
			}
		}
		return 5
	}
	return 0
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && s.digits() == 0 {
		return false
	}
	if s.take('.') && s.digits() == 0 {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits() > 0
	}
	return true
}

func (s *scanner) digits() int {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at - from
}

// validJSON tells whether all of the text is one JSON value.
func validJSON(text string) bool {
	s := scanner{text: text}
	s.blank()
	return s.value(0) && s.end()
}

func keyText(quoted string) string {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] == '\\' {
			var s string
			_ = json.Unmarshal([]byte(quoted), &s) // it was just found to be a string
			return s
		}
	}
	return quoted[1 : len(quoted)-1]
}

package sync

// The grammar of JSON, gone over once, without building anything. What it accepts encoding/json accepts too (a fuzz test
// holds the two together); it is stricter in depth and in names that stand twice.

// end allows blanks after the value and nothing else.
func (s *scanner) end() bool {
	if s.space(); s.at < len(s.line) {
		return s.syntax("the end of the line")
	}
	return true
}

func (s *scanner) space() {
	for s.at < len(s.line) {
		switch s.line[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take steps over c, after blanks.
func (s *scanner) take(c byte) bool {
	if s.space(); s.at < len(s.line) && s.line[s.at] == c {
		s.at++
		return true
	}
	return false
}

// object calls member for each of an object's members, with the ends of the name's text; member reads the value.
func (s *scanner) object(member func(from, to int, escaped bool) bool) bool {
	if !s.take('{') {
		return s.syntax("an object")
	}
	if s.depth++; s.depth > MaxDepth {
		return s.fail(FaultDepth, "values nest deeper than %d", MaxDepth)
	}
	defer func() { s.depth-- }()
	if s.take('}') {
		return true
	}
	for {
		s.space()
		from, to, escaped, ok := s.quoted()
		if !ok {
			return false
		}
		if !s.take(':') {
			return s.syntax("a colon")
		}
		if !member(from, to, escaped) {
			return false
		}
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return true
		}
		return s.syntax("a comma or the end of the object")
	}
}

// array calls item where each of a list's items begins; item reads it.
func (s *scanner) array(item func() bool) bool {
	if !s.take('[') {
		return s.syntax("a list")
	}
	if s.depth++; s.depth > MaxDepth {
		return s.fail(FaultDepth, "values nest deeper than %d", MaxDepth)
	}
	defer func() { s.depth-- }()
	if s.take(']') {
		return true
	}
	for {
		if !item() {
			return false
		}
		if s.take(',') {
			continue
		}
		if s.take(']') {
			return true
		}
		return s.syntax("a comma or the end of the list")
	}
}

// value steps over one value of any kind.
func (s *scanner) value() bool {
	if s.space(); s.at >= len(s.line) {
		return s.syntax("a value")
	}
	switch c := s.line[s.at]; {
	case c == '"':
		_, _, _, ok := s.quoted()
		return ok
	case c == '-' || (c >= '0' && c <= '9'):
		return s.digits()
	case c == '{':
		var unique names
		return s.object(func(from, to int, escaped bool) bool {
			key, ok := s.name(from, to, escaped)
			return ok && unique.add(s, key) && s.value()
		})
	case c == '[':
		return s.array(s.value)
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.syntax("a value")
}

func (s *scanner) word(w string) bool {
	if len(s.text)-s.at < len(w) || s.text[s.at:s.at+len(w)] != w {
		return s.syntax(w)
	}
	s.at += len(w)
	return true
}

// digits steps over a number: an optional minus, a whole part without leading zeros, a fraction, an exponent.
func (s *scanner) digits() bool {
	if s.line[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.line) && s.line[s.at] == '0' {
		s.at++
	} else if !s.run() {
		return false
	}
	if s.at < len(s.line) && s.line[s.at] == '.' {
		s.at++
		if !s.run() {
			return false
		}
	}
	if s.at < len(s.line) && s.line[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.line) && (s.line[s.at] == '+' || s.line[s.at] == '-') {
			s.at++
		}
		return s.run()
	}
	return true
}

// run steps over one digit or more.
func (s *scanner) run() bool {
	from := s.at
	for s.at < len(s.line) && s.line[s.at] >= '0' && s.line[s.at] <= '9' {
		s.at++
	}
	return s.at > from || s.syntax("a digit")
}

// special marks the bytes a text cannot hold as they are.
var special = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// quoted steps over a text and returns the ends of what stands between its quotes.
func (s *scanner) quoted() (from, to int, escaped, ok bool) {
	if s.at >= len(s.line) || s.line[s.at] != '"' {
		return 0, 0, false, s.syntax("a text")
	}
	line, i := s.line, s.at+1
	from = i
	for i < len(line) {
		if !special[line[i]] {
			i++
			continue
		}
		switch line[i] {
		case '"':
			s.at = i + 1
			return from, i, escaped, true
		case '\\':
			escaped = true
			n := escapeLength(line[i:])
			if n == 0 {
				s.at = i
				return 0, 0, false, s.fail(FaultJSON, "byte %d begins an escape that JSON does not have", i+1)
			}
			i += n
		default:
			return 0, 0, false, s.fail(FaultJSON, "byte %d is a bare control character in a text", i+1)
		}
	}
	s.at = i
	return 0, 0, false, s.syntax("the end of a text")
}

// escapeLength is the length of the escape at the start of b; 0 when it is none.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}

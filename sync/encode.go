package sync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"
)

// Encode fills in Bytes from the other fields, members in the order the design lists them, values as they are. It refuses,
// with the same Fault, what DecodeChange would refuse, so that an honest author never makes a line that goes to quarantine.
func (c *Change) Encode() error {
	if !ValidReplica(c.Dot.Replica) {
		return fmt.Errorf("encode change %s: the replica id is not valid", c.Dot)
	}
	b := make([]byte, 0, c.size())
	b = strconv.AppendUint(append(b, `{"s":`...), c.Dot.Seq, 10)
	b = appendMember(b, "r", c.Record)
	b = appendMember(b, "k", c.Kind)
	b = appendMember(b, "op", c.Op)
	b = appendMember(b, "f", c.Form)
	b = appendMember(b, "sc", c.Scope)
	b = appendMember(b, "u", c.Account)
	b = appendMember(b, "as", c.Role)
	b = strconv.AppendInt(append(b, `,"at":`...), c.At, 10)
	if c.N > 0 {
		b = strconv.AppendUint(append(b, `,"n":`...), c.N, 10)
	}
	for i, p := range c.Parents {
		b = append(b, listOpen(i, `,"p":["`, `","`)...)
		b = p.append(b)
	}
	if len(c.Parents) > 0 {
		b = append(b, `"]`...)
	}
	b = append(b, `,"w":{`...)
	for i, w := range c.Writes {
		b = append(b, listOpen(i, "", ",")...)
		b = append(appendText(b, w.Unit), ':')
		b = appendValue(b, w.Value)
	}
	b = append(b, '}')
	b = appendMember(b, "why", c.Why)
	b = appendMember(b, "x", c.Tag)
	if c.Was != nil {
		b = appendMember(b, "was", c.Was.String())
	}
	b = append(b, '}')
	read, fault := DecodeChange(c.Dot.Replica, b)
	if fault != nil {
		return fmt.Errorf("encode change %s: %w", c.Dot, fault)
	}
	if !slices.EqualFunc(read.Writes, c.Writes, func(a, b Write) bool { return a.Unit == b.Unit }) {
		return fmt.Errorf("encode change %s: a value is not one JSON value", c.Dot)
	}
	c.Bytes = b
	return nil
}

func (c *Change) size() int {
	n := 256 + len(c.Why) + 24*len(c.Parents)
	for _, w := range c.Writes {
		n += len(w.Unit) + len(w.Value) + 4
	}
	return n
}

func listOpen(i int, first, next string) string {
	if i == 0 {
		return first
	}
	return next
}

// appendMember appends a text member; an empty one is left out.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendText(b, value)
}

// appendValue appends a value verbatim. A value that was typed over several lines is put on one: a change is one line.
func appendValue(b, value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 {
		return append(b, value...)
	}
	var one bytes.Buffer
	if json.Compact(&one, value) != nil {
		return append(b, value...)
	}
	return append(b, one.Bytes()...)
}

// appendText appends a JSON text with only the escapes JSON asks for: Vietnamese stays readable in the log.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		if !special[s[i]] {
			continue
		}
		b = append(b, s[from:i]...)
		if from = i + 1; s[i] >= ' ' {
			b = append(b, '\\', s[i])
		} else {
			b = append(b, '\\', 'u', '0', '0', hex[s[i]>>4], hex[s[i]&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}

// InterviewID names the interview of a household in a round: UUIDv5 of the household's id within the round's, so that two
// tablets that interview one household write one record. Both ids are UUIDs in lower case; for anything else it returns "".
func InterviewID(round, household string) string {
	space, err := uuid.Parse(round)
	if err != nil || !validUUID(round) || !validUUID(household) {
		return ""
	}
	return uuid.NewSHA1(space, []byte(household)).String()
}

package sync

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Append appends the line as it travels, without a line break. B and the values of a State are written as they are stored:
// a general JSON writer would change their blanks and escapes, and with them the chain's hash.
func (l *PullLine) Append(b []byte) []byte {
	if l.End != nil {
		return l.End.append(b)
	}
	b = append(b, '{')
	if l.C != nil {
		b = append(appendText(append(b, `"c":[`...), l.C.Scope), ',')
		b = append(strconv.AppendUint(b, l.C.Pos, 10), "],"...)
	}
	switch {
	case l.Gone != "":
		b = appendText(append(b, `"gone":`...), l.Gone)
	case l.State != nil:
		b = l.State.Append(append(b, `"state":`...))
	case l.Erase != nil:
		b = appendTexts(append(b, `"erase":`...), l.Erase)
	default:
		b = appendText(append(b, `"replica":`...), l.Replica)
		b = strconv.AppendUint(append(b, `,"s":`...), l.S, 10)
		if !l.Own {
			b = append(append(b, `,"b":`...), l.B...)
		}
	}
	return append(b, '}')
}

func (e *PullEnd) append(b []byte) []byte {
	b = append(b, `{"end":{`...)
	for i, scope := range sortedKeys(e.End) {
		b = append(appendText(append(b, listOpen(i, "", ",")...), scope), ":["...)
		b = append(appendText(b, e.End[scope].Epoch), ',')
		b = append(strconv.AppendUint(b, e.End[scope].Pos, 10), ']')
	}
	b = strconv.AppendBool(append(b, `},"more":`...), e.More)
	if e.FP != nil {
		b = append(b, `,"fp":{`...)
		for i, scope := range sortedKeys(e.FP) {
			b = append(appendText(append(b, listOpen(i, "", ",")...), scope), ':')
			b = e.FP[scope].append(b)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		b = appendText(append(b, listOpen(i, "", ",")...), s)
	}
	return append(b, ']')
}

func (p Print) append(b []byte) []byte {
	b = append(strconv.AppendUint(append(b, '['), p.Count, 10), `,"`...)
	b = base64.RawURLEncoding.AppendEncode(b, Fingerprint(p).SumBytes())
	return append(b, `"]`...)
}

// Append appends the state as it travels, members in one order, values as they are stored.
func (s *State) Append(b []byte) []byte {
	b = appendText(append(b, `{"r":`...), s.Record)
	b = appendText(append(b, `,"k":`...), s.Kind)
	b = appendMember(b, "sc", s.Scope)
	b = append(b, `,"seen":{`...)
	for i, replica := range sortedKeys(s.Seen) {
		b = append(appendText(append(b, listOpen(i, "", ",")...), replica), ":["...)
		for j, span := range s.Seen[replica] {
			b = strconv.AppendUint(append(append(b, listOpen(j, "", ",")...), '['), span[0], 10)
			b = append(strconv.AppendUint(append(b, ','), span[1], 10), ']')
		}
		b = append(b, ']')
	}
	b = append(b, `},"heads":{`...)
	for i, unit := range sortedKeys(s.Heads) {
		b = append(appendText(append(b, listOpen(i, "", ",")...), unit), ":{"...)
		for j, dot := range sortedKeys(s.Heads[unit]) {
			b = append(appendText(append(b, listOpen(j, "", ",")...), dot), ':')
			b = append(b, s.Heads[unit][dot]...)
		}
		b = append(b, '}')
	}
	b = append(b, '}')
	if len(s.Over) > 0 {
		b = append(b, `,"over":{`...)
		for i, dot := range sortedKeys(s.Over) {
			b = append(appendText(append(b, listOpen(i, "", ",")...), dot), ':')
			b = appendTexts(b, s.Over[dot])
		}
		b = append(b, '}')
	}
	b = append(b, `,"by":{`...)
	for i, dot := range sortedKeys(s.By) {
		b = append(appendText(append(b, listOpen(i, "", ",")...), dot), ':')
		b = s.By[dot].append(b)
	}
	b = append(b, `},"fp":`...)
	return append(s.FP.append(b), '}')
}

func (a StateAuthor) append(b []byte) []byte {
	b = append(appendText(append(b, '['), a.Account), ',')
	b = append(appendText(b, a.Role), ',')
	b = append(strconv.AppendInt(b, a.At, 10), ',')
	b = append(appendText(b, a.Form), ',')
	return append(appendText(b, a.Why), ']')
}

// ParsePullLine reads one line of a pull's answer. B is part of a copy of the line, byte for byte as it came.
func ParsePullLine(line []byte) (*PullLine, error) {
	var raw struct {
		C       *Position       `json:"c"`
		Replica string          `json:"replica"`
		S       uint64          `json:"s"`
		B       json.RawMessage `json:"b"`
		Gone    string          `json:"gone"`
		State   *State          `json:"state"`
		Erase   []string        `json:"erase"`
		*PullEnd
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, fmt.Errorf("read pull line: %w", err)
	}
	l := &PullLine{C: raw.C, Replica: raw.Replica, S: raw.S, B: raw.B, Gone: raw.Gone, State: raw.State, Erase: raw.Erase, End: raw.PullEnd}
	l.Own = l.S > 0 && l.B == nil
	kinds := [...]bool{l.S > 0, l.Gone != "", l.State != nil, l.Erase != nil, l.End != nil}
	n := 0
	for _, is := range kinds {
		n += btoi(is)
	}
	switch {
	case n != 1:
		return nil, errors.New("read pull line: not exactly one of a change, gone, state, erase and end")
	case (l.C == nil) != (l.End != nil), l.End != nil && l.End.End == nil:
		return nil, errors.New("read pull line: a line has a position, and an end has none")
	case l.S > 0 && !ValidReplica(l.Replica):
		return nil, fmt.Errorf("read pull line: replica %.40q is not valid", l.Replica)
	}
	return l, nil
}

// Change decodes the change a line carries; nil when the line carries none.
func (l *PullLine) Change() (*Change, error) {
	if l.B == nil {
		return nil, nil
	}
	c, fault := DecodeChange(l.Replica, l.B)
	if fault != nil {
		return nil, fmt.Errorf("change %s:%d of a pull: %w", l.Replica, l.S, fault)
	}
	if c.Dot.Seq != l.S {
		return nil, fmt.Errorf("change %s:%d of a pull says it is number %d", l.Replica, l.S, c.Dot.Seq)
	}
	return c, nil
}

// AppendSnapshot appends a snapshot before compression: its head, then a line a state.
func AppendSnapshot(b []byte, head *SnapshotHead, states func(yield func(*State) bool)) []byte {
	b = appendText(append(b, `{"scope":`...), head.Scope)
	b = append(appendText(append(b, `,"at":[`...), head.At.Epoch), ',')
	b = append(strconv.AppendUint(b, head.At.Pos, 10), `],"fp":`...)
	b = append(head.FP.append(b), "}\n"...)
	for s := range states {
		b = append(s.Append(b), '\n')
	}
	return b
}

// ReadSnapshot reads what AppendSnapshot wrote and checks that the records' fingerprints add up to the head's, so that a cut
// snapshot is never taken for a whole one.
func ReadSnapshot(body []byte) (*SnapshotHead, []*State, error) {
	first, rest, _ := bytes.Cut(body, []byte{'\n'})
	head := &SnapshotHead{}
	if err := json.Unmarshal(first, head); err != nil || head.Scope == "" {
		return nil, nil, errors.New("read snapshot: the first line is not a snapshot's head")
	}
	var states []*State
	var sum Fingerprint
	for line := range bytes.SplitSeq(bytes.TrimSuffix(rest, []byte{'\n'}), []byte{'\n'}) {
		if len(line) == 0 {
			continue
		}
		s := &State{}
		if err := json.Unmarshal(line, s); err != nil {
			return nil, nil, fmt.Errorf("read snapshot of %s: line %d: %w", head.Scope, len(states)+2, err)
		}
		states, sum = append(states, s), sum.Add(Fingerprint(s.FP))
	}
	if Print(sum) != head.FP {
		return nil, nil, fmt.Errorf("read snapshot of %s: %d records do not add up to its fingerprint", head.Scope, len(states))
	}
	return head, slices.Clip(states), nil
}

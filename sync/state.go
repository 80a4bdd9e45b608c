package sync

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// State is a record's merged state as it travels in snapshots and in place of many changes.
type State struct {
	Record string                                `json:"r"`
	Kind   string                                `json:"k"`
	Scope  string                                `json:"sc,omitempty"`
	Seen   map[string][][2]uint64                `json:"seen"`
	Heads  map[string]map[string]json.RawMessage `json:"heads"`
	Over   map[string][]string                   `json:"over,omitempty"`
	By     map[string]StateAuthor                `json:"by"`
	FP     Print                                 `json:"fp"`
}

// StateAuthor is an Author as the array [account, role, at, form, why].
type StateAuthor Author

// MarshalJSON writes the five fields in order.
func (a StateAuthor) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{a.Account, a.Role, a.At, a.Form, a.Why})
}

// UnmarshalJSON reads the five fields; a missing tail is empty.
func (a *StateAuthor) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&a.Account, &a.Role, &a.At, &a.Form, &a.Why})
}

// Print is a fingerprint as the wire has it: [count, base64url of the sum].
type Print Fingerprint

// MarshalJSON writes [count, sum].
func (p Print) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.Count, base64.RawURLEncoding.EncodeToString(Fingerprint(p).SumBytes())})
}

// UnmarshalJSON reads [count, sum].
func (p *Print) UnmarshalJSON(b []byte) error {
	var sum string
	if err := json.Unmarshal(b, &[]any{&p.Count, &sum}); err != nil {
		return err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || len(raw) != 32 {
		return errors.New("a fingerprint's sum is 32 bytes in base64url")
	}
	p.Sum = sumWords(raw)
	return nil
}

// State returns the record's state for the wire. scope is where the sender keeps the record.
func (r *Record) State(scope string) State {
	s := State{Record: r.ID, Kind: r.Kind, Scope: scope, FP: Print(r.fp),
		Seen: map[string][][2]uint64{}, Heads: map[string]map[string]json.RawMessage{}, By: map[string]StateAuthor{}}
	for replica, rs := range r.seen {
		for _, sp := range rs {
			s.Seen[replica] = append(s.Seen[replica], [2]uint64{sp.from, sp.to})
		}
	}
	for unit, hs := range r.heads {
		m := make(map[string]json.RawMessage, len(hs))
		for _, h := range hs {
			m[h.Dot.String()] = h.Value
		}
		s.Heads[unit] = m
	}
	for d, units := range r.over {
		if s.Over == nil {
			s.Over = map[string][]string{}
		}
		s.Over[d.String()] = sortedKeys(units)
	}
	for d, a := range r.by {
		s.By[d.String()] = StateAuthor(a)
	}
	return s
}

// maxSeen bounds the changes of one record: a household edited every minute of every working day for years has fewer. Without it
// a few bytes could claim so many that counting them takes for ever.
const maxSeen = 1 << 20

// FromState reads a state that came over the wire. The fingerprint is computed anew, and a state whose own does not agree
// is refused: it was cut or altered on the way.
func FromState(s *State) (*Record, error) {
	r := NewRecord(s.Record, s.Kind)
	total := uint64(0)
	for replica, spans := range s.Seen {
		if !ValidReplica(replica) {
			return nil, fmt.Errorf("state of record %s: replica %.40q is not valid", s.Record, replica)
		}
		for _, sp := range spans {
			if sp[0] == 0 || sp[1] < sp[0] || sp[1] > maxNumber || sp[1]-sp[0] >= maxSeen-total {
				return nil, fmt.Errorf("state of record %s: range %d to %d of %s is not valid", s.Record, sp[0], sp[1], replica)
			}
			total += sp[1] - sp[0] + 1
			r.seen[replica] = r.seen[replica].union(ranges{{sp[0], sp[1]}})
		}
	}
	for unit, m := range s.Heads {
		for text, value := range m {
			d, err := ParseDot(text)
			if err != nil {
				return nil, fmt.Errorf("state of record %s: %w", s.Record, err)
			}
			r.heads[unit] = append(r.heads[unit], Head{d, value})
		}
		slices.SortFunc(r.heads[unit], func(a, b Head) int { return a.Dot.Compare(b.Dot) })
	}
	for text, units := range s.Over {
		d, err := ParseDot(text)
		if err != nil {
			return nil, fmt.Errorf("state of record %s: %w", s.Record, err)
		}
		for _, u := range units {
			r.lose(d, u)
		}
	}
	for text, a := range s.By {
		d, err := ParseDot(text)
		if err != nil {
			return nil, fmt.Errorf("state of record %s: %w", s.Record, err)
		}
		r.by[d] = Author(a)
	}
	r.recount(r)
	if s.FP != (Print{}) && Fingerprint(s.FP) != r.fp {
		return nil, fmt.Errorf("state of record %s: its fingerprint does not agree with what it has seen", s.Record)
	}
	return r, nil
}

// AppendStored appends the record's state without values: which changes were seen, which are live and for which units.
// With the changes beside it, RestoreRecord gives the record back; so a store keeps every body once.
func (r *Record) AppendStored(b []byte) []byte {
	b = append(b, storedVersion)
	b = binary.AppendUvarint(b, uint64(len(r.seen)))
	for _, replica := range sortedKeys(r.seen) {
		b = append(b, replica...)
		b = binary.AppendUvarint(b, uint64(len(r.seen[replica])))
		for _, sp := range r.seen[replica] {
			b = binary.AppendUvarint(b, sp.from)
			b = binary.AppendUvarint(b, sp.to-sp.from)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.over)))
	for _, d := range r.Waiting() {
		b = appendDot(b, d)
		b = appendStrings(b, sortedKeys(r.over[d]))
	}
	b = binary.AppendUvarint(b, uint64(len(r.live)))
	for _, d := range r.LiveDots() {
		b = appendDot(b, d)
		if l := r.live[d]; l.heads == l.of {
			b = append(b, 1)
			continue
		}
		b = append(b, 0)
		var units []string
		for _, unit := range r.Units() {
			if r.isHead(unit, d) {
				units = append(units, unit)
			}
		}
		b = appendStrings(b, units)
	}
	return b
}

const storedVersion = 1

func appendDot(b []byte, d Dot) []byte {
	return binary.AppendUvarint(append(b, d.Replica...), d.Seq)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// StoredDots returns the live changes a stored state needs, so that a store can fetch them in one go.
func StoredDots(stored []byte) ([]Dot, error) {
	var dots []Dot
	_, err := restore("", "", stored, func(d Dot) (*Change, error) {
		dots = append(dots, d)
		return &Change{Dot: d}, nil
	})
	return dots, err
}

// RestoreRecord reads what AppendStored wrote; change gives the live changes.
func RestoreRecord(id, kind string, stored []byte, change func(Dot) (*Change, error)) (*Record, error) {
	return restore(id, kind, stored, change)
}

func restore(id, kind string, stored []byte, change func(Dot) (*Change, error)) (*Record, error) {
	r := NewRecord(id, kind)
	in := storedReader{b: stored}
	if in.byte() != storedVersion {
		return nil, fmt.Errorf("stored state of record %s is of an unknown version", id)
	}
	total := uint64(0)
	for range in.count() {
		replica := in.text(11)
		for range in.count() {
			from, more := in.uvarint(), in.uvarint()
			if more >= maxSeen-total || from > maxNumber {
				return nil, fmt.Errorf("restore record %s: it has seen more than %d changes", id, maxSeen)
			}
			total += more + 1
			r.seen[replica] = append(r.seen[replica], span{from, from + more})
		}
	}
	for range in.count() {
		d := in.dot()
		for _, u := range in.strings() {
			r.lose(d, u)
		}
	}
	for range in.count() {
		d, all := in.dot(), in.byte() == 1
		var units []string
		if !all {
			units = in.strings()
		}
		if in.err != nil {
			break
		}
		c, err := change(d)
		if err != nil {
			return nil, fmt.Errorf("restore record %s: change %s: %w", id, d, err)
		}
		r.revive(c, units)
	}
	if in.err != nil {
		return nil, fmt.Errorf("restore record %s: %w", id, in.err)
	}
	r.refingerprint()
	return r, nil
}

// revive makes a change head again of the given units, or of all it wrote when units is nil.
func (r *Record) revive(c *Change, units []string) {
	backing := make([]Head, len(c.Writes))
	alive := 0
	for i, w := range c.Writes {
		if units != nil && !slices.Contains(units, w.Unit) {
			continue
		}
		backing[i] = Head{c.Dot, w.Value}
		r.addHead(w.Unit, backing[i:i+1:i+1])
		alive++
	}
	r.live[c.Dot] = liveness{alive, len(c.Writes)}
	r.by[c.Dot] = Author{c.Account, c.Role, c.At, c.Form, c.Why}
}

type storedReader struct {
	b   []byte
	err error
}

var errStored = errors.New("stored state is cut short")

func (in *storedReader) fail() {
	in.b, in.err = nil, errStored
}

func (in *storedReader) byte() byte {
	if len(in.b) == 0 {
		in.fail()
		return 0
	}
	c := in.b[0]
	in.b = in.b[1:]
	return c
}

func (in *storedReader) uvarint() uint64 {
	v, n := binary.Uvarint(in.b)
	if n <= 0 {
		in.fail()
		return 0
	}
	in.b = in.b[n:]
	return v
}

// count is a number of things to come; each takes at least one byte, so a count past the rest is a cut.
func (in *storedReader) count() int {
	n := in.uvarint()
	if n > uint64(len(in.b)) {
		in.fail()
		return 0
	}
	return int(n)
}

func (in *storedReader) text(n int) string {
	if n > len(in.b) {
		in.fail()
		return ""
	}
	s := string(in.b[:n])
	in.b = in.b[n:]
	return s
}

func (in *storedReader) strings() []string {
	list := []string{}
	for range in.count() {
		list = append(list, in.text(in.count()))
	}
	return list
}

func (in *storedReader) dot() Dot { return Dot{in.text(11), in.uvarint()} }

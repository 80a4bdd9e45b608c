package sync

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Policy is what the questionnaire says of one unit when it has several live writes.
type Policy struct {
	Merge MergeRule
	Order []string // rank of codes for MergeMax and MergeMin, least first; without it numbers and texts compare as such
	Quiet bool     // a conflict here never blocks, and never makes a class undetermined
}

// MergeRule says whether several different values are a conflict or one of them stands.
type MergeRule uint8

const (
	MergeConflict MergeRule = iota // all values are kept and shown until someone decides
	MergeMax                       // the greatest stands, no conflict
	MergeMin                       // the least stands, no conflict
)

// Policies gives the policy of a unit of a kind of record. A nil Policies means conflict everywhere.
type Policies func(kind, unit string) Policy

func (p Policies) of(kind, unit string) Policy {
	if p == nil {
		return Policy{}
	}
	return p(kind, unit)
}

// Open is what a unit shows: its different values, the provisional one first.
type Open struct {
	Unit   string
	Values []Head // different in canonical form; more than one is a hard conflict
	Quiet  bool   // the policy's: listed last, blocks nothing
}

// Conflict tells whether people must decide between values.
func (o Open) Conflict() bool { return len(o.Values) > 1 }

// Look returns what a unit shows under the policies. Values is empty when nothing was written.
func (r *Record) Look(unit string, policies Policies) Open {
	heads := r.heads[unit]
	if len(heads) < 2 {
		return Open{Unit: unit, Values: heads}
	}
	policy := policies.of(r.Kind, unit)
	sorted := slices.Clone(heads)
	slices.SortStableFunc(sorted, r.preferred)
	var values []Head
	seen := map[string]bool{}
	for _, h := range sorted {
		if key := Canonical(h.Value); !seen[key] {
			seen[key] = true
			values = append(values, h)
		}
	}
	if policy.Merge != MergeConflict && len(values) > 1 {
		values = []Head{pick(values, policy)}
	}
	return Open{Unit: unit, Values: values, Quiet: policy.Quiet}
}

// Conflicts returns the units people must decide about, sorted by unit.
func (r *Record) Conflicts(policies Policies) []Open {
	var open []Open
	for unit, hs := range r.heads {
		if len(hs) < 2 {
			continue
		}
		if o := r.Look(unit, policies); o.Conflict() {
			open = append(open, o)
		}
	}
	slices.SortFunc(open, func(a, b Open) int { return strings.Compare(a.Unit, b.Unit) })
	return open
}

// StatusUnit is the unit every change that writes an answer writes too, so that a deletion meets an edit it had not seen.
const StatusUnit = "."

// Soft tells whether people worked on the record without seeing each other, on different units. It is a mark for the board,
// never a block. Every change that writes an answer names the heads of the status as parents, so two live writes of the status
// by different people are exactly that, and a later change that saw both takes the mark away.
func (r *Record) Soft() bool {
	heads := r.heads[StatusUnit]
	for _, h := range heads {
		if r.by[h.Dot].Account != r.by[heads[0].Dot].Account {
			return true
		}
	}
	return false
}

// roleRank orders authors for the provisional value only: the board's word is shown before the enumerator's.
var roleRank = map[string]int{"chairman": 0, "board": 1, "district": 2, "admin": 3, "village_head": 4, "enumerator": 5}

func rankOf(role string) int {
	if rank, ok := roleRank[role]; ok {
		return rank
	}
	return len(roleRank)
}

// preferred orders heads for display: role, then the later clock, then the greater dot. It is the same on every node, and
// a wrong clock can at worst show another value first.
func (r *Record) preferred(a, b Head) int {
	x, y := r.by[a.Dot], r.by[b.Dot]
	return cmp.Or(cmp.Compare(rankOf(x.Role), rankOf(y.Role)), cmp.Compare(y.At, x.At), b.Dot.Compare(a.Dot))
}

func pick(values []Head, policy Policy) Head {
	best := values[0]
	for _, h := range values[1:] {
		c := compareValues(h.Value, best.Value, policy.Order)
		if (policy.Merge == MergeMax && c > 0) || (policy.Merge == MergeMin && c < 0) {
			best = h
		}
	}
	return best
}

// compareValues orders two values: by the given ranks, else numbers as numbers and the rest as text. A value that is not
// in the ranks is below all that are, so that it never wins over a known one under max; null is below everything.
func compareValues(a, b []byte, order []string) int {
	if order != nil {
		return cmp.Compare(rankIn(order, a), rankIn(order, b))
	}
	x, okX := number(a)
	y, okY := number(b)
	if okX && okY {
		return x.Cmp(y)
	}
	if c := cmp.Compare(btoi(!isNull(a)), btoi(!isNull(b))); c != 0 {
		return c
	}
	return strings.Compare(Canonical(a), Canonical(b))
}

func rankIn(order []string, v []byte) int {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return -1
	}
	return slices.Index(order, s)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNull(v []byte) bool { return string(v) == "null" }

func number(v []byte) (*big.Rat, bool) {
	if len(v) == 0 || len(v) > 64 || (v[0] != '-' && (v[0] < '0' || v[0] > '9')) {
		return nil, false
	}
	if i := bytes.IndexAny(v, "eE"); i >= 0 {
		if e, err := strconv.Atoi(strings.TrimPrefix(string(v[i+1:]), "+")); err != nil || e > 60 || e < -60 {
			return nil, false // 1e999999999 as a fraction would fill the memory
		}
	}
	return new(big.Rat).SetString(string(v))
}

// Canonical returns the form in which two values are compared: text trimmed and in NFC, numbers by their value, the
// members of an object sorted. It is never stored and never sent.
func Canonical(v []byte) string {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return ""
	}
	switch v[0] {
	case '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return string(v)
		}
		b, _ := json.Marshal(strings.TrimSpace(norm.NFC.String(s)))
		return string(b)
	case '{':
		return canonicalObject(v)
	case '[':
		return canonicalArray(v)
	}
	if n, ok := number(v); ok {
		return n.RatString()
	}
	return string(v)
}

func canonicalObject(v []byte) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(v, &m) != nil {
		return string(v)
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(norm.NFC.String(k))
		b.Write(key)
		b.WriteByte(':')
		b.WriteString(Canonical(m[k]))
	}
	b.WriteByte('}')
	return b.String()
}

func canonicalArray(v []byte) string {
	var a []json.RawMessage
	if json.Unmarshal(v, &a) != nil {
		return string(v)
	}
	parts := make([]string, len(a))
	for i := range a {
		parts[i] = Canonical(a[i])
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// Version is the record's version as one short opaque text, a hash of its heads: equal on two nodes exactly when they show
// the same live writes. It is the ETag of pages and of the API.
func (r *Record) Version() string {
	h := sha256.New()
	for _, unit := range r.Units() {
		h.Write([]byte(unit))
		for _, head := range r.heads[unit] {
			h.Write([]byte{0})
			h.Write([]byte(head.Dot.String()))
		}
		h.Write([]byte{1})
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

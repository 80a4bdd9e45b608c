package sync

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Change is one immutable act of one author: the units it writes and, as parents, the exact earlier changes that stood on
// the author's screen for these units. State is a function of the set of changes; nothing else is ever merged.
//
// Bytes are the change as first stored. Nobody re-serialises a change: the chain, the signature and every copy on other
// nodes are over these bytes.
type Change struct {
	Dot     Dot     // the feed's replica and "s"
	Record  string  // "r": record id, a lower-case UUID
	Kind    string  // "k": household, interview, link, round, meeting, posting, complaint, request …
	Op      string  // "op": create edit status resolve revert note; for people and permissions, the merge ignores it
	Form    string  // "f": questionnaire and version the answers were given under
	Scope   string  // "sc": home scope as the author believed it; a routing hint while the household is unknown
	Account string  // "u": the author's account
	Role    string  // "as": the role the author acted in
	At      int64   // "at": the device's wall clock, Unix milliseconds; decides nothing
	N       uint64  // "n": counter that never goes back, so that a wrong clock can be shown
	Parents []Dot   // "p": heads of the written units in the author's snapshot
	Writes  []Write // "w", in the order of the line
	Why     string  // "why": reason, at most MaxWhy characters
	Tag     string  // "x": shared by changes of this replica that were one act
	Was     *Dot    // "was": the dot this change had before a fork was repaired
	Bytes   []byte  // the line without its newline
}

// Write is one unit and the value it was given, as the verbatim JSON of the line; null is "unanswered again, on purpose".
type Write struct {
	Unit  string
	Value []byte
}

// Ops are the operations a change may name.
const (
	OpCreate  = "create"
	OpEdit    = "edit"
	OpStatus  = "status"
	OpResolve = "resolve"
	OpRevert  = "revert"
	OpNote    = "note"
)

// Dot names one change everywhere: the replica that made it and its dense sequence number, from 1.
// In text it is "replica:seq".
type Dot struct {
	Replica string
	Seq     uint64
}

// String returns the dot as it stands on the wire.
func (d Dot) String() string { return string(d.append(nil)) }

func (d Dot) append(b []byte) []byte {
	b = append(b, d.Replica...)
	b = append(b, ':')
	return strconv.AppendUint(b, d.Seq, 10)
}

// Compare orders dots by replica, then by number: an order all nodes share, with no meaning of its own.
func (d Dot) Compare(o Dot) int {
	return cmp.Or(strings.Compare(d.Replica, o.Replica), cmp.Compare(d.Seq, o.Seq))
}

var errDot = errors.New("a dot is a replica id of 11 characters, a colon and a number from 1")

// ParseDot reads "replica:seq".
func ParseDot(s string) (Dot, error) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 || !ValidReplica(s[:at]) || len(s) == at+1 || s[at+1] == '0' || s[at+1] == '+' {
		return Dot{}, fmt.Errorf("%w: %.40q", errDot, s)
	}
	n, err := strconv.ParseUint(s[at+1:], 10, 53)
	if err != nil {
		return Dot{}, fmt.Errorf("%w: %.40q", errDot, s)
	}
	return Dot{Replica: s[:at], Seq: n}, nil
}

// ValidReplica tells whether s is 8 bytes as 11 characters of base64url.
func ValidReplica(s string) bool {
	if len(s) != 11 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if base64urlValue(s[i]) < 0 {
			return false
		}
	}
	return base64urlValue(s[10])&3 == 0 // the last character carries 4 bits, the other two are zero
}

func base64urlValue(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return -1
}

// Limits of what a change and a request may hold. Tablets enforce them at save, so an honest one never makes a line that
// is refused; they are announced in hello.
const (
	MaxChangeBytes  = 64 << 10 // one line, without its newline
	MaxUnits        = 400      // units a change writes; a larger save is split under one tag
	MaxParents      = 256      // parents a change names
	MaxWhy          = 500      // characters of a reason
	MaxTag          = 64       // characters of a tag
	MaxUnitName     = 200      // bytes of a unit's path
	MaxBatchChanges = 256      // changes a push request
	MaxRequestBytes = 1 << 20  // a request's body after decompression
	MaxRatio        = 100      // decompressed to compressed bytes, past the first 64 KiB
	WireBytes       = 32 << 10 // compressed bytes a batch aims at
)

package sync

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
)

// The paths of the sync endpoints, below the server's address.
const (
	PathEnrol      = "/sync/v1/enrol"
	PathHello      = "/sync/v1/hello"
	PathPush       = "/sync/v1/push"
	PathPull       = "/sync/v1/pull"
	PathSnapshot   = "/sync/v1/snapshot/"   // + scope, ?at=epoch.pos
	PathDefinition = "/sync/v1/definition/" // + name
)

// MediaType is required of every request and answer of the sync endpoints; anything else acknowledges nothing.
const MediaType = "application/vnd.rasoat.sync.v1+jsonl"

// Proto is the version of the wire this package speaks.
const Proto = 1

// Cursor is how far a client has read one scope of one server, as ["epoch",position].
type Cursor struct {
	Epoch string
	Pos   uint64
}

// MarshalJSON writes ["epoch",pos].
func (c Cursor) MarshalJSON() ([]byte, error) { return json.Marshal([]any{c.Epoch, c.Pos}) }

// UnmarshalJSON reads ["epoch",pos].
func (c *Cursor) UnmarshalJSON(b []byte) error { return pair(b, &c.Epoch, &c.Pos) }

// Position is one line's place in a scope's feed, as ["scope",position].
type Position struct {
	Scope string
	Pos   uint64
}

// MarshalJSON writes ["scope",pos].
func (p Position) MarshalJSON() ([]byte, error) { return json.Marshal([]any{p.Scope, p.Pos}) }

// UnmarshalJSON reads ["scope",pos].
func (p *Position) UnmarshalJSON(b []byte) error { return pair(b, &p.Scope, &p.Pos) }

func pair(b []byte, text *string, n *uint64) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return errors.New("a pair of a text and a number is expected")
	}
	if err := json.Unmarshal(parts[0], text); err != nil {
		return err
	}
	return json.Unmarshal(parts[1], n)
}

// Have is what a server holds of a feed, without gaps from 1.
type Have struct {
	Seq uint64 `json:"seq"`
	H   B64    `json:"h"`
}

// AreaInfo is an area a client needs to name: its own villages and what lies above them.
type AreaInfo struct {
	Code      string `json:"code"`
	Level     string `json:"level"`
	Name      string `json:"name"`
	UnitType  string `json:"unit_type,omitempty"`
	Parent    string `json:"parent_code,omitempty"`
	ValidFrom string `json:"valid_from,omitempty"`
	ValidTo   string `json:"valid_to,omitempty"`
}

// EnrolRequest exchanges a one-time code for a device token and binds the replica to its key and account.
type EnrolRequest struct {
	Code    string `json:"code"`
	Replica string `json:"replica"`
	Pub     B64    `json:"pub"`
	HW      string `json:"hw,omitempty"`
}

// EnrolAnswer is what a tablet needs to start.
type EnrolAnswer struct {
	Token     string     `json:"token"`
	Account   string     `json:"account"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	Scopes    []string   `json:"scopes"`
	Areas     []AreaInfo `json:"areas"`
	Rounds    []string   `json:"rounds"`
	Server    string     `json:"server"`
	ServerKey B64        `json:"server_key"`
	Recovery  string     `json:"recovery,omitempty"`
	BundleTo  []string   `json:"bundle_to,omitempty"`
	TLSPin    string     `json:"tls_pin,omitempty"`
	Now       int64      `json:"now"`
}

// HelloRequest says what the tablet has; hello changes nothing but the device's last contact, and registers an unseen replica.
type HelloRequest struct {
	Proto   []int             `json:"proto"`
	Replica string            `json:"replica"`
	Pub     B64               `json:"pub"`
	App     string            `json:"app,omitempty"`
	Seq     uint64            `json:"seq"`
	H       B64               `json:"h"`
	At      int64             `json:"at"`
	Acked   uint64            `json:"acked,omitempty"` // highest of its own the tablet holds a durable receipt for
	Cursors map[string]Cursor `json:"cursors,omitempty"`
	Saw     map[string]uint64 `json:"saw,omitempty"` // server replica → highest of its changes seen
}

// HelloAnswer says what the server has of the tablet, and what the tablet should have.
type HelloAnswer struct {
	Proto          int        `json:"proto"`
	Server         string     `json:"server"`
	Epoch          string     `json:"epoch"`
	Have           Have       `json:"have"`
	Receipt        *Receipt   `json:"receipt,omitempty"`
	Scopes         []string   `json:"scopes"`
	Drop           []string   `json:"drop"`
	Areas          []AreaInfo `json:"areas"`
	Rounds         []string   `json:"rounds"`
	Limits         LimitsInfo `json:"limits"`
	Questionnaires []string   `json:"questionnaires"`
	Standards      []string   `json:"standards"`
	Notes          []Note     `json:"notes,omitempty"`
	Dict           []string   `json:"dict,omitempty"` // preset dictionaries the endpoints take and give zstd with
	Recovery       string     `json:"recovery,omitempty"`
	BundleTo       []string   `json:"bundle_to,omitempty"`
	Now            int64      `json:"now"`
}

// LimitsInfo announces the limits of a request and of the changes in it.
type LimitsInfo struct {
	Changes int `json:"changes"` // changes a push request
	Bytes   int `json:"bytes"`   // bytes of a request after decompression
	Wire    int `json:"wire"`    // compressed bytes a batch aims at
	Change  int `json:"change"`  // bytes of one change
	Units   int `json:"units"`   // units a change writes
	Parents int `json:"parents"` // parents a change names
}

// OwnLimits are the limits this package enforces.
func OwnLimits() LimitsInfo {
	return LimitsInfo{MaxBatchChanges, MaxRequestBytes, WireBytes, MaxChangeBytes, MaxUnits, MaxParents}
}

// Note says that one of the tablet's changes is in another state than published.
type Note struct {
	S     uint64 `json:"s"`
	State string `json:"state"`         // published flagged held quarantine refused
	Why   string `json:"why,omitempty"` // replica scope revoked author role kind questionnaire fork, or a limit's code
}

// PushHead is the first line of a push: a contiguous piece of one feed.
type PushHead struct {
	Replica string `json:"replica"`
	From    uint64 `json:"from"`
	To      uint64 `json:"to"`
	Prev    B64    `json:"prev"`
	H       B64    `json:"h"`
	Sig     B64    `json:"sig"`
}

// Segment is a piece of a feed, checked: its lines are from..to without a gap, chain from Prev to H, and Sig is the
// replica's. A line that is malformed or over a limit keeps its place in the chain and carries its Fault.
type Segment struct {
	PushHead
	Lines      []Line
	Unverified bool // nobody here knows the replica's key: the chain is right, whose it is must be found out
}

// Line is one change of a segment.
type Line struct {
	Seq    uint64
	Bytes  []byte
	H      B64     // chain hash up to and including this line
	Change *Change // nil when Fault is set
	Fault  *Fault
}

// Fault is why a line goes to quarantine: a stable code and a sentence.
type Fault struct {
	Code   string
	Detail string
}

func (f *Fault) Error() string { return f.Code + ": " + f.Detail }

// PushAnswer acknowledges a segment after its durable commit.
type PushAnswer struct {
	Through uint64   `json:"through"`
	H       B64      `json:"h"`
	Level   string   `json:"level"`
	Receipt *Receipt `json:"receipt,omitempty"`
	Notes   []Note   `json:"notes,omitempty"`
}

// PullRequest asks for what came after the cursors. Max bounds the answer's bytes before compression; Replica names the
// asker's own feed, whose changes then come without their bytes.
type PullRequest struct {
	Cursors map[string]Cursor `json:"cursors"`
	Max     int               `json:"max,omitempty"`
	Replica string            `json:"replica,omitempty"`
	Dict    []string          `json:"dict,omitempty"` // preset dictionaries the asker knows
}

// PullLine is one line of a pull's answer; exactly one of B, Own, Gone, State, Erase or End is set.
type PullLine struct {
	C       *Position
	Replica string
	S       uint64
	B       []byte // the change's bytes, verbatim
	Own     bool   // the asker's own change, sent without its bytes
	Gone    string // a record that left the scope; not a deletion
	State   *State
	Erase   []string
	End     *PullEnd
}

// PullEnd closes a pull.
type PullEnd struct {
	End  map[string]Cursor `json:"end"`
	More bool              `json:"more"`
	FP   map[string]Print  `json:"fp,omitempty"` // with more:false, for exactly end
}

// SnapshotHead is the first line of a snapshot; a State a line follows.
type SnapshotHead struct {
	Scope string `json:"scope"`
	At    Cursor `json:"at"`
	FP    Print  `json:"fp"`
}

// Problem is an error answer, RFC 9457 problem+json with a stable code.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`            // one English sentence
	Detail string `json:"detail,omitempty"` // what was found, what to do
	Have   *Have  `json:"have,omitempty"`   // with gap and fork
}

func (p *Problem) Error() string { return p.Code + ": " + p.Title }

// Device is who a valid token speaks for.
type Device struct {
	ID      int64
	Account string
	Role    string
}

// Snapshot is a stored, compressed snapshot of a scope, to be served with Range and a strong ETag.
type Snapshot struct {
	ETag string
	Gzip []byte // SnapshotHead line and State lines, gzip
}

// Home is what the endpoints ask of a server's store. Errors that are a *Problem reach the client as they are.
type Home interface {
	Enrol(ctx context.Context, req *EnrolRequest, peer string) (*EnrolAnswer, error)
	Device(ctx context.Context, token string) (Device, error)                                 // 401 token
	ReplicaKey(ctx context.Context, dev Device, replica string) (ed25519.PublicKey, error)    // 403 replica, ErrUnseenReplica
	Hello(ctx context.Context, dev Device, req *HelloRequest) (*HelloAnswer, error)           // 409 fork, 426 proto
	Push(ctx context.Context, dev Device, seg *Segment) (*PushAnswer, error)                  // 409 gap, fork
	Pull(ctx context.Context, dev Device, req *PullRequest, emit func(*PullLine) error) error // 403 scope, 409 epoch
	Snapshot(ctx context.Context, dev Device, scope string, at *Cursor) (*Snapshot, error)    // 403 scope, 410
	Definition(ctx context.Context, dev Device, name string) (data []byte, err error)         // 404
}

// Local is what a Session asks of a tablet's store. Every method is one transaction.
type Local interface {
	// Greeting returns the hello of this tablet. A tablet with a retired replica greets for that one until all of it is sent.
	Greeting(ctx context.Context) (*HelloRequest, error)
	// Learn stores what the server said: areas, rounds, scopes, limits, notes, the receipt. It answers what the session has to do.
	Learn(ctx context.Context, answer *HelloAnswer) (Plan, error)
	// Outbox returns the next signed piece of the own feed after a number, at least one change whatever its size; maxBytes
	// counts lines before compression. It returns nil when nothing is left.
	Outbox(ctx context.Context, after uint64, maxChanges, maxBytes int) (*Segment, error)
	// Acked stores a push's answer and its receipt.
	Acked(ctx context.Context, answer *PushAnswer) error
	// Cursors returns how far each granted scope has been read.
	Cursors(ctx context.Context) (map[string]Cursor, error)
	// Pulled applies the lines of one whole answer in order, with their cursors, in one transaction; the last is an End.
	Pulled(ctx context.Context, lines []*PullLine) error
	// Bootstrap joins a snapshot and sets the scope's cursor.
	Bootstrap(ctx context.Context, head *SnapshotHead, states []*State) error
	// DropScopes removes withdrawn scopes, and what left earlier, once nothing of this tablet in them is unacknowledged. Every
	// session calls it, also with no scope.
	DropScopes(ctx context.Context, scopes []string) error
	// Renew gives the tablet a new replica id and key and re-issues its changes after common, as after a fork.
	Renew(ctx context.Context, common uint64) error
	// Fingerprints returns the sum over the records of each scope of what the server has told of them: own changes count once
	// they have come back.
	Fingerprints(ctx context.Context) (map[string]Print, error)
	// ChainAt returns the own chain's hash at a number, for the search of the last common change.
	ChainAt(ctx context.Context, seq uint64) (B64, error)
}

// Plan is what a tablet does after a hello.
type Plan struct {
	Fork      bool     // the server has what this tablet has not, or another chain: find the common change, then Renew
	Snapshots []string // scopes to fetch whole: newly granted, or of another epoch
	Drop      []string // scopes to remove after the push
}

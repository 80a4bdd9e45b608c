package sync

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// memoryHome is a small whole server: feeds with their chains, scopes with their positions, records merged from what was
// published. It keeps all in memory and grants every scope it knows to everyone, except those in denied.
type memoryHome struct {
	mu      sync.Mutex
	key     ed25519.PrivateKey
	epoch   string
	keys    map[string]ed25519.PublicKey
	feeds   map[string][]Line
	scopes  map[string]*memoryScope
	denied  map[string]bool
	pushes  int
	removed bool // snapshots are not kept any more
}

type memoryScope struct {
	lines   []*PullLine // position = index + 1
	records map[string]*Record
}

func newHome() *memoryHome {
	return &memoryHome{key: newAuthor(77).key, epoch: "e1", keys: map[string]ed25519.PublicKey{}, feeds: map[string][]Line{},
		scopes: map[string]*memoryScope{"01969-03": {records: map[string]*Record{}}}, denied: map[string]bool{}}
}

func (h *memoryHome) Enrol(_ context.Context, req *EnrolRequest, _ string) (*EnrolAnswer, error) {
	switch req.Code {
	case "USED":
		return nil, problem(http.StatusGone, CodeEnrolUsed, "The code was used.", "")
	case "LATE":
		return nil, problem(http.StatusGone, CodeEnrolExpired, "The code is too old.", "")
	case "GOOD":
		h.keys[req.Replica] = ed25519.PublicKey(req.Pub)
		return &EnrolAnswer{Token: "token", Account: "en0417", Server: "s1", ServerKey: B64(h.key.Public().(ed25519.PublicKey)), Scopes: []string{"01969-03"}}, nil
	}
	return nil, problem(http.StatusNotFound, CodeEnrolUnknown, "There is no such code.", "")
}

func (h *memoryHome) Device(_ context.Context, token string) (Device, error) {
	if token != "token" {
		return Device{}, problem(http.StatusUnauthorized, CodeToken, "The token is not valid.", "")
	}
	return Device{ID: 1, Account: "en0417", Role: "enumerator"}, nil
}

func (h *memoryHome) ReplicaKey(_ context.Context, _ Device, replica string) (ed25519.PublicKey, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if key := h.keys[replica]; key != nil {
		return key, nil
	}
	return nil, problem(http.StatusForbidden, CodeReplica, "The replica is another account's.", "")
}

func (h *memoryHome) have(replica string) Have {
	lines := h.feeds[replica]
	if len(lines) == 0 {
		return Have{0, ChainStart(replica, h.keys[replica])}
	}
	return Have{uint64(len(lines)), lines[len(lines)-1].H}
}

func (h *memoryHome) chainAt(replica string, seq uint64) B64 {
	if seq == 0 {
		return ChainStart(replica, h.keys[replica])
	}
	return h.feeds[replica][seq-1].H
}

func (h *memoryHome) Hello(_ context.Context, _ Device, req *HelloRequest) (*HelloAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(req.Proto, Proto) {
		return nil, problem(http.StatusUpgradeRequired, CodeProto, "No common version.", "")
	}
	if h.keys[req.Replica] == nil {
		h.keys[req.Replica] = ed25519.PublicKey(req.Pub)
	}
	have := h.have(req.Replica)
	if common := min(have.Seq, req.Seq); common == req.Seq && !bytes.Equal(h.chainAt(req.Replica, common), req.H) {
		return nil, &Problem{Status: http.StatusConflict, Code: CodeFork, Title: "Another history.", Have: &have}
	}
	return &HelloAnswer{Proto: Proto, Server: "s1", Epoch: h.epoch, Have: have, Scopes: slices.Sorted(maps.Keys(h.scopes)),
		Limits: OwnLimits()}, nil
}

func (h *memoryHome) Definition(_ context.Context, _ Device, name string) ([]byte, error) {
	if name != "household/2026.1" {
		return nil, problem(http.StatusNotFound, CodeNotFound, "There is no such definition.", "")
	}
	return bytes.Repeat([]byte("name: household # Hộ gia đình\n"), 100), nil
}

func (h *memoryHome) Push(_ context.Context, _ Device, seg *Segment) (*PushAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pushes++
	have := h.have(seg.Replica)
	if seg.From > have.Seq+1 {
		return nil, &Problem{Status: http.StatusConflict, Code: CodeGap, Title: "Changes before are missing.", Have: &have}
	}
	if !bytes.Equal(h.chainAt(seg.Replica, seg.From-1), seg.Prev) {
		return nil, &Problem{Status: http.StatusConflict, Code: CodeFork, Title: "Another history.", Have: &have}
	}
	answer := &PushAnswer{Through: seg.To, H: seg.H, Level: LevelDurable}
	for _, l := range seg.Lines {
		if l.Fault != nil {
			answer.Notes = append(answer.Notes, Note{S: l.Seq, State: "quarantine", Why: l.Fault.Code})
		}
		if l.Seq > have.Seq {
			h.feeds[seg.Replica] = append(h.feeds[seg.Replica], l)
			h.publish(l)
		}
	}
	answer.Receipt = &Receipt{Server: "s1", Epoch: h.epoch, Replica: seg.Replica, Seq: seg.To, H: seg.H, Level: LevelDurable}
	answer.Receipt.Sign(h.key)
	return answer, nil
}

func (h *memoryHome) publish(l Line) {
	if l.Change == nil {
		return
	}
	scope := h.scopes[l.Change.Scope]
	if scope == nil {
		scope = &memoryScope{records: map[string]*Record{}}
		h.scopes[l.Change.Scope] = scope
	}
	c := l.Change
	if scope.records[c.Record] == nil {
		scope.records[c.Record] = NewRecord(c.Record, c.Kind)
	}
	scope.records[c.Record].Apply(c)
	scope.lines = append(scope.lines, &PullLine{C: &Position{c.Scope, uint64(len(scope.lines) + 1)}, Replica: c.Dot.Replica, S: c.Dot.Seq, B: c.Bytes})
}

func (s *memoryScope) fingerprint() Print {
	var sum Fingerprint
	for _, r := range s.records {
		sum = sum.Add(r.Fingerprint())
	}
	return Print(sum)
}

func (h *memoryHome) scope(name string) (*memoryScope, error) {
	if h.denied[name] || h.scopes[name] == nil {
		return nil, problem(http.StatusForbidden, CodeScope, "The area is not granted.", "")
	}
	return h.scopes[name], nil
}

func (h *memoryHome) Pull(_ context.Context, _ Device, req *PullRequest, emit func(*PullLine) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	end := &PullEnd{End: map[string]Cursor{}, FP: map[string]Print{}}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(req.Cursors)) {
		scope, err := h.scope(name)
		if err != nil {
			return err
		}
		cursor := req.Cursors[name]
		if cursor.Epoch != h.epoch {
			return problem(http.StatusConflict, CodeEpoch, "The cursor is of another epoch.", "")
		}
		for cursor.Pos < uint64(len(scope.lines)) && (size == 0 || size < req.Max) {
			l := *scope.lines[cursor.Pos]
			if l.Replica == req.Replica {
				l.B, l.Own = nil, true
			}
			size += len(l.B) + 60
			cursor.Pos++
			if err := emit(&l); err != nil {
				return err
			}
		}
		end.End[name], end.FP[name] = cursor, scope.fingerprint()
		end.More = end.More || cursor.Pos < uint64(len(scope.lines))
	}
	if end.More {
		end.FP = nil
	}
	return emit(&PullLine{End: end})
}

func (h *memoryHome) Snapshot(_ context.Context, _ Device, name string, at *Cursor) (*Snapshot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	scope, err := h.scope(name)
	if err != nil {
		return nil, err
	}
	if h.removed && at != nil {
		return nil, problem(http.StatusGone, CodeGone, "The snapshot is not kept any more.", "")
	}
	var states []*State
	for _, id := range sortedKeys(scope.records) {
		s := scope.records[id].State(name)
		states = append(states, &s)
	}
	head := &SnapshotHead{name, Cursor{h.epoch, uint64(len(scope.lines))}, scope.fingerprint()}
	var out bytes.Buffer
	z, giveBack := encoder(&out, codingGzip, answerLevel, false)
	defer giveBack()
	if _, err := z.Write(AppendSnapshot(nil, head, slices.Values(states))); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return &Snapshot{ETag: fmt.Sprintf("%s-%s-%d", name, h.epoch, len(scope.lines)), Gzip: out.Bytes()}, nil
}

// memoryTablet is a small whole tablet: its own feed, its copy of the scopes, its cursors.
type memoryTablet struct {
	*author
	records map[string]*Record // the server's state, by record
	cursors map[string]Cursor
	epoch   string
	acked   uint64
	dropped []string
	drops   int  // times it was asked to drop
	plan    Plan // added to what Learn plans
}

func newTablet(seed uint64) *memoryTablet {
	return &memoryTablet{author: newAuthor(seed), records: map[string]*Record{}, cursors: map[string]Cursor{}}
}

func (m *memoryTablet) Greeting(context.Context) (*HelloRequest, error) {
	head := m.head()
	return &HelloRequest{Proto: []int{Proto}, Replica: m.replica, Pub: B64(m.public()), Seq: head.Seq, H: head.H, Acked: m.acked, Cursors: m.cursors}, nil
}

func (m *memoryTablet) Learn(_ context.Context, answer *HelloAnswer) (Plan, error) {
	head := m.head()
	plan := m.plan
	if answer.Have.Seq > head.Seq || !bytes.Equal(m.chain(answer.Have.Seq), answer.Have.H) {
		plan.Fork = true
		return plan, nil
	}
	m.acked, m.epoch = answer.Have.Seq, answer.Epoch
	for _, scope := range answer.Scopes {
		if m.cursors[scope].Epoch != answer.Epoch {
			plan.Snapshots = append(plan.Snapshots, scope)
		}
	}
	return plan, nil
}

func (m *memoryTablet) chain(seq uint64) B64 {
	if seq == 0 {
		return ChainStart(m.replica, m.public())
	}
	return m.lines[seq-1].H
}

func (m *memoryTablet) Outbox(_ context.Context, after uint64, maxChanges, maxBytes int) (*Segment, error) {
	to, size := after, 0
	for to < uint64(len(m.lines)) && int(to-after) < maxChanges {
		if size += len(m.lines[to].Bytes); size > maxBytes && to > after {
			break
		}
		to++
	}
	if to == after {
		return nil, nil
	}
	return m.segment(after+1, to), nil
}

func (m *memoryTablet) Acked(_ context.Context, answer *PushAnswer) error {
	m.acked = answer.Through
	return nil
}

func (m *memoryTablet) Cursors(context.Context) (map[string]Cursor, error) {
	return maps.Clone(m.cursors), nil
}

func (m *memoryTablet) record(id, kind string) *Record {
	if m.records[id] == nil {
		m.records[id] = NewRecord(id, kind)
	}
	return m.records[id]
}

func (m *memoryTablet) Pulled(_ context.Context, lines []*PullLine) error {
	for _, l := range lines {
		switch {
		case l.End != nil:
			maps.Copy(m.cursors, l.End.End)
			continue
		case l.Own:
			c := m.lines[l.S-1].Change
			m.record(c.Record, c.Kind).Apply(c)
		default:
			c, err := l.Change()
			if err != nil {
				return err
			}
			m.record(c.Record, c.Kind).Apply(c)
		}
		m.cursors[l.C.Scope] = Cursor{m.epoch, l.C.Pos}
	}
	return nil
}

func (m *memoryTablet) Bootstrap(_ context.Context, head *SnapshotHead, states []*State) error {
	for _, s := range states {
		r, err := FromState(s)
		if err != nil {
			return err
		}
		m.record(s.Record, s.Kind).Join(r)
	}
	m.cursors[head.Scope] = head.At
	return nil
}

func (m *memoryTablet) DropScopes(_ context.Context, scopes []string) error {
	m.dropped = append(m.dropped, scopes...)
	m.drops++
	return nil
}

func (m *memoryTablet) Renew(_ context.Context, common uint64) error {
	old := m.author
	*m = memoryTablet{author: newAuthor(uint64(len(old.lines))*1000 + 13), records: m.records, cursors: m.cursors, epoch: m.epoch}
	m.account = old.account
	renamed := map[Dot]Dot{}
	for _, l := range old.lines[common:] {
		c := *l.Change
		c.Was = &Dot{old.replica, l.Seq}
		c.Parents = slices.Clone(c.Parents)
		for i, p := range c.Parents {
			if now, ok := renamed[p]; ok {
				c.Parents[i] = now
			}
		}
		c.Dot = Dot{m.replica, m.head().Seq + 1}
		renamed[*c.Was] = c.Dot
		if err := c.Encode(); err != nil {
			return err
		}
		m.raw(c.Bytes)
	}
	return nil
}

func (m *memoryTablet) ChainAt(_ context.Context, seq uint64) (B64, error) { return m.chain(seq), nil }

// Fingerprints knows one scope only: all its records are of 01969-03.
func (m *memoryTablet) Fingerprints(context.Context) (map[string]Print, error) {
	var sum Fingerprint
	for _, r := range m.records {
		sum = sum.Add(r.Fingerprint())
	}
	return map[string]Print{"01969-03": Print(sum)}, nil
}

var (
	_ Home  = (*memoryHome)(nil)
	_ Local = (*memoryTablet)(nil)
)

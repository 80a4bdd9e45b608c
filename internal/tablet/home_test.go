package tablet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// home is the smallest server there can be: it keeps feeds, merges with package sync, and gives out positions. It has no
// rules about who may write what; package central has those.
type home struct {
	tb      testing.TB
	id      string
	epoch   string
	key     ed25519.PrivateKey
	feeds   map[string]*homeFeed
	log     map[string][]homeLine // scope → lines, position = index + 1
	records map[string]*fieldsync.Record
	scopes  map[string]string // record → scope
	notes   map[string][]fieldsync.Note
	hold    map[string]bool // dots kept out of the feeds
	me      string          // the server's replica
}

type homeFeed struct {
	pub   ed25519.PublicKey
	lines [][]byte
	h     []fieldsync.B64 // h[n] after n lines
}

type homeLine struct {
	c     *fieldsync.Change
	gone  string
	erase []string
}

const (
	village  = "01969-03"
	village2 = "01969-04"
	commune  = "01969"
	roundID  = "0199c0de-0000-7000-8000-000000000001"
	lastID   = "0199c0de-0000-7000-8000-000000000000"
)

func newHome(tb testing.TB) *home {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	h := &home{tb: tb, id: "srv", epoch: "e1", key: key, feeds: map[string]*homeFeed{}, log: map[string][]homeLine{},
		records: map[string]*fieldsync.Record{}, scopes: map[string]string{}, notes: map[string][]fieldsync.Note{}, hold: map[string]bool{},
		me: fieldsync.NewReplica()}
	h.feeds[h.me] = newHomeFeed(h.me, key.Public().(ed25519.PublicKey))
	for i, id := range []string{lastID, roundID} {
		year := 2025 + i
		h.write("round", id, commune, fieldsync.OpCreate, map[string]any{"name": fmt.Sprint("Rà soát ", year), "kind": "periodic",
			"standard": "vn-2021", "questionnaire": "household/2026.1", "from": fmt.Sprint(year, "-09-01"), "to": fmt.Sprint(year, "-12-15"), ".": "active"})
	}
	return h
}

func newHomeFeed(replica string, pub ed25519.PublicKey) *homeFeed {
	return &homeFeed{pub: pub, h: []fieldsync.B64{fieldsync.ChainStart(replica, pub)}}
}

// write is an act of the board or an import: a change of the server's replica on everything it holds.
func (h *home) write(kind, rec, scope, op string, w map[string]any) *fieldsync.Change {
	h.tb.Helper()
	c := &fieldsync.Change{Record: rec, Kind: kind, Op: op, Form: "household/2026.1", Scope: scope, Account: "ban01", Role: "board",
		At: 1790100000000 + int64(len(h.feeds[h.me].lines)), Why: "vì"}
	var units []string
	for _, unit := range sortedKeys(w) {
		units = append(units, unit)
		c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: encode(w[unit])})
	}
	if r := h.records[rec]; r != nil {
		c.Parents = r.ParentsOf(units)
	}
	f := h.feeds[h.me]
	c.Dot = fieldsync.Dot{Replica: h.me, Seq: uint64(len(f.lines)) + 1}
	if err := c.Encode(); err != nil {
		h.tb.Fatal(err)
	}
	f.add(c.Bytes)
	h.publish(c)
	return c
}

func (f *homeFeed) add(line []byte) {
	f.lines = append(f.lines, line)
	f.h = append(f.h, fieldsync.ChainNext(f.h[len(f.h)-1], line))
}

func (h *home) publish(c *fieldsync.Change) {
	if h.hold[c.Dot.String()] {
		return
	}
	r := h.records[c.Record]
	if r == nil {
		r = fieldsync.NewRecord(c.Record, c.Kind)
		h.records[c.Record] = r
		h.scopes[c.Record] = c.Scope
	}
	if r.Apply(c) {
		scope := h.scopes[c.Record]
		h.log[scope] = append(h.log[scope], homeLine{c: c})
	}
}

func (h *home) enrol(s *Store, account string, scopes ...string) {
	h.tb.Helper()
	f := s.current()
	if h.feeds[f.replica] == nil {
		h.feeds[f.replica] = newHomeFeed(f.replica, f.pub())
	}
	err := s.enrolled(context.Background(), "https://xa.example", &fieldsync.EnrolAnswer{Token: "t-" + account, Account: account, Name: "Chị Lan",
		Role: "enumerator", Scopes: scopes, Areas: h.areas(), Server: h.id, ServerKey: fieldsync.B64(h.key.Public().(ed25519.PublicKey)),
		Rounds: []string{roundID}, Now: 1790000000000})
	if err != nil {
		h.tb.Fatal(err)
	}
}

func (h *home) areas() []fieldsync.AreaInfo {
	return []fieldsync.AreaInfo{
		{Code: village, Level: "village", Name: "Thôn Nà Ản", Parent: commune, ValidFrom: "2025-07-01"},
		{Code: village2, Level: "village", Name: "Thôn Khuổi Luông", Parent: commune, ValidFrom: "2025-07-01"},
	}
}

// sync is one whole session without a network: hello, push, snapshots, pull, drop.
func (h *home) sync(s *Store, scopes ...string) {
	h.tb.Helper()
	if err := h.trySync(s, scopes...); err != nil {
		h.tb.Fatalf("sync: %v", err)
	}
}

func (h *home) trySync(s *Store, scopes ...string) error {
	ctx := context.Background()
	for {
		hello, err := s.Greeting(ctx)
		if err != nil {
			return err
		}
		have, fork := h.have(hello)
		if fork {
			if err := s.Renew(ctx, h.common(s, hello.Replica)); err != nil {
				return err
			}
			continue
		}
		plan, err := s.Learn(ctx, &fieldsync.HelloAnswer{Proto: 1, Server: h.id, Epoch: h.epoch, Have: have, Scopes: scopes, Areas: h.areas(),
			Rounds: []string{roundID}, Notes: h.notes[hello.Replica], Now: 1790000000000, Receipt: h.receipt(hello.Replica, have)})
		if err != nil {
			return err
		}
		if plan.Fork {
			if err := s.Renew(ctx, h.common(s, hello.Replica)); err != nil {
				return err
			}
			continue
		}
		if err := h.pushAll(s, have.Seq); err != nil {
			return err
		}
		for _, scope := range plan.Snapshots {
			if err := h.snapshot(s, scope); err != nil {
				return err
			}
		}
		if err := h.pullAll(s, hello.Replica); err != nil {
			return err
		}
		if err := s.DropScopes(ctx, plan.Drop); err != nil {
			return err
		}
		if next, err := s.Greeting(ctx); err != nil || next.Replica == hello.Replica {
			return err
		}
	}
}

func (h *home) have(hello *fieldsync.HelloRequest) (fieldsync.Have, bool) {
	f := h.feeds[hello.Replica]
	if f == nil {
		f = newHomeFeed(hello.Replica, ed25519.PublicKey(hello.Pub))
		h.feeds[hello.Replica] = f
	}
	n := uint64(len(f.lines))
	fork := hello.Seq <= n && f.h[hello.Seq].String() != hello.H.String()
	return fieldsync.Have{Seq: n, H: f.h[n]}, fork
}

// common is the last number at which the tablet's chain is the home's.
func (h *home) common(s *Store, replica string) uint64 {
	f := h.feeds[replica]
	for n := uint64(len(f.lines)); ; n-- {
		if got, err := s.ChainAt(context.Background(), n); err == nil && got.String() == f.h[n].String() {
			return n
		}
	}
}

func (h *home) receipt(replica string, have fieldsync.Have) *fieldsync.Receipt {
	r := &fieldsync.Receipt{Server: h.id, Epoch: h.epoch, Replica: replica, Seq: have.Seq, H: have.H, Level: fieldsync.LevelDurable}
	r.Sign(h.key)
	return r
}

func (h *home) pushAll(s *Store, after uint64) error {
	for {
		seg, err := s.Outbox(context.Background(), after, 3, 32<<10)
		if err != nil || seg == nil {
			return err
		}
		answer, err := h.push(seg)
		if err != nil {
			return err
		}
		if err := s.Acked(context.Background(), answer); err != nil {
			return err
		}
		after = answer.Through
	}
}

func (h *home) push(seg *fieldsync.Segment) (*fieldsync.PushAnswer, error) {
	f := h.feeds[seg.Replica]
	if !fieldsync.VerifyHead(f.pub, seg.Replica, seg.To, seg.H, seg.Sig) {
		return nil, fmt.Errorf("push of %s: signature", seg.Replica)
	}
	for _, line := range seg.Lines {
		if line.Seq <= uint64(len(f.lines)) {
			if string(f.lines[line.Seq-1]) != string(line.Bytes) {
				return nil, fmt.Errorf("push of %s: two changes are number %d", seg.Replica, line.Seq)
			}
			continue
		}
		if line.Seq != uint64(len(f.lines))+1 {
			return nil, fmt.Errorf("push of %s: gap at %d", seg.Replica, line.Seq)
		}
		c, fault := fieldsync.DecodeChange(seg.Replica, line.Bytes)
		if fault != nil {
			return nil, fault
		}
		f.add(line.Bytes)
		h.publish(c)
	}
	have := fieldsync.Have{Seq: uint64(len(f.lines)), H: f.h[len(f.lines)]}
	if f.h[seg.To].String() != seg.H.String() {
		return nil, fmt.Errorf("push of %s: chain", seg.Replica)
	}
	return &fieldsync.PushAnswer{Through: have.Seq, H: have.H, Level: fieldsync.LevelDurable, Receipt: h.receipt(seg.Replica, have),
		Notes: h.notes[seg.Replica]}, nil
}

func (h *home) snapshot(s *Store, scope string) error {
	var states []*fieldsync.State
	for _, id := range sortedKeys(h.records) {
		if h.scopes[id] == scope {
			states = append(states, h.overTheWire(h.records[id].State(scope)))
		}
	}
	return s.Bootstrap(context.Background(), &fieldsync.SnapshotHead{Scope: scope, At: h.head(scope)}, states)
}

func (h *home) overTheWire(state fieldsync.State) *fieldsync.State {
	b, err := json.Marshal(state)
	if err != nil {
		h.tb.Fatal(err)
	}
	var out fieldsync.State
	if err := json.Unmarshal(b, &out); err != nil {
		h.tb.Fatal(err)
	}
	return &out
}

func (h *home) head(scope string) fieldsync.Cursor {
	return fieldsync.Cursor{Epoch: h.epoch, Pos: uint64(len(h.log[scope]))}
}

func (h *home) pullAll(s *Store, replica string) error {
	cursors, err := s.Cursors(context.Background())
	if err != nil {
		return err
	}
	var lines []*fieldsync.PullLine
	end := &fieldsync.PullEnd{End: map[string]fieldsync.Cursor{}, FP: map[string]fieldsync.Print{}}
	for _, scope := range sortedKeys(cursors) {
		for i := cursors[scope].Pos; i < uint64(len(h.log[scope])); i++ {
			lines = append(lines, h.line(scope, i, replica))
		}
		end.End[scope], end.FP[scope] = h.head(scope), fieldsync.Print(h.fingerprint(scope))
	}
	for len(lines) > 2 { // in small transactions, as a slow link would
		if err := s.Pulled(context.Background(), lines[:2]); err != nil {
			return err
		}
		lines = lines[2:]
	}
	return s.Pulled(context.Background(), append(lines, &fieldsync.PullLine{End: end}))
}

func (h *home) line(scope string, i uint64, replica string) *fieldsync.PullLine {
	l := h.log[scope][i]
	out := &fieldsync.PullLine{C: &fieldsync.Position{Scope: scope, Pos: i + 1}, Gone: l.gone, Erase: l.erase}
	if l.c != nil {
		out.Replica, out.S = l.c.Dot.Replica, l.c.Dot.Seq
		if out.Own = l.c.Dot.Replica == replica; !out.Own {
			out.B = slices.Clone(l.c.Bytes)
		}
	}
	return out
}

func (h *home) fingerprint(scope string) (sum fieldsync.Fingerprint) {
	for id, r := range h.records {
		if h.scopes[id] == scope {
			sum = sum.Add(r.Fingerprint())
		}
	}
	return sum
}

// household imports a household with last year's interview; it returns the ids of the household and of its members.
func (h *home) household(scope string, names ...string) (id string, members []string) {
	id = newID(h.tb)
	h.write("household", id, scope, fieldsync.OpCreate, map[string]any{"village": scope, "household_code": "H" + id[:4], ".": "active"})
	w := map[string]any{"household": id, "round": lastID, "village": scope, "review_date": "2025-10-01", "outcome": "interviewed", ".": "active",
		"house_wall": "durable", "house_roof": "non_durable", "house_column": "durable", "house_area": 45.5, "water": "tap", "toilet": "septic",
		"internet_use": "yes", "means/tv": "yes", "b1_score": 150, "status": "complete"}
	for i, name := range names {
		m := newID(h.tb)
		members = append(members, m)
		for unit, v := range map[string]any{"name": name, "birth": fmt.Sprint(1970 + i), "sex": "female", "relation": "child", "ethnicity": "02", ".": "active",
			"health_insurance": "yes"} {
			w["m/"+m+"/"+unit] = v
		}
		w["m/"+members[0]+"/relation"] = "head"
	}
	if len(members) > 0 {
		w["head"] = members[0]
	}
	h.write("interview", fieldsync.InterviewID(lastID, id), scope, fieldsync.OpCreate, w)
	return id, members
}

func newID(tb testing.TB) string {
	id, err := uuid.NewV7()
	if err != nil {
		tb.Fatal(err)
	}
	return id.String()
}

// clock is a tablet's clock that moves on by a second at every look.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { c.t = c.t.Add(time.Second); return c.t }

func openAt(tb testing.TB, dir string) *Store {
	tb.Helper()
	c := &clock{time.UnixMilli(1790000000000)}
	s, err := Open(context.Background(), dir, Options{Now: c.now, Set: schema.Builtin(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), App: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.db.Close() })
	return s
}

// tablet opens a store that is enrolled and has had its first sync.
func (h *home) tablet(account string, scopes ...string) *Store {
	h.tb.Helper()
	s := openAt(h.tb, filepath.Join(h.tb.TempDir(), account))
	all := append([]string{commune}, scopes...)
	h.enrol(s, account, all...)
	h.sync(s, all...)
	return s
}

// kill ends a store as the power does: nothing is committed, nothing is said.
func (s *Store) kill(tb testing.TB) {
	tb.Helper()
	if err := s.db.Close(); err != nil {
		tb.Fatal(err)
	}
}

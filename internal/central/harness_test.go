package central

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/central/centraltest"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestMain(m *testing.M) { os.Exit(centraltest.Main(m)) }

// onBoth runs a test on a fresh store of each engine.
func onBoth(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openAt(t, sqliteURL(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, openAt(t, centraltest.PostgresURL(t))) })
}

func sqliteURL(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "central.db") }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func openAt(tb testing.TB, url string) *Store {
	tb.Helper()
	s, err := Open(context.Background(), url, Options{Now: func() time.Time { return time.Now() }, Log: quiet})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	testVillages(tb, s)
	return s
}

// The villages of the tests, in the communes of Bạch Thông before July 2025: Vi Hương is rural, Phủ Thông a town.
const (
	villageA = "01975-01" // Vi Hương
	villageB = "01975-02" // Vi Hương
	villageC = "01969-01" // Phủ Thông
	onDay    = "2024-12-31"
	district = "063"
	province = "06"
	form     = "household/2026.1"
)

func testVillages(tb testing.TB, s *Store) {
	tb.Helper()
	var list []schema.Area
	for _, code := range []string{villageA, villageB, "01975-03", "01975-04", villageC, "01969-02"} {
		list = append(list, schema.Area{Code: code, Level: schema.LevelVillage, Name: "Thôn " + code, Parent: code[:5], ValidFrom: "2020-01-01", ValidTo: "2025-07-01"})
	}
	if err := s.AddAreas(context.Background(), list); err != nil {
		tb.Fatal(err)
	}
}

// tab is a tablet: a replica with its own copy of what it has seen.
type tab struct {
	tb            testing.TB
	s             *Store
	dev           fieldsync.Device
	role, replica string
	key           ed25519.PrivateKey
	log           []*fieldsync.Change
	chain         []fieldsync.B64 // chain[i]: hash after i changes
	sent          int
	records       map[string]*fieldsync.Record
	cursors       map[string]fieldsync.Cursor
	clock         int64
}

func newTab(tb testing.TB, s *Store, account, role string, areas ...string) *tab {
	tb.Helper()
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	t := &tab{tb: tb, s: s, dev: fieldsync.Device{ID: 1, Account: account, Role: role}, role: role, replica: fieldsync.NewReplica(), key: key,
		records: map[string]*fieldsync.Record{}, cursors: map[string]fieldsync.Cursor{}, clock: 1_790_000_000_000}
	t.chain = []fieldsync.B64{fieldsync.ChainStart(t.replica, pub)}
	must(tb, s.Update(context.Background(), func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO account (account, name, role, created_at) VALUES ($1, $1, $2, 1) ON CONFLICT DO NOTHING", account, role); err != nil {
			return err
		}
		for _, a := range areas {
			if _, err := tx.Exec("INSERT INTO area_grant (account, area, since) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING", account, a); err != nil {
				return err
			}
		}
		_, err := tx.Exec("INSERT INTO replica (replica, home, pub, account, state, h, created_at) VALUES ($1, '06', $2, $3, 'accepted', $4, 1)",
			t.replica, []byte(pub), account, []byte(t.chain[0]))
		return err
	}))
	return t
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// w is a list of writes: unit, value, unit, value …; values are marshalled.
func w(pairs ...any) (writes []fieldsync.Write) {
	for i := 0; i < len(pairs); i += 2 {
		v, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic(err)
		}
		writes = append(writes, fieldsync.Write{Unit: pairs[i].(string), Value: v})
	}
	return writes
}

// write makes a change with the heads this tablet sees as parents, and keeps it.
func (t *tab) write(rec, kind, scope string, writes []fieldsync.Write, edit ...func(*fieldsync.Change)) *fieldsync.Change {
	t.tb.Helper()
	state := t.records[rec]
	if state == nil {
		state = fieldsync.NewRecord(rec, kind)
		t.records[rec] = state
	}
	units := make([]string, len(writes))
	for i, x := range writes {
		units[i] = x.Unit
	}
	t.clock += 1000
	c := &fieldsync.Change{Dot: fieldsync.Dot{Replica: t.replica, Seq: uint64(len(t.log) + 1)}, Record: rec, Kind: kind, Op: fieldsync.OpEdit, Form: form,
		Scope: scope, Account: t.dev.Account, Role: t.role, At: t.clock, N: uint64(len(t.log) + 1), Writes: writes, Parents: state.ParentsOf(units)}
	for _, f := range edit {
		f(c)
	}
	must(t.tb, c.Encode())
	state.Apply(c)
	t.log = append(t.log, c)
	t.chain = append(t.chain, fieldsync.ChainNext(t.chain[len(t.chain)-1], c.Bytes))
	return c
}

// household makes a household with its interview in a round and returns both ids.
func (t *tab) household(village, round string, answers ...any) (household, interview string) {
	household = newID()
	t.write(household, "household", village, w("village", village, ".", "active"))
	return household, t.interview(household, village, round, answers...)
}

func (t *tab) interview(household, village, round string, answers ...any) string {
	id := interviewID(round, household)
	t.write(id, "interview", village, w(append([]any{"household", household, "round", round, "village", village, ".", "active"}, answers...)...))
	return id
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func interviewID(round, household string) string {
	return uuid.NewSHA1(uuid.MustParse(round), []byte(household)).String()
}

// segment is the signed piece of the tablet's feed from..to.
func (t *tab) segment(from, to int) *fieldsync.Segment {
	seg := &fieldsync.Segment{PushHead: fieldsync.PushHead{Replica: t.replica, From: uint64(from), To: uint64(to), Prev: t.chain[from-1], H: t.chain[to]}}
	seg.Sig = fieldsync.SignHead(t.key, t.replica, seg.To, seg.H)
	for i := from; i <= to; i++ {
		c, fault := fieldsync.DecodeChange(t.replica, t.log[i-1].Bytes)
		seg.Lines = append(seg.Lines, fieldsync.Line{Seq: uint64(i), Bytes: t.log[i-1].Bytes, H: t.chain[i], Change: c, Fault: fault})
	}
	return seg
}

// push sends everything not sent yet, in pieces.
func (t *tab) push() (notes []fieldsync.Note) {
	t.tb.Helper()
	for t.sent < len(t.log) {
		to := min(t.sent+fieldsync.MaxBatchChanges, len(t.log))
		answer, err := t.s.Push(context.Background(), t.dev, t.segment(t.sent+1, to))
		if err != nil {
			t.tb.Fatalf("push %d to %d of %s: %v", t.sent+1, to, t.dev.Account, err)
		}
		if answer.Through != uint64(to) || answer.Receipt == nil || !answer.Receipt.Verify(t.s.Self().Key.Public().(ed25519.PublicKey)) {
			t.tb.Fatalf("push answered %+v", answer)
		}
		notes = append(notes, answer.Notes...)
		t.sent = to
	}
	return notes
}

// pull reads scopes to their end in pieces of max bytes and applies what comes.
func (t *tab) pull(max int, scopes ...string) map[string]fieldsync.Print {
	t.tb.Helper()
	req := &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{}, Max: max, Replica: t.replica}
	for _, sc := range scopes {
		c, ok := t.cursors[sc]
		if !ok {
			c = fieldsync.Cursor{Epoch: t.s.Self().Epoch}
		}
		req.Cursors[sc] = c
	}
	for {
		var end *fieldsync.PullEnd
		must(t.tb, t.s.Pull(context.Background(), t.dev, req, func(l *fieldsync.PullLine) error {
			if l.End != nil {
				end = l.End
				return nil
			}
			return t.take(l)
		}))
		for sc, c := range end.End {
			if c.Pos < req.Cursors[sc].Pos {
				t.tb.Fatalf("the cursor of %s went back from %d to %d", sc, req.Cursors[sc].Pos, c.Pos)
			}
			req.Cursors[sc], t.cursors[sc] = c, c
		}
		if !end.More {
			return end.FP
		}
	}
}

func (t *tab) take(l *fieldsync.PullLine) error {
	switch {
	case l.Gone != "":
		delete(t.records, l.Gone)
	case l.State != nil:
		r, err := fieldsync.FromState(l.State)
		if err != nil {
			return err
		}
		t.record(r.ID, r.Kind).Join(r)
	case l.Own:
		c := t.log[l.S-1]
		t.record(c.Record, c.Kind).Apply(c)
	case l.B != nil:
		c, fault := fieldsync.DecodeChange(l.Replica, bytes.Clone(l.B))
		if fault != nil {
			return fault
		}
		if c.Dot.Seq != l.S {
			return fmt.Errorf("line %s has number %d", c.Dot, l.S)
		}
		t.record(c.Record, c.Kind).Apply(c)
	}
	return nil
}

func (t *tab) record(id, kind string) *fieldsync.Record {
	if t.records[id] == nil {
		t.records[id] = fieldsync.NewRecord(id, kind)
	}
	return t.records[id]
}

// print is the fingerprint of everything the tablet holds.
func (t *tab) print() fieldsync.Print {
	var f fieldsync.Fingerprint
	for _, r := range t.records {
		f = f.Add(r.Fingerprint())
	}
	return fieldsync.Print(f)
}

// addRound makes a round by the store's own replica.
func addRound(tb testing.TB, s *Store, id string) string {
	tb.Helper()
	_, err := s.Author(context.Background(), Act{Account: "server", Role: "server", Changes: []ActChange{{Record: id, Kind: "round", Op: fieldsync.OpCreate, Scope: district,
		Writes: w("name", "Rà soát cuối năm", "kind", "periodic", "standard", "vn-2021", "questionnaire", form, "from", "2024-10-01", "to", "2024-12-31", "area", district+"@"+onDay)}}})
	must(tb, err)
	s.WaitRejudged()
	return id
}

func code(err error) string {
	var p *fieldsync.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return fmt.Sprint(err)
}

// recordOf is the stored row of a record.
func recordOf(tb testing.TB, s *Store, rec string) *row {
	tb.Helper()
	var x *row
	must(tb, s.View(context.Background(), func(tx *sql.Tx) error {
		r := &reader{s, context.Background(), tx, map[string]*row{}}
		err := r.load(rec)
		x = r.rows[rec]
		return err
	}))
	return x
}

// mergedOf is the merged record as restored from the store.
func mergedOf(tb testing.TB, s *Store, rec string) *fieldsync.Record {
	tb.Helper()
	var out *fieldsync.Record
	must(tb, s.View(context.Background(), func(tx *sql.Tx) error {
		r := &reader{s, context.Background(), tx, map[string]*row{}}
		if err := r.load(rec); err != nil {
			return err
		}
		records, err := r.restore([]*row{r.rows[rec]})
		out = records[rec]
		return err
	}))
	return out
}

func countersOf(tb testing.TB, s *Store) counters {
	tb.Helper()
	var c counters
	must(tb, s.View(context.Background(), func(tx *sql.Tx) (err error) {
		c, err = readCounters(context.Background(), tx)
		return err
	}))
	for k, t := range c {
		if *t == (tally{}) {
			delete(c, k)
		}
	}
	return c
}

// sound fails unless a rebuild finds everything as it is stored.
func sound(tb testing.TB, s *Store) {
	tb.Helper()
	for _, x := range unsound(tb, s) {
		tb.Error(x)
	}
}

func unsound(tb testing.TB, s *Store) (list []string) {
	tb.Helper()
	report, err := s.Rebuild(context.Background(), true)
	must(tb, err)
	for _, d := range report.Differences[:min(10, len(report.Differences))] {
		list = append(list, fmt.Sprintf("rebuild: %s %s %s: stored %q, computed %q", d.Table, d.Key, d.Column, d.Stored, d.Computed))
	}
	return list
}

func states(notes []fieldsync.Note) []string {
	var list []string
	for _, n := range notes {
		list = append(list, fmt.Sprintf("%d %s %s", n.S, n.State, n.Why))
	}
	slices.Sort(list)
	return list
}

// values are the live values of a unit, sorted.
func values(rec *fieldsync.Record, unit string) (list []string) {
	for _, h := range rec.Heads(unit) {
		list = append(list, string(h.Value))
	}
	slices.Sort(list)
	return list
}

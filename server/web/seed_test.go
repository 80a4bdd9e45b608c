package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/demo"
	"github.com/rasoat/rasoat/server/web"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// world is a store with part of the made-up district, seen through its pages.
type world struct {
	t          testing.TB
	store      *central.Store
	server     *web.Server
	round      string
	villages   []demo.Village
	households []demo.Household
	held       fieldsync.Dot
	hostile    string // a household whose names and answers are full of markup
	contested  string // a household with an open conflict that changes its class
}

const password = "một câu dễ nhớ 2024"

// now is the evening of a day of the review.
var now = time.Date(2024, 11, 4, 19, 30, 0, 0, time.FixedZone("", 7*3600))

// people of the tests, one of each role in Vi Hương, and the same two in another commune.
var people = []central.NewAccount{
	{Account: "quantri", Name: "Lý Thị Quản Trị", Role: "admin", Areas: []string{"06@2024-12-31"}},
	{Account: "maychu", Name: "Người trông máy", Role: "admin"},
	{Account: "huyen", Name: "Nông Văn Huyện", Role: "district", Areas: []string{"063@2024-12-31"}},
	{Account: "chutich", Name: "Hoàng Văn Chủ", Role: "chairman", Areas: []string{"01975@2024-12-31"}},
	{Account: "banchidao", Name: "Ma Thị Ban", Role: "board", Areas: []string{"01975@2024-12-31"}, Phone: "0912 000 001"},
	{Account: "truongthon", Name: "Triệu Văn Thôn", Role: "village_head", Areas: []string{"01975-01"}, Phone: "0912 000 002"},
	{Account: "en0417", Name: "Hà Thị Điều Tra", Role: "enumerator", Areas: []string{"01975-01", "01975-02"}, Phone: "0912 000 003"},
	{Account: "en0418", Name: "Hà Văn Thay", Role: "enumerator", Areas: []string{"01975-03"}},
	{Account: "en0900", Name: "Lường Văn Xa", Role: "enumerator", Areas: []string{"02014-01"}},
	{Account: "ban02014", Name: "Bàn Thị Khác", Role: "board", Areas: []string{"02014@2024-12-31"}},
}

// newWorld seeds a store: of each of three communes at most per households are interviewed, and some more are listed.
func newWorld(t testing.TB, per int) *world {
	t.Helper()
	w := seed(t, t.TempDir(), per)
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return w
}

// common is the world of all tests that only look.
var common struct {
	once  sync.Once
	world *world
	dir   string
}

// sharedWorld is for tests that change nothing but who is signed in.
func sharedWorld(t testing.TB) *world {
	t.Helper()
	common.once.Do(func() {
		dir, err := os.MkdirTemp("", "rasoat-web-")
		if err != nil {
			t.Fatal(err)
		}
		common.dir = dir
		common.world = seed(t, dir, 60)
	})
	if common.world == nil {
		t.Fatal("the common world could not be made")
	}
	w := *common.world
	w.t = t
	return &w
}

func TestMain(m *testing.M) {
	status := m.Run()
	if common.world != nil {
		if err := common.world.store.Close(); err != nil {
			status = 1
		}
	}
	if common.dir != "" {
		os.RemoveAll(common.dir)
	}
	os.Exit(status)
}

func seed(t testing.TB, dir string, per int) *world {
	t.Helper()
	ctx := context.Background()
	w := empty(t, dir)
	w.villages, w.households = demo.Population(7)
	w.addVillages(ctx)
	w.addPeople(ctx)
	w.addRound(ctx)
	w.addHouseholds(ctx, per)
	w.addTrouble(ctx)
	w.addTablet(ctx)
	return w
}

// empty is a store on the day it is installed.
func empty(t testing.TB, dir string) *world {
	t.Helper()
	ctx := context.Background()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := central.Open(ctx, "sqlite:"+filepath.Join(dir, "rasoat.db"), central.Options{Now: func() time.Time { return now }, Log: quiet})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	return &world{t: t, store: store, server: web.New(store, web.Options{Log: quiet})}
}

func (w *world) must(err error, what string) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func (w *world) addVillages(ctx context.Context) {
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	rows := [][]string{{"code", "name", "parent_code", "valid_from", "valid_to"}}
	for _, v := range w.villages {
		rows = append(rows, []string{v.Code, v.Name, v.Commune, "2000-01-01", demo.AfterMerger}, []string{v.Code, v.Name, v.After, demo.AfterMerger, ""})
	}
	w.must(out.WriteAll(rows), "write villages")
	done, err := w.store.ImportAreas(ctx, "", &file)
	w.must(err, "import villages")
	if len(done.Rejected) > 0 {
		w.t.Fatalf("villages rejected: %v", done.Rejected[0])
	}
}

func (w *world) addPeople(ctx context.Context) {
	hash, err := account.Hash(password)
	w.must(err, "hash")
	for _, a := range people {
		a.PasswordHash = hash
		w.must(w.store.AddAccount(ctx, "", a), "add account "+a.Account)
	}
}

func (w *world) addRound(ctx context.Context) {
	var err error
	w.round, _, err = w.store.AddRound(ctx, "quantri", central.NewRound{Name: "Rà soát định kỳ năm 2024, huyện Bạch Thông (giả lập)", Area: "063@2024-12-31",
		Standard: demo.Standard, Questionnaire: demo.Questionnaire, From: "2024-09-01", To: "2024-12-14"})
	w.must(err, "open the round")
	count := map[string]*central.Residents{}
	for i := range w.households {
		h := &w.households[i]
		n := count[h.Village.Code]
		if n == nil {
			n = &central.Residents{AsOf: "2024-09-01", Source: "Công an xã"}
			count[h.Village.Code] = n
		}
		n.Households++
		n.Persons += int64(len(h.Members))
	}
	var writes []fieldsync.Write
	for _, v := range w.villages {
		if v.Commune != "02017" { // Quang Thuận has not reported yet
			writes = append(writes, value("residents/"+v.Code, count[v.Code]))
		}
	}
	w.act(ctx, "quantri", "admin", central.ActChange{Record: w.round, Kind: "round", Op: fieldsync.OpEdit, Writes: writes})
}

func value(unit string, v any) fieldsync.Write {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return fieldsync.Write{Unit: unit, Value: b}
}

func (w *world) act(ctx context.Context, who, role string, changes ...central.ActChange) []fieldsync.Dot {
	w.t.Helper()
	dots, err := w.store.Author(ctx, central.Act{Account: who, Role: role, Form: demo.Questionnaire, Changes: changes})
	w.must(err, "author")
	return dots
}

func (w *world) addHouseholds(ctx context.Context, per int) {
	done := map[string]int{}
	var changes []central.ActChange
	for i := range w.households {
		h := &w.households[i]
		c := h.Village.Commune
		if c != "01969" && c != "01975" && c != "02014" || done[c] >= per+per/4+3 {
			continue // a fifth of those listed are not visited yet
		}
		changes = append(changes, w.household(h), w.interview(h, done[c] < per))
		done[c]++
	}
	w.act(ctx, "en0417", "enumerator", changes...)
}

func (w *world) household(h *demo.Household) central.ActChange {
	return central.ActChange{Record: h.ID, Kind: "household", Op: fieldsync.OpCreate, Scope: h.Village.Code, Writes: []fieldsync.Write{
		value("village", h.Village.Code), value("household_code", h.Code), value("address", h.Village.Name)}}
}

func (w *world) interview(h *demo.Household, visited bool) central.ActChange {
	writes := []fieldsync.Write{value("household", h.ID), value("round", w.round), value("village", h.Village.Code), value("listed", map[string]string{"why": "board", "on": "2024-09-01"})}
	if visited {
		for unit, v := range h.Units() {
			if unit != "village" {
				writes = append(writes, value(unit, v))
			}
		}
	}
	return central.ActChange{Record: fieldsync.InterviewID(w.round, h.ID), Kind: "interview", Op: fieldsync.OpCreate, Scope: h.Village.Code, Writes: writes}
}

// addTrouble makes what a board's evening is about: a conflict that changes a class, one that does not, an open question, a
// visit without an interview, and answers that try to be markup.
func (w *world) addTrouble(ctx context.Context) {
	poor := w.find("01975", "poor", 0)
	near := w.find("01975", "near_poor", 0)
	rest := w.find("01975", "not_poor", 0)
	away := w.find("01975", "not_poor", 1)
	other := w.find("01975", "near_poor", 1)
	w.contested, w.hostile = poor.ID, rest.ID
	unseen := []fieldsync.Dot{}
	edit := func(h *demo.Household, parents []fieldsync.Dot, writes ...fieldsync.Write) central.ActChange {
		return central.ActChange{Record: fieldsync.InterviewID(w.round, h.ID), Kind: "interview", Op: fieldsync.OpEdit, Scope: h.Village.Code, Parents: parents, Writes: writes}
	}
	w.act(ctx, "truongthon", "village_head",
		edit(poor, unseen, value("b1_score", 300), value("respondent", "Bà Nông Thị M.")),
		edit(near, unseen, value("m/"+near.Head().ID+"/name", "Tên khác"), value("gps", map[string]any{"lat": 22.2, "lon": 105.8, "accuracy_m": 12})))
	w.act(ctx, "en0417", "enumerator",
		edit(other, nil, value("b1_score", nil), value("open/b1_score", "ask_later")),
		edit(away, nil, value("outcome", "absent")),
		edit(rest, nil, value("m/"+rest.Head().ID+"/name", `<script>alert("x")</script> & "Nguyễn"`), value("respondent", `"><img src=x onerror=alert(1)>`)))
}

// find returns the n-th household of a class in a commune.
func (w *world) find(commune, class string, n int) *demo.Household {
	for i := range w.households {
		if h := &w.households[i]; h.Village.Commune == commune && h.Class == class {
			if n == 0 {
				return h
			}
			n--
		}
	}
	w.t.Fatalf("no household %s %d in %s", class, n, commune)
	return nil
}

// addTablet enrols a tablet, which then sends work about a village its person was never granted: it is held.
func (w *world) addTablet(ctx context.Context) {
	pub, key, err := ed25519.GenerateKey(nil)
	w.must(err, "make a key")
	replica := fieldsync.NewReplica()
	code, _, err := w.store.NewEnrolCode(ctx, "banchidao", "en0417")
	w.must(err, "make a code")
	answer, err := w.store.Enrol(ctx, &fieldsync.EnrolRequest{Code: code, Replica: replica, Pub: fieldsync.B64(pub), HW: "Lenovo Tab M8"}, "127.0.0.1")
	w.must(err, "enrol")
	dev, err := w.store.Device(ctx, answer.Token)
	w.must(err, "device")
	h := w.find("02014", "poor", 0)
	c := &fieldsync.Change{Dot: fieldsync.Dot{Replica: replica, Seq: 1}, Record: fieldsync.InterviewID(w.round, h.ID), Kind: "interview", Op: fieldsync.OpEdit, Form: demo.Questionnaire,
		Scope: h.Village.Code, Account: "en0417", Role: "enumerator", At: now.Add(-time.Hour).UnixMilli(), N: 1,
		Writes: []fieldsync.Write{value("house_area", 21.5), value("toilet", "none"), value(".", "active")}}
	w.must(c.Encode(), "encode")
	start := fieldsync.ChainStart(replica, pub)
	seg := &fieldsync.Segment{PushHead: fieldsync.PushHead{Replica: replica, From: 1, To: 1, Prev: start}}
	seg.H = fieldsync.ChainNext(start, c.Bytes)
	seg.Sig = fieldsync.SignHead(key, replica, 1, seg.H)
	seg.Lines = []fieldsync.Line{{Seq: 1, Bytes: c.Bytes, H: seg.H, Change: c}}
	said, err := w.store.Push(ctx, dev, seg)
	w.must(err, "push")
	if len(said.Notes) != 1 || said.Notes[0].State != "held" {
		w.t.Fatalf("the stray change should be held, got %+v", said.Notes)
	}
	w.held = c.Dot
}

package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Ids of the made-up commune the screens are tried on. Everybody in it is invented.
const (
	naAn      = "01969-03"
	khuoi     = "01969-04"
	commune   = "01969"
	lastRound = "0199c0de-0000-7000-8000-000000000000"
	thisRound = "0199c0de-0000-7000-8000-000000000001"
)

// world is a tablet's store filled as by a sync, with an app on the headless driver.
type world struct {
	tb      testing.TB
	dir     string
	now     time.Time
	store   *tablet.Store
	fyneApp fyne.App
	win     fyne.Window
	a       *App

	board   string // the server's replica
	seq     map[string]uint64
	records map[string]*fieldsync.Record
	scopes  map[string]string
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{tb: tb, dir: tb.TempDir(), now: time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC), board: fieldsync.NewReplica(),
		seq: map[string]uint64{}, records: map[string]*fieldsync.Record{}, scopes: map[string]string{}}
	return w
}

// open starts the app on the folder, as the program does.
func (w *world) open(size fyne.Size, lang string) {
	w.tb.Helper()
	if w.fyneApp == nil {
		w.fyneApp = test.NewTempApp(w.tb)
	}
	w.win = w.fyneApp.NewWindow("")
	w.win.Resize(size)
	w.a = New(Options{App: w.fyneApp, Window: w.win, Lang: lang, Version: "thử", Now: func() time.Time { return w.now },
		Do: func(f func()) { f() }, // the test's goroutine waits meanwhile, see settle
		Open: func(ctx context.Context) (*tablet.Store, error) {
			s, err := tablet.Open(ctx, w.dir, tablet.Options{Now: func() time.Time { return w.now }})
			w.store = s
			return s, err
		}})
	w.a.Start()
	w.settle()
}

// settle waits until everything handed over is done.
func (w *world) settle() {
	w.a.asides.Wait()
	w.a.queue.wait()
}

func (w *world) close() {
	w.tb.Helper()
	if err := w.a.Close(); err != nil {
		w.tb.Fatalf("close: %v", err)
	}
	w.win.Close()
}

// ready skips the first start's page about text size.
func (w *world) ready() {
	if w.fyneApp == nil {
		w.fyneApp = test.NewTempApp(w.tb)
	}
	w.fyneApp.Preferences().SetBool(prefText+"-chosen", true)
}

// fill enrols the tablet in Nà Ản and Khuổi Luông and gives it last year's lists, as a sync would.
func (w *world) fill(households int) {
	w.tb.Helper()
	ctx := context.Background()
	store, err := tablet.Open(ctx, w.dir, tablet.Options{Now: func() time.Time { return w.now }})
	if err != nil {
		w.tb.Fatal(err)
	}
	w.enrol(store)
	w.people(households)
	areas := w.areas()
	scopes := []string{commune, naAn, khuoi}
	if _, err := store.Learn(ctx, &fieldsync.HelloAnswer{Proto: 1, Server: "srv", Epoch: "e1", Scopes: scopes, Areas: areas,
		Have: fieldsync.Have{H: w.chain(store)}, Rounds: []string{lastRound, thisRound}, Now: w.now.UnixMilli()}); err != nil {
		w.tb.Fatal(err)
	}
	for _, scope := range scopes {
		var states []*fieldsync.State
		for _, id := range sortedKeys(w.records) {
			if w.scopes[id] == scope {
				states = append(states, overTheWire(w.tb, w.records[id].State(scope)))
			}
		}
		if err := store.Bootstrap(ctx, &fieldsync.SnapshotHead{Scope: scope, At: fieldsync.Cursor{Epoch: "e1", Pos: 1}}, states); err != nil {
			w.tb.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) chain(store *tablet.Store) fieldsync.B64 {
	hello, err := store.Greeting(context.Background())
	if err != nil {
		w.tb.Fatal(err)
	}
	return hello.H
}

func overTheWire(tb testing.TB, state fieldsync.State) *fieldsync.State {
	b, err := json.Marshal(state)
	if err != nil {
		tb.Fatal(err)
	}
	var out fieldsync.State
	if err := json.Unmarshal(b, &out); err != nil {
		tb.Fatal(err)
	}
	return &out
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *world) areas() []fieldsync.AreaInfo {
	return []fieldsync.AreaInfo{
		{Code: naAn, Level: "village", Name: "Thôn Nà Ản (Vi Hương cũ)", Parent: commune, ValidFrom: "2025-07-01"},
		{Code: khuoi, Level: "village", Name: "Thôn Khuổi Luông", Parent: commune, ValidFrom: "2025-07-01"},
	}
}

// enrol exchanges a code for a token with a server that knows exactly one.
func (w *world) enrol(store *tablet.Store) {
	w.tb.Helper()
	srv := enrolServer(w.tb, w.areas())
	if err := store.Enrol(context.Background(), srv.URL, "K7QM-2XRT-9C"); err != nil {
		w.tb.Fatalf("enrol: %v", err)
	}
}

// enrolServer answers enrol as sync.md section 6 says, and nothing else.
func enrolServer(tb testing.TB, areas []fieldsync.AreaInfo) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var req fieldsync.EnrolRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || r.URL.Path != fieldsync.PathEnrol {
			refuse(rw, http.StatusNotFound, fieldsync.CodeNotFound)
			return
		}
		switch req.Code {
		case "K7QM-2XRT-9C":
			rw.Header().Set("Content-Type", fieldsync.MediaType)
			json.NewEncoder(rw).Encode(fieldsync.EnrolAnswer{Token: "t1", Account: "en0417", Name: "Chị Lan", Role: "enumerator", Server: "srv",
				Scopes: []string{commune, naAn, khuoi}, Areas: areas, Rounds: []string{thisRound}, ServerKey: make(fieldsync.B64, 32)})
		case "OLDC-ODEX-XX":
			refuse(rw, http.StatusGone, fieldsync.CodeEnrolExpired)
		default:
			refuse(rw, http.StatusNotFound, fieldsync.CodeEnrolUnknown)
		}
	}))
	tb.Cleanup(srv.Close)
	return srv
}

func refuse(rw http.ResponseWriter, status int, code string) {
	rw.Header().Set("Content-Type", fieldsync.ProblemType)
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(fieldsync.Problem{Status: status, Code: code, Title: "refused"})
}

// write is a change of somebody's replica on all it sees, or, with apart, on nothing: at the same time as others.
func (w *world) write(replica, account, role, kind, rec, scope string, apart bool, values map[string]any) {
	w.tb.Helper()
	w.seq[replica]++
	c := &fieldsync.Change{Dot: fieldsync.Dot{Replica: replica, Seq: w.seq[replica]}, Record: rec, Kind: kind, Op: fieldsync.OpEdit,
		Form: "household/2026.1", Scope: scope, Account: account, Role: role, At: w.now.Add(-48 * time.Hour).UnixMilli(), N: w.seq[replica]}
	values["."] = "active"
	for _, unit := range sortedKeys(values) {
		b, err := json.Marshal(values[unit])
		if err != nil {
			w.tb.Fatal(err)
		}
		c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: b})
	}
	r := w.records[rec]
	if r == nil {
		r = fieldsync.NewRecord(rec, kind)
		w.records[rec], w.scopes[rec] = r, scope
	}
	if !apart {
		c.Parents = r.ParentsOf(sortedKeys(values))
	}
	if err := c.Encode(); err != nil {
		w.tb.Fatalf("encode %s of %s: %v", kind, rec, err)
	}
	r.Apply(c)
}

func (w *world) act(kind, rec, scope string, values map[string]any) {
	w.write(w.board, "ban01", "board", kind, rec, scope, false, values)
}

func id(n int) string { return fmt.Sprintf("0199c0de-0000-7000-9000-%012d", n) }

var (
	families = []string{"Nông", "Hoàng", "Triệu", "Bàn", "Lý", "Đặng", "Nguyễn", "Ma"}
	middles  = []string{"Văn", "Thị", "Đức", "Minh"}
	givens   = []string{"Páo", "Hường", "Ản", "Thìn", "Dần", "Mảy", "Ỷ", "Ước", "Lan", "Tèn"}
)

// people are a round last year and one now; the first household in full, one sent back, one in conflict, the others by name.
func (w *world) people(n int) {
	for year, round := range map[string]string{"2025": lastRound, "2026": thisRound} {
		w.act("round", round, commune, map[string]any{"name": "Rà soát định kỳ năm " + year, "kind": "periodic", "standard": "vn-2021",
			"questionnaire": "household/2026.1", "from": year + "-09-01", "to": year + "-12-15"})
	}
	for i := range n {
		village := naAn
		if i%3 == 2 {
			village = khuoi
		}
		head := families[i%len(families)] + " " + middles[i/3%len(middles)] + " " + givens[(i*7)%len(givens)]
		w.household(i, village, head)
	}
	w.family(id(0))
	w.sentBack(id(1))
	w.conflict(id(2))
}

func (w *world) household(i int, village, head string) {
	hh := id(i)
	w.act("household", hh, village, map[string]any{"village": village, "household_code": fmt.Sprintf("HN%04d", i+1), "address": "Nhóm " + fmt.Sprint(i%4+1)})
	m := id(1000 + 10*i)
	w.act("interview", fieldsync.InterviewID(lastRound, hh), village, map[string]any{"household": hh, "round": lastRound, "village": village,
		"review_date": "2025-10-10", "outcome": "interviewed", "head": m, "status": "complete", "decision/recognised": map[string]any{"class": "poor", "number": "12/QĐ", "date": "2025-12-20"},
		"m/" + m + "/.": "active", "m/" + m + "/name": head, "m/" + m + "/relation": "head", "m/" + m + "/birth": "1971", "m/" + m + "/sex": "male"})
	w.act("interview", fieldsync.InterviewID(thisRound, hh), village, map[string]any{"household": hh, "round": thisRound, "village": village,
		"listed":      map[string]any{"why": "last_list", "on": "2026-09-01"},
		"prior_class": map[string]any{"class": "poor", "number": "12/QĐ", "date": "2025-12-20", "ever_poor": "yes", "ever_near_poor": "unknown", "since": "2025"}})
}

// family gives household hh three more members and a full house of last year's answers.
func (w *world) family(hh string) {
	values := map[string]any{"water": "unprotected_spring", "toilet": "none", "house_wall": "non_durable", "house_column": "non_durable", "house_roof": "durable",
		"house_area": 32.5, "internet_use": "yes", "means/tv": "yes", "means/radio": "no", "means/desktop": "no", "means/phone": "no", "means/laptop": "no",
		"means/tablet": "no", "means/smartphone": "yes", "livelihood": "agriculture", "income_per_capita": 900000, "b1_score": 120, "waste": "burned"}
	for i, p := range [][4]string{{"Triệu Thị Mảy", "spouse", "1975-03", "female"}, {"Nông Thị Hường", "child", "2009-11-02", "female"}, {"Nông Văn Ản", "child", "2016-05-20", "male"}} {
		m := "m/" + id(1001+i)
		values[m+"/."], values[m+"/name"], values[m+"/relation"], values[m+"/birth"], values[m+"/sex"] = "active", p[0], p[1], p[2], p[3]
		values[m+"/ethnicity"], values[m+"/health_insurance"], values[m+"/degree"] = "02", "yes", "primary"
	}
	w.act("interview", fieldsync.InterviewID(lastRound, hh), naAn, values)
}

func (w *world) sentBack(hh string) {
	iv := fieldsync.InterviewID(thisRound, hh)
	w.act("interview", iv, w.scopes[hh], map[string]any{"water": "tap", "review_date": "2026-10-01", "outcome": "interviewed", "status": "complete",
		"review/state": "returned", "review/note/" + id(77): map[string]any{"on": "water", "text": "Thôn chưa có nước máy. Xem lại giúp."}})
}

func (w *world) conflict(hh string) {
	iv := fieldsync.InterviewID(thisRound, hh)
	for i, who := range []string{"en0417", "en0522"} {
		w.write(fieldsync.NewReplica(), who, "enumerator", "interview", iv, w.scopes[hh], true, map[string]any{
			"water": []string{"tap", "surface"}[i], "review_date": "2026-10-01", "outcome": "interviewed"})
	}
}

// texts are all texts in sight on a canvas object, in order.
func texts(o fyne.CanvasObject) (list []string) {
	walk(o, func(o fyne.CanvasObject) {
		switch o := o.(type) {
		case *para:
			list = append(list, o.text)
		case *field:
			list = append(list, o.Text)
		}
	})
	return list
}

// walk visits everything visible below o.
func walk(o fyne.CanvasObject, visit func(fyne.CanvasObject)) {
	if o == nil || !o.Visible() {
		return
	}
	visit(o)
	for _, child := range children(o) {
		walk(child, visit)
	}
}

// children are the objects an object is drawn of; an entry is one whole.
func children(o fyne.CanvasObject) []fyne.CanvasObject {
	switch c := o.(type) {
	case *field:
		return nil
	case *fyne.Container:
		return c.Objects
	case fyne.Widget:
		return test.WidgetRenderer(c).Objects()
	}
	return nil
}

// tap taps the button in sight whose text is text, or else the first that begins with it.
func (w *world) tap(text string) {
	w.tb.Helper()
	var found, begins *button
	walk(w.a.frame, func(o fyne.CanvasObject) {
		b, ok := o.(*button)
		switch {
		case !ok || b.disabled:
		case b.label.text == text && found == nil:
			found = b
		case strings.HasPrefix(b.label.text, text) && begins == nil:
			begins = b
		}
	})
	if found == nil {
		found = begins
	}
	if found == nil {
		w.tb.Fatalf("no button %q on %q; texts: %q", text, w.a.frame.title.text, texts(w.a.frame))
	}
	test.Tap(found)
	w.settle()
}

// under finds the question with this wording on the page.
func (w *world) under(label string) *questionView {
	w.tb.Helper()
	var views []*questionView
	switch p := w.a.top().(type) {
	case *sectionPage:
		views = p.views
	case *householdPage:
		views = p.views
	case *partPage:
		views = []*questionView{p.view}
	}
	for _, v := range views {
		if v.q.Label.In(w.a.lang) == label {
			if !v.box.Visible() {
				w.tb.Fatalf("question %q is hidden", label)
			}
			return v
		}
	}
	w.tb.Fatalf("no question %q on %q", label, w.a.frame.title.text)
	return nil
}

// choose taps an answer of a question.
func (w *world) choose(label, answer string) {
	w.tb.Helper()
	v := w.under(label)
	var found *button
	walk(v.box, func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok && b.label.text == answer && found == nil {
			found = b
		}
	})
	if found == nil {
		w.tb.Fatalf("question %q has no answer %q; it has %q", label, answer, texts(v.box))
	}
	test.Tap(found)
	w.settle()
}

// fields are the entries of a question, in order.
func (w *world) fields(label string) (list []*field) {
	w.tb.Helper()
	walk(w.under(label).box, func(o fyne.CanvasObject) {
		if f, ok := o.(*field); ok {
			list = append(list, f)
		}
	})
	return list
}

// typeIn types into the entries of a question, one after the other, through the canvas's focus as a person does.
func (w *world) typeIn(label string, texts ...string) {
	w.tb.Helper()
	fields := w.fields(label)
	if len(fields) < len(texts) {
		w.tb.Fatalf("question %q has %d entries, want %d", label, len(fields), len(texts))
	}
	for i, text := range texts {
		w.win.Canvas().Focus(fields[i])
		for range []rune(fields[i].Text) {
			fields[i].TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace})
		}
		test.Type(fields[i], text)
	}
	w.win.Canvas().Unfocus()
	w.settle()
}

package tablet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

func heads(rows []*Row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Head)
	}
	return out
}

func TestTheListIsSortedByGivenNameInVietnameseOrder(t *testing.T) {
	h := newHome(t)
	want := []string{"Nông Văn An", "Lý Thị Ánh", "Hoàng Văn Bảo", "Bàn Thị Cúc", "Lý Văn Dần", "Nông Thị Đào", "Đặng Văn Giang", "Hà Thị Hoa", "Lý Thị Hoa", "Vi Văn Ứng"}
	shuffled := slices.Clone(want)
	slices.SortFunc(shuffled, func(a, b string) int { return strings.Compare(b, a) })
	for _, name := range shuffled {
		h.household(village, name)
	}
	s := h.tablet("en01", village)
	if got := heads(s.Households(Filter{})); !slices.Equal(got, want) {
		t.Errorf("order %q,\nwant  %q", got, want)
	}
	save(t, s, s.Households(Filter{Text: "dang van giang"})[0].ID, "water", "tap")
	if got := heads(s.Households(Filter{})); !slices.Equal(got, want) {
		t.Errorf("order after an answer %q,\nwant  %q", got, want)
	}
	for text, n := range map[string]int{"": 10, "HOA": 3, "hoa": 3, "thị hoa": 2, "lý thị": 2, "ly thi hoa": 1, "Dao": 1, "đào": 1, "zz": 0, "ung": 1} {
		if got := s.Households(Filter{Text: text}); len(got) != n {
			t.Errorf("search %q finds %q, want %d", text, heads(got), n)
		}
	}
	code := s.Households(Filter{})[0].Code
	if got := s.Households(Filter{Text: code}); len(got) == 0 {
		t.Errorf("search for the code %q finds nothing", code)
	}
}

func TestVillagesCountWhatIsDone(t *testing.T) {
	h := newHome(t)
	a, _ := h.household(village, "Nông Thị Mây")
	h.household(village, "Lý Văn Sơn")
	h.household(village2, "Hoàng Thị Én")
	s := h.tablet("en01", village, village2)
	f := openForm(t, s, a)
	must(t, f.Set(bg, "water", Text("tap")))
	got := s.Villages()
	want := []Village{{Code: village2, Name: "Thôn Khuổi Luông", Total: 1, Todo: 1}, {Code: village, Name: "Thôn Nà Ản", Total: 2, Todo: 1, Draft: 1}}
	if !slices.Equal(got, want) {
		t.Errorf("villages %+v, want %+v", got, want)
	}
	must(t, f.Set(bg, "status", Text("complete")))
	must(t, f.Close(bg))
	if v := s.Villages()[1]; v.Complete != 1 || v.Unsent != 1 || v.Draft != 0 || v.Todo != 1 {
		t.Errorf("after completing one: %+v", v)
	}
	h.sync(s, commune, village, village2)
	if v := s.Villages()[1]; v.Received != 1 || v.Unsent != 0 {
		t.Errorf("after the sync: %+v", v)
	}
	if err := s.SetRound(bg, lastID); err != nil {
		t.Fatal(err)
	}
	if v := s.Villages()[1]; v.Total != 2 || v.Todo != 0 || v.Received != 2 {
		t.Errorf("in last year's round: %+v, want both done", v)
	}
	s.kill(t)
	if r := openAt(t, s.dir).Round(); r.ID != lastID || r.Standard != "vn-2021" || r.Name != "Rà soát 2025" {
		t.Errorf("round after a start: %+v, want the chosen one", r)
	}
}

func TestTheRunningClassIsJudgedFromTheDraft(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.ConfirmMember(bg, members[0]))
	for unit, v := range map[string]string{"review_date": "2026-10-01", "water": "other", "toilet": "none", "internet_use": "no",
		"m/" + members[0] + "/work": "self_employed", "m/" + members[0] + "/health_insurance": "no"} {
		must(t, f.Set(bg, unit, Text(v)))
	}
	must(t, f.Set(bg, "household_size", Number("1")))
	must(t, f.Set(bg, "b1_score", Number("120")))
	j, err := f.Judgement("vi")
	must(t, err)
	if j.Class != survey.Poor || len(j.Why) == 0 {
		t.Errorf("class %s with %d reasons, want poor with reasons: four indicators are lacking", j.Class, len(j.Why))
	}
	must(t, f.Set(bg, "b1_score", Number("200")))
	j, err = f.Judgement("en")
	must(t, err)
	if j.Class != survey.NotPoor {
		t.Errorf("class %s with a score of 200, want not_poor", j.Class)
	}
	must(t, f.Close(bg))
	if r := s.Households(Filter{})[0]; r.Class != survey.NotPoor || r.LastClass == "" {
		t.Errorf("row %+v, want class not_poor beside last year's", r)
	}
	sum, err := s.Household(bg, id)
	must(t, err)
	if len(sum.Interviews) != 2 || sum.Interviews[0].Round != roundID || sum.VillageName != "Thôn Nà Ản" {
		t.Errorf("summary %+v", sum)
	}
	_, err = s.Household(bg, newID(t))
	wantProblem(t, err, "no_household")
}

func TestAChangedRoundIsJudgedAnew(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.ConfirmMember(bg, members[0]))
	must(t, f.Set(bg, "review_date", Text("2026-10-01")))
	must(t, f.Set(bg, "income_per_capita", Number("1900000")))
	must(t, f.Close(bg))
	before := s.Households(Filter{})[0].Class
	if before != survey.NotPoor {
		t.Fatalf("class %s under vn-2021 with 1,900,000, want not_poor", before)
	}
	h.write("round", roundID, commune, fieldsync.OpEdit, map[string]any{"standard": "vn-2027"})
	h.sync(s, commune, village)
	if after := s.Households(Filter{})[0].Class; after == before {
		t.Errorf("class %s after the round changed to vn-2027, want it judged anew", after)
	}
}

// scramble seals by a fixed pattern: enough to see whether anything personal gets past the seam.
type scramble struct{}

func (scramble) Seal(place string, b []byte) ([]byte, error) {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(place)))
	for _, c := range append([]byte(place), b...) {
		out = append(out, c^0xA5)
	}
	return out, nil
}

func (scramble) Open(place string, b []byte) ([]byte, error) {
	if len(b) < 2+len(place) {
		return nil, fmt.Errorf("sealed value of %s is cut short", place)
	}
	var out []byte
	for _, c := range b[2:] {
		out = append(out, c^0xA5)
	}
	if n := int(binary.BigEndian.Uint16(b)); n > len(out) || string(out[:n]) != place {
		return nil, fmt.Errorf("sealed value belongs to another place than %s", place)
	}
	return out[len(place):], nil
}

func TestNothingPersonalPassesTheSealer(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	dir := t.TempDir()
	s, err := Open(bg, dir, Options{Sealer: scramble{}})
	must(t, err)
	h.enrol(s, "en-secret", commune, village)
	h.sync(s, commune, village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "m/"+members[0]+"/id_number", Text("012345678901")))
	must(t, f.SetHousehold(bg, "phone", Text("0912345678")))
	_, err = f.Commit(bg)
	must(t, err)
	must(t, f.Set(bg, "m/"+members[0]+"/name", Text("Nông Thị Tuyết")))
	must(t, s.Synced(bg, SyncRecord{At: time.Now(), Detail: "Chị Lan ở thôn Nà Ản"}))
	s.kill(t)
	personal := []string{"Nông", "Mây", "Tuyết", "nong thi", "012345678901", "0912345678", "en-secret", "Chị Lan", "t-en", "Nà Ản", "self_employed", `"tap"`}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, text := range personal {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%s holds %q unsealed", filepath.Base(path), text)
			}
		}
		return err
	}))
	s, err = Open(bg, dir, Options{Sealer: scramble{}, Set: schema.Builtin()})
	must(t, err)
	defer s.Close()
	if got := heads(s.Households(Filter{Text: "tuyet"})); len(got) != 1 {
		t.Errorf("after a start with the sealer: %q", got)
	}
}

func TestAListedRowReadsBackAndACutOneIsAnError(t *testing.T) {
	d := &listed{ID: "x", Head: "Nông Thị Mây", Code: "H1", Village: village, Removed: "", folded: "nong thi may", key: sortKey("Nông Thị Mây"), conflicts: 3,
		Rounds: []inRound{{Round: roundID, Interview: "i", Day: "2026-10-01", Class: "poor", Members: 4, Answered: true, Returned: true}}}
	b := d.appendTo(nil)
	got, err := readListed("x", b)
	must(t, err)
	if !bytes.Equal(got.appendTo(nil), b) || got.Rounds[0] != d.Rounds[0] || got.conflicts != 3 {
		t.Errorf("read back %+v, want %+v", got, d)
	}
	for n := range len(b) {
		if _, err := readListed("x", b[:n]); err == nil {
			t.Fatalf("a row cut after %d of %d bytes was read", n, len(b))
		}
	}
}

func TestSyncHistoryKeepsTheNewest(t *testing.T) {
	s := openAt(t, t.TempDir())
	for i := range keptSyncs + 5 {
		must(t, s.Synced(bg, SyncRecord{Sent: i}))
	}
	all, err := s.SyncHistory(bg, 1000)
	must(t, err)
	if len(all) != keptSyncs || all[0].Sent != keptSyncs+4 {
		t.Errorf("%d kept, newest %d; want %d, newest %d", len(all), all[0].Sent, keptSyncs, keptSyncs+4)
	}
}

// manyHouseholds fills a store with n households that have an interview of last year.
func manyHouseholds(tb testing.TB, n int) *Store {
	h := newHome(tb)
	s := h.tablet("en01", village)
	family := []string{"Nông", "Lý", "Hoàng", "Bàn", "Đặng", "Triệu", "Hà", "Vi"}
	given := []string{"An", "Ánh", "Bảo", "Cúc", "Dần", "Đào", "Giang", "Hoa", "Kiên", "Lan", "Mây", "Nga", "Ứng", "Xuân", "Yến"}
	states := make([]*fieldsync.State, 0, 2*n)
	for i := range n {
		name := fmt.Sprintf("%s %s %s", family[i%len(family)], []string{"Văn", "Thị"}[i%2], given[i%len(given)])
		id, members := newID(tb), newID(tb)
		states = append(states, stateOf(tb, "household", id, map[string]any{"village": village, "household_code": fmt.Sprint(i), ".": "active"}),
			stateOf(tb, "interview", fieldsync.InterviewID(lastID, id), map[string]any{"household": id, "round": lastID, "village": village, "status": "complete",
				"review_date": "2025-10-01", "water": "tap", "toilet": "septic", "b1_score": 150, "house_area": 40,
				"m/" + members + "/name": name, "m/" + members + "/birth": "1980", "m/" + members + "/sex": "male", "head": members, ".": "active"}))
	}
	must(tb, s.Bootstrap(bg, &fieldsync.SnapshotHead{Scope: village, At: fieldsync.Cursor{Epoch: h.epoch, Pos: 1}}, states))
	return s
}

func stateOf(tb testing.TB, kind, id string, w map[string]any) *fieldsync.State {
	c := &fieldsync.Change{Record: id, Kind: kind, Account: "ban01", Role: "board", Dot: fieldsync.Dot{Replica: "AAAAAAAAAAA", Seq: seqOf()}}
	for unit, v := range w {
		c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: encode(v)})
	}
	r := fieldsync.NewRecord(id, kind)
	r.Apply(c)
	state := r.State(village)
	return &state
}

var lastSeq uint64

func seqOf() uint64 { lastSeq++; return lastSeq }

func BenchmarkLoad10000(b *testing.B) {
	s := manyHouseholds(b, 10000)
	for b.Loop() {
		if err := s.loadList(bg); err != nil {
			b.Fatal(err)
		}
	}
	if n := len(s.Households(Filter{})); n != 10000 {
		b.Fatalf("%d households loaded", n)
	}
}

func BenchmarkOpenStore10000(b *testing.B) {
	s := manyHouseholds(b, 10000)
	s.kill(b)
	for b.Loop() {
		s, err := Open(bg, s.dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.db.Close()
	}
}

func BenchmarkSearch10000(b *testing.B) {
	s := manyHouseholds(b, 10000)
	b.ResetTimer()
	for b.Loop() {
		if rows := s.Households(Filter{Text: "Lý Thị Ánh"}); len(rows) == 0 {
			b.Fatal("nothing found")
		}
	}
}

func BenchmarkListAll10000(b *testing.B) {
	s := manyHouseholds(b, 10000)
	b.ResetTimer()
	for b.Loop() {
		if rows := s.Households(Filter{}); len(rows) != 10000 {
			b.Fatal(len(rows))
		}
	}
}

func BenchmarkSetOneAnswer(b *testing.B) {
	s := manyHouseholds(b, 10000)
	f := openForm(b, s, s.Households(Filter{})[0].ID)
	values := []string{"tap", "rain"}
	i := 0
	b.ResetTimer()
	for b.Loop() {
		i++
		if err := f.Set(bg, "water", Text(values[i%2])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenForm(b *testing.B) {
	s := manyHouseholds(b, 1000)
	id := s.Households(Filter{})[0].ID
	b.ResetTimer()
	for b.Loop() {
		f := openForm(b, s, id)
		if err := f.Close(bg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	s := manyHouseholds(b, 1000)
	f := openForm(b, s, s.Households(Filter{})[0].ID)
	values := []string{"tap", "rain"}
	i := 0
	b.ResetTimer()
	for b.Loop() {
		i++
		if err := f.Set(bg, "water", Text(values[i%2])); err != nil {
			b.Fatal(err)
		}
		if _, err := f.Commit(bg); err != nil {
			b.Fatal(err)
		}
	}
}

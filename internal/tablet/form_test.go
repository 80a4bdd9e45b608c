package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

var bg = context.Background()

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func openForm(tb testing.TB, s *Store, household string) *Form {
	tb.Helper()
	f, err := s.OpenForm(bg, household, roundID)
	must(tb, err)
	return f
}

func wantProblem(tb testing.TB, err error, code string) {
	tb.Helper()
	var p *Problem
	if !errors.As(err, &p) || p.Code != code {
		tb.Fatalf("got error %v, want problem %q", err, code)
	}
	for _, lang := range []string{"vi", "en"} {
		if text := p.Text[lang]; text == "" || strings.Contains(text, "{") {
			tb.Errorf("problem %q says %q in %s", code, text, lang)
		}
	}
}

func TestAnAnswerSurvivesAKillAndBecomesAChangeAtTheNextStart(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "water", Text("rain")))
	must(t, f.Set(bg, "house_area", Number("32.5")))
	s.kill(t)

	s = openAt(t, s.dir)
	if u := s.Unsent(); u.Changes != 1 || u.Drafts != 0 || u.Households != 1 || u.Since.IsZero() {
		t.Fatalf("unsent after the start: %+v, want one change and no drafts", u)
	}
	f = openForm(t, s, id)
	if got := f.Value("water"); got.Text() != "rain" || got.Draft {
		t.Errorf("water = %+v, want rain, no draft", got)
	}
	if got := f.Value("house_area").Text(); got != "32.5" {
		t.Errorf("house_area = %s, want 32.5", got)
	}
	c := ownChanges(t, s, f.Interview())[0]
	for unit, want := range map[string]string{"household": id, "round": roundID, "village": village, ".": "active"} {
		if got := asText(written(c, unit)); got != want {
			t.Errorf("the first change writes %s = %q, want %q", unit, got, want)
		}
	}
	if c.Op != fieldsync.OpCreate || c.Account != "en01" || c.Role != "enumerator" || c.Form != "household/2026.1" || c.Scope != village || c.N != 1 {
		t.Errorf("change head: %+v", c)
	}
}

func ownChanges(tb testing.TB, s *Store, rec string) []*fieldsync.Change {
	tb.Helper()
	cs, err := s.ownOf(bg, s.db, rec)
	must(tb, err)
	return cs
}

func written(c *fieldsync.Change, unit string) json.RawMessage {
	for _, w := range c.Writes {
		if w.Unit == unit {
			return w.Value
		}
	}
	return nil
}

func TestAChangeNamesWhatWasOnTheScreenAndCarriesStatus(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây", "Lý Văn Sơn")
	iv := fieldsync.InterviewID(roundID, id)
	opened := h.write("interview", iv, village, fieldsync.OpCreate, map[string]any{"household": id, "round": roundID, "village": village,
		"listed": map[string]any{"why": "last_list"}, ".": "active", "m/" + members[1] + "/.": "active"})
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "m/"+members[1]+"/name", Text("Lý Văn Sơn")))
	_, err := f.Commit(bg)
	must(t, err)
	c := ownChanges(t, s, iv)[0]
	if got := len(c.Writes); got != 3 {
		t.Errorf("the change writes %d units, want 3: the name, the member's status and the record's", got)
	}
	for _, unit := range []string{".", "m/" + members[1] + "/."} {
		if asText(written(c, unit)) != "active" {
			t.Errorf("%s = %s, want active", unit, written(c, unit))
		}
	}
	if len(c.Parents) != 1 || c.Parents[0] != opened.Dot {
		t.Errorf("parents = %v, want the change on the screen %v", c.Parents, opened.Dot)
	}
	if c.Op != fieldsync.OpEdit {
		t.Errorf("op = %s, want edit", c.Op)
	}
	must(t, f.Set(bg, "water", Text("tap")))
	_, err = f.Commit(bg)
	must(t, err)
	if c2 := ownChanges(t, s, iv)[1]; len(c2.Parents) != 1 || c2.Parents[0] != c.Dot {
		t.Errorf("second change's parents = %v, want the form's own first change %v as sole base", c2.Parents, c.Dot)
	}
	must(t, f.Set(bg, "m/"+members[1]+"/name", Text("Lý Văn Son")))
	must(t, f.Close(bg))
	c3 := ownChanges(t, s, iv)[2]
	if len(c3.Parents) != 2 || c3.Parents[0] != c.Dot || c3.Parents[1].Seq != 2 {
		t.Errorf("third change's parents = %v, want the name's head and the status's", c3.Parents)
	}
	h.sync(s, commune, village)
	for _, unit := range h.records[iv].Units() {
		if got := len(h.records[iv].Heads(unit)); got != 1 {
			t.Errorf("%s has %d heads at home after one person's work, want 1", unit, got)
		}
	}
}

func TestAFormShowsOneSnapshotUntilNewsAreAccepted(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	a, b := h.tablet("en01", village), h.tablet("en02", village)
	fa := openForm(t, a, id)
	must(t, fa.Set(bg, "water", Text("rain")))

	fb := openForm(t, b, id)
	must(t, fb.Set(bg, "water", Text("tap")))
	must(t, fb.Set(bg, "toilet", Text("none")))
	must(t, fb.Close(bg))
	h.sync(b, commune, village)

	var heard []Event
	a.Subscribe(func(e Event) { heard = append(heard, e) })
	h.sync(a, commune, village)
	if !fa.News() {
		t.Fatal("a pull brought newer state, but the form has no news")
	}
	if !hasEvent(heard, EventForm, id) {
		t.Errorf("no event tells the open form of the news: %v", heard)
	}
	if got := fa.Value("toilet"); got.Value != nil {
		t.Errorf("toilet = %s before the news are accepted, want unanswered", got.Value)
	}
	must(t, fa.AcceptNews(bg))
	if fa.News() {
		t.Error("the form still has news after accepting them")
	}
	if got := fa.Value("toilet").Text(); got != "none" {
		t.Errorf("toilet = %q after accepting, want none", got)
	}
	water := fa.Value("water")
	if water.Text() != "rain" || !water.Draft || asText(water.By.Value) != "tap" || water.By.Account != "en02" {
		t.Errorf("water = %+v, want the unsaved rain beside en02's tap", water)
	}
	if open := fa.Interviewed().Open("water"); len(open) != 0 {
		t.Errorf("the running class still sees %q on water, although the news were accepted", open)
	}
	must(t, fa.Close(bg))
	h.sync(a, commune, village)
	if open := h.records[fa.Interview()].Conflicts(nil); len(open) != 0 {
		t.Errorf("conflicts at home: %v, want none: the answer was given with the other on the screen", open)
	}
}

func hasEvent(events []Event, kind, household string) bool {
	for _, e := range events {
		if e.Kind == kind && e.Household == household {
			return true
		}
	}
	return false
}

func TestAKillAfterAPullKeepsTheParentsOfTheSnapshot(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	a, b := h.tablet("en01", village), h.tablet("en02", village)
	fa := openForm(t, a, id)
	must(t, fa.Set(bg, "water", Text("rain")))
	fb := openForm(t, b, id)
	must(t, fb.Set(bg, "water", Text("tap")))
	must(t, fb.Close(bg))
	h.sync(b, commune, village)
	h.sync(a, commune, village) // the form is open: its draft stays, its snapshot too
	a.kill(t)
	a = openAt(t, a.dir)
	h.sync(a, commune, village)
	open := h.records[fa.Interview()].Conflicts(nil)
	if len(open) != 1 || open[0].Unit != "water" {
		t.Fatalf("conflicts at home: %v, want one on water: nobody had seen the other's answer", open)
	}
	cs, err := a.Conflicts(bg, id)
	must(t, err)
	if len(cs) != 1 || len(cs[0].Values) != 2 || cs[0].Unit != "water" {
		t.Errorf("conflicts on the tablet: %+v, want water with two values", cs)
	}
	if rows := a.Households(Filter{State: Conflict}); len(rows) != 1 || rows[0].State != Conflict {
		t.Errorf("list of conflicts: %v, want the household", rows)
	}
}

func TestANewHouseholdMakesTwoChangesUnderOneTag(t *testing.T) {
	h := newHome(t)
	s := h.tablet("en01", village)
	f, err := s.NewHousehold(bg, roundID, village)
	must(t, err)
	if got := len(s.Households(Filter{})); got != 0 {
		t.Errorf("%d households listed before the first answer, want none", got)
	}
	m, err := f.AddMember(bg)
	must(t, err)
	must(t, f.Set(bg, "m/"+m+"/name", Text("Hoàng Thị Én")))
	must(t, f.Set(bg, "m/"+m+"/relation", Text("head")))
	must(t, f.SetHousehold(bg, "phone", Text("0900000001")))
	done, err := f.Commit(bg)
	must(t, err)
	if done.Changes != 2 {
		t.Fatalf("%d changes, want the household's and the interview's", done.Changes)
	}
	hh, iv := ownChanges(t, s, f.Household())[0], ownChanges(t, s, f.Interview())[0]
	if hh.Tag == "" || hh.Tag != iv.Tag {
		t.Errorf("tags %q and %q, want the same", hh.Tag, iv.Tag)
	}
	if asText(written(hh, "village")) != village || asText(written(hh, "phone")) != "0900000001" || hh.Op != fieldsync.OpCreate {
		t.Errorf("household's change: %s", hh.Bytes)
	}
	rows := s.Households(Filter{Text: "hoang thi en"})
	if len(rows) != 1 || rows[0].Head != "Hoàng Thị Én" || rows[0].Unsent != 2 || rows[0].Members != 1 {
		t.Fatalf("list: %+v, want the new household with two unsent changes", rows)
	}
	h.sync(s, commune, village)
	if u := s.Unsent(); u.Changes != 0 {
		t.Errorf("unsent after the sync: %+v", u)
	}
	if h.records[f.Household()] == nil || h.records[f.Interview()] == nil {
		t.Error("the home has not got both records")
	}
}

func TestAFormWithoutAnswersWritesNothing(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "water", Text("rain")))
	must(t, f.Set(bg, "water", nil)) // as the snapshot has it
	if got := f.Drafts(); got != 0 {
		t.Errorf("%d drafts after the answer was taken back, want none", got)
	}
	must(t, f.Close(bg))
	nf, err := s.NewHousehold(bg, roundID, village)
	must(t, err)
	must(t, nf.Close(bg))
	if u := s.Unsent(); u.Changes != 0 || u.Drafts != 0 {
		t.Errorf("unsent: %+v, want nothing", u)
	}
	if left, err := s.draftsOf(bg, s.db); err != nil || len(left) != 0 {
		t.Errorf("drafts left in the database: %v, %v", left, err)
	}
}

func TestTextIsStoredInNFC(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	nfd := "Nguye\u0302\u0303n Thi\u0323 Hu\u031bo\u031b\u0300ng"
	must(t, f.Set(bg, "m/"+members[0]+"/name", json.RawMessage(`"`+nfd+`"`)))
	must(t, f.Set(bg, "interest", json.RawMessage(`{"text":"e\u0302"}`)))
	_, err := f.Commit(bg)
	must(t, err)
	c := ownChanges(t, s, f.Interview())[0]
	if got := asText(written(c, "m/"+members[0]+"/name")); got != "Nguyễn Thị Hường" {
		t.Errorf("name = %+q, want NFC", got)
	}
	if got := string(written(c, "interest")); got != `{"text":"ê"}` {
		t.Errorf("interest = %+q, want its text in NFC", got)
	}
}

func TestTheSixtyFirstMemberIsRefusedAndNothingIsLost(t *testing.T) {
	h := newHome(t)
	s := h.tablet("en01", village)
	f, err := s.NewHousehold(bg, roundID, village)
	must(t, err)
	for i := range 60 {
		id, err := f.AddMember(bg)
		if err != nil {
			t.Fatalf("member %d: %v", i+1, err)
		}
		must(t, f.Set(bg, "m/"+id+"/name", Text("Người")))
	}
	_, err = f.AddMember(bg)
	wantProblem(t, err, "members_limit")
	wantProblem(t, f.Set(bg, "m/"+newID(t)+"/name", Text("Người")), "members_limit")
	wantProblem(t, f.SetAll(bg, map[string]json.RawMessage{"water": Text("tap"), "m/" + newID(t) + "/name": Text("Người")}), "members_limit")
	if got := f.Value("water").Value; got != nil {
		t.Errorf("water = %s, want nothing: all of SetAll is written or none", got)
	}
	must(t, f.SetAll(bg, map[string]json.RawMessage{"water": Text("tap"), "m/" + f.Roster()[59].ID + "/sex": Text("male")}))
	if got := len(f.Roster()); got != 60 {
		t.Errorf("%d members after the refusal, want 60", got)
	}
	must(t, f.RemoveMember(bg, f.Roster()[0].ID, Removal{Why: "mistake"}))
	if _, err := f.AddMember(bg); err != nil {
		t.Errorf("after one left: %v, want room for another", err)
	}
	must(t, f.Close(bg))
	h.sync(s, commune, village)
}

func TestALargeSaveIsSplitUnderOneTagAndMergesWhole(t *testing.T) {
	h := newHome(t)
	s := h.tablet("en01", village)
	f, err := s.NewHousehold(bg, roundID, village)
	must(t, err)
	units := 0
	for range 60 {
		id, err := f.AddMember(bg)
		must(t, err)
		for unit, v := range map[string]string{"name": strings.Repeat("ờ", 200), "birth": "1980", "sex": "male", "ethnicity": "02", "id_number": "000000000000",
			"attending": "none", "degree": "primary", "work": "self_employed"} {
			must(t, f.Set(bg, "m/"+id+"/"+unit, Text(v)))
			units++
		}
	}
	done, err := f.Commit(bg)
	must(t, err)
	if done.Changes < 3 {
		t.Errorf("%d changes for %d units and 60 long names, want at least three", done.Changes, units)
	}
	tag := ""
	for i, c := range ownChanges(t, s, f.Interview()) {
		if len(c.Writes) > fieldsync.MaxUnits || len(c.Bytes) > fieldsync.MaxChangeBytes || len(c.Parents) > fieldsync.MaxParents {
			t.Errorf("change %s is over a limit", c.Dot)
		}
		if i == 0 {
			tag = c.Tag
		}
		if c.Tag != tag || tag == "" {
			t.Errorf("change %s has tag %q, want %q", c.Dot, c.Tag, tag)
		}
	}
	h.sync(s, commune, village)
	if open := h.records[f.Interview()].Conflicts(nil); len(open) != 0 {
		t.Errorf("the pieces of one save conflict: %v", open)
	}
	if got := len(h.records[f.Interview()].Heads(".")); got != 1 {
		t.Errorf("%d heads of the status, want one", got)
	}
}

func TestAUnitWithMoreHeadsThanAChangeMayNameIsWrittenInSeveral(t *testing.T) {
	rec := fieldsync.NewRecord(roundID, "interview")
	for range 600 {
		rec.Apply(&fieldsync.Change{Record: roundID, Kind: "interview", Dot: fieldsync.Dot{Replica: fieldsync.NewReplica(), Seq: 1},
			Writes: []fieldsync.Write{{Unit: "water", Value: []byte(`"tap"`)}, {Unit: ".", Value: []byte(`"active"`)}}})
	}
	rows := map[string]draftRow{
		"water": {Value: Text("rain"), Base: dots(rec.ParentsOf([]string{"water"}))},
		".":     {Value: Text("active"), Aux: true, Base: dots(rec.ParentsOf([]string{"."})[:40])},
	}
	s := newStore(t.TempDir(), Options{})
	var before []fieldsync.Dot
	for i, c := range s.changesOf(roundID, draftOf{Kind: "interview"}, rows, false) {
		c.Dot = fieldsync.Dot{Replica: "AAAAAAAAAAA", Seq: uint64(i + 1)}
		c.Parents = append(c.Parents, before...)
		before = []fieldsync.Dot{c.Dot}
		if len(c.Parents) > fieldsync.MaxParents {
			t.Errorf("change %d names %d parents, want at most %d", i+1, len(c.Parents), fieldsync.MaxParents)
		}
		must(t, c.Encode())
		rec.Apply(c)
	}
	if got := rec.Heads("water"); len(got) != 1 || string(got[0].Value) != `"rain"` {
		t.Errorf("water has %d heads after the save, want the one that was written", len(got))
	}
}

func TestWhatCouldNotBecomeAnHonestChangeIsRefusedAtTheQuestion(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "note/"+newID(t), Object(map[string]any{"on": "water", "text": strings.Repeat("x", MaxValueBytes-100)})))
	for _, c := range []struct {
		unit, value, code string
	}{
		{"no_such_question", `"x"`, "unknown_unit"},
		{"review/state", `"approved"`, "not_yours"},
		{"decision/recognised", `{"class":"poor"}`, "not_yours"},
		{"water", `[1,2]`, "not_a_value"},
		{"water", `{`, "not_a_value"},
		{"water", `{"a":1,"a":2}`, "not_a_value"},
		{"gps", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "not_a_value"},
		{"note/" + newID(t), `{"text":"` + strings.Repeat("x", MaxValueBytes) + `"}`, "too_long"},
		{"note/a b", `{"text":"x"}`, "not_a_value"},
	} {
		err := f.Set(bg, c.unit, json.RawMessage(c.value))
		t.Run(c.unit+" "+c.code, func(t *testing.T) { wantProblem(t, err, c.code) })
	}
	if got := f.Drafts(); got != 1 {
		t.Errorf("%d drafts, want the one honest answer", got)
	}
	must(t, f.Close(bg))
	wantProblem(t, f.Set(bg, "water", Text("tap")), "form_closed")
	_, err := s.OpenForm(bg, newID(t), roundID)
	wantProblem(t, err, "no_household")
	_, err = s.OpenForm(bg, id, newID(t))
	wantProblem(t, err, "no_round")
}

package tablet

import (
	"encoding/json"
	"slices"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestTheRosterOpensWithLastYearsPeopleToBeSettled(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây", "Lý Văn Sơn", "Lý Thị Hoa")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	for i, m := range f.Roster() {
		if m.ID != members[i] || !m.LastYear || m.Settled || m.Name == "" || m.Removed != "" {
			t.Errorf("member %d = %+v, want last year's, to be settled", i, m)
		}
	}
	if got := f.Value("m/" + members[0] + "/name"); got.Value != nil {
		t.Errorf("last year's name counts as this year's answer: %s", got.Value)
	}
	if got := asText(f.LastYear("m/" + members[0] + "/name")); got != "Nông Thị Mây" {
		t.Errorf("last year's name = %q", got)
	}
	must(t, f.ConfirmMember(bg, members[0]))
	must(t, f.RemoveMember(bg, members[1], Removal{Why: "moved_out", To: "Hà Nội", On: "2026-03-01"}))
	baby, err := f.AddMember(bg)
	must(t, err)
	must(t, f.Set(bg, "m/"+baby+"/name", Text("Lý Văn Bé")))
	want := []Member{
		{ID: members[0], Name: "Nông Thị Mây", Birth: "1970", Sex: "female", Relation: "head", LastYear: true, Settled: true},
		{ID: members[1], Name: "Lý Văn Sơn", Birth: "1971", Sex: "female", Relation: "child", LastYear: true, Settled: true, Removed: "moved_out"},
		{ID: members[2], Name: "Lý Thị Hoa", Birth: "1972", Sex: "female", Relation: "child", LastYear: true},
		{ID: baby, Name: "Lý Văn Bé", Settled: true},
	}
	check := func(when string, f *Form) {
		t.Helper()
		if got := f.Roster(); !slices.Equal(got, want) {
			t.Errorf("%s: roster %+v, want %+v", when, got, want)
		}
	}
	check("in the draft", f)
	must(t, f.Close(bg))
	check("after the commit", openForm(t, s, id))
	h.sync(s, commune, village)
	check("after the sync", openForm(t, s, id))

	cs := ownChanges(t, s, f.Interview())
	if cs[0].Why == "" {
		t.Error("the change that removes a member gives no reason")
	}
	var status map[string]string
	must(t, json.Unmarshal(written(cs[0], "m/"+members[1]+"/."), &status))
	if status["s"] != "removed" || status["why"] != "moved_out" || status["to"] != "Hà Nội" || status["on"] != "2026-03-01" {
		t.Errorf("status of the member who left: %v", status)
	}
	if got := asText(written(cs[0], "m/"+members[0]+"/name")); got != "Nông Thị Mây" {
		t.Errorf("the confirmed member's name is written as %q", got)
	}
	if written(cs[0], "m/"+members[0]+"/health_insurance") != nil {
		t.Error("insurance was carried over by confirming the person")
	}
}

func TestARemovalCanBeTakenBackBeforeAndAfterItIsCut(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây", "Lý Văn Sơn")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	unit := "m/" + members[1] + "/."
	must(t, f.ConfirmMember(bg, members[1]))
	_, err := f.Commit(bg)
	must(t, err)
	must(t, f.RemoveMember(bg, members[1], Removal{Why: "died"}))
	must(t, f.Set(bg, unit, Text("active")))
	if m := f.Roster()[1]; m.Removed != "" {
		t.Errorf("member %+v, want active again", m)
	}
	must(t, f.RemoveMember(bg, members[1], Removal{Why: "died"}))
	_, err = f.Commit(bg)
	must(t, err)
	must(t, f.ConfirmMember(bg, members[1]))
	must(t, f.Close(bg))
	if m := openForm(t, s, id).Roster()[1]; m.Removed != "" || !m.Settled {
		t.Errorf("member %+v, want active again", m)
	}
	wantProblem(t, openForm(t, s, id).RemoveMember(bg, members[1], Removal{Why: "bored"}), "removal_reason")
	wantProblem(t, openForm(t, s, id).RemoveMember(bg, newID(t), Removal{Why: "died"}), "no_member")
}

func TestConfirmingASectionWritesLastYearsAnswersAsThisYears(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "review_date", Text("2026-10-01")))
	must(t, f.Set(bg, "house_wall", Text("non_durable"))) // already asked this year
	n, of := f.CarryOffer("housing")
	if n != 3 || of != 4 {
		t.Errorf("offer %d of %d, want 3 of 4: wall is answered", n, of)
	}
	got, err := f.ConfirmSection(bg, "housing")
	must(t, err)
	if got != 3 {
		t.Errorf("%d answers confirmed, want 3", got)
	}
	for unit, want := range map[string]string{"house_wall": "non_durable", "house_roof": "non_durable", "house_column": "durable", "house_area": "45.5"} {
		if a := f.Value(unit); a.Text() != want {
			t.Errorf("%s = %q, want %q", unit, a.Text(), want)
		}
	}
	var carried struct{ N, Of, At int64 }
	must(t, json.Unmarshal(f.Value("carried/housing").Value, &carried))
	if carried.N != 3 || carried.Of != 4 || carried.At == 0 {
		t.Errorf("carried/housing = %+v, want 3 of 4 with its time", carried)
	}
	for _, section := range []string{"health", "score", "work"} {
		if _, err := f.ConfirmSection(bg, section); err != nil {
			t.Errorf("confirm %s: %v", section, err)
		}
	}
	for _, unit := range []string{"m/" + members[0] + "/health_insurance", "b1_score"} {
		if a := f.Value(unit); a.Value != nil {
			t.Errorf("%s = %s was assumed a year later", unit, a.Value)
		}
	}
	if n, err := f.ConfirmSection(bg, "water"); err != nil || n != 2 {
		t.Errorf("confirm water: %d, %v, want water and toilet", n, err)
	}
	if n, err := f.ConfirmSection(bg, "water"); err != nil || n != 0 {
		t.Errorf("confirm water again: %d, %v, want nothing left", n, err)
	}
	must(t, f.Close(bg))
	c := ownChanges(t, s, f.Interview())[0]
	if asText(written(c, "water")) != "tap" || c.Account != "en01" {
		t.Errorf("the confirmed answer is written as %s by %s", written(c, "water"), c.Account)
	}
}

func TestSplittingAHouseholdKeepsPeopleAndSaysWhereTheyCameFrom(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây", "Lý Văn Sơn")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.ConfirmMember(bg, members[0]))
	to, err := f.Split(bg, []string{members[1]}, village)
	must(t, err)
	must(t, to.Close(bg))
	must(t, f.Close(bg))
	if r := to.Roster(); len(r) != 1 || r[0].ID != members[1] || r[0].Name != "Lý Văn Sơn" {
		t.Errorf("new household: %+v, want the one who left, with the same id", r)
	}
	var origin map[string]string
	must(t, json.Unmarshal(to.HouseholdValue("origin").Value, &origin))
	if origin["how"] != "split" || origin["from"] != id {
		t.Errorf("origin = %v", origin)
	}
	if r := f.Roster()[1]; r.Removed != "split" {
		t.Errorf("old household's member: %+v, want split", r)
	}
	h.sync(s, commune, village)
	if h.records[fieldsync.InterviewID(roundID, to.Household())] == nil {
		t.Error("the new household's interview did not reach the home")
	}
	_, err = f.s.OpenForm(bg, id, roundID)
	must(t, err)
	_, err = openForm(t, s, id).Split(bg, []string{newID(t)}, village)
	wantProblem(t, err, "no_member")
}

func TestReturnedWorkShowsItsNotesUntilTheyAreAnswered(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.ConfirmMember(bg, members[0]))
	must(t, f.Set(bg, "water", Text("tap")))
	must(t, f.Set(bg, "status", Text("complete")))
	must(t, f.Close(bg))
	if r := s.Households(Filter{})[0]; !r.Complete || r.State != Unsent || r.Received {
		t.Errorf("row %+v, want complete and unsent", r)
	}
	h.sync(s, commune, village)
	if r := s.Households(Filter{})[0]; r.State != Received {
		t.Errorf("row %+v, want received", r)
	}
	n1, n2 := newID(t), newID(t)
	h.write("interview", f.Interview(), village, fieldsync.OpEdit, map[string]any{"review/state": "returned",
		"review/note/" + n1: map[string]any{"on": "water", "text": "Giếng nào?"}, "review/note/" + n2: map[string]any{"text": "Hỏi lại"}})
	h.sync(s, commune, village)
	if r := s.Households(Filter{State: Returned}); len(r) != 1 || r[0].State != Returned {
		t.Fatalf("returned: %+v", r)
	}
	f = openForm(t, s, id)
	if notes := f.ReviewNotes(); len(notes) != 2 || notes[0].Done || notes[0].Account != "ban01" {
		t.Fatalf("notes: %+v", notes)
	}
	must(t, f.Set(bg, "reply/"+n1, Object(map[string]any{"text": "Giếng nhà", "done": "yes"})))
	must(t, f.Set(bg, "reply/"+n2, Object(map[string]any{"text": "Đã hỏi", "done": "yes"})))
	for _, n := range f.ReviewNotes() {
		if !n.Done || n.Reply == "" {
			t.Errorf("note %+v, want answered", n)
		}
	}
	must(t, f.Close(bg))
	if r := s.Households(Filter{})[0]; r.Returned {
		t.Errorf("row %+v, want no longer returned", r)
	}
}

func TestAHouseholdThatIsNoMoreSaysWhyAndMeetsAnEditItHadNotSeen(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	a, b := h.tablet("en01", village), h.tablet("en02", village)
	f := openForm(t, a, id)
	wantProblem(t, f.EndHousehold(bg, Removal{Why: "died"}), "ending_reason")
	must(t, f.EndHousehold(bg, Removal{Why: "moved_out", To: "Hà Nội", Reason: "con đón đi"}))
	must(t, f.Close(bg))
	c := ownChanges(t, a, id)[0]
	if c.Op != fieldsync.OpStatus || c.Why != "con đón đi" || len(c.Writes) != 1 {
		t.Errorf("change %s, want a status with its reason", c.Bytes)
	}
	if r := a.Households(Filter{})[0]; r.Removed != "moved_out" || a.Villages()[0].Total != 0 {
		t.Errorf("row %+v, villages %+v, want the household marked and counted nowhere", r, a.Villages())
	}
	fb := openForm(t, b, id)
	must(t, fb.SetHousehold(bg, "phone", Text("0900000001")))
	must(t, fb.Close(bg))
	for range 2 {
		h.sync(a, commune, village)
		h.sync(b, commune, village)
	}
	cs, err := a.Conflicts(bg, id)
	must(t, err)
	if len(cs) != 1 || cs[0].Unit != "." || cs[0].Record != id {
		t.Errorf("conflicts %+v, want one on the household's status", cs)
	}
}

func TestFormsOfTwoRoundsShareTheHousehold(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	now := openForm(t, s, id)
	last, err := s.OpenForm(bg, id, lastID)
	must(t, err)
	must(t, now.SetHousehold(bg, "phone", Text("0900000001")))
	_, err = now.Commit(bg)
	must(t, err)
	if !last.News() {
		t.Error("the other round's form does not say that the household has moved on")
	}
	must(t, last.AcceptNews(bg))
	must(t, last.SetHousehold(bg, "phone", Text("0900000002")))
	must(t, last.Close(bg))
	h.sync(s, commune, village)
	if got := h.records[id].Look("phone", nil).Values; len(got) != 1 || asText(got[0].Value) != "0900000002" {
		t.Errorf("phone at home: %v, want the second number alone", got)
	}
}

func TestABirthdaySinceLastYearLeavesTheQuestionToBeAsked(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây", "Lý Văn Sơn", "Lý Thị Hoa")
	w := map[string]any{}
	for i, birth := range []string{"1980-05-01", "2010-12-01", "2010"} { // 45; 14, now 15; 14 or 15, now 15 or 16
		w["m/"+members[i]+"/birth"], w["m/"+members[i]+"/degree"] = birth, "primary"
	}
	h.write("interview", fieldsync.InterviewID(lastID, id), village, fieldsync.OpEdit, w)
	s := h.tablet("en01", village)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "review_date", Text("2026-10-01")))
	for _, m := range members {
		must(t, f.ConfirmMember(bg, m))
	}
	_, err := f.ConfirmSection(bg, "education")
	must(t, err)
	for i, want := range []string{"primary", "", ""} {
		if got := f.Value("m/" + members[i] + "/degree").Text(); got != want {
			t.Errorf("member %d: degree = %q, want %q", i, got, want)
		}
	}
}

package central

import (
	"errors"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestARoundIsFilledFromTheLastRecognisedList(t *testing.T) {
	o := newOffice(t)
	list := func(year int, class string, names ...string) {
		text := "village,household code,member,name,male,female,relation,class\n"
		for _, n := range names {
			text += "01969-01," + n + ",1,Người " + n + ",1960,,head," + class + "\n"
		}
		if done := o.importList(text, HouseholdOptions{Year: year}); len(done.Rejected) > 0 {
			t.Fatalf("list of %d: %+v", year, done.Rejected)
		}
	}
	list(2023, "poor", "A", "B", "C")
	list(2024, "near_poor", "A", "D")
	list(2024, "not_poor", "B")
	id, _, err := o.AddRound(o.ctx, "", NewRound{Area: "01969", Standard: "vn-2021", Questionnaire: "household/2026.1", From: "2026-09-01", To: "2026-12-14"})
	if err != nil {
		t.Fatal(err)
	}
	done, err := o.FillRound(o.ctx, "", id)
	if err != nil || done.Households != 3 || done.Changes != 3 {
		t.Fatalf("filling: %+v, %v, want A, C and D: B has left the list", done, err)
	}
	interview := func(name string) string {
		return fieldsync.InterviewID(id, importID("household", "01969-01\x00code\x00"+name, ""))
	}
	for name, want := range map[string]string{
		"A": `{"class":"near_poor","ever_poor":"yes","ever_near_poor":"yes","since":"2023"}`,
		"C": `{"class":"poor","ever_poor":"yes","ever_near_poor":"unknown","since":"2023"}`,
		"D": `{"class":"near_poor","ever_poor":"unknown","ever_near_poor":"yes","since":"2024"}`,
	} {
		got := o.values(interview(name))
		if got["prior_class"] != want || got["listed"] != `{"on":"2026-09-01","why":"last_list"}` || got["village"] != `"01969-01"` || len(got) != 6 {
			t.Errorf("household %s: got %v, want prior_class %s, why it is listed, and no answer", name, got, want)
		}
	}
	if again, err := o.FillRound(o.ctx, "", id); err != nil || again.Changes != 0 || again.Households != 3 {
		t.Errorf("filling again: %+v, %v, want nothing new", again, err)
	}
	if _, err := o.FillRound(o.ctx, "", "0199c0de-0000-7000-8000-000000000001"); !errors.Is(err, ErrRoundMissing) {
		t.Errorf("a round that is not here: %v", err)
	}
	if report, err := o.Rebuild(o.ctx, true); err != nil || !report.OK() {
		t.Errorf("rebuild --verify: %+v, %v", report, err)
	}
}

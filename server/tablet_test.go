package main

import (
	"testing"

	"github.com/rasoat/rasoat/internal/tablet"
)

// The way of one answer, by the programs people use: last year's list in, a tablet, a round, an answer, and back.
func TestLastYearsListReachesTheTabletAndTheAnswerComesBack(t *testing.T) {
	d := newDesk(t)
	d.do("", "area", "import", d.file("v.csv", villageFile))
	d.do("", "household", "import", "--year", "2025", d.file("list.csv",
		"village,household code,member,name,male,female,relation,class\n01969-01,BT1,1,Nông Văn Thử,1960,,head,poor\n01969-01,BT1,2,Hoàng Thị Mẫu,,1962,spouse,poor\n"))
	round := firstLine(d.do("", "round", "add", "--area", "01969", "--standard", "vn-2021", "--questionnaire", "household/2026.1", "--from", "2026-09-01", "--to", "2026-12-14"))
	d.do("", "round", "fill", round)
	d.do("", "account", "add", "en01", "--role", "enumerator", "--area", "01969-01", "--name", "Nông Thị Một")
	s := d.serve()

	store, err := tablet.Open(t.Context(), t.TempDir(), tablet.Options{App: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := store.Enrol(t.Context(), s.address, firstLine(d.do("", "enrol", "en01"))); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := store.Round().ID; got != round {
		t.Fatalf("the tablet works in round %s, want this year's, %s", got, round)
	}
	rows := store.Households(tablet.Filter{})
	if len(rows) != 1 || rows[0].Head != "Nông Văn Thử" || rows[0].LastClass != "poor" || !rows[0].Todo {
		t.Fatalf("the tablet's list: %+v, want the household of last year, poor then, to be visited", rows)
	}
	form, err := store.OpenForm(t.Context(), rows[0].ID, round)
	if err != nil {
		t.Fatal(err)
	}
	roster := form.Roster()
	if len(roster) != 2 || !roster[0].LastYear || roster[0].Settled {
		t.Fatalf("the roster: %+v, want last year's two members, to be settled", roster)
	}
	if got := form.Value("m/" + roster[0].ID + "/birth").Text(); got != "" {
		t.Errorf("last year's birth was copied silently: %q", got)
	}
	if err := form.Set(t.Context(), "water", tablet.Text("rain")); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if summary, err := store.Sync(t.Context(), nil); err != nil {
		t.Fatalf("the second sync: %+v, %v", summary, err)
	}
	if unsent := store.Unsent(); unsent.Changes != 0 {
		t.Errorf("after the sync %d changes are unsent", unsent.Changes)
	}
	d.do("", "rebuild", "--verify")
}

package survey

import (
	"slices"
	"testing"
)

// allowed is the table of who may do what inside the granted area, written out again: the program's table is checked against
// this one cell by cell.
var allowed = map[Action]string{ // e enumerator, v village head, b board, c chairman, d district, a admin
	ReadHousehold: "evbcda", WriteInterview: "evb", ReadTotals: "evbcda", ResolveConflict: "bc", ReviewInterview: "bc", LinkHouseholds: "bc",
	ReadMeeting: "vbcda", WriteMeeting: "vbc", WritePosting: "bc", ReadComplaint: "bcda", WriteComplaint: "bc", Recognise: "bc",
	ManageRound: "da", EnterResidents: "bcda", ImportList: "ba", Export: "bcda", Report: "bcda", Lock: "c", Enrol: "ba", ReleaseHeld: "bca",
	ManageAccounts: "a", ReadAudit: "bcda", Erase: "a", ManageServer: "a",
}

func TestEveryRoleMayDoExactlyWhatTheTableSaysInItsAreasAndNothingElsewhere(t *testing.T) {
	letters := map[Role]byte{Enumerator: 'e', VillageHead: 'v', Board: 'b', Chairman: 'c', District: 'd', Admin: 'a'}
	village := []string{"01969-03", "01969", "19"}
	commune, province := village[1:], village[2:]
	sibling, other := []string{"01969-04", "01969", "19"}, []string{"02008-01", "02008", "19"}
	relations := []struct {
		name    string
		granted []string
		path    []string
		covers  bool
	}{
		{"its own village", []string{"01969-03"}, village, true},
		{"a village of its commune", []string{"01969"}, village, true},
		{"a village of its province", []string{"19"}, village, true},
		{"its own commune", []string{"01969"}, commune, true},
		{"its own province", []string{"19"}, province, true},
		{"one of several grants", []string{"02008", "01969-03"}, village, true},
		{"the commune above its village", []string{"01969-03"}, commune, false},
		{"the province above its commune", []string{"01969"}, province, false},
		{"the village next to it", []string{"01969-03"}, sibling, false},
		{"a village of another commune", []string{"01969"}, other, false},
		{"anything, without a grant", nil, village, false},
		{"anything, with an empty grant", []string{""}, village, false},
		{"no area at all", []string{"19"}, nil, false},
		{"a code that only begins alike", []string{"0196"}, village, false},
	}
	for role, letter := range letters {
		for action, who := range allowed {
			for _, r := range relations {
				want := r.covers && slices.Contains([]byte(who), letter)
				if got := Can(Actor{"x", role, r.granted}, action, r.path); got != want {
					t.Errorf("%s, %s in %s: %v, want %v", role, action, r.name, got, want)
				}
			}
		}
	}
	for _, role := range []Role{"", "root", Server} {
		for action := range allowed {
			if Can(Actor{"x", role, village}, action, village) {
				t.Errorf("role %q may %s", role, action)
			}
		}
	}
	for _, role := range Roles {
		for _, act := range permissions[role] {
			if _, ok := allowed[act]; !ok {
				t.Errorf("%s is allowed to %s, and the table does not know it", role, act)
			}
		}
	}
}

func TestTotalsOfTheAreasAboveMayBeReadAndNothingElseOfThem(t *testing.T) {
	a := Actor{"x", Enumerator, []string{"01969-03"}}
	paths := [][]string{{"01969-03", "01969", "19"}}
	for _, c := range []struct {
		act  Action
		area string
		want bool
	}{{ReadTotals, "01969", true}, {ReadTotals, "19", true}, {ReadTotals, "01969-03", true}, {ReadTotals, "02008", false}, {ReadTotals, "", false}, {ReadHousehold, "01969", false}} {
		if got := CanAbove(a, c.act, c.area, paths); got != c.want {
			t.Errorf("%s of %q: %v, want %v", c.act, c.area, got, c.want)
		}
	}
	if CanAbove(a, ReadTotals, "24", [][]string{{"99999", "24"}}) {
		t.Error("a path that starts at no granted area was believed")
	}
}

func TestUnitsOfTheBoardAreWrittenByTheBoard(t *testing.T) {
	q := questionnaire()
	for _, c := range []struct {
		kind, unit string
		who        string
	}{
		{"interview", "water", "evbcda"},
		{"interview", "m/0199/work", "evbcda"},
		{"interview", "review/state", "bcda"},
		{"interview", "review/note/0199", "bcda"},
		{"interview", "decision/recognised", "bcda"},
		{"interview", "decision/meeting", "vbcda"},
		{"interview", "prior_class", ""},
		{"interview", "a_unit_of_next_year", "evbcda"},
		{"round", "standard", "bcda"},
		{"round", "cut", ""},
		{"link", "verdict", "bcda"},
		{"link", "a_unit_of_next_year", ""},
		{"meeting", "present", "vbcda"},
		{"complaint", "what", "bcda"},
		{"household", "village", "evbcda"},
		{"nothing", "water", ""},
	} {
		for role, letter := range map[Role]byte{Enumerator: 'e', VillageHead: 'v', Board: 'b', Chairman: 'c', District: 'd', Admin: 'a'} {
			if got, want := MayWrite(q, role, c.kind, c.unit), slices.Contains([]byte(c.who), letter); got != want {
				t.Errorf("%s writes %s of %s: %v, want %v", role, c.unit, c.kind, got, want)
			}
		}
		if MayWrite(q, "stranger", c.kind, c.unit) {
			t.Errorf("an unknown role writes %s of %s", c.unit, c.kind)
		}
	}
	if !MayWrite(q, Server, "interview", "prior_class") {
		t.Error("the server may not write what it alone writes")
	}
}

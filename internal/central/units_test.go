package central

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// reform gives the villages of the tests their life after July 2025, when both communes became the one that bears the town's code.
func reform(tb testing.TB, s *Store) {
	tb.Helper()
	var list []schema.Area
	for _, code := range []string{villageA, villageC} {
		list = append(list, schema.Area{Code: code, Level: schema.LevelVillage, Name: "Thôn " + code, Parent: "01969", ValidFrom: "2025-07-01"})
	}
	must(tb, s.AddAreas(context.Background(), list))
}

func TestAGrantIsOfOneUnitOfACode(t *testing.T) {
	const gone = "01969-02" // of the town only: no longer there after the reform
	cases := []struct {
		ref, stored string
		in, out     []string // scopes
	}{
		{"01969", "01969", []string{villageA, villageC, "01969", "19", "01975", "063", "06"}, []string{gone, villageB}},
		{"01969@2024-12-31", "01969@2025-06-30", []string{villageC, gone, "01969", "063", "06", "19"}, []string{villageA, villageB}},
		{"063@2024-12-31", "063", []string{villageA, villageB, villageC, gone, "01969", "01975", "06"}, nil},
		{"01975", "01975", []string{villageA, villageB, "063", "06", "01969"}, []string{villageC, gone}},
		{villageA + "@2024-12-31", villageA, []string{villageA, "01975", "01969", "063", "06", "19"}, []string{villageB, villageC}},
	}
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		reform(t, s)
		for i, x := range cases {
			name := string(rune('a'+i)) + "01"
			must(t, s.AddAccount(ctx, "", NewAccount{Account: name, Name: "Nông Văn Thử", Role: "enumerator", Areas: []string{x.ref}}))
			a, err := s.Account(ctx, name)
			must(t, err)
			if diff := cmp.Diff([]string{x.stored}, a.Live()); diff != "" {
				t.Errorf("the grant of %s (-want +got):\n%s", x.ref, diff)
			}
			var scopes []string
			must(t, s.View(ctx, func(tx *sql.Tx) (err error) {
				scopes, err = s.Scopes(ctx, tx, name)
				return err
			}))
			pull := func(scope string) error {
				return s.Pull(ctx, fieldsync.Device{Account: name, Role: "enumerator"}, &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{scope: {Epoch: s.Self().Epoch}}},
					func(*fieldsync.PullLine) error { return nil })
			}
			for _, scope := range x.in {
				if err := pull(scope); !slices.Contains(scopes, scope) || err != nil {
					t.Errorf("%s does not bring scope %s: %v, %v", x.ref, scope, scopes, err)
				}
			}
			for _, scope := range x.out {
				if err := pull(scope); slices.Contains(scopes, scope) || code(err) != "scope" {
					t.Errorf("%s brings scope %s: %v, %v", x.ref, scope, scopes, err)
				}
			}
			for _, scope := range scopes { // what hello announces, pull gives
				must(t, pull(scope))
			}
			tab := newTab(t, s, name, "enumerator")
			for _, v := range []string{villageA, villageB, villageC, gone} {
				tab.write(newID(), "household", v, w("village", v))
				if held := len(tab.push()) > 0; held == slices.Contains(scopes, v) {
					t.Errorf("%s: work in %s is held: %v, and the scopes are %v", x.ref, v, held, scopes)
				}
			}
			must(t, s.EndGrant(ctx, "", name, x.ref, GrantEnded))
		}
	})
}

func TestABoardOfTheOldTownReadsNoComplaintsOfTheNewCommune(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		reform(t, s)
		for ref, want := range map[string]bool{"01969": true, "01969@2024-12-31": false, "19": true} {
			b := newTab(t, s, "cb-"+ref[len(ref)-2:], "board", ref)
			must(t, s.View(context.Background(), func(tx *sql.Tx) error {
				scopes, err := s.Scopes(context.Background(), tx, b.dev.Account)
				if got := slices.Contains(scopes, "01969!board"); got != want {
					t.Errorf("a grant of %s reads the boards' scope of the commune: %v", ref, got)
				}
				return err
			}))
		}
	})
}

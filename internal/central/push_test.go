package central

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// poor is a household of one on the income side with three lacking indicators, all else answered well.
var poor = []any{"review_date", "2024-11-01", "outcome", "interviewed", "b1_score", 100, "household_size", 1, "head", "m1",
	"house_wall", "non_durable", "house_column", "non_durable", "house_roof", "durable", "house_area", 30.5, "water", "surface", "toilet", "none",
	"internet_use", "yes", "means/tv", "yes", "livelihood", "agriculture",
	"m/m1/name", "Nông Văn Thử", "m/m1/birth", "1980-05-01", "m/m1/sex", "male", "m/m1/relation", "head", "m/m1/work", "self_employed",
	"m/m1/health_insurance", "yes", "m/m1/degree", "upper_secondary", "m/m1/.", "active"}

func with(base []any, more ...any) []any {
	out := append([]any{}, base...)
	for i := 0; i < len(more); i += 2 {
		for k := 0; k < len(out); k += 2 {
			if out[k] == more[i] {
				out = append(out[:k], out[k+2:]...)
				break
			}
		}
		out = append(out, more[i], more[i+1])
	}
	return out
}

func TestAPushedInterviewIsMergedJudgedAndCountedUpToTheProvince(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		_, interview := a.household(villageA, round, poor...)
		a.household(villageA, round, with(poor, "b1_score", 200)...)
		a.household(villageA, round, "outcome", "absent")
		if notes := a.push(); len(notes) > 0 {
			t.Fatalf("notes: %v", notes)
		}
		x := recordOf(t, s, interview)
		v, err := viewOf(x.view)
		must(t, err)
		if x.class != "poor" || v.B2 != 30 || v.Name != "Nông Văn Thử" || v.Members != 1 {
			t.Errorf("the interview's view is %+v, class %s", v, x.class)
		}
		got := countersOf(t, s)
		for _, area := range []string{villageA, "01975", district, province} {
			c := got[counterKey{area, round, "vn-2021"}]
			if c == nil || c[tInterviews] != 3 || c[tPoor] != 1 || c[tNotPoor] != 1 || c[tVisited] != 1 || c[tInterviewed] != 2 || c[tPersons] != 2 {
				t.Errorf("counters of %s: %+v", area, c)
			}
		}
		sound(t, s)
	})
}

// raw is one write whose value is as it stands on the wire.
func raw(unit, value string) []fieldsync.Write {
	return []fieldsync.Write{{Unit: unit, Value: []byte(value)}}
}

func because(why string) func(*fieldsync.Change) { return func(c *fieldsync.Change) { c.Why = why } }

func TestAChangeIsPublishedOrHeldByAccountRoleGrantKindAndQuestionnaire(t *testing.T) {
	type edit = func(*fieldsync.Change)
	cases := []struct {
		name       string
		scope      string
		writes     []fieldsync.Write
		edit       edit
		state, why string
	}{
		{"in the granted village", villageA, w("village", villageA), nil, "published", ""},
		{"in a village never granted", villageB, w("village", villageB), nil, "held", "scope"},
		{"by another account", villageA, w("village", villageA), func(c *fieldsync.Change) { c.Account = "en2" }, "held", "author"},
		{"in another role", villageA, w("village", villageA), func(c *fieldsync.Change) { c.Role = "chairman" }, "held", "role"},
		{"of an unknown kind", villageA, w("village", villageA), func(c *fieldsync.Change) { c.Kind = "drone" }, "held", "kind"},
		{"under an unknown questionnaire", villageA, w("village", villageA), func(c *fieldsync.Change) { c.Form = "household/2099.1" }, "held", "questionnaire"},
		{"with one unit only a board may write", villageA, w("water", "tap", "decision/recognised", map[string]any{"class": "poor"}), func(c *fieldsync.Change) { c.Kind = "interview" }, "held", "role"},
		{"with a number sent as text", villageA, w("b1_score", "120"), func(c *fieldsync.Change) { c.Kind = "interview" }, "flagged", "type"},
		{"with a number beyond all numbers", villageA, raw("b1_score", `1e400`), func(c *fieldsync.Change) { c.Kind = "interview" }, "flagged", "type"},
		{"with half a character", villageA, raw("address", `"a\ud800"`), nil, "flagged", "type"},
		{"with half a character inside", villageA, raw("favourite", `{"a":["\udc00"]}`), nil, "flagged", "type"},
		{"with a whole escaped character", villageA, raw("address", `"\\u \ud83c\udf3e\n"`), nil, "published", ""},
		{"that deletes without a reason", villageA, raw(".", `{"s":"deleted","why":"mistake"}`), nil, "flagged", "reason"},
		{"that deletes without a code", villageA, raw(".", `{"s":"deleted"}`), because("ghi nhầm"), "flagged", "reason"},
		{"that deletes with an unknown code", villageA, raw(".", `{"s":"deleted","why":"whim"}`), because("ghi nhầm"), "flagged", "reason"},
		{"that deletes with code and reason", villageA, raw(".", `{"s":"deleted","why":"mistake"}`), because("ghi nhầm"), "published", ""},
		{"that removes a member without a reason", villageA, raw("m/m1/.", `{"s":"removed","why":"died"}`), func(c *fieldsync.Change) { c.Kind = "interview" }, "flagged", "reason"},
		{"that takes back with a blank reason", villageA, w("address", "x"), func(c *fieldsync.Change) { c.Op, c.Why = fieldsync.OpRevert, "  " }, "flagged", "reason"},
		{"with a unit nobody knows", villageA, w("village", villageA, "favourite_colour", "blue"), nil, "published", ""},
	}
	onBoth(t, func(t *testing.T, s *Store) {
		for _, x := range cases {
			a := newTab(t, s, "en1", "enumerator", villageA)
			rec := newID()
			a.write(rec, "household", x.scope, x.writes, func(c *fieldsync.Change) {
				if x.edit != nil {
					x.edit(c)
				}
				if a.records[rec].Kind != c.Kind {
					a.records[rec] = fieldsync.NewRecord(rec, c.Kind)
				}
			})
			notes := a.push()
			want := []string{"1 " + x.state + " " + x.why}
			if x.state == "published" {
				want = nil
			}
			if diff := cmp.Diff(want, states(notes)); diff != "" {
				t.Errorf("a change %s (-want +got):\n%s", x.name, diff)
			}
			if stored := recordOf(t, s, rec); (stored != nil) != (x.state != "held") {
				t.Errorf("a change %s: stored record %v", x.name, stored)
			}
		}
		sound(t, s)
	})
}

func TestWorkUnderAnEndedGrantIsPublishedAndUnderARevokedOneIsHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		for how, want := range map[string]string{"ended": "", "revoked": "held revoked"} {
			a := newTab(t, s, "en-"+how, "enumerator", villageA)
			a.write(newID(), "household", villageA, w("village", villageA))
			must(t, s.Update(context.Background(), func(tx *sql.Tx) error {
				_, err := tx.Exec("UPDATE area_grant SET ended_at = 5, how = $1 WHERE account = $2", how, a.dev.Account)
				return err
			}))
			got := ""
			for _, n := range a.push() {
				got = n.State + " " + n.Why
			}
			if got != want {
				t.Errorf("grant %s: %q, want %q", how, got, want)
			}
		}
	})
}

func TestABadLineGoesToQuarantineAndStopsNothingBehindIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en1", "enumerator", villageA)
		first := a.write(newID(), "household", villageA, w("village", villageA))
		bad := a.write(newID(), "household", villageA, w("village", villageA))
		bad.Bytes = []byte(`{"s":2,"broken`)
		a.chain[2] = fieldsync.ChainNext(a.chain[1], bad.Bytes)
		last := a.write(newID(), "household", villageA, w("village", villageA))
		notes := a.push()
		if len(notes) != 1 || notes[0].S != 2 || notes[0].State != StateQuarantine {
			t.Errorf("notes %+v, want number 2 in quarantine", notes)
		}
		if recordOf(t, s, first.Record) == nil || recordOf(t, s, last.Record) == nil {
			t.Error("the lines before and behind are not stored")
		}
		sound(t, s)
	})
}

func TestARetryChangesNothingAndAnswersTheSame(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		for range 3 {
			a.household(villageA, round, poor...)
		}
		a.write(newID(), "household", villageB, w("village", villageB)) // held
		before := a.push()
		counted := countersOf(t, s)
		for _, piece := range [][2]int{{1, 7}, {1, 3}, {3, 7}, {7, 7}} {
			answer, err := s.Push(ctx, a.dev, a.segment(piece[0], piece[1]))
			must(t, err)
			if answer.Through != uint64(piece[1]) || answer.Receipt.Seq != 7 {
				t.Errorf("again %v: through %d, receipt for %d", piece, answer.Through, answer.Receipt.Seq)
			}
			if piece == [2]int{1, 7} {
				if diff := cmp.Diff(before, answer.Notes); diff != "" {
					t.Errorf("notes of the retry (-first +again):\n%s", diff)
				}
			}
		}
		a.household(villageA, round, poor...)
		if _, err := s.Push(ctx, a.dev, a.segment(5, 9)); err != nil { // half of it is here
			t.Fatal(err)
		}
		if c := countersOf(t, s)[counterKey{villageA, round, "vn-2021"}]; c[tPoor] != counted[counterKey{villageA, round, "vn-2021"}][tPoor]+1 {
			t.Errorf("poor %d after the overlap", c[tPoor])
		}
		sound(t, s)
	})
}

func TestAGapIsRefusedWithWhatIsHere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en1", "enumerator", villageA)
		for range 5 {
			a.write(newID(), "household", villageA, w("village", villageA))
		}
		_, err := s.Push(context.Background(), a.dev, a.segment(1, 2))
		must(t, err)
		_, err = s.Push(context.Background(), a.dev, a.segment(4, 5))
		var p *fieldsync.Problem
		if !errors.As(err, &p) || p.Code != "gap" || p.Have.Seq != 2 {
			t.Errorf("a gap is answered with %v", err)
		}
	})
}

func TestASecondBranchIsKeptHeldAndAnsweredFork(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a := newTab(t, s, "en1", "enumerator", villageA)
		household := newID()
		a.write(household, "household", villageA, w("village", villageA, "household_code", "1"))
		b := *a // the same replica lives twice: a restored copy
		b.log, b.chain = append([]*fieldsync.Change{}, a.log...), append([]fieldsync.B64{}, a.chain...)
		b.records = map[string]*fieldsync.Record{household: a.records[household].Clone()}
		a.write(household, "household", villageA, w("household_code", "2"))
		a.push()
		b.write(household, "household", villageA, w("household_code", "3"))
		b.write(household, "household", villageA, w("household_code", "4")) // its parent is the branch's own number 2, not the feed's
		for _, piece := range [][2]int{{1, 2}, {3, 3}, {2, 3}} {
			if _, err := s.Push(ctx, b.dev, b.segment(piece[0], piece[1])); code(err) != "fork" {
				t.Fatalf("second branch %v is answered with %v", piece, err)
			}
		}
		branch := ForkID(a.replica, b.chain[2])
		var n int
		must(t, s.View(ctx, func(tx *sql.Tx) error {
			return tx.QueryRow("SELECT count(*) FROM change WHERE replica = $1 AND state = 'held' AND why = 'fork'", branch).Scan(&n)
		}))
		if n != 2 {
			t.Fatalf("%d changes of the second branch are held, want 2", n)
		}
		// A person releases them: they come in under the branch's own dots, beside what stands.
		for _, seq := range []uint64{2, 3} {
			must(t, s.Release(ctx, fieldsync.Dot{Replica: branch, Seq: seq}, "chairman", ""))
		}
		want := []string{`"2"`, `"4"`}
		if diff := cmp.Diff(want, values(mergedOf(t, s, household), "household_code")); diff != "" {
			t.Errorf("household_code after the release (-want +got):\n%s", diff)
		}
		reader := newTab(t, s, "en3", "enumerator", villageA)
		fp := reader.pull(1<<20, villageA)
		if fp[villageA] != reader.print() {
			t.Error("fingerprints differ after pulling a released branch")
		}
		if diff := cmp.Diff(want, values(reader.records[household], "household_code")); diff != "" {
			t.Errorf("household_code on a tablet (-want +got):\n%s", diff)
		}
		sound(t, s)
	})
}

func TestAReissueClosesTheSecondBranch(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a := newTab(t, s, "en1", "enumerator", villageA)
		household := newID()
		a.write(household, "household", villageA, w("village", villageA))
		b := *a
		b.log, b.chain = append([]*fieldsync.Change{}, a.log...), append([]fieldsync.B64{}, a.chain...)
		b.records = map[string]*fieldsync.Record{household: a.records[household].Clone()}
		a.write(household, "household", villageA, w("address", "đầu thôn"))
		a.push()
		lost := b.write(household, "household", villageA, w("address", "cuối thôn"))
		if _, err := s.Push(ctx, b.dev, b.segment(1, 2)); code(err) != "fork" {
			t.Fatal(err)
		}
		branch := fieldsync.Dot{Replica: ForkID(a.replica, b.chain[2]), Seq: 2}
		for _, x := range []struct{ account, rec, kind string }{{"en1", newID(), "household"}, {"en1", household, "interview"}, {"en2", household, "household"}} {
			other := newTab(t, s, x.account, "enumerator", villageA)
			other.write(x.rec, x.kind, villageA, lost.Writes, func(c *fieldsync.Change) { c.Was = &lost.Dot })
			other.push()
			if _, err := s.HeldChange(ctx, branch); err != nil {
				t.Errorf("%+v has closed the branch: %v", x, err)
			}
		}
		c := newTab(t, s, "en1", "enumerator")
		c.write(household, "household", villageA, lost.Writes, func(x *fieldsync.Change) { x.Was, x.Parents = &lost.Dot, lost.Parents })
		c.push()
		err := s.Release(ctx, branch, "chairman", "")
		if err == nil {
			t.Error("a change that came again can still be released")
		}
		if heads := mergedOf(t, s, household).Heads("address"); len(heads) != 3 { // that of account en2 is its own
			t.Errorf("address has %d live values, want all", len(heads))
		}
		sound(t, s)
	})
}

func TestARefusedChangeIsSeenWithoutItsValues(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a := newTab(t, s, "en1", "enumerator", villageA)
		rec := newID()
		a.write(rec, "household", villageA, w("village", villageA, "household_code", "1"))
		bad := a.write(rec, "household", villageA, w("household_code", "2"), func(c *fieldsync.Change) { c.Form = "household/2099.1" })
		a.push()
		must(t, s.Refuse(ctx, bad.Dot, "chairman", "sai phiếu"))
		if err := s.Refuse(ctx, bad.Dot, "chairman", "sai phiếu"); err == nil {
			t.Error("a change can be refused twice")
		}
		other := newTab(t, s, "en2", "enumerator", villageA)
		fp := other.pull(1<<20, villageA)
		if fp[villageA] != other.print() {
			t.Error("fingerprints differ after a refusal")
		}
		got := other.records[rec].Heads("household_code")
		if len(got) != 1 || string(got[0].Value) != `"1"` || !other.records[rec].Seen(bad.Dot) {
			t.Errorf("after the refusal household_code is %v", got)
		}
		a.write(rec, "household", villageA, w("household_code", "3")) // on top of what was refused
		a.push()
		later := mergedOf(t, s, rec)
		if diff := cmp.Diff([]string{`"1"`, `"3"`}, values(later, "household_code")); diff != "" || len(later.Waiting()) != 0 {
			t.Errorf("work on top of a refused change (-want +got):\n%s\nwaiting for %v", diff, later.Waiting())
		}
		sound(t, s)
	})
}

package central

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestNoReaderEverSeesAGapWhileEightTabletsPush(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		const tablets, households = 8, 12
		tabs := make([]*tab, tablets)
		for i := range tabs {
			tabs[i] = newTab(t, s, fmt.Sprintf("en%d", i), "enumerator", villageA, villageB)
			for k := range households {
				tabs[i].household([]string{villageA, villageB}[(i+k)%2], round, poor...)
			}
		}
		stop := make(chan struct{})
		var readers, writers sync.WaitGroup
		reader := newTab(t, s, "reader", "board", "01975")
		readers.Add(1)
		go func() {
			defer readers.Done()
			next := map[string]uint64{}
			for done := false; !done; {
				select {
				case <-stop:
					done = true // once more, to the end
				default:
				}
				req := &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{}, Max: 1 << 20}
				for _, sc := range []string{villageA, villageB} {
					req.Cursors[sc] = fieldsync.Cursor{Epoch: s.Self().Epoch, Pos: next[sc]}
				}
				err := s.Pull(ctx, reader.dev, req, func(l *fieldsync.PullLine) error {
					if l.End != nil {
						for sc, c := range l.End.End {
							next[sc] = c.Pos
						}
						return nil
					}
					if l.C.Pos != next[l.C.Scope]+1 {
						return fmt.Errorf("after %d of %s came %d", next[l.C.Scope], l.C.Scope, l.C.Pos)
					}
					next[l.C.Scope] = l.C.Pos
					return reader.take(l)
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
		for _, x := range tabs {
			writers.Add(1)
			go func() {
				defer writers.Done()
				for x.sent < len(x.log) {
					to := min(x.sent+3, len(x.log))
					if _, err := s.Push(ctx, x.dev, x.segment(x.sent+1, to)); err != nil {
						t.Errorf("push of %s: %v", x.dev.Account, err)
						return
					}
					x.sent = to
				}
			}()
		}
		writers.Wait()
		close(stop)
		readers.Wait()
		if got := len(reader.records); got != 2*tablets*households {
			t.Errorf("the reader has %d records, want %d", got, 2*tablets*households)
		}
		if c := countersOf(t, s)[counterKey{province, round, "vn-2021"}]; c == nil || c[tPoor] != tablets*households {
			t.Errorf("counters of the province: %v", c)
		}
		sound(t, s)
	})
}

func TestManyTabletsEditingOneHouseholdLoseNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := addRound(t, s, newID())
		first := newTab(t, s, "en0", "enumerator", villageA)
		_, interview := first.household(villageA, round, poor...)
		first.push()
		var all sync.WaitGroup
		const tablets = 6
		for i := range tablets {
			x := newTab(t, s, fmt.Sprintf("en%d", i+1), "enumerator", villageA)
			x.records[interview] = first.records[interview].Clone()
			for k := range 5 {
				x.write(interview, "interview", villageA, w(fmt.Sprintf("note/%s", newID()), map[string]string{"text": fmt.Sprint(i, k)}, "house_area", 30+i))
			}
			all.Add(1)
			go func() {
				defer all.Done()
				for k := range 5 {
					if _, err := s.Push(context.Background(), x.dev, x.segment(k+1, k+1)); err != nil {
						t.Errorf("push: %v", err)
					}
				}
			}()
		}
		all.Wait()
		rec := mergedOf(t, s, interview)
		if rec.SeenCount() != 1+5*tablets {
			t.Errorf("%d changes are merged, want %d", rec.SeenCount(), 1+5*tablets)
		}
		if heads := rec.Heads("house_area"); len(heads) != tablets {
			t.Errorf("house_area has %d live values, want one a tablet", len(heads))
		}
		sound(t, s)
	})
}

func TestAHouseholdThatMovesLeavesOneFeedAndEntersTheOtherWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA, villageB)
		inA := newTab(t, s, "en2", "enumerator", villageA)
		inB := newTab(t, s, "en3", "enumerator", villageB)
		household, interview := a.household(villageA, round, poor...)
		stays, _ := a.household(villageA, round, poor...)
		a.write(interview, "interview", villageA, w("house_area", 12))
		a.push()
		inA.pull(200, villageA)
		inB.pull(200, villageB)
		if inA.records[interview] == nil || len(inB.records) != 0 {
			t.Fatal("before the move the interview is not where it should be")
		}
		a.write(household, "household", villageA, w("village", villageB))
		a.push()
		for _, x := range []struct {
			tab   *tab
			scope string
		}{{inA, villageA}, {inB, villageB}} {
			if fp := x.tab.pull(200, x.scope); fp[x.scope] != x.tab.print() {
				t.Errorf("%s: fingerprints differ after the move", x.scope)
			}
		}
		if inA.records[household] != nil || inA.records[interview] != nil || inA.records[stays] == nil {
			t.Error("village A has not let go of the household, or of another")
		}
		if r := inB.records[interview]; r == nil || r.SeenCount() != 2 || inB.records[household].SeenCount() != 2 {
			t.Error("village B has not got all changes")
		}
		// Who was granted the village it came from may still write; it goes where the household is now.
		inA.records[interview] = mergedOf(t, s, interview)
		inA.write(interview, "interview", villageA, w("house_area", 13))
		if notes := inA.push(); len(notes) != 0 {
			t.Errorf("late work is %v", notes)
		}
		a.write(household, "household", villageB, w("village", villageA)) // and back
		a.push()
		must(t, s.Pull(context.Background(), inB.dev, &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{villageB: {Epoch: s.Self().Epoch}}}, func(l *fieldsync.PullLine) error {
			if l.B != nil {
				t.Errorf("village B's feed still brings %s:%d of a household that has left", l.Replica, l.S)
			}
			return nil
		}))
		fresh := newTab(t, s, "en4", "enumerator", villageA)
		if fp := fresh.pull(1<<20, villageA); fp[villageA] != fresh.print() || fresh.records[interview].SeenCount() != 3 {
			t.Error("a tablet that reads from the start has not the same as the server")
		}
		if fp := inA.pull(100, villageA); fp[villageA] != inA.print() {
			t.Error("a tablet that read all the time has not the same as the server")
		}
		sound(t, s)
	})
}

func TestAVillageInConflictPutsTheHouseholdInBothFeedsAndCountsItOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA, villageB)
		household, interview := a.household(villageA, round, poor...)
		a.push()
		b := newTab(t, s, "en2", "enumerator", villageA, villageB)
		b.pull(1<<20, villageA)
		if a.replica > b.replica { // the later clock is that of the lesser dot
			b.clock += 1e9
		} else {
			a.clock += 1e9
		}
		a.write(household, "household", villageA, w("village", villageB))
		b.write(household, "household", villageA, w("village", "01975-03"))
		a.push()
		b.push()
		x := recordOf(t, s, interview)
		if diff := cmp.Diff([]string{villageB, "01975-03"}, x.scopes); diff != "" {
			t.Errorf("the interview's scopes (-want +got):\n%s", diff)
		}
		if c := countersOf(t, s)[counterKey{"01975", round, "vn-2021"}]; c[tInterviews] != 1 {
			t.Errorf("the household counts %d times in its commune", c[tInterviews])
		}
		want := villageB // the greater dot, whatever the clocks say
		if b.replica > a.replica {
			want = "01975-03"
		}
		if x := recordOf(t, s, household); x.area != want {
			t.Errorf("the household counts in %s, want %s", x.area, want)
		}
		sound(t, s)
	})
}

func TestAnInterviewMayComeBeforeItsHouseholdAndItsRound(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		round := newID()
		a := newTab(t, s, "en1", "enumerator", villageA, villageB)
		b := newTab(t, s, "en2", "enumerator", villageA, villageB)
		household := newID()
		b.records[household] = fieldsync.NewRecord(household, "household")
		interview := b.interview(household, villageA, round, poor...)
		b.push()
		if x := recordOf(t, s, interview); x.class != "" || !slices.Equal(x.scopes, []string{villageA}) {
			t.Errorf("alone it is in %v with class %q", x.scopes, x.class)
		}
		a.write(household, "household", villageB, w("village", villageB))
		a.push()
		if x := recordOf(t, s, interview); !slices.Equal(x.scopes, []string{villageB}) {
			t.Errorf("with its household it is in %v", x.scopes)
		}
		addRound(t, s, round)
		if x := recordOf(t, s, interview); x.class != "poor" || x.standard != "vn-2021" {
			t.Errorf("with its round it is %q under %q", x.class, x.standard)
		}
		if c := countersOf(t, s)[counterKey{district, round, "vn-2021"}]; c == nil || c[tPoor] != 1 {
			t.Errorf("counters of the district: %v", c)
		}
		if got := len(countersOf(t, s)); got != 4 {
			t.Errorf("%d counters are not zero, want village, commune, district, province", got)
		}
		for scope, x := range map[string]*tab{villageA: a, villageB: b} {
			x.records = map[string]*fieldsync.Record{}
			if fp := x.pull(1<<20, scope); fp[scope] != x.print() {
				t.Errorf("%s: fingerprints differ", scope)
			}
		}
		sound(t, s)
	})
}

func TestAPullBringsOnlyGrantedScopesAndLeavesOwnBytesOut(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		board := newTab(t, s, "bd1", "board", "01975")
		a.write(newID(), "household", villageA, w("village", villageA))
		complaint := newID()
		board.write(complaint, "complaint", villageA, w("what", "nhà tôi bị bỏ sót"))
		a.push()
		if notes := board.push(); len(notes) > 0 {
			t.Fatalf("the complaint: %v", notes)
		}
		from := func(x *tab, scope string) error {
			return s.Pull(ctx, x.dev, &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{scope: {Epoch: s.Self().Epoch}}, Replica: x.replica}, func(l *fieldsync.PullLine) error {
				if l.Own != (l.S > 0 && l.B == nil && l.End == nil) || (l.Own && l.Replica != x.replica) {
					t.Errorf("line %+v", l)
				}
				return nil
			})
		}
		for scope, want := range map[string]string{villageA: "<nil>", "01975": "<nil>", district: "<nil>", province: "<nil>", villageB: "scope", "01975!board": "scope", "01969": "scope"} {
			if got := code(from(a, scope)); got != want {
				t.Errorf("an enumerator pulls %s: %s, want %s", scope, got, want)
			}
		}
		for scope, want := range map[string]string{villageA: "<nil>", villageB: "<nil>", "01975!board": "<nil>", "01969!board": "scope", villageC: "scope"} {
			if got := code(from(board, scope)); got != want {
				t.Errorf("a board pulls %s: %s, want %s", scope, got, want)
			}
		}
		if got := code(from(newTab(t, s, "en9", "enumerator", "01975"), "01975!board")); got != "scope" {
			t.Errorf("an enumerator of the whole commune pulls its board's scope: %s", got)
		}
		if x := recordOf(t, s, complaint); !slices.Equal(x.scopes, []string{"01975!board"}) {
			t.Errorf("the complaint is in %v", x.scopes)
		}
		a.pull(1, district) // one line a pull is the least
		if len(a.records) != 2 {
			t.Errorf("with the district's feed the tablet has %d records, want its household and the round", len(a.records))
		}
	})
}

func TestACursorOfAnotherEpochIsRefusedAndOnePastTheHeadTurnsTheEpoch(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en1", "enumerator", villageA)
		a.write(newID(), "household", villageA, w("village", villageA))
		a.push()
		me := s.Self()
		pull := func(c fieldsync.Cursor) string {
			return code(s.Pull(context.Background(), a.dev, &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{villageA: c}}, func(*fieldsync.PullLine) error { return nil }))
		}
		if got := pull(fieldsync.Cursor{Epoch: "e-other", Pos: 1}); got != "epoch" || s.Self().Epoch != me.Epoch {
			t.Errorf("another epoch's cursor: %s", got)
		}
		if got := pull(fieldsync.Cursor{Epoch: me.Epoch, Pos: 2}); got != "epoch" || s.Self().Epoch == me.Epoch || s.Self().Replica == me.Replica || s.Self().Server != me.Server {
			t.Errorf("a cursor past the head: %s, the store is now %+v", got, s.Self())
		}
		addRound(t, s, newID()) // the new own replica can write
		sound(t, s)
	})
}

func TestASnapshotIsTheScopeWholeAndIsKeptADay(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		now := time.Now()
		s.now = func() time.Time { return now }
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		for range 5 {
			a.household(villageA, round, poor...)
		}
		a.push()
		snap, err := s.Snapshot(ctx, a.dev, villageA, nil)
		must(t, err)
		head, b := readSnapshot(t, snap, a)
		if b.print() != head.FP || len(b.records) != 10 {
			t.Errorf("the snapshot has %d records, fingerprint %v, its header says %v", len(b.records), b.print(), head.FP)
		}
		a.household(villageA, round, poor...)
		a.push()
		again, err := s.Snapshot(ctx, a.dev, villageA, &head.At)
		must(t, err)
		if again.ETag != snap.ETag || !bytes.Equal(again.Gzip, snap.Gzip) {
			t.Error("a snapshot that was begun cannot be gone on with")
		}
		b.cursors[villageA] = head.At
		if fp := b.pull(1<<20, villageA); fp[villageA] != b.print() || len(b.records) != 12 {
			t.Error("snapshot and pull together are not the scope")
		}
		now = now.Add(25 * time.Hour)
		if _, err := s.Snapshot(ctx, a.dev, villageA, &head.At); code(err) != "snapshot_gone" {
			t.Errorf("after a day: %v", err)
		}
		if _, err := s.Snapshot(ctx, a.dev, villageB, nil); code(err) != "scope" {
			t.Errorf("of another village: %v", err)
		}
	})
}

func readSnapshot(t *testing.T, snap *fieldsync.Snapshot, like *tab) (head fieldsync.SnapshotHead, b *tab) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(snap.Gzip))
	must(t, err)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	copied := *like
	copied.replica = fieldsync.NewReplica() // its own changes come with their bytes too
	b = &copied
	b.records = map[string]*fieldsync.Record{}
	for first := true; lines.Scan(); first = false {
		if first {
			must(t, json.Unmarshal(lines.Bytes(), &head))
			continue
		}
		var st fieldsync.State
		must(t, json.Unmarshal(bytes.Clone(lines.Bytes()), &st))
		must(t, b.take(&fieldsync.PullLine{State: &st}))
	}
	must(t, lines.Err())
	return head, b
}

func TestImportedAreasMoveCountersAlongAndCommandsBesideServingAreNoticed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		const late = "01975-09"
		a := newTab(t, s, "en1", "enumerator", late)
		a.household(late, round, poor...)
		a.push()
		if got := countersOf(t, s); len(got) != 1 {
			t.Fatalf("a village nobody knows counts in %d areas", len(got))
		}
		must(t, s.Update(ctx, func(tx *sql.Tx) error { // as another process does it
			_, err := tx.Exec(`INSERT INTO area (code, level, name, parent_code, valid_from, valid_to, added_at) VALUES ($1, 'village', 'Nà Lầu', '01975', '2020-01-01', '2025-07-01', 1)`, late)
			if err == nil {
				_, err = tx.Exec("UPDATE meta SET value = '77' WHERE key = 'areas_version'")
			}
			return err
		}))
		n, err := s.Rejudge(ctx)
		must(t, err)
		if c := countersOf(t, s)[counterKey{province, round, "vn-2021"}]; n != 1 || c == nil || c[tPoor] != 1 {
			t.Errorf("%d judged again; counters of the province: %v", n, c)
		}
		sound(t, s)
	})
}

func TestARebuildPutsRightWhatWasDamaged(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		_, interview := a.household(villageA, round, poor...)
		gone, _ := a.household(villageA, round, poor...)
		a.push()
		want := countersOf(t, s)
		must(t, s.Update(ctx, func(tx *sql.Tx) error {
			for _, damage := range []string{
				"UPDATE record SET class = 'not_poor', tally = '' WHERE rec = '" + interview + "'",
				"DELETE FROM record WHERE rec = '" + gone + "'", "DELETE FROM record_scope WHERE rec = '" + gone + "'",
				"UPDATE counter SET poor = poor + 5 WHERE area = '01975'", "UPDATE scope_head SET fp_count = fp_count + 1 WHERE scope = '" + villageA + "'",
			} {
				if _, err := tx.Exec(damage); err != nil {
					return err
				}
			}
			return nil
		}))
		report, err := s.Rebuild(ctx, true)
		must(t, err)
		tables := map[string]bool{}
		for _, d := range report.Differences {
			tables[d.Table] = true
		}
		if len(tables) != 4 || report.Replaced {
			t.Errorf("verify found differences in %v", tables)
		}
		report, err = s.Rebuild(ctx, false)
		must(t, err)
		if !report.Replaced {
			t.Error("the rebuild replaced nothing")
		}
		sound(t, s)
		if diff := cmp.Diff(want, countersOf(t, s)); diff != "" {
			t.Errorf("counters (-before +after):\n%s", diff)
		}
	})
}

func TestAResolutionClosesWhatItShowedAndALateEditOpensItAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		_, interview := a.household(villageA, round, poor...)
		a.push()
		tabs := []*tab{newTab(t, s, "en2", "enumerator", villageA), newTab(t, s, "en3", "enumerator", villageA)}
		for i, x := range tabs {
			x.pull(1<<20, villageA)
			x.write(interview, "interview", villageA, w("b1_score", 120+60*i)) // 120 poor, 180 not
		}
		late := newTab(t, s, "en4", "enumerator", villageA)
		late.pull(1<<20, villageA)
		late.write(interview, "interview", villageA, w("b1_score", 130))
		for _, x := range tabs {
			x.push()
		}
		row := recordOf(t, s, interview)
		c := countersOf(t, s)[counterKey{villageA, round, "vn-2021"}]
		if row.hard != 1 || row.rank != RankFlips || row.class != "undetermined" || c[tPoorLow] != 0 || c[tPoorHigh] != 1 || c[tUndetermined] != 1 || c[tConflicts] != 1 {
			t.Errorf("in conflict: open %d, rank %d, class %s, counters %v", row.hard, row.rank, row.class, c)
		}
		shown := mergedOf(t, s, interview)
		act := Act{Account: "chu-tich", Role: "chairman", Changes: []ActChange{{Record: interview, Kind: "interview", Op: fieldsync.OpResolve, Scope: villageA, Why: "đã gọi điện cho hộ",
			Writes: w("b1_score", 120), Version: shown.Version()}}}
		_, err := s.Author(ctx, act)
		must(t, err)
		if _, err := s.Author(ctx, act); !errors.Is(err, ErrChanged) {
			t.Errorf("a resolution of what is no longer so: %v", err)
		}
		if row := recordOf(t, s, interview); row.hard != 0 || row.class != "poor" {
			t.Errorf("resolved: open %d, class %s", row.hard, row.class)
		}
		late.push()
		if row := recordOf(t, s, interview); row.hard != 1 || row.class != "poor" || row.rank != RankJudged {
			t.Errorf("after a late edit: open %d, class %s, rank %d", row.hard, row.class, row.rank)
		}
		tabs[0].pull(1<<20, villageA)
		if got := tabs[0].records[interview].Heads("b1_score"); len(got) != 2 {
			t.Errorf("a tablet shows %d values", len(got))
		}
		sound(t, s)
	})
}

func TestACarriedFeedWaitsUntilItsReplicaIsAccepted(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		a := newTab(t, s, "en1", "enumerator", villageA)
		must(t, s.Update(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE replica SET state = 'unaccepted' WHERE replica = $1", a.replica)
			return err
		}))
		for range 200 {
			a.household(villageA, round, poor...)
		}
		for from := 1; from <= len(a.log); from += 256 {
			answer, err := s.Push(ctx, a.dev, a.segment(from, min(from+255, len(a.log))))
			must(t, err)
			if answer.Receipt != nil || answer.Notes[0].State != StateHeld || answer.Notes[0].Why != WhyReplica {
				t.Fatalf("a carried feed is answered %+v", answer.Notes[0])
			}
		}
		if len(countersOf(t, s)) != 0 {
			t.Error("held work is counted")
		}
		must(t, s.AcceptReplica(ctx, a.replica, "en1"))
		if c := countersOf(t, s)[counterKey{villageA, round, "vn-2021"}]; c == nil || c[tPoor] != 200 {
			t.Errorf("accepted: %v", c)
		}
		sound(t, s)
	})
}

func TestACutIsTakenWhileNothingCanBeWrittenToItsScope(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		round := addRound(t, s, newID())
		tabs := make([]*tab, 3)
		for i := range tabs {
			tabs[i] = newTab(t, s, fmt.Sprintf("en%d", i), "enumerator", villageA)
			for range 10 {
				tabs[i].household(villageA, round, poor...)
			}
		}
		var all sync.WaitGroup
		for _, x := range tabs {
			all.Add(1)
			go func() {
				defer all.Done()
				for at := range len(x.log) {
					if _, err := s.Push(ctx, x.dev, x.segment(at+1, at+1)); err != nil {
						t.Errorf("push: %v", err)
					}
				}
			}()
		}
		for range 5 {
			_, err := s.AuthorLocked(ctx, []string{villageA}, func(tx *sql.Tx, heads map[string]ScopeHead) (Act, error) {
				var n int64 // what the rows of a report would be
				if err := tx.QueryRow("SELECT count(*) FROM feed WHERE scope = $1", villageA).Scan(&n); err != nil {
					return Act{}, err
				}
				if uint64(n) != heads[villageA].Pos {
					t.Errorf("under the lock the feed has %d lines, its head says %d", n, heads[villageA].Pos)
				}
				return Act{Account: "server", Role: "server", Changes: []ActChange{{Record: round, Kind: "round", Op: fieldsync.OpEdit, Scope: district,
					Writes: w("cut/"+villageA, map[string]any{"epoch": s.Self().Epoch, "pos": heads[villageA].Pos})}}}, nil
			})
			must(t, err)
		}
		all.Wait()
		if heads := mergedOf(t, s, round).Heads("cut/" + villageA); len(heads) != 1 {
			t.Errorf("the round has %d live cuts of the village, want the last", len(heads))
		}
		s.WaitRejudged()
		sound(t, s)
	})
}

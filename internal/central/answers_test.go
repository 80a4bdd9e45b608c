package central

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestAPullKeepsItsBytesUnlessOneLineIsMore(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en1", "enumerator", villageA)
		for range 12 {
			a.household(villageA, newID(), poor...)
		}
		a.push()
		for _, limit := range []int{1, 700, 2000, 5000} {
			cursor, total := fieldsync.Cursor{Epoch: s.Self().Epoch}, 0
			for more := true; more; {
				lines, size := 0, 0
				must(t, s.Pull(context.Background(), a.dev, &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{villageA: cursor}, Max: limit}, func(l *fieldsync.PullLine) error {
					size += len(l.Append(nil)) + 1
					if l.End != nil {
						cursor, more = l.End.End[villageA], l.End.More
						return nil
					}
					lines++
					return nil
				}))
				if lines == 0 || lines > 1 && size > limit {
					t.Fatalf("max %d: an answer of %d lines has %d bytes", limit, lines, size)
				}
				total += lines
			}
			if total != 24 {
				t.Errorf("max %d: %d lines came, want 24", limit, total)
			}
		}
	})
}

func TestHelloTellsADecisionOnceAndAlwaysWhatWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		c, _, a := carrier(t, s)
		if got, err := a.meets(c, 0); err != nil || got.Receipt == nil || got.Receipt.Seq != 0 || string(got.Receipt.H) != string(a.chain[0]) {
			t.Errorf("a hello before the first change: %+v, %v, want a receipt of nothing", got, err)
		}
		for range 3 {
			a.write(newID(), "household", villageB, w("village", villageB))
		}
		if _, err := c.Push(ctx, a.segment(1, 3)); err != nil {
			t.Fatal(err)
		}
		hello := func() []string {
			got, err := a.meets(c, 3)
			must(t, err)
			return states(got.Notes)
		}
		waits := []string{"1 held scope", "2 held scope", "3 held scope"}
		for range 2 {
			if diff := cmp.Diff(waits, hello()); diff != "" {
				t.Errorf("what waits (-want +got):\n%s", diff)
			}
		}
		must(t, s.Release(ctx, fieldsync.Dot{Replica: a.replica, Seq: 1}, "cb01", ""))
		must(t, s.Refuse(ctx, fieldsync.Dot{Replica: a.replica, Seq: 2}, "cb01", "nhầm thôn"))
		if diff := cmp.Diff([]string{"1 published released", "2 refused nhầm thôn", "3 held scope"}, hello()); diff != "" {
			t.Errorf("after the decisions (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(waits[2:], hello()); diff != "" {
			t.Errorf("the next time (-want +got):\n%s", diff)
		}
	})
}

func TestADeviceTurnsTheEpochOnlyAFewTimesAnHour(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a, b := newTab(t, s, "en1", "enumerator", villageA), newTab(t, s, "en2", "enumerator", villageA)
		b.dev.ID = 2
		claim := func(x *tab) string {
			return code(s.Pull(context.Background(), x.dev, &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{villageA: {Epoch: s.Self().Epoch, Pos: 99}}}, func(*fieldsync.PullLine) error { return nil }))
		}
		var got []string
		for range 4 {
			got = append(got, claim(a))
		}
		before := s.Self().Epoch
		if diff := cmp.Diff([]string{"epoch", "epoch", "epoch_wait", "epoch_wait"}, got); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
		if claim(a); s.Self().Epoch != before {
			t.Error("the epoch was turned again")
		}
		if claim(b) != "epoch" || s.Self().Epoch == before {
			t.Error("another device's claim does not count")
		}
	})
}

func TestARevokedDevicesReplicaStaysItsOwnWhoeverSpeaksForIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		c, _, a := carrier(t, s)
		if _, err := a.meets(c, 0); err != nil {
			t.Fatal(err)
		}
		devices, err := s.Devices(ctx, "en01")
		must(t, err)
		must(t, s.RevokeDevice(ctx, "cb01", devices[0].ID))
		plain, _, err := s.NewEnrolCode(ctx, "", "en01")
		must(t, err)
		other, err := s.Enrol(ctx, &fieldsync.EnrolRequest{Code: plain, Replica: fieldsync.NewReplica(), Pub: newTabletKey().pub()}, "")
		must(t, err)
		c.Token = other.Token
		a.household(villageA, newID())
		for range 2 {
			if _, err := a.meets(c, 0); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Push(ctx, a.segment(1, 2))
		if err != nil || len(got.Notes) != 2 || got.Notes[0].Why != WhyRevoked {
			t.Errorf("work of a revoked device by another one: %+v, %v, want it held", got, err)
		}
	})
}

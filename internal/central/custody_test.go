package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// device gives the tablet a device of its own, as enrolment does.
func (t *tab) device() *tab {
	t.tb.Helper()
	must(t.tb, t.s.Update(context.Background(), func(tx *sql.Tx) error {
		err := tx.QueryRow("INSERT INTO device (account, token_hash, hw, created_at) VALUES ($1, $2, 'máy thử', 1) RETURNING id", t.dev.Account, tokenHash(t.replica)).Scan(&t.dev.ID)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE replica SET device = $1 WHERE replica = $2", t.dev.ID, t.replica)
		return err
	}))
	return t
}

// greet is a hello by which the tablet says how much it has.
func (t *tab) greet() {
	t.tb.Helper()
	_, err := t.s.Hello(context.Background(), t.dev, &fieldsync.HelloRequest{Proto: []int{fieldsync.Proto}, Replica: t.replica, Pub: fieldsync.B64(t.key.Public().(ed25519.PublicKey)),
		Seq: uint64(len(t.log)), H: t.chain[len(t.log)], At: t.s.Now()})
	must(t.tb, err)
}

func TestCustodySaysWhoHoldsWhatAndWhatTheServerCannotKnow(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a := newTab(t, s, "en01", "enumerator", villageA).device()
		b := newTab(t, s, "cb01", "board", "01975").device()
		newTab(t, s, "en02", "enumerator", villageC).device() // has nothing to do with the village
		first, _ := a.household(villageA, newID())
		second, interview := a.household(villageA, newID(), "water", "tap")
		a.push()
		b.write(interview, "interview", villageA, w("note/1", "đã xem"))
		b.push()
		a.household(villageA, newID()) // two changes the tablet speaks of and has not sent
		a.greet()

		got, err := s.Custody(ctx, CustodyFilter{Area: "01975"})
		must(t, err)
		if len(got.Households) != 2 {
			t.Fatalf("households: %+v, want the two that are here", got.Households)
		}
		for _, h := range got.Households {
			want := map[string]string{first: "en01", second: "cb01"}[h.Household]
			if h.Account != want || h.Village != villageA || h.Received == 0 || h.Device == 0 {
				t.Errorf("%+v: want its last change from %s's device", h, want)
			}
		}
		holders := got.Holders[villageA]
		if len(holders) != 2 || holders[0].Account != "en01" || holders[0].Unsent != 2 || holders[0].UnsentSince == 0 || !holders[0].Granted || holders[1].Account != "cb01" || holders[1].Unsent != 0 {
			t.Errorf("devices of the village: %+v, want en01 with two unsent, heard last, then cb01", holders)
		}
		a.push()
		must(t, s.EndGrant(ctx, "cb01", "en01", villageA, GrantRevoked))
		must(t, s.RevokeDevice(ctx, "cb01", a.dev.ID))
		got, err = s.Custody(ctx, CustodyFilter{Area: villageA, Household: first})
		must(t, err)
		if h := got.Holders[villageA]; len(got.Households) != 1 || len(h) != 2 || h[0].Unsent != 0 || h[0].Granted || h[0].RevokedAt == 0 {
			t.Errorf("after it was sent and taken away: %+v, want the device still named, revoked, with nothing unsent", got)
		}
		if _, err := s.Custody(ctx, CustodyFilter{Area: "99999"}); !isRefusal(err, "area_unknown") {
			t.Errorf("an area that is not there: %v", err)
		}
	})
}

func TestMissingNamesOnlyWhatIsNotHere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a, b := newTab(t, s, "en01", "enumerator", villageA).device(), newTab(t, s, "en02", "enumerator", villageA).device()
		household, _ := a.household(villageA, newID())
		a.push()
		a.write(household, "household", villageA, w("address", "Nhà số 1"))
		a.write(household, "household", villageA, w("address", "Nhà số 2"))
		b.records[household] = a.records[household].Clone()
		b.write(household, "household", villageA, w("address", "Nhà số 3")) // names a's change, which never came
		b.push()
		stranger := fieldsync.NewReplica()
		must(t, s.Update(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE replica SET saw = $1 WHERE replica = $2", `{"`+stranger+`":3,"`+a.replica+`":1,"not a replica":9}`, b.replica)
			return err
		}))
		gaps, err := s.Missing(ctx)
		must(t, err)
		if len(gaps) != 2 || gaps[0].Replica != a.replica || gaps[0].From != 3 || gaps[0].To != 4 || len(gaps[0].Because) != 1 || gaps[0].Because[0] != BecauseParent ||
			gaps[1].Replica != stranger || gaps[1].Whose != GapUnknown || gaps[1].To != 3 {
			t.Fatalf("missing: %+v, want 3 to 4 of en01 because a change names it, and 1 to 3 of a stranger", gaps)
		}
		a.push()
		if gaps, err = s.Missing(ctx); err != nil || len(gaps) != 1 {
			t.Errorf("after it came: %+v, %v", gaps, err)
		}
		if _, err := s.Missing(ctx, []byte("x")); !isRefusal(err, fieldsync.CodeBundleUnknown) {
			t.Errorf("a file that is no receipts: %v", err)
		}
	})
}

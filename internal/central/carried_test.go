package central

import (
	"context"
	"crypto/ed25519"
	"net/http/httptest"
	"slices"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// carrier is an account with a token, and a tablet of the same account that has never said a word here.
func carrier(t *testing.T, s *Store) (c *fieldsync.Client, own tabletKey, unseen *tab) {
	t.Helper()
	ctx := context.Background()
	must(t, s.AddAccount(ctx, "", NewAccount{Account: "en01", Name: "Nông Văn Thử", Role: "enumerator", Areas: []string{villageA + "@2024-12-31"}}))
	code, _, err := s.NewEnrolCode(ctx, "", "en01")
	must(t, err)
	own = newTabletKey()
	answer, err := s.Enrol(ctx, &fieldsync.EnrolRequest{Code: code, Replica: own.replica, Pub: own.pub()}, "")
	must(t, err)
	web := httptest.NewServer(fieldsync.NewHandler(s, fieldsync.HandlerOptions{Log: quiet}))
	t.Cleanup(web.Close)
	k := newTabletKey()
	unseen = &tab{tb: t, s: s, dev: fieldsync.Device{Account: "en01", Role: "enumerator"}, role: "enumerator", replica: k.replica, key: k.key,
		records: map[string]*fieldsync.Record{}, clock: 1_790_000_000_000}
	unseen.chain = []fieldsync.B64{fieldsync.ChainStart(k.replica, ed25519.PublicKey(k.pub()))}
	return &fieldsync.Client{Base: web.URL, Token: answer.Token, HTTP: web.Client()}, own, unseen
}

func (t *tab) meets(c *fieldsync.Client, seq int) (*fieldsync.HelloAnswer, error) {
	return c.Hello(context.Background(), &fieldsync.HelloRequest{Proto: []int{1}, Replica: t.replica, Pub: fieldsync.B64(t.key.Public().(ed25519.PublicKey)), Seq: uint64(seq), H: t.chain[seq]})
}

func TestAFeedCarriedForAnUnseenReplicaIsKeptApartUntilItsKeyComes(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		c, own, a := carrier(t, s)
		for range 3 {
			a.household(villageA, newID())
		}
		if _, err := c.Push(ctx, a.segment(3, 4)); code(err) != "gap" {
			t.Errorf("its second piece first: %v", err)
		}
		for range 2 { // twice is harmless
			got, err := c.Push(ctx, a.segment(1, 2))
			if err != nil || got.Level != "durable" || got.Receipt != nil || len(got.Notes) != 2 || got.Notes[0] != (fieldsync.Note{S: 1, State: "held", Why: "replica"}) {
				t.Fatalf("push: %+v, %v, want both lines durable and held", got, err)
			}
		}
		if err := s.AcceptCarried(ctx, "cb01", a.replica, "en01"); !isRefusal(err, "replica_no_key") {
			t.Errorf("accepted without its key: %v", err)
		}
		forged := a.segment(3, 4)
		forged.Sig = fieldsync.SignHead(own.key, a.replica, 4, forged.H)
		if _, err := c.Push(ctx, forged); err != nil {
			t.Fatal(err)
		}
		got, err := a.meets(c, 6)
		if err != nil || got.Have.Seq != 2 || len(got.Notes) != 0 || got.Receipt == nil || a.changes(StatePublished) != 2 {
			t.Fatalf("hello: %+v, %v, %d published, want what its signature vouches for", got, err, a.changes(StatePublished))
		}
		held, err := s.Held(ctx)
		if err != nil || len(held) != 2 || held[0].StateWhy != WhyFork || held[0].Dot.Replica != ForkID(a.replica, a.chain[3]) {
			t.Errorf("held: %+v, %v, want the two lines of the forged piece put aside", held, err)
		}
		if _, err := c.Push(ctx, a.segment(3, 6)); err != nil || a.changes(StatePublished) != 6 {
			t.Errorf("the rest: %v, %d published", err, a.changes(StatePublished))
		}
		sound(t, s)
	})
}

func TestAForgedFeedUnderAnUnseenReplicaStandsInNobodysWay(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		c, own, a := carrier(t, s)
		impostor := *a
		impostor.key, impostor.chain = own.key, []fieldsync.B64{fieldsync.ChainStart(a.replica, own.key.Public().(ed25519.PublicKey))}
		impostor.records = map[string]*fieldsync.Record{}
		impostor.household(villageA, newID())
		if _, err := c.Push(ctx, impostor.segment(1, 2)); err != nil {
			t.Fatal(err)
		}
		a.household(villageA, newID())
		if _, err := c.Push(ctx, a.segment(1, 2)); code(err) != "fork" {
			t.Errorf("another feed under the same unseen replica: %v", err)
		}
		if got, err := a.meets(c, 2); err != nil || got.Have.Seq != 0 || !slices.Equal(got.Have.H, a.chain[0]) {
			t.Fatalf("hello of the true one: %+v, %v", got, err)
		}
		if _, err := c.Push(ctx, a.segment(1, 2)); err != nil || a.changes(StatePublished) != 2 {
			t.Errorf("its work: %v, %d published", err, a.changes(StatePublished))
		}
		sound(t, s)
	})
}

func TestAReplicaOfAnotherAccountIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		c, _, _ := carrier(t, s)
		other := newTab(t, s, "en02", "enumerator", villageA)
		other.household(villageA, newID())
		if _, err := c.Push(context.Background(), other.segment(1, 2)); code(err) != "replica" {
			t.Errorf("another account's replica: %v", err)
		}
	})
}

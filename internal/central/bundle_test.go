package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// part is the tablet's changes from..to as a file for the server, as package tablet writes it.
func (t *tab) part(from, to int, edit ...func(*fieldsync.PartHead)) BundleFile {
	t.tb.Helper()
	var keys stickKeys
	must(t.tb, t.s.View(context.Background(), func(tx *sql.Tx) (err error) {
		keys, err = t.s.stickKeys(context.Background(), tx)
		return err
	}))
	head := fieldsync.PartHead{Server: t.s.Self().Server, Bundle: hex.EncodeToString([]byte(t.replica[:8])), Part: 1, Of: 1, Account: t.dev.Account, Made: t.clock}
	for _, f := range edit {
		f(&head)
	}
	data, err := fieldsync.SealPart(head, t.segment(from, to), t.key, keys.bundle.Recipient())
	must(t.tb, err)
	return BundleFile{Name: fieldsync.PartName(&head), Read: func() ([]byte, error) { return data, nil }}
}

func imported(tb testing.TB, s *Store, files ...BundleFile) []BundleImported {
	tb.Helper()
	got, err := s.ImportBundles(context.Background(), "cb01", files)
	must(tb, err)
	return got
}

func wantRefused(tb testing.TB, what string, r BundleImported, code string) {
	tb.Helper()
	if r.Refused == nil || r.Refused.Code != code {
		tb.Errorf("%s: got %+v, want %s", what, r.Refused, code)
	} else if r.Refused.Text["vi"] == "" || r.Refused.Text["en"] == "" {
		tb.Errorf("%s is not said in both languages", code)
	}
}

func (t *tab) changes(state string) (n int) {
	t.tb.Helper()
	must(t.tb, t.s.View(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM change WHERE replica = $1 AND state = $2", t.replica, state).Scan(&n)
	}))
	return n
}

// forget makes the replica unseen, as of a tablet that took a new one while it saw no network.
func (t *tab) forget() {
	t.tb.Helper()
	must(t.tb, t.s.Update(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM replica WHERE replica = $1", t.replica)
		return err
	}))
}

func TestPartsInAnyOrderAndTwiceAreOnePush(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := newTab(t, s, "en01", "enumerator", villageA)
		for range 3 {
			a.household(villageA, newID())
		}
		files := []BundleFile{a.part(5, 6), a.part(1, 2), a.part(3, 4)}
		for i, r := range imported(t, s, files...) {
			if r.Refused != nil || r.New != 2 || r.Unaccepted || len(r.Notes) != 0 {
				t.Errorf("file %d: %+v, want two new changes", i, r)
			}
		}
		for i, r := range imported(t, s, files...) {
			if r.Refused != nil || r.New != 0 {
				t.Errorf("file %d again: %+v, want nothing new", i, r)
			}
		}
		if n := a.changes(StatePublished); n != 6 {
			t.Errorf("%d changes are published, want 6", n)
		}
		a.push() // the same by the wire: harmless too
		sound(t, s)
	})
}

func TestAPartThatCannotBeTakenStopsNoOther(t *testing.T) {
	s := openAt(t, sqliteURL(t))
	a, b := newTab(t, s, "en01", "enumerator", villageA), newTab(t, s, "en02", "enumerator", villageB)
	for range 2 {
		a.household(villageA, newID())
		b.household(villageB, newID())
	}
	good := b.part(1, 4)
	cutShort := a.part(1, 2)
	whole, _ := cutShort.Read()
	cutShort.Read = func() ([]byte, error) { return whole[:len(whole)-7], nil }
	elsewhere := a.part(1, 2)
	id, err := age.GenerateX25519Identity()
	must(t, err)
	strange, err := fieldsync.SealPart(fieldsync.PartHead{Server: s.Self().Server, Part: 1, Of: 1}, a.segment(1, 2), a.key, id.Recipient())
	must(t, err)
	elsewhere.Read = func() ([]byte, error) { return strange, nil }
	impostor := *a
	impostor.key = b.key
	impostor.chain = append([]fieldsync.B64{fieldsync.ChainStart(a.replica, b.key.Public().(ed25519.PublicKey))}, a.chain[1:]...)
	for i, c := range a.log {
		impostor.chain[i+1] = fieldsync.ChainNext(impostor.chain[i], c.Bytes)
	}
	got := imported(t, s, a.part(3, 4), cutShort, elsewhere, impostor.part(1, 2), good,
		a.part(1, 2, func(h *fieldsync.PartHead) { h.Server = "another" }),
		BundleFile{"photo.rsb", func() ([]byte, error) { return []byte("JFIF"), nil }},
		BundleFile{"gone.rsb", func() ([]byte, error) { return nil, os.ErrNotExist }})
	for i, code := range []string{"gap", fieldsync.CodeBundleDamaged, fieldsync.CodeBundleForeign, "bundle_replica", "", fieldsync.CodeBundleForeign, fieldsync.CodeBundleUnknown, "bundle_unread"} {
		if code != "" {
			wantRefused(t, got[i].Name, got[i], code)
		}
	}
	if got[4].Refused != nil || got[4].New != 4 || b.changes(StatePublished) != 4 {
		t.Errorf("the good part among bad ones: %+v", got[4])
	}
	if n := a.changes(StatePublished); n != 0 {
		t.Errorf("%d changes came in by parts that were refused", n)
	}
}

func TestAnUnseenReplicaIsHeldUntilAPersonAcceptsItOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a := newTab(t, s, "en01", "enumerator", villageA)
		a.household(villageA, newID())
		a.forget()
		r := imported(t, s, a.part(1, 2))[0]
		if r.Refused != nil || !r.Unaccepted || len(r.Notes) != 2 || r.Notes[0].Why != WhyReplica || a.changes(StateHeld) != 2 {
			t.Fatalf("work of an unseen replica: %+v, want it held", r)
		}
		if file, feeds, err := s.ReceiptsFile(ctx); err != nil || feeds != 0 {
			t.Errorf("receipts for a feed nobody accepted: %d, %v\n%s", feeds, err, file)
		}
		if err := s.AcceptCarried(ctx, "cb01", a.replica, "nobody"); !isRefusal(err, "account_unknown") {
			t.Errorf("accepting for an account that is not there: %v", err)
		}
		must(t, s.AcceptCarried(ctx, "cb01", a.replica, "en01"))
		if n := a.changes(StatePublished); n != 2 {
			t.Errorf("after it was accepted %d changes are published, want 2", n)
		}
		if err := s.AcceptCarried(ctx, "cb01", a.replica, "en01"); !isRefusal(err, "replica_not_waiting") {
			t.Errorf("accepting twice: %v", err)
		}
		a.household(villageA, newID())
		if r := imported(t, s, a.part(3, 4))[0]; r.Refused != nil || r.Unaccepted || len(r.Notes) != 0 {
			t.Errorf("its next part: %+v, want it taken", r)
		}
		sound(t, s)
	})
}

func isRefusal(err error, code string) bool {
	r, _ := refusedFile(err)
	return r != nil && r.Code == code
}

func TestTheTabletItselfAcceptsWhatCameByHandBefore(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", villageC)
	k := newTabletKey()
	answer, err := o.enrol(o.code("en01"), k)
	must(t, err)
	if len(answer.BundleTo) != 1 || answer.Recovery != "" {
		t.Fatalf("enrol announces %v and %q, want the server's key alone", answer.BundleTo, answer.Recovery)
	}
	// The tablet takes a new replica in the field and exports; its stick is here before it is.
	fresh := newTabletKey()
	a := &tab{tb: t, s: o.Store, dev: fieldsync.Device{ID: 1, Account: "en01", Role: "enumerator"}, role: "enumerator", replica: fresh.replica, key: fresh.key,
		records: map[string]*fieldsync.Record{}, clock: 1_790_000_000_000}
	a.chain = []fieldsync.B64{fieldsync.ChainStart(a.replica, ed25519.PublicKey(fresh.pub()))}
	a.household(villageC, newID())
	imported(t, o.Store, a.part(1, 2))
	if n := a.changes(StateHeld); n != 2 {
		t.Fatalf("%d changes are held, want 2", n)
	}
	forged := tabletKey{fresh.replica, newTabletKey().key}
	_, err = o.hello(answer.Token, forged, nil)
	wantCode(t, "the replica with another key", err, 403, "replica")
	got, err := o.hello(answer.Token, fresh, func(r *fieldsync.HelloRequest) { r.Seq, r.H = 2, a.chain[2] })
	must(t, err)
	if got.Have.Seq != 2 || got.Receipt == nil || len(got.Notes) != 0 || a.changes(StatePublished) != 2 {
		t.Errorf("hello: %+v with %d published, want all of it here and nothing held", got, a.changes(StatePublished))
	}
	id, err := age.GenerateX25519Identity()
	must(t, err)
	must(t, o.SetRecovery(o.ctx, "", id.Recipient().String()))
	if got, err = o.hello(answer.Token, fresh, nil); err != nil || got.Recovery != id.Recipient().String() || len(got.BundleTo) != 2 {
		t.Errorf("hello after a recovery key was set: %+v, %v", got, err)
	}
	if err := o.SetRecovery(o.ctx, "", id.String()); !isRefusal(err, "recipient") {
		t.Errorf("the secret half as recipient: %v", err)
	}
}

func TestLateWorkOfARevokedDeviceIsHeldAndMayBeReleased(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		a := newTab(t, s, "en01", "enumerator", villageA)
		must(t, s.Update(ctx, func(tx *sql.Tx) error {
			var id int64
			if err := tx.QueryRow("INSERT INTO device (account, token_hash, created_at) VALUES ('en01', $1, 1) RETURNING id", tokenHash(a.replica)).Scan(&id); err != nil {
				return err
			}
			a.dev.ID = id
			_, err := tx.Exec("UPDATE replica SET device = $1 WHERE replica = $2", id, a.replica)
			return err
		}))
		a.household(villageA, newID())
		a.push()
		must(t, s.RevokeDevice(ctx, "cb01", a.dev.ID))
		a.household(villageA, newID())
		r := imported(t, s, a.part(1, 4))[0]
		if r.Refused != nil || len(r.Notes) != 2 || r.Notes[0].State != StateHeld || r.Notes[0].Why != WhyRevoked || r.New != 2 {
			t.Fatalf("late work of a revoked device: %+v, want the two late changes held", r)
		}
		must(t, s.Release(ctx, fieldsync.Dot{Replica: a.replica, Seq: 3}, "cb01", ""))
		must(t, s.Refuse(ctx, fieldsync.Dot{Replica: a.replica, Seq: 4}, "cb01", "Máy đã giao người khác"))
		if a.changes(StatePublished) != 3 || a.changes(StateRefused) != 1 {
			t.Errorf("%d published and %d refused, want 3 and 1", a.changes(StatePublished), a.changes(StateRefused))
		}
		file, feeds, err := s.ReceiptsFile(ctx)
		if err != nil || feeds != 1 || strings.Contains(string(file), "Máy") {
			t.Fatalf("receipts: %d feeds, %v", feeds, err)
		}
		back, err := fieldsync.ReadReceipts(file, s.Self().Server, s.Self().Key.Public().(ed25519.PublicKey))
		if err != nil || back.Lines[0].Receipt.Seq != 4 || len(back.Lines[0].Notes) != 2 || back.Lines[0].Notes[1] != (fieldsync.Note{S: 4, State: StateRefused}) {
			t.Errorf("receipts read back: %+v, %v, want number 4 with its state and no one's words", back, err)
		}
		sound(t, s)
	})
}

func TestBundlesOfTwoCopiesOfATabletLoseNothing(t *testing.T) {
	s := openAt(t, sqliteURL(t))
	a := newTab(t, s, "en01", "enumerator", villageA)
	a.household(villageA, newID())
	other := *a
	other.log, other.chain = slices.Clone(a.log), slices.Clone(a.chain)
	other.records = map[string]*fieldsync.Record{}
	a.household(villageA, newID())
	other.household(villageA, newID())
	imported(t, s, a.part(1, 4))
	r := imported(t, s, other.part(1, 4))[0]
	wantRefused(t, "the second branch", r, "fork")
	held, err := s.Held(context.Background())
	if err != nil || len(held) != 2 || held[0].StateWhy != WhyFork {
		t.Errorf("held: %+v, %v, want the two changes of the second branch", held, err)
	}
}

func TestReceiptsOnAStickAreReadBack(t *testing.T) {
	s := openAt(t, sqliteURL(t))
	a := newTab(t, s, "en01", "enumerator", villageA)
	a.household(villageA, newID())
	a.push()
	dir := t.TempDir()
	feeds, err := s.WriteReceipts(context.Background(), dir)
	if err != nil || feeds != 1 {
		t.Fatalf("write: %d feeds, %v", feeds, err)
	}
	if _, err := s.WriteReceipts(context.Background(), dir); err != nil { // the newer takes the older's place
		t.Fatal(err)
	}
	names, err := fieldsync.ReceiptsFiles(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("the stick has %v, %v", names, err)
	}
	if _, err := s.WriteReceipts(context.Background(), filepath.Join(dir, "no")); err == nil {
		t.Error("a folder that is not there: no error")
	}
}

package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rasoat/rasoat/internal/central/centraltest"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// office is a store with villages, on a clock the test moves.
type office struct {
	*Store
	t   *testing.T
	ctx context.Context
	at  time.Time
}

const villageFile = `code,name,parent_code,valid_from,valid_to
01969-01,Nà Cáy,01969,2020-01-01,
01969-02,Khuổi Bốc,01969,2020-01-01,
01975-01,Bản Lạn,01975,2020-01-01,2025-07-01
`

// officeURL is where newOffice opens its store.
var officeURL = func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "central.db") }

// TestIdentityAndListsOnPostgres runs the tests of this file and of households_test.go on the other engine.
func TestIdentityAndListsOnPostgres(t *testing.T) {
	before := officeURL
	defer func() { officeURL = before }()
	officeURL = func(t *testing.T) string { return centraltest.PostgresURL(t) }
	for name, test := range map[string]func(*testing.T){
		"enrol": TestOneCodeOneTabletSameAnswerAgain, "expiry": TestACodeExpiresAfterADay, "guessing": TestGuessingCodesIsSlowedDown,
		"hello": TestHelloRegistersAnUnseenReplicaForTheTokensAccountOnly, "grants": TestGrantsDecideScopesDropsAndBoards,
		"dropped": TestAWithdrawnVillageIsDroppedAtTheNextHello, "disabled": TestADisabledAccountMayDoNothingUntilItIsEnabled,
		"epoch": TestAReceiptForMoreThanIsHereTakesANewEpochOnce, "audit": TestTheAuditLogShowsARowThatWasChanged,
		"villages": TestBadRowsOfAVillageFileAreReportedAndTheRestIsIn, "round": TestARoundReachesTheTabletsOfItsArea,
		"list": TestAListBecomesAClosedRoundWithMembers, "persons": TestAListNeverOverrulesAPerson, "race": TestTwoTabletsWithOneCodeAtOnce,
	} {
		t.Run(name, test)
	}
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, ctx: t.Context(), at: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)}
	store, err := Open(o.ctx, officeURL(t), Options{Now: func() time.Time { return o.at }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	o.Store = store
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	done, err := o.ImportAreas(o.ctx, "", strings.NewReader(villageFile))
	if err != nil || done.Added != 3 {
		t.Fatalf("import of the villages: %+v, %v", done, err)
	}
	return o
}

func (o *office) account(name, role string, areas ...string) {
	o.t.Helper()
	if err := o.AddAccount(o.ctx, "", NewAccount{Account: name, Name: "Người " + name, Role: role, Areas: areas}); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) code(account string) string {
	o.t.Helper()
	code, _, err := o.NewEnrolCode(o.ctx, "", account)
	if err != nil {
		o.t.Fatal(err)
	}
	return code
}

// tabletKey is a replica with its key.
type tabletKey struct {
	replica string
	key     ed25519.PrivateKey
}

func newTabletKey() tabletKey {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	return tabletKey{fieldsync.NewReplica(), key}
}

func (k tabletKey) pub() fieldsync.B64 { return fieldsync.B64(k.key.Public().(ed25519.PublicKey)) }

func (o *office) enrol(code string, k tabletKey) (*fieldsync.EnrolAnswer, error) {
	return o.Enrol(o.ctx, &fieldsync.EnrolRequest{Code: code, Replica: k.replica, Pub: k.pub()}, "192.0.2.1")
}

func (o *office) hello(token string, k tabletKey, change func(*fieldsync.HelloRequest)) (*fieldsync.HelloAnswer, error) {
	o.t.Helper()
	dev, err := o.Device(o.ctx, token)
	if err != nil {
		return nil, err
	}
	req := &fieldsync.HelloRequest{Proto: []int{1}, Replica: k.replica, Pub: k.pub(), At: o.Now()}
	if change != nil {
		change(req)
	}
	return o.Hello(o.ctx, dev, req)
}

func wantCode(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	var p *fieldsync.Problem
	if !errors.As(err, &p) || p.Code != code || p.Status != status {
		t.Errorf("%s: got %v, want %d %s", what, err, status, code)
	}
}

func TestACodeTypedWithSmallLettersAndLookalikesIsRead(t *testing.T) {
	for range 200 {
		code := newCode()
		want, ok := readCode(code)
		if !ok || len(want) != codeLength {
			t.Fatalf("code %q cannot be read", code)
		}
		typed := strings.NewReplacer("0", "o", "1", "l", "-", " ").Replace(strings.ToLower(code))
		if got, ok := readCode(typed); !ok || got != want {
			t.Fatalf("%q typed as %q: got %q, %v, want %q", code, typed, got, ok, want)
		}
	}
}

func TestACodeWithOneWrongOrTwoSwappedCharactersIsRefused(t *testing.T) {
	code, _ := readCode(newCode())
	for i := range code {
		for _, c := range codeAlphabet {
			if byte(c) == code[i] {
				continue
			}
			if _, ok := readCode(code[:i] + string(c) + code[i+1:]); ok {
				t.Errorf("%q with %q at %d passes", code, c, i)
			}
		}
		if i > 0 && code[i] != code[i-1] {
			if swapped := code[:i-1] + code[i:i+1] + code[i-1:i] + code[i+1:]; true {
				if _, ok := readCode(swapped); ok {
					t.Errorf("%q swapped to %q passes", code, swapped)
				}
			}
		}
	}
}

func TestOneCodeOneTabletSameAnswerAgain(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	code, mine, other := o.code("en01"), newTabletKey(), newTabletKey()
	first, err := o.enrol(code, mine)
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.enrol(strings.ToLower(code), mine)
	if err != nil || again.Token != first.Token {
		t.Errorf("the same tablet again: got %v, %v, want the same token", again, err)
	}
	_, err = o.enrol(code, other)
	wantCode(t, "another tablet with the same code", err, 410, "enrol_used")
	if got := first.Scopes; !slices.Contains(got, "01969-01") || !slices.Contains(got, "01969") || slices.Contains(got, "01969-02") {
		t.Errorf("scopes of 01969-01: got %v, want the village and what lies above", got)
	}
	if err := o.RevokeDevice(o.ctx, "", 1); err != nil {
		t.Fatal(err)
	}
	_, err = o.enrol(code, mine)
	wantCode(t, "the same code after the device was revoked", err, 410, "enrol_used")
	_, err = o.Device(o.ctx, first.Token)
	wantCode(t, "a revoked token", err, 401, "token")
}

func TestTwoTabletsWithOneCodeAtOnce(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	code := o.code("en01")
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			_, err := o.enrol(code, newTabletKey())
			errs <- err
		}()
	}
	won := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			won++
		} else {
			wantCode(t, "a tablet that came second", err, 410, "enrol_used")
		}
	}
	devices, err := o.Devices(o.ctx, "en01")
	if err != nil || won != 1 || len(devices) != 1 {
		t.Errorf("%d of %d tablets got in with one code, %d devices, %v; want one", won, cap(errs), len(devices), err)
	}
}

func TestACodeExpiresAfterADay(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	fresh, late := o.code("en01"), o.code("en01")
	o.at = o.at.Add(24*time.Hour - time.Second)
	if _, err := o.enrol(fresh, newTabletKey()); err != nil {
		t.Errorf("a second before the day is over: %v", err)
	}
	o.at = o.at.Add(time.Second)
	_, err := o.enrol(late, newTabletKey())
	wantCode(t, "after a day", err, 410, "enrol_expired")
}

func TestGuessingCodesIsSlowedDown(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	good := o.code("en01")
	for range peerFailures {
		_, err := o.enrol(newCode(), newTabletKey())
		wantCode(t, "a guess", err, 404, "enrol_unknown")
	}
	_, err := o.enrol(good, newTabletKey())
	wantCode(t, "a good code after too many guesses", err, 429, "enrol_wait")
	_, err = o.Enrol(o.ctx, &fieldsync.EnrolRequest{Code: good, Replica: newTabletKey().replica, Pub: newTabletKey().pub()}, "192.0.2.77")
	if err != nil {
		t.Errorf("another place is not slowed down: %v", err)
	}
}

func TestHelloRegistersAnUnseenReplicaForTheTokensAccountOnly(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	o.account("en02", "enumerator", "01969-02")
	one, two := newTabletKey(), newTabletKey()
	a1, err1 := o.enrol(o.code("en01"), one)
	a2, err2 := o.enrol(o.code("en02"), two)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	fresh := newTabletKey()
	got, err := o.hello(a1.Token, fresh, nil)
	if err != nil || got.Have.Seq != 0 || got.Have.H.String() != fieldsync.ChainStart(fresh.replica, ed25519.PublicKey(fresh.pub())).String() {
		t.Errorf("hello of an unseen replica: got %+v, %v, want nothing and the start of its chain", got, err)
	}
	_, err = o.hello(a2.Token, one, nil)
	wantCode(t, "another account's replica", err, 403, "replica")
	forged := tabletKey{one.replica, fresh.key}
	_, err = o.hello(a1.Token, forged, nil)
	wantCode(t, "a replica with another key", err, 403, "replica")
	dev, err := o.Device(o.ctx, a1.Token)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.ReplicaKey(o.ctx, dev, two.replica)
	wantCode(t, "the key of another account's replica", err, 403, "replica")
	_, err = o.ReplicaKey(o.ctx, dev, o.Self().Replica)
	wantCode(t, "the key of the server's own replica", err, 403, "replica")
	_, err = o.hello(a1.Token, one, func(r *fieldsync.HelloRequest) { r.Proto = []int{2} })
	wantCode(t, "another protocol", err, 426, "proto")
}

func TestGrantsDecideScopesDropsAndBoards(t *testing.T) {
	for _, c := range []struct {
		role   string
		areas  []string
		has    []string
		hasNot []string
	}{
		{"enumerator", []string{"01969-01"}, []string{"01969-01", "01969", "19", "063", "06"}, []string{"01969-02", "01969!board", "01975-01"}},
		{"village_head", []string{"01969-01", "01969-02"}, []string{"01969-01", "01969-02"}, []string{"01969!board"}},
		{"board", []string{"01969"}, []string{"01969-01", "01969-02", "01969", "01969!board", "19"}, []string{"01975-01"}},
		{"district", []string{"063@2024-12-31"}, []string{"01969-01", "01975-01", "063", "01969!board", "01975"}, nil},
	} {
		o := newOffice(t)
		o.account("a", c.role, c.areas...)
		answer, err := o.enrol(o.code("a"), newTabletKey())
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range c.has {
			if !slices.Contains(answer.Scopes, scope) {
				t.Errorf("%s with %v: %s is missing in %v", c.role, c.areas, scope, answer.Scopes)
			}
		}
		for _, scope := range c.hasNot {
			if slices.Contains(answer.Scopes, scope) {
				t.Errorf("%s with %v: has %s, which is not granted", c.role, c.areas, scope)
			}
		}
	}
}

func TestAWithdrawnVillageIsDroppedAtTheNextHello(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01", "01969-02")
	k := newTabletKey()
	a, err := o.enrol(o.code("en01"), k)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.EndGrant(o.ctx, "", "en01", "01969-02", GrantEnded); err != nil {
		t.Fatal(err)
	}
	got, err := o.hello(a.Token, k, func(r *fieldsync.HelloRequest) {
		r.Cursors = map[string]fieldsync.Cursor{"01969-01": {Epoch: o.Self().Epoch}, "01969-02": {Epoch: o.Self().Epoch}}
	})
	if err != nil || !slices.Equal(got.Drop, []string{"01969-02"}) || slices.Contains(got.Scopes, "01969-02") {
		t.Errorf("hello after the grant ended: got %+v, %v, want drop of 01969-02", got, err)
	}
	if err := o.EndGrant(o.ctx, "", "en01", "01975-01", GrantRevoked); !errors.Is(err, ErrGrantUnknown) {
		t.Errorf("ending a grant nobody has: got %v", err)
	}
}

func TestADisabledAccountMayDoNothingUntilItIsEnabled(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	k, code := newTabletKey(), o.code("en01")
	a, err := o.enrol(o.code("en01"), k)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.DisableAccount(o.ctx, "", "en01"); err != nil {
		t.Fatal(err)
	}
	_, err = o.hello(a.Token, k, nil)
	wantCode(t, "hello of a disabled account", err, 401, "token")
	_, err = o.enrol(code, newTabletKey())
	wantCode(t, "enrolling for a disabled account", err, 410, "enrol_used")
	if _, _, err := o.NewEnrolCode(o.ctx, "", "en01"); !errors.Is(err, ErrAccountDisabled) {
		t.Errorf("a code for a disabled account: got %v", err)
	}
	if err := o.EnableAccount(o.ctx, "", "en01"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.hello(a.Token, k, nil); err != nil {
		t.Errorf("hello after enabling: %v", err)
	}
}

func TestAReceiptForMoreThanIsHereTakesANewEpochOnce(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	k := newTabletKey()
	a, err := o.enrol(o.code("en01"), k)
	if err != nil {
		t.Fatal(err)
	}
	before := o.Self()
	rolled := func(r *fieldsync.HelloRequest) { r.Seq, r.H, r.Acked = 5, fieldsync.B64{1}, 5 }
	got, err := o.hello(a.Token, k, rolled)
	if err != nil || got.Epoch == before.Epoch || got.Server != before.Server {
		t.Fatalf("hello with a receipt of a lost change: got %+v, %v, want another epoch of the same server", got, err)
	}
	if o.Self().Replica == before.Replica {
		t.Error("the server's own replica was not renewed")
	}
	again, err := o.hello(a.Token, k, rolled)
	if err != nil || again.Epoch != got.Epoch {
		t.Errorf("the same claim again: got epoch %s, want %s", again.Epoch, got.Epoch)
	}
}

func TestTheAuditLogShowsARowThatWasChanged(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	if broken, err := o.VerifyAudit(o.ctx); err != nil || broken != 0 {
		t.Fatalf("an untouched log: row %d, %v", broken, err)
	}
	rows, err := o.Audits(o.ctx, 10)
	if err != nil || len(rows) != 3 || rows[0].Act != "account.grant" {
		t.Fatalf("the log: %+v, %v, want import, account and grant", rows, err)
	}
	if err := o.Update(o.ctx, execute("UPDATE audit SET object = 'en02' WHERE id = 2")); err != nil {
		t.Fatal(err)
	}
	if broken, err := o.VerifyAudit(o.ctx); err != nil || broken != 2 {
		t.Errorf("after row 2 was changed: row %d, %v", broken, err)
	}
}

func TestBadRowsOfAVillageFileAreReportedAndTheRestIsIn(t *testing.T) {
	o := newOffice(t)
	file := "\ufeffcode;name;parent_code;valid_from;valid_to\r\n" +
		"01969-03;Nà  Lồm;01969;2020-01-01;\r\n" + // two spaces
		"code;name;parent_code;valid_from;valid_to\r\n" + // the header again
		"01969-01;Nà Cáy;01969;2020-01-01;\r\n" + // known
		"01969-01;Bản Khác;01969;2025-07-01;\r\n" + // line 5: the code of another village
		"01969;Nà Cáy;01969;2020-01-01;\r\n" + // line 6: a commune's code
		"01969-04;Nà Giảo;99999;2020-01-01;\r\n" + // line 7: no such commune
		"01969-05;Nà Giảo;01969;2026-13-01;\r\n" + // line 8: no such day
		"01969-06;;01969;2020-01-01;\r\n" + // line 9: no name
		"01969-07;Nà Giảo;063;2020-01-01;\r\n" // line 10: a district is no commune
	got, err := o.ImportAreas(o.ctx, "", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, p := range got.Rejected {
		reasons = append(reasons, p.Code)
		if p.Text["vi"] == "" || p.Text["en"] == "" {
			t.Errorf("line %d is not said in both languages", p.Line)
		}
	}
	want := []string{"code_reused", "code_taken", "parent_unknown", "validity", "name", "parent_unknown"}
	if got.Added != 1 || got.Same != 1 || !slices.Equal(reasons, want) || got.Rejected[0].Line != 5 || got.Rejected[5].Line != 10 {
		t.Errorf("got %+v, want one added, one known, %v from line 5 to 10", got, want)
	}
	again, err := o.ImportAreas(o.ctx, "", strings.NewReader(file))
	if err != nil || again.Added != 0 || again.Same != 2 {
		t.Errorf("the same file again: %+v, %v, want nothing new", again, err)
	}
	if a, ok := o.Areas().At("01969-03", "2026-10-01"); !ok || a.Name != "Nà Lồm" {
		t.Errorf("village 01969-03: got %+v, %v", a, ok)
	}
}

func TestAVillageMayBeClosedAndGoOnInAnotherCommune(t *testing.T) {
	o := newOffice(t)
	got, err := o.ImportAreas(o.ctx, "", strings.NewReader("code,name,parent_code,valid_from,valid_to\n01975-01,Bản Lạn,01969,2025-07-01,\n"))
	if err != nil || got.Added != 1 {
		t.Fatalf("the next period of a village: %+v, %v", got, err)
	}
	o.account("en01", "enumerator", "01975-01")
	a, err := o.enrol(o.code("en01"), newTabletKey())
	if err != nil || !slices.Contains(a.Scopes, "01969") || !slices.Contains(a.Scopes, "063") {
		t.Errorf("scopes of a village in two communes: %v, %v", a, err)
	}
	got, err = o.ImportAreas(o.ctx, "", strings.NewReader("code,name,parent_code,valid_from,valid_to\n01969-01,Nà Cáy,01969,2026-07-01,\n"))
	if err != nil || len(got.Rejected) != 1 || got.Rejected[0].Code != "period_overlaps" {
		t.Errorf("a second period over an open one: %+v, %v", got, err)
	}
}

func TestARoundReachesTheTabletsOfItsArea(t *testing.T) {
	o := newOffice(t)
	o.account("en01", "enumerator", "01969-01")
	k := newTabletKey()
	a, err := o.enrol(o.code("en01"), k)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRound{Area: "063@2024-12-31", Standard: "vn-2021", Questionnaire: "household/2026.1", From: "2024-09-01", To: "2024-12-14"}
	id, _, err := o.AddRound(o.ctx, "", r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.hello(a.Token, k, nil)
	if err != nil || !slices.Equal(got.Rounds, []string{id}) {
		t.Errorf("rounds at hello: got %v, %v, want %s", got, err, id)
	}
	r.ID = id
	if _, _, err := o.AddRound(o.ctx, "", r); !errors.Is(err, &Refusal{Code: "round_exists"}) {
		t.Errorf("the same id again: got %v", err)
	}
	for code, change := range map[string]func(*NewRound){
		"standard_unknown":      func(r *NewRound) { r.Standard = "vn-1993" },
		"questionnaire_unknown": func(r *NewRound) { r.Questionnaire = "household/1" },
		"round_dates":           func(r *NewRound) { r.From = "2025-01-01" },
		"area_unknown":          func(r *NewRound) { r.Area = "063" + "@2026-01-01" },
		"round_id":              func(r *NewRound) { r.ID = "X" },
	} {
		bad := NewRound{Area: r.Area, Standard: r.Standard, Questionnaire: r.Questionnaire, From: r.From, To: r.To}
		change(&bad)
		if _, _, err := o.AddRound(o.ctx, "", bad); !errors.Is(err, &Refusal{Code: code}) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

func execute(query string) func(*sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec(query)
		return err
	}
}

func TestAStandardThatIsNotOfTheRoundsListIsRemarked(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		standard, kind, from, to string
		remarked                 bool
	}{
		{"vn-2021", "periodic", "2025-09-01", "2025-12-14", false}, // the list of 2026
		{"vn-2021", "periodic", "2026-09-01", "2026-12-14", true},  // the list of 2027
		{"vn-2027", "periodic", "2026-09-01", "2026-12-14", false},
		{"vn-2027", "regular", "2026-10-15", "2026-10-31", true}, // the list of 2026 is still in force
		{"vn-2021", "regular", "2026-10-15", "2026-10-31", false},
	} {
		_, remarks, err := o.AddRound(o.ctx, "", NewRound{Area: "01969", Kind: c.kind, Standard: c.standard, Questionnaire: "household/2026.1", From: c.from, To: c.to})
		if err != nil || (len(remarks) > 0) != c.remarked {
			t.Errorf("%+v: got %v, %v", c, remarks, err)
		}
	}
}

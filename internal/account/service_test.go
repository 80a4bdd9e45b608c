package account

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rasoat/rasoat/internal/central"
)

// console is a sign-in over a store with two accounts, behind a real HTTP server.
type console struct {
	*Service
	t     *testing.T
	store *central.Store
	url   string
	at    time.Time
}

const password = "con trâu đen ăn cỏ"

func newConsole(t *testing.T) *console {
	t.Helper()
	c := &console{t: t, at: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)}
	quiet := slog.New(slog.DiscardHandler)
	store, err := central.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "central.db"), central.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	c.store = store
	c.Service = New(store, Options{Log: quiet, Now: func() time.Time { return c.at }})
	for _, name := range []string{"cb01", "cb02"} {
		if err := store.AddAccount(t.Context(), "", central.NewAccount{Account: name, Name: "Cán Bộ " + name, Role: "board", Areas: []string{"01969"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetPassword(t.Context(), "", "cb01", password); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(c.Sessions().LoadAndSave(http.HandlerFunc(c.serve)))
	c.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// serve does what the query says: in=account:password, out, everywhere; it answers who is signed in.
func (c *console) serve(w http.ResponseWriter, r *http.Request) {
	ctx, q := r.Context(), r.URL.Query()
	var err error
	switch {
	case q.Has("in"):
		name, pass, _ := strings.Cut(q.Get("in"), ":")
		err = c.SignIn(ctx, name, pass, "192.0.2.1")
	case q.Has("change"):
		old, fresh, _ := strings.Cut(q.Get("change"), ":")
		err = c.ChangePassword(ctx, "cb01", old, fresh)
	case q.Has("everywhere"):
		_, err = c.SignOutEverywhere(ctx, "cb01")
		err = errors.Join(err, c.SignOut(ctx))
	case q.Has("out"):
		err = c.SignOut(ctx)
	}
	u, err2 := c.Who(ctx)
	switch {
	case err != nil || err2 != nil:
		http.Error(w, errors.Join(err, err2).Error(), http.StatusForbidden)
	case u == nil:
		w.Write([]byte("nobody"))
	default:
		w.Write([]byte(u.Account + " " + u.Role + " " + strings.Join(u.Areas, ",")))
	}
}

// browser keeps cookies.
type browser struct {
	c      *console
	client *http.Client
}

func (c *console) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return &browser{c, &http.Client{Jar: jar}}
}

func (b *browser) get(name, value string) string {
	b.c.t.Helper()
	req, err := http.NewRequestWithContext(b.c.t.Context(), http.MethodGet, b.c.url+"/", nil)
	if err != nil {
		b.c.t.Fatal(err)
	}
	q := req.URL.Query()
	q.Set(name, value)
	req.URL.RawQuery = q.Encode()
	res, err := b.client.Do(req)
	if err != nil {
		b.c.t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		text.Write(buf[:n])
		if err != nil {
			return strings.TrimSpace(text.String())
		}
	}
}

func (b *browser) want(what, got, want string) {
	b.c.t.Helper()
	if !strings.HasPrefix(got, want) {
		b.c.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestWhoIsSignedInFollowsTheAccount(t *testing.T) {
	c := newConsole(t)
	b := c.browser()
	b.want("before", b.get("", ""), "nobody")
	b.want("a wrong password", b.get("in", "cb01:sai hoàn toàn rồi"), "signin_wrong")
	b.want("no such account", b.get("in", "cb99:"+password), "signin_wrong")
	b.want("an account without a password", b.get("in", "cb02:"), "signin_wrong")
	b.want("the right one, decomposed as another keyboard sends it", b.get("in", "cb01:con tra\u0302u \u0111en a\u0306n co\u0309"), "cb01 board 01969")
	b.want("another page", b.get("", ""), "cb01 board 01969")
	if err := c.store.GrantArea(t.Context(), "", "cb01", "063@2024-12-31"); err != nil {
		t.Fatal(err)
	}
	b.want("after another area was granted", b.get("", ""), "cb01 board 01969,063")
	if err := c.store.DisableAccount(t.Context(), "", "cb01"); err != nil {
		t.Fatal(err)
	}
	b.want("after the account was disabled", b.get("", ""), "nobody")
	b.want("signing in to it", b.get("in", "cb01:"+password), "account_disabled")
}

func TestEverySessionEndsWithSignOutEverywhereOrANewPassword(t *testing.T) {
	c := newConsole(t)
	one, two := c.browser(), c.browser()
	one.get("in", "cb01:"+password)
	two.get("in", "cb01:"+password)
	one.want("everywhere", one.get("everywhere", ""), "nobody")
	two.want("the other browser", two.get("", ""), "nobody")

	one.get("in", "cb01:"+password)
	two.get("in", "cb01:"+password)
	one.want("the old password typed wrong", one.get("change", "không phải đâu:mật khẩu mới đây"), "password_wrong")
	one.want("too short", one.get("change", password+":ngắn"), "password_short")
	one.want("a new one", one.get("change", password+":mật khẩu mới đây"), "cb01")
	two.want("the other browser after it", two.get("", ""), "nobody")
	one.want("this browser after it", one.get("", ""), "cb01")
}

func TestGuessingOneAccountIsSlowedDownAndNotForEver(t *testing.T) {
	c := newConsole(t)
	for range accountFailures {
		if err := c.SignIn(t.Context(), "cb01", "đoán bừa một câu", "192.0.2.9"); !errors.Is(err, ErrSignIn) {
			t.Fatalf("a guess: %v", err)
		}
	}
	if err := c.SignIn(t.Context(), "cb01", password, "192.0.2.10"); !errors.Is(err, ErrWait) {
		t.Errorf("the next one, from elsewhere: got %v, want to wait", err)
	}
	c.at = c.at.Add(accountEvery)
	b := c.browser()
	b.want("half a minute later", b.get("in", "cb01:"+password), "cb01")
	rows, err := c.store.Audits(context.Background(), 100)
	if err != nil {
		t.Fatal(err)
	}
	acts := map[string]int{}
	for _, r := range rows {
		acts[r.Act]++
	}
	if acts["signin.wrong"] != accountFailures || acts["signin"] != 1 {
		t.Errorf("the audit log: %v, want %d wrong and one right", acts, accountFailures)
	}
}

func TestWeakPasswordsAreRefused(t *testing.T) {
	for typed, want := range map[string]error{
		"ngắn":                   ErrShort,
		"matkhau123456":          ErrCommon,
		"1234567890":             ErrCommon,
		"aaaaaaaaaaaa":           ErrCommon,
		"cb0000000001":           nil,
		strings.Repeat("ă", 101): ErrLong,
		"mười kí tự":             nil,
	} {
		if got := CheckNew("cb01", typed); !errors.Is(got, want) || (want == nil && got != nil) {
			t.Errorf("%q: got %v, want %v", typed, got, want)
		}
	}
}

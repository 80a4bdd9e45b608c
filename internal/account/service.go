package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
)

// Options of a Service.
type Options struct {
	Secure   bool          // the cookie is sent over TLS only
	Idle     time.Duration // a session ends after this time without a request; 0: 2 hours
	Lifetime time.Duration // and after this time in any case; 0: 12 hours
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is the console's sign-in over one store.
type Service struct {
	store    *central.Store
	sessions *scs.SessionManager
	gate     gate
	checks   chan struct{} // one element a password check under way
	now      func() time.Time
	log      *slog.Logger
}

// maxChecks bounds the password checks at once: 64 MiB each.
const maxChecks = 2

// Keys of a session's data.
const (
	keyAccount  = "account"
	keyPassword = "password" // a mark of the password hash at sign-in: a new password ends older sessions
)

// New returns the sign-in of a store.
func New(store *central.Store, o Options) *Service {
	s := &Service{store: store, checks: make(chan struct{}, maxChecks), now: o.Now, log: o.Log, sessions: scs.New()}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	m := s.sessions
	m.Store = sessionStore{store}
	m.HashTokenInStore = true
	m.IdleTimeout, m.Lifetime = 2*time.Hour, 12*time.Hour
	if o.Idle > 0 {
		m.IdleTimeout = o.Idle
	}
	if o.Lifetime > 0 {
		m.Lifetime = o.Lifetime
	}
	m.Cookie.Name, m.Cookie.HttpOnly, m.Cookie.Secure, m.Cookie.Persist = "rasoat", true, o.Secure, false
	return s
}

// Sessions is the session manager; the server wraps every page in its LoadAndSave.
func (s *Service) Sessions() *scs.SessionManager { return s.sessions }

// Refusals at sign-in.
var (
	ErrSignIn = refuse("signin_wrong", "Tên đăng nhập hoặc mật khẩu không đúng. Gõ lại; quên mật khẩu thì nhờ người quản trị đặt lại.",
		"The sign-in name or the password is wrong. Try again; an administrator can set a new password.")
	ErrWait = refuse("signin_wait", "Nhập sai nhiều lần: đợi nửa phút rồi thử lại.", "Too many wrong attempts: wait half a minute and try again.")
)

// User is who is signed in, as the store knows the account now.
type User struct {
	Account, Name, Role, Lang string
	Areas                     []string // codes of the areas granted now
	Grants                    []central.Grant
}

// Actor is the user as survey.Can wants it.
func (u *User) Actor() survey.Actor {
	return survey.Actor{Account: u.Account, Role: survey.Role(u.Role), Areas: u.Areas}
}

// SignIn checks a password and begins a session in ctx, which must come from a request under Sessions().LoadAndSave.
// peer is the caller's address. Refusals: signin_wrong, signin_wait, account_disabled.
func (s *Service) SignIn(ctx context.Context, account, password, peer string) error {
	if len(password) > MaxPassword {
		return ErrSignIn
	}
	if !s.gate.enter(account, peer, s.now()) {
		return ErrWait
	}
	hash, disabled, err := s.store.PasswordHash(ctx, account)
	if err != nil {
		return err
	}
	ok, err := s.matches(ctx, password, hash)
	if err != nil {
		return err
	}
	if !ok {
		return s.noted(ctx, account, "signin.wrong", ErrSignIn)
	}
	s.gate.passed(account, peer)
	if disabled {
		return s.noted(ctx, account, "signin.disabled", central.ErrAccountDisabled)
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyAccount, account)
	s.sessions.Put(ctx, keyPassword, mark(hash))
	return s.store.Audit(ctx, central.AuditEntry{Actor: account, Act: "signin", Object: account})
}

// noted writes a refused sign-in to the audit log. A name that is no account is not written: people type passwords there.
func (s *Service) noted(ctx context.Context, account, act string, refusal error) error {
	if _, err := s.store.Account(ctx, account); err != nil {
		return refusal
	}
	if err := s.store.Audit(ctx, central.AuditEntry{Act: act, Object: account}); err != nil {
		s.log.Error("write the audit log", "error", err)
	}
	return refusal
}

// mark names a hash without telling it.
func mark(hash string) string { return hash[max(0, len(hash)-12):] }

// Who returns who is signed in; nil when nobody is. It reads the account again for every request: a disabled account, a
// new password or another grant counts at once.
func (s *Service) Who(ctx context.Context) (*User, error) {
	name := s.sessions.GetString(ctx, keyAccount)
	if name == "" {
		return nil, nil
	}
	hash, disabled, err := s.store.PasswordHash(ctx, name)
	if err != nil {
		return nil, err
	}
	if disabled || hash == "" || mark(hash) != s.sessions.GetString(ctx, keyPassword) {
		return nil, s.sessions.Destroy(ctx)
	}
	a, err := s.store.Account(ctx, name)
	if err != nil {
		return nil, err
	}
	return &User{Account: a.Account, Name: a.Name, Role: a.Role, Lang: a.Lang, Areas: a.Live(), Grants: a.Grants}, nil
}

// SignOut ends the session of ctx.
func (s *Service) SignOut(ctx context.Context) error { return s.sessions.Destroy(ctx) }

// SignOutEverywhere ends every session of an account, also at other machines, and returns how many there were.
func (s *Service) SignOutEverywhere(ctx context.Context, account string) (n int, err error) {
	all, err := s.store.Sessions(ctx)
	if err != nil {
		return 0, err
	}
	// Not through the manager's Iterate: it hands out hashed tokens and would hash them again to delete them.
	for token, data := range all {
		_, values, err := s.sessions.Codec.Decode(data)
		if err != nil || values[keyAccount] != account {
			continue
		}
		n++
		if err := s.store.DeleteSession(ctx, token); err != nil {
			return n, err
		}
	}
	return n, s.store.Audit(ctx, central.AuditEntry{Actor: account, Act: "signout.everywhere", Object: account})
}

// ChangePassword is a user's own change: it asks for the present password and ends the account's other sessions.
func (s *Service) ChangePassword(ctx context.Context, account, old, new string) error {
	if !s.gate.enter(account, "change "+account, s.now()) {
		return ErrWait
	}
	hash, _, err := s.store.PasswordHash(ctx, account)
	if err != nil {
		return err
	}
	ok, err := s.matches(ctx, old, hash)
	if err != nil {
		return err
	}
	if !ok {
		return ErrWrong
	}
	s.gate.passed(account, "change "+account)
	if err := CheckNew(account, new); err != nil {
		return err
	}
	next, err := s.keep(ctx, account, account, new)
	if err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyPassword, mark(next))
	return nil
}

// SetPassword sets a password without asking for the old one: an administrator, or the operator at the command line
// (by ""), who may set a weak one and is warned by the command. All sessions of the account end.
func (s *Service) SetPassword(ctx context.Context, by, account, new string) error {
	if by != "" {
		if err := CheckNew(account, new); err != nil {
			return err
		}
	}
	_, err := s.keep(ctx, by, account, new)
	return err
}

// keep hashes and stores a password that was found good.
func (s *Service) keep(ctx context.Context, by, account, new string) (hash string, err error) {
	if new == "" {
		return "", ErrEmpty
	}
	if len(new) > MaxPassword {
		return "", ErrLong
	}
	if hash, err = Hash(new); err != nil {
		return "", err
	}
	return hash, s.store.SetPasswordHash(ctx, by, account, hash)
}

// FirstStart is true while nobody could sign in yet: the console then offers to set up the first administrator.
func (s *Service) FirstStart(ctx context.Context) (bool, error) {
	accounts, err := s.store.Accounts(ctx)
	for _, a := range accounts {
		if a.HasPassword && a.DisabledAt == 0 {
			return false, err
		}
	}
	return true, err
}

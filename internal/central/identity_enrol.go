package central

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// codeLasts is how long an enrolment code may be used.
const codeLasts = 24 * time.Hour

// NewEnrolCode makes a one-time code for an account. It is returned once; the store keeps its hash.
func (s *Store) NewEnrolCode(ctx context.Context, by, account string) (code string, expires time.Time, err error) {
	shown := newCode()
	plain, _ := readCode(shown)
	now := s.now()
	expires = now.Add(codeLasts)
	err = s.Update(ctx, func(tx *sql.Tx) error {
		a, err := s.account(ctx, tx, account)
		if err != nil {
			return err
		}
		if a.DisabledAt != 0 {
			return ErrAccountDisabled
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO enrol_code (code_hash, account, by_account, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
			codeHash(plain), account, by, now.UnixMilli(), expires.UnixMilli())
		if err != nil {
			return fmt.Errorf("store the code: %w", err)
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Act: "enrol.code", Object: account})
	})
	return shown, expires, err
}

func codeHash(code string) []byte {
	h := sha256.Sum256([]byte("rasoat-enrol-v1\x00" + code))
	return h[:]
}

// KeyCheck is a short form of the server's key that two people can compare by reading it aloud.
func (s *Store) KeyCheck() string {
	h := sha256.Sum256(append([]byte("rasoat-key-check-v1\x00"), s.Self().Key.Public().(ed25519.PublicKey)...))
	b := make([]byte, 12)
	for i := range b {
		b[i] = codeAlphabet[h[i]&31]
	}
	return string(b[:4]) + "-" + string(b[4:8]) + "-" + string(b[8:])
}

// enrolGate slows down guessing: failures are counted, so that an office that enrols thirty tablets waits for nothing.
type enrolGate struct {
	mu    sync.Mutex
	all   *rate.Limiter
	peers map[string]*rate.Limiter
}

// A peer may fail ten times at once and then once in ten seconds; all peers together a hundred times and once a second:
// in a day that is 2^16 guesses at 2^45 codes.
const (
	peerFailures = 10
	peerEvery    = 10 * time.Second
	allFailures  = 100
	allEvery     = time.Second
	maxPeers     = 10_000 // remembered; past it the memory begins anew, the common limit stays
)

func (g *enrolGate) limiters(peer string) (mine, all *rate.Limiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = rate.NewLimiter(rate.Every(allEvery), allFailures)
	}
	mine = g.peers[peer]
	if mine == nil {
		if g.peers == nil || len(g.peers) >= maxPeers {
			g.peers = map[string]*rate.Limiter{}
		}
		mine = rate.NewLimiter(rate.Every(peerEvery), peerFailures)
		g.peers[peer] = mine
	}
	return mine, g.all
}

func (g *enrolGate) open(peer string, now time.Time) bool {
	mine, all := g.limiters(peer)
	return mine.TokensAt(now) >= 1 && all.TokensAt(now) >= 1
}

func (g *enrolGate) failed(peer string, now time.Time) {
	mine, all := g.limiters(peer)
	mine.AllowN(now, 1)
	all.AllowN(now, 1)
}

// What enrol answers.
var (
	errEnrolUnknown = &fieldsync.Problem{Status: 404, Code: "enrol_unknown", Title: "This enrolment code is not known.",
		Detail: "Không có mã này: xem lại từng chữ, hoặc xin mã mới. Check each character, or ask for a new code."}
	errEnrolWait = &fieldsync.Problem{Status: 429, Code: "enrol_wait", Title: "Too many wrong codes.",
		Detail: "Nhập sai quá nhiều lần: đợi một phút rồi thử lại. Wait a minute and try again."}
	errEnrolUsed = &fieldsync.Problem{Status: 410, Code: "enrol_used", Title: "This enrolment code has been used.",
		Detail: "Mã này đã dùng cho máy khác: xin mã mới. Ask for a new code."}
	errEnrolExpired = &fieldsync.Problem{Status: 410, Code: "enrol_expired", Title: "This enrolment code has expired.",
		Detail: "Mã chỉ dùng trong 24 giờ: xin mã mới. A code is valid for 24 hours: ask for a new one."}
	errEnrolForm = &fieldsync.Problem{Status: 422, Code: "enrol_form", Title: "A replica id and an ed25519 public key of 32 bytes are needed."}
)

// Enrol exchanges a one-time code for a device token and binds the replica to its key and account. The same code with the
// same replica and key gets the same token again: an answer lost on a bad line costs nobody a second code.
func (s *Store) Enrol(ctx context.Context, req *fieldsync.EnrolRequest, peer string) (*fieldsync.EnrolAnswer, error) {
	if !fieldsync.ValidReplica(req.Replica) || len(req.Pub) != ed25519.PublicKeySize {
		return nil, errEnrolForm
	}
	if !s.gate.open(peer, s.now()) {
		return nil, errEnrolWait
	}
	code, ok := readCode(req.Code)
	if !ok {
		s.gate.failed(peer, s.now())
		return nil, errEnrolUnknown
	}
	if err := s.LoadAreas(ctx); err != nil {
		return nil, err
	}
	token := s.enrolToken(code, req)
	var answer *fieldsync.EnrolAnswer
	err := s.Update(ctx, func(tx *sql.Tx) error {
		account, err := s.useCode(ctx, tx, code, token, req)
		if err != nil {
			return err
		}
		answer, err = s.enrolAnswer(ctx, tx, account, token)
		return err
	})
	if errors.Is(err, errEnrolUnknown) {
		s.gate.failed(peer, s.now())
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// enrolToken is 256 bits that only this server can make from a code and the replica that used it; so the store need not
// keep a token to be able to answer twice.
func (s *Store) enrolToken(code string, req *fieldsync.EnrolRequest) string {
	m := hmac.New(sha256.New, s.Self().Key.Seed())
	m.Write([]byte("rasoat-token-v1\x00" + code + "\x00" + req.Replica + "\x00"))
	m.Write(req.Pub)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func tokenHash(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// useCode spends the code on this replica, or finds that this replica has spent it already.
func (s *Store) useCode(ctx context.Context, tx *sql.Tx, code, token string, req *fieldsync.EnrolRequest) (*Account, error) {
	var name, replica string
	var pub []byte
	var expires, used int64
	hash := codeHash(code)
	if err := s.eng.lock(ctx, tx, []string{"enrol " + fieldsync.B64(hash).String()}); err != nil { // two tablets, one code, at once
		return nil, err
	}
	err := tx.QueryRowContext(ctx, "SELECT account, expires_at, used_at, replica, pub FROM enrol_code WHERE code_hash = $1", hash).
		Scan(&name, &expires, &used, &replica, &pub)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errEnrolUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("read the code: %w", err)
	}
	a, err := s.account(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Now() >= expires:
		return nil, errEnrolExpired
	case used != 0 && (replica != req.Replica || string(pub) != string(req.Pub)), a.DisabledAt != 0:
		return nil, errEnrolUsed
	case used != 0:
		_, err := s.deviceOf(ctx, tx, token)
		if errors.Is(err, errToken) {
			return nil, errEnrolUsed // the device was revoked since
		}
		return a, err
	}
	return a, s.addDevice(ctx, tx, a, code, token, req)
}

func (s *Store) addDevice(ctx context.Context, tx *sql.Tx, a *Account, code, token string, req *fieldsync.EnrolRequest) error {
	now := s.Now()
	var id int64
	err := tx.QueryRowContext(ctx, "INSERT INTO device (account, token_hash, hw, created_at, last_contact) VALUES ($1, $2, $3, $4, $5) RETURNING id",
		a.Account, tokenHash(token), cut(req.HW, maxHW), now, now).Scan(&id)
	if err != nil {
		return fmt.Errorf("add device: %w", err)
	}
	if _, err := s.registerReplica(ctx, tx, fieldsync.Device{ID: id, Account: a.Account, Role: a.Role}, req.Replica, ed25519.PublicKey(req.Pub)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE enrol_code SET used_at = $1, replica = $2, pub = $3, device = $4 WHERE code_hash = $5",
		now, req.Replica, []byte(req.Pub), id, codeHash(code))
	if err != nil {
		return fmt.Errorf("spend the code: %w", err)
	}
	return s.audit(ctx, tx, AuditEntry{Actor: a.Account, Device: id, Act: "device.enrol", Object: req.Replica})
}

// maxHW bounds what a tablet says of its hardware and its version.
const maxHW = 200

func cut(text string, n int) string {
	if len(text) > n {
		return text[:n]
	}
	return text
}

func (s *Store) enrolAnswer(ctx context.Context, tx *sql.Tx, a *Account, token string) (*fieldsync.EnrolAnswer, error) {
	scopes, areas, rounds, err := s.belongings(ctx, tx, a.Account)
	if err != nil {
		return nil, err
	}
	keys, err := s.stickKeys(ctx, tx)
	if err != nil {
		return nil, err
	}
	me := s.Self()
	return &fieldsync.EnrolAnswer{Recovery: keys.recovery, BundleTo: keys.to(), Token: token, Account: a.Account, Name: a.Name, Role: a.Role, Scopes: scopes, Areas: areas, Rounds: rounds,
		Server: me.Server, ServerKey: fieldsync.B64(me.Key.Public().(ed25519.PublicKey)), Now: s.Now()}, nil
}

// belongings are what a device of an account has to know: its scopes, the areas they name, the rounds they take part in.
func (s *Store) belongings(ctx context.Context, tx *sql.Tx, account string) (scopes []string, areas []fieldsync.AreaInfo, rounds []string, err error) {
	if scopes, err = s.Scopes(ctx, tx, account); err != nil {
		return nil, nil, nil, err
	}
	if rounds, err = s.roundsIn(ctx, tx, scopes); err != nil {
		return nil, nil, nil, err
	}
	return orEmpty(scopes), s.areaInfos(scopes), orEmpty(rounds), nil
}

// orEmpty keeps JSON's [] from becoming null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// areaInfos are every period of every area among the scopes.
func (s *Store) areaInfos(scopes []string) []fieldsync.AreaInfo {
	p := s.places.Load()
	infos := []fieldsync.AreaInfo{}
	for _, scope := range scopes {
		seen := map[string]bool{}
		for _, day := range append([]string{""}, p.periods(scope)...) {
			a, ok := p.At(scope, day)
			if ok && !seen[a.ValidFrom] {
				seen[a.ValidFrom] = true
				infos = append(infos, areaInfo(a))
			}
		}
	}
	return infos
}

func areaInfo(a schema.Area) fieldsync.AreaInfo {
	return fieldsync.AreaInfo{Code: a.Code, Level: a.Level, Name: a.Name, UnitType: a.UnitType, Parent: a.Parent, ValidFrom: a.ValidFrom, ValidTo: a.ValidTo}
}

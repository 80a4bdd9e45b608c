package account

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
)

// params: 64 MiB and two passes take about a third of a second on a PC of 2012, and fit a machine of 2 GB with the few
// checks at once that Service allows. The parameters stand in each hash, so that they can be raised later.
var params = &argon2id.Params{Memory: 64 * 1024, Iterations: 2, Parallelism: 2, SaltLength: 16, KeyLength: 32}

// Limits of a password: characters at least, bytes at most.
const (
	MinPassword = 10
	MaxPassword = 200
)

// Refusals about passwords.
var (
	ErrShort = refuse("password_short", "Mật khẩu cần ít nhất 10 ký tự. Một câu ngắn dễ nhớ là tốt nhất.",
		"A password needs at least 10 characters. A short sentence is best.")
	ErrLong   = refuse("password_long", "Mật khẩu dài quá 200 byte. Chọn câu ngắn hơn.", "The password has more than 200 bytes. Choose a shorter one.")
	ErrCommon = refuse("password_common", "Mật khẩu này ai cũng đoán được. Chọn câu khác, không dùng tên đăng nhập.",
		"Anybody would guess this password. Choose another, without the sign-in name.")
	ErrWrong = refuse("password_wrong", "Mật khẩu hiện tại không đúng. Gõ lại.", "The present password is wrong. Type it again.")
)

func refuse(code, vi, en string) *central.Refusal {
	return &central.Refusal{Code: code, Text: schema.Text{"vi": vi, "en": en}}
}

// ErrEmpty: an account that signs in has a password.
var ErrEmpty = refuse("password_empty", "Chưa có mật khẩu trên stdin. Gõ mật khẩu rồi Enter, hoặc: echo … | server account password …",
	"There is no password on standard input. Type it and press Enter, or: echo … | server account password …")

// common are passwords that the first guesses try; digits and spaces at both ends are left out of the comparison.
var common = []string{"", "matkhau", "password", "passw0rd", "qwerty", "qwertyuiop", "iloveyou", "anhyeuem", "emyeuanh", "admin", "administrator", "abc", "rasoat", "giamngheo", "vietnam"}

// CheckNew tells what is wrong with a new password; nil when it may be taken.
func CheckNew(account, password string) error {
	switch {
	case len(password) > MaxPassword:
		return ErrLong
	case utf8.RuneCountInString(password) < MinPassword:
		return ErrShort
	}
	core := strings.Trim(strings.ToLower(password), "0123456789 !@#.")
	if core == strings.ToLower(account) || strings.Count(password, password[:1]) == len(password) {
		return ErrCommon
	}
	for _, c := range common {
		if core == c {
			return ErrCommon
		}
	}
	return nil
}

// Hash returns what the store keeps of a password. Letters are composed first: the same password typed on another
// keyboard (Telex, VNI, a phone) is the same.
func Hash(password string) (string, error) {
	return argon2id.CreateHash(norm.NFC.String(password), params)
}

// nobody is a hash no password fits, so that an account that does not exist takes as long as one that does.
const nobody = "$argon2id$v=19$m=65536,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches checks a password against a hash; only a few checks run at once, since each takes 64 MiB.
func (s *Service) matches(ctx context.Context, password, hash string) (bool, error) {
	select {
	case s.checks <- struct{}{}:
		defer func() { <-s.checks }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	known := hash != ""
	if !known {
		hash = nobody
	}
	ok, err := argon2id.ComparePasswordAndHash(norm.NFC.String(password), hash)
	return ok && known, err
}

package central

import "github.com/rasoat/rasoat/schema"

// Refusal is an error told to a person at the console or the command line: a stable code and a sentence that says what to
// do next, in Vietnamese and English.
type Refusal struct {
	Code string
	Text schema.Text
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Text.In("en") }

// Is makes refusals of one code equal, so that errors.Is works with the sentinels below.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}

func refuse(code, vi, en string) *Refusal {
	return &Refusal{Code: code, Text: schema.Text{"vi": vi, "en": en}}
}

// Refusals that callers act on.
var (
	ErrAccountUnknown = refuse("account_unknown",
		"Không có tài khoản này. Xem danh sách: server account list.", "There is no such account. List them with: server account list.")
	ErrAccountExists = refuse("account_exists",
		"Tài khoản này đã có. Muốn đổi mật khẩu: server account password; thêm địa bàn: server account grant.",
		"The account exists already. Change its password with: server account password; add areas with: server account grant.")
	ErrAccountDisabled = refuse("account_disabled",
		"Tài khoản đã bị khóa. Hỏi người quản trị của xã.", "The account is disabled. Ask the commune's administrator.")
	ErrDeviceUnknown = refuse("device_unknown",
		"Không có máy mang số này. Xem danh sách: server device list.", "There is no device with this number. List them with: server device list.")
	ErrGrantUnknown = refuse("grant_unknown",
		"Tài khoản không được giao địa bàn này. Xem: server account list.", "The account has no such grant. See: server account list.")
)

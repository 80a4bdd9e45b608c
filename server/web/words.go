package web

import (
	"fmt"
	"maps"
)

// A word is one text of the console in its two languages. All texts stand in the words*.go files, by page; a test holds
// that both languages are there, take the same arguments, and that every one is used.
type wording struct{ vi, en string }

type words map[string]wording

// catalogue is every text by its key.
var catalogue = collect(commonWords, frameWords, totalsWords, householdWords, roundWords, adminWords, problemWords)

func collect(parts ...words) words {
	all := words{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}

// word gives a text in a language, with its arguments filled in as fmt does. An unknown key shows as itself.
func word(lang, key string, args ...any) string {
	w, ok := catalogue[key]
	if !ok {
		return key
	}
	text := w.vi
	if lang == "en" {
		text = w.en
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// commonWords are used on several pages.
var commonWords = words{
	"product":            {"Rà soát", "Rà soát"},
	"ago.never":          {"chưa bao giờ", "never"},
	"ago.now":            {"vừa xong", "just now"},
	"ago.minutes":        {"%d phút trước", "%d min ago"},
	"ago.hours":          {"%d giờ trước", "%d h ago"},
	"ago.days":           {"%d ngày trước", "%d days ago"},
	"class.poor":         {"Hộ nghèo", "Poor"},
	"class.near_poor":    {"Hộ cận nghèo", "Near-poor"},
	"class.not_poor":     {"Không nghèo", "Not poor"},
	"class.undetermined": {"Chưa xác định", "Undetermined"},
	"class.":             {"Chưa có", "None yet"},
	"role.enumerator":    {"Điều tra viên", "Enumerator"},
	"role.village_head":  {"Trưởng thôn", "Village head"},
	"role.board":         {"Ban chỉ đạo xã", "Commune board"},
	"role.chairman":      {"Chủ tịch xã", "Chairman"},
	"role.district":      {"Cấp trên", "Upper level"},
	"role.admin":         {"Quản trị", "Administrator"},
	"role.server":        {"Máy chủ", "Server"},
	"save":               {"Lưu", "Save"},
	"cancel":             {"Bỏ qua", "Cancel"},
	"back":               {"Quay lại", "Back"},
	"yes":                {"Có", "Yes"},
	"no":                 {"Không", "No"},
	"none":               {"Không có", "None"},
	"unconfirmed":        {"chưa xác nhận", "unconfirmed"},
	"apply":              {"Lọc", "Apply"},
	"clear":              {"Bỏ lọc", "Clear"},
	"page.of":            {"Trang %s / %s", "Page %s of %s"},
	"page.prev":          {"Trang trước", "Previous page"},
	"page.next":          {"Trang sau", "Next page"},
	"page.nav":           {"Các trang của danh sách", "Pages of the list"},
	"reason":             {"Lý do", "Reason"},
	"village":            {"Thôn, tổ", "Village"},
	"round":              {"Đợt rà soát", "Round"},
}

// frameWords stand around every page.
var frameWords = words{
	"skip":          {"Đến nội dung chính", "Skip to main content"},
	"tagline":       {"Hệ thống rà soát hộ nghèo, hộ cận nghèo", "Review of poor and near-poor households"},
	"nav.main":      {"Mục chính", "Main menu"},
	"nav.rounds":    {"Đợt rà soát", "Rounds"},
	"nav.conflicts": {"Xung đột", "Conflicts"},
	"nav.held":      {"Đang giữ", "Held"},
	"nav.villages":  {"Thôn, tổ", "Villages"},
	"nav.lists":     {"Danh sách năm trước", "Last year's list"},
	"nav.accounts":  {"Tài khoản", "Accounts"},
	"nav.devices":   {"Máy tính bảng", "Tablets"},
	"nav.password":  {"Đổi mật khẩu", "Change password"},
	"nav.signout":   {"Đăng xuất", "Sign out"},
	"nav.path":      {"Đường dẫn", "Breadcrumb"},
	"language":      {"Ngôn ngữ", "Language"},
	"footer.time":   {"Trang lập lúc %s.", "Page made at %s."},
	"error.title":   {"Cần xem lại", "There is a problem"},
	"error.prefix":  {"Lỗi: ", "Error: "},
}

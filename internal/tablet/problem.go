package tablet

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/rasoat/rasoat/schema"
)

// Problem is an error a person can do something about: a stable code, a sentence in Vietnamese and English that says what to
// do next, and the unit it concerns, if one.
type Problem struct {
	Code string
	Unit string
	Text schema.Text
	Err  error
}

func (p *Problem) Error() string {
	text := p.Code + ": " + p.Text.In("en")
	if p.Err != nil {
		text += " (" + p.Err.Error() + ")"
	}
	return text
}

func (p *Problem) Unwrap() error { return p.Err }

// Is tells problems apart by their code, so that errors.Is(err, &Problem{Code: "members_limit"}) works.
func (p *Problem) Is(target error) bool {
	var other *Problem
	return errors.As(target, &other) && other.Code == p.Code
}

// sentences are all problems of this package, by code.
var sentences = map[string]schema.Text{
	"in_use": {
		"vi": "Dữ liệu đang được một cửa sổ khác của chương trình mở. Đóng cửa sổ đó rồi mở lại.",
		"en": "The data are open in another window of the program. Close that window and start again."},
	"damaged": {
		"vi": "Tệp dữ liệu trên máy bị hỏng. Đừng xóa gì; mang máy về xã để cứu dữ liệu.",
		"en": "The data file on this tablet is damaged. Delete nothing; bring the tablet to the commune so the data can be saved."},
	"disk_full": {
		"vi": "Bộ nhớ máy đầy: câu vừa rồi chưa lưu. Xóa bớt ảnh hoặc cắm thẻ nhớ, rồi nhập lại câu này; đừng tắt máy.",
		"en": "The tablet's memory is full: the last answer is not saved. Delete photos or insert a card, then enter it again; do not switch off."},
	"not_saved": {
		"vi": "Chưa lưu được. Câu trả lời vẫn còn trên màn hình: thử lại.",
		"en": "Not saved. The answer is still on the screen: try again."},
	"not_enrolled": {
		"vi": "Máy này chưa đăng ký. Nhập địa chỉ máy chủ và mã đăng ký do xã cấp.",
		"en": "This tablet is not enrolled. Enter the server's address and the code given by the commune."},
	"other_server": {
		"vi": "Địa chỉ này là của một máy chủ khác với máy chủ đã đăng ký. Kiểm tra địa chỉ; dữ liệu vẫn ở máy này.",
		"en": "This address belongs to another server than the one enrolled with. Check the address; the data stay on this tablet."},
	"other_account": {
		"vi": "Máy này đang giữ phiếu của tài khoản {account}. Gửi hết phiếu đó trước khi người khác đăng ký.",
		"en": "This tablet holds work of account {account}. Send all of it before another person enrols."},
	"unknown_unit": {
		"vi": "Câu hỏi {unit} không có trong bộ phiếu của đợt này. Cập nhật chương trình.",
		"en": "Question {unit} is not in this round's questionnaire. Update the program."},
	"not_yours": {
		"vi": "Mục {unit} do ban chỉ đạo ghi; tài khoản này chỉ được xem.",
		"en": "{unit} is written by the board; this account can only read it."},
	"not_a_value": {
		"vi": "Không đọc được câu trả lời này. Nhập lại.",
		"en": "This answer cannot be read. Enter it again."},
	"too_long": {
		"vi": "Câu trả lời quá dài (tối đa {limit} byte). Rút ngắn hoặc chia thành hai ghi chú; phần đã nhập vẫn còn.",
		"en": "The answer is too long (at most {limit} bytes). Shorten it or make two notes of it; what you typed is still there."},
	"members_limit": {
		"vi": "Một hộ có tối đa {limit} người; hộ này đã đủ. Nếu nhà đông hơn, tách hộ hoặc báo xã.",
		"en": "A household has at most {limit} members and this one has them all. If there are more, split the household or tell the commune."},
	"no_member": {
		"vi": "Không có người này trong hộ.",
		"en": "There is no such person in this household."},
	"removal_reason": {
		"vi": "Chọn lý do: đã mất, chuyển đi, lấy chồng/vợ, tách hộ hoặc nhập nhầm.",
		"en": "Choose a reason: died, moved out, married out, split off, or entered by mistake."},
	"ending_reason": {
		"vi": "Chọn lý do: không còn ai, nhập hộ khác, chuyển đi, ghi trùng hoặc nhập nhầm.",
		"en": "Choose a reason: dissolved, merged into another, moved out, a duplicate, or entered by mistake."},
	"no_household": {
		"vi": "Không có hộ này trên máy. Đồng bộ lại, hoặc kiểm tra thôn được giao.",
		"en": "This household is not on the tablet. Sync again, or check which villages you were given."},
	"no_round": {
		"vi": "Chưa có đợt rà soát nào trên máy. Đồng bộ để nhận đợt rà soát.",
		"en": "There is no round on this tablet yet. Sync to receive it."},
	"form_closed": {
		"vi": "Phiếu này đã đóng. Mở lại phiếu để ghi tiếp.",
		"en": "This form is closed. Open it again to go on."},
	"bundle_keys": {
		"vi": "Máy chưa có khóa để niêm phong bản sao. Đồng bộ một lần khi có mạng; dữ liệu vẫn ở máy này.",
		"en": "This tablet has no key yet to seal a copy with. Sync once when there is a network; the data stay on this tablet."},
	"stick_gone": {
		"vi": "Không thấy thẻ nhớ hoặc thư mục đã chọn. Cắm lại hoặc chọn thư mục khác.",
		"en": "The stick or the chosen folder is not there. Plug it in again or choose another folder."},
	"stick_full": {
		"vi": "Thẻ nhớ đầy: bản sao chưa xong, chưa tính. Xóa bớt tệp khác trên thẻ hoặc dùng thẻ khác; dữ liệu vẫn ở máy này.",
		"en": "The stick is full: the copy is not complete and does not count. Delete other files on it or use another stick; the data stay on this tablet."},
	"stick_failed": {
		"vi": "Bản sao chưa đọc lại được, chưa tính. Cắm lại và bấm Thử lại; dữ liệu vẫn ở máy này.",
		"en": "The copy could not be read back and does not count. Plug the stick in again and try once more; the data stay on this tablet."},
	"receipts_none": {
		"vi": "Trên thẻ không có biên nhận của máy chủ. Ở xã chạy: server bundle receipts --out THƯ-MỤC.",
		"en": "There are no receipts of the server on the stick. At the commune run: server bundle receipts --out FOLDER."},
	"draft_kept": {
		"vi": "Phần vừa nhập vẫn là bản nháp trên máy, chưa thành bản gửi đi. Báo xã mã {unit}.",
		"en": "What you entered is still a draft on this tablet and not ready to be sent. Tell the commune code {unit}."},
}

// problem makes a Problem; pairs fill the marks of its sentence, e.g. "limit", "60".
func problem(code, unit string, pairs ...string) *Problem {
	text := schema.Text{}
	pairs = append(pairs, "unit", unit)
	for lang, sentence := range sentences[code] {
		for i := 0; i+1 < len(pairs); i += 2 {
			sentence = strings.ReplaceAll(sentence, "{"+pairs[i]+"}", pairs[i+1])
		}
		text[lang] = sentence
	}
	return &Problem{Code: code, Unit: unit, Text: text}
}

// saving turns an error of the database into what a person is told when a save did not work.
func saving(err error) error {
	if err == nil {
		return nil
	}
	var p *Problem
	if errors.As(err, &p) {
		return err
	}
	code := "not_saved"
	if resultOf(err) == resultFull || errors.Is(err, syscall.ENOSPC) {
		code = "disk_full"
	}
	p = problem(code, "")
	p.Err = fmt.Errorf("save: %w", err)
	return p
}

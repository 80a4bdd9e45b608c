package survey

import (
	"cmp"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// Problem is what is wrong with an answer, told to a person: a stable code, the unit it concerns, and a sentence that says
// what to do next. A problem must be settled, a warning only looked at.
type Problem struct {
	Code    string       `json:"code"`
	Unit    string       `json:"unit,omitempty"`
	Level   schema.Level `json:"level"`
	Message string       `json:"message"`

	text  schema.Text
	marks map[string]string
}

// In is the problem in another language.
func (p Problem) In(lang string) Problem {
	if p.text != nil {
		p.Message = fillMarks(p.text.In(lang), p.marks)
	}
	return p
}

// problem makes a problem of one of this package's own messages.
func problem(code, unit, lang string, marks map[string]string) Problem {
	m := messages[code]
	p := Problem{Code: code, Unit: unit, Level: m.Level, text: m.Text, marks: marks}
	if lang == "" {
		return p.In("vi")
	}
	return p.In(lang)
}

func compareProblems(a, b Problem) int {
	return cmp.Or(strings.Compare(a.Unit, b.Unit), strings.Compare(a.Code, b.Code))
}

// fillMarks replaces "{name}" by its text; marks nobody gave stay as they are.
func fillMarks(template string, marks map[string]string) string {
	if len(marks) == 0 || strings.IndexByte(template, '{') < 0 {
		return template
	}
	var b strings.Builder
	b.Grow(len(template) + 48)
	for {
		at := strings.IndexByte(template, '{')
		if at < 0 {
			break
		}
		end := strings.IndexByte(template[at:], '}')
		if end < 0 {
			break
		}
		b.WriteString(template[:at])
		if value, ok := marks[template[at+1:at+end]]; ok {
			b.WriteString(value)
		} else {
			b.WriteString(template[at : at+end+1])
		}
		template = template[at+end+1:]
	}
	b.WriteString(template)
	return b.String()
}

// message makes an entry of the table below.
func message(level schema.Level, vi, en string) schema.Message {
	return schema.Message{Text: schema.Text{"vi": vi, "en": en}, Level: level}
}

// messages are the sentences about values that no question can have. What concerns the household as a whole is the
// questionnaire's, by the same codes, see [schema.Questionnaire.Messages]; those here stand in where a version lacks one.
var messages = map[string]schema.Message{
	"value_json":         message(schema.LevelProblem, "Giá trị không đọc được. Nhập lại câu này.", "The value cannot be read. Enter this answer again."),
	"value_type":         message(schema.LevelProblem, "Kiểu giá trị không đúng với câu hỏi. Nhập lại câu này.", "The value is of the wrong kind for this question. Enter it again."),
	"number_as_text":     message(schema.LevelProblem, "Số được ghi như chữ nên chưa tính. Nhập lại bằng số.", "A number is written as text, so it does not count. Enter it as a number."),
	"number_whole":       message(schema.LevelProblem, "Câu này cần số nguyên. Nhập lại, không có phần lẻ.", "A whole number is needed. Enter it without a fraction."),
	"number_decimals":    message(schema.LevelWarning, "Chỉ ghi {decimals} chữ số sau dấu phẩy. Xem lại số đo.", "Only {decimals} digits after the decimal point. Check the measurement."),
	"choice_unknown":     message(schema.LevelProblem, "Không có lựa chọn này trong phiếu. Chọn lại.", "The questionnaire has no such choice. Choose again."),
	"date_form":          message(schema.LevelProblem, "Ngày không đúng. Ghi đủ năm, tháng, ngày.", "This is not a day. Enter year, month and day."),
	"birth_form":         message(schema.LevelProblem, "Ngày sinh không đúng. Ghi năm (4 số), hoặc năm và tháng, hoặc đủ ngày.", "This is not a birth. Enter the year (4 digits), the year and month, or the full date."),
	"birth_after_review": message(schema.LevelProblem, "Ngày sinh sau ngày rà soát, chưa tính được tuổi. Sửa ngày sinh hoặc ngày rà soát.", "The birth is after the day of review, so there is no age. Correct one of the two."),
	"birth_too_old":      message(schema.LevelProblem, "Người này hơn 130 tuổi? Kiểm tra năm sinh.", "Is this person over 130? Check the birth."),
	"text_long":          message(schema.LevelProblem, "Dài quá {limit} ký tự. Viết ngắn lại.", "Longer than {limit} characters. Make it shorter."),
	"unit_unknown":       message(schema.LevelWarning, "Phiếu không có câu này nên không tính. Kiểm tra tên.", "The questionnaire has no such unit, it is not counted. Check the name."),
	"person_not_listed":  message(schema.LevelProblem, "Người được chọn không có trong danh sách. Chọn lại.", "The person chosen is not listed. Choose again."),
	"member_unknown":     message(schema.LevelWarning, "Dòng có mục lạ “{name}” nên không dùng đến. Kiểm tra tên: id, standard, questionnaire, area_type, w.", "The line has a member “{name}” that nothing uses. Check the name: id, standard, questionnaire, area_type, w."),
	"status_form":        message(schema.LevelProblem, "Tình trạng ghi không đúng nên vẫn tính là còn. Chọn lại tình trạng.", "The status is not one of its words, so it still counts as active. Choose the status again."),
	"year_short":         message(schema.LevelWarning, "Năm sinh {year}? Bấm để nhận, hoặc gõ đủ 4 số.", "Born in {year}? Accept it or type 4 digits."),
	"required":           message(schema.LevelProblem, "Chưa trả lời: {question}.", "Not answered: {question}."),
	"out_of_range":       message(schema.LevelProblem, "{question}: phải từ {min} đến {max}. Nhập lại.", "{question}: must be {min} to {max}. Enter it again."),

	"size_differs":         message(schema.LevelProblem, "Nhà nói {size} người, mới ghi {listed}. Còn ai? Hoặc sửa số người.", "{size} people were stated, {listed} are listed. Who is missing? Or correct the number."),
	"head_missing":         message(schema.LevelProblem, "Chưa có chủ hộ. Chọn một người.", "There is no head of household. Choose one."),
	"head_several":         message(schema.LevelProblem, "Đang có {count} chủ hộ: {names}. Chọn một.", "There are {count} heads: {names}. Choose one."),
	"head_not_member":      message(schema.LevelProblem, "Chủ hộ đã chọn không còn trong danh sách. Chọn lại.", "The head chosen is no longer listed. Choose again."),
	"head_young":           message(schema.LevelWarning, "Chủ hộ {member} mới {age} tuổi? Kiểm tra năm sinh hoặc chủ hộ.", "The head {member} is only {age}? Check the birth or the head."),
	"child_older":          message(schema.LevelWarning, "Con ({child}, {child_birth}) sinh trước hoặc quá gần bố mẹ ({parent}, {parent_birth}). Kiểm tra năm sinh hoặc quan hệ.", "The child ({child}, {child_birth}) was born before or too close to the parent ({parent}, {parent_birth}). Check the birth or the relation."),
	"id_differs":           message(schema.LevelWarning, "Số định danh cho biết sinh {id_year}, {id_sex}; đang ghi {birth}, {sex}. Cảnh báo, vẫn lưu được.", "The identity number says born {id_year}, {id_sex}; written is {birth}, {sex}. A warning only, it is saved all the same."),
	"id_twice":             message(schema.LevelWarning, "Hai người cùng số định danh: {names}. Xem lại một trong hai.", "Two people have one identity number: {names}. Check one of them."),
	"b1_sum_differs":       message(schema.LevelProblem, "Cộng các mục được {sum}, phiếu ghi {stated}. Xem lại từng mục.", "The items add up to {sum}, the sheet says {stated}. Check the items."),
	"nutrition_open":       message(schema.LevelWarning, "Chưa cân đo {member}. Chưa kết luận được; thêm vào danh sách cân đo.", "{member} has not been measured. No conclusion yet; put on the list of children to be measured."),
	"members_limit":        message(schema.LevelProblem, "Hơn {limit} người trong một hộ. Xem lại, có thể là hai hộ.", "More than {limit} people in one household. Check; these may be two households."),
	"interviewed_and_gone": message(schema.LevelWarning, "Một người ghi đã phỏng vấn, người khác ghi hộ không còn ở đây. Xã xem lại.", "One author interviewed the household, another found it gone. The board must look."),
	"complete_with_gaps":   message(schema.LevelProblem, "Còn {count} câu quyết định kết quả: {questions}. Hỏi ngay, hoặc chọn lý do để lại sau.", "{count} questions still decide the result: {questions}. Ask now, or give the reason for leaving them."),
}

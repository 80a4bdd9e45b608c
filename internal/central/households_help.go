package central

import (
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// listColumns are the columns of a list as a person writes them: in Vietnamese, the short name, what goes in.
var listColumns = []struct{ name, vi, en string }{
	{"village", "Thôn (bắt buộc): mã hoặc tên", "required: code or name"},
	{"commune", "Xã: khi hai thôn trùng tên", "when two villages have one name"},
	{"household", "Hộ số: số của hộ trong danh sách", "number of the household on the list"},
	{"code", "Mã hộ: mã chính thức", "the official code"},
	{"member", "TT thành viên: 1, 2, 3 …", "1, 2, 3 …"},
	{"name", "Họ và tên (bắt buộc)", "required"},
	{"male", "Nam: năm sinh nếu là nam", "birth year of a man"},
	{"female", "Nữ: năm sinh nếu là nữ", "birth year of a woman"},
	{"birth", "Năm sinh: 1962 hoặc 21/10/1962, thay cho hai cột trên", "1962 or 1962-10-21, in place of the two above"},
	{"sex", "Giới tính: Nam, Nữ", "male, female"},
	{"ethnicity", "Dân tộc: tên hoặc mã", "name or code"},
	{"relation", "Quan hệ với chủ hộ: Chủ hộ, Vợ/chồng, Con …", "head, spouse, child …"},
	{"id_number", "Số định danh: 12 số", "12 digits"},
	{"class", "Loại hộ: Hộ nghèo, Hộ cận nghèo, Hộ không nghèo", "poor, near_poor, not_poor"},
	{"new", "Phát sinh mới: x", "x"},
	{"back", "Tái nghèo: x", "fell back: x"},
	{"old", "Hộ cũ: x", "on the list before: x"},
	{"merit", "CSCC: x (người có công)", "x"},
	{"indigenous", "DTTC: x (dân tộc tại chỗ)", "x"},
	{"no_labour", "KCKNLĐ: x (không có khả năng lao động)", "no labour capacity: x"},
	{"size", "Số nhân khẩu", "number of members"},
	{"score", "Điểm B1", "score B1"},
	{"date", "Ngày rà soát: 21/10/2025", "day of the review"},
	{"interviewer", "Người rà soát", "who reviewed"},
	{"address", "Địa chỉ", ""},
	{"phone", "Điện thoại", ""},
	{"head", "Chủ hộ: họ tên, khi mỗi dòng là một hộ", "name of the head, in a list of one row a household"},
}

// ListSample is a list as it may be imported.
const ListSample = `Thôn,Hộ số,TT thành viên,Họ và tên,Nam,Nữ,Quan hệ với chủ hộ,Số định danh,Loại hộ
01969-01,1,1,Nông Văn Thử,1962,,Chủ hộ,,Hộ nghèo
01969-01,1,2,Hoàng Thị Mẫu,,1965,Vợ/chồng,,Hộ nghèo
`

// ListColumns says which columns a list may have, with a sample.
func ListColumns(lang string) string {
	var b strings.Builder
	title, sample := "Các cột (tiếng Việt hoặc tên ngắn; thứ tự tùy ý):", "Ví dụ:"
	if lang == "en" {
		title, sample = "Columns (Vietnamese or short names; in any order):", "Sample:"
	}
	b.WriteString(title + "\n")
	for _, c := range listColumns {
		text := c.vi
		if lang == "en" {
			vi, _, _ := strings.Cut(c.vi, ":")
			text = strings.TrimSuffix(vi, " (bắt buộc)")
			if c.en != "" {
				text += ": " + c.en
			}
		}
		b.WriteString("  " + c.name + strings.Repeat(" ", max(0, 12-len(c.name))) + " " + text + "\n")
	}
	b.WriteString(sample + "\n")
	for line := range strings.Lines(ListSample) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// householdColumns refuses a file whose columns are not known, and says which are.
func householdColumns(code, vi, en string) error {
	return refuse(code, vi+"\n"+ListColumns("vi"), en+"\n"+ListColumns("en"))
}

var classLabels = map[string]schema.Text{
	string(survey.Poor):     {"vi": "Hộ nghèo", "en": "Poor"},
	string(survey.NearPoor): {"vi": "Hộ cận nghèo", "en": "Near-poor"},
	string(survey.NotPoor):  {"vi": "Hộ không nghèo", "en": "Not poor"},
}

// ClassLabel is a class as people name it.
func ClassLabel(class, lang string) string {
	if label, ok := classLabels[class]; ok {
		return label.In(lang)
	}
	return class
}

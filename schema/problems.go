package schema

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one fault in a file, told so that its author can put it right.
type Problem struct {
	Code string // stable
	File string // inside the folder, e.g. "standards/vn-2021.yaml"
	Line int    // 0: the file as a whole
	What Text   // what is wrong
	Do   Text   // what to do
}

// In renders the problem as "file:line: what is wrong. What to do."
func (p Problem) In(lang string) string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s: %s. %s", where, p.What.In(lang), p.Do.In(lang))
}

// Problems is every fault found; it is the error of Load.
type Problems []Problem

func (ps Problems) Error() string { return ps.In("en") }

// In renders one problem a line.
func (ps Problems) In(lang string) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.In(lang)
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sorted() Problems {
	sort.SliceStable(ps, func(i, j int) bool {
		if ps[i].File != ps[j].File {
			return ps[i].File < ps[j].File
		}
		return ps[i].Line < ps[j].Line
	})
	return ps
}

// add appends a problem of the catalogue; args fill both languages alike.
func (ps *Problems) add(file string, line int, code string, args ...any) {
	said, ok := catalogue[code]
	if !ok {
		panic("schema: problem code without a text: " + code)
	}
	*ps = append(*ps, Problem{Code: code, File: file, Line: line,
		What: Text{"vi": fmt.Sprintf(said.vi, args...), "en": fmt.Sprintf(said.en, args...)},
		Do:   Text{"vi": said.viDo, "en": said.enDo}})
}

type saying struct{ vi, viDo, en, enDo string }

// catalogue holds what is said of each class of fault.
var catalogue = map[string]saying{
	"unreadable": {"không đọc được tệp: %v", "Kiểm tra quyền đọc và tên tệp.",
		"the file cannot be read: %v", "Check its name and permissions."},
	"syntax": {"sai cú pháp YAML: %v", "Kiểm tra thụt đầu dòng, dấu ngoặc và dấu nháy ở gần dòng này.",
		"not valid YAML: %v", "Check indentation, brackets and quotes near this line."},
	"too_big": {"tệp lớn hơn %d byte", "Chia nhỏ tệp.", "the file is larger than %d bytes", "Split it."},
	"shape": {"%[1]s phải là %[2]s", "Viết lại theo mẫu ở đầu tệp household/2026.1.yaml.",
		"%[1]s must be %[3]s", "Write it as the header of household/2026.1.yaml shows."},
	"key_unknown": {"không có mục nào tên %q ở đây", "Sửa tên hoặc xóa mục này; các mục hợp lệ nêu ở đầu tệp.",
		"there is no key %q here", "Correct the name or delete the key; the header lists those allowed."},
	"key_twice":   {"mục %q ghi hai lần", "Chỉ giữ một.", "the key %q stands here twice", "Keep one of them."},
	"key_missing": {"thiếu mục %q", "Thêm mục này.", "the key %q is missing", "Add it."},
	"label_missing": {"%s thiếu chữ cho ngôn ngữ %q", "Mỗi câu chữ cần cả tiếng Việt (vi) và tiếng Anh (en).",
		"%s has no text in language %q", "Every wording needs Vietnamese (vi) and English (en)."},
	"value_unknown": {"giá trị %q không hợp lệ; chỉ được: %s", "Chọn một trong các giá trị đó.",
		"%q is not allowed; allowed are: %s", "Choose one of them."},
	"name_mismatch": {"tên ghi trong tệp là %q, nhưng tệp nằm ở chỗ của %q", "Cho hai tên giống nhau.",
		"the file calls itself %q but stands where %q belongs", "Make the two agree."},
	"unit_twice": {"mã câu hỏi %q đã dùng ở dòng %d", "Đặt mã khác: một mã chỉ có một nghĩa.",
		"the unit %q is already used on line %d", "Choose another: a unit has one meaning for ever."},
	"unit_form": {"mã %q không đúng dạng", "Dùng chữ thường không dấu, số, gạch dưới, và “/” giữa các phần.",
		"the unit %q is not well formed", "Use lower-case letters, digits, underscores and “/” between the parts."},
	"unit_retyped": {"mã %q đã có kiểu khác trong %s", "Mã không bao giờ đổi kiểu: đặt mã mới.",
		"the unit %q has another type in %s", "A unit is never retyped: take a new one."},
	"expression": {"biểu thức sai: %s", "Sửa biểu thức; tên được dùng là mã câu hỏi với “/” viết thành “.”.",
		"the expression is wrong: %s", "Correct it; names are units with “/” written as “.”."},
	"expression_unit": {"biểu thức dùng %q, không có câu hỏi nào mang mã này", "Sửa tên, hoặc thêm câu hỏi.",
		"the expression uses %q, which no question has", "Correct the name or add the question."},
	"expression_type": {"biểu thức cho ra %s, phải là đúng/sai", "Viết thành một phép so sánh.",
		"the expression yields %s, not true or false", "Make it a comparison."},
	"expression_code": {"%q không phải là mã trả lời của %q", "Dùng một mã trả lời của câu hỏi đó.",
		"%q is not an answer code of %q", "Use one of the question's codes."},
	"expression_cost": {"biểu thức quá tốn (%d, tối đa %d)", "Viết gọn lại.",
		"the expression costs too much (%d, limit %d)", "Make it shorter."},
	"cycle": {"điều kiện hiện câu hỏi chạy vòng: %s", "Bỏ một điều kiện trong vòng.",
		"the conditions of these questions go round in a circle: %s", "Take one condition out of the circle."},
	"constraint_message": {"ràng buộc %q không có câu báo", "Thêm message bằng vi và en: sai gì, làm gì tiếp.",
		"the constraint %q has no message", "Add a message in vi and en: what is wrong, what to do next."},
	"choices_missing": {"câu hỏi %q không có câu trả lời để chọn", "Thêm choices hoặc code_list.",
		"the question %q has no answers to choose from", "Add choices or a code_list."},
	"code_list_unknown": {"không có danh mục %q", "Thêm tệp vào codes/ hoặc sửa tên.",
		"there is no code list %q", "Add the file to codes/ or correct the name."},
	"order": {"thứ tự (order) thiếu hoặc thừa mã %q", "Liệt kê đúng mọi mã trả lời, thấp nhất trước.",
		"the order lacks or exceeds the code %q", "List exactly the answer codes, lowest first."},
	"dimension_unknown": {"không có chiều %q", "Khai báo ở dimensions hoặc sửa tên.",
		"there is no dimension %q", "Declare it under dimensions or correct the name."},
	"indicator_twice": {"chỉ số %q đã có ở dòng %d", "Bỏ bớt một.", "the indicator %q already stands on line %d", "Remove one."},
	"aggregate": {"cách gộp %q không hợp lệ", "Dùng: any, share > 1/2, household (nhóm hộ: thêm none, head).",
		"the aggregate %q is not known", "Use any, share > 1/2 or household (groups: also none, head)."},
	"sentence_mark": {"câu mẫu có chỗ điền {%s} không ai điền; được dùng: %s", "Dùng một trong các chỗ điền đó.",
		"the sentence has a mark {%s} that nothing fills; the marks are: %s", "Use one of them."},
	"source_missing": {"quy tắc %q không ghi nguồn hoặc mức xác nhận", "Thêm source và confirmed: true, partly hoặc false.",
		"the rule %q does not say its source or how sure it is", "Add source and confirmed: true, partly or false."},
	"validity": {"thời hạn %q … %q không hợp lệ", "Viết ngày dạng YYYY-MM-DD, ngày đầu trước ngày cuối.",
		"the period %q … %q is not valid", "Write dates as YYYY-MM-DD, the first before the last."},
	"questionnaire_unknown": {"không có phiếu %q", "Sửa tên phiếu mà chuẩn này được kiểm tra theo.",
		"there is no questionnaire %q", "Correct the name of the questionnaire this standard is checked against."},
	"csv": {"dòng CSV sai: %v", "Giữ đúng số cột và tên cột ở dòng đầu.",
		"not a valid CSV row: %v", "Keep the columns and the names of the first row."},
	"code_twice": {"mã %q đã có ở dòng %d trong cùng thời gian", "Sửa ngày hiệu lực hoặc bỏ một dòng.",
		"the code %q already stands on line %d for the same time", "Correct the dates or remove a row."},
	"parent_unknown": {"không có đơn vị cấp trên %q của %q", "Thêm đơn vị cấp trên hoặc sửa mã.",
		"the area %q above %q does not exist", "Add it or correct the code."},
	"published_changed": {"tệp đã ban hành bị sửa: mã kiểm tra là %.12s…, đã công bố %.12s…",
		"Khôi phục tệp cũ; muốn đổi thì ban hành tệp mới với tên phiên bản mới.",
		"a published file was changed: its sum is %.12s…, published was %.12s…",
		"Restore the file; to change something, publish a new file under a new version."},
	"published_missing": {"tệp có trong published.sum nhưng không còn", "Khôi phục tệp: tệp đã ban hành không bao giờ bị xóa.",
		"the file is in published.sum but no longer here", "Restore it: a published file is never deleted."},
	"sum_line": {"dòng %q của published.sum sai dạng", "Mỗi dòng: 64 chữ số hex, hai dấu cách, đường dẫn.",
		"the line %q of published.sum is malformed", "Each line is 64 hex digits, two spaces, a path."},
	"empty": {"không tìm thấy phiếu nào trong thư mục", "Thư mục cần có questionnaires/, standards/, codes/.",
		"no questionnaire was found in the folder", "It needs questionnaires/, standards/ and codes/."},
}

package central

import (
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// foldVillage folds a name without the word for its kind: "Thôn Nà Cáy" and "Nà Cáy" are one.
func foldVillage(name string) string {
	name = survey.FoldName(name)
	for _, kind := range villageKinds {
		if rest, ok := strings.CutPrefix(name, kind+" "); ok {
			return rest
		}
	}
	return name
}

var villageKinds = foldAll("tổ dân phố", "tdp", "thôn", "bản", "xóm", "ấp", "khu phố", "khu", "làng", "buôn", "tổ", "phường", "xã", "thị trấn")

func foldAll(words ...string) []string {
	for i, w := range words {
		words[i] = survey.FoldName(w)
	}
	return words
}

// words maps folded words to codes.
func words(list map[string][]string) map[string]string {
	out := map[string]string{}
	for code, said := range list {
		for _, w := range said {
			out[survey.FoldName(w)] = code
		}
	}
	return out
}

var relationWords = words(map[string][]string{
	"head":             {"head", "chủ hộ"},
	"spouse":           {"spouse", "vợ/chồng", "vợ", "chồng", "vợ chồng"},
	"child":            {"child", "con", "con đẻ", "con trai", "con gái", "con ruột", "con nuôi"},
	"child_in_law":     {"child_in_law", "con dâu", "con rể", "con dâu/rể"},
	"grandchild":       {"grandchild", "cháu", "cháu nội", "cháu ngoại", "cháu nội/ngoại"},
	"great_grandchild": {"great_grandchild", "chắt"},
	"parent":           {"parent", "bố/mẹ", "bố mẹ", "bố", "mẹ", "cha", "cha/mẹ", "bố đẻ", "mẹ đẻ"},
	"parent_in_law":    {"parent_in_law", "bố chồng", "mẹ chồng", "bố vợ", "mẹ vợ"},
	"grandparent":      {"grandparent", "ông", "bà", "ông/bà", "ông bà", "ông nội", "bà nội", "ông ngoại", "bà ngoại"},
	"sibling":          {"sibling", "anh/chị/em", "anh chị em", "anh", "chị", "em", "anh trai", "chị gái", "em trai", "em gái", "anh ruột", "em ruột", "chị ruột"},
	"niece_nephew":     {"niece_nephew", "cháu gọi cô, dì, chú, bác"},
	"other_relative":   {"other_relative", "họ hàng", "họ hàng khác"},
	"unrelated":        {"unrelated", "không họ hàng", "ở nhờ"},
	"":                 {"khác", "other"}, // the list does not say which: unanswered
})

// readRelation gives the code of a relation; "" when the cell is empty or says only "other".
func readRelation(cell string) (code string, ok bool) {
	if cell == "" {
		return "", true
	}
	code, ok = relationWords[survey.FoldName(cell)]
	return code, ok
}

var classWords = words(map[string][]string{
	string(survey.Poor):     {"poor", "hộ nghèo", "nghèo", "hn"},
	string(survey.NearPoor): {"near_poor", "near poor", "hộ cận nghèo", "cận nghèo", "hcn"},
	string(survey.NotPoor):  {"not_poor", "not poor", "hộ không nghèo", "không nghèo"},
})

func readClass(cell string) (string, bool) {
	if cell == "" {
		return "", true
	}
	class, ok := classWords[survey.FoldName(cell)]
	return class, ok
}

var sexWords = words(map[string][]string{"male": {"male", "nam", "m"}, "female": {"female", "nữ", "f"}})

func readSex(cell string) (string, bool) {
	if cell == "" {
		return "", true
	}
	sex, ok := sexWords[survey.FoldName(cell)]
	return sex, ok
}

var markWords = words(map[string][]string{"yes": {"x", "có", "yes", "y", "1", "true", "đúng", "v"}, "no": {"không", "no", "n", "0", "false", "k"}})

// readMark reads a cell that is ticked: "yes", "no" where it says so, "" where it says nothing.
func readMark(cell string) string { return markWords[survey.FoldName(cell)] }

// readEthnicity finds a group by code or name.
func readEthnicity(list *schema.CodeList, cell string) (string, bool) {
	if cell == "" {
		return "", true
	}
	if _, ok := list.Find(cell); ok {
		return cell, true
	}
	want := survey.FoldName(cell)
	if want == "mong" {
		want = "hmong"
	}
	for _, c := range list.Codes {
		if survey.FoldName(c.Label["vi"]) == want {
			return c.Value, true
		}
	}
	return "", false
}

// readBirth reads 1962, 10/1962, 21/10/1962 and the same with dashes or dots, also with the year first.
func readBirth(cell string) (string, bool) {
	parts := strings.FieldsFunc(cell, func(r rune) bool { return r == '/' || r == '-' || r == '.' })
	if len(parts) == 0 || len(parts) > 3 {
		return "", false
	}
	if len(parts[0]) != 4 { // day first, as it is written here
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	for i := 1; i < len(parts); i++ {
		if len(parts[i]) == 1 {
			parts[i] = "0" + parts[i]
		}
	}
	birth := strings.Join(parts, "-")
	_, ok := survey.ParseBirth(birth)
	return birth, ok
}

func readDay(cell string) (string, bool) {
	cell, _, _ = strings.Cut(cell, " ") // a time may follow
	cell, _, _ = strings.Cut(cell, "T")
	day, ok := readBirth(cell)
	return day, ok && len(day) == len("2025-10-21")
}

// readCount reads a whole number from 0 to most.
func readCount(x *line, column string, most int64, to *int64) *fault {
	cell := x.get(column)
	if cell == "" {
		return nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSuffix(cell, ".0"), ",0"), 10, 64)
	if err != nil || n < 0 || n > most {
		return faultf("number", "Cột %q ghi %q: phải là số nguyên từ 0 đến %d. Sửa ô ấy, hoặc để trống nếu không biết.",
			"The column %q has %q: it takes a whole number from 0 to %d. Correct the cell, or leave it empty when it is not known.", x.heading(column), cell, most)
	}
	*to = n
	return nil
}

func birthYear(birth string) string {
	if len(birth) < 4 {
		return ""
	}
	return birth[:4]
}

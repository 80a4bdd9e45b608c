package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestWhatIsTypedWrongIsSaidInVietnamese(t *testing.T) {
	english := regexp.MustCompile(`\b(missing|unknown|unexpected|expected|must|did you|got|one of|value)\b`)
	for says, args := range map[string][]string{
		"thiếu --name=STRING":     {"account", "add", "x", "--role", "board"},
		"thiếu <account>":         {"enrol"},
		"không có tham số --nme":  {"account", "add", "x", "--nme", "A"},
		"có phải là":              {"acount", "list"},
		"phải là một trong":       {"round", "add", "--kind", "yearly"},
		"không hiểu: zzzzzzzzzzz": {"account", "list", "zzzzzzzzzzz"},
		"số nguyên; đang ghi abc": {"device", "revoke", "abc"},
		"--year phải là số":       {"household", "import", "f.csv", "--year", "abc"},
		"thiếu giá trị":           {"account", "list", "--store"},
		"một trong các lệnh":      {"account"},
	} {
		d := newDesk(t)
		var status int
		var errOut string
		if strings.HasPrefix(says, "thiếu giá") || strings.HasPrefix(says, "một trong") { // nothing may follow
			var out, e strings.Builder
			status = run(t.Context(), args, strings.NewReader(""), &out, &e)
			errOut = e.String()
		} else {
			status, _, errOut = d.try("", args...)
		}
		if status != statusUsage || !strings.Contains(errOut, says) || english.MatchString(errOut) {
			t.Errorf("%v: status %d, %q, want %q and no English", args, status, errOut, says)
		}
		if _, _, en := d.try("", append([]string{"--lang", "en"}, args...)...); english.MatchString(errOut) || !strings.HasPrefix(en, "Not a valid command") {
			t.Errorf("%v in English: %q", args, en)
		}
	}
}

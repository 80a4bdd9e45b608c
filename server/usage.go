package main

import (
	"os"
	"regexp"
	"strings"
)

// typedWrong are the usual faults of a command line, as the parser words them, with what a person is told. English stands as
// the parser has it.
var typedWrong = []struct {
	said *regexp.Regexp
	vi   string
}{
	{regexp.MustCompile(`^missing flags: (.+)$`), "thiếu $1"},
	{regexp.MustCompile(`^missing positional arguments (.+)$`), "thiếu $1"},
	{regexp.MustCompile(`^unknown flag (\S+), did you mean (?:one of )?(.+)\?$`), "không có tham số $1; có phải là $2?"},
	{regexp.MustCompile(`^unknown flag (\S+)$`), "không có tham số $1"},
	{regexp.MustCompile(`^unexpected argument (.+), did you mean (?:one of )?(.+)\?$`), "không hiểu $1; có phải là $2?"},
	{regexp.MustCompile(`^unexpected argument (.+)$`), "thừa hoặc không hiểu: $1"},
	{regexp.MustCompile(`^unexpected flag argument (.+)$`), "tham số này không nhận giá trị: $1"},
	{regexp.MustCompile(`^(\S+) must be one of (.+) but got (.+)$`), "$1 phải là một trong: $2; đang ghi $3"},
	{regexp.MustCompile(`^expected one of (.+)$`), "ghi thêm một trong các lệnh: $1"},
	{regexp.MustCompile(`^expected "(.+)"$`), "thiếu $1"},
	{regexp.MustCompile(`^(\S+): expected (?:an|a valid \d+ bit) u?int but got "?([^"]*)"?.*$`), "$1 phải là số nguyên; đang ghi $2"},
	{regexp.MustCompile(`^<?([^>: ]+)>?: expected (?:an|a valid \d+ bit) u?int but got "?([^"]*)"?.*$`), "$1 phải là số nguyên; đang ghi $2"},
	{regexp.MustCompile(`^(\S+): expected duration but got "?([^"]*)"?.*$`), "$1 phải là khoảng thời gian như 10m, 24h; đang ghi $2"},
	{regexp.MustCompile(`^(\S+): expected \S+ value but got "EOL".*$`), "$1 thiếu giá trị"},
	{regexp.MustCompile(`^(\S+): expected \S+ value but got "([^"]*)" \(.*?\)(?:; perhaps try (.+)\?)?$`), "$1 thiếu giá trị (sau nó là $2)"},
	{regexp.MustCompile(`^(\S+) and (\S+) can't be used together$`), "$1 và $2 không dùng cùng nhau"},
	{regexp.MustCompile(`^bool value must be .* but got (.+)$`), "chỉ ghi true hoặc false; đang ghi $1"},
}

// english tells the language of what was typed, also where it could not be parsed.
func english(args []string) bool {
	lang := os.Getenv("RASOAT_LANG")
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			lang = v
		} else if a == "--lang" && i+1 < len(args) {
			lang = args[i+1]
		}
	}
	return lang == "en"
}

// typed words a fault of the command line in the person's language.
func (t *terminal) typed(err error) string {
	text := err.Error()
	if t.en {
		return text
	}
	for _, w := range typedWrong {
		if w.said.MatchString(text) {
			return w.said.ReplaceAllString(text, w.vi)
		}
	}
	return text
}

package central

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// RowProblem is a row of an imported file that was not taken, or taken with a remark: its line, a stable code, what to do.
type RowProblem struct {
	Line int
	Code string
	Text schema.Text
}

func rowProblem(line int, code, vi, en string) RowProblem {
	return RowProblem{line, code, schema.Text{"vi": vi, "en": en}}
}

// Limits of an imported file.
const (
	maxImportRows  = 200_000
	maxImportField = 2000 // characters of one cell
)

// table reads a CSV file the way offices make them: with a byte order mark or without, with commas, semicolons or tabs,
// letters composed or decomposed, double spaces, empty lines, and the header again on every printed page.
type table struct {
	csv     *csv.Reader
	columns map[string]int // by the name of the caller's choice
	header  []string
	rows    int
}

// line is one row: trimmed cells by column name.
type line struct {
	number int
	cells  []string
	t      *table
}

// get returns a cell; "" when the column is missing.
func (l *line) get(column string) string {
	i, ok := l.t.columns[column]
	if !ok || i >= len(l.cells) {
		return ""
	}
	return l.cells[i]
}

// heading is a column as the file names it.
func (l *line) heading(column string) string { return l.t.header[l.t.columns[column]] }

func (t *table) has(column string) bool {
	_, ok := t.columns[column]
	return ok
}

// openTable finds the header: the first row, below what titles an office put above it, that names at least two columns.
// names: column → the headings it may stand under, compared as folded; one that begins with "=" is compared with its marks.
func openTable(r io.Reader, names map[string][]string) (*table, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	head, err := b.Peek(16 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if !plainText(head) {
		return nil, refuse("not_csv", "Tệp này không phải CSV UTF-8 (có thể là tệp Excel hoặc chữ UTF-16). Mở bằng Excel hoặc LibreOffice, lưu thành CSV UTF-8, rồi nhập tệp ấy.",
			"This file is not CSV UTF-8 (it may be an Excel file, or UTF-16 text). Open it in Excel or LibreOffice, save it as CSV UTF-8, and import that file.")
	}
	t := &table{csv: csv.NewReader(b)}
	t.csv.Comma = separator(string(head))
	t.csv.FieldsPerRecord, t.csv.LazyQuotes, t.csv.ReuseRecord = -1, true, true
	known := headingIndex(names)
	for range maxTitleRows {
		cells, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the header: %w", err)
		}
		if t.readHeader(cells, known); len(t.columns) >= 2 {
			return t, nil
		}
	}
	return nil, refuse("header_missing", "Không thấy dòng tiêu đề có tên cột trong 15 dòng đầu. Thêm dòng tiêu đề.",
		"No header line that names the columns among the first 15 rows. Add one.")
}

// plainText tells CSV from a workbook (a zip archive or an old compound file) and from UTF-16, which is full of zero bytes.
func plainText(head []byte) bool {
	for _, magic := range []string{"PK\x03\x04", "\xd0\xcf\x11\xe0", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return false
		}
	}
	return bytes.IndexByte(head, 0) < 0
}

// maxTitleRows bounds what may stand above the header.
const maxTitleRows = 15

// headingIndex maps headings to columns: folded, or with "=" before one that is compared with its marks.
func headingIndex(names map[string][]string) map[string]string {
	known := map[string]string{}
	for column, aliases := range names {
		for _, alias := range aliases {
			if !strings.HasPrefix(alias, "=") {
				alias = foldHeading(alias)
			}
			known[alias] = column
		}
	}
	return known
}

func (t *table) readHeader(cells []string, known map[string]string) {
	t.columns, t.header = map[string]int{}, nil
	for i, heading := range cells {
		heading = tidy(heading)
		t.header = append(t.header, heading)
		column, ok := known["="+strings.ToLower(heading)]
		if !ok {
			column, ok = known[foldHeading(heading)]
		}
		if _, taken := t.columns[column]; ok && !taken {
			t.columns[column] = i
		}
	}
}

// unused returns the headings of columns that nobody asked for.
func (t *table) unused() (headings []string) {
	for i, h := range t.header {
		used := false
		for _, at := range t.columns {
			used = used || at == i
		}
		if !used && h != "" {
			headings = append(headings, h)
		}
	}
	return headings
}

func foldHeading(s string) string {
	return survey.FoldName(strings.NewReplacer("_", " ", ".", " ").Replace(s))
}

func separator(head string) rune {
	best, most := ',', 0
	for i, row := range strings.Split(head, "\n") {
		if i == maxTitleRows {
			break
		}
		for _, sep := range []rune{',', ';', '\t'} {
			if n := strings.Count(row, string(sep)); n > most {
				best, most = sep, n
			}
		}
	}
	return best
}

// tidy composes letters and leaves one space between words.
func tidy(s string) string { return strings.Join(strings.Fields(norm.NFC.String(s)), " ") }

// each calls f for every row that holds something and is not the header again. Rows that cannot be read go to bad.
func (t *table) each(bad func(RowProblem), f func(*line) error) error {
	for {
		cells, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			bad(rowProblem(parse.StartLine, "csv", "Dòng sai dấu nháy. Sửa dấu nháy kép.", "The quotes of this line do not match. Correct them."))
			continue
		}
		if err != nil {
			return fmt.Errorf("read the file: %w", err)
		}
		at, _ := t.csv.FieldPos(0)
		l := &line{number: at, t: t, cells: make([]string, len(cells))}
		empty := true
		for i, c := range cells {
			l.cells[i] = tidy(c)
			empty = empty && l.cells[i] == ""
		}
		if empty || slices.Equal(l.cells, t.header) {
			continue
		}
		if t.rows++; t.rows > maxImportRows {
			return refuse("file_long", "Tệp có hơn 200.000 dòng. Chia nhỏ tệp.", "The file has more than 200,000 rows. Split it.")
		}
		if p, ok := l.unreadable(); ok {
			bad(p)
			continue
		}
		if err := f(l); err != nil {
			return err
		}
	}
}

func (l *line) unreadable() (RowProblem, bool) {
	for _, c := range l.cells {
		if !utf8.ValidString(c) {
			return rowProblem(l.number, "encoding", "Dòng không phải mã Unicode (UTF-8). Lưu lại tệp dạng CSV UTF-8.",
				"This row is not UTF-8. Save the file as CSV UTF-8."), true
		}
		if utf8.RuneCountInString(c) > maxImportField {
			return rowProblem(l.number, "cell_long", "Có ô dài hơn 2.000 chữ.", "A cell has more than 2,000 characters."), true
		}
	}
	return RowProblem{}, false
}

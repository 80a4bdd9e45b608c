package central

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// AreaImport says what became of the rows of a file of villages.
type AreaImport struct {
	Added, Changed, Same int
	Rejected             []RowProblem
	Warnings             []RowProblem // taken all the same
}

var areaHeadings = map[string][]string{
	"code":        {"code", "ma", "ma thon"},
	"name":        {"name", "ten", "ten thon", "thon"},
	"parent_code": {"parent code", "parent", "ma xa", "ma cap tren"},
	"valid_from":  {"valid from", "tu ngay"},
	"valid_to":    {"valid to", "den ngay"},
}

var villageCode = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$`)

// ImportAreas adds villages from CSV (code,name,parent_code,valid_from,valid_to). Rows that do not fit are reported with
// their line, the rest is added; the same file again adds nothing. valid_to is the first day the village is no more, as in
// the national list. A code is given once: a later row under it may only be another period of the same village.
func (s *Store) ImportAreas(ctx context.Context, by string, r io.Reader) (*AreaImport, error) {
	t, err := openTable(r, areaHeadings)
	if err != nil {
		return nil, err
	}
	for _, need := range []string{"code", "name", "parent_code"} {
		if !t.has(need) {
			return nil, refuse("columns", "Dòng đầu phải có các cột: code,name,parent_code,valid_from,valid_to.",
				"The first line must name the columns: code,name,parent_code,valid_from,valid_to.")
		}
	}
	if err := s.LoadAreas(ctx); err != nil {
		return nil, err
	}
	in, err := s.areaImporter(ctx)
	if err != nil {
		return nil, err
	}
	for _, need := range []string{"code", "name", "parent_code"} {
		in.fields = max(in.fields, t.columns[need]+1)
	}
	if err := t.each(in.reject, in.row); err != nil {
		return nil, err
	}
	if len(in.fresh) == 0 {
		return &in.AreaImport, nil
	}
	if err := s.AddAreas(ctx, in.areas()); err != nil {
		return nil, err
	}
	detail := fmt.Sprintf("added %d changed %d rejected %d", in.Added, in.Changed, len(in.Rejected))
	return &in.AreaImport, s.Audit(ctx, AuditEntry{Actor: by, Act: "area.import", Detail: detail})
}

type areaImporter struct {
	AreaImport
	places   *places
	national *schema.Areas
	known    map[string][]schema.Area // villages in the store and those of this file, by code
	fields   int                      // a row has at least
	fresh    [][2]string              // (code, valid_from) of what is to be written, in the file's order
}

func (s *Store) areaImporter(ctx context.Context) (*areaImporter, error) {
	in := &areaImporter{places: s.places.Load(), national: s.set.Areas, known: map[string][]schema.Area{}}
	villages, err := s.importedAreas(ctx)
	for _, a := range villages {
		in.known[a.Code] = append(in.known[a.Code], a)
	}
	return in, err
}

func (in *areaImporter) reject(p RowProblem) { in.Rejected = append(in.Rejected, p) }

func (in *areaImporter) areas() []schema.Area {
	out := make([]schema.Area, 0, len(in.fresh))
	for _, key := range in.fresh {
		for _, a := range in.known[key[0]] {
			if a.ValidFrom == key[1] {
				out = append(out, a)
			}
		}
	}
	return out
}

func (in *areaImporter) row(l *line) error {
	if want := in.fields; len(l.cells) < want {
		in.reject(rowProblem(l.number, "fields", fmt.Sprintf("Dòng có %d ô, cần ít nhất %d (mã, tên, mã xã). Kiểm tra dấu phẩy và dấu nháy.", len(l.cells), want),
			fmt.Sprintf("The row has %d fields, at least %d are needed (code, name, parent_code). Look at the commas and quotes.", len(l.cells), want)))
		return nil
	}
	a := schema.Area{Code: l.get("code"), Level: schema.LevelVillage, Name: l.get("name"), Parent: l.get("parent_code"),
		ValidFrom: l.get("valid_from"), ValidTo: l.get("valid_to")}
	if code, vi, en := in.wrong(&a); code != "" {
		in.reject(rowProblem(l.number, code, vi, en))
		return nil
	}
	for i, have := range in.known[a.Code] {
		if code, vi, en := clash(have, a); code != "" {
			in.reject(rowProblem(l.number, code, vi, en))
			return nil
		}
		if have.ValidFrom != a.ValidFrom {
			continue
		}
		if have.ValidTo == a.ValidTo && have.Name == a.Name {
			in.Same++
			return nil
		}
		in.twoOfOneName(l.number, a)
		in.known[a.Code][i] = a
		in.fresh = append(in.fresh, [2]string{a.Code, a.ValidFrom})
		in.Changed++
		return nil
	}
	in.twoOfOneName(l.number, a)
	in.known[a.Code] = append(in.known[a.Code], a)
	in.fresh = append(in.fresh, [2]string{a.Code, a.ValidFrom})
	in.Added++
	return nil
}

// twoOfOneName warns of a village whose name another of the commune has at the same time.
func (in *areaImporter) twoOfOneName(line int, a schema.Area) {
	name := foldVillage(a.Name)
	for _, code := range sortedKeys(in.known) {
		for _, have := range in.known[code] {
			if code != a.Code && have.Parent == a.Parent && foldVillage(have.Name) == name && overlap(have, a) {
				in.Warnings = append(in.Warnings, rowProblem(line, "name_twice", fmt.Sprintf("Xã %s có hai thôn tên %s: %s và %s. Nếu là một thôn, sửa mã; nếu là hai, danh sách hộ phải ghi mã thôn.", a.Parent, a.Name, code, a.Code),
					fmt.Sprintf("The commune %s has two villages called %s: %s and %s. If they are one, correct the code; if not, lists of households have to give the code.", a.Parent, a.Name, code, a.Code)))
			}
		}
	}
}

func overlap(have, a schema.Area) bool {
	return (have.ValidTo == "" || a.ValidFrom < have.ValidTo) && (a.ValidTo == "" || have.ValidFrom < a.ValidTo)
}

// wrong looks at a row by itself.
func (in *areaImporter) wrong(a *schema.Area) (code, vi, en string) {
	_, now := in.national.At(a.Code, "")
	_, before := in.national.At(a.Code, endOfDistricts)
	switch {
	case !villageCode.MatchString(a.Code):
		return "code", fmt.Sprintf("Mã thôn %q không hợp lệ. Dùng chữ số, chữ cái, gạch; ví dụ 01969-03.", a.Code),
			fmt.Sprintf("The village code %q is not valid. Use digits, letters, dashes, such as 01969-03.", a.Code)
	case now || before:
		return "code_taken", fmt.Sprintf("Mã %s là mã hành chính của xã, huyện hoặc tỉnh. Đặt mã khác cho thôn.", a.Code),
			fmt.Sprintf("%s is the official code of a commune, district or province. Choose another for the village.", a.Code)
	case a.Name == "":
		return "name", "Thiếu tên thôn.", "The village has no name."
	case !isDay(a.ValidFrom) || !isDay(a.ValidTo) || (a.ValidFrom != "" && a.ValidTo != "" && a.ValidFrom >= a.ValidTo):
		return "validity", fmt.Sprintf("Thời hạn %q … %q sai. Viết ngày dạng 2026-07-01, ngày đầu trước ngày cuối.", a.ValidFrom, a.ValidTo),
			fmt.Sprintf("The period %q … %q is wrong. Write days as 2026-07-01, the first before the last.", a.ValidFrom, a.ValidTo)
	case !in.communeDuring(a):
		return "parent_unknown", fmt.Sprintf("Không có xã, phường, thị trấn mã %q trong thời gian đó. Sửa parent_code hoặc ngày.", a.Parent),
			fmt.Sprintf("There is no commune with the code %q at that time. Correct parent_code or the dates.", a.Parent)
	}
	return "", "", ""
}

func isDay(s string) bool {
	if s == "" {
		return true
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// communeDuring tells whether the parent is a commune on the first or the last day, or on the day before the reform.
func (in *areaImporter) communeDuring(a *schema.Area) bool {
	days := []string{"", a.ValidFrom, endOfDistricts}
	if a.ValidTo != "" {
		days = []string{lastDay(a.ValidTo), a.ValidFrom}
		if a.ValidFrom <= endOfDistricts && endOfDistricts < a.ValidTo {
			days = append(days, endOfDistricts)
		}
	} else if a.ValidFrom > endOfDistricts {
		days = []string{"", a.ValidFrom}
	}
	for _, day := range days {
		if p, ok := in.places.At(a.Parent, day); ok && p.Level == schema.LevelCommune {
			return true
		}
	}
	return false
}

// clash compares a row with one that has the code already. The same code, first day and commune is the same village: another
// name is a correction.
func clash(have, a schema.Area) (code, vi, en string) {
	same := have.ValidFrom == a.ValidFrom
	renamed := survey.FoldName(have.Name) != survey.FoldName(a.Name)
	if same && have.Parent != a.Parent || renamed && (!same || have.ValidTo != a.ValidTo) {
		return "code_reused", fmt.Sprintf("Mã %s đã cấp cho thôn %s (xã %s). Mã thôn chỉ cấp một lần: đặt mã khác.", a.Code, have.Name, have.Parent),
			fmt.Sprintf("The code %s belongs to the village %s (commune %s). A code is given once: choose another.", a.Code, have.Name, have.Parent)
	}
	if !same && overlap(have, a) {
		return "period_overlaps", fmt.Sprintf("Thời hạn của mã %s trùng với dòng có từ %q đến %q. Ghi ngày cuối (valid_to) cho dòng cũ trước.", a.Code, have.ValidFrom, have.ValidTo),
			fmt.Sprintf("The period of %s overlaps with the one from %q to %q. End the older row (valid_to) first.", a.Code, have.ValidFrom, have.ValidTo)
	}
	return "", "", ""
}

// importedAreas returns the areas that are not built in, by code and first day.
func (s *Store) importedAreas(ctx context.Context) (all []schema.Area, err error) {
	query := "SELECT code, level, name, unit_type, parent_code, valid_from, valid_to FROM area ORDER BY code, valid_from"
	err = s.View(ctx, func(tx *sql.Tx) error {
		return eachRow(ctx, tx, query, nil, func(rows *sql.Rows) error {
			var a schema.Area
			err := rows.Scan(&a.Code, &a.Level, &a.Name, &a.UnitType, &a.Parent, &a.ValidFrom, &a.ValidTo)
			all = append(all, a)
			return err
		})
	})
	return all, err
}

package schema

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
)

// Area types, by the legal type of the commune.
const (
	AreaRural = "rural"
	AreaUrban = "urban"
)

// Levels of an area.
const (
	LevelCountry  = "country"
	LevelProvince = "province"
	LevelDistrict = "district"
	LevelCommune  = "commune"
	LevelVillage  = "village"
)

// maxDepth bounds the way up from a village: village, commune, district, province, country.
const maxDepth = 8

// farFuture is the date "" stands for.
const farFuture = "9999-12-31"

// Area is one place during one period. Codes are used again for other places (01969 is a town until 2025-06-30 and a
// rural commune from 2025-07-01): the key of an area is its code and ValidFrom, and every question names a date.
//
// ValidFrom is the first day. ValidTo is exclusive: the first day on which the area is no more. areas.csv gives the
// same day as valid_to of the old and valid_from of the new rows. "" means without end: the old list does not say
// when its provinces, districts and communes began.
type Area struct {
	Code, Level, Name, UnitType, Parent, ValidFrom, ValidTo string
}

// Areas is the table of places. It is immutable and safe for concurrent use.
type Areas struct {
	rows     []Area
	byCode   map[string][]int32 // row numbers, newest period first
	once     sync.Once
	children map[string][]int32 // made when first asked for
}

// At returns the area with this code on a date (YYYY-MM-DD). The date "" stands for the far future: what is valid without end.
func (a *Areas) At(code, date string) (Area, bool) {
	if date == "" {
		date = farFuture
	}
	for _, i := range a.byCode[code] {
		if row := &a.rows[i]; row.on(date) {
			return *row, true
		}
	}
	return Area{}, false
}

func (a *Area) on(date string) bool {
	return a.ValidFrom <= date && (a.ValidTo == "" || date < a.ValidTo)
}

// Path returns the area and all above it on that date: village, commune, (district until 2025-06-30,) province. It is
// empty when there is no such area on that date.
func (a *Areas) Path(code, date string) []Area {
	var path []Area
	for code != "" && len(path) < maxDepth {
		at, ok := a.At(code, date)
		if !ok {
			break
		}
		path = append(path, at)
		code = at.Parent
	}
	return path
}

// Children returns the areas directly below, by code.
func (a *Areas) Children(code, date string) []Area {
	if date == "" {
		date = farFuture
	}
	a.once.Do(func() {
		a.children = make(map[string][]int32, len(a.rows)/8)
		for i := range a.rows {
			a.children[a.rows[i].Parent] = append(a.children[a.rows[i].Parent], int32(i))
		}
	})
	var out []Area
	for _, i := range a.children[code] {
		if a.rows[i].on(date) {
			out = append(out, a.rows[i])
		}
	}
	slices.SortFunc(out, func(x, y Area) int { return strings.Compare(x.Code, y.Code) })
	return out
}

// Below returns all areas below on that date, parents before children.
func (a *Areas) Below(code, date string) []Area {
	out := a.Children(code, date)
	for i := 0; i < len(out); i++ {
		out = append(out, a.Children(out[i].Code, date)...)
	}
	return out
}

// Provinces returns the provinces on a date, by code.
func (a *Areas) Provinces(date string) []Area { return a.Children("", date) }

// Len is the number of rows: a code counts once for each of its periods.
func (a *Areas) Len() int { return len(a.rows) }

// AreaType is "urban", "rural" or "" of the commune that the area is or lies in on that date. "" means unknown: an area
// above the commune, no such area, or a Đặc khu, whose type is set by hand.
func (a *Areas) AreaType(code, date string) string {
	for range maxDepth {
		at, ok := a.At(code, date)
		if !ok {
			return ""
		}
		if at.Level == LevelCommune {
			return at.Type()
		}
		if at.Level != LevelVillage {
			return ""
		}
		code = at.Parent
	}
	return ""
}

// Type is "urban", "rural" or "" by the commune's own legal type, never by its name; for a village ask Areas.AreaType.
func (a Area) Type() string {
	if a.Level != LevelCommune {
		return ""
	}
	switch a.UnitType {
	case "Phường", "Thị trấn":
		return AreaUrban
	case "Xã":
		return AreaRural
	}
	return ""
}

// With returns a table that also has these areas: villages, which no official list holds, or a newer list. A row with
// the code and ValidFrom of an older one takes its place.
func (a *Areas) With(extra []Area) (*Areas, error) {
	rows := make([]Area, 0, len(a.rows)+len(extra))
	replaced := make(map[[2]string]bool, len(extra))
	for _, e := range extra {
		replaced[[2]string{e.Code, e.ValidFrom}] = true
	}
	for _, row := range a.rows {
		if !replaced[[2]string{row.Code, row.ValidFrom}] {
			rows = append(rows, row)
		}
	}
	var problems Problems
	next := newAreas(append(rows, extra...))
	next.check("areas", len(rows), func(i int) int { return i - len(rows) + 1 }, &problems)
	if len(problems) > 0 {
		return nil, problems
	}
	return next, nil
}

// ParseRef splits "01969@2024-12-31" into code and date; without "@" the date is "".
func ParseRef(ref string) (code, date string) {
	code, date, _ = strings.Cut(ref, "@")
	return code, date
}

func newAreas(rows []Area) *Areas {
	a := &Areas{rows: rows, byCode: make(map[string][]int32, len(rows))}
	backing := make([]int32, len(rows)) // one array instead of one small slice a code
	for i := range rows {
		code := rows[i].Code
		if had := a.byCode[code]; had != nil {
			a.byCode[code] = append(had, int32(i))
			continue
		}
		backing[i] = int32(i)
		a.byCode[code] = backing[i : i+1 : i+1]
	}
	for _, list := range a.byCode {
		if len(list) > 1 {
			slices.SortFunc(list, func(x, y int32) int { return strings.Compare(rows[y].ValidFrom, rows[x].ValidFrom) })
		}
	}
	return a
}

var areaColumns = []string{"code", "level", "name", "unit_type", "parent_code", "valid_from", "valid_to"}

// readAreas reads areas.csv.
func readAreas(file string, data []byte, to *Problems) *Areas {
	rows := make([]Area, 0, bytes.Count(data, []byte{'\n'}))
	lines := make([]int, 0, cap(rows))
	readCSV(file, data, areaColumns, to, func(line int, r []string) {
		rows = append(rows, Area{r[0], r[1], r[2], r[3], r[4], r[5], r[6]})
		lines = append(lines, line)
	})
	a := newAreas(rows)
	a.check(file, 0, func(i int) int { return lines[i] }, to)
	return a
}

// check looks at the rows from number first on: overlapping periods, dates, levels, parents.
func (a *Areas) check(file string, first int, line func(int) int, to *Problems) {
	for i := first; i < len(a.rows); i++ {
		row := &a.rows[i]
		switch row.Level {
		case LevelCountry, LevelProvince, LevelDistrict, LevelCommune, LevelVillage:
		default:
			to.add(file, line(i), "value_unknown", row.Level, "country, province, district, commune, village")
		}
		if row.Code == "" || row.Name == "" {
			to.add(file, line(i), "key_missing", "code, name")
		}
		if !validPeriod(row.ValidFrom, row.ValidTo) {
			to.add(file, line(i), "validity", row.ValidFrom, row.ValidTo)
		}
		for _, j := range a.byCode[row.Code] {
			other := &a.rows[j]
			if int(j) < i && (other.ValidTo == "" || row.ValidFrom < other.ValidTo) && (row.ValidTo == "" || other.ValidFrom < row.ValidTo) {
				to.add(file, line(i), "code_twice", row.Code, line(int(j)))
			}
		}
		if row.Parent != "" && a.byCode[row.Parent] == nil {
			to.add(file, line(i), "parent_unknown", row.Parent, row.Code)
		}
	}
}

// readCSV calls row for each data row. Quoting is rare in these files, so a plain split comes first: areas.csv is read at
// every start of every command.
func readCSV(file string, data []byte, columns []string, to *Problems, row func(line int, fields []string)) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	if strings.Contains(text, `"`) {
		readQuotedCSV(file, text, columns, to, row)
		return
	}
	fields := make([]string, len(columns))
	for line := 1; text != ""; line++ {
		var record string
		record, text, _ = strings.Cut(text, "\n")
		record = strings.TrimSuffix(record, "\r")
		if record == "" {
			continue
		}
		if n := strings.Count(record, ",") + 1; n != len(columns) {
			to.add(file, line, "csv", "wrong number of columns")
			continue
		}
		for i := range fields {
			fields[i], record, _ = strings.Cut(record, ",")
		}
		if line == 1 {
			if !slices.Equal(fields, columns) {
				to.add(file, line, "csv", "columns must be "+strings.Join(columns, ","))
				return
			}
			continue
		}
		row(line, fields)
	}
}

func readQuotedCSV(file, text string, columns []string, to *Problems, row func(line int, fields []string)) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = len(columns)
	for n := 0; ; n++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		line, _ := r.FieldPos(0)
		switch {
		case err != nil:
			to.add(file, line, "csv", err)
			return
		case n == 0 && !slices.Equal(fields, columns):
			to.add(file, line, "csv", "columns must be "+strings.Join(columns, ","))
			return
		case n > 0:
			row(line, fields)
		}
	}
}

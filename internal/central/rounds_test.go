package central

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestARoundOfThePastNamesTheUnitOfThatTime(t *testing.T) {
	o := newOffice(t)
	round := NewRound{Area: "01969", Standard: "vn-2021", Questionnaire: "household/2026.1", From: "2024-09-01", To: "2024-12-14"}
	_, _, err := o.AddRound(o.ctx, "", round)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != "area_dates" || !strings.Contains(refusal.Text["vi"], "Mã 01969 vào 01/09/2024 là Thị trấn Phủ Thông") ||
		!strings.Contains(refusal.Text["vi"], "--area 01969@2024-12-31") {
		t.Fatalf("the unit of today in 2024: %v", err)
	}
	round.Area = "01969@2024-12-31"
	id, remarks, err := o.AddRound(o.ctx, "", round)
	if err != nil || len(remarks) != 0 {
		t.Fatalf("as it says: %v, %v", remarks, err)
	}
	if again, remarks, err := o.AddRound(o.ctx, "", round); err != nil || again == id || len(remarks) != 1 || remarks[0].Code != "round_twice" || !strings.Contains(remarks[0].Text["vi"], id) {
		t.Errorf("the same again: %v, %v, want another round and a remark naming %s", remarks, err, id)
	}
	for _, other := range []func(*NewRound){func(r *NewRound) { r.Kind = "regular" }, func(r *NewRound) { r.To = "2024-12-13" }, func(r *NewRound) { r.Area = "01975@2024-12-31" }} {
		r := round
		other(&r)
		if _, remarks, err := o.AddRound(o.ctx, "", r); err != nil || slices.ContainsFunc(remarks, func(r *Refusal) bool { return r.Code == "round_twice" }) {
			t.Errorf("%+v: %v, %v", r, remarks, err)
		}
	}
	for area, dates := range map[string][2]string{"063": {"2024-09-01", "2024-12-14"}, "01969": {"2025-06-01", "2025-12-14"}} {
		r := NewRound{Area: area, Standard: "vn-2021", Questionnaire: "household/2026.1", From: dates[0], To: dates[1]}
		if _, _, err := o.AddRound(o.ctx, "", r); err != nil {
			t.Errorf("%s in %v: %v", area, dates, err)
		}
	}
}

func TestAVillageIsCorrectedUnderItsCode(t *testing.T) {
	o := newOffice(t)
	header := "code,name,parent_code,valid_from,valid_to\n"
	one := func(row string) *AreaImport {
		t.Helper()
		done, err := o.ImportAreas(o.ctx, "", strings.NewReader(header+row))
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if done := one("01969-01,Bản Đúng,01969,2020-01-01,\n"); done.Changed != 1 || len(done.Rejected) != 0 {
		t.Errorf("another name: %+v", done)
	}
	if a, ok := o.Areas().At("01969-01", "2026-01-01"); !ok || a.Name != "Bản Đúng" {
		t.Errorf("now called %+v", a)
	}
	for row, code := range map[string]string{
		"01969-01,Bản Khác,01975,2020-01-01,\n":           "code_reused",
		"01969-01,Bản Khác,01969,2021-01-01,\n":           "code_reused",
		"01969-01,Bản Khác,01969,2020-01-01,2024-01-01\n": "code_reused",
		"01969-07,Bản Thiếu\n":                            "fields",
	} {
		if done := one(row); !slices.Equal(problemCodes(done.Rejected), []string{code}) {
			t.Errorf("%s: %+v, want %s", row, done, code)
		}
	}
	if done := one("01969-08,Thôn Đúng,01969,2020-01-01,\n01975-08,Thôn Đúng,01975,2020-01-01,\n"); done.Added != 2 || !slices.Equal(problemCodes(done.Warnings), []string{"name_twice"}) {
		t.Errorf("two of one name in a commune: %+v", done)
	}
}

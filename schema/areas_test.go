package schema

import (
	"bytes"
	"slices"
	"testing"
)

func TestEveryAreaRowIsLoaded(t *testing.T) {
	areas := Builtin().Areas
	data, err := Builtin().Bytes("areas")
	if err != nil {
		t.Fatal(err)
	}
	if rows := bytes.Count(bytes.TrimSpace(data), []byte("\n")); areas.Len() != rows || rows != 14149 {
		t.Errorf("%d areas loaded, the file has %d rows", areas.Len(), rows)
	}
	if old, now := len(areas.Provinces("2025-06-30")), len(areas.Provinces("2025-07-01")); old != 63 || now != 34 {
		t.Errorf("%d provinces until 2025-06-30 and %d after, want 63 and 34", old, now)
	}
	communes := 0
	for _, p := range areas.Provinces("2026-01-01") {
		communes += len(areas.Below(p.Code, "2026-01-01"))
	}
	if communes != 3321 {
		t.Errorf("%d communes in 2026, want 3321 (rules.md section 5)", communes)
	}
}

func TestACodeMeansAnotherPlaceAfterTheMerger(t *testing.T) {
	areas := Builtin().Areas
	for _, c := range []struct{ ref, name, unitType, areaType string }{
		{"01969@2024-12-31", "Phủ Thông", "Thị trấn", "urban"},
		{"01969@2025-06-30", "Phủ Thông", "Thị trấn", "urban"},
		{"01969@2025-07-01", "Phủ Thông", "Xã", "rural"},
		{"01969@2026-01-01", "Phủ Thông", "Xã", "rural"},
		{"01981@2024-12-31", "Vũ Muộn", "Xã", "rural"},
		{"01981@2026-01-01", "Vĩnh Thông", "Xã", "rural"},
		{"02014@2026-01-01", "Bạch Thông", "Xã", "rural"},
		{"19@2026-01-01", "Thái Nguyên", "Tỉnh", ""},
		{"19", "Thái Nguyên", "Tỉnh", ""},
		{"01969", "Phủ Thông", "Xã", "rural"},
	} {
		code, date := ParseRef(c.ref)
		area, ok := areas.At(code, date)
		if !ok || area.Name != c.name || area.UnitType != c.unitType || areas.AreaType(code, date) != c.areaType {
			t.Errorf("%s: got %+v (%v) %q, want %s %s %q", c.ref, area, ok, areas.AreaType(code, date), c.unitType, c.name, c.areaType)
		}
	}
	if _, ok := areas.At("06", "2025-07-01"); ok {
		t.Error("Bắc Kạn still exists on the day it was merged: valid_to is exclusive")
	}
	if _, ok := areas.At("063", "2026-01-01"); ok {
		t.Error("a district exists after 2025-07-01")
	}
}

func TestBachThongHadFourteenCommunesThatWentToFiveOthers(t *testing.T) {
	areas := Builtin().Areas
	old := areas.Children("063", "2024-12-31")
	if len(old) != 14 {
		t.Fatalf("district 063 has %d communes at the end of 2024, want 14", len(old))
	}
	now := map[string]bool{}
	for _, commune := range old {
		to, ok := "", false
		for _, s := range Builtin().Successions {
			if s.OldCode == commune.Code {
				to, ok = s.NewCode, true
			}
		}
		if !ok {
			t.Errorf("%s %s has no successor", commune.Code, commune.Name)
		}
		now[to] = true
	}
	if len(now) != 5 {
		t.Errorf("the 14 went to %d communes, want 5: %v", len(now), now)
	}
	if path := names(areas.Path("01975", "2024-12-31")); !slices.Equal(path, []string{"Vi Hương", "Bạch Thông", "Bắc Kạn"}) {
		t.Errorf("path of Vi Hương in 2024: %v", path)
	}
	if path := names(areas.Path("01969", "2026-01-01")); !slices.Equal(path, []string{"Phủ Thông", "Thái Nguyên"}) {
		t.Errorf("path of Phủ Thông in 2026: %v", path)
	}
}

func names(areas []Area) (out []string) {
	for _, a := range areas {
		out = append(out, a.Name)
	}
	return out
}

func TestVillagesAreAddedWithoutTouchingTheOldTable(t *testing.T) {
	areas := Builtin().Areas
	village := Area{Code: "01969-03", Level: LevelVillage, Name: "Nà Lầu", UnitType: "Thôn", Parent: "01969", ValidFrom: "2025-07-01"}
	more, err := areas.With([]Area{village})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := areas.At("01969-03", "2026-01-01"); ok {
		t.Error("the table it was made from changed")
	}
	if got := more.AreaType("01969-03", "2026-01-01"); got != AreaRural {
		t.Errorf("type of the village is %q, want that of its commune, rural", got)
	}
	if path := names(more.Path("01969-03", "2026-01-01")); !slices.Equal(path, []string{"Nà Lầu", "Phủ Thông", "Thái Nguyên"}) {
		t.Errorf("path of the village: %v", path)
	}
	if children := names(more.Children("01969", "2026-01-01")); !slices.Equal(children, []string{"Nà Lầu"}) {
		t.Errorf("villages of Phủ Thông: %v", children)
	}
	village.Name = "Nà Lầu 1"
	again, err := more.With([]Area{village})
	if err != nil || again.Len() != more.Len() {
		t.Errorf("a corrected row must take the place of the old: %d rows, %v", again.Len(), err)
	}
}

func TestAreasThatCannotBeAreRefused(t *testing.T) {
	for name, bad := range map[string]Area{
		"overlap":   {Code: "01969", Level: LevelCommune, Name: "x", UnitType: "Xã", Parent: "19", ValidFrom: "2026-01-01"},
		"no parent": {Code: "9-1", Level: LevelVillage, Name: "x", Parent: "99999"},
		"no level":  {Code: "9-1", Level: "hamlet", Name: "x", Parent: "01969"},
		"no name":   {Code: "9-1", Level: LevelVillage, Parent: "01969"},
		"dates":     {Code: "9-1", Level: LevelVillage, Name: "x", Parent: "01969", ValidFrom: "2026-02-30"},
		"backward":  {Code: "9-1", Level: LevelVillage, Name: "x", Parent: "01969", ValidFrom: "2026-02-01", ValidTo: "2026-01-01"},
	} {
		if _, err := Builtin().Areas.With([]Area{bad}); err == nil {
			t.Errorf("%s: %+v was accepted", name, bad)
		}
	}
}

func TestUnitTypeDecidesUrbanAndRuralNeverTheName(t *testing.T) {
	for unitType, want := range map[string]string{"Phường": AreaUrban, "Thị trấn": AreaUrban, "Xã": AreaRural, "Đặc khu": "", "": ""} {
		if got := (Area{Level: LevelCommune, Name: "Thị trấn Xã Phường", UnitType: unitType}).Type(); got != want {
			t.Errorf("%q: got %q, want %q", unitType, got, want)
		}
	}
}

func TestTheTwoListsOfEthnicGroupsAreNotMixed(t *testing.T) {
	list := Builtin().Codes["ethnic-groups"]
	if len(list.Codes) != 56 || list.Label("02", "vi") != "Tày" || list.Label("04", "vi") != "Hoa" || list.Label("99", "vi") != "99" {
		t.Errorf("%d groups, 02 %s, 04 %s", len(list.Codes), list.Label("02", "vi"), list.Label("04", "vi"))
	}
	for _, c := range list.Codes {
		if c.List != "1979" {
			t.Errorf("%s is of list %q", c.Value, c.List)
		}
	}
}

func BenchmarkReadAreas(b *testing.B) {
	data, err := Builtin().Bytes("areas")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var problems Problems
		readAreas("areas.csv", data, &problems)
	}
}

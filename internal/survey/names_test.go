package survey

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestFoldedNamesAreEqualWhereOnlySpellingDiffers(t *testing.T) {
	for _, same := range [][]string{
		{"Sĩ Bình", "Sỹ Bình", "SY  BINH", "sỹ bình"},
		{"Hoà", "Hòa", "HOA", "Hoa\u0300"},
		{"Xã  Đắk Lao", "xa dak lao", "XÃ ĐẮK LAO "},
		{"M'Nông", "M’Nông", "Mnông"},
		{"Lý Thị Mỹ", "Lí Thị Mĩ"},
		{"Nông Văn Páo", "  nông   văn  páo"},
	} {
		for _, s := range same[1:] {
			if FoldName(s) != FoldName(same[0]) {
				t.Errorf("%q folds to %q, %q to %q", s, FoldName(s), same[0], FoldName(same[0]))
			}
		}
	}
	for _, pair := range [][2]string{{"Thúy", "Thúi"}, {"Đặng Văn A", "Đặng Văn B"}, {"Hoa", "Hoan"}, {"Mai", "May"}} {
		if FoldName(pair[0]) == FoldName(pair[1]) {
			t.Errorf("%q and %q fold to one: %q", pair[0], pair[1], FoldName(pair[0]))
		}
	}
	if got := FoldName("Nguyễn Đức  Ý"); got != "nguyen duc y" {
		t.Errorf("folded: %q", got)
	}
}

func TestFoldingAFoldedNameChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("aăâbcdđeêghiklmnoôơpqrstuưvxyÀÁẢÃẠỲỴ '-.,123\u0300\u0301"))).Draw(t, "name")
		if once := FoldName(s); FoldName(once) != once {
			t.Fatalf("%q folds to %q, that to %q", s, once, FoldName(once))
		}
	})
}

func TestNamesAreSortedByGivenNameThenFamilyNameThenMiddle(t *testing.T) {
	want := []string{"Nguyễn Văn An", "Trần Văn An", "Hoàng Thị Ánh", "Nông Thị Bình", "Lý Thị Cúc", "Bàn Văn Dũng", "Bàn Văn Đức", "Dương A Páo", "Nông Văn Páo", "Nông Xuân Páo", "Mai"}
	want = append(want[:7:7], append([]string{"Mai"}, want[7:10]...)...)
	got := slices.Clone(want)
	slices.Reverse(got)
	SortNames(got, func(s string) string { return s })
	if !slices.Equal(got, want) {
		t.Errorf("sorted %q, want %q", got, want)
	}
}

func TestSortKeysOrderAsNamesCompare(t *testing.T) {
	names := []string{"Nông Văn Páo", "Nông Thị Páo", "Nông Páo", "Páo", "Đặng Thị Ánh", "Dặng Thị Anh", "Bàn Văn Đức", "Bàn Văn Dũng", "Hà Thị Ẩn", "Hà Thị Ân", "Lò An", "Lò Ăn", ""}
	for _, a := range names {
		for _, b := range names {
			byName, byKey := CompareNames(a, b), bytes.Compare(NameKey(a), NameKey(b))
			if byKey != 0 && byName*byKey < 0 {
				t.Errorf("%q and %q: names compare %d, keys %d", a, b, byName, byKey)
			}
		}
	}
}

func TestAnIdentityNumberTellsSexAndBirthYear(t *testing.T) {
	for text, want := range map[string]IDNumber{
		"006181001234": {"006", 1981, "female"}, "019081001234": {"019", 1981, "male"}, "019208001234": {"019", 2008, "male"},
		"019308001234": {"019", 2008, "female"},
	} {
		if got, ok := ParseIDNumber(text); !ok || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "09512345", "123456789", "106181001234", "00618100123", "0061810012345", "00618100123x", "006 18100123"} {
		if got, ok := ParseIDNumber(text); ok {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestDuplicateKeysMeetUnderAnotherSpelling(t *testing.T) {
	a := read(t, w(household(calm()).with(w{"head": "a", "m/a/id_number": "006186001234", "m/a/name": "Lý Thị Hoà", "m/a/birth": "1986-10-01"})))
	b := read(t, w{"m/z/name": "LÍ THỊ HÒA", "m/z/birth": "1986", "m/z/relation": "head", "m/z/id_number": "006 186 001 234"})
	meet := func(x, y []DuplicateKey) []string {
		var kinds []string
		for _, k := range x {
			if slices.Contains(y, k) {
				kinds = append(kinds, k.Kind)
			}
		}
		return kinds
	}
	got := meet(DuplicateKeys(a, "hn 01", "+84 912 345 678", "v1"), DuplicateKeys(b, "HN01", "0912.345.678", "v1"))
	if !slices.Equal(got, []string{"code", "phone", "id", "name"}) {
		t.Errorf("keys in common: %v, want code, phone, id, name", got)
	}
	if got := meet(DuplicateKeys(a, "", "", "v1"), DuplicateKeys(b, "", "123", "v2")); !slices.Equal(got, []string{"id"}) {
		t.Errorf("in another village: %v, want the identity number alone", got)
	}
	if got := DuplicateKeys(read(t, w{"m/z/name": "X"}), "", "", ""); len(got) != 0 {
		t.Errorf("keys of nearly nothing: %v", got)
	}
	if got := meet(PersonKeys(a, "a", "v1"), PersonKeys(b, "z", "v1")); !slices.Equal(got, []string{"id", "name"}) {
		t.Errorf("one person in two households: %v", got)
	}
}

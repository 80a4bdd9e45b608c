package central

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// family is what stands in a village after imports: the people of each household, by what is said of them.
func (o *office) family(village string) []string {
	o.t.Helper()
	known, err := o.knownHouseholds(o.ctx, []*listedHousehold{{village: village}})
	if err != nil {
		o.t.Fatal(err)
	}
	var out []string
	for _, k := range known {
		if k.village != village {
			continue
		}
		var people []string
		for _, p := range k.people {
			people = append(people, p.String()+" "+strings.Join(p.numbers, "/"))
		}
		slices.Sort(people)
		out = append(out, strings.Join(people, "; "))
	}
	slices.Sort(out)
	return out
}

func problemCodes(rows []RowProblem) (out []string) {
	for _, p := range rows {
		out = append(out, p.Code)
	}
	return out
}

func TestACorrectedListCorrectsTheSamePeople(t *testing.T) {
	header := "village,household,member,name,male,female,relation,id_number,class\n"
	head, wife := "01969-01,1,1,Nông Văn Thử,1962,,head,019062000001,poor\n", "01969-01,1,2,Hoàng Thị Mẫu,,1975,spouse,,poor\n"
	for name, c := range map[string]struct {
		first, then string
		want        []string
	}{
		"birth of the head, identity number": {header + head, header + strings.Replace(head, "1962", "1963", 1), []string{"Nông Văn Thử (1963) 019062000001"}},
		"birth of the head, no number": {strings.ReplaceAll(header+head+wife, "019062000001", ""), strings.ReplaceAll(header+strings.Replace(head, "1962", "1963", 1)+wife, "019062000001", ""),
			[]string{"Hoàng Thị Mẫu (1975) ; Nông Văn Thử (1963) "}},
		"birth of the wife":    {header + head + wife, header + head + strings.Replace(wife, "1975", "1976", 1), []string{"Hoàng Thị Mẫu (1976) ; Nông Văn Thử (1962) 019062000001"}},
		"spelling of the wife": {header + head + wife, header + head + strings.Replace(wife, "Mẫu", "Mận", 1), []string{"Hoàng Thị Mận (1975) ; Nông Văn Thử (1962) 019062000001"}},
		"spelling of the head": {strings.ReplaceAll(header+head+wife, "019062000001", ""), strings.ReplaceAll(header+strings.Replace(head, "Thử", "Thìn", 1)+wife, "019062000001", ""),
			[]string{"Hoàng Thị Mẫu (1975) ; Nông Văn Thìn (1962) "}},
		"a number of its own, names swapped in order": {header + head + wife, header + strings.Replace(wife, ",1,2,", ",1,1,", 1) + strings.Replace(head, ",1,1,", ",1,2,", 1),
			[]string{"Hoàng Thị Mẫu (1975) ; Nông Văn Thử (1962) 019062000001"}},
		"the poor and the near-poor are numbered apart": {header + head, header + "01969-01,1,1,Lý Văn Hai,1970,,head,,near_poor\n",
			[]string{"Lý Văn Hai (1970) ", "Nông Văn Thử (1962) 019062000001"}},
		"two heads of one name": {header + "01969-01,1,1,Lý Văn Hai,1970,,head,,poor\n01969-01,2,1,Lý Văn Hai,1985,,head,,poor\n", header + "01969-01,2,1,Lý Văn Hai,1986,,head,,poor\n",
			[]string{"Lý Văn Hai (1970) ", "Lý Văn Hai (1986) "}},
		"without numbers": {"village,name,birth,relation\n01969-01,Nông Văn Thử,1962,head\n01969-01,Hoàng Thị Mẫu,1975,spouse\n", "village,name,birth,relation\n01969-01,Nông Văn Thử,1962,head\n01969-01,Hoàng Thị Mẫu,1976,spouse\n",
			[]string{"Hoàng Thị Mẫu (1976) ; Nông Văn Thử (1962) "}},
		"the code comes later": {header + head, "village,code,member,name,male,female,relation\n01969-01,K1,1,Nông Văn Thử,1962,,head\n", []string{"Nông Văn Thử (1962) 019062000001"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.importList(c.first, HouseholdOptions{})
			done := o.importList(c.then, HouseholdOptions{})
			if diff := cmp.Diff(c.want, o.family("01969-01")); diff != "" || len(done.Rejected) > 0 {
				t.Errorf("rejected %v, people (-want +got):\n%s", done.Rejected, diff)
			}
			if again := o.importList(c.then, HouseholdOptions{}); again.Changes != 0 || again.Same != again.Households {
				t.Errorf("once more: %+v, want nothing new", again)
			}
		})
	}
}

func TestACorrectionIsCountedApart(t *testing.T) {
	o := newOffice(t)
	list := "village,household,member,name,male,female,relation,class\n01969-01,1,1,Nông Văn A,1960,,head,poor\n01969-01,2,1,Lý Văn B,1961,,head,poor\n"
	first := o.importList(list, HouseholdOptions{})
	if first.Added != 2 || first.Changed+first.Same+first.Corrected != 0 || len(first.Reclassed) > 0 {
		t.Errorf("the first time: %+v", first)
	}
	then := o.importList(strings.Replace(strings.Replace(list, "1960", "1959", 1), "1961,,head,poor", "1961,,head,near_poor", 1)+"01969-01,3,1,Triệu Văn C,1970,,head,poor\n", HouseholdOptions{})
	if then.Added != 1 || then.Changed != 2 || then.Same != 0 || then.Corrected != 1 {
		t.Errorf("one new, two corrected: %+v", then)
	}
	if len(then.Reclassed) != 1 || then.Reclassed[0].Head != "Lý Văn B" || then.Reclassed[0].From != "poor" || then.Reclassed[0].To != "near_poor" || then.Reclassed[0].Line != 3 {
		t.Errorf("the class that changed: %+v", then.Reclassed)
	}
	if again := o.importList(list, HouseholdOptions{}); again.Added != 0 || again.Changed != 2 || len(again.Reclassed) != 1 || again.Reclassed[0].To != "poor" {
		t.Errorf("and back: %+v", again)
	}
}

func TestWhatCouldBeTwoIsNotTaken(t *testing.T) {
	header := "village,household,code,member,name,birth,relation\n"
	for name, c := range map[string]struct{ first, then, code, says string }{
		"two households":         {header + "01969-01,1,,1,Lý Văn Hai,1970,head\n01969-01,2,,1,Lý Văn Hai,1970,head\n", header + "01969-01,9,,1,Lý Văn Hai,1970,head\n", "household_doubtful", "Lý Văn Hai (1970)"},
		"two people of one name": {header + "01969-01,1,K,,A,1970,head\n01969-01,1,K,,Lý Thị Hoa,1990,con\n01969-01,1,K,,Lý Thị Hòa,1995,con\n", header + "01969-01,1,K,,A,1970,head\n01969-01,1,K,,Lý Thị Hoa,1992,con\n", "member_doubtful", "Lý Thị Hòa (1995)"},
		"somebody else's number": {header + "01969-01,1,K,1,A,1970,head\n01969-01,1,K,2,Lý Thị Hoa,1990,con\n", header + "01969-01,1,K,1,A,1970,head\n01969-01,1,K,2,Bàn Văn Tư,1950,bố\n", "member_doubtful", "Lý Thị Hoa (1990)"},
		"another head":           {header + "01969-01,1,K,,Nông Văn Thử,1970,head\n", header + "01969-01,1,K,,Triệu Thị Mai,1950,head\n", "member_doubtful", "Nông Văn Thử (1970)"},
	} {
		o := newOffice(t)
		o.importList(c.first, HouseholdOptions{})
		before := o.family("01969-01")
		done := o.importList(c.then, HouseholdOptions{})
		if !slices.Contains(problemCodes(done.Rejected), c.code) || done.Households != 0 || done.Changes != 0 || !slices.Equal(before, o.family("01969-01")) {
			t.Errorf("%s: %+v", name, done)
			continue
		}
		at := slices.Index(problemCodes(done.Rejected), c.code)
		if text := done.Rejected[at].Text; !strings.Contains(text["vi"], c.says) || !strings.Contains(text["en"], c.says) {
			t.Errorf("%s: %v does not name %s", name, text, c.says)
		}
	}
}

func TestAnIdentityNumberInTwoHouseholdsIsAWarning(t *testing.T) {
	o := newOffice(t)
	list := "village,household,member,name,birth,relation,id_number\n01969-01,1,1,Nông Văn A,1960,head,019060000001\n01969-02,1,1,Lý Văn B,1961,head,019060000001\n01969-01,3,1,Triệu C,1970,head,12345\n"
	done := o.importList(list, HouseholdOptions{})
	if !slices.Equal(problemCodes(done.Warnings), []string{"id_number_twice", "id_number_form"}) || done.Households != 3 || len(done.Rejected) != 0 {
		t.Fatalf("got %+v", done)
	}
	if text := done.Warnings[0].Text["vi"]; !strings.Contains(text, "Nông Văn A") || !strings.Contains(text, "Lý Văn B") {
		t.Errorf("the warning names both: %s", text)
	}
	later := o.importList("village,household,member,name,birth,relation,id_number\n01969-02,7,1,Bàn Văn D,1960,head,019060000001\n", HouseholdOptions{Year: 2024})
	if !slices.Equal(problemCodes(later.Warnings), []string{"id_number_twice", "id_number_twice"}) || later.Households != 1 {
		t.Errorf("against earlier lists: %+v", later)
	}
}

func TestRowsWithoutAHouseholdNumberGoOnWithoutRelations(t *testing.T) {
	o := newOffice(t)
	list := "village,household,member,name,birth\n01969-01,1,1,A,1960\n01969-01,,2,B,1961\n01969-01,,3,C,1990\n01969-01,,1,D,1950\n,,2,E,1955\n"
	done := o.importList(list, HouseholdOptions{})
	if done.Households != 2 || done.Members != 5 || len(done.Rejected) != 0 {
		t.Fatalf("got %+v, want A, B, C and D, E", done)
	}
	if !slices.Equal(problemCodes(done.Warnings), []string{"head_missing", "head_missing"}) || done.NoClass != 2 {
		t.Errorf("neither a head nor a class: %+v", done)
	}
	if done = o.importList(list, HouseholdOptions{Class: "poor"}); done.NoClass != 0 {
		t.Errorf("with --class: %+v", done)
	}
}

func TestARowThatCannotBeReadHoldsBackItsNeighbours(t *testing.T) {
	o := newOffice(t)
	for name, c := range map[string]struct {
		rows string
		want int
	}{
		"in the middle":         {"01969-01,1,1,A,1960\n01969-01,1,2,B\xff,1961\n01969-01,1,3,C,1990\n01969-01,2,1,D,1950\n", 1},
		"at the start":          {"01969-01,1,1,A,1960\n01969-01,2,1,B\xff,1961\n01969-01,2,2,C,1990\n", 0},
		"of nobody known":       {"01969-01,1,1,A,1960\n01969-02,,2,C,1990\n", 0},
		"the next one is whole": {"01969-01,1,1,A,1960\n01969-01,1,2,B\xff,1961\n01969-01,2,1,C,1990\n", 1},
	} {
		if done := o.importList("village,household,member,name,birth\n"+c.rows, HouseholdOptions{}); done.Households != c.want {
			t.Errorf("%s: took %d households, want %d: %+v", name, done.Households, c.want, done.Rejected)
		}
	}
}

func TestAFileThatIsNoListSaysWhatOneIs(t *testing.T) {
	o := newOffice(t)
	wide := "\xff\xfe"
	for _, u := range utf16.Encode([]rune("Thôn,Họ và tên\n01969-01,A\n")) {
		wide += string([]byte{byte(u), byte(u >> 8)})
	}
	for text, c := range map[string]struct{ code, says string }{
		"PK\x03\x04 a workbook":         {"not_csv", "CSV UTF-8"},
		"\xd0\xcf\x11\xe0 an older one": {"not_csv", "CSV UTF-8"},
		wide:                            {"not_csv", "CSV UTF-8"},
		wide[2:]:                        {"not_csv", "CSV UTF-8"},
		"a,b\n1,2\n":                    {"header_missing", "id_number"},
		"name,birth\nA,1960\n":          {"columns", "Hộ số"},
	} {
		_, err := o.ImportHouseholds(o.ctx, "", strings.NewReader(text), HouseholdOptions{})
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Code != c.code || !strings.Contains(refusal.Text["vi"], c.says) || refusal.Text["en"] == "" {
			t.Errorf("%.20q: %v, want %s", text, err, c.code)
		}
	}
	if done := o.importList(ListSample, HouseholdOptions{}); done.Households != 1 || done.Members != 2 || len(done.Ignored)+len(done.Rejected)+len(done.Warnings) != 0 {
		t.Errorf("the sample: %+v", done)
	}
	index := headingIndex(householdHeadings)
	for _, c := range listColumns {
		vi, _, _ := strings.Cut(c.vi, ":")
		vi, _, _ = strings.Cut(vi, " (")
		if index[foldHeading(c.name)] != c.name || index[foldHeading(vi)] != c.name && index["="+strings.ToLower(vi)] != c.name {
			t.Errorf("%s, %s: listed and not understood", c.name, vi)
		}
	}
	if len(listColumns) != len(maps.Clone(householdHeadings)) {
		t.Errorf("%d columns listed, %d understood", len(listColumns), len(householdHeadings))
	}
}

func TestMessagesNameTheColumnAndTheWords(t *testing.T) {
	header := "village,household,member,name,birth,relation,class,ethnicity,Số nhân khẩu\n01969-01,1,1,A,1960,head,poor,,\n"
	for row, says := range map[string]string{
		"01969-01,1,2,B,1961,con,near_poor,,\n": "Hộ nghèo và Hộ cận nghèo",
		"01969-01,1,2,B,1961,head,,,\n":         "Cột quan hệ",
		"01969-01,1,2,B,1961,con,,Elf,\n":       "Cột dân tộc",
		"01969-01,1,2,B,1961,con,,,năm\n":       `Cột "Số nhân khẩu"`,
	} {
		o := newOffice(t)
		done := o.importList(header+row, HouseholdOptions{})
		if got := fmt.Sprint(done.Rejected); !strings.Contains(got, says) {
			t.Errorf("%s: %s does not say %s", row, got, says)
		}
	}
}

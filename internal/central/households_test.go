package central

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// memberList is a list of one row a member, as offices have them: a title above, the header again in the middle, merged
// cells, birth years under Nam and Nữ.
const memberList = `DANH SÁCH CHI TIẾT HỘ NGHÈO,,,,,,,,,,,
Thôn,Hộ số,Mã hộ,TT thành viên,Họ và tên,Nam,Nữ,Dân tộc,Quan hệ với chủ hộ,Tái nghèo,DTTC,Ghi chú
Nà Cáy,1,BT001,1,Nông Văn Thử,1962,,Tày,Chủ hộ,x,x,
Nà Cáy,1,BT001,2,Hoàng  Thị Mẫu,,1965,Nùng,Vợ/chồng,,,
Thôn,Hộ số,Mã hộ,TT thành viên,Họ và tên,Nam,Nữ,Dân tộc,Quan hệ với chủ hộ,Tái nghèo,DTTC,Ghi chú
Nà Cáy,1,BT001,3,Nông Văn Bé,12/03/2012,,Tày,Con,,,
Thôn Khuổi Bốc,2,,1,Triệu Thị Độc Thân,,1950,Dao,Chủ hộ,,,neo đơn
Khuổi Bốc,3,,1,Lý Văn Hai,1970,,Kinh,Chủ hộ,,,
,,,2,Lý Văn Ba,1999,,Kinh,Con,,,
`

func (o *office) importList(text string, options HouseholdOptions) *HouseholdImport {
	o.t.Helper()
	done, err := o.ImportHouseholds(o.ctx, "", strings.NewReader(text), options)
	if err != nil {
		o.t.Fatal(err)
	}
	return done
}

// values gives every live value of an interview or household by unit; ids of members as their order.
func (o *office) values(record string) map[string]string {
	o.t.Helper()
	out := map[string]string{}
	err := o.View(o.ctx, func(tx *sql.Tx) error {
		r := &reader{o.Store, o.ctx, tx, map[string]*row{}}
		if err := r.load(record); err != nil || r.rows[record] == nil {
			return errors.Join(err, fmt.Errorf("record %s is there: %v", record, r.rows[record] != nil))
		}
		records, err := r.restore([]*row{r.rows[record]})
		if err != nil {
			return err
		}
		records[record].EachUnit(func(unit string, heads []fieldsync.Head) {
			var said []string
			for _, h := range heads {
				said = append(said, string(h.Value))
			}
			out[unit] = strings.Join(said, " | ")
		})
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

func TestAListBecomesAClosedRoundWithMembers(t *testing.T) {
	o := newOffice(t)
	done := o.importList(memberList, HouseholdOptions{Year: 2025, Class: "poor", Number: "12/QĐ", Date: "2025-12-20"})
	if done.Households != 3 || done.Members != 6 || len(done.Rejected) != 0 || len(done.Rounds) != 1 || !slices.Equal(done.Ignored, []string{"Ghi chú"}) {
		t.Fatalf("got %+v, want 3 households of 6 members in one round, the column of notes unused", done)
	}
	household := importID("household", "01969-01\x00code\x00BT001", "")
	interview := fieldsync.InterviewID(done.Rounds[0], household)
	member := func(no string) string { return "m/" + importID("member", household, "no", "2025", no, "") + "/" }
	head, wife, child := member("1"), member("2"), member("3")
	want := map[string]string{".": `"active"`, "household": `"` + household + `"`, "round": `"` + done.Rounds[0] + `"`, "village": `"01969-01"`,
		"entered_from": `"list"`, "indigenous": `"yes"`, "head": `"` + strings.Split(head, "/")[1] + `"`,
		"decision/recognised": `{"class":"poor","date":"2025-12-20","number":"12/QĐ"}`,
		"prior_class":         `{"class":"not_poor","ever_near_poor":"unknown","ever_poor":"yes","since":"2025"}`,
		head + ".":            `"active"`, head + "name": `"Nông Văn Thử"`, head + "birth": `"1962"`, head + "sex": `"male"`, head + "relation": `"head"`, head + "ethnicity": `"02"`,
		wife + ".": `"active"`, wife + "name": `"Hoàng Thị Mẫu"`, wife + "birth": `"1965"`, wife + "sex": `"female"`, wife + "relation": `"spouse"`, wife + "ethnicity": `"07"`,
		child + ".": `"active"`, child + "name": `"Nông Văn Bé"`, child + "birth": `"2012-03-12"`, child + "sex": `"male"`, child + "relation": `"child"`, child + "ethnicity": `"02"`}
	if diff := cmp.Diff(want, o.values(interview)); diff != "" {
		t.Errorf("the interview has what the list has and nothing else (-want +got):\n%s", diff)
	}
	if got := o.values(household); got["household_code"] != `"BT001"` || got["village"] != `"01969-01"` {
		t.Errorf("the household: %v", got)
	}
	round, err := o.RoundDetail(o.ctx, done.Rounds[0])
	if err != nil || round.From != "2025-09-01" || round.To != "2025-12-14" || round.Standard != "vn-2021" || round.Area != "01969" {
		t.Errorf("the round of the list's year: %+v, %v", round, err)
	}
	if report, err := o.Rebuild(o.ctx, true); err != nil || !report.OK() {
		t.Errorf("rebuild --verify after the import: %+v, %v", report, err)
	}
}

func TestTheSameListAgainAddsNothingInWhateverForm(t *testing.T) {
	o := newOffice(t)
	options := HouseholdOptions{Year: 2025, Class: "poor"}
	if first := o.importList(memberList, options); first.Changes == 0 {
		t.Fatalf("the first time: %+v", first)
	}
	for name, text := range map[string]string{
		"as it was":         memberList,
		"decomposed":        norm.NFD.String(memberList),
		"mark and CRLF":     "\ufeff" + strings.ReplaceAll(memberList, "\n", "\r\n"),
		"semicolons":        strings.ReplaceAll(memberList, ",", ";"),
		"double spaces":     strings.ReplaceAll(memberList, " ", "  "),
		"every row twice":   strings.ReplaceAll(memberList, "\nThôn Khuổi Bốc,2,,1,Triệu Thị Độc Thân,,1950,Dao,Chủ hộ,,,neo đơn", strings.Repeat("\nThôn Khuổi Bốc,2,,1,Triệu Thị Độc Thân,,1950,Dao,Chủ hộ,,,neo đơn", 2)),
		"one household now": strings.Join(strings.Split(memberList, "\n")[:4], "\n"),
	} {
		done := o.importList(text, options)
		if done.Changes != 0 || len(done.Rejected) != 0 || done.Households == 0 {
			t.Errorf("%s: got %+v, want nothing new", name, done)
		}
	}
}

func TestOneRowAHouseholdGivesItsHeadAndItsSize(t *testing.T) {
	o := newOffice(t)
	done := o.importList("village,family.hostName,family.code,family.hostGender,family.numberOfMembers,b1Point,b2Point,classify,date\n"+
		"01969-01,Nông Văn Một,BT9,Nam,5,135,30,Hộ nghèo,21/10/2025\n", HouseholdOptions{})
	household := importID("household", "01969-01\x00code\x00BT9", "")
	got := o.values(fieldsync.InterviewID(done.Rounds[0], household))
	for unit, want := range map[string]string{"household_size": "5", "b1_score": "135", "review_date": `"2025-10-21"`, "decision/recognised": `{"class":"poor"}`} {
		if got[unit] != want {
			t.Errorf("%s: got %s, want %s", unit, got[unit], want)
		}
	}
	if !slices.Equal(done.Ignored, []string{"b2Point"}) || done.Members != 1 {
		t.Errorf("got %+v, want one member, b2Point computed and not stored", done)
	}
}

func TestABadRowIsNamedAndItsHouseholdWaitsWhole(t *testing.T) {
	header := "village,household,member,name,male,female,relation,class,ethnicity\n"
	good := "01969-01,9,1,Người Tốt,1960,,head,poor,Tày\n"
	for code, row := range map[string]string{
		"village_unknown":   "Bản Không Có,1,1,A,1960,,head,poor,\n",
		"village_missing":   ",1,1,A,1960,,head,poor,\n",
		"household_missing": "01969-01,,1,A,1960,,child,poor,\n",
		"name_missing":      "01969-01,1,1,,1960,,head,poor,\n",
		"birth":             "01969-01,1,1,A,62,,head,poor,\n",
		"sex_twice":         "01969-01,1,1,A,1960,1960,head,poor,\n",
		"relation_unknown":  "01969-01,1,1,A,1960,,hàng xóm,poor,\n",
		"class_unknown":     "01969-01,1,1,A,1960,,head,giàu,\n",
		"ethnicity_unknown": "01969-01,1,1,A,1960,,head,poor,Elf\n",
		"member_twice":      "01969-01,9,1,B,1961,,child,poor,\n",
		"head_twice":        "01969-01,9,2,B,1961,,head,poor,\n",
		"class_differs":     "01969-01,9,2,B,1961,,child,near_poor,\n",
	} {
		o := newOffice(t)
		text := header + good + row
		if code == "household_missing" { // no household before it to go on with
			text = header + row + good
		}
		done := o.importList(text, HouseholdOptions{})
		var found []string
		for _, p := range done.Rejected {
			found = append(found, p.Code)
		}
		sameHousehold := strings.HasPrefix(row, "01969-01,9,")
		want, households := []string{code}, 1
		if sameHousehold {
			want, households = []string{"household_incomplete", code}, 0
		}
		if !slices.Equal(found, want) || done.Households != households {
			t.Errorf("%s: rejected %v and took %d households, want %v and %d", code, found, done.Households, want, households)
		}
		if code == "village_unknown" && !slices.Equal(done.Proposed, []ProposedVillage{{"Bản Không Có", "", 1}}) {
			t.Errorf("proposed villages: %v", done.Proposed)
		}
	}
}

func TestRowsAfterALostHouseholdDoNotFallToTheOneBefore(t *testing.T) {
	o := newOffice(t)
	done := o.importList("village,household,member,name,male,female,relation\n01969-01,1,1,A,1960,,head\nBản Lạ,2,1,B,1961,,head\n,,2,C,1990,,child\n", HouseholdOptions{})
	if done.Members != 1 || len(done.Rejected) != 2 {
		t.Errorf("got %+v, want A alone, B and C rejected", done)
	}
}

func TestAListNeverOverrulesAPerson(t *testing.T) {
	o := newOffice(t)
	list := "village,household code,member,name,male,female,relation\n01969-01,K1,1,Nông Văn A,1960,,head\n"
	done := o.importList(list, HouseholdOptions{})
	household := importID("household", "01969-01\x00code\x00K1", "")
	interview := fieldsync.InterviewID(done.Rounds[0], household)
	member := importID("member", household, "no", "2025", "1", "")
	unit := "m/" + member + "/name"
	_, err := o.Author(o.ctx, Act{Account: "cb01", Role: "board", Changes: []ActChange{{Record: interview, Kind: "interview", Op: fieldsync.OpEdit, Scope: "01969-01",
		Writes: []fieldsync.Write{{Unit: unit, Value: []byte(`"Nông Văn Ánh"`)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	again := o.importList(list, HouseholdOptions{})
	if again.Kept != 1 || again.Changes != 0 || o.values(interview)[unit] != `"Nông Văn Ánh"` {
		t.Errorf("got %+v and %s, want the board's spelling left alone", again, o.values(interview)[unit])
	}
	// A corrected list does replace what an earlier list wrote.
	corrected := o.importList(strings.Replace(list, "head\n", "head\n", 1)+"01969-01,K1,2,Nông Thị B,,1985,con\n", HouseholdOptions{})
	if corrected.Changes == 0 || corrected.Members != 2 {
		t.Errorf("a list with one member more: %+v", corrected)
	}
}

func TestTheMostMembersAndOneMore(t *testing.T) {
	for _, n := range []int{maxListMembers, maxListMembers + 1} {
		o := newOffice(t)
		text := "village,household code,member,name,male,female,relation\n"
		for i := range n {
			relation := "child"
			if i == 0 {
				relation = "head"
			}
			text += fmt.Sprintf("01969-01,K1,%d,Người Số %d,%d,,%s\n", i+1, i+1, 1940+i, relation)
		}
		done := o.importList(text, HouseholdOptions{})
		if ok := done.Members == n && len(done.Rejected) == 0; ok != (n == maxListMembers) {
			t.Errorf("%d members: %d taken, %d rejected", n, done.Members, len(done.Rejected))
		}
	}
}

package survey

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/schema"
)

// reasonFor is the reason given for one indicator, by the standard of 2021 in a rural commune.
func reasonFor(t *testing.T, h household, indicator, lang string) Reason {
	t.Helper()
	g := judgeOf(t, "vn-2021").Judge(read(t, w(h)), AreaRural, Options{Reasons: true, Lang: lang})
	for _, r := range g.Why {
		if r.Indicator == indicator {
			return r
		}
	}
	t.Fatalf("no reason for %s: %v", indicator, g.IndicatorMap())
	return Reason{}
}

func TestAnOpenVerdictIsToldByWhatIsReallyOpen(t *testing.T) {
	lan := household(calm())
	for _, c := range []struct {
		what, indicator string
		change          w
		vi, en          string
	}{
		{"the birth, uninsured", "health_insurance", w{"m/a/birth": nil, "m/a/health_insurance": "no"},
			"Chưa rõ ngày sinh của Nông Thị Lan nên chưa kết luận được.", "The date of birth of Nông Thị Lan is not known, so there is no conclusion yet."},
		{"a birth of a year on the line", "health_insurance", w{"m/a/birth": "2020", "m/a/health_insurance": "no"},
			"Chưa rõ ngày sinh của Nông Thị Lan nên chưa kết luận được.", "The date of birth of Nông Thị Lan is not known, so there is no conclusion yet."},
		{"the birth, without work", "employment", w{"m/a/birth": nil, "m/a/work": "unemployed"},
			"Chưa rõ ngày sinh của Nông Thị Lan nên chưa kết luận được.", "The date of birth of Nông Thị Lan is not known, so there is no conclusion yet."},
		{"the sex at 58, without work", "employment", w{"m/a/birth": "1968-03-01", "m/a/sex": nil, "m/a/work": "unemployed"},
			"Chưa rõ giới tính của Nông Thị Lan nên chưa kết luận được.", "The sex of Nông Thị Lan is not known, so there is no conclusion yet."},
		{"birth and sex, without work", "employment", w{"m/a/birth": nil, "m/a/sex": nil, "m/a/work": "unemployed"},
			"Chưa rõ ngày sinh và giới tính của Nông Thị Lan nên chưa kết luận được.", "The date of birth and the sex of Nông Thị Lan are not known, so there is no conclusion yet."},
		{"the day of review, uninsured", "health_insurance", w{"review_date": nil, "m/a/health_insurance": "no"},
			"Chưa có ngày rà soát nên chưa tính được tuổi của Nông Thị Lan.", "There is no day of review yet, so the age of Nông Thị Lan cannot be told."},
		{"the insurance", "health_insurance", w{"m/a/health_insurance": nil},
			"Chưa rõ Nông Thị Lan có thẻ bảo hiểm y tế hay không.", "It is not known yet whether Nông Thị Lan has health insurance."},
		{"birth and insurance", "health_insurance", w{"m/a/birth": nil, "m/a/health_insurance": nil},
			"Chưa rõ Nông Thị Lan có thẻ bảo hiểm y tế hay không.", "It is not known yet whether Nông Thị Lan has health insurance."},
		{"of somebody without a name", "health_insurance", w{"m/a/name": nil, "m/a/birth": nil, "m/a/health_insurance": "no"},
			"Chưa rõ ngày sinh của một thành viên nên chưa kết luận được.", "The date of birth of a member is not known, so there is no conclusion yet."},
	} {
		for lang, want := range map[string]string{"vi": c.vi, "en": c.en} {
			if got := reasonFor(t, lan.with(c.change), c.indicator, lang); got.Sentence != want || got.Verdict != Unknown {
				t.Errorf("%s: %v %q, want %q", c.what, got.Verdict, got.Sentence, want)
			}
		}
	}
	iv := contested(t, lan.with(w{"m/a/health_insurance": "no"}), map[string][]any{"m/a/birth": {"2019", "2022"}})
	g := judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{Reasons: true})
	told := false
	for _, r := range g.Why {
		told = told || (r.Indicator == "health_insurance" && r.Member == "a" && r.Sentence == "Chưa rõ ngày sinh của Nông Thị Lan nên chưa kết luận được.")
	}
	if !told {
		t.Errorf("a contested birth: %+v", g.Why)
	}
}

func TestAnOpenRosterIsToldByWhoIsMissing(t *testing.T) {
	gone := map[string]any{"s": "removed", "why": "died"}
	lan := household(calm())
	for _, c := range []struct {
		what   string
		change w
		vi, en string
	}{
		{"one of two", w{"household_size": 2}, "Nhà khai 2 người, mới ghi 1 người: còn 1 người chưa ghi.", "Stated in the household: 2; listed: 1; still to be listed: 1."},
		{"one of five", w{"household_size": 5}, "Nhà khai 5 người, mới ghi 1 người: còn 4 người chưa ghi.", ""},
		{"two where one was stated", w{"household_size": 1, "m/b/name": "Hoa", "m/b/birth": "1990-01-01", "m/b/health_insurance": "yes"}, "Nhà khai 1 người nhưng đã ghi 2 người: xem lại số người.", ""},
		{"a size that cannot be", w{"household_size": -1}, "Số người trong hộ ghi không đúng: nhập lại số người.", ""},
		{"all removed", w{"m/a/.": gone}, "Chưa ghi thành viên nào.", "No member is listed yet."},
		{"all removed of two", w{"m/a/.": gone, "household_size": 2}, "Chưa ghi thành viên nào.", ""},
	} {
		for lang, want := range map[string]string{"vi": c.vi, "en": c.en} {
			got := reasonFor(t, lan.with(c.change), "health_insurance", lang)
			if want != "" && got.Sentence != want {
				t.Errorf("%s: %q, want %q", c.what, got.Sentence, want)
			}
			if !slices.Equal(got.Undecided, []string{"household_size"}) {
				t.Errorf("%s: waits for %v, want household_size", c.what, got.Undecided)
			}
		}
	}
	for _, indicator := range []string{"dependents", "housing_area"} {
		if got := reasonFor(t, lan.with(w{"m/a/.": gone}), indicator, "vi"); got.Sentence != "Chưa ghi thành viên nào." {
			t.Errorf("%s of nobody: %q", indicator, got.Sentence)
		}
	}
	iv := contested(t, lan.with(w{"m/a/health_insurance": "no"}), map[string][]any{"m/a/.": {"active", gone}})
	for _, r := range judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{Reasons: true}).Why {
		if r.Indicator == "health_insurance" && r.Sentence != "Chưa thống nhất ai còn trong hộ." {
			t.Errorf("whether an uninsured member is still there: %q", r.Sentence)
		}
	}
	iv = contested(t, lan, map[string][]any{"household_size": {1, 3}})
	for _, r := range judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{Reasons: true}).Why {
		if r.Indicator == "health_insurance" && r.Sentence != "Chưa thống nhất nhà có mấy người." {
			t.Errorf("a contested size: %q", r.Sentence)
		}
	}
	empty := household{"review_date": "2026-10-01", "household_size": 3}
	if got := reasonFor(t, empty, "dependents", "vi"); got.Sentence != "Chưa ghi thành viên nào." {
		t.Errorf("dependents of a household of which nobody is listed: %q", got.Sentence)
	}
	if got := reasonFor(t, lan.with(w{"household_size": 2, "m/a/birth": nil, "m/a/health_insurance": "no"}), "health_insurance", "vi"); !strings.HasPrefix(got.Sentence, "Chưa rõ ngày sinh của Nông Thị Lan") || !slices.Contains(got.Undecided, "household_size") {
		t.Errorf("a birth and the roster: %q, waits for %v", got.Sentence, got.Undecided)
	}
	if got := reasonFor(t, lan.with(w{"household_size": 3}), "dependents", "vi"); got.Sentence != "Nhà khai 3 người, mới ghi 1 người: còn 2 người chưa ghi." {
		t.Errorf("dependents that wait for the roster alone: %q", got.Sentence)
	}
}

func TestTheSentencesReadAsPeopleSpeak(t *testing.T) {
	lan := household(calm())
	baby := w{"m/c/name": "Bé", "m/c/birth": "2026-03-01", "m/c/social_assistance": "no", "m/c/health_insurance": "yes"}
	for _, c := range []struct {
		indicator string
		change    w
		vi, en    string
	}{
		{"employment", w{"m/a/work": "unemployed"}, "Nông Thị Lan (40 tuổi) không có việc làm.", "Nông Thị Lan (aged 40) has no job."},
		{"employment", w{"m/a/work": "wage_no_contract"}, "Nông Thị Lan (40 tuổi) làm thuê không có hợp đồng lao động.", "Nông Thị Lan (aged 40) is hired without a labour contract."},
		{"nutrition", baby, "Chưa cân đo Bé (dưới 1 tuổi).", "Bé (under 1) has not been measured yet."},
		{"nutrition", w{"m/c/name": "Bé", "m/c/birth": "2024"}, "Chưa cân đo Bé (1–2 tuổi).", "Bé (aged 1–2) has not been measured yet."},
		{"nutrition", w{"m/c/name": "Bé", "m/c/birth": "2025"}, "Chưa cân đo Bé (dưới 2 tuổi).", "Bé (under 2) has not been measured yet."},
		{"nutrition", w{"m/c/name": "Bé"}, "Chưa cân đo Bé (chưa rõ tuổi).", "Bé (age not known) has not been measured yet."},
		{"adult_education", w{"m/a/birth": "2000-01-01", "m/a/degree": "none"}, "Nông Thị Lan (26 tuổi) hiện không đi học và chưa có bằng cấp phù hợp với tuổi.", "Nông Thị Lan (aged 26) is not in training and lacks the degree for that age."},
		{"dependents", w{"m/a/birth": nil}, "Chưa rõ trong 1 người có bao nhiêu người phụ thuộc.", "It is not known yet how many in this household of 1 person are dependents."},
		{"dependents", w{"m/a/birth": "2015-01-01"}, "1 trong 1 người là người phụ thuộc: trẻ em dưới 16 tuổi, người cao tuổi hoặc khuyết tật hưởng trợ cấp xã hội hằng tháng.",
			"Dependents: 1 of 1 person (children under 16, elderly or disabled people on monthly social assistance)."},
		{"housing_area", w{"house_area": 7.5}, "Nhà rộng 7,5 m² cho 1 người, dưới 8 m² một người.", "The house has 7.5 m² for 1 person, less than 8 m² each."},
	} {
		for lang, want := range map[string]string{"vi": c.vi, "en": c.en} {
			if got := reasonFor(t, lan.with(c.change), c.indicator, lang).Sentence; got != want {
				t.Errorf("%s with %v:\n%q, want\n%q", c.indicator, c.change, got, want)
			}
		}
	}
	iv := contested(t, lan, map[string][]any{"m/a/work": {"unemployed", "wage_no_contract"}})
	g := judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{Reasons: true})
	if want := "Nông Thị Lan (40 tuổi) không có việc làm, hoặc làm thuê không có hợp đồng lao động."; len(g.Why) != 1 || g.Why[0].Sentence != want {
		t.Errorf("while it is contested which of the two: %+v, want %q", g.Why, want)
	}
}

// classified is the answer to one household by the command.
func classified(t *testing.T, h household) (class string, indicators map[string]string, problems []Problem) {
	t.Helper()
	lines, failed := classify(t, line(t, w{"id": "1", "standard": "vn-2021", "area_type": "rural", "w": w(h)}), "vi")
	var got struct {
		Class      string
		Indicators map[string]string
		Problems   []Problem
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || failed != 0 {
		t.Fatal(err, failed, lines)
	}
	return got.Class, got.Indicators, got.Problems
}

func TestAStatusThatIsNoneOfItsWordsIsAProblemAndThePersonStays(t *testing.T) {
	for _, status := range []any{"removed", "gone", map[string]any{"state": "removed"}, map[string]any{"s": "died"}, 5, true, []string{"removed"}} {
		h := whole().with(w{"m/a/.": status, "m/a/health_insurance": "no"})
		_, indicators, problems := classified(t, h)
		if len(problems) != 1 || problems[0].Code != "status_form" || problems[0].Unit != "m/a/." || problems[0].Level != schema.LevelProblem {
			t.Errorf("classify with status %v: problems %v", status, problems)
		}
		if indicators["health_insurance"] != "yes" {
			t.Errorf("with status %v the member is not counted", status)
		}
		if got := found(t, h); !slices.Equal(got, []string{"status_form m/a/."}) {
			t.Errorf("check with status %v: %v", status, got)
		}
	}
	for _, status := range []any{"active", nil, map[string]any{"s": "active"}} {
		if _, _, problems := classified(t, whole().with(w{"m/a/.": status, ".": status})); len(problems) > 0 {
			t.Errorf("status %v: %v", status, problems)
		}
	}
	two := whole().with(w{"m/b/name": "Hoa", "m/b/.": map[string]any{"s": "removed", "why": "died"}})
	if _, _, problems := classified(t, two); len(problems) > 0 {
		t.Errorf("removed: %v", problems)
	}
	if _, _, problems := classified(t, whole().with(w{".": "gone"})); len(problems) != 1 || problems[0].Unit != "." {
		t.Errorf("a status of the interview that is no word: %v", problems)
	}
}

func TestAValueOutOfTheQuestionsRangeIsAProblemAndJudgedUnknown(t *testing.T) {
	for _, c := range []struct {
		unit            string
		value           any
		code, indicator string // the indicator that becomes unknown; "class": the class is undetermined
	}{
		{"house_area", -3, "out_of_range", "housing_area"},
		{"house_area", 10000.5, "out_of_range", "housing_area"},
		{"b1_score", -1, "out_of_range", "class"},
		{"b1_score", 5001, "out_of_range", "class"},
		{"household_size", -1, "out_of_range", "dependents"},
		{"household_size", 0, "out_of_range", "dependents"},
		{"household_size", 61, "out_of_range", "dependents"},
		{"household_size", 1e12, "out_of_range", "dependents"},
		{"m/a/residence", "away", "value_type", ""},
		{"m/a/residence", w{"v": "gone"}, "choice_unknown", ""},
		{"m/a/residence", w{"v": "away", "months": -1}, "out_of_range", ""},
		{"m/a/name", 5, "value_type", ""},
		{"m/a/relation", "aunt", "choice_unknown", ""},
		{"m/a/height_cm", 5, "out_of_range", ""},
		{"b1/3", -5, "out_of_range", ""},
		{"gps", w{"lat": 91, "lon": 105}, "out_of_range", ""},
		{"review_date", "2026-02-30", "date_form", ""},
		{"outcome", "gone", "choice_unknown", ""},
	} {
		class, indicators, problems := classified(t, whole().with(w{c.unit: c.value}))
		if len(problems) != 1 || problems[0].Code != c.code || problems[0].Unit != c.unit || strings.ContainsAny(problems[0].Message, "{}") {
			t.Errorf("%s = %v: problems %+v, want %s", c.unit, c.value, problems, c.code)
		}
		if got := indicators[c.indicator]; c.indicator == "class" && class != "undetermined" || c.indicator != "" && c.indicator != "class" && got != "unknown" {
			t.Errorf("%s = %v: class %s, %s %s; want unknown", c.unit, c.value, class, c.indicator, got)
		}
	}
	class, _, problems := classified(t, whole().with(w{"b1_score": nil, "income_per_capita": -5}))
	if class != "undetermined" || len(problems) != 1 || problems[0].Code != "out_of_range" || problems[0].Message != "Thu nhập bình quân (đồng một người một tháng): phải từ 0 đến 1.000.000.000. Nhập lại." {
		t.Errorf("income -5: %s, %+v", class, problems)
	}
	for unit, value := range map[string]any{"house_area": 10000, "b1_score": 0, "income_per_capita": 0, "m/a/residence": w{"v": "away", "months": 6, "reason": "work"},
		"gps": w{"lat": 22.1, "lon": nil}, "interest": "none", "m/a/ethnicity": "02", "m/a/open/birth": "dont_know", "notice": nil} {
		if _, _, problems := classified(t, whole().with(w{unit: value})); len(problems) > 0 {
			t.Errorf("%s = %v: %v", unit, value, problems)
		}
	}
}

func TestMoreThanSixtyMembersAreToldAndStillJudged(t *testing.T) {
	h := lacking(3)
	for i := range 60 {
		m := fmt.Sprintf("m/b%02d/", i)
		h = h.with(w{m + "birth": "1990-01-01", m + "sex": "male", m + "health_insurance": "yes"})
		class, _, problems := classified(t, h)
		if i < 59 && len(problems) > 0 {
			t.Fatalf("%d members: %v", i+2, problems)
		}
		if i == 59 && (class != "poor" || len(problems) != 1 || problems[0].Code != "members_limit" || problems[0].Message != "Hơn 60 người trong một hộ. Xem lại, có thể là hai hộ.") {
			t.Errorf("61 members: %s, %+v", class, problems)
		}
	}
	if _, _, problems := classified(t, h.with(w{"m/b07/.": map[string]any{"s": "removed"}})); len(problems) > 0 {
		t.Errorf("61 of whom one is gone: %v", problems)
	}
}

func TestAMemberOfTheLineThatNothingUsesIsAWarning(t *testing.T) {
	long := strings.Repeat("ế", 500)
	in := `{"id":"1","standard":"vn-2021","areatype":"rural","` + long + `":1,"w":{}}`
	for lang, want := range map[string]string{
		"vi": "Dòng có mục lạ “areatype” nên không dùng đến. Kiểm tra tên: id, standard, questionnaire, area_type, w.",
		"en": "The line has a member “areatype” that nothing uses. Check the name: id, standard, questionnaire, area_type, w.",
	} {
		lines, failed := classify(t, in+"\n", lang)
		var got struct{ Problems []Problem }
		if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || failed != 0 {
			t.Fatal(err, failed)
		}
		if len(got.Problems) != 2 || got.Problems[0].Code != "member_unknown" || got.Problems[0].Unit != "areatype" || got.Problems[0].Level != schema.LevelWarning || got.Problems[0].Message != want {
			t.Fatalf("problems %+v, want %q", got.Problems, want)
		}
		if len(got.Problems[1].Message) > 400 {
			t.Errorf("a name of 500 letters is told whole: %q", got.Problems[1].Message)
		}
	}
	many := `{"id":"1","standard":"vn-2021"`
	for i := range 100 {
		many += fmt.Sprintf(`,"x%d":1`, i)
	}
	lines, _ := classify(t, many+"}\n", "vi")
	if n := strings.Count(lines[0], "member_unknown"); n != maxStrange {
		t.Errorf("%d of 100 strange members are told, want %d", n, maxStrange)
	}
}

func TestEachCodeHasOneSentence(t *testing.T) {
	q := questionnaire()
	for _, k := range q.Kinds {
		for _, u := range k.Units {
			for _, c := range u.Constraints {
				if _, twice := messages[c.Code]; twice {
					t.Errorf("%s: the questionnaire's rule %s has the code of a problem worded in Go", u.Unit, c.Code)
				}
				if _, twice := q.Messages[c.Code]; twice {
					t.Errorf("%s: the rule %s has the code of one of the questionnaire's messages", u.Unit, c.Code)
				}
			}
		}
	}
	for code, m := range q.Messages {
		for lang, text := range m.Text {
			if own := messages[code].Text[lang]; own != text {
				t.Errorf("%s in %s: %q in the questionnaire, %q in Go", code, lang, text, own)
			}
		}
	}
	h := whole().with(w{"m/a/birth": "1800", "m/a/id_number": nil})
	if got := found(t, h); !slices.Equal(got, []string{"birth_too_old m/a/birth"}) {
		t.Errorf("born in 1800: %v", got)
	}
	iv := read(t, w(whole().with(w{"m/a/birth": "2030", "house_area": -3, "m/a/.": "gone"})))
	g := judgeOf(t, "vn-2021").Judge(iv, AreaRural, Options{Lang: "vi"})
	for _, p := range g.Problems {
		for _, c := range Check(q, iv, "vi") {
			if c.Code == p.Code && c.Unit == p.Unit && c.Message != p.Message {
				t.Errorf("%s %s is told as %q and as %q", p.Code, p.Unit, c.Message, p.Message)
			}
		}
	}
}

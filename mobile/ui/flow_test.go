package ui

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/internal/tablet"
)

func TestEnrolSaysWhatIsWrongAndThenWorks(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.open(sizes[0], "vi")
	srv := enrolServer(t, w.areas())
	p, ok := w.a.top().(*enrolPage)
	if !ok {
		t.Fatalf("first screen is %T, want the enrol page", w.a.top())
	}
	for _, c := range []struct{ base, code, want string }{
		{"", "", "enrol.missing"},
		{srv.URL, "AAAA-AAAA-AA", "sync.code.enrol_unknown"},
		{srv.URL, "OLDC-ODEX-XX", "sync.code.enrol_expired"},
		{"http://127.0.0.1:1", "K7QM-2XRT-9C", "sync.code.network"},
	} {
		p.base.SetText("")
		p.code.SetText("")
		test.Type(p.base, c.base)
		test.Type(p.code, strings.ToLower(c.code))
		w.tap("Đăng ký")
		if want := w.a.t(c.want, "base", c.base); p.says.text != want {
			t.Errorf("enrol at %q with %q says %q, want %q", c.base, c.code, p.says.text, want)
		}
	}
	p.base.SetText(srv.URL)
	p.code.SetText("k7qm-2xrt-9c")
	w.tap("Đăng ký")
	if id := w.store.Identity(); !id.Enrolled || id.Name != "Chị Lan" {
		t.Errorf("after enrolling the tablet works for %+v", id)
	}
	w.a.stopSync()
	w.settle()
	w.close()
}

// person fills the sheet of one person through the widgets.
func (w *world) person(name, sex, relation string, birth ...string) {
	w.tb.Helper()
	w.tap("Thêm người")
	w.typeIn("Họ và tên", name)
	w.choose("Giới tính", sex)
	w.typeIn("Ngày, tháng, năm sinh", birth...)
	w.choose("Quan hệ với chủ hộ", relation)
	w.a.back()
	w.settle()
}

// section goes to a section by tapping its line in the list of sections.
func (w *world) section(title string) {
	w.tb.Helper()
	if _, ok := w.a.top().(*formPage); !ok {
		w.a.back()
	}
	var found *button
	walk(w.a.frame, func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok && strings.Contains(b.label.text, ". "+title+" – ") {
			found = b
		}
	})
	if found == nil {
		w.tb.Fatalf("no section %q in %q", title, texts(w.a.frame))
	}
	test.Tap(found)
	w.settle()
}

func (w *world) newHousehold() {
	w.tap("Hộ mới")
	p := w.a.top().(*pickPage)
	for i, o := range p.found {
		if o.value == naAn {
			p.list.Select(i)
		}
	}
	w.settle()
	if _, ok := w.a.top().(*formPage); !ok {
		w.tb.Fatalf("after choosing a village the screen is %T", w.a.top())
	}
}

// record enters a household of four whose class is certain: on the income side and lacking in more than three indicators.
func (w *world) record() {
	w.tb.Helper()
	w.recordOn("Hôm nay, 12/10/2026")
}

func (w *world) recordOn(today string) {
	w.tb.Helper()
	w.section("Đến nhà")
	w.choose("Ngày rà soát", today)
	w.choose("Kết quả đến nhà", "Đã phỏng vấn")
	w.section("Nhà có mấy người")
	w.typeIn("Tổng số người trong hộ", "4")
	w.section("Từng người trong nhà")
	w.person("Lục Văn Thử", "Nam", "Chủ hộ", "", "", "1980")
	w.person("Hà Thị Nghiệm", "Nữ", "Vợ/chồng", "", "3", "1984")
	w.person("Lục Thị Mẫu", "Nữ", "Con", "24", "5", "2012")
	w.person("Lục Văn Út", "Nam", "Con", "2", "11", "2019")
	w.section("Bảo hiểm y tế, sức khỏe, chính sách")
	w.tap("Có thẻ bảo hiểm y tế còn hạn")
	w.tap("Cả nhà: không")
	w.a.back()
	w.section("Nhà ở")
	w.choose("Tường, vách", "Không bền chắc")
	w.choose("Cột, trụ", "Không bền chắc")
	w.typeIn("Diện tích nhà ở (m²)", "30,5")
	w.section("Nước, vệ sinh, rác")
	w.choose("Nguồn nước sinh hoạt chính", "Sông, suối, ao, hồ")
	w.choose("Nhà tiêu", "Không có")
	w.section("Điểm B1")
	w.typeIn("Tổng điểm B1", "120")
	w.section("Sinh kế và thu nhập")
	w.typeIn("Thu nhập bình quân (đồng một người một tháng)", "1.200.000")
}

func TestAHouseholdIsRecordedByTappingAndTyping(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.newHousehold()
	w.record()
	v := w.a.top().(*sectionPage).v
	for unit, want := range map[string]string{"house_area": "30.5", "income_per_capita": "1200000", "household_size": "4", "review_date": "2026-10-12", "water": "surface"} {
		if got := v.form.Value(unit).Text(); got != want {
			t.Errorf("%s = %q, want %q", unit, got, want)
		}
	}
	births := map[string]string{"Lục Văn Thử": "1980", "Hà Thị Nghiệm": "1984-03", "Lục Thị Mẫu": "2012-05-24", "Lục Văn Út": "2019-11-02"}
	for _, m := range v.form.Roster() {
		if m.Birth != births[m.Name] {
			t.Errorf("%s was born %q, want %q", m.Name, m.Birth, births[m.Name])
		}
	}
	if got := v.now.judged.Class; got != survey.Poor {
		t.Errorf("running class %s, want poor; undecided %q", got, v.now.judged.Undecided)
	}
	w.tap("Tạm tính: Hộ nghèo")
	all := strings.Join(texts(w.a.frame), "\n")
	for _, want := range []string{"Tạm tính, chưa phải kết quả công nhận.", "Điểm B1: 120 (chuẩn: không quá 140)", "Nguồn nước sinh hoạt chính không phải nước sạch.", "NĐ 07/2021/NĐ-CP, Điều 3, Phụ lục", "Chưa xác nhận"} {
		if !strings.Contains(all, want) {
			t.Errorf("the class page does not say %q; it says:\n%s", want, all)
		}
	}
	w.a.back()
	if n := v.form.Drafts(); n < 30 {
		t.Errorf("%d drafts after recording a household, want every answer", n)
	}
	w.kill()
	w.foundAfterwards()
}

// kill ends the program as a power cut would, as far as the store goes: nothing is closed or committed by the screens. The
// store itself must be closed so that the folder can be opened again; its drafts are on the disk already.
func (w *world) kill() {
	w.a.queue.wait()
	if err := w.store.Close(); err != nil {
		w.tb.Fatal(err)
	}
	w.a.cancel()
	w.win.Close()
}

// foundAfterwards starts the program again: it goes on where it stopped, and the household is found without accents.
func (w *world) foundAfterwards() {
	w.tb.Helper()
	w.open(sizes[2], "vi")
	p, ok := w.a.top().(*sectionPage)
	if !ok || p.section.ID != "income" {
		w.tb.Fatalf("after a restart the screen is %T, want the section that was open", w.a.top())
	}
	if got := w.fields("Thu nhập bình quân (đồng một người một tháng)")[0].Text; got != "1.200.000" {
		w.tb.Errorf("the income reads %q, want 1.200.000", got)
	}
	w.a.back()
	w.a.back()
	w.settle()
	work := w.a.top().(*workPage)
	var search *field
	walk(w.a.frame, func(o fyne.CanvasObject) {
		if f, ok := o.(*field); ok {
			search = f
		}
	})
	test.Type(search, "luc van thu")
	if len(work.rows) != 1 || work.rows[0].Head != "Lục Văn Thử" || work.rows[0].Members != 4 || work.rows[0].Class != survey.Poor {
		w.tb.Errorf("search finds %d rows: %+v", len(work.rows), work.rows)
	}
	if work.rows[0].Unsent == 0 || w.store.Unsent().Drafts != 0 {
		w.tb.Errorf("after leaving the form nothing is cut: row %+v, unsent %+v", work.rows[0], w.store.Unsent())
	}
	w.close()
}

func TestWhatIsTypedIsSavedWhenTheProgramGoesToTheBackground(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(0), thisRound, "housing")
	w.settle()
	f := w.fields("Diện tích nhà ở (m²)")[0]
	w.win.Canvas().Focus(f)
	test.Type(f, "41,5")
	w.a.background()
	w.settle()
	v := w.a.top().(*sectionPage).v
	if got := v.form.Value("house_area"); got.Text() != "41.5" || got.Draft {
		t.Errorf("house_area = %q, draft %v; want 41.5 cut into a change", got.Text(), got.Draft)
	}
	if w.store.Unsent().Changes != 1 {
		t.Errorf("unsent %+v, want one change", w.store.Unsent())
	}
	w.close()
}

func TestAProblemStandsAtItsQuestionAndOnTheListOfSections(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.settledHouse()
	w.a.openForm(id(0), thisRound, "size")
	w.settle()
	w.typeIn("Tổng số người trong hộ", "6")
	want := "Nhà nói 6 người"
	if all := strings.Join(texts(w.under("Tổng số người trong hộ").box), "\n"); !strings.Contains(all, want) {
		t.Errorf("at the question: %q, want %q", all, want)
	}
	w.a.back()
	if all := strings.Join(texts(w.a.frame), "\n"); !strings.Contains(all, "2. Nhà có mấy người – 1/1 · 1 chỗ sai") {
		t.Errorf("the list of sections does not show the problem:\n%s", all)
	}
	w.close()
}

func TestAFormIsCompleteOnlyWhenEverythingIsSettledOrGivenAReason(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.newHousehold()
	w.record()
	w.section("Đọc lại và kết thúc")
	v := w.a.top().(*sectionPage).v
	w.section("Nhà có mấy người")
	w.typeIn("Tổng số người trong hộ", "5")
	w.section("Đọc lại và kết thúc")
	if all := strings.Join(texts(w.a.frame), "\n"); !strings.Contains(all, "Nhà nói 5 người, mới ghi 4.") {
		t.Errorf("the end does not name what is open:\n%s", all)
	}
	w.tap("Nhà nói 5 người, mới ghi 4.")
	w.typeIn("Tổng số người trong hộ", "4")
	w.section("Đọc lại và kết thúc")
	w.tap("Phiếu đã xong")
	if got := v.form.Value("status").Text(); got != "complete" {
		t.Errorf("status %q, want complete", got)
	}
	w.close()
}

func TestAQuestionMayBeLeftOpenWithAReason(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(0), thisRound, "housing")
	w.settle()
	view := w.under("Mái")
	view.toggle()
	w.choose("Mái", "Không biết")
	if got := view.e.v.form.Value("open/house_roof").Text(); got != "dont_know" {
		t.Errorf("open/house_roof = %q, want dont_know", got)
	}
	if all := strings.Join(texts(view.box), "\n"); !strings.Contains(all, "Để lại: Không biết") {
		t.Errorf("the question does not say why it is open: %q", all)
	}
	w.choose("Mái", "Bền chắc")
	if got := view.e.v.form.Value("open/house_roof"); got.Value != nil {
		t.Errorf("open/house_roof = %s beside an answer", got.Value)
	}
	w.close()
}

func TestAConflictShowsAllValuesAndTheEnumeratorMaySayItAgain(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(2), thisRound, "water")
	w.settle()
	all := strings.Join(texts(w.a.frame), "\n")
	for _, want := range []string{"2 người trả lời khác nhau", "Nước máy – en0417", "Sông, suối, ao, hồ – en0522 (rà soát viên)"} {
		if !strings.Contains(all, want) {
			t.Errorf("the page does not say %q:\n%s", want, all)
		}
	}
	w.choose("Nguồn nước sinh hoạt chính", "Tôi xác nhận: Sông, suối, ao, hồ")
	a := w.a.top().(*sectionPage).v.form.Value("water")
	if a.Text() != "surface" || a.Conflict() {
		t.Errorf("water = %q, conflict %v", a.Text(), a.Conflict())
	}
	w.close()
}

func TestThousandsOfDongAndShortYearsAreAskedAbout(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(0), thisRound, "income")
	w.settle()
	income := "Thu nhập bình quân (đồng một người một tháng)"
	w.typeIn(income, "1500")
	w.choose(income, "Là nghìn đồng? Chạm để ghi 1.500.000 đồng")
	v := w.a.top().(*sectionPage).v
	if got := v.form.Value("income_per_capita").Text(); got != "1500000" {
		t.Errorf("income = %q, want 1500000", got)
	}
	v.goTo(v.q.Sections[3], "")
	w.tap("Vẫn ở đây")
	w.tap("Nông Văn Páo, Nam")
	w.typeIn("Ngày, tháng, năm sinh", "", "", "62")
	if got := v.form.Value("m/" + id(1000) + "/birth").Text(); got == "62" {
		t.Error("a year of two digits was saved")
	}
	w.choose("Ngày, tháng, năm sinh", "Năm 1962?")
	if got := v.form.Value("m/" + id(1000) + "/birth").Text(); got != "1962" {
		t.Errorf("birth = %q, want 1962", got)
	}
	w.close()
}

func TestWhoLeavesToLiveApartIsNotTypedAgain(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.settledHouse()
	w.a.openForm(id(0), thisRound, "roster")
	w.settle()
	w.tap("Vẫn ở đây")
	w.tap("Tách hộ")
	w.tap("Nông Thị Hường")
	w.tap("Tách hộ")
	w.tap("Đã hiểu")
	v := w.a.top().(*rosterPage).v
	if n := len(v.now.members()); n != 3 {
		t.Errorf("%d people are left, want 3", n)
	}
	w.a.back()
	w.a.back()
	w.settle()
	rows := w.store.Households(tablet.Filter{Text: "huong"})
	if !slices.ContainsFunc(rows, func(r *tablet.Row) bool { return r.Head == "Nông Thị Hường" && r.Members == 1 }) {
		t.Errorf("the new household is not in the list: %+v", rows)
	}
	w.close()
}

func TestTypedTextIsSavedAfterAPause(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(0), thisRound, "finish")
	w.settle()
	f := w.fields("Người trả lời")[0]
	saved := make(chan struct{})
	f.pause, f.do = time.Millisecond, func(save func()) {
		save()
		close(saved)
	}
	test.Type(f, "L")
	select {
	case <-saved:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was saved after the pause")
	}
	w.settle()
	if got := w.a.top().(*sectionPage).v.form.Value("respondent").Text(); got != "L" {
		t.Errorf("respondent = %q while its field is still in use, want L", got)
	}
	w.close()
}

func TestLanguageAndTextSizeAreKept(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(1)
	w.open(sizes[0], "")
	w.a.show(&settingsPage{})
	w.tap("English")
	w.tap("How many people live here? (22)")
	w.close()
	w.open(sizes[0], "")
	if got := w.a.frame.title.text; w.a.lang != "en" || w.a.textSize() != 22 {
		t.Errorf("after a restart: language %s, text %g, title %q", w.a.lang, w.a.textSize(), got)
	}
	w.close()
}

var wordUse = regexp.MustCompile(`\bt\("([a-z0-9_.]+)"`)

func TestEveryWordExistsInBothLanguages(t *testing.T) {
	for key, w := range words {
		if (w[0] == "") != (w[1] == "") {
			t.Errorf("%s: one language is missing", key)
		}
		marks := regexp.MustCompile(`\{[a-z]+\}`)
		if a, b := len(marks.FindAllString(w[0], -1)), len(marks.FindAllString(w[1], -1)); a != b {
			t.Errorf("%s: %d marks in Vietnamese, %d in English", key, a, b)
		}
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range wordUse.FindAllStringSubmatch(string(text), -1) {
			if _, ok := words[m[1]]; !ok && !strings.HasSuffix(m[1], ".") {
				t.Errorf("%s: no word %q", f.Name(), m[1])
			}
		}
	}
}

func TestTheVietnameseKeyboardsWayOfComposingIsTyped(t *testing.T) {
	w := newWorld(t)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(0), thisRound, "finish")
	w.settle()
	f := w.fields("Người trả lời")[0]
	w.win.Canvas().Focus(f)
	for _, step := range []struct {
		back int
		text string
	}{{0, "V"}, {0, "i"}, {0, "e"}, {1, "ê"}, {1, "ệ"}, {0, "t"}} { // V i e e j t in Telex
		for range step.back {
			f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace})
		}
		test.Type(f, step.text)
	}
	w.win.Canvas().Unfocus()
	w.settle()
	if got := w.a.top().(*sectionPage).v.form.Value("respondent").Text(); got != "Việt" {
		t.Errorf("respondent = %q, want Việt", got)
	}
	// A name that comes apart, letter and mark, is the same name.
	f.put("")
	test.Type(f, "Hu\u031bo\u031b\u0300ng")
	f.flush()
	w.settle()
	if got := w.a.top().(*sectionPage).v.form.Value("respondent").Value; string(got) != string(mustJSON(t, "Hường")) {
		t.Errorf("respondent = %s, want Hường in NFC", got)
	}
	w.close()
}

func mustJSON(t *testing.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package web_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// visitor is a browser without JavaScript.
type visitor struct {
	t    testing.TB
	base string
	*http.Client
}

func (w *world) serve() *httptest.Server {
	s := httptest.NewServer(w.server.Handler())
	w.t.Cleanup(s.Close)
	return s
}

func newVisitor(t testing.TB, base string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, base, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	status   int
	body, to string
	header   http.Header
}

func (v *visitor) do(method, path string, form url.Values) answer {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, v.base+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res.StatusCode, string(b), res.Header.Get("Location"), res.Header}
}

func (v *visitor) get(path string) answer { return v.do("GET", path, nil) }

func (v *visitor) post(path string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return v.do("POST", path, form)
}

// as signs in.
func (w *world) as(base, account string) *visitor {
	w.t.Helper()
	v := newVisitor(w.t, base)
	if a := v.post("/signin", "account", account, "password", password); a.status != http.StatusSeeOther {
		w.t.Fatalf("sign in as %s: status %d, %s", account, a.status, a.body)
	}
	return v
}

// pages are the addresses every reader's walk visits.
func (w *world) pages() []string {
	r := "/rounds/" + w.round
	return []string{"/rounds", r, r + "?area=01975", r + "?on=2025-07-01", r + "?area=02014&on=2025-07-01", r + "?area=01975&compare=type", r + "?area=01969&on=2025-07-01&compare=type", r + "?area=01975&compare=vn-2027",
		r + "/households?area=01975", r + "/households?area=01975-01&class=poor", r + "/households?area=01975&state=conflict", r + "/households?area=01975&q=nguyen",
		r + "/residents?area=01975", "/households/" + w.contested, "/households/" + w.hostile, "/conflicts", "/held", "/held/" + w.held.String(),
		"/villages", "/lists", "/accounts", "/accounts/new", "/accounts/en0417", "/devices", "/rounds/new", "/password"}
}

func TestEveryPageRendersInBothLanguagesWithTheDistrictsData(t *testing.T) {
	w := sharedWorld(t)
	s := w.serve()
	admin, board := w.as(s.URL, "quantri"), w.as(s.URL, "banchidao")
	for _, lang := range []string{"vi", "en"} {
		for _, v := range []*visitor{admin, board} {
			v.post("/language", "to", lang, "back", "/")
		}
		for _, path := range w.pages() {
			v := admin
			if path == "/conflicts" {
				v = board
			}
			a := v.get(path)
			if a.status != http.StatusOK {
				t.Errorf("%s in %s: status %d", path, lang, a.status)
				continue
			}
			check(t, lang+" "+path, lang, a.body)
		}
	}
}

// check holds of every page.
func check(t *testing.T, name, lang, body string) {
	t.Helper()
	if len(body) > 150_000 {
		t.Errorf("%s has %d bytes, more than 150 KB", name, len(body))
	}
	for _, must := range []string{`<html lang="` + lang + `">`, `<main id="main"`, `class="skip"`, "<h1>", "</html>"} {
		if !strings.Contains(body, must) {
			t.Errorf("%s lacks %s", name, must)
		}
	}
	for _, never := range []string{" style=", "<style", "onclick=", "javascript:", "%!", "<no value>", "<script>"} {
		if strings.Contains(body, never) {
			t.Errorf("%s contains %s", name, never)
		}
	}
	if strings.Count(body, "<table") != strings.Count(body, "<caption") {
		t.Errorf("%s has a table without a caption", name)
	}
}

func TestNamesFullOfMarkupAreShownAsText(t *testing.T) {
	w := sharedWorld(t)
	v := w.as(w.serve().URL, "banchidao")
	for _, path := range []string{"/households/" + w.hostile, "/rounds/" + w.round + "/households?area=01975&q=script"} {
		a := v.get(path)
		if !strings.Contains(a.body, "&lt;script&gt;alert") {
			t.Errorf("%s does not show the name at all", path)
		}
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img src=x") {
			t.Errorf("%s lets markup of an answer through", path)
		}
	}
}

func TestSensitiveAnswersAreHiddenUntilSomebodySaysWhy(t *testing.T) {
	w := newWorld(t, 60)
	v := w.as(w.serve().URL, "banchidao")
	path := "/households/" + w.contested
	head := w.find("01975", "poor", 0).Head()
	number := head.Answers["id_number"].(string)
	if a := v.get(path); strings.Contains(a.body, number) || strings.Contains(a.body, "Tày") {
		t.Fatalf("the page shows an identity number or an ethnic group unasked")
	}
	if a := v.post(path+"/reveal", "why", "x"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="x"`) {
		t.Errorf("a reason that says nothing: status %d", a.status)
	}
	if a := v.post(path+"/reveal", "why", "Đối chiếu thẻ căn cước"); a.status != http.StatusSeeOther {
		t.Fatalf("reveal: status %d, %s", a.status, a.body)
	}
	if a := v.get(path); !strings.Contains(a.body, number) {
		t.Errorf("the number is still hidden after a reason was given")
	}
	if a := v.get("/households/" + w.hostile); strings.Contains(a.body, w.find("01975", "not_poor", 0).Head().Answers["id_number"].(string)) {
		t.Errorf("one reason opened another household")
	}
	audits, err := w.store.Audits(context.Background(), 5)
	if err != nil || len(audits) == 0 || audits[0].Act != "household.sensitive" || audits[0].Actor != "banchidao" || audits[0].Object != w.contested || audits[0].Detail != "Đối chiếu thẻ căn cước" {
		t.Errorf("audit log: %+v, %v", audits, err)
	}
}

func TestSigningInAndOut(t *testing.T) {
	w := newWorld(t, 3)
	s := w.serve()
	v := newVisitor(t, s.URL)
	if a := v.get("/rounds?x=1"); a.status != http.StatusSeeOther || a.to != "/signin?next=%2Frounds%3Fx%3D1" {
		t.Fatalf("a page without sign-in: %d to %s", a.status, a.to)
	}
	if a := v.post("/signin", "account", "banchidao", "password", "sai mat khau roi"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "signin_wrong") ||
		!strings.Contains(a.body, `value="banchidao"`) || strings.Contains(a.body, "sai mat khau") {
		t.Errorf("a wrong password: %d, the name stays and the password does not", a.status)
	}
	if a := v.post("/signin?next=%2Frounds%3Fx%3D1", "account", "banchidao", "password", password); a.status != http.StatusSeeOther || a.to != "/rounds?x=1" {
		t.Fatalf("sign in: %d to %s", a.status, a.to)
	}
	if a := newVisitor(t, s.URL).post("/signin?next=https://example.org/", "account", "banchidao", "password", password); a.to != "/" {
		t.Errorf("sign in may not send people elsewhere, went to %s", a.to)
	}
	if a := v.get("/rounds"); a.status != http.StatusOK || !strings.Contains(a.body, "Ma Thị Ban") {
		t.Errorf("after sign-in: %d", a.status)
	}
	if a := v.post("/password", "old", password, "new", "một câu hoàn toàn khác", "again", "một câu khác"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "password_again") {
		t.Errorf("two different new passwords: %d", a.status)
	}
	if a := v.post("/password", "old", password, "new", "một câu hoàn toàn khác", "again", "một câu hoàn toàn khác"); a.status != http.StatusSeeOther {
		t.Errorf("change the password: %d %s", a.status, a.body)
	}
	if a := v.get("/rounds"); a.status != http.StatusOK || !strings.Contains(a.body, "Đã đổi mật khẩu") {
		t.Errorf("after the change one stays signed in and is told: %d", a.status)
	}
	if a := v.post("/signout"); a.status != http.StatusSeeOther {
		t.Errorf("sign out: %d", a.status)
	}
	if a := v.get("/rounds"); a.status != http.StatusSeeOther {
		t.Errorf("after sign-out: %d", a.status)
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	w := newWorld(t, 1)
	v := newVisitor(t, w.serve().URL)
	last := answer{}
	for range 8 {
		last = v.post("/signin", "account", "banchidao", "password", "đoán mò lần nữa")
	}
	if !strings.Contains(last.body, "signin_wait") {
		t.Errorf("after eight guesses: %d %s", last.status, last.body)
	}
}

func TestErrorsAreToldInTheVisitorsLanguage(t *testing.T) {
	w := sharedWorld(t)
	v := w.as(w.serve().URL, "banchidao")
	for _, lang := range []struct{ to, missing, forbidden string }{{"vi", "Không có trang này", "Bạn không được mở trang này"}, {"en", "There is no such page", "You may not open this page"}} {
		v.post("/language", "to", lang.to, "back", "/")
		for path, want := range map[string]string{"/nothing": lang.missing, "/households/0199c0de-0000-7000-8000-000000000001": lang.missing, "/rounds/new": lang.forbidden} {
			if a := v.get(path); !strings.Contains(a.body, want) || !strings.Contains(a.body, `<html lang="`+lang.to+`">`) {
				t.Errorf("%s in %s: %d\n%s", path, lang.to, a.status, a.body)
			}
		}
	}
}

func TestWhatAFormWasGivenStaysWhenSomethingIsWrong(t *testing.T) {
	w := sharedWorld(t)
	v := w.as(w.serve().URL, "quantri")
	a := v.post("/rounds", "name", "Đợt thử", "place", "999", "from", "2026-09-01", "to", "2026-08-01", "standard", "vn-2027", "questionnaire", "household/2026.1")
	for _, must := range []string{`value="Đợt thử"`, `value="999"`, "area_unknown", `value="vn-2027" selected`, `href="#place"`, `aria-invalid="true"`} {
		if !strings.Contains(a.body, must) {
			t.Errorf("the form lost %s (status %d)", must, a.status)
		}
	}
	a = v.post("/rounds/"+w.round+"/residents?area=01975", "as_of", "2024-11-01", "source", "Công an xã", "h-01975-01", "70", "p-01975-01", "12")
	if !strings.Contains(a.body, `value="70"`) || !strings.Contains(a.body, "persons_few") || a.status != http.StatusUnprocessableEntity {
		t.Errorf("fewer persons than households: %d", a.status)
	}
}

func TestResidentsRoundsAndAccountsCanBeEntered(t *testing.T) {
	w := newWorld(t, 5)
	v := w.as(w.serve().URL, "quantri")
	r := "/rounds/" + w.round
	if a := v.post(r+"/residents?area=02017", "as_of", "2024-11-01", "source", "Công an xã", "h-02017-01", "1.070", "p-02017-01", "4.112"); a.status != http.StatusSeeOther {
		t.Fatalf("enter residents: %d %s", a.status, a.body)
	}
	if a := v.get(r + "?area=02017"); !strings.Contains(a.body, "1.070") || !strings.Contains(a.body, "chưa nhập tổng số hộ dân cư") {
		t.Errorf("one village has its number, the commune has not all")
	}
	if a := v.post("/rounds", "name", "Đợt 2026", "kind", "periodic", "place", "02008", "from", "2026-09-01", "to", "2026-12-14", "standard", "vn-2027", "questionnaire", "household/2026.1"); a.status != http.StatusForbidden && a.status != http.StatusUnprocessableEntity && a.status != http.StatusSeeOther {
		t.Errorf("open a round: %d %s", a.status, a.body)
	}
	if a := v.post("/accounts", "account", "en0500", "name", "Đinh Thị Mới", "role", "enumerator", "areas", "01975-03, 01975-04"); a.status != http.StatusSeeOther {
		t.Fatalf("add an account: %d %s", a.status, a.body)
	}
	if a := v.post("/accounts", "account", "en0501", "name", "Ngoài địa bàn", "role", "enumerator", "areas", "00004"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "area_not_yours") {
		t.Errorf("an account elsewhere: %d", a.status)
	}
	if a := v.post("/accounts/en0500/enrol"); a.status != http.StatusOK || !strings.Contains(a.body, "bigcode") {
		t.Errorf("enrolment code: %d", a.status)
	}
	if a := v.post("/accounts/en0500/ungrant", "area", "01975-03", "how", "revoked"); a.status != http.StatusSeeOther {
		t.Errorf("revoke a grant: %d %s", a.status, a.body)
	}
	if a := v.get("/accounts/en0500"); !strings.Contains(a.body, "Đã thu hồi") {
		t.Errorf("the grant is not shown as revoked")
	}
	if a := v.post("/devices/1/revoke"); a.status != http.StatusSeeOther {
		t.Errorf("revoke a tablet: %d %s", a.status, a.body)
	}
}

func TestARoundSubmittedTwiceIsOneRound(t *testing.T) {
	w := newWorld(t, 5)
	v := w.as(w.serve().URL, "quantri")
	form := []string{"name", "Đợt thử", "kind", "periodic", "place", "063@2024-12-31", "from", "2024-09-01", "to", "2024-12-14", "standard", "vn-2021", "questionnaire", "household/2026.1"}
	first, second := v.post("/rounds", form...), v.post("/rounds", form...)
	if first.status != http.StatusSeeOther || second.status != http.StatusSeeOther || first.to != second.to {
		t.Errorf("two submits: %d %s, %d %s", first.status, first.to, second.status, second.to)
	}
	if n := strings.Count(v.get("/rounds").body, "Đợt thử"); n != 1 {
		t.Errorf("the list shows the round %d times", n)
	}
}

func TestAHeldChangeIsReleasedOnceWithAReason(t *testing.T) {
	w := newWorld(t, 30)
	v := w.as(w.serve().URL, "ban02014")
	path := "/held/" + w.held.String()
	if a := v.get("/held"); !strings.Contains(a.body, w.held.String()) {
		t.Fatalf("the list does not show the held change: %d", a.status)
	}
	if a := v.post(path+"/release", "release_why", ""); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", a.status)
	}
	if a := v.post(path+"/release", "release_why", "Chị Điều Tra làm thay tuần này"); a.status != http.StatusSeeOther {
		t.Fatalf("release: %d %s", a.status, a.body)
	}
	if a := v.post(path+"/refuse", "refuse_why", "Nghĩ lại, không nhận"); a.status != http.StatusNotFound {
		t.Errorf("a second decision: %d", a.status)
	}
	if a := w.as(w.serve().URL, "banchidao").get(path); a.status != http.StatusNotFound {
		t.Errorf("another commune sees it: %d", a.status)
	}
}

func TestARateOverAHundredPercentIsRefusedWithTheReason(t *testing.T) {
	w := newWorld(t, 60)
	v := w.as(w.serve().URL, "quantri")
	r := "/rounds/" + w.round
	sheet := v.get(r + "/residents?area=01975").body
	_, rest, _ := strings.Cut(sheet, `name="s-01975-01" value="`)
	seen, _, _ := strings.Cut(rest, `"`)
	v.post(r+"/residents?area=01975", "as_of", "2024-11-01", "source", "Nhập nhầm", "h-01975-01", "1", "p-01975-01", "3", "s-01975-01", seen)
	a := v.get(r + "?area=01975")
	if !strings.Contains(a.body, "Tỷ lệ trên 100 % không được tính") || !strings.Contains(a.body, "tổng số hộ dân cư là 1,") {
		t.Errorf("no word of the impossible rate")
	}
}

func TestTheOldDistrictIsNotASumOfNewCommunes(t *testing.T) {
	w := sharedWorld(t)
	a := w.as(w.serve().URL, "huyen").get("/rounds/" + w.round + "?on=2025-07-01")
	for _, must := range []string{"Đồng Thắng", "Dương Quang", "Xã Bạch Thông", "Xã Phong Quang", "Xã Vĩnh Thông", "chưa trọn"} {
		if !strings.Contains(a.body, must) {
			t.Errorf("the view by the units of 2025 does not name %s", must)
		}
	}
}

func TestPhuThongJudgedAsRuralCountsWhoChangesClass(t *testing.T) {
	w := sharedWorld(t)
	v := w.as(w.serve().URL, "huyen")
	r := "/rounds/" + w.round
	a := v.get(r + "?area=01969&compare=type")
	if !strings.Contains(a.body, "Nếu xét theo nông thôn") || !strings.Contains(a.body, "hộ đổi loại") {
		t.Errorf("the town judged as rural: %d", a.status)
	}
	if a := v.get(r + "?area=01969&on=2025-07-01&compare=type"); !strings.Contains(a.body, "Nếu xét theo nông thôn") || !strings.Contains(a.body, "loại đơn vị lúc rà soát") {
		t.Errorf("the new commune, of a town and three rural communes: %d", a.status)
	}
}

func TestTheFirstAdministratorIsMadeAtTheServerItselfAndOnlyOnce(t *testing.T) {
	w := empty(t, t.TempDir())
	defer w.store.Close()
	v := newVisitor(t, w.serve().URL)
	if a := v.get("/signin"); a.to != "/setup" {
		t.Fatalf("a fresh server: %d to %q", a.status, a.to)
	}
	far, err := http.NewRequest("GET", v.base+"/setup", nil)
	if err != nil {
		t.Fatal(err)
	}
	far.Header.Set("X-Forwarded-For", "192.0.2.7")
	res, err := v.Do(far)
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("set-up from elsewhere: %v, %v", res.StatusCode, err)
	}
	if a := v.post("/setup", "name", "Lý Thị Đầu", "account", "quantri", "areas", "19", "new", "ngắn", "again", "ngắn"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="Lý Thị Đầu"`) || !strings.Contains(a.body, "password_short") {
		t.Errorf("a short password: %d", a.status)
	}
	if a := v.post("/setup", "name", "Lý Thị Đầu", "account", "quantri", "areas", "19", "new", "một câu dễ nhớ", "again", "một câu dễ nhớ"); a.status != http.StatusSeeOther {
		t.Fatalf("set up: %d %s", a.status, a.body)
	}
	if a := v.get("/rounds"); a.status != http.StatusOK || !strings.Contains(a.body, "Lý Thị Đầu") || !strings.Contains(a.body, "Đã thiết lập") {
		t.Errorf("the first administrator is not signed in: %d", a.status)
	}
	if a := v.get("/setup"); a.status != http.StatusNotFound {
		t.Errorf("a second set-up: %d", a.status)
	}
}

func TestTwoClerksNeverOverwriteEachOthersResidentsUnseen(t *testing.T) {
	w := newWorld(t, 1)
	s := w.serve()
	sheet := "/rounds/" + w.round + "/residents?area=01975"
	seen := func(v *visitor) string {
		_, rest, _ := strings.Cut(v.get(sheet).body, `name="s-01975-01" value="`)
		dots, _, _ := strings.Cut(rest, `"`)
		return dots
	}
	first, second := w.as(s.URL, "banchidao"), w.as(s.URL, "huyen")
	old := seen(second)
	if a := first.post(sheet, "as_of", "2024-11-01", "source", "Công an xã", "h-01975-01", "71", "p-01975-01", "280", "s-01975-01", seen(first)); a.status != http.StatusSeeOther {
		t.Fatalf("the first clerk: %d %s", a.status, a.body)
	}
	a := second.post(sheet, "as_of", "2024-11-02", "source", "Sổ hộ", "h-01975-01", "69", "p-01975-01", "275", "s-01975-01", old)
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "71 hộ, 280 người") || !strings.Contains(a.body, `value="69"`) {
		t.Errorf("the second clerk had not seen the first's number: %d", a.status)
	}
	if a := second.post(sheet, "as_of", "2024-11-02", "source", "Sổ hộ", "h-01975-01", "69", "p-01975-01", "275", "s-01975-01", seen(second)); a.status != http.StatusSeeOther {
		t.Errorf("the second clerk insists: %d", a.status)
	}
	d, err := w.store.RoundDetail(context.Background(), w.round)
	if err != nil || d.Residents["01975-01"].Households != 69 || len(d.Record.Heads("residents/01975-01")) != 1 {
		t.Errorf("in the end: %+v, %v", d.Residents["01975-01"], err)
	}
}

// send posts a form with a file.
func (v *visitor) send(path, text string, pairs ...string) answer {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(pairs); i += 2 {
		if err := form.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	file, err := form.CreateFormFile("file", "list.csv")
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := file.Write([]byte(text)); err != nil {
		v.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		v.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", v.base+path, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res.StatusCode, string(b), res.Header.Get("Location"), res.Header}
}

func TestVillagesAndListsAreTakenFromFilesInOnesOwnAreaOnly(t *testing.T) {
	w := newWorld(t, 1)
	board := w.as(w.serve().URL, "banchidao")
	if a := board.send("/villages", "code,name,parent_code,valid_from,valid_to\n01975-77,Nà Mới,01975,2000-01-01,2025-07-01\n01975-78,,01975,,\n"); a.status != http.StatusOK || !strings.Contains(a.body, "1 thôn mới") || !strings.Contains(a.body, "Dòng 3") {
		t.Errorf("villages of the own commune: %d", a.status)
	}
	if a := board.send("/villages", "code,name,parent_code\n01978-77,Nà Xa,01978\n"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "area_not_yours") {
		t.Errorf("villages of another commune: %d", a.status)
	}
	list := "village,household code,member,name,male,female,relation,class\n01975-01,N1,1,Nông Văn Cũ,1960,,head,poor\n02014-01,N2,1,Bàn Thị Xa,,1971,head,poor\n"
	a := board.send("/lists", list, "year", "2023", "number", "12/QĐ-UBND", "date", "2023-12-15", "place", "01975@2024-12-31")
	if a.status != http.StatusOK || !strings.Contains(a.body, "1 hộ, 1 người") || !strings.Contains(a.body, "không thuộc địa bàn của bạn") {
		t.Errorf("a list with a household elsewhere: %d", a.status)
	}
	if a := board.send("/lists", list, "year", "hai nghìn"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="hai nghìn"`) {
		t.Errorf("a list of no year: %d", a.status)
	}
	admin := w.as(w.serve().URL, "quantri")
	if a := admin.post("/rounds/" + w.round + "/fill"); a.status != http.StatusSeeOther {
		t.Fatalf("fill the round: %d %s", a.status, a.body)
	}
	if a := admin.get("/rounds/" + w.round); !strings.Contains(a.body, "đã thêm 1 hộ") {
		t.Errorf("the round was not filled from the list")
	}
}

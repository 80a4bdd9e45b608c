package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

func TestWhatIsTypedWrongEndsWithStatusTwoAndTheWayOut(t *testing.T) {
	for _, args := range [][]string{{"nonsense"}, {"account", "add"}, {"round", "add", "--area", "01969"}, {"serve", "--port", "1"}, {}} {
		status, _, errOut := newDesk(t).try("", args...)
		if status != statusUsage || !strings.Contains(errOut, "server --help") {
			t.Errorf("%v: status %d, %q, want %d and a word on --help", args, status, errOut, statusUsage)
		}
	}
}

func TestEveryRefusalIsSaidInBothLanguages(t *testing.T) {
	d := newDesk(t)
	d.office()
	for code, args := range map[string][]string{
		"account_exists":  {"account", "add", "en01", "--role", "enumerator", "--area", "01969-01", "--name", "A"},
		"account_name":    {"account", "add", "Én", "--role", "enumerator", "--area", "01969-01", "--name", "A"},
		"role_unknown":    {"account", "add", "x1", "--role", "king", "--area", "01969-01", "--name", "A"},
		"phone":           {"account", "add", "x1", "--role", "board", "--area", "01969-01", "--name", "A", "--phone", "abc"},
		"area_dates":      {"round", "add", "--area", "01969", "--standard", "vn-2021", "--questionnaire", "household/2026.1", "--from", "2024-09-01", "--to", "2024-12-14"},
		"area_missing":    {"account", "add", "x1", "--role", "board", "--name", "A"},
		"area_unknown":    {"account", "grant", "en01", "--area", "063"}, // without a day: that district is no more
		"grant_unknown":   {"account", "revoke", "en01", "--area", "01969-02"},
		"account_unknown": {"enrol", "nobody"},
		"device_unknown":  {"device", "revoke", "77"},
		"file_missing":    {"area", "import", "không-có.csv"},
		"password_empty":  {"account", "password", "en01"},
	} {
		if code == "area_unknown" {
			args[len(args)-1] = "063@2026-01-01"
		}
		_, _, vi := d.try("", args...)
		status, _, en := d.try("", append([]string{"--lang", "en"}, args...)...)
		if status != statusFailed || !strings.Contains(vi, code) || !strings.Contains(en, code) || vi == en {
			t.Errorf("%v: status %d, %q, %q, want %s in two languages", args, status, vi, en, code)
		}
	}
}

func TestBadRowsAreNamedByLineAndTheRestIsIn(t *testing.T) {
	d := newDesk(t)
	d.do("", "area", "import", d.file("v.csv", villageFile))
	bad := d.file("bad.csv", "code,name,parent_code,valid_from,valid_to\n01969-05,Nà Tốt,01969,,\n01969-06,,01969,,\nX Y,Nà Sai,01969,,\n")
	status, out, errOut := d.try("", "area", "import", bad)
	if status != statusFailed || !strings.Contains(out, "Thêm 1 thôn") || !strings.Contains(errOut, bad+":3:") || !strings.Contains(errOut, bad+":4:") {
		t.Errorf("status %d\n%s%s", status, out, errOut)
	}
	if again := d.do("", "area", "import", d.file("v.csv", villageFile)); !strings.Contains(again, "Thêm 0 thôn") {
		t.Errorf("the same file again: %s", again)
	}
}

func TestAListIsImportedOnce(t *testing.T) {
	d := newDesk(t)
	d.do("", "area", "import", d.file("v.csv", villageFile))
	list := d.file("list.csv", "village,household,member,name,male,female,relation,class\n01969-01,1,1,Nông Văn A,1960,,head,poor\n01969-01,1,2,Nông Thị B,,1962,spouse,poor\nBản Lạ,2,1,C,1970,,head,poor\n")
	status, out, errOut := d.try("", "household", "import", list, "--year", "2025")
	if status != statusFailed || !strings.Contains(out, "1 hộ, 2 người") || !strings.Contains(errOut, list+":4:") || !strings.Contains(errOut, "Bản Lạ") {
		t.Errorf("status %d\n%s%s", status, out, errOut)
	}
	if _, out, _ = d.try("", "household", "import", list, "--year", "2025"); !strings.Contains(out, "0 dòng mới") {
		t.Errorf("again: %s", out)
	}
	if out := d.do("", "round", "list"); !strings.Contains(out, "2025-09-01") {
		t.Errorf("round list:\n%s", out)
	}
	d.do("", "rebuild", "--verify")
	d.do("", "rebuild")
}

func TestAnImportSaysWhatItChanged(t *testing.T) {
	d := newDesk(t)
	d.do("", "area", "import", d.file("v.csv", villageFile))
	head := "village,household,member,name,birth,relation,id_number,class\n"
	d.do("", "household", "import", d.file("a.csv", head+"01969-01,1,1,Nông Văn A,1960,head,019060000001,poor\n01969-01,2,1,Lý Văn B,1961,head,12,\n"), "--year", "2025")
	list := d.file("b.csv", head+"01969-01,1,1,Nông Văn A,1961,head,019060000001,near_poor\n01969-01,2,1,Lý Văn B,1961,head,12,\n")
	status, out, errOut := d.try("", "household", "import", list, "--year", "2025")
	for _, want := range []string{"Hộ mới 0, hộ sửa 1 (1 người), hộ không đổi 1", list + ":2: đổi loại: Hộ nghèo → Hộ cận nghèo: hộ Nông Văn A"} {
		if status != statusOK || !strings.Contains(out, want) {
			t.Errorf("status %d, %q, want %q", status, out, want)
		}
	}
	for _, want := range []string{"1 hộ không có loại hộ", list + ":3: cảnh báo:", "[id_number_form]"} {
		if !strings.Contains(errOut, want) {
			t.Errorf("%q, want %q", errOut, want)
		}
	}
	if help := d.do("", "household", "import", "--help"); !strings.Contains(help, "id_number") || !strings.Contains(help, "Hộ số") || !strings.Contains(help, "01969-01,1,2,Hoàng Thị Mẫu") {
		t.Errorf("the help does not list the columns with a sample:\n%s", help)
	}
}

func TestTheSameRoundTwiceIsRemarked(t *testing.T) {
	d := newDesk(t)
	first := d.office()
	status, out, errOut := d.try("", "round", "add", "--area", "063@2024-12-31", "--standard", "vn-2021", "--questionnaire", "household/2026.1", "--from", "2024-09-01", "--to", "2024-12-14")
	if status != statusOK || firstLine(out) == first || strings.TrimSpace(out) != firstLine(out) || !strings.Contains(errOut, first) {
		t.Errorf("status %d, %q, %q, want a new id alone and a warning that names %s", status, out, errOut, first)
	}
}

func TestABackupOpensAndIsNeverWrittenOver(t *testing.T) {
	d := newDesk(t)
	d.office()
	to := filepath.Join(t.TempDir(), "copy.db")
	if out := d.do("", "backup", "--to", to); !strings.Contains(out, "1 thay đổi") {
		t.Errorf("backup: %s", out)
	}
	if status, _, errOut := d.try("", "backup", "--to", to); status != statusFailed || !strings.Contains(errOut, "backup_exists") {
		t.Errorf("over an old one: status %d, %s", status, errOut)
	}
	// A backup is a whole store: put in a data folder it serves every command.
	other := &desk{t, t.TempDir()}
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other.data, "central.db"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := other.do("", "account", "list"); !strings.Contains(out, "Nông Thị Một") {
		t.Errorf("accounts of the copy:\n%s", out)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(t.TempDir(), "copy.age")
	d.do("", "backup", "--to", sealed, "--recipient", key.Recipient().String())
	f, err := os.Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := age.Decrypt(f, key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil || !bytes.HasPrefix(plain, []byte("SQLite format 3")) {
		t.Errorf("the decrypted copy begins with %.15q, %v", plain, err)
	}
	left, err := filepath.Glob(filepath.Join(d.data, ".backup-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("plain copies left behind: %v, %v", left, err)
	}
}

func TestClassifyAnswersEachLineAndFailsWithABadOne(t *testing.T) {
	good := `{"id":"1","standard":"vn-2021","area_type":"rural","w":{"review_date":"2026-10-01","income_per_capita":9000000}}` + "\n"
	var out, errOut bytes.Buffer
	if status := run(t.Context(), []string{"classify"}, strings.NewReader(good), &out, &errOut); status != statusOK || !strings.Contains(out.String(), `"not_poor"`) {
		t.Errorf("a good line: status %d, %s%s", status, out.String(), errOut.String())
	}
	out.Reset()
	status := run(t.Context(), []string{"classify", "--lang", "en"}, strings.NewReader("nonsense\n"+good), &out, &errOut)
	if status != statusFailed || strings.Count(out.String(), "\n") != 2 || !strings.Contains(out.String(), `"error"`) {
		t.Errorf("a bad line before it: status %d, %s", status, out.String())
	}
}

func TestCheckNamesFaultsByFileAndLine(t *testing.T) {
	var out, errOut bytes.Buffer
	if status := run(t.Context(), []string{"check"}, nil, &out, &errOut); status != statusOK || !strings.Contains(out.String(), "standards/vn-2027.yaml:") {
		t.Errorf("the built-in definitions: status %d\n%s%s", status, out.String(), errOut.String())
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../schema")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "standards", "vn-2027.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "nonsense: 1\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	errOut.Reset()
	if status := run(t.Context(), []string{"check", dir}, nil, &out, &errOut); status != statusFailed || !strings.Contains(errOut.String(), "standards/vn-2027.yaml:") {
		t.Errorf("a broken standard: status %d\n%s", status, errOut.String())
	}
}

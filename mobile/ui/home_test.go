package ui

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// TestFromTheCodeToTheCentralStore is the whole way through the screens against the real server: enrol by code, first sync,
// a household recorded without a network, sync again, and the central store has it with the same class.
func TestFromTheCodeToTheCentralStore(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.now = time.Now()
	home, err := central.Open(ctx, "sqlite:"+t.TempDir()+"/home.db", central.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { home.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = home.ImportAreas(ctx, "", strings.NewReader("code,name,parent_code,valid_from,valid_to\n01969-03,Thôn Nà Ản,01969,2025-07-01,\n01969-04,Thôn Khuổi Luông,01969,2025-07-01,\n"))
	must(err)
	from, to := w.now.AddDate(0, -1, 0).Format("2006-01-02"), w.now.AddDate(0, 1, 0).Format("2006-01-02")
	round, _, err := home.AddRound(ctx, "", central.NewRound{Name: "Rà soát thử", Kind: "periodic", Area: commune, Standard: "vn-2021", Questionnaire: "household/2026.1", From: from, To: to})
	must(err)
	must(home.AddAccount(ctx, "", central.NewAccount{Account: "en0417", Name: "Chị Lan", Role: "enumerator", Areas: []string{naAn, khuoi}}))
	code, _, err := home.NewEnrolCode(ctx, "", "en0417")
	must(err)
	srv := httptest.NewServer(fieldsync.NewHandler(home, fieldsync.HandlerOptions{}))
	t.Cleanup(srv.Close)

	w.ready()
	w.open(sizes[0], "vi")
	p := w.a.top().(*enrolPage)
	test.Type(p.base, srv.URL)
	test.Type(p.code, code)
	w.tap("Đăng ký")
	w.settle()
	w.tap("Danh sách hộ")
	srv.Config.SetKeepAlivesEnabled(false) // from here on there is no network until the next sync
	w.newHousehold()
	w.recordOn("Hôm nay, " + writeDate(w.now.Format("2006-01-02")))
	w.a.back()
	w.a.back()
	w.settle()
	w.tap("Đồng bộ (")
	w.tap("Đồng bộ ngay")
	w.settle()
	if w.a.syncs.failed {
		t.Fatalf("sync: %s", w.a.syncs.result)
	}
	if n := w.store.Unsent().Changes; n != 0 {
		t.Errorf("%d changes are still unsent", n)
	}
	rows, err := home.Households(ctx, central.HouseholdFilter{Round: round, Villages: []string{naAn, khuoi}})
	must(err)
	if len(rows) != 1 || rows[0].View.Class != survey.Poor || rows[0].View.Members != 4 || rows[0].Village != naAn {
		t.Errorf("the central store has %+v, want one poor household of four in %s", rows, naAn)
	}
	w.close()
}

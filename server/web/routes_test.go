package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/server/web"
)

// who of the test's people may use a route when it is asked for something inside Vi Hương; nobody else may. A route that is
// not here has no permission of its own: everybody who is signed in may use it.
var allowed = map[string]string{
	"GET /rounds":                        "quantri maychu huyen chutich banchidao truongthon en0417 en0900 ban02014",
	"GET /rounds/new":                    "quantri maychu huyen",
	"POST /rounds":                       "quantri maychu huyen",
	"GET /rounds/:round":                 "quantri maychu huyen chutich banchidao truongthon en0417",
	"POST /rounds/:round/fill":           "quantri maychu huyen",
	"GET /lists":                         "quantri maychu banchidao ban02014",
	"POST /lists":                        "quantri maychu banchidao ban02014",
	"GET /rounds/:round/residents":       "quantri huyen chutich banchidao",
	"POST /rounds/:round/residents":      "quantri huyen chutich banchidao",
	"GET /rounds/:round/households":      "quantri huyen chutich banchidao",
	"GET /households/:household":         "quantri huyen chutich banchidao truongthon en0417",
	"POST /households/:household/reveal": "quantri huyen chutich banchidao truongthon en0417",
	"GET /conflicts":                     "chutich banchidao ban02014",
	"GET /held":                          "quantri chutich banchidao ban02014",
	"GET /held/:dot":                     "quantri ban02014", // about a village of Dương Phong
	"POST /held/:dot/release":            "quantri ban02014",
	"POST /held/:dot/refuse":             "quantri ban02014",
	"GET /villages":                      "quantri maychu huyen chutich banchidao truongthon en0417 en0900 ban02014",
	"POST /villages":                     "quantri maychu banchidao ban02014",
	"GET /accounts":                      "quantri maychu banchidao ban02014",
	"GET /accounts/new":                  "quantri maychu",
	"POST /accounts":                     "quantri maychu",
	"GET /accounts/:account":             "quantri maychu banchidao",
	"POST /accounts/:account/grant":      "quantri maychu",
	"POST /accounts/:account/ungrant":    "quantri maychu",
	"POST /accounts/:account/password":   "quantri maychu",
	"POST /accounts/:account/disable":    "quantri maychu",
	"POST /accounts/:account/enable":     "quantri maychu",
	"POST /accounts/:account/enrol":      "quantri maychu banchidao",
	"GET /devices":                       "quantri maychu banchidao ban02014",
	"POST /devices/:device/revoke":       "quantri maychu banchidao",
}

// address fills a route's parameters with things of Vi Hương. Acts are sent without what they need, so that they are refused
// by the form and change nothing.
func (w *world) address(r web.RouteInfo) string {
	path := strings.NewReplacer(":round", w.round, ":household", w.contested, ":dot", w.held.String(), ":account", "en0418", ":device", "1").Replace(r.Path)
	switch r.Path {
	case "/rounds/:round", "/rounds/:round/residents", "/rounds/:round/households":
		return path + "?area=01975"
	}
	return path
}

func TestEveryRouteIsForItsRolesInTheirAreasOnly(t *testing.T) {
	w := newWorld(t, 30)
	s := w.serve()
	visitors := map[string]*visitor{}
	for _, p := range people {
		if p.Account != "en0418" { // the account the acts are about
			visitors[p.Account] = w.as(s.URL, p.Account)
		}
	}
	stranger := newVisitor(t, s.URL)
	var last []web.RouteInfo // acts that would take things away come last
	routes := web.Routes()
	for _, r := range routes {
		if r.Act == "" {
			continue
		}
		if strings.Contains(r.Path, "/:account/") || strings.Contains(r.Path, "/:device/") || strings.Contains(r.Path, "/:dot/") {
			last = append(last, r)
			continue
		}
		w.tryRoute(r, visitors, stranger)
	}
	for _, r := range last {
		w.tryRoute(r, visitors, stranger)
	}
	known := map[string]bool{}
	for _, r := range routes {
		known[r.Method+" "+r.Path] = true
	}
	for name := range allowed {
		if !known[name] {
			t.Errorf("the table names %s, which is no route", name)
		}
	}
}

func (w *world) tryRoute(r web.RouteInfo, visitors map[string]*visitor, stranger *visitor) {
	w.t.Helper()
	name := r.Method + " " + r.Path
	may, ok := allowed[name]
	if !ok {
		w.t.Errorf("%s is not in the table of who may", name)
	}
	path := w.address(r)
	if a := stranger.do(r.Method, path, nil); a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/signin") {
		w.t.Errorf("%s without sign-in: status %d to %q", name, a.status, a.to)
	}
	for account, v := range visitors {
		a := v.do(r.Method, path, nil)
		refused := a.status == http.StatusForbidden || a.status == http.StatusNotFound
		if want := strings.Contains(" "+may+" ", " "+account+" "); want == refused {
			w.t.Errorf("%s as %s (%s): status %d, want allowed %t", name, account, path, a.status, want)
		}
		if a.status >= 500 {
			w.t.Errorf("%s as %s: status %d", name, account, a.status)
		}
	}
}

func TestNobodyTakesOverAnAccountThatReachesFurther(t *testing.T) {
	w := sharedWorld(t)
	s := w.serve()
	board := w.as(s.URL, "banchidao")
	for _, account := range []string{"quantri", "maychu", "huyen", "en0900", "ban02014"} {
		for _, act := range []string{"", "/enrol"} {
			method := "GET"
			if act != "" {
				method = "POST"
			}
			if a := board.do(method, "/accounts/"+account+act, nil); a.status != http.StatusForbidden {
				t.Errorf("the board of one commune on %s%s: status %d", account, act, a.status)
			}
		}
	}
	admin := w.as(s.URL, "quantri")
	if a := admin.post("/accounts/maychu/password", "new", "một câu của kẻ khác"); a.status != http.StatusForbidden {
		t.Errorf("an administrator of a province sets the password of who runs the machine: status %d", a.status)
	}
	if a := admin.get("/accounts"); strings.Contains(a.body, "maychu") {
		t.Errorf("the list names an account out of reach")
	}
}

func TestPagesShowOnlyWhatLiesInTheVisitorsAreas(t *testing.T) {
	w := sharedWorld(t)
	s := w.serve()
	other := w.as(s.URL, "ban02014")
	r := "/rounds/" + w.round
	for path, want := range map[string]int{
		r + "?area=01975":                http.StatusForbidden,
		r + "/households?area=01975":     http.StatusForbidden,
		r + "/households?area=02014":     http.StatusOK,
		r + "/residents?area=01975":      http.StatusForbidden,
		"/households/" + w.contested:     http.StatusForbidden,
		r + "?area=063":                  http.StatusOK, // sums without names
		r:                                http.StatusOK,
		r + "/households":                http.StatusNotFound, // no area is no list
		r + "?area=02014&on=2025-07-01":  http.StatusOK,
		r + "?area=nowhere":              http.StatusForbidden,
		r + "/households?area=%27OR%271": http.StatusForbidden,
	} {
		if a := other.get(path); a.status != want {
			t.Errorf("%s: status %d, want %d", path, a.status, want)
		}
	}
	if a := other.get("/conflicts"); strings.Contains(a.body, "Tổng điểm B1") {
		t.Errorf("the list of conflicts shows another commune's")
	}
	village := w.as(s.URL, "truongthon")
	if a := village.get(r + "/households?area=01975-01"); a.status != http.StatusOK {
		t.Errorf("a village head reads his village: status %d", a.status)
	}
	if a := village.get(r + "/households?area=01975-02"); a.status != http.StatusForbidden {
		t.Errorf("a village head reads another village: status %d", a.status)
	}
}

package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// route is one page or act of the console with who may use it: the action, and where that is asked.
type route struct {
	method, path string
	act          survey.Action
	where        place
	serve        func(*visit) error
}

// place finds out whether the visitor may do act there. It answers errNotFound for what is not there, so that nobody learns
// from a refusal what exists elsewhere.
type place func(v *visit, act survey.Action) (bool, error)

// table is every route of the console. A test walks it for every role, inside and outside the areas.
var table = []route{
	{"GET", "/signin", "", anybody, signInPage},
	{"POST", "/signin", "", anybody, signIn},
	{"POST", "/language", "", anybody, setLanguage},
	{"GET", "/setup", "", firstStart, setupPage},
	{"POST", "/setup", "", firstStart, setUp},
	{"GET", "/", "", signedIn, home},
	{"POST", "/signout", "", signedIn, signOut},
	{"GET", "/password", "", signedIn, passwordPage},
	{"POST", "/password", "", signedIn, changePassword},

	{"GET", "/rounds", survey.ReadTotals, somewhere, roundsPage},
	{"GET", "/rounds/new", survey.ManageRound, somewhere, newRoundPage},
	{"POST", "/rounds", survey.ManageRound, somewhere, openRound},
	{"GET", "/rounds/:round", survey.ReadTotals, ofArea, totalsPage},
	{"POST", "/rounds/:round/fill", survey.ManageRound, ofRound, fillRound},
	{"GET", "/rounds/:round/residents", survey.EnterResidents, ofArea, residentsPage},
	{"POST", "/rounds/:round/residents", survey.EnterResidents, ofArea, enterResidents},
	{"GET", "/rounds/:round/households", survey.ReadHousehold, ofArea, householdsPage},
	{"GET", "/households/:household", survey.ReadHousehold, ofHousehold, householdPage},
	{"POST", "/households/:household/reveal", survey.ReadHousehold, ofHousehold, revealHousehold},

	{"GET", "/conflicts", survey.ResolveConflict, somewhere, conflictsPage},
	{"GET", "/held", survey.ReleaseHeld, somewhere, heldPage},
	{"GET", "/held/:dot", survey.ReleaseHeld, ofHeld, heldOnePage},
	{"POST", "/held/:dot/release", survey.ReleaseHeld, ofHeld, releaseHeld},
	{"POST", "/held/:dot/refuse", survey.ReleaseHeld, ofHeld, refuseHeld},

	{"GET", "/villages", survey.ReadTotals, somewhere, villagesPage},
	{"POST", "/villages", survey.ImportList, somewhere, importVillages},
	{"GET", "/lists", survey.ImportList, somewhere, listsPage},
	{"POST", "/lists", survey.ImportList, somewhere, importList},
	{"GET", "/accounts", survey.Enrol, somewhere, accountsPage},
	{"GET", "/accounts/new", survey.ManageAccounts, somewhere, newAccountPage},
	{"POST", "/accounts", survey.ManageAccounts, somewhere, addAccount},
	{"GET", "/accounts/:account", survey.Enrol, ofAccount, accountPage},
	{"POST", "/accounts/:account/grant", survey.ManageAccounts, ofAccount, grantArea},
	{"POST", "/accounts/:account/ungrant", survey.ManageAccounts, ofAccount, endGrant},
	{"POST", "/accounts/:account/password", survey.ManageAccounts, ofAccount, resetPassword},
	{"POST", "/accounts/:account/disable", survey.ManageAccounts, ofAccount, disableAccount},
	{"POST", "/accounts/:account/enable", survey.ManageAccounts, ofAccount, enableAccount},
	{"POST", "/accounts/:account/enrol", survey.Enrol, ofAccount, enrolCode},
	{"GET", "/devices", survey.Enrol, somewhere, devicesPage},
	{"POST", "/devices/:device/revoke", survey.Enrol, ofDevice, revokeDevice},
}

// routes mounts the console's pages. It runs once, after what every request passes (middleware.go).
func (s *Server) routes(e *echo.Echo) {
	views, err := newViews()
	if err != nil {
		panic("web: the pages built into this program cannot be read: " + err.Error()) // a test renders them all
	}
	s.views = views
	e.GET("/static/:hash/:name", views.serveStatic)
	e.GET("/favicon.ico", func(c echo.Context) error {
		return c.Redirect(http.StatusMovedPermanently, views.files["icon.svg"].url)
	})
	s.LargeBody("/lists", maxList)
	for _, r := range table {
		e.Add(r.method, r.path, s.guard(r))
	}
}

// guard asks the permission before a page runs.
func (s *Server) guard(r route) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := &visit{Context: c, s: s, lang: langOf(c)}
		var err error
		if v.user, err = s.Account.Who(c.Request().Context()); err != nil {
			return err
		}
		if _, err := c.Cookie(langCookie); err != nil && v.user != nil && slices.Contains(languages, v.user.Lang) {
			v.lang = v.user.Lang // until the person chooses another at this browser
		}
		c.Set(keyUser, v.user) // for the page that says what went wrong
		ok, err := r.where(v, r.act)
		switch {
		case errors.Is(err, errSignIn) && r.method == http.MethodGet:
			return c.Redirect(http.StatusSeeOther, query("/signin", "next", c.Request().URL.RequestURI()))
		case errors.Is(err, errSignIn):
			return c.Redirect(http.StatusSeeOther, "/signin")
		case err != nil:
			return notFound(err)
		case !ok:
			return echo.ErrForbidden
		}
		return notFound(r.serve(v))
	}
}

// keyUser keeps the visitor with the request.
const keyUser = "user"

var errSignIn = errors.New("nobody is signed in")

// notFound makes a 404 of what the store does not have.
func notFound(err error) error {
	for _, missing := range []error{central.ErrRoundMissing, central.ErrHouseholdUnknown, central.ErrAccountUnknown, central.ErrDeviceUnknown, central.ErrHeldGone} {
		if errors.Is(err, missing) {
			return echo.ErrNotFound
		}
	}
	return err
}

func langOf(c echo.Context) string {
	if k, err := c.Cookie(langCookie); err == nil && slices.Contains(languages, k.Value) {
		return k.Value
	}
	return languages[0]
}

// langCookie keeps the language a person chose.
const langCookie = "lang"

func anybody(*visit, survey.Action) (bool, error) { return true, nil }

func signedIn(v *visit, _ survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	return true, nil
}

// somewhere: in at least one area of the visitor's; the page itself shows and takes only what lies in these.
func somewhere(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	return v.canSomewhere(act), nil
}

// ofArea: in the area the address or the form names; without one, in one of the visitor's areas.
func ofArea(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	if area := v.FormValue("area"); area != "" {
		return v.can(act, area), nil
	}
	return v.canSomewhere(act), nil
}

func ofHousehold(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	areas, err := v.s.Store.HouseholdAreas(v.Request().Context(), v.Param("household"))
	if err != nil {
		return false, err
	}
	if len(areas) == 0 {
		return false, echo.ErrNotFound
	}
	return v.canAny(act, areas), nil
}

func ofHeld(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	dot, err := fieldsync.ParseDot(v.Param("dot"))
	if err != nil {
		return false, echo.ErrNotFound
	}
	h, err := v.s.Store.HeldChange(v.Request().Context(), dot)
	return err == nil && v.can(act, heldArea(&h)), err
}

// heldArea is where a held change is decided about: its village, or its replica's province when it names none.
func heldArea(h *central.HeldRow) string {
	if h.Village != "" {
		return h.Village
	}
	return h.Home
}

// ofAccount: in all areas of the account, so that nobody takes over an account that reaches further than the own one.
func ofAccount(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	a, err := v.s.Store.Account(v.Request().Context(), v.Param("account"))
	if err != nil {
		return false, err
	}
	return v.mayManage(act, a), nil
}

// mayManage asks in the areas the account has now, or had when it has none any more.
func (v *visit) mayManage(act survey.Action, a *central.Account) bool {
	areas := a.Live()
	for _, g := range a.Grants {
		if len(a.Live()) == 0 {
			areas = append(areas, g.Area)
		}
	}
	return v.canAll(act, areas)
}

func ofDevice(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	d, err := v.device()
	if err != nil {
		return false, err
	}
	a, err := v.s.Store.Account(v.Request().Context(), d.Account)
	return err == nil && v.mayManage(act, a), err
}

func (v *visit) device() (*central.DeviceInfo, error) {
	id, err := strconv.ParseInt(v.Param("device"), 10, 64)
	if err != nil {
		return nil, echo.ErrNotFound
	}
	all, err := v.s.Store.Devices(v.Request().Context(), "")
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, echo.ErrNotFound
}

package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
)

// visit is one request of a person: who asks, in which language, and how to answer.
type visit struct {
	echo.Context
	s    *Server
	user *account.User // nil before sign-in
	lang string
}

// Frame is what stands around every page.
type Frame struct {
	Title     string
	Path      string // of this page, to come back to
	OtherLang string
	Viewer    *viewer
	Nav       []navItem
	Trail     []crumb
	Problems  []problem // what is wrong with what was sent
	Done      string    // what has just been done
	Now       int64
}

// page is a Frame with the typed body of one template.
type page[T any] struct {
	Frame
	Body T
}

type viewer struct{ Name, Role string }

type navItem struct {
	Text, URL string // Text is a word's key
	Here      bool
}

type crumb struct{ Text, URL string }

// problem is one thing a person has to mend; Field is the id of the input it is about.
type problem struct{ Code, Field, Text string }

// problems are an error that keeps a form open.
type problems []problem

func (p problems) Error() string { return p[0].Text }

func (p problems) at(field string) string {
	for _, x := range p {
		if x.Field == field {
			return x.Text
		}
	}
	return ""
}

// field is one input of a form, with what was typed.
type field struct {
	Name, Label, Hint, Error string
	Kind                     string // "" text, number, long, select, or an input type
	Value, Auto              string
	Required                 bool
	Options                  []option
}

type option struct {
	Value, Text string
	Here        bool
}

// form is a whole form.
type form struct {
	Action, Submit, Cancel string
	Fields                 []field
	Danger, Upload         bool
}

// formBody is the body of a page that is one form.
type formBody struct {
	Heading, Lead, After string
	Form                 form
}

func (v *visit) t(key string, args ...any) string { return word(v.lang, key, args...) }

func (v *visit) n(n int64) string { return number(n, v.lang) }

// frame makes the frame of a page. menu is the path of the menu's entry the page belongs to.
func (v *visit) frame(title, menu string, trail ...crumb) Frame {
	f := Frame{Title: title, Path: v.Request().URL.RequestURI(), OtherLang: "en", Trail: trail, Now: v.s.Store.Now()}
	if v.Request().Method != http.MethodGet {
		f.Path = "/"
	}
	if v.lang == "en" {
		f.OtherLang = "vi"
	}
	if v.user == nil {
		return f
	}
	f.Viewer = &viewer{v.user.Name, v.user.Role}
	f.Done = v.s.Account.Sessions().PopString(v.Request().Context(), keyFlash)
	for _, item := range menuItems {
		if v.canSomewhere(item.act) {
			f.Nav = append(f.Nav, navItem{item.text, item.url, item.url == menu})
		}
	}
	return f
}

var menuItems = []struct {
	text, url string
	act       survey.Action
}{
	{"nav.rounds", "/rounds", survey.ReadTotals},
	{"nav.conflicts", "/conflicts", survey.ResolveConflict},
	{"nav.held", "/held", survey.ReleaseHeld},
	{"nav.villages", "/villages", survey.ReadTotals},
	{"nav.lists", "/lists", survey.ImportList},
	{"nav.accounts", "/accounts", survey.Enrol},
	{"nav.devices", "/devices", survey.Enrol},
}

// show answers with a page.
func show[T any](v *visit, status int, name string, f Frame, body T) error {
	b, err := v.s.views.render(v.lang, name, &page[T]{f, body})
	if err != nil {
		return err
	}
	return v.HTMLBlob(status, b)
}

// done redirects after something was done, and says so on the next page.
func (v *visit) done(to, said string) error {
	v.s.Account.Sessions().Put(v.Request().Context(), keyFlash, said)
	return v.Redirect(http.StatusSeeOther, to)
}

// Keys of a session's data besides package account's.
const (
	keyFlash  = "flash"
	keyReveal = "reveal." // + household: until when its sensitive answers are shown
)

// wrong turns an error into problems for the form that caused it; an error that is no person's fault comes back as it is.
func (v *visit) wrong(err error, field string) (problems, error) {
	var p problems
	var r *central.Refusal
	switch {
	case errors.As(err, &p):
		return p, nil
	case errors.As(err, &r):
		return problems{{r.Code, field, r.Text.In(v.lang)}}, nil
	case errors.Is(err, central.ErrChanged):
		return problems{{"changed", field, v.t("problem.changed")}}, nil
	}
	return nil, err
}

// fill puts what was typed, and what is wrong with it, into the fields.
func (v *visit) fill(f *form, wrong problems) {
	for i := range f.Fields {
		x := &f.Fields[i]
		if x.Kind != "password" && x.Kind != "file" {
			x.Value = v.FormValue(x.Name)
		}
		x.Error = wrong.at(x.Name)
		for j := range x.Options {
			x.Options[j].Here = x.Options[j].Value == x.Value
		}
	}
}

// choose marks the option that is chosen now.
func choose(options []option, value string) []option {
	for i := range options {
		options[i].Here = options[i].Value == value
	}
	return options
}

// can tells whether the visitor may do something in an area. An administrator without any area runs the machine: accounts,
// devices, rounds and villages everywhere, and sees no household.
func (v *visit) can(act survey.Action, area string) bool {
	if v.user == nil || area == "" {
		return false
	}
	path := v.s.Store.AreaPath(area)
	if survey.Can(v.user.Actor(), act, path) {
		return true
	}
	if v.runsMachine() {
		return slices.Contains(machineActs, act)
	}
	var granted [][]string
	for _, own := range v.user.Areas {
		granted = append(granted, v.s.Store.AreaPath(own))
	}
	return slices.ContainsFunc(v.s.Store.AreaRefs(area), func(ref string) bool {
		return survey.CanAbove(v.user.Actor(), act, ref, granted)
	})
}

// canGrant: in exactly the unit a grant names. Who has the old town may not give away the commune that bears its code now.
func (v *visit) canGrant(act survey.Action, ref string) bool {
	return v.user != nil && survey.Can(v.user.Actor(), act, v.s.Store.UnitPath(ref)) || v.runsMachine() && slices.Contains(machineActs, act)
}

func (v *visit) runsMachine() bool {
	return v.user != nil && survey.Role(v.user.Role) == survey.Admin && len(v.user.Areas) == 0
}

var machineActs = []survey.Action{survey.ManageAccounts, survey.ManageServer, survey.ManageRound, survey.ImportList, survey.Enrol, survey.ReadAudit, survey.ReadTotals}

func (v *visit) canSomewhere(act survey.Action) bool {
	return v.runsMachine() && slices.Contains(machineActs, act) ||
		v.user != nil && slices.ContainsFunc(v.user.Areas, func(a string) bool { return v.can(act, a) })
}

func (v *visit) canAll(act survey.Action, areas []string) bool {
	if len(areas) == 0 {
		return v.runsMachine() && slices.Contains(machineActs, act)
	}
	return !slices.ContainsFunc(areas, func(a string) bool { return !v.canGrant(act, a) })
}

func (v *visit) canAny(act survey.Action, areas []string) bool {
	return slices.ContainsFunc(areas, func(a string) bool { return v.can(act, a) })
}

// mine keeps of some areas those where the visitor may do something.
func (v *visit) mine(act survey.Action, areas []string) []string {
	return slices.DeleteFunc(slices.Clone(areas), func(a string) bool { return !v.can(act, a) })
}

// localPath accepts a path on this server to come back to, so that nobody is sent elsewhere.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n") {
		return "/"
	}
	return s
}

// whole reads a whole number as people type it: "1.425", "1 425", "1425".
func whole(s string) (int64, bool) {
	s = strings.NewReplacer(".", "", " ", "", " ", "", ",", "").Replace(strings.TrimSpace(s))
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n < 1e12
}

// today is the day in Viet Nam.
func (v *visit) today() string { return day(v.s.Store.Now()) }

func validDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// query makes a URL with parameters, leaving out empty ones.
func query(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// pager is the way through a long list.
type pager struct {
	Page, Pages int64
	Prev, Next  string
}

// cut returns the piece of a list the page shows. url gives the address of a page.
func cut[T any](list []T, wanted string, size int, url func(page string) string) ([]T, pager) {
	pages := max(1, (len(list)+size-1)/size)
	at, err := strconv.Atoi(wanted)
	if err != nil || at < 1 {
		at = 1
	}
	at = min(at, pages)
	p := pager{Page: int64(at), Pages: int64(pages)}
	if at > 1 {
		p.Prev = url(strconv.Itoa(at - 1))
	}
	if at < pages {
		p.Next = url(strconv.Itoa(at + 1))
	}
	return list[(at-1)*size : min(at*size, len(list))], p
}

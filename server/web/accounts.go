package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
)

type accountsBody struct {
	Count  int64
	CanAdd bool
	Rows   []accountRow
}

type accountRow struct {
	URL, Name, Account, Role, Areas, Phone string
	Disabled                               bool
}

func accountsPage(v *visit) error {
	all, err := v.s.Store.Accounts(v.Request().Context())
	if err != nil {
		return err
	}
	body := accountsBody{CanAdd: v.canSomewhere(survey.ManageAccounts)}
	for _, a := range all {
		if v.mayManage(survey.Enrol, a) {
			body.Rows = append(body.Rows, accountRow{"/accounts/" + a.Account, a.Name, a.Account, a.Role, v.areaNames(a.Live()), a.Phone, a.DisabledAt != 0})
		}
	}
	body.Count = int64(len(body.Rows))
	return show(v, http.StatusOK, "accounts", v.frame(v.t("nav.accounts"), "/accounts"), body)
}

func (v *visit) accountForm() form {
	roles := make([]option, 0, len(central.Roles))
	for _, r := range central.Roles {
		roles = append(roles, option{Value: r, Text: v.t("role." + r)})
	}
	return form{Action: "/accounts", Submit: v.t("accounts.add"), Cancel: "/accounts", Fields: []field{
		{Name: "account", Label: v.t("accounts.account"), Hint: v.t("accounts.account_hint"), Kind: "text", Auto: "off", Required: true},
		{Name: "name", Label: v.t("accounts.name"), Kind: "text", Auto: "off", Required: true},
		{Name: "role", Label: v.t("accounts.role"), Kind: "select", Options: roles},
		{Name: "areas", Label: v.t("accounts.areas"), Hint: v.t("accounts.areas_hint"), Kind: "text", Required: true},
		{Name: "phone", Label: v.t("accounts.phone"), Hint: v.t("accounts.phone_hint"), Kind: "tel"},
		{Name: "password", Label: v.t("accounts.password"), Hint: v.t("accounts.password_hint"), Kind: "password", Auto: "new-password"},
	}}
}

func newAccountPage(v *visit) error { return v.newAccount(http.StatusOK, nil) }

func (v *visit) newAccount(status int, wrong problems) error {
	f := v.accountForm()
	if wrong != nil {
		v.fill(&f, wrong)
	}
	frame := v.frame(v.t("accounts.add"), "/accounts", crumb{v.t("nav.accounts"), "/accounts"}, crumb{Text: v.t("accounts.add")})
	frame.Problems = wrong
	return show(v, status, "form", frame, formBody{Heading: v.t("accounts.add"), Form: f})
}

func addAccount(v *visit) error {
	ctx := v.Request().Context()
	a := central.NewAccount{Account: strings.TrimSpace(v.FormValue("account")), Name: v.FormValue("name"), Role: v.FormValue("role"), Phone: strings.TrimSpace(v.FormValue("phone")), Lang: v.lang,
		Areas: splitAreas(v.FormValue("areas"))}
	if wrong := v.areasNotMine(a.Areas); wrong != nil {
		return v.newAccount(http.StatusUnprocessableEntity, wrong)
	}
	if password := v.FormValue("password"); password != "" {
		err := account.CheckNew(a.Account, password)
		if err == nil {
			a.PasswordHash, err = account.Hash(password)
		}
		if err != nil {
			return v.accountRefused(err)
		}
	}
	if err := v.s.Store.AddAccount(ctx, v.user.Account, a); err != nil {
		return v.accountRefused(err)
	}
	return v.done("/accounts/"+a.Account, v.t("accounts.added", a.Name))
}

// splitAreas reads codes with commas, semicolons or spaces between them.
func splitAreas(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
}

// areasNotMine: an account may be given only what its maker may manage.
func (v *visit) areasNotMine(areas []string) problems {
	if len(areas) == 0 && !v.canAll(survey.ManageAccounts, nil) {
		return problems{{"area_missing", "areas", v.t("accounts.no_area")}}
	}
	for _, ref := range areas {
		if !v.canGrant(survey.ManageAccounts, ref) {
			return problems{{"area_not_yours", "areas", v.t("accounts.not_yours", ref)}}
		}
	}
	return nil
}

var accountFields = map[string]string{"account_name": "account", "account_exists": "account", "role_unknown": "role", "person_name": "name", "area_unknown": "areas", "area_missing": "areas",
	"areas_many": "areas", "password_short": "password", "password_long": "password", "password_common": "password"}

func (v *visit) accountRefused(err error) error {
	wrong, err := v.wrong(err, "account")
	if err != nil {
		return err
	}
	if name, ok := accountFields[wrong[0].Code]; ok {
		wrong[0].Field = name
	}
	return v.newAccount(http.StatusUnprocessableEntity, wrong)
}

// accountBody is one account with what may be done about it.
type accountBody struct {
	Account, Name, Role, Phone string
	Disabled, Manage           bool
	Grants                     []grantRow
	Grant, Reset               form
	Devices                    []string
}

type grantRow struct {
	Area, Code, State string
	Since             int64
	Live              bool
}

func accountPage(v *visit) error { return v.account(http.StatusOK, nil) }

func (v *visit) account(status int, wrong problems) error {
	ctx := v.Request().Context()
	a, err := v.s.Store.Account(ctx, v.Param("account"))
	if err != nil {
		return err
	}
	base := "/accounts/" + a.Account
	body := accountBody{Account: a.Account, Name: a.Name, Role: a.Role, Phone: a.Phone, Disabled: a.DisabledAt != 0, Manage: v.mayManage(survey.ManageAccounts, a)}
	for _, g := range a.Grants {
		body.Grants = append(body.Grants, grantRow{v.areaName(g.Area, ""), g.Area, v.t("grant.how_" + g.How), g.Since, g.How == ""})
	}
	body.Grant = form{Action: base + "/grant", Submit: v.t("grant.add"), Fields: []field{{Name: "area", Label: v.t("grant.code"), Hint: v.t("accounts.areas_hint"), Kind: "text", Required: true}}}
	body.Reset = form{Action: base + "/password", Submit: v.t("reset.submit"), Fields: []field{{Name: "new", Label: v.t("password.new"), Hint: v.t("password.hint"), Kind: "password", Auto: "new-password", Required: true}}}
	if wrong != nil {
		v.fill(&body.Grant, wrong)
		v.fill(&body.Reset, wrong)
	}
	devices, err := v.s.Store.Devices(ctx, a.Account)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if d.RevokedAt == 0 {
			body.Devices = append(body.Devices, v.t("enrol.device", d.ID, d.HW, ago(d.LastContact, v.s.Store.Now(), v.lang)))
		}
	}
	frame := v.frame(a.Name, "/accounts", crumb{v.t("nav.accounts"), "/accounts"}, crumb{Text: a.Name})
	frame.Problems = wrong
	return show(v, status, "account", frame, body)
}

// after finishes an act on an account: back to its page, or the page again with what is wrong.
func (v *visit) after(err error, field, said string) error {
	if err == nil {
		return v.done("/accounts/"+v.Param("account"), said)
	}
	wrong, err := v.wrong(err, field)
	if err != nil {
		return err
	}
	return v.account(http.StatusUnprocessableEntity, wrong)
}

func grantArea(v *visit) error {
	area := strings.TrimSpace(v.FormValue("area"))
	if wrong := v.areasNotMine([]string{area}); wrong != nil {
		wrong[0].Field = "area"
		return v.account(http.StatusUnprocessableEntity, wrong)
	}
	return v.after(v.s.Store.GrantArea(v.Request().Context(), v.user.Account, v.Param("account"), area), "area", v.t("grant.added"))
}

func endGrant(v *visit) error {
	how := v.FormValue("how")
	if !slices.Contains([]string{central.GrantEnded, central.GrantRevoked}, how) {
		how = central.GrantEnded
	}
	return v.after(v.s.Store.EndGrant(v.Request().Context(), v.user.Account, v.Param("account"), v.FormValue("area"), how), "area", v.t("grant.over"))
}

func resetPassword(v *visit) error {
	return v.after(v.s.Account.SetPassword(v.Request().Context(), v.user.Account, v.Param("account"), v.FormValue("new")), "new", v.t("reset.done"))
}

func disableAccount(v *visit) error {
	if v.Param("account") == v.user.Account {
		return v.account(http.StatusUnprocessableEntity, problems{{"own_account", "", v.t("accounts.own")}})
	}
	return v.after(v.s.Store.DisableAccount(v.Request().Context(), v.user.Account, v.Param("account")), "", v.t("accounts.disabled_done"))
}

func enableAccount(v *visit) error {
	return v.after(v.s.Store.EnableAccount(v.Request().Context(), v.user.Account, v.Param("account")), "", v.t("accounts.enabled_done"))
}

// enrolBody shows a one-time code once, large enough to be typed from across a table.
type enrolBody struct{ Name, Address, Code, KeyCheck, Until, Back string }

// enrolCode makes a code and shows it in the answer itself: it is stored nowhere, so there is no page to come back to.
func enrolCode(v *visit) error {
	ctx := v.Request().Context()
	a, err := v.s.Store.Account(ctx, v.Param("account"))
	if err != nil {
		return err
	}
	code, until, err := v.s.Store.NewEnrolCode(ctx, v.user.Account, a.Account)
	if err != nil {
		return v.after(err, "", "")
	}
	body := enrolBody{Name: a.Name, Address: v.Scheme() + "://" + v.Request().Host, Code: code, Until: moment(until.UnixMilli(), v.lang), Back: "/accounts/" + a.Account}
	if v.Scheme() != "https" {
		body.KeyCheck = v.s.Store.KeyCheck()
	}
	return show(v, http.StatusOK, "enrol", v.frame(v.t("enrol.title"), "/accounts", crumb{v.t("nav.accounts"), "/accounts"}, crumb{a.Name, body.Back}, crumb{Text: v.t("enrol.title")}), body)
}

type devicesBody struct {
	Count int64
	Rows  []deviceRow
}

type deviceRow struct {
	ID                                                int64
	Person, Account, Machine, Ago, At, Clock, Revoked string
}

func devicesPage(v *visit) error {
	ctx := v.Request().Context()
	devices, err := v.s.Store.Devices(ctx, "")
	if err != nil {
		return err
	}
	accounts, err := v.s.Store.Accounts(ctx)
	if err != nil {
		return err
	}
	mine := map[string]bool{}
	for _, a := range accounts {
		mine[a.Account] = v.mayManage(survey.Enrol, a)
	}
	var body devicesBody
	for _, d := range devices {
		if !mine[d.Account] {
			continue
		}
		row := deviceRow{ID: d.ID, Person: d.Name, Account: d.Account, Machine: strings.Trim(d.HW+" · "+d.App, " ·"), Ago: ago(d.LastContact, v.s.Store.Now(), v.lang),
			At: moment(d.LastContact, v.lang), Clock: v.clock(d.ClockSkew), Revoked: moment(d.RevokedAt, v.lang)}
		if row.Machine == "" {
			row.Machine = "–"
		}
		body.Rows = append(body.Rows, row)
	}
	body.Count = int64(len(body.Rows))
	return show(v, http.StatusOK, "devices", v.frame(v.t("nav.devices"), "/devices"), body)
}

// clock says how far a tablet's clock is off, when that matters to who reads dates.
func (v *visit) clock(skew int64) string {
	minutes := skew / 60000
	switch {
	case minutes >= 10:
		return v.t("devices.fast", v.n(minutes))
	case minutes <= -10:
		return v.t("devices.slow", v.n(-minutes))
	}
	return ""
}

func revokeDevice(v *visit) error {
	d, err := v.device()
	if err != nil {
		return err
	}
	if err := v.s.Store.RevokeDevice(v.Request().Context(), v.user.Account, d.ID); err != nil {
		return err
	}
	return v.done("/devices", v.t("devices.revoked_done", d.ID, d.Name))
}

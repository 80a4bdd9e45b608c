package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
)

// firstStart opens the set-up page while nobody can sign in yet, and only to who sits at the server itself: whoever comes
// first from elsewhere would own the register.
func firstStart(v *visit, _ survey.Action) (bool, error) {
	open, err := v.s.Account.FirstStart(v.Request().Context())
	if err != nil {
		return false, err
	}
	if !open || !ofThisMachine(v.Request()) {
		return false, echo.ErrNotFound
	}
	return true, nil
}

func (v *visit) setupForm() form {
	return form{Action: "/setup", Submit: v.t("setup.submit"), Fields: []field{
		{Name: "name", Label: v.t("accounts.name"), Kind: "text", Auto: "name", Required: true},
		{Name: "account", Label: v.t("accounts.account"), Hint: v.t("accounts.account_hint"), Kind: "text", Auto: "username", Required: true},
		{Name: "areas", Label: v.t("accounts.areas"), Hint: v.t("setup.areas_hint"), Kind: "text", Required: true},
		{Name: "new", Label: v.t("signin.password"), Hint: v.t("password.hint"), Kind: "password", Auto: "new-password", Required: true},
		{Name: "again", Label: v.t("password.again"), Kind: "password", Auto: "new-password", Required: true},
	}}
}

func setupPage(v *visit) error { return v.setup(http.StatusOK, nil) }

func (v *visit) setup(status int, wrong problems) error {
	f := v.setupForm()
	if wrong != nil {
		v.fill(&f, wrong)
	}
	frame := v.frame(v.t("setup.title"), "")
	frame.Problems = wrong
	return show(v, status, "form", frame, formBody{Heading: v.t("setup.title"), Lead: v.t("setup.lead"), Form: f,
		After: v.t("setup.clock", moment(v.s.Store.Now(), v.lang))})
}

// setUp makes the first administrator and signs that person in.
func setUp(v *visit) error {
	ctx := v.Request().Context()
	name, password := strings.TrimSpace(v.FormValue("account")), v.FormValue("new")
	if password != v.FormValue("again") {
		return v.setup(http.StatusUnprocessableEntity, problems{{"password_again", "again", v.t("password.differs")}})
	}
	err := account.CheckNew(name, password)
	var hash string
	if err == nil {
		hash, err = account.Hash(password)
	}
	if err == nil {
		err = v.s.Store.AddAccount(ctx, "", central.NewAccount{Account: name, Name: v.FormValue("name"), Role: string(survey.Admin), Lang: v.lang, PasswordHash: hash, Areas: splitAreas(v.FormValue("areas"))})
	}
	if err == nil {
		err = v.s.Account.SignIn(ctx, name, password, v.RealIP())
	}
	if err == nil {
		return v.done("/", v.t("setup.done"))
	}
	wrong, err := v.wrong(err, "account")
	if err != nil {
		return err
	}
	if input, ok := accountFields[wrong[0].Code]; ok {
		wrong[0].Field = strings.Replace(input, "password", "new", 1)
	}
	return v.setup(http.StatusUnprocessableEntity, wrong)
}

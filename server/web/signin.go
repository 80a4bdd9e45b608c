package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/survey"
)

func (v *visit) signInForm() form {
	next := localPath(v.FormValue("next"))
	return form{Action: query("/signin", "next", next), Submit: v.t("signin.submit"), Fields: []field{
		{Name: "account", Label: v.t("signin.account"), Kind: "text", Auto: "username", Required: true},
		{Name: "password", Label: v.t("signin.password"), Kind: "password", Auto: "current-password", Required: true},
	}}
}

func signInPage(v *visit) error {
	if v.user != nil {
		return v.Redirect(http.StatusSeeOther, "/")
	}
	first, err := v.s.Account.FirstStart(v.Request().Context())
	if err != nil {
		return err
	}
	body := formBody{Form: v.signInForm(), After: v.t("signin.help")}
	if first {
		if ofThisMachine(v.Request()) {
			return v.Redirect(http.StatusSeeOther, "/setup")
		}
		body.After = v.t("setup.elsewhere")
	}
	return show(v, http.StatusOK, "signin", v.frame(v.t("signin.title"), ""), body)
}

func signIn(v *visit) error {
	err := v.s.Account.SignIn(v.Request().Context(), v.FormValue("account"), v.FormValue("password"), v.RealIP())
	if err == nil {
		return v.Redirect(http.StatusSeeOther, localPath(v.FormValue("next")))
	}
	wrong, err := v.wrong(err, "account")
	if err != nil {
		return err
	}
	f := v.signInForm()
	v.fill(&f, wrong)
	frame := v.frame(v.t("signin.title"), "")
	frame.Problems = wrong
	return show(v, http.StatusUnprocessableEntity, "signin", frame, formBody{Form: f, After: v.t("signin.help")})
}

func signOut(v *visit) error {
	if err := v.s.Account.SignOut(v.Request().Context()); err != nil {
		return err
	}
	return v.Redirect(http.StatusSeeOther, "/signin")
}

// setLanguage keeps the language in a cookie of its own: it holds before sign-in, and stays after it.
func setLanguage(v *visit) error {
	if to := v.FormValue("to"); slices.Contains(languages, to) {
		v.SetCookie(&http.Cookie{Name: langCookie, Value: to, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.s.options.Secure})
	}
	return v.Redirect(http.StatusSeeOther, localPath(v.FormValue("back")))
}

// home is where the visitor's work begins: the rounds, or the accounts for who only runs the machine.
func home(v *visit) error {
	if !v.canSomewhere(survey.ReadTotals) {
		return v.Redirect(http.StatusSeeOther, "/password")
	}
	return v.Redirect(http.StatusSeeOther, "/rounds")
}

func (v *visit) passwordForm() form {
	return form{Action: "/password", Submit: v.t("password.submit"), Cancel: "/", Fields: []field{
		{Name: "old", Label: v.t("password.old"), Kind: "password", Auto: "current-password", Required: true},
		{Name: "new", Label: v.t("password.new"), Hint: v.t("password.hint"), Kind: "password", Auto: "new-password", Required: true},
		{Name: "again", Label: v.t("password.again"), Kind: "password", Auto: "new-password", Required: true},
	}}
}

func passwordPage(v *visit) error {
	return show(v, http.StatusOK, "form", v.frame(v.t("nav.password"), ""), formBody{Heading: v.t("nav.password"), Form: v.passwordForm()})
}

func changePassword(v *visit) error {
	var wrong problems
	if v.FormValue("new") != v.FormValue("again") {
		wrong = problems{{"password_again", "again", v.t("password.differs")}}
	} else {
		err := v.s.Account.ChangePassword(v.Request().Context(), v.user.Account, v.FormValue("old"), v.FormValue("new"))
		if err == nil {
			return v.done("/", v.t("password.done"))
		}
		if wrong, err = v.wrong(err, "new"); err != nil {
			return err
		}
		if wrong[0].Code == "password_wrong" || wrong[0].Code == "signin_wait" {
			wrong[0].Field = "old"
		}
	}
	f := v.passwordForm()
	v.fill(&f, wrong)
	frame := v.frame(v.t("nav.password"), "")
	frame.Problems = wrong
	return show(v, http.StatusUnprocessableEntity, "form", frame, formBody{Heading: v.t("nav.password"), Form: f})
}

// problemBody is a page that says that something is not there, not allowed or broken.
type problemBody struct{ Heading, Text, Request string }

// problemPage answers a status with a page in the visitor's language.
func (s *Server) problemPage(c echo.Context, status int) error {
	v := &visit{Context: c, s: s, lang: langOf(c)}
	v.user, _ = c.Get(keyUser).(*account.User)
	text := said(status)[0]
	if v.lang == "en" {
		text = said(status)[1]
	}
	b := problemBody{Heading: v.t("problem.other"), Text: text}
	switch {
	case status == http.StatusNotFound:
		b.Heading = v.t("problem.404")
	case status == http.StatusForbidden:
		b.Heading = v.t("problem.403")
	case status >= http.StatusInternalServerError:
		b.Heading = v.t("problem.500")
		b.Request = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	return show(v, status, "problem", v.frame(b.Heading, ""), b)
}

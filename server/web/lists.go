package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// listsBody takes last year's list: without it nothing can be "last year's", and thousands of names are typed again.
type listsBody struct {
	Result *importResult
	Form   form
}

// maxList bounds a list's file: some 100,000 members.
const maxList = 32 << 20

func (v *visit) listForm() form {
	year, _ := strconv.Atoi(v.today()[:4])
	classes := []option{{Text: v.t("lists.in_file")}}
	for _, c := range []survey.Class{survey.Poor, survey.NearPoor} {
		classes = append(classes, option{Value: string(c), Text: v.t("class." + string(c))})
	}
	return form{Action: "/lists", Submit: v.t("lists.send"), Upload: true, Fields: []field{
		{Name: "file", Label: v.t("villages.file"), Hint: v.t("lists.file_hint"), Kind: "file", Required: true},
		{Name: "year", Label: v.t("lists.year"), Kind: "number", Value: strconv.Itoa(year - 1), Required: true},
		{Name: "place", Label: v.t("rounds.area"), Hint: v.t("lists.area_hint"), Kind: "text"},
		{Name: "class", Label: v.t("lists.class"), Kind: "select", Options: classes},
		{Name: "number", Label: v.t("lists.number"), Kind: "text"},
		{Name: "date", Label: v.t("lists.date"), Kind: "date"},
	}}
}

func listsPage(v *visit) error { return v.lists(http.StatusOK, nil, nil) }

func (v *visit) lists(status int, result *importResult, wrong problems) error {
	body := listsBody{Result: result, Form: v.listForm()}
	if wrong != nil {
		v.fill(&body.Form, wrong)
	}
	frame := v.frame(v.t("nav.lists"), "/lists")
	frame.Problems = wrong
	return show(v, status, "lists", frame, body)
}

// importList takes the file as a closed round of its year. Rows about villages outside the visitor's areas are refused.
func importList(v *visit) error {
	data, wrong, err := v.upload("file")
	if err != nil {
		return err
	}
	o := central.HouseholdOptions{Area: strings.TrimSpace(v.FormValue("place")), Class: v.FormValue("class"), Number: strings.TrimSpace(v.FormValue("number")), Date: v.FormValue("date"),
		May: func(village string) bool { return v.can(survey.ImportList, village) }}
	if year, ok := whole(v.FormValue("year")); ok && year > 1990 && year < 2200 {
		o.Year = int(year)
	} else {
		wrong = append(wrong, problem{"year", "year", v.t("lists.no_year")})
	}
	if code, _ := schema.ParseRef(o.Area); code != "" && !v.can(survey.ImportList, code) {
		wrong = append(wrong, problem{"area_not_yours", "place", v.t("problem.not_yours")})
	}
	if len(wrong) == 0 {
		done, err := v.s.Store.ImportHouseholds(v.Request().Context(), v.user.Account, bytes.NewReader(data), o)
		if err == nil {
			return v.lists(http.StatusOK, v.listed(done), nil)
		}
		if wrong, err = v.wrong(err, "file"); err != nil {
			return err
		}
	}
	return v.lists(http.StatusUnprocessableEntity, nil, wrong)
}

func (v *visit) listed(done *central.HouseholdImport) *importResult {
	r := &importResult{Kind: "good", Title: v.t("villages.done"),
		Sentence: v.t("lists.counts", v.n(int64(done.Rows)), v.n(int64(done.Households)), v.n(int64(done.Members)), v.n(int64(done.Changes)), v.n(int64(done.Duplicates)), v.n(int64(len(done.Rejected))))}
	if len(done.Rejected) > 0 || len(done.Proposed) > 0 {
		r.Kind, r.Title = "warn", v.t("villages.partly")
	}
	for _, p := range done.Proposed {
		r.Rejected = append(r.Rejected, v.t("lists.proposed", strings.Trim(p.Name+", "+p.Commune, ", "), v.n(int64(p.Rows))))
	}
	if len(done.Ignored) > 0 {
		r.Rejected = append(r.Rejected, v.t("lists.ignored", strings.Join(done.Ignored, ", ")))
	}
	for _, p := range done.Rejected[:min(len(done.Rejected), maxRejected)] {
		r.Rejected = append(r.Rejected, v.t("villages.line", p.Line, p.Text.In(v.lang)))
	}
	return r
}

// fillRound puts the households of the last recognised list on the round's list of whom to visit.
func fillRound(v *visit) error {
	done, err := v.s.Store.FillRound(v.Request().Context(), v.user.Account, v.Param("round"))
	if err != nil {
		wrong, err := v.wrong(err, "")
		if err != nil {
			return err
		}
		return v.done("/rounds/"+v.Param("round"), wrong[0].Text)
	}
	return v.done("/rounds/"+v.Param("round"), v.t("rounds.filled", v.n(int64(done.Households)), v.n(int64(done.Changes))))
}

// ofRound: in the round's own area.
func ofRound(v *visit, act survey.Action) (bool, error) {
	if v.user == nil {
		return false, errSignIn
	}
	d, err := v.s.Store.RoundDetail(v.Request().Context(), v.Param("round"))
	return err == nil && v.can(act, d.Area), err
}

package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// householdsBody is the list of a village's or commune's households in a round.
type householdsBody struct {
	Heading, Round, TotalsURL, Action, Area, Query, Caption, ClearURL string
	ClassField, StateField                                            *field
	Rows                                                              []householdRow
	Pager                                                             pager
}

type householdRow struct {
	URL, Head, Code, Village, State, Date, B2 string
	Members                                   int64
	Class, Undecided                          string
	Conflicts                                 int64
	Soft                                      bool
}

// householdsPerPage keeps a page under 150 KB, and within what a person looks through.
const householdsPerPage = 100

func householdsPage(v *visit) error {
	ctx := v.Request().Context()
	d, err := v.s.Store.RoundDetail(ctx, v.Param("round"))
	if err != nil {
		return err
	}
	area, villages := v.villagesOf(v.FormValue("area"), d)
	if len(villages) == 0 {
		return central.ErrRoundMissing
	}
	f := central.HouseholdFilter{Round: d.ID, Villages: villages, Class: survey.Class(v.FormValue("class")), Text: v.FormValue("q")}
	switch v.FormValue("state") {
	case "conflict":
		f.Conflict = true
	case "waiting":
		f.NotBegun = true
	case "visited":
		f.Visited = true
	}
	list, err := v.s.Store.Households(ctx, f)
	if err != nil {
		return err
	}
	survey.SortNames(list, func(r central.HouseholdRow) string { return r.View.Name })
	body := v.householdsBody(d, area, list)
	trail := []crumb{{v.t("nav.rounds"), "/rounds"}, {v.roundName(d), "/rounds/" + d.ID}}
	path := v.s.Store.Areas().Path(area.Code, d.Date)
	for _, a := range slices.Backward(path) {
		if a.Level == schema.LevelCommune && v.can(survey.ReadTotals, a.Code) {
			trail = append(trail, crumb{fullName(a), query("/rounds/"+d.ID, "area", a.Code)})
		}
	}
	trail = append(trail, crumb{Text: v.t("households.title", fullName(area))})
	return show(v, http.StatusOK, "households", v.frame(body.Heading, "/rounds", trail...), body)
}

// villagesOf are the villages of a village or commune in the round; none for a larger area, whose list nobody reads.
func (v *visit) villagesOf(code string, d central.RoundDetail) (schema.Area, []string) {
	a, ok := v.s.Store.Areas().At(code, d.Date)
	if !ok {
		if a, ok = v.s.Store.AnyArea(code); !ok {
			return a, nil
		}
	}
	switch a.Level {
	case schema.LevelVillage:
		return a, []string{a.Code}
	case schema.LevelCommune:
		var codes []string
		for _, child := range v.s.Store.Areas().Children(a.Code, d.Date) {
			if v.can(survey.ReadHousehold, child.Code) { // a grant of the unit of another period has not all of them
				codes = append(codes, child.Code)
			}
		}
		return a, codes
	}
	return a, nil
}

func (v *visit) householdsBody(d central.RoundDetail, area schema.Area, list []central.HouseholdRow) householdsBody {
	action := "/rounds/" + d.ID + "/households"
	body := householdsBody{Heading: v.t("households.title", fullName(area)), Round: v.roundName(d), Action: action, Area: area.Code, Query: v.FormValue("q"),
		Caption: v.t("households.caption", v.n(int64(len(list)))), ClassField: v.classField(), StateField: v.stateField()}
	if v.can(survey.ReadTotals, area.Code) {
		body.TotalsURL = query("/rounds/"+d.ID, "area", area.Code)
	}
	if v.FormValue("q")+v.FormValue("class")+v.FormValue("state") != "" {
		body.ClearURL = query(action, "area", area.Code)
	}
	list, body.Pager = cut(list, v.FormValue("page"), householdsPerPage, func(page string) string {
		return query(action, "area", area.Code, "q", v.FormValue("q"), "class", v.FormValue("class"), "state", v.FormValue("state"), "page", page)
	})
	for i := range list {
		body.Rows = append(body.Rows, v.householdRow(d, &list[i]))
	}
	return body
}

func (v *visit) householdRow(d central.RoundDetail, r *central.HouseholdRow) householdRow {
	row := householdRow{URL: query("/households/"+r.Household, "round", d.ID), Head: r.View.Name, Code: r.Code, Village: v.areaName(r.Village, d.Date),
		Members: int64(r.View.Members), Class: string(r.View.Class), Conflicts: r.Conflicts, Soft: r.View.Soft && r.Conflicts == 0, Date: r.View.Review, State: v.stateOf(&r.View)}
	if row.Head == "" {
		row.Head = v.t("households.unnamed", r.Code)
	}
	if r.View.Members == 0 {
		row.Class = ""
	}
	if row.Class == string(survey.Undetermined) {
		row.Undecided = v.undecided(d, r.View.Undecided)
	}
	if row.Class != "" {
		row.B2 = strconv.Itoa(r.View.B2)
		if r.View.B2Max != r.View.B2 {
			row.B2 += "–" + strconv.Itoa(r.View.B2Max)
		}
	}
	return row
}

// undecided names the questions whose answers would give the class, each once, whoever of the household they are about.
func (v *visit) undecided(d central.RoundDetail, units []string) string {
	q := v.s.Store.Set().Questionnaires[d.Questionnaire]
	if q == nil {
		return ""
	}
	var names []string
	for _, unit := range units {
		question, ok := q.Question(schema.KindInterview, unit)
		if !ok {
			continue
		}
		if label := question.Label.In(v.lang); !slices.Contains(names, label) {
			names = append(names, label)
		}
	}
	if len(names) > maxNames {
		names = append(names[:maxNames], v.t("history.more", v.n(int64(len(names)-maxNames))))
	}
	return strings.Join(names, "; ")
}

func (v *visit) stateOf(view *central.View) string {
	switch {
	case view.Return == "returned":
		return v.t("state.returned")
	case view.Outcome != "" && view.Outcome != "interviewed":
		return v.choice("interview", "outcome", view.Outcome)
	case view.Status == "complete":
		return v.t("state.complete")
	case view.Members > 0 || view.Outcome != "":
		return v.t("state.draft")
	}
	return v.t("state.waiting")
}

func (v *visit) classField() *field {
	options := []option{{Text: v.t("filter.any")}}
	for _, c := range classes {
		options = append(options, option{Value: string(c), Text: v.t("class." + string(c))})
	}
	return &field{Name: "class", Label: v.t("households.class"), Kind: "select", Options: choose(options, v.FormValue("class"))}
}

func (v *visit) stateField() *field {
	options := []option{{Text: v.t("filter.any")}, {Value: "conflict", Text: v.t("filter.conflict")}, {Value: "waiting", Text: v.t("state.waiting")}, {Value: "visited", Text: v.t("col.visited")}}
	return &field{Name: "state", Label: v.t("households.state"), Kind: "select", Options: choose(options, v.FormValue("state"))}
}

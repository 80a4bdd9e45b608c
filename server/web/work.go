package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// conflictsBody is the list of what people must decide, what changes a class first.
type conflictsBody struct {
	RoundField *field
	Caption    string
	Rows       []conflictRow
	Pager      pager
}

type conflictRow struct {
	URL, Head, Code, Village, What, Class string
	Flips, Judged, Quiet                  bool
	Values                                []saidValue
}

const conflictsPerPage = 50

func conflictsPage(v *visit) error {
	rounds, err := v.myRounds()
	if err != nil {
		return err
	}
	title := v.t("nav.conflicts")
	if len(rounds) == 0 {
		return show(v, http.StatusOK, "conflicts", v.frame(title, "/conflicts"), conflictsBody{})
	}
	d := rounds[0]
	options := make([]option, 0, len(rounds))
	for _, x := range rounds {
		if x.ID == v.FormValue("round") {
			d = x
		}
		options = append(options, option{Value: x.ID, Text: v.roundName(x)})
	}
	list, err := v.s.Store.Conflicts(v.Request().Context(), d.ID, v.mine(survey.ResolveConflict, v.roundVillages(d)))
	if err != nil {
		return err
	}
	body := conflictsBody{Caption: v.t("conflicts.caption", v.n(int64(len(list))), v.roundName(d))}
	body.RoundField = &field{Name: "round", Label: v.t("round"), Kind: "select", Options: choose(options, d.ID)}
	list, body.Pager = cut(list, v.FormValue("page"), conflictsPerPage, func(page string) string {
		return query("/conflicts", "round", d.ID, "page", page)
	})
	for i := range list {
		body.Rows = append(body.Rows, v.conflictRow(d, &list[i]))
	}
	return show(v, http.StatusOK, "conflicts", v.frame(title, "/conflicts"), body)
}

func (v *visit) roundVillages(d central.RoundDetail) []string {
	var codes []string
	for _, a := range v.s.Store.Areas().Below(d.Area, d.Date) {
		if a.Level == schema.LevelVillage {
			codes = append(codes, a.Code)
		}
	}
	return codes
}

func (v *visit) conflictRow(d central.RoundDetail, c *central.ConflictRow) conflictRow {
	q := v.s.Store.Set().Questionnaires[d.Questionnaire]
	if q == nil {
		q = v.s.Store.Set().Questionnaires[v.newestForm()]
	}
	r := &reading{v: v, q: q, iv: survey.ReadRecord(c.Record, q), names: map[string]string{}}
	for _, m := range r.iv.Members() {
		r.names[m.ID] = m.Name
	}
	row := conflictRow{URL: query("/households/"+c.Household, "round", d.ID) + "#conflicts", Head: c.Name, Code: c.Code, Village: v.areaName(c.Village, d.Date),
		What: r.label(schema.KindInterview, c.Unit), Class: string(c.Class), Quiet: c.Quiet, Flips: c.Rank == survey.RankFlips, Judged: c.Rank == survey.RankJudged}
	if row.Head == "" {
		row.Head = v.t("households.unnamed", c.Code)
	}
	for i, s := range c.Values {
		a := r.value(schema.KindInterview, c.Unit, s.Value)
		if a.Hidden {
			a.Text = v.t("sensitive.dots")
		}
		row.Values = append(row.Values, saidValue{Text: a.Text, By: v.by(s.Author), Shown: i == 0})
	}
	return row
}

// heldBody is the list of what waits for a person to let it in.
type heldBody struct {
	Count int64
	Rows  []heldRow
	Pager pager
}

type heldRow struct {
	URL, Dot, Who, Role, Place, Why, Units string
	Received                               int64
}

const heldPerPage = 100

func heldPage(v *visit) error {
	all, err := v.s.Store.Held(v.Request().Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(h central.HeldRow) bool { return !v.can(survey.ReleaseHeld, heldArea(&h)) })
	body := heldBody{Count: int64(len(all))}
	all, body.Pager = cut(all, v.FormValue("page"), heldPerPage, func(page string) string { return query("/held", "page", page) })
	r := v.bareReading()
	for i := range all {
		h := &all[i]
		row := heldRow{URL: "/held/" + h.Dot.String(), Dot: h.Dot.String(), Who: h.Account, Role: v.role(h.Role), Why: v.heldWhy(h.StateWhy),
			Units: r.units(h.Kind, h.Units), Received: h.Received}
		if h.Village != "" {
			row.Place = v.areaName(h.Village, "")
		}
		body.Rows = append(body.Rows, row)
	}
	return show(v, http.StatusOK, "held", v.frame(v.t("nav.held"), "/held"), body)
}

// bareReading names units without an interview beside them.
func (v *visit) bareReading() *reading {
	q := v.s.Store.Set().Questionnaires[v.newestForm()]
	iv, _ := survey.ReadValues(nil)
	return &reading{v: v, q: q, iv: iv, names: map[string]string{}}
}

func (v *visit) heldWhy(why string) string {
	if _, ok := catalogue["why."+why]; ok {
		return v.t("why." + why)
	}
	return why
}

// heldOneBody is one held change with what it says.
type heldOneBody struct {
	Dot             string
	HouseholdURL    string
	Facts           []fact
	Values          []sectionRow
	Decidable       bool
	Release, Refuse form
}

func heldOnePage(v *visit) error { return v.heldOne(http.StatusOK, nil, "") }

func (v *visit) heldOne(status int, wrong problems, act string) error {
	dot, err := fieldsync.ParseDot(v.Param("dot"))
	if err != nil {
		return central.ErrHeldGone
	}
	h, err := v.s.Store.HeldChange(v.Request().Context(), dot)
	if err != nil {
		return err
	}
	body := heldOneBody{Dot: dot.String(), Decidable: h.Change != nil, Facts: []fact{
		{Label: v.t("held.who"), Value: h.Account + " · " + v.role(h.Role)}, {Label: v.t("held.why"), Value: v.heldWhy(h.StateWhy)},
		{Label: v.t("history.at"), Value: moment(h.At, v.lang)}, {Label: v.t("held.received"), Value: moment(h.Received, v.lang)},
		{Label: v.t("history.op"), Value: v.op(h.Op)}, {Label: v.t("reason"), Value: h.Why},
	}}
	if h.Village != "" {
		body.Facts = append(body.Facts, fact{Label: v.t("village"), Value: v.areaName(h.Village, "")})
	}
	if body.HouseholdURL, err = v.heldHousehold(&h); err != nil {
		return err
	}
	body.Facts = slices.DeleteFunc(body.Facts, func(f fact) bool { return f.Value == "" })
	r := v.bareReading()
	if h.Change != nil {
		for _, w := range h.Change.Writes {
			if w.Unit != "." && !strings.HasSuffix(w.Unit, "/.") {
				body.Values = append(body.Values, sectionRow{Label: r.label(h.Kind, w.Unit), Answer: r.value(h.Kind, w.Unit, w.Value)})
			}
		}
	}
	why := func(id string) []field {
		return []field{{Name: id, Label: v.t("reason"), Kind: "long", Required: true}}
	}
	body.Release = form{Action: "/held/" + dot.String() + "/release", Submit: v.t("held.release"), Fields: why("release_why")}
	body.Refuse = form{Action: "/held/" + dot.String() + "/refuse", Submit: v.t("held.refuse"), Danger: true, Fields: why("refuse_why")}
	switch act {
	case "release":
		v.fill(&body.Release, wrong)
	case "refuse":
		v.fill(&body.Refuse, wrong)
	}
	title := v.t("held.one", dot.String())
	frame := v.frame(title, "/held", crumb{v.t("nav.held"), "/held"}, crumb{Text: dot.String()})
	frame.Problems = wrong
	return show(v, status, "held_one", frame, body)
}

// heldHousehold is where the household the change is about can be seen as it is without it; "" when it is not here yet.
func (v *visit) heldHousehold(h *central.HeldRow) (string, error) {
	id, err := v.s.Store.HouseholdOf(v.Request().Context(), h.Record)
	if err != nil || id == "" || !v.can(survey.ReadHousehold, heldArea(h)) {
		return "", err
	}
	return "/households/" + id, nil
}

func releaseHeld(v *visit) error { return v.decideHeld("release") }

func refuseHeld(v *visit) error { return v.decideHeld("refuse") }

func (v *visit) decideHeld(act string) error {
	dot, err := fieldsync.ParseDot(v.Param("dot"))
	if err != nil {
		return central.ErrHeldGone
	}
	input := act + "_why"
	why := strings.TrimSpace(v.FormValue(input))
	if n := len([]rune(why)); n < minReason || n > fieldsync.MaxWhy {
		return v.heldOne(http.StatusUnprocessableEntity, problems{{"reason_short", input, v.t("problem.reason", v.n(minReason))}}, act)
	}
	ctx := v.Request().Context()
	if act == "release" {
		err = v.s.Store.Release(ctx, dot, v.user.Account, why)
	} else {
		err = v.s.Store.Refuse(ctx, dot, v.user.Account, why)
	}
	if errors.Is(err, central.ErrNotHeld) {
		return v.done("/held", v.t("held.gone"))
	}
	if err != nil {
		return err
	}
	if act == "release" {
		return v.done("/held", v.t("held.released", dot.String()))
	}
	return v.done("/held", v.t("held.refused", dot.String()))
}

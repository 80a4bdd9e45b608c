package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// totalsBody is the page of an area's totals.
type totalsBody struct {
	Heading, Round, Standard, Caption, Unit, Completeness, ResidentNote string
	HouseholdsURL, ResidentsURL, FillURL                                string
	Views                                                               []tab
	Problems, Partial                                                   []string
	Rows                                                                []totalsRow
	Sum                                                                 *totalsRow
	Bars                                                                []bar
	WhatIf, SideBySide                                                  *comparison
	Tablets                                                             []tabletRow
	TabletsSummary                                                      string
	TabletsOpen                                                         bool // few enough to be listed at once
}

type tab struct {
	Text, URL string
	Here      bool
}

// totalsRow is one area's figures, ready to be shown.
type totalsRow struct {
	Name, URL, Note                        string
	Partial                                bool
	HasResident                            bool
	Resident                               int64
	ResidentNote                           string
	Listed, Recorded                       int64
	Poor, Near, NotPoor, Undetermined      int64
	PoorRange, NearRange                   string
	PoorRate, NearRate                     string
	Conflicts, Visited, Waiting            int64
	UndeterminedURL, ConflictsURL, Contact string
}

// bar is one row of the drawing; widths are thousandths of the longest.
type bar struct {
	Name                        string
	Poor, Near                  int64
	PoorWidth, NearX, NearWidth int64
}

// comparison is a small table of how classes move.
type comparison struct {
	Title, Sentence, Ask, Caption, Note string
	Heads                               []string
	Rows                                []comparedRow
}

type comparedRow struct {
	Name  string
	Cells []int64
}

type tabletRow struct {
	Person, Phone, Area, Ago, At string
	Late                         bool
}

// totalsView is what the address asks for.
type totalsView struct {
	round, area, on string
	totals          *central.Totals
	contacts        []contact
}

// link is the address of the same view of another area.
func (t *totalsView) link(area string) string {
	return query("/rounds/"+t.round, "area", area, "on", t.on)
}

func totalsPage(v *visit) error {
	t := &totalsView{round: v.Param("round"), area: v.FormValue("area"), on: v.FormValue("on")}
	if t.on != "" && !validDay(t.on) {
		t.on = ""
	}
	var err error
	if err = v.loadTotals(t); err != nil {
		return err
	}
	if t.contacts, err = v.contacts(t.totals.Sum.Villages); err != nil {
		return err
	}
	body := v.totalsBody(t)
	if err := v.compare(t, &body); err != nil {
		return err
	}
	return show(v, http.StatusOK, "totals", v.frame(body.Heading+", "+body.Round, "/rounds", v.totalsTrail(t)...), body)
}

// loadTotals reads the totals of the area asked for; without one, of the round's whole area, or of the visitor's own where
// the round reaches further.
func (v *visit) loadTotals(t *totalsView) (err error) {
	ctx := v.Request().Context()
	d, err := v.s.Store.RoundDetail(ctx, t.round)
	if err != nil {
		return err
	}
	if t.area == "" && !v.can(survey.ReadTotals, d.Area) && len(v.user.Areas) > 0 {
		t.area, _ = schema.ParseRef(v.user.Areas[0])
	}
	if a, ok := v.s.Store.Areas().At(t.area, d.Date); ok && a.Level == schema.LevelVillage && t.on == "" {
		t.area = a.Parent
	}
	t.totals, err = v.s.Store.Totals(ctx, central.TotalsQuery{Round: t.round, Area: t.area, Date: t.on})
	return err
}

func (v *visit) totalsTrail(t *totalsView) []crumb {
	d := t.totals.Round
	trail := []crumb{{v.t("nav.rounds"), "/rounds"}, {v.roundName(d), t.link("")}}
	path := v.s.Store.Areas().Path(t.totals.Area.Code, t.totals.Date)
	slices.Reverse(path)
	inside := false
	for _, a := range path {
		inside = inside || a.Code == d.Area || t.on != "" && a.Level == schema.LevelCommune
		if inside && a.Code != d.Area {
			trail = append(trail, crumb{fullName(a), t.link(a.Code)})
		}
	}
	trail[len(trail)-1].URL = ""
	return trail
}

func (v *visit) totalsBody(t *totalsView) totalsBody {
	d := t.totals.Round
	body := totalsBody{Round: v.roundName(d), Standard: v.standardName(t.totals.Standard), Heading: v.t("totals.whole"), Unit: v.t("totals.unit")}
	if v.can(survey.ManageRound, d.Area) && t.on == "" && t.totals.Area.Code == d.Area {
		body.FillURL = "/rounds/" + d.ID + "/fill"
	}
	if a := t.totals.Area; a.Code != "" {
		body.Heading = fullName(a)
		if a.Level == schema.LevelCommune {
			if v.can(survey.ReadHousehold, a.Code) && t.on == "" {
				body.HouseholdsURL = query("/rounds/"+d.ID+"/households", "area", a.Code)
			}
			if v.can(survey.EnterResidents, a.Code) && t.on == "" {
				body.ResidentsURL = query("/rounds/"+d.ID+"/residents", "area", a.Code)
			}
		}
	}
	body.Caption = v.t("totals.caption", date(t.totals.Date, v.lang))
	body.Views = v.dateTabs(t)
	for i := range t.totals.Rows {
		row := &t.totals.Rows[i]
		shown := v.totalsRow(t, row, &body)
		body.Rows = append(body.Rows, shown)
		if len(row.Missing) > 0 {
			body.Partial = append(body.Partial, v.t("totals.outside", fullName(row.Area), v.outsideNames(row.Missing)))
		}
	}
	if len(t.totals.Sum.Missing) > 0 {
		body.Partial = append(body.Partial, v.t("totals.outside", fullName(t.totals.Area), v.outsideNames(t.totals.Sum.Missing)))
	}
	sum := v.totalsRow(t, &t.totals.Sum, &body)
	body.Sum = &sum
	v.joinNotes(&body)
	body.Bars = bars(body.Rows)
	body.Completeness = v.completeness(t)
	for _, c := range t.contacts {
		body.Tablets = append(body.Tablets, c.row(v))
	}
	if n := len(body.Tablets); n > 0 {
		body.TabletsSummary, body.TabletsOpen = v.t("tablets.summary", v.n(int64(n)), body.Tablets[0].Ago), n <= fewTablets
	}
	return body
}

// joinNotes says where the numbers of residents come from once, under the table, when they all come from one place.
func (v *visit) joinNotes(body *totalsBody) {
	note := ""
	for _, r := range body.Rows {
		if r.ResidentNote != "" && note != "" && r.ResidentNote != note {
			return
		}
		note = max(note, r.ResidentNote)
	}
	if note == "" {
		return
	}
	body.ResidentNote = v.t("totals.resident_note", note)
	for i := range body.Rows {
		body.Rows[i].ResidentNote = ""
	}
	body.Sum.ResidentNote = ""
}

// fewTablets is how many tablets a page of totals lists without being asked.
const fewTablets = 8

// dateTabs offers the geography of the round and the one after the merger (or before it).
func (v *visit) dateTabs(t *totalsView) []tab {
	d := t.totals.Round
	tabs := []tab{{v.t("totals.on", date(d.Date, v.lang)), query("/rounds/"+d.ID, "area", v.areaOn(t, d.Date)), t.on == "" || t.on == d.Date}}
	days := map[string]bool{}
	for _, x := range v.s.Store.Set().Successions {
		if x.Date > d.Date {
			days[x.Date] = true
		}
	}
	for _, on := range sortedNames(days) {
		tabs = append(tabs, tab{v.t("totals.on", date(on, v.lang)), query("/rounds/"+d.ID, "on", on), t.on == on})
	}
	if len(tabs) == 1 {
		return nil
	}
	return tabs
}

// areaOn is the area shown where it is of that date's geography, else none.
func (v *visit) areaOn(t *totalsView, on string) string {
	if t.totals.Date == on && t.totals.Area.Code != t.totals.Round.Area {
		return t.totals.Area.Code
	}
	return ""
}

func (v *visit) outsideNames(missing []schema.Succession) string {
	var names []string
	for _, x := range missing {
		names = append(names, x.OldName+" ("+v.areaName(x.OldDistrict, lastDayBefore(x.Date))+")")
	}
	return strings.Join(names, ", ")
}

func (v *visit) totalsRow(t *totalsView, a *central.AreaTotal, body *totalsBody) totalsRow {
	row := totalsRow{
		Name: fullName(a.Area), Partial: len(a.Missing) > 0, HasResident: a.HasResident, Resident: a.Resident,
		Listed: a.Listed, Recorded: a.Recorded, Poor: a.Poor, Near: a.NearPoor, NotPoor: a.NotPoor, Undetermined: a.Undetermined,
		PoorRange: v.interval(a.Poor, a.PoorLow, a.PoorHigh), NearRange: v.interval(a.NearPoor, a.NearPoorLow, a.NearPoorHigh),
		Conflicts: a.OpenConflicts, Visited: a.Visited, Waiting: a.Waiting, Contact: v.lastContact(t, a),
	}
	if a.AsOf != "" {
		row.ResidentNote = date(a.AsOf, v.lang)
	}
	if a.HasResident && a.Source != "" {
		row.ResidentNote += ", " + a.Source
	}
	v.rates(a, &row, body)
	v.rowLinks(t, a, &row)
	if row.Undetermined == 0 {
		row.UndeterminedURL = ""
	}
	if row.Conflicts == 0 {
		row.ConflictsURL = ""
	}
	return row
}

// rates are shares of the resident households; one over 100 % is refused and said.
func (v *visit) rates(a *central.AreaTotal, row *totalsRow, body *totalsBody) {
	if !a.HasResident || a.Interviewed+a.Visited == 0 {
		return // nobody has been there: no rate is not a rate of 0
	}
	for _, r := range []struct {
		n  int64
		to *string
	}{{a.Poor, &row.PoorRate}, {a.NearPoor, &row.NearRate}} {
		text, _, err := survey.RateIn(r.n, a.Resident, v.lang)
		if errors.Is(err, survey.ErrRate) {
			text = "!"
			name := row.Name
			if name == "" {
				name = v.t("totals.sum")
			}
			if said := v.t("totals.over_one", name, v.n(a.Resident), v.n(r.n)); !slices.Contains(body.Problems, said) {
				body.Problems = append(body.Problems, said)
			}
		}
		*r.to = text
	}
}

// interval is the range the open answers allow, "" when there is only one number.
func (v *visit) interval(n, low, high int64) string {
	if low == n && high == n {
		return ""
	}
	return v.n(low) + "–" + v.n(high)
}

func (v *visit) rowLinks(t *totalsView, a *central.AreaTotal, row *totalsRow) {
	area := a.Area
	if area.Code == "" || a == &t.totals.Sum {
		return
	}
	if area.Level == schema.LevelVillage {
		if v.can(survey.ReadHousehold, area.Code) {
			list := "/rounds/" + t.round + "/households"
			row.URL = query(list, "area", area.Code)
			row.UndeterminedURL = query(list, "area", area.Code, "class", string(survey.Undetermined))
			row.ConflictsURL = query(list, "area", area.Code, "state", "conflict")
		}
		if old := v.formerCommune(area.Code, t.totals.Date); old != "" {
			row.Note = v.t("totals.former", old)
		}
		return
	}
	if v.can(survey.ReadTotals, area.Code) {
		row.URL = t.link(area.Code)
	}
	if area.Level == schema.LevelCommune && t.on == "" && v.can(survey.ReadHousehold, area.Code) {
		list := "/rounds/" + t.round + "/households"
		row.UndeterminedURL = query(list, "area", area.Code, "class", string(survey.Undetermined))
		row.ConflictsURL = query(list, "area", area.Code, "state", "conflict")
	}
}

// formerCommune names the commune a village lay in before the merger: after it one commune has two villages of a name.
func (v *visit) formerCommune(village, on string) string {
	areas := v.s.Store.Areas()
	now := areas.Path(village, on)
	for _, x := range v.s.Store.Set().Successions {
		if x.Date > on {
			continue
		}
		for _, a := range areas.Path(village, lastDayBefore(x.Date)) {
			if a.Level == schema.LevelCommune && a.Code == x.OldCode && len(now) > 1 && now[1].Name != a.Name {
				return a.Name
			}
		}
	}
	return ""
}

// bars draws poor and near-poor households of each row beside one another, on the scale of the longest.
func bars(rows []totalsRow) []bar {
	longest := int64(0)
	for _, r := range rows {
		longest = max(longest, r.Poor+r.Near)
	}
	if longest == 0 {
		return nil
	}
	out := make([]bar, 0, len(rows))
	for _, r := range rows {
		poor, near := r.Poor*1000/longest, r.Near*1000/longest
		x := poor
		if poor > 0 && near > 4 {
			x, near = poor+4, near-4 // a gap, so that the two are apart without colour
		}
		out = append(out, bar{r.Name, r.Poor, r.Near, poor, x, near})
	}
	return out
}

// completeness is the sentence under every table: how whole it is, in words.
func (v *visit) completeness(t *totalsView) string {
	begun := int64(0)
	for i := range t.totals.Rows {
		if r := &t.totals.Rows[i]; r.Interviewed+r.Visited > 0 {
			begun++
		}
	}
	s := &t.totals.Sum
	units := v.t("totals.units_communes")
	if len(t.totals.Rows) > 0 && t.totals.Rows[0].Area.Level == schema.LevelVillage {
		units = v.t("totals.units_villages")
	}
	parts := []string{
		fmt.Sprintf("%s/%s %s", v.n(begun), v.n(int64(len(t.totals.Rows))), units),
		v.t("totals.reviewed", v.n(s.Complete+s.Visited), v.n(s.Recorded)),
		v.t("totals.undetermined", v.n(s.Undetermined)),
		v.t("totals.conflicts", v.n(s.OpenConflicts)),
	}
	late, since := 0, int64(0)
	for _, c := range t.contacts {
		if c.late(v) {
			late++
			if since == 0 || c.at < since {
				since = c.at
			}
		}
	}
	switch {
	case len(t.contacts) == 0:
		parts = append(parts, v.t("totals.no_tablets"))
	case late > 0 && since > 0:
		parts = append(parts, v.t("totals.late", v.n(int64(late)), date(day(since), v.lang)))
	case late > 0:
		parts = append(parts, v.t("totals.never", v.n(int64(late))))
	default:
		parts = append(parts, v.t("totals.all_heard"))
	}
	return strings.Join(parts, "; ") + "; " + v.t("totals.layer_short") + "."
}

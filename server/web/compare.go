package web

import (
	"slices"
	"strings"
	"time"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// Both comparisons judge every interview of the area again, which takes a moment: they are made when somebody asks.

// compare adds what the address asks for: the same answers under another area type, or under another standard.
func (v *visit) compare(t *totalsView, body *totalsBody) error {
	d, area := t.totals.Round, t.totals.Area
	if len(t.totals.Sum.Villages) == 0 || t.totals.Sum.Interviewed == 0 {
		return nil
	}
	ask := v.FormValue("compare")
	if area.Level == schema.LevelCommune {
		if err := v.whatIf(t, body, ask == "type"); err != nil {
			return err
		}
	}
	for _, name := range sortedNames(v.s.Store.Set().Standards) {
		if name == d.Standard {
			continue
		}
		c := &comparison{Title: v.t("compare.standards"), Sentence: v.t("compare.standards_lead", v.standardName(name)),
			Ask: query("/rounds/"+t.round, "area", area.Code, "on", t.on, "compare", name)}
		body.SideBySide = c
		if ask != name {
			continue
		}
		shift, err := v.s.Store.Rejudged(v.Request().Context(), t.round, t.totals.Sum.Villages, name, "")
		if err != nil {
			return err
		}
		v.fillComparison(c, shift, d.Standard, name)
		c.Note = v.t("compare.unconfirmed")
		return nil
	}
	return nil
}

// whatIf answers "what if this commune were rural (urban)": Phủ Thông was a town until the merger and is rural since. By the
// units of a later date the question is what their type would change; otherwise what the other type would.
func (v *visit) whatIf(t *totalsView, body *totalsBody, asked bool) error {
	now, other := v.areaTypes(t)
	if other == "" {
		return nil
	}
	from := v.t("compare.own_type")
	if now != "" {
		from = v.t("area." + now)
	}
	c := &comparison{Title: v.t("compare.type_" + other), Sentence: v.t("compare.type_lead", from, v.t("area."+other)),
		Ask: query("/rounds/"+t.round, "area", t.totals.Area.Code, "on", t.on, "compare", "type")}
	body.WhatIf = c
	if !asked {
		return nil
	}
	shift, err := v.s.Store.Rejudged(v.Request().Context(), t.round, t.totals.Sum.Villages, "", survey.AreaType(other))
	if err != nil {
		return err
	}
	v.fillComparison(c, shift, from, v.t("area."+other))
	return nil
}

// areaTypes are the type the villages are judged by, "" when they differ, and the one to try.
func (v *visit) areaTypes(t *totalsView) (now, other string) {
	areas := v.s.Store.Areas()
	types := map[string]bool{}
	for _, village := range t.totals.Sum.Villages {
		types[areas.AreaType(village, t.totals.Round.Date)] = true
	}
	if len(types) == 1 {
		now = sortedNames(types)[0]
	}
	if shown := t.totals.Area.Type(); t.on != "" && shown != "" && shown != now {
		return now, shown
	}
	switch now {
	case schema.AreaRural:
		return now, schema.AreaUrban
	case schema.AreaUrban:
		return now, schema.AreaRural
	}
	return now, ""
}

var classes = []survey.Class{survey.Poor, survey.NearPoor, survey.NotPoor, survey.Undetermined}

func (v *visit) fillComparison(c *comparison, shift central.Shift, from, to string) {
	moved, all, open := int64(0), int64(0), int64(0)
	for pair, n := range shift {
		all += n
		switch {
		case pair[0] == survey.Undetermined || pair[1] == survey.Undetermined:
			open += n
		case pair[0] != pair[1]:
			moved += n
		}
	}
	c.Ask = ""
	c.Sentence = v.t("compare.moved", v.n(moved), v.n(all), v.n(open))
	c.Caption = v.t("compare.caption", from, to)
	for _, cl := range classes {
		c.Heads = append(c.Heads, v.t("class."+string(cl)))
	}
	c.Heads = append(c.Heads, v.t("compare.sum"))
	columns := make([]int64, len(classes)+1)
	for _, before := range classes {
		row := comparedRow{Name: v.t("class." + string(before))}
		sum := int64(0)
		for i, after := range classes {
			n := shift[[2]survey.Class{before, after}]
			row.Cells = append(row.Cells, n)
			columns[i] += n
			sum += n
		}
		row.Cells = append(row.Cells, sum)
		columns[len(classes)] += sum
		c.Rows = append(c.Rows, row)
	}
	c.Rows = append(c.Rows, comparedRow{v.t("compare.sum"), columns})
}

// contact is a tablet and when it was last heard of.
type contact struct {
	device       *central.DeviceInfo
	phone, areas string
	villages     []string // its account's areas
	at           int64
}

// lateAfter is when a tablet counts as not heard of: a day's work is missing, and one more.
const lateAfter = 3 * 24 * time.Hour

func (c *contact) late(v *visit) bool { return v.s.Store.Now()-c.at > lateAfter.Milliseconds() }

func (c *contact) row(v *visit) tabletRow {
	return tabletRow{c.device.Name, c.phone, c.areas, ago(c.at, v.s.Store.Now(), v.lang), moment(c.at, v.lang), c.late(v)}
}

// contacts are the tablets whose people work in these villages, the longest silent first.
func (v *visit) contacts(villages []string) ([]contact, error) {
	ctx := v.Request().Context()
	devices, err := v.s.Store.Devices(ctx, "")
	if err != nil {
		return nil, err
	}
	accounts, err := v.s.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	people := map[string]*central.Account{}
	for _, a := range accounts {
		people[a.Account] = a
	}
	inside := map[string]bool{}
	for _, village := range villages {
		for _, above := range v.s.Store.AreaPath(village) {
			inside[above] = true
		}
	}
	var out []contact
	for _, d := range devices {
		a := people[d.Account]
		if a == nil || d.RevokedAt != 0 || a.DisabledAt != 0 || !slices.ContainsFunc(a.Live(), func(area string) bool { return inside[area] }) {
			continue
		}
		out = append(out, contact{device: d, phone: a.Phone, areas: v.areaNames(a.Live()), villages: a.Live(), at: d.LastContact})
	}
	slices.SortStableFunc(out, func(a, b contact) int { return int(a.at - b.at) })
	return out, nil
}

// maxNames is how many areas a list names before it counts the rest.
const maxNames = 3

func (v *visit) areaNames(codes []string) string {
	var names []string
	for i, code := range codes {
		if i == maxNames && len(codes) > maxNames+1 {
			names = append(names, v.t("areas.more", v.n(int64(len(codes)-i))))
			break
		}
		names = append(names, v.areaName(code, ""))
	}
	return strings.Join(names, ", ")
}

// lastContact is the latest contact of a tablet that works in a row's villages.
func (v *visit) lastContact(t *totalsView, row *central.AreaTotal) string {
	latest, any := int64(0), false
	for _, c := range t.contacts {
		for _, village := range row.Villages {
			path := v.s.Store.AreaPath(village)
			if slices.ContainsFunc(c.villages, func(area string) bool { return slices.Contains(path, area) }) {
				latest, any = max(latest, c.at), true
				break
			}
		}
	}
	if !any {
		return "–"
	}
	return ago(latest, v.s.Store.Now(), v.lang)
}

// lastDayBefore is the day before a day.
func lastDayBefore(on string) string {
	t, err := time.Parse(time.DateOnly, on)
	if err != nil {
		return on
	}
	return t.AddDate(0, 0, -1).Format(time.DateOnly)
}

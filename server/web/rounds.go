package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

type roundsBody struct {
	CanOpen bool
	Rows    []roundRow
}

type roundRow struct {
	URL, Name, Area, Kind, Standard, From, To string
	Listed, Recorded, Undetermined            int64
	Poor, Near                                string // "–" where nothing can be computed: a list from elsewhere has no answers
}

// myRounds are the rounds that touch the visitor's areas.
func (v *visit) myRounds() ([]central.RoundDetail, error) {
	all, err := v.s.Store.RoundDetails(v.Request().Context())
	return slices.DeleteFunc(all, func(d central.RoundDetail) bool { return !v.can(survey.ReadTotals, d.Area) }), err
}

func roundsPage(v *visit) error {
	rounds, err := v.myRounds()
	if err != nil {
		return err
	}
	body := roundsBody{CanOpen: v.canSomewhere(survey.ManageRound)}
	for _, d := range rounds {
		t, err := v.s.Store.Totals(v.Request().Context(), central.TotalsQuery{Round: d.ID})
		if err != nil {
			return err
		}
		poor, near := v.n(t.Sum.Poor), v.n(t.Sum.NearPoor)
		if t.Sum.Poor+t.Sum.NearPoor+t.Sum.NotPoor == 0 {
			poor, near = "–", "–"
		}
		body.Rows = append(body.Rows, roundRow{URL: "/rounds/" + d.ID, Name: v.roundName(d), Area: v.areaName(d.Area, d.Date), Kind: v.choice("round", "kind", d.Kind),
			Standard: v.standardName(d.Standard), From: d.From, To: d.To, Listed: t.Sum.Listed, Recorded: t.Sum.Recorded, Undetermined: t.Sum.Undetermined, Poor: poor, Near: near})
	}
	return show(v, http.StatusOK, "rounds", v.frame(v.t("nav.rounds"), "/rounds"), body)
}

// roundName is the round's own name, or its kind and time.
func (v *visit) roundName(d central.RoundDetail) string {
	if d.Name != "" {
		return d.Name
	}
	return v.t("rounds.unnamed", date(d.From, v.lang))
}

func (v *visit) standardName(name string) string {
	if std := v.s.Store.Set().Standards[name]; std != nil {
		return std.Title.In(v.lang)
	}
	return name
}

// choice is the label of a code of a question.
func (v *visit) choice(kind, unit, code string) string {
	for _, q := range v.s.Store.Set().Questionnaires {
		if question, ok := q.Question(kind, unit); ok {
			if c, ok := question.Choice(code); ok {
				return c.Label.In(v.lang)
			}
		}
	}
	return code
}

// areaName is the name people use: "Xã Vi Hương", "Thôn Nà Lầu".
func (v *visit) areaName(code, on string) string {
	if unit, day := schema.ParseRef(code); day != "" { // as a grant names a unit of before
		code, on = unit, day
	}
	a, ok := v.s.Store.Areas().At(code, on)
	if !ok {
		if a, ok = v.s.Store.AnyArea(code); !ok {
			return code
		}
	}
	return fullName(a)
}

func fullName(a schema.Area) string {
	if a.UnitType == "" || strings.HasPrefix(a.Name, a.UnitType) || a.Level == schema.LevelVillage {
		return a.Name
	}
	return a.UnitType + " " + a.Name
}

func (v *visit) roundForm() form {
	set := v.s.Store.Set()
	standards, sheets := []option{}, []option{}
	for _, name := range sortedNames(set.Standards) {
		standards = append(standards, option{Value: name, Text: name + ": " + set.Standards[name].Title.In(v.lang)})
	}
	for _, name := range sortedNames(set.Questionnaires) {
		sheets = append(sheets, option{Value: name, Text: name + ": " + set.Questionnaires[name].Title.In(v.lang)})
	}
	kinds := []option{{Value: "periodic", Text: v.choice("round", "kind", "periodic")}, {Value: "regular", Text: v.choice("round", "kind", "regular")}}
	return form{Action: "/rounds", Submit: v.t("rounds.open"), Cancel: "/rounds", Fields: []field{
		{Name: "name", Label: v.t("rounds.name"), Hint: v.t("rounds.name_hint"), Kind: "text", Required: true},
		{Name: "kind", Label: v.t("rounds.kind"), Kind: "select", Options: kinds},
		{Name: "place", Label: v.t("rounds.area"), Hint: v.t("rounds.area_hint"), Kind: "text", Required: true},
		{Name: "standard", Label: v.t("rounds.standard"), Kind: "select", Options: standards},
		{Name: "questionnaire", Label: v.t("rounds.questionnaire"), Kind: "select", Options: sheets},
		{Name: "from", Label: v.t("rounds.from"), Kind: "date", Required: true},
		{Name: "to", Label: v.t("rounds.to"), Kind: "date", Required: true},
	}}
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func newRoundPage(v *visit) error {
	return show(v, http.StatusOK, "form", v.frame(v.t("rounds.open"), "/rounds", crumb{v.t("nav.rounds"), "/rounds"}, crumb{Text: v.t("rounds.open")}),
		formBody{Heading: v.t("rounds.open"), Form: v.roundForm()})
}

func openRound(v *visit) error {
	wrong, id, err := v.addRound()
	if err != nil {
		return err
	}
	if len(wrong) == 0 {
		return v.done("/rounds/"+id, v.t("rounds.done"))
	}
	f := v.roundForm()
	v.fill(&f, wrong)
	frame := v.frame(v.t("rounds.open"), "/rounds", crumb{v.t("nav.rounds"), "/rounds"}, crumb{Text: v.t("rounds.open")})
	frame.Problems = wrong
	return show(v, http.StatusUnprocessableEntity, "form", frame, formBody{Heading: v.t("rounds.open"), Form: f})
}

func (v *visit) addRound() (problems, string, error) {
	var wrong problems
	name, area := strings.TrimSpace(v.FormValue("name")), strings.TrimSpace(v.FormValue("place"))
	if name == "" {
		wrong = append(wrong, problem{"round_name", "name", v.t("rounds.no_name")})
	}
	code, _ := schema.ParseRef(area)
	if _, ok := v.s.Store.AnyArea(code); !ok {
		wrong = append(wrong, problem{"area_unknown", "place", v.t("rounds.no_area")})
	} else if !v.can(survey.ManageRound, code) {
		wrong = append(wrong, problem{"area_not_yours", "place", v.t("problem.not_yours")})
	}
	for _, unit := range []string{"from", "to"} {
		if !validDay(v.FormValue(unit)) {
			wrong = append(wrong, problem{"day", unit, v.t("problem.day")})
		}
	}
	if len(wrong) == 0 && v.FormValue("to") < v.FormValue("from") {
		wrong = append(wrong, problem{"days_order", "to", v.t("problem.days_order")})
	}
	if len(wrong) > 0 {
		return wrong, "", nil
	}
	round := central.NewRound{Name: name, Kind: v.FormValue("kind"), Area: area, Standard: v.FormValue("standard"),
		Questionnaire: v.FormValue("questionnaire"), From: v.FormValue("from"), To: v.FormValue("to")}
	round.ID = roundID(v.s.Store.Self().Server, round)
	id, _, err := v.s.Store.AddRound(v.Request().Context(), v.user.Account, round)
	var refusal *central.Refusal
	if errors.As(err, &refusal) && refusal.Code == "round_exists" {
		return nil, round.ID, nil // the same form sent twice: the round it asked for is there
	}
	if err != nil {
		wrong, err = v.wrong(err, "place")
	}
	return wrong, id, err
}

// roundID is made from what the form says, so that an impatient second click opens no second round.
func roundID(server string, r central.NewRound) string {
	text := strings.Join([]string{server, r.Name, r.Kind, r.Area, r.Standard, r.Questionnaire, r.From, r.To}, "\x00")
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("rasoat-round\x00"+text)).String()
}

// residentsBody is the sheet of resident households of a commune's villages.
type residentsBody struct {
	Commune, Action, Back string
	Fields                []field
	Rows                  []residentsRow
}

type residentsRow struct {
	Name, Now           string
	SeenName, Seen      string // the entries the row shows, which a new one names as its parents
	Households, Persons cell
}

type cell struct{ Name, Label, Value, Error string }

func residentsPage(v *visit) error { return v.residentsSheet(http.StatusOK, nil) }

// residentsCommune is the commune the sheet is about, with its villages in the round.
func (v *visit) residentsCommune() (central.RoundDetail, schema.Area, []schema.Area, error) {
	d, err := v.s.Store.RoundDetail(v.Request().Context(), v.Param("round"))
	if err != nil {
		return d, schema.Area{}, nil, err
	}
	a, ok := v.s.Store.Areas().At(v.FormValue("area"), d.Date)
	if !ok || a.Level != schema.LevelCommune {
		return d, a, nil, central.ErrRoundMissing
	}
	return d, a, v.s.Store.Areas().Children(a.Code, d.Date), nil
}

func (v *visit) residentsSheet(status int, wrong problems) error {
	d, commune, villages, err := v.residentsCommune()
	if err != nil {
		return err
	}
	title := v.t("residents.title", fullName(commune))
	back := query("/rounds/"+d.ID, "area", commune.Code)
	body := residentsBody{Commune: fullName(commune), Action: query("/rounds/"+d.ID+"/residents", "area", commune.Code), Back: back}
	f := form{Fields: []field{
		{Name: "as_of", Label: v.t("residents.as_of"), Kind: "date", Required: true},
		{Name: "source", Label: v.t("residents.source"), Hint: v.t("residents.source_hint"), Kind: "text", Required: true},
	}}
	if wrong != nil {
		v.fill(&f, wrong)
	} else {
		f.Fields[0].Value = v.today()
	}
	body.Fields = f.Fields
	for _, a := range villages {
		have, ok := d.Residents[a.Code]
		row := residentsRow{Name: a.Name, Now: v.t("residents.missing"), SeenName: "s-" + a.Code, Seen: seenHeads(d.Record, residentsUnit(a)),
			Households: cell{Name: "h-" + a.Code, Label: v.t("residents.households_of", a.Name)},
			Persons:    cell{Name: "p-" + a.Code, Label: v.t("residents.persons_of", a.Name)}}
		if ok {
			row.Now = v.residentNote(have)
			row.Households.Value, row.Persons.Value = v.n(have.Households), v.n(have.Persons)
		}
		for _, c := range []*cell{&row.Households, &row.Persons} {
			if wrong != nil {
				c.Value, c.Error = v.FormValue(c.Name), wrong.at(c.Name)
			}
		}
		body.Rows = append(body.Rows, row)
	}
	frame := v.frame(title, "/rounds", crumb{v.t("nav.rounds"), "/rounds"}, crumb{v.roundName(d), "/rounds/" + d.ID}, crumb{fullName(commune), back}, crumb{Text: v.t("totals.residents")})
	frame.Problems = wrong
	return show(v, status, "residents", frame, body)
}

func residentsUnit(a schema.Area) string { return "residents/" + a.Code }

// seenHeads names the live writes of a unit.
func seenHeads(rec *fieldsync.Record, unit string) string {
	var dots []string
	for _, h := range rec.Heads(unit) {
		dots = append(dots, h.Dot.String())
	}
	return strings.Join(dots, " ")
}

func (v *visit) residentNote(r central.Residents) string {
	return v.t("residents.note", v.n(r.Households), v.n(r.Persons), date(r.AsOf, v.lang), r.Source)
}

// enterResidents writes what has changed on the sheet, as one act of the person.
func enterResidents(v *visit) error {
	d, commune, villages, err := v.residentsCommune()
	if err != nil {
		return err
	}
	asOf, source := v.FormValue("as_of"), strings.TrimSpace(v.FormValue("source"))
	wrong := problems{}
	if !validDay(asOf) {
		wrong = append(wrong, problem{"day", "as_of", v.t("problem.day")})
	}
	if source == "" {
		wrong = append(wrong, problem{"source", "source", v.t("residents.no_source")})
	}
	change := central.ActChange{Record: d.ID, Kind: "round", Op: fieldsync.OpEdit, Scope: d.Area, Parents: d.Record.ParentsOf([]string{"."})}
	for _, a := range villages {
		w, bad := v.residentsOf(a, d, asOf, source)
		wrong = append(wrong, bad...)
		if w != nil {
			change.Writes = append(change.Writes, *w)
			change.Parents = append(change.Parents, d.Record.ParentsOf([]string{w.Unit})...)
		}
	}
	if len(wrong) > 0 {
		return v.residentsSheet(http.StatusUnprocessableEntity, wrong)
	}
	back := query("/rounds/"+d.ID, "area", commune.Code)
	if len(change.Writes) == 0 {
		return v.done(back, v.t("residents.same"))
	}
	slices.SortFunc(change.Parents, fieldsync.Dot.Compare)
	change.Parents = slices.Compact(change.Parents)
	_, err = v.s.Store.Author(v.Request().Context(), central.Act{Account: v.user.Account, Role: v.user.Role, Form: d.Questionnaire, Changes: []central.ActChange{change}})
	if err != nil {
		return err
	}
	return v.done(back, v.t("residents.done", v.n(int64(len(change.Writes)))))
}

// residentsOf reads one village's row. A row left empty, or as it was, writes nothing; one that somebody else has changed
// since the sheet was opened is shown again, so that nobody overwrites what he has not seen.
func (v *visit) residentsOf(a schema.Area, d central.RoundDetail, asOf, source string) (*fieldsync.Write, problems) {
	h, p := strings.TrimSpace(v.FormValue("h-"+a.Code)), strings.TrimSpace(v.FormValue("p-"+a.Code))
	if h == "" && p == "" {
		return nil, nil
	}
	households, ok1 := whole(h)
	persons, ok2 := whole(p)
	var wrong problems
	if !ok1 {
		wrong = append(wrong, problem{"number", "h-" + a.Code, v.t("residents.number", a.Name)})
	}
	if !ok2 {
		wrong = append(wrong, problem{"number", "p-" + a.Code, v.t("residents.number", a.Name)})
	}
	if ok1 && ok2 && persons < households {
		wrong = append(wrong, problem{"persons_few", "p-" + a.Code, v.t("residents.few", a.Name)})
	}
	old, known := d.Residents[a.Code]
	if len(wrong) > 0 || known && old.Households == households && old.Persons == persons {
		return nil, wrong
	}
	if known && v.FormValue("s-"+a.Code) != seenHeads(d.Record, residentsUnit(a)) {
		return nil, problems{{"changed", "h-" + a.Code, v.t("residents.changed", a.Name, v.residentNote(old))}}
	}
	value := fmt.Sprintf(`{"households":%d,"persons":%d,"as_of":%q,"source":%s}`, households, persons, asOf, jsonText(source))
	return &fieldsync.Write{Unit: residentsUnit(a), Value: []byte(value)}, nil
}

package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// householdBody is everything the server knows of one household in one round.
type householdBody struct {
	Head, Place string
	Warnings    []string
	Judged      []judged
	Facts       []fact
	Conflicts   []contested
	Sensitive   *sensitiveBox
	Rosters     []roster
	Sections    []section
	History     []historyRow
}

// judged is the household under one standard.
type judged struct {
	Name, Title, Class, Summary string
	Marks                       []string
	Reasons                     []reason
}

type reason struct {
	Indicator, Dimension, Sentence, Article, Undecided string
	Open, Confirmed                                    bool
}

type fact struct{ Label, Value, Note string }

type contested struct {
	Label        string
	Flips, Quiet bool
	Values       []saidValue
}

type saidValue struct {
	Text, By, Why string
	Shown         bool // the provisional one, which pages and totals show
}

// sensitiveBox offers to show sensitive answers: with a reason, which is written to the audit log.
type sensitiveBox struct {
	Shown, Open bool
	Form        *form
}

// roster is one section asked of every member.
type roster struct {
	ID, Title string
	Heads     []string
	Rows      []rosterRow
}

type rosterRow struct {
	Name, Note string
	Cells      []answer
}

type section struct {
	ID, Title string
	Rows      []sectionRow
}

type sectionRow struct {
	Label  string
	Answer answer
}

type historyRow struct {
	At, Received              int64
	Skewed                    bool
	Who, Role, Op, Why, State string
	Units                     string
}

// revealFor is how long sensitive answers stay visible after they were asked for.
const revealFor = 15 * time.Minute

func householdPage(v *visit) error { return v.household(http.StatusOK, nil) }

func (v *visit) household(status int, wrong problems) error {
	ctx := v.Request().Context()
	h, err := v.s.Store.Household(ctx, v.Param("household"))
	if err != nil {
		return err
	}
	iv := chooseInterview(h, v.FormValue("round"))
	body := householdBody{Head: v.t("households.unnamed", h.View.Code)}
	r := &reading{v: v, names: map[string]string{}, show: v.revealed(h.ID)}
	if iv != nil {
		r.q, r.iv = iv.Form, survey.ReadRecord(iv.Record, iv.Form)
		for _, m := range r.iv.Members() {
			r.names[m.ID] = m.Name
		}
		if iv.View.Name != "" {
			body.Head = iv.View.Name
		}
		if err := v.fillInterview(&body, r, iv); err != nil {
			return err
		}
	}
	v.fillFacts(&body, r, h, iv)
	body.Sensitive = v.sensitiveBox(h.ID, r.show, wrong)
	if body.History, err = v.history(r, h, iv); err != nil {
		return err
	}
	frame := v.frame(body.Head, "/rounds", v.householdTrail(h, iv, body.Head)...)
	frame.Problems = wrong
	return show(v, status, "household", frame, body)
}

// chooseInterview is the interview of the round asked for, else the latest.
func chooseInterview(h *central.Household, round string) *central.Interview {
	for i := range h.Interviews {
		if round == "" || h.Interviews[i].Round.ID == round {
			return &h.Interviews[i]
		}
	}
	return nil
}

func (v *visit) householdTrail(h *central.Household, iv *central.Interview, head string) []crumb {
	trail := []crumb{{v.t("nav.rounds"), "/rounds"}}
	if iv != nil && iv.Round.Area != "" {
		trail = append(trail, crumb{v.roundName(iv.Round), "/rounds/" + iv.Round.ID})
		path := v.s.Store.Areas().Path(iv.Area, iv.Round.Date)
		for _, a := range slices.Backward(path) {
			if !v.can(survey.ReadHousehold, a.Code) {
				continue
			}
			switch a.Level {
			case schema.LevelCommune:
				trail = append(trail, crumb{fullName(a), query("/rounds/"+iv.Round.ID, "area", a.Code)})
			case schema.LevelVillage:
				trail = append(trail, crumb{fullName(a), query("/rounds/"+iv.Round.ID+"/households", "area", a.Code)})
			}
		}
	}
	return append(trail, crumb{Text: head})
}

func (v *visit) fillInterview(body *householdBody, r *reading, iv *central.Interview) error {
	names := []string{iv.Round.Standard}
	for _, name := range sortedNames(v.s.Store.Set().Standards) {
		if name != iv.Round.Standard {
			names = append(names, name)
		}
	}
	for _, name := range names {
		j, err := v.s.Store.Judge(name, r.q.Name)
		if err != nil {
			return err
		}
		if j != nil && len(r.iv.Members()) > 0 {
			body.Judged = append(body.Judged, v.judged(r, j, v.s.Store.AreaTypeOf(iv)))
		}
	}
	if j, err := v.s.Store.Judge(iv.Round.Standard, r.q.Name); err != nil {
		return err
	} else {
		body.Conflicts = append(body.Conflicts, v.contested(r, iv.Record, j, v.s.Store.AreaTypeOf(iv))...)
	}
	for _, s := range r.q.Sections {
		if s.Roster {
			if x := v.roster(r, s); len(x.Rows) > 0 {
				body.Rosters = append(body.Rosters, x)
			}
		} else if x := v.section(r, s); len(x.Rows) > 0 {
			body.Sections = append(body.Sections, x)
		}
	}
	body.Warnings = v.warnings(iv)
	return nil
}

// warnings are what a reader must know before the figures: missing changes, two authors, semantic conflicts.
func (v *visit) warnings(iv *central.Interview) []string {
	var out []string
	if waiting := iv.Record.Waiting(); len(waiting) > 0 {
		var dots []string
		for _, d := range waiting {
			dots = append(dots, d.String())
		}
		out = append(out, v.t("household.waits", strings.Join(dots, ", ")))
	}
	if iv.View.Soft {
		out = append(out, v.t("household.soft"))
	}
	for _, flag := range iv.View.Flags {
		out = append(out, v.t("flag."+flag))
	}
	return out
}

func (v *visit) fillFacts(body *householdBody, r *reading, h *central.Household, iv *central.Interview) {
	add := func(label, value string) {
		if value != "" {
			body.Facts = append(body.Facts, fact{Label: label, Value: value})
		}
	}
	add(v.t("households.code"), h.View.Code)
	if h.Record != nil {
		q := r.q
		if q == nil {
			q = v.s.Store.Set().Questionnaires[v.newestForm()]
		}
		hr := &reading{v: v, q: q, iv: survey.ReadRecord(h.Record, q), names: r.names, show: r.show}
		for _, unit := range hr.iv.Units() {
			if question, ok := q.Question(schema.KindHousehold, unit); ok && unit != "household_code" && unit != "." {
				add(question.Label.In(v.lang), hr.answer(question, unit).Text)
			}
		}
		body.Conflicts = append(body.Conflicts, v.contested(hr, h.Record, nil, "")...)
	}
	if iv == nil {
		return
	}
	var places []string
	for _, a := range v.s.Store.Areas().Path(iv.Area, iv.Round.Date) {
		places = append(places, fullName(a))
	}
	body.Place = strings.Join(places, ", ")
	add(v.t("round"), v.roundName(iv.Round))
	for _, unit := range []string{"listed", "prior_class", "review/state", "decision/meeting", "decision/recognised", "decision/without_interview"} {
		if q, ok := r.q.Question(schema.KindInterview, unit); ok && r.iv.Has(unit) {
			add(q.Label.In(v.lang), r.answer(q, unit).Text)
		}
	}
	for i := range h.Interviews {
		other := &h.Interviews[i]
		switch {
		case other.ID == iv.ID:
		case other.View.Recognised != "":
			add(v.roundName(other.Round), v.t("household.recognised", v.t("class."+string(other.View.Recognised))))
		case other.View.Class != "":
			add(v.roundName(other.Round), v.t("class."+string(other.View.Class)))
		}
	}
}

func (v *visit) newestForm() string {
	names := sortedNames(v.s.Store.Set().Questionnaires)
	return names[len(names)-1]
}

func (v *visit) revealed(household string) bool {
	until := v.s.Account.Sessions().GetInt64(v.Request().Context(), keyReveal+household)
	return until > v.s.Store.Now()
}

func (v *visit) sensitiveBox(household string, shown bool, wrong problems) *sensitiveBox {
	box := &sensitiveBox{Shown: shown, Open: wrong != nil}
	if !shown {
		box.Form = &form{Action: query("/households/"+household+"/reveal", "round", v.FormValue("round")), Submit: v.t("sensitive.submit"),
			Fields: []field{{Name: "why", Label: v.t("reason"), Hint: v.t("sensitive.hint"), Kind: "text", Required: true}}}
		if wrong != nil {
			v.fill(box.Form, wrong)
		}
	}
	return box
}

// revealHousehold shows sensitive answers for a while to who says why; that it was done stands in the audit log, not what was seen.
func revealHousehold(v *visit) error {
	id, why := v.Param("household"), strings.TrimSpace(v.FormValue("why"))
	if len([]rune(why)) < minReason || len([]rune(why)) > fieldsync.MaxWhy {
		return v.household(http.StatusUnprocessableEntity, problems{{"reason_short", "why", v.t("problem.reason", v.n(minReason))}})
	}
	areas, err := v.s.Store.HouseholdAreas(v.Request().Context(), id)
	if err != nil {
		return err
	}
	err = v.s.Store.Audit(v.Request().Context(), central.AuditEntry{Actor: v.user.Account, Act: "household.sensitive", Object: id, Area: areas[0], Detail: why})
	if err != nil {
		return err
	}
	v.s.Account.Sessions().Put(v.Request().Context(), keyReveal+id, v.s.Store.Now()+revealFor.Milliseconds())
	return v.Redirect(http.StatusSeeOther, query("/households/"+id, "round", v.FormValue("round"))+"#sensitive")
}

// minReason is the least number of characters of a reason: one that says something.
const minReason = 5

// history is every change of the interview and of the household itself, the latest first.
func (v *visit) history(r *reading, h *central.Household, iv *central.Interview) ([]historyRow, error) {
	var all []central.ChangeRow
	records := []string{h.ID}
	if iv != nil {
		records = append(records, iv.ID)
	}
	for _, rec := range records {
		rows, err := v.s.Store.History(v.Request().Context(), rec)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortStableFunc(all, func(a, b central.ChangeRow) int { return int(b.Received - a.Received) })
	if r.q == nil {
		r.q = v.s.Store.Set().Questionnaires[v.newestForm()]
	}
	out := make([]historyRow, 0, len(all))
	for i := range all {
		c := &all[i]
		row := historyRow{At: c.At, Received: c.Received, Who: c.Account, Role: v.role(c.Role), Op: v.op(c.Op), Why: c.Why, Units: r.units(c.Kind, c.Units),
			Skewed: c.At > c.Received+skewNoted.Milliseconds()}
		if c.State != central.StatePublished {
			row.State = v.t("change." + c.State)
		}
		out = append(out, row)
	}
	return out, nil
}

// skewNoted is how far a tablet's clock may be ahead before a history says so.
const skewNoted = 10 * time.Minute

func (v *visit) op(op string) string {
	if _, ok := catalogue["op."+op]; ok {
		return v.t("op." + op)
	}
	return op
}

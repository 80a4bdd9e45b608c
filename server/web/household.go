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

func (v *visit) judged(r *reading, j *survey.Judge, area survey.AreaType) judged {
	g := j.Judge(r.iv, area, survey.Options{Reasons: true, Lang: v.lang})
	std := g.Standard()
	out := judged{Name: std.Name, Title: std.Title.In(v.lang), Class: string(g.Class), Summary: v.summary(r, g, area)}
	if g.Basis == survey.BasisIncome && std.Score != nil {
		out.Marks = append(out.Marks, v.t("household.by_income"))
	}
	if !r.iv.Has("household_size") {
		out.Marks = append(out.Marks, v.t("household.roster_open"))
	}
	if g.AverageLiving == "yes" {
		out.Marks = append(out.Marks, std.Sentences["average_living"].In(v.lang))
	}
	for _, why := range g.Why {
		ind, ok := std.Indicator(why.Indicator)
		if !ok {
			continue
		}
		x := reason{Indicator: ind.Label.In(v.lang), Sentence: why.Sentence, Article: ind.Source, Open: why.Verdict == survey.Unknown, Confirmed: why.Confirmed}
		for _, d := range std.Dimensions {
			if d.Code == ind.Dimension {
				x.Dimension = d.Label.In(v.lang)
			}
		}
		if v.sensitiveIndicator(r, ind) && !r.show {
			x.Sentence = v.t("sensitive.reason")
		}
		for i, unit := range why.Undecided {
			if i > 0 {
				x.Undecided += "; "
			}
			x.Undecided += r.label(schema.KindInterview, unit)
		}
		out.Reasons = append(out.Reasons, x)
	}
	return out
}

// sensitiveIndicator: its sentence would tell a member's health or disability.
func (v *visit) sensitiveIndicator(r *reading, ind *schema.Indicator) bool {
	return slices.ContainsFunc(ind.Units, func(unit string) bool {
		for _, full := range []string{unit, "m/-/" + unit} {
			if q, ok := r.q.Question(schema.KindInterview, full); ok && sensitive(q) {
				return true
			}
		}
		return false
	})
}

// summary is the class in one line: the income side, the points, the area type, the range while it is open.
func (v *visit) summary(r *reading, g *survey.Judgement, area survey.AreaType) string {
	parts := []string{v.t("household.b2", points(g.B2, g.B2Max))}
	if score := r.iv.Text("b1_score"); score != "" && g.Standard().Score != nil {
		line, ok := g.Standard().Score.For(string(area))
		if ok {
			parts = append(parts, v.t("household.b1", numeral(score, v.lang), v.n(line)))
		}
	} else if income := r.iv.Text("income_per_capita"); income != "" && g.Standard().Income != nil {
		line, ok := g.Standard().Income.For(string(area))
		if ok {
			parts = append(parts, v.t("household.income", numeral(income, v.lang), v.n(line)))
		}
	} else {
		parts = append(parts, v.t("household.no_income"))
	}
	if area != "" {
		parts = append(parts, v.t("area."+string(area)))
	} else {
		parts = append(parts, v.t("area.unknown"))
	}
	if g.Class == survey.Undetermined {
		parts = append(parts, v.t("household.range", v.t("class."+string(g.Low)), v.t("class."+string(g.High))))
	}
	return strings.Join(parts, " · ")
}

func (v *visit) contested(r *reading, rec *fieldsync.Record, j *survey.Judge, area survey.AreaType) []contested {
	var out []contested
	for _, o := range rec.Conflicts(survey.Policies(r.q)) {
		c := contested{Label: r.label(rec.Kind, o.Unit), Quiet: o.Quiet}
		if rec.Kind == schema.KindInterview && j != nil && !o.Quiet {
			c.Flips = j.RankConflict(r.iv, area, o.Unit) == survey.RankFlips
		}
		for i, h := range o.Values {
			by := rec.Author(h.Dot)
			text := r.value(rec.Kind, o.Unit, h.Value)
			if text.Hidden {
				text.Text = v.t("sensitive.dots")
			}
			c.Values = append(c.Values, saidValue{Text: text.Text, By: v.by(by), Why: by.Why, Shown: i == 0})
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b contested) int { return rankOf(a) - rankOf(b) })
	return out
}

func rankOf(c contested) int {
	switch {
	case c.Flips:
		return 0
	case c.Quiet:
		return 2
	}
	return 1
}

// by says who gave a value: account, role and when by the tablet's clock.
func (v *visit) by(a fieldsync.Author) string {
	return strings.Join([]string{a.Account, v.role(a.Role), moment(a.At, v.lang)}, " · ")
}

func (v *visit) role(role string) string {
	if _, ok := catalogue["role."+role]; ok {
		return v.t("role." + role)
	}
	return role
}

func (v *visit) roster(r *reading, s *schema.Section) roster {
	out := roster{ID: s.ID, Title: s.Title.In(v.lang)}
	var asked []*schema.Question
	for _, q := range s.Questions {
		if q.Unit != "name" && !strings.Contains(q.Unit, "*") && r.anyone(q) {
			asked = append(asked, q)
			out.Heads = append(out.Heads, q.Label.In(v.lang))
		}
	}
	if len(asked) == 0 {
		return out
	}
	for _, m := range r.iv.Members() {
		row := rosterRow{Name: m.Name, Note: v.age(r, m.Birth)}
		if row.Name == "" {
			row.Name = v.t("household.unnamed_member")
		}
		if m.Contested {
			row.Note += " · " + v.t("answer.contested")
		}
		for _, q := range asked {
			row.Cells = append(row.Cells, r.answer(q, "m/"+m.ID+"/"+q.Unit))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// age is a member's age on the day of review; as a range while only the year of birth is known.
func (v *visit) age(r *reading, born string) string {
	birth, ok1 := survey.ParseBirth(born)
	review, ok2 := survey.ParseDay(r.iv.Text("review_date"))
	if !ok1 || !ok2 {
		return ""
	}
	months, ok := birth.Age(review)
	if !ok {
		return ""
	}
	from, to := months.Years()
	return v.t("household.age", points(from, to))
}

// anyone tells whether a member question has an answer, or a reason why not, for anybody: empty columns are left out.
func (r *reading) anyone(q *schema.Question) bool {
	for id := range r.names {
		if unit := "m/" + id + "/" + q.Unit; r.iv.Has(unit) || r.iv.Has("m/"+id+"/open/"+q.Unit) {
			return true
		}
	}
	return false
}

// section lists a section's answers. What is certainly not asked of this household is left out.
func (v *visit) section(r *reading, s *schema.Section) section {
	out := section{ID: s.ID, Title: s.Title.In(v.lang)}
	asked := survey.SectionVisible(r.q, r.iv, s.ID) != schema.No
	add := func(q *schema.Question, unit string, a answer) {
		if a == (answer{}) && (!asked || survey.Visible(r.q, r.iv, unit) == schema.No) {
			return
		}
		out.Rows = append(out.Rows, sectionRow{q.Label.In(v.lang), a})
	}
	for _, q := range s.Questions {
		switch {
		case len(q.Parts) > 0 && q.Type == schema.TypeMulti:
			add(q, q.Parts[0].Unit, r.choices(q))
		case len(q.Parts) > 0:
			for _, p := range q.Parts {
				if a := r.answer(p, p.Unit); a != (answer{}) {
					a.Text = p.Label.In(v.lang) + ": " + a.Text
					add(q, p.Unit, a)
				}
			}
		case strings.Contains(q.Unit, "*"):
			for _, unit := range r.iv.Units() {
				if got, ok := r.q.Question(schema.KindInterview, unit); ok && got == q {
					add(q, unit, r.answer(q, unit))
				}
			}
		default:
			add(q, q.Unit, r.answer(q, q.Unit))
		}
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
		if other := &h.Interviews[i]; other.ID != iv.ID && other.View.Class != "" {
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

package central

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// View is what lists show of a record: small, computed from the merged answers, stored beside them, never synced.
type View struct {
	Name       string       `json:"name,omitempty"`    // of the head of household, the round, …
	Members    int          `json:"members,omitempty"` // persons who exist
	Code       string       `json:"code,omitempty"`    // household_code
	Address    string       `json:"address,omitempty"`
	Village    string       `json:"village,omitempty"`
	Outcome    string       `json:"outcome,omitempty"`
	Status     string       `json:"status,omitempty"`
	Review     string       `json:"review,omitempty"` // review_date
	Return     string       `json:"return,omitempty"` // review/state
	Listed     bool         `json:"listed,omitempty"`
	Deleted    bool         `json:"deleted,omitempty"`
	Class      survey.Class `json:"class,omitempty"`
	Low        survey.Class `json:"low,omitempty"`
	High       survey.Class `json:"high,omitempty"`
	Basis      string       `json:"basis,omitempty"` // survey.BasisScore …
	B2         int          `json:"b2,omitempty"`
	B2Max      int          `json:"b2_max,omitempty"`
	Lacking    []string     `json:"lacking,omitempty"`   // codes of the indicators that are yes
	Undecided  []string     `json:"undecided,omitempty"` // units that would decide the class, at most maxNamed
	Conflicts  []string     `json:"conflicts,omitempty"` // units in hard conflict, at most maxNamed
	Flags      []string     `json:"flags,omitempty"`     // semantic conflicts: codes
	Soft       bool         `json:"soft,omitempty"`      // two people worked on it without seeing each other
	Waiting    int          `json:"waiting,omitempty"`   // changes others have named as parents that are not here yet
	Recognised survey.Class `json:"recognised,omitempty"`
}

// maxNamed bounds the units a view names; the record has them all.
const maxNamed = 20

// Codes of semantic conflicts.
const (
	FlagTwoVillages  = "village_differs"  // the interview's village is none of the household's
	FlagManyMembers  = "too_many_members" // more than survey.MaxMembers
	FlagOutcome      = "outcome_mixed"    // one says interviewed, another says moved or dissolved
	FlagHouseholdOut = "household_absent" // the household itself has not arrived
)

// Ranks of a record's conflicts, in the column rank: what a board should see first is greatest.
const (
	RankNone   = 0
	RankOther  = 1
	RankJudged = 2
	RankFlips  = 3
)

// look fills in everything of w.next that is computed from the merged record.
func (p *planner) look(w *work) error {
	var q *schema.Questionnaire
	if w.only != nil {
		q = p.s.set.Questionnaires[w.only.Form]
	}
	if q == nil {
		q = p.s.questionnaireOf(w.rec)
	}
	policies := survey.Policies(q)
	v := View{Soft: w.rec.Soft(), Waiting: len(w.rec.Waiting()), Deleted: deleted(w.rec, policies)}
	var conflicts []fieldsync.Open
	if w.only == nil { // one change alone contradicts nobody
		conflicts = w.rec.Conflicts(policies)
	}
	p.countConflicts(w, conflicts, &v)
	text := func(unit string) string { return textOf(provisional(w.rec, unit, policies)) }
	switch w.next.kind {
	case schema.KindInterview:
		if err := p.lookInterview(w, q, policies, conflicts, &v); err != nil {
			return err
		}
	case schema.KindHousehold:
		v.Village, v.Code, v.Address = text("village"), text("household_code"), text("address")
		w.next.area, w.next.class = countedVillage(w.rec, w.next.scopes), ""
		w.next.fold = survey.FoldName(v.Code + " " + v.Address)
	default:
		v.Name = text("name")
	}
	if v.Soft {
		w.next.soft = 1
	}
	w.next.soft += int64(len(v.Flags))
	b, err := json.Marshal(&v)
	w.next.view = string(b)
	return err
}

// countConflicts notes the hard conflicts of what is looked at.
func (p *planner) countConflicts(w *work, conflicts []fieldsync.Open, v *View) {
	v.Conflicts = nil
	w.next.hard, w.next.soft, w.next.rank = 0, 0, RankNone
	for _, o := range conflicts {
		if o.Quiet {
			continue
		}
		w.next.rank = RankOther
		if w.next.hard++; w.next.hard <= maxNamed {
			v.Conflicts = append(v.Conflicts, o.Unit)
		}
	}
}

// deleted: all live values of the status say so; against an unseen edit it stays until a board decides.
func deleted(rec *fieldsync.Record, policies fieldsync.Policies) bool {
	status := rec.Look(".", policies).Values
	return len(status) > 0 && !slices.ContainsFunc(status, func(h fieldsync.Head) bool { return !gone(h.Value) })
}

func gone(status []byte) bool {
	if len(status) == 0 || status[0] != '{' {
		return false
	}
	var s struct {
		S string `json:"s"`
	}
	return json.Unmarshal(status, &s) == nil && (s.S == "deleted" || s.S == "removed")
}

// countedVillage is where a record with several live villages counts: by role, then dot, never by a clock (I10).
func countedVillage(rec *fieldsync.Record, fallback []string) string {
	best, found := fieldsync.Head{}, false
	for _, h := range rec.Heads("village") {
		if textOf(h.Value) == "" {
			continue
		}
		if !found || preferVillage(rec, h, best) {
			best, found = h, true
		}
	}
	if found {
		return textOf(best.Value)
	}
	if len(fallback) > 0 {
		return fallback[0]
	}
	return ""
}

// rolesByRank has the weightiest role last; an unknown one weighs least.
var rolesByRank = []string{"enumerator", "village_head", "admin", "district", "board", "chairman"}

func preferVillage(rec *fieldsync.Record, a, b fieldsync.Head) bool {
	x, y := slices.Index(rolesByRank, rec.Author(a.Dot).Role), slices.Index(rolesByRank, rec.Author(b.Dot).Role)
	return x > y || (x == y && a.Dot.Compare(b.Dot) > 0)
}

// lookInterview judges an interview under its round's standard and says what it adds to the totals.
func (p *planner) lookInterview(w *work, q *schema.Questionnaire, policies fieldsync.Policies, conflicts []fieldsync.Open, v *View) error {
	inGroup, counts, joined, err := p.standing(w)
	if err != nil {
		return err
	}
	var iv *survey.Interview
	switch {
	case joined != nil:
		iv, conflicts = survey.ReadRecord(joined, q), joined.Conflicts(policies)
		p.countConflicts(w, conflicts, v)
	case w.only != nil:
		iv = survey.ReadWrites(w.only.Writes) // the usual case, and half the work
	default:
		iv = survey.ReadRecord(w.rec, q)
	}
	members := iv.Members()
	v.Members, v.Outcome, v.Status, v.Review = len(members), iv.Text("outcome"), iv.Text("status"), iv.Text("review_date")
	v.Listed, v.Return, v.Village = iv.Has("listed"), iv.Text("review/state"), iv.Text("village")
	if len(members) > 0 {
		v.Name = members[0].Name
	}
	v.Recognised = recognised(iv)
	w.next.area = countedVillage(w.rec, w.next.scopes)
	w.next.fold = survey.FoldName(v.Name)
	p.flag(w, iv, v)
	round, err := p.round(w.next.round)
	if err != nil {
		return err
	}
	w.next.standard, w.next.basis = "", p.basis(round)
	var verdict *survey.Judgement
	if round != nil {
		w.next.standard = round.standard
		if verdict, err = p.judgement(w, round, q, iv, conflicts, v); err != nil {
			return err
		}
	}
	if inGroup && counts && joined == nil { // counted once, and as anything until it is said who is who
		v.Flags, verdict = append(v.Flags, FlagUnmapped), nil
		v.Class, v.Low, v.High = survey.Undetermined, "", ""
	}
	w.next.class = string(v.Class)
	if counts {
		w.counted = p.count(w, round, v, verdict)
	} else {
		v.Flags = append(v.Flags, FlagDuplicate)
	}
	w.next.tally = w.counted.String()
	return nil
}

// basis names what a view rests on: the round's standard and dates, the definitions, the areas.
func (p *planner) basis(round *roundInfo) string {
	if round == nil {
		return ""
	}
	return round.basis + "/" + p.s.set.Sum[:min(8, len(p.s.set.Sum))] + "/" + p.areasText
}

func (p *planner) judgement(w *work, round *roundInfo, q *schema.Questionnaire, iv *survey.Interview, conflicts []fieldsync.Open, v *View) (*survey.Judgement, error) {
	form := round.questionnaire
	if q != nil && p.s.set.Questionnaires[form] == nil {
		form = q.Name
	}
	j, err := p.s.judge(round.standard, form)
	if err != nil || j == nil {
		return nil, err
	}
	day := v.Review
	if day == "" {
		day = round.date
	}
	area := survey.AreaType(p.places.AreaType(w.next.area, day))
	g := j.Judge(iv, area, survey.Options{ClassOnly: true})
	if g.Class == survey.Undetermined {
		v.Undecided = firstUnits(j.Judge(iv, area, survey.Options{}).Deciding)
	}
	v.Class, v.Low, v.High, v.Basis, v.B2, v.B2Max = g.Class, g.Low, g.High, g.Basis, g.B2, g.B2Max
	for i, verdict := range g.Indicators {
		if verdict == survey.Yes {
			v.Lacking = append(v.Lacking, g.Standard().Indicators[i].Code)
		}
	}
	for _, o := range conflicts {
		if o.Quiet {
			continue
		}
		switch j.RankConflict(iv, area, o.Unit) {
		case survey.RankFlips:
			w.next.rank = max(w.next.rank, RankFlips)
		case survey.RankJudged:
			w.next.rank = max(w.next.rank, RankJudged)
		}
	}
	return g, nil
}

func firstUnits(units []string) []string { return units[:min(len(units), maxNamed)] }

// recognised is the class of the decision in force, if the board has entered one.
func recognised(iv *survey.Interview) survey.Class {
	var d struct {
		Class survey.Class `json:"class"`
	}
	if v := iv.Value("decision/recognised"); len(v) > 0 && json.Unmarshal(v, &d) == nil {
		return d.Class
	}
	return ""
}

func (p *planner) flag(w *work, iv *survey.Interview, v *View) {
	if v.Members > survey.MaxMembers {
		v.Flags = append(v.Flags, FlagManyMembers)
	}
	if v.Village != "" && w.followsHousehold && !slices.Contains(w.next.scopes, v.Village) {
		v.Flags = append(v.Flags, FlagTwoVillages)
	}
	outcomes := map[string]bool{}
	for _, h := range w.rec.Heads("outcome") {
		outcomes[textOf(h.Value)] = true
	}
	if outcomes["interviewed"] && (outcomes["moved"] || outcomes["dissolved"]) {
		v.Flags = append(v.Flags, FlagOutcome)
	}
}

// count says what an interview adds to its village and everything above it.
func (p *planner) count(w *work, round *roundInfo, v *View, g *survey.Judgement) counted {
	if v.Deleted || w.next.round == "" || w.next.area == "" {
		return counted{}
	}
	date := ""
	if round != nil {
		date = round.date
	}
	c := counted{areas: p.places.path(w.next.area, date)}
	t := &c.tally
	t[tInterviews] = 1
	t[tConflicts] = w.next.hard
	if v.Listed {
		t[tListed] = 1
	}
	switch {
	case v.Outcome == "interviewed" || (v.Outcome == "" && v.Members > 0):
		if v.Status == "complete" {
			t[tComplete] = 1
		}
	case v.Outcome != "":
		t[tVisited] = 1
		return c
	default:
		t[tWaiting] = 1
		return c
	}
	var c2 survey.Tally
	if g == nil { // no round or no standard yet: anything is possible
		g = &survey.Judgement{Class: survey.Undetermined, Possible: survey.AllClasses}
	}
	c2.Count(g, v.Members)
	t.judged(c2)
	return c
}

// viewOf reads a stored view.
func viewOf(text string) (v View, err error) {
	if strings.TrimSpace(text) == "" {
		return v, nil
	}
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}

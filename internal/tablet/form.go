package tablet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Form is one household and its interview in one round, as they were when the form was opened: one snapshot, whole. A pull
// does not move it; [Form.News] says that something newer is here, and [Form.AcceptNews] replaces the whole snapshot. Only
// the form's own changes move it on.
//
// Every answer is on the disk when Set returns. Methods may be called from any goroutine.
type Form struct {
	s         *Store
	household string
	interview string
	round     Round
	q         *schema.Questionnaire
	village   string // of a household that is not written yet

	hh, iv *fieldsync.Record // the snapshot; empty records when nothing was written yet
	last   *fieldsync.Record // the last round's interview, nil if there is none
	pol    fieldsync.Policies

	draft  map[string]map[string]draftRow // record → unit → answer not yet cut
	news   bool
	closed bool
}

// draftRow is one answer that is not yet part of a change, with the heads its unit had in the form's snapshot.
type draftRow struct {
	Value json.RawMessage `json:"v"`
	Base  []string        `json:"b,omitempty"`
	Aux   bool            `json:"a,omitempty"` // written along with an answer ("." and ids), not by a person
	Why   string          `json:"y,omitempty"`
}

// draftOf says what record a draft belongs to, so that it can be cut without its form after a kill.
type draftOf struct {
	Kind      string `json:"k"`
	Household string `json:"h"`
	Scope     string `json:"sc"`
	Form      string `json:"f"`
}

// answer is one unit to be written.
type answer struct {
	unit  string
	value json.RawMessage
	why   string
}

// MaxValueBytes is the longest answer to one question, as JSON: it leaves room for everything else a change must carry.
const MaxValueBytes = 48 << 10

// OpenForm opens the form of a household in a round, or returns the one that is open.
func (s *Store) OpenForm(ctx context.Context, household, round string) (*Form, error) {
	s.lock()
	defer s.unlock()
	f, err := s.newForm(household, round)
	if err != nil {
		return nil, err
	}
	if open := s.forms[f.interview]; open != nil {
		return open, nil
	}
	if err := f.take(ctx); err != nil {
		return nil, fmt.Errorf("open form: %w", err)
	}
	if f.hh.SeenCount() == 0 && f.iv.SeenCount() == 0 {
		return nil, problem("no_household", "")
	}
	s.forms[f.interview] = f
	return f, nil
}

// NewHousehold opens the form of a household nobody has written yet. Nothing is stored before its first answer.
func (s *Store) NewHousehold(ctx context.Context, round, village string) (*Form, error) {
	s.lock()
	defer s.unlock()
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	f, err := s.newForm(id.String(), round)
	if err != nil {
		return nil, err
	}
	f.village = village
	if err := f.take(ctx); err != nil {
		return nil, fmt.Errorf("new household: %w", err)
	}
	s.forms[f.interview] = f
	return f, nil
}

func (s *Store) newForm(household, round string) (*Form, error) {
	r, ok := s.rounds[round]
	if !ok {
		return nil, problem("no_round", "")
	}
	q := s.set.Questionnaires[r.Questionnaire]
	if q == nil {
		return nil, problem("unknown_unit", r.Questionnaire)
	}
	id := fieldsync.InterviewID(round, household)
	if id == "" {
		return nil, problem("no_household", "")
	}
	return &Form{s: s, household: household, interview: id, round: r, q: q, pol: survey.Policies(q),
		draft: map[string]map[string]draftRow{}}, nil
}

// take reads the whole snapshot.
func (f *Form) take(ctx context.Context) error {
	hh, err := f.s.shown(ctx, f.s.db, f.household)
	if err != nil {
		return err
	}
	iv, err := f.s.shown(ctx, f.s.db, f.interview)
	if err != nil {
		return err
	}
	last, err := f.s.lastInterview(ctx, f.household, f.round)
	if err != nil {
		return err
	}
	if hh == nil {
		hh = fieldsync.NewRecord(f.household, schema.KindHousehold)
	}
	if iv == nil {
		iv = fieldsync.NewRecord(f.interview, schema.KindInterview)
	}
	f.hh, f.iv, f.last, f.news = hh, iv, last, false
	return nil
}

// lastInterview is the household's interview in the round before the given one, nil if the tablet has none.
func (s *Store) lastInterview(ctx context.Context, household string, now Round) (*fieldsync.Record, error) {
	ids, err := s.interviewsOf(ctx, s.db, household)
	if err != nil {
		return nil, err
	}
	var best *fieldsync.Record
	var bestDay string
	for _, id := range ids {
		rec, err := s.shown(ctx, s.db, id)
		if err != nil {
			return nil, err
		}
		round := textOf(rec, "round")
		day := s.dayOf(rec)
		if round == now.ID || (now.From != "" && day >= now.From) || day < bestDay || (best != nil && day == bestDay && id < best.ID) {
			continue
		}
		best, bestDay = rec, day
	}
	return best, nil
}

// dayOf is the day an interview counts from: its round's first day, else the day it was taken.
func (s *Store) dayOf(rec *fieldsync.Record) string {
	if r, ok := s.rounds[textOf(rec, "round")]; ok && r.From != "" {
		return r.From
	}
	return textOf(rec, "review_date")
}

func (s *Store) interviewsOf(ctx context.Context, q querier, household string) ([]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT rec FROM record WHERE household = ? AND kind = 'interview' ORDER BY rec`, household)
	if err != nil {
		return nil, fmt.Errorf("list interviews: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Household is the household's id, Interview the interview's; the latter is the same on every tablet.
func (f *Form) Household() string { return f.household }

// Interview is the id of the interview's record.
func (f *Form) Interview() string { return f.interview }

// Round is the round the form belongs to.
func (f *Form) Round() Round { return f.round }

// Fresh tells whether the household was not known before this form.
func (f *Form) Fresh() bool {
	f.s.lock()
	defer f.s.unlock()
	return f.hh.SeenCount() == 0
}

// Set answers one question of the interview; nil or null is "unanswered again". The answer is durable when Set returns.
func (f *Form) Set(ctx context.Context, unit string, value json.RawMessage) error {
	return f.put(ctx, f.interview, answer{unit: unit, value: value})
}

// SetAll answers several questions of the interview in one transaction: all of them are durable when it returns, or none.
func (f *Form) SetAll(ctx context.Context, values map[string]json.RawMessage) error {
	answers := make([]answer, 0, len(values))
	for unit, value := range values {
		answers = append(answers, answer{unit: unit, value: value})
	}
	return f.put(ctx, f.interview, answers...)
}

// SetHousehold answers a question of the household's own record: its village, code, address, phone.
func (f *Form) SetHousehold(ctx context.Context, unit string, value json.RawMessage) error {
	return f.put(ctx, f.household, answer{unit: unit, value: value})
}

func (f *Form) put(ctx context.Context, rec string, answers ...answer) error {
	f.s.lock()
	defer f.s.unlock()
	return f.save(ctx, rec, answers)
}

// save writes answers of one record to the draft in one transaction. The caller holds the store's lock.
func (f *Form) save(ctx context.Context, rec string, answers []answer) error {
	if f.closed {
		return problem("form_closed", "")
	}
	if err := f.room(rec, answers); err != nil {
		return err
	}
	rows := map[string]draftRow{}
	for _, a := range answers {
		value, err := f.check(rec, a)
		if err != nil {
			return err
		}
		row := draftRow{Value: value, Base: dots(f.record(rec).ParentsOf([]string{a.unit})), Why: a.why}
		rows[a.unit] = row
	}
	puts, drops := f.plan(rec, rows)
	if len(puts) == 0 && len(drops) == 0 {
		return nil
	}
	t, err := f.s.begin(ctx)
	if err != nil {
		return saving(err)
	}
	defer t.Rollback()
	if err := f.writeDraft(t, puts, drops); err != nil {
		return saving(err)
	}
	if err := t.Commit(); err != nil {
		return saving(err)
	}
	f.took(puts, drops)
	return nil
}

// check refuses, before anything is written, what could not become an honest change.
func (f *Form) check(rec string, a answer) (json.RawMessage, error) {
	q, ok := f.q.Question(f.record(rec).Kind, a.unit)
	if !ok {
		return nil, problem("unknown_unit", a.unit)
	}
	if !q.MayWrite(f.s.me.Role) {
		return nil, problem("not_yours", a.unit)
	}
	value, err := tidy(a.value)
	if err != nil {
		return nil, problem("not_a_value", a.unit)
	}
	if len(value) > MaxValueBytes {
		return nil, problem("too_long", a.unit, "limit", fmt.Sprint(MaxValueBytes))
	}
	trial := fieldsync.Change{Dot: fieldsync.Dot{Replica: f.s.current().replica, Seq: 1}, Record: rec, Kind: f.record(rec).Kind,
		Writes: []fieldsync.Write{{Unit: a.unit, Value: value}}}
	if err := trial.Encode(); err != nil { // nested too deep, a name twice, a blank in the path: refused now, not when sent
		p := problem("not_a_value", a.unit)
		p.Err = err
		return nil, p
	}
	return value, nil
}

// plan decides which draft rows to write and which to take away: an answer equal to what the snapshot shows needs no row,
// and every answer brings the rows that must be written along with it.
func (f *Form) plan(rec string, rows map[string]draftRow) (puts, drops map[string]map[string]draftRow) {
	puts, drops = map[string]map[string]draftRow{}, map[string]map[string]draftRow{}
	for unit, row := range rows {
		have, drafted := f.draft[rec][unit]
		same := row.Why == "" && f.shows(rec, unit, row.Value)
		switch {
		case same && (unit == "." || strings.HasSuffix(unit, "/.")):
			if drafted { // an undone removal; the status still goes along with the other answers
				row.Aux = true
				add(puts, rec, unit, row)
			}
		case same:
			if drafted {
				add(drops, rec, unit, have)
			}
		case drafted && !have.Aux && have.Why == row.Why && bytes.Equal(have.Value, row.Value):
		default:
			add(puts, rec, unit, row)
		}
	}
	if len(puts) > 0 {
		f.alongside(rec, puts)
	}
	return puts, drops
}

// shows tells whether the snapshot's value of the unit is this one, undisputed.
func (f *Form) shows(rec, unit string, value json.RawMessage) bool {
	look := f.record(rec).Look(unit, f.pol)
	if look.Conflict() {
		return false
	}
	if len(look.Values) == 0 {
		return string(value) == "null"
	}
	return fieldsync.Canonical(look.Values[0].Value) == fieldsync.Canonical(value)
}

// alongside adds what sync.md section 3 wants beside every answer: "." = active of the record and of each member touched,
// and at its creation what the record is about.
func (f *Form) alongside(rec string, puts map[string]map[string]draftRow) {
	aux := func(rec, unit string, value json.RawMessage) {
		if _, drafted := f.draft[rec][unit]; drafted {
			return
		}
		if _, now := puts[rec][unit]; now {
			return
		}
		add(puts, rec, unit, draftRow{Value: value, Base: dots(f.record(rec).ParentsOf([]string{unit})), Aux: true})
	}
	active := Text("active")
	for _, unit := range sortedKeys(puts[rec]) {
		if id, rest, ok := schema.MemberUnit(unit); ok && rest != "." {
			aux(rec, "m/"+id+"/.", active)
		}
	}
	aux(rec, ".", active)
	if f.hh.SeenCount() == 0 {
		aux(f.household, ".", active)
		aux(f.household, "village", Text(f.village))
	}
	if rec == f.interview {
		f.birth(aux)
	}
}

// birth adds what an interview is about, where the snapshot does not say it yet.
func (f *Form) birth(aux func(rec, unit string, value json.RawMessage)) {
	for unit, value := range map[string]string{"household": f.household, "round": f.round.ID, "village": f.villageNow()} {
		if len(f.iv.Heads(unit)) == 0 && value != "" {
			aux(f.interview, unit, Text(value))
		}
	}
}

func (f *Form) villageNow() string {
	if row, ok := f.draft[f.household]["village"]; ok {
		return asText(row.Value)
	}
	if v := textOf(f.hh, "village"); v != "" {
		return v
	}
	return f.village
}

func (f *Form) writeDraft(t *tx, puts, drops map[string]map[string]draftRow) error {
	for rec, units := range drops {
		for unit := range units {
			if err := t.exec(`DELETE FROM draft WHERE rec = ? AND unit = ?`, rec, unit); err != nil {
				return err
			}
		}
	}
	for rec, units := range puts {
		if len(f.draft[rec]) == 0 {
			body, err := f.s.sealJSON("draft_of/"+rec, draftOf{f.record(rec).Kind, f.household, f.villageNow(), f.q.Name})
			if err != nil {
				return err
			}
			if err := t.exec(`INSERT INTO draft_of (rec, body) VALUES (?, ?) ON CONFLICT (rec) DO UPDATE SET body = excluded.body`, rec, body); err != nil {
				return err
			}
		}
		for unit, row := range units {
			if err := f.s.putDraft(t, rec, unit, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) putDraft(t *tx, rec, unit string, row draftRow) error {
	body, err := s.sealJSON("draft/"+rec+"/"+unit, row)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO draft (rec, unit, value) VALUES (?, ?, ?) ON CONFLICT (rec, unit) DO UPDATE SET value = excluded.value`,
		rec, unit, body)
}

// took brings the form up to what the transaction has written.
func (f *Form) took(puts, drops map[string]map[string]draftRow) {
	for rec, units := range drops {
		for unit := range units {
			delete(f.draft[rec], unit)
		}
	}
	for rec, units := range puts {
		for unit, row := range units {
			add(f.draft, rec, unit, row)
		}
	}
	f.s.setDraft(f.household, f.drafts() > 0)
}

// record is the snapshot of one of the form's two records.
func (f *Form) record(rec string) *fieldsync.Record {
	if rec == f.household {
		return f.hh
	}
	return f.iv
}

// Drafts is the number of answers a person gave that are not yet part of a change.
func (f *Form) Drafts() int {
	f.s.lock()
	defer f.s.unlock()
	return f.drafts()
}

func (f *Form) drafts() (n int) {
	for _, units := range f.draft {
		for _, row := range units {
			if !row.Aux {
				n++
			}
		}
	}
	return n
}

// News tells whether a pull brought newer state than the form shows.
func (f *Form) News() bool {
	f.s.lock()
	defer f.s.unlock()
	return f.news
}

// AcceptNews replaces the whole snapshot by what is here now. Answers not yet cut stay beside the new values, and count as
// given with these on the screen.
func (f *Form) AcceptNews(ctx context.Context) error {
	f.s.lock()
	defer f.s.unlock()
	if f.closed {
		return problem("form_closed", "")
	}
	next := *f
	if err := next.take(ctx); err != nil {
		return fmt.Errorf("accept news: %w", err)
	}
	t, err := f.s.begin(ctx)
	if err != nil {
		return saving(err)
	}
	defer t.Rollback()
	draft := map[string]map[string]draftRow{}
	for rec, units := range f.draft {
		for unit, row := range units {
			row.Base = dots(next.record(rec).ParentsOf([]string{unit}))
			add(draft, rec, unit, row)
			if err := f.s.putDraft(t, rec, unit, row); err != nil {
				return saving(err)
			}
		}
	}
	if err := t.Commit(); err != nil {
		return saving(err)
	}
	f.hh, f.iv, f.last, f.news, f.draft = next.hh, next.iv, next.last, false, draft
	return nil
}

func dots(list []fieldsync.Dot) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.String())
	}
	return out
}

func add(m map[string]map[string]draftRow, rec, unit string, row draftRow) {
	if m[rec] == nil {
		m[rec] = map[string]draftRow{}
	}
	m[rec][unit] = row
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// listed is what the list keeps of one household, whatever the round: made anew whenever one of its records changes, sealed
// in one blob, and read back in one go at start.
type listed struct {
	ID      string
	Head    string
	Code    string
	Village string
	Removed string
	Rounds  []inRound
	folded  string
	key     []byte

	conflicts  int // of the household's own record
	unsent     int
	unsentFrom int64
	gone       bool
}

// inRound is the household's interview in one round.
type inRound struct {
	Round     string
	Interview string
	Day       string
	Class     string
	Official  string // recognised in this round
	Prior     string // recognised before this round, as the server wrote it
	Outcome   string
	Members   int
	Conflicts int
	AskLater  int
	Answered  bool
	Complete  bool
	Returned  bool
}

// row is the household as one round's list shows it.
func (d *listed) row(round Round, days map[string]string, drafted bool) *Row {
	r := &Row{ID: d.ID, Head: d.Head, Code: d.Code, Village: d.Village, Removed: d.Removed, Conflicts: d.conflicts,
		Unsent: d.unsent, UnsentFrom: d.unsentFrom, folded: d.folded, key: d.key}
	var now, last *inRound
	for i := range d.Rounds {
		in := &d.Rounds[i]
		if in.Round == round.ID {
			now = in
		} else if day := in.day(days); (round.From == "" || day < round.From) && (last == nil || day >= last.day(days)) {
			last = in
		}
	}
	if last != nil {
		r.LastClass, r.Members = survey.Class(last.Official), last.Members
		if r.LastClass == "" {
			r.LastClass = survey.Class(last.Class)
		}
	}
	if now != nil {
		r.take(now)
	}
	r.Draft = drafted || (r.Draft && !r.Complete)
	r.Todo = !r.Draft && !r.Complete && r.Removed == "" && round.ID != ""
	r.Received = r.Complete && r.Unsent == 0 && !r.Draft
	for _, state := range []State{Conflict, Returned, Draft, Todo, Unsent, Received} {
		if r.is(state) {
			r.State = state
			break
		}
	}
	return r
}

func (in *inRound) day(days map[string]string) string {
	if day := days[in.Round]; day != "" {
		return day
	}
	return in.Day
}

func (r *Row) take(in *inRound) {
	r.Interview, r.Outcome, r.Complete, r.Returned = in.Interview, in.Outcome, in.Complete, in.Returned
	r.Conflicts += in.Conflicts
	r.AskLater = in.AskLater
	r.Draft = in.Answered
	if in.Answered {
		r.Class = survey.Class(in.Class)
	}
	if in.Prior != "" {
		r.LastClass = survey.Class(in.Prior)
	}
	if in.Members > 0 {
		r.Members = in.Members
	}
}

// refresh makes anew the rows of the households the transaction touched.
func (s *Store) refresh(t *tx) ([]*listed, error) {
	var out []*listed
	for _, id := range sortedKeys(t.dirty) {
		d, err := s.describeHousehold(t, id)
		if err != nil {
			return nil, fmt.Errorf("list household %s: %w", id, err)
		}
		if d.gone {
			err = t.exec(`DELETE FROM listed WHERE household = ?`, id)
		} else {
			var body []byte
			if body, err = s.sealer.Seal("listed/"+id, d.appendTo(nil)); err == nil {
				err = t.exec(`INSERT INTO listed (household, body) VALUES (?, ?) ON CONFLICT (household) DO UPDATE SET body = excluded.body`, id, body)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("list household %s: %w", id, err)
		}
		out = append(out, d)
	}
	return out, nil
}

func (s *Store) describeHousehold(t *tx, id string) (*listed, error) {
	d := &listed{ID: id}
	hh, err := s.shown(t.ctx, t, id)
	if err != nil {
		return nil, err
	}
	interviews, err := s.interviewsOf(t.ctx, t, id)
	if err != nil {
		return nil, err
	}
	if hh == nil { // an interview may come before its household; then there is nothing to list it under yet
		d.gone = true
		return d, nil
	}
	d.Code, d.Village, d.Removed = textOf(hh, "household_code"), textOf(hh, "village"), removedWhy(valueOf(hh, "."))
	round := s.roundNow()
	d.conflicts = blocking(hh, s.set.Questionnaires[round.Questionnaire])
	var bestDay string
	for _, iv := range interviews {
		rec, err := s.shown(t.ctx, t, iv)
		if err != nil {
			return nil, err
		}
		in, head := s.describeInterview(rec)
		d.Rounds = append(d.Rounds, in)
		if day := s.dayOf(rec); head != "" && (d.Head == "" || day >= bestDay) {
			d.Head, bestDay = head, day
		}
	}
	d.folded, d.key = survey.FoldName(d.Head), sortKey(d.Head)
	d.unsent, d.unsentFrom, err = s.unsentOf(t, id)
	return d, err
}

func (s *Store) describeInterview(rec *fieldsync.Record) (in inRound, head string) {
	in = inRound{Round: textOf(rec, "round"), Interview: rec.ID, Day: textOf(rec, "review_date"), Outcome: textOf(rec, "outcome")}
	r, known := s.rounds[in.Round]
	if !known {
		r = s.roundOf(fieldsync.NewRecord(in.Round, "round"))
	}
	q := s.set.Questionnaires[r.Questionnaire]
	if q == nil {
		return in, ""
	}
	iv := survey.ReadRecord(rec, q)
	members := iv.Members()
	in.Members = len(members)
	for i, m := range members {
		if head == "" && m.Name != "" || i == 0 {
			head = m.Name
		}
	}
	in.Conflicts = blocking(rec, q)
	in.Official = classIn(iv.Value("decision/recognised"))
	in.Prior = classIn(iv.Value("prior_class"))
	in.Complete = iv.Text("status") == "complete"
	in.Returned = returned(rec, iv)
	for _, unit := range iv.Units() {
		in.Answered = in.Answered || byEnumerator(q, unit)
		if strings.HasPrefix(unit, "open/") || strings.Contains(unit, "/open/") {
			if iv.Text(unit) == "ask_later" {
				in.AskLater++
			}
		}
	}
	if in.Answered {
		in.Class = string(s.classOf(rec, iv, r))
	}
	return in, head
}

// byEnumerator tells whether the unit is an answer, not something the board or the program wrote.
func byEnumerator(q *schema.Questionnaire, unit string) bool {
	question, ok := q.Question(schema.KindInterview, unit)
	return ok && !question.Unanswered && len(question.Writers) == 0 && unit != "." && unit != "village"
}

func classIn(v []byte) string {
	var c struct {
		Class string `json:"class"`
	}
	if len(v) == 0 || json.Unmarshal(v, &c) != nil {
		return ""
	}
	return c.Class
}

func blocking(rec *fieldsync.Record, q *schema.Questionnaire) (n int) {
	if q == nil {
		return 0
	}
	for _, o := range rec.Conflicts(survey.Policies(q)) {
		if !o.Quiet {
			n++
		}
	}
	return n
}

// returned tells whether the board's return waits for an answer: it does until each of its notes has a reply that says done,
// or the unit the note is on has been written again.
func returned(rec *fieldsync.Record, iv *survey.Interview) bool {
	if iv.Text("review/state") != "returned" {
		return false
	}
	notes := reviewNotes(rec)
	if len(notes) == 0 {
		return true
	}
	return slices.ContainsFunc(notes, func(n ReviewNote) bool { return !n.Done })
}

func (s *Store) unsentOf(t *tx, household string) (n int, from int64, err error) {
	rows, err := t.QueryContext(t.ctx, `SELECT o.replica, o.seq, o.at FROM own o JOIN record r ON r.rec = o.rec WHERE r.household = ?`, household)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var replica string
		var seq uint64
		var at int64
		if err := rows.Scan(&replica, &seq, &at); err != nil {
			return 0, 0, err
		}
		if f := s.feedOf(replica); f != nil && seq <= f.durable {
			continue
		}
		n++
		if from == 0 || at < from {
			from = at
		}
	}
	return n, from, rows.Err()
}

// recount brings the numbers of unsent changes up to what a server has acknowledged.
func (s *Store) recount(ctx context.Context) error {
	type waiting struct {
		n    int
		from int64
	}
	now := map[string]waiting{}
	for _, f := range s.feeds {
		rows, err := s.db.QueryContext(ctx, `SELECT r.household, count(*), min(o.at) FROM own o JOIN record r ON r.rec = o.rec
			WHERE o.replica = ? AND o.seq > ? AND r.household <> '' GROUP BY r.household`, f.replica, f.durable)
		if err != nil {
			return fmt.Errorf("count unsent: %w", err)
		}
		for rows.Next() {
			var h string
			var n int
			var at int64
			if err := rows.Scan(&h, &n, &at); err != nil {
				rows.Close()
				return fmt.Errorf("count unsent: %w", err)
			}
			w := now[h]
			w.n += n
			if w.from == 0 || at < w.from {
				w.from = at
			}
			now[h] = w
		}
		err = errors.Join(rows.Err(), rows.Close())
		if err != nil {
			return fmt.Errorf("count unsent: %w", err)
		}
	}
	l := &s.list
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, d := range l.data {
		if w := now[id]; w.n != d.unsent || w.from != d.unsentFrom {
			next := *d
			next.unsent, next.unsentFrom = w.n, w.from
			l.data[id] = &next
			l.place(id)
		}
	}
	s.events = append(s.events, Event{Kind: EventList})
	return nil
}

// loadList reads all rows into memory.
func (s *Store) loadList(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT household, body FROM listed`)
	if err != nil {
		return fmt.Errorf("load list: %w", err)
	}
	defer rows.Close()
	var all []*listed
	for rows.Next() {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return fmt.Errorf("load list: %w", err)
		}
		plain, err := s.sealer.Open("listed/"+id, body)
		if err != nil {
			return fmt.Errorf("load list: %w", err)
		}
		d, err := readListed(id, plain)
		if err != nil {
			return fmt.Errorf("load list: %w", err)
		}
		all = append(all, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("load list: %w", err)
	}
	s.list.fill(all, s.roundNow(), s.roundDays())
	if _, err := s.getMeta(ctx, s.db, "basis", &s.listedBy); err != nil {
		return err
	}
	return s.recount(ctx)
}

func (s *Store) roundDays() map[string]string {
	days := make(map[string]string, len(s.rounds))
	for id, r := range s.rounds {
		days[id] = r.From
	}
	return days
}

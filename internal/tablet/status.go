package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// UnsentWork is what only this tablet has.
type UnsentWork struct {
	Changes    int
	Households int
	Drafts     int       // households with answers not yet cut into a change
	Since      time.Time // when the oldest unsent change was made; zero without one
}

// Unsent counts what only this tablet has.
func (s *Store) Unsent() UnsentWork {
	s.lock()
	n := s.unsent()
	s.unlock()
	s.list.mu.RLock()
	defer s.list.mu.RUnlock()
	w := UnsentWork{Changes: n, Drafts: len(s.list.draft)}
	var from int64
	for _, r := range s.list.rows {
		if r.Unsent > 0 {
			w.Households++
			if from == 0 || r.UnsentFrom < from {
				from = r.UnsentFrom
			}
		}
	}
	if from > 0 {
		w.Since = time.UnixMilli(from)
	}
	return w
}

func (s *Store) unsent() (n int) {
	for _, f := range s.feeds {
		n += int(f.last - min(f.durable, f.last))
	}
	return n
}

// Statuses of an own change.
const (
	StatusSaved      = "saved"      // on this tablet only
	StatusCarried    = "carried"    // a relay has it too
	StatusReceived   = "received"   // the home has it
	StatusFlagged    = "flagged"    // published, with a question for the board
	StatusHeld       = "held"       // the home has it and shows it to nobody until a person releases it
	StatusRefused    = "refused"    // a person refused it
	StatusQuarantine = "quarantine" // it could not be read there
)

// ChangeStatus is one change of this tablet and where it is.
type ChangeStatus struct {
	Dot    string
	Record string
	Kind   string
	At     time.Time
	Op     string
	Units  []string
	Values map[string]json.RawMessage // this tablet's own copy of what it said
	Status string
	Why    string      // replica scope revoked author role kind questionnaire fork, or a limit's code
	Text   schema.Text // what that means and what to do
}

// Changes lists this tablet's changes of a household and its interviews, newest first.
func (s *Store) Changes(ctx context.Context, household string) ([]ChangeStatus, error) {
	s.lock()
	defer s.unlock()
	return s.changes(ctx, `JOIN record r ON r.rec = o.rec WHERE r.household = ?`, household)
}

// Notes lists this tablet's changes that are held, refused or in quarantine, newest first.
func (s *Store) Notes(ctx context.Context) ([]ChangeStatus, error) {
	s.lock()
	defer s.unlock()
	return s.changes(ctx, `WHERE n.state IN ('held', 'refused', 'quarantine')`)
}

func (s *Store) changes(ctx context.Context, where string, args ...any) ([]ChangeStatus, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT o.replica, o.seq, o.rec, o.at, o.erased, o.bytes, coalesce(n.state, ''), coalesce(n.why, '')
		FROM own o JOIN feed f ON f.replica = o.replica LEFT JOIN note n ON n.replica = o.replica AND n.seq = o.seq `+where+`
		ORDER BY f.born DESC, o.seq DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	defer rows.Close()
	var out []ChangeStatus
	for rows.Next() {
		var d fieldsync.Dot
		var c ChangeStatus
		var at int64
		var erased bool
		var sealed []byte
		if err := rows.Scan(&d.Replica, &d.Seq, &c.Record, &at, &erased, &sealed, &c.Status, &c.Why); err != nil {
			return nil, fmt.Errorf("list changes: %w", err)
		}
		c.Dot, c.At = d.String(), time.UnixMilli(at)
		c.Status = s.statusOf(d, c.Status)
		c.Text = whyText(c.Status, c.Why)
		if !erased {
			change, err := s.decodeOwn(d, sealed)
			if err != nil {
				return nil, err
			}
			c.fill(change)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func (c *ChangeStatus) fill(change *fieldsync.Change) {
	c.Kind, c.Op, c.Values = change.Kind, change.Op, map[string]json.RawMessage{}
	for _, w := range change.Writes {
		c.Units = append(c.Units, w.Unit)
		c.Values[w.Unit] = w.Value
	}
}

func (s *Store) statusOf(d fieldsync.Dot, noted string) string {
	f := s.feedOf(d.Replica)
	switch {
	case noted != "":
		return noted
	case f != nil && d.Seq <= f.durable:
		return StatusReceived
	case f != nil && d.Seq <= f.through:
		return StatusCarried
	}
	return StatusSaved
}

var whys = map[string]schema.Text{
	"replica":       {"vi": "Xã chưa chấp nhận máy này. Gọi xã để chấp nhận; dữ liệu đã ở máy chủ.", "en": "The commune has not accepted this tablet yet. Call it; the data are on the server."},
	"scope":         {"vi": "Hộ này ở thôn không được giao cho tài khoản. Gọi xã để giao thôn hoặc chuyển phiếu.", "en": "The household is in a village this account was not given. Call the commune to be given it or to pass the form on."},
	"revoked":       {"vi": "Quyền của tài khoản đã bị rút trước khi gửi. Gọi xã.", "en": "The account's permission was withdrawn before this was sent. Call the commune."},
	"author":        {"vi": "Phiếu ghi tên một tài khoản khác với tài khoản của máy. Gọi xã.", "en": "The change names another account than the tablet's. Call the commune."},
	"role":          {"vi": "Có mục mà vai trò này không được ghi. Ban chỉ đạo sẽ xem.", "en": "It writes something this role may not write. The board will look at it."},
	"kind":          {"vi": "Máy chủ chưa biết loại bản ghi này. Chờ máy chủ cập nhật.", "en": "The server does not know this kind of record yet. Wait for its update."},
	"questionnaire": {"vi": "Máy chủ chưa có bộ phiếu này. Chờ máy chủ cập nhật.", "en": "The server does not have this questionnaire yet. Wait for its update."},
	"fork":          {"vi": "Hai bản sao của máy này đã ghi cùng một số. Không mất gì; xã sẽ xem từng phiếu.", "en": "Two copies of this tablet used the same number. Nothing is lost; the commune will look at each form."},
}

func whyText(status, why string) schema.Text {
	switch status {
	case StatusHeld, StatusFlagged:
		if text, ok := whys[why]; ok {
			return text
		}
		return schema.Text{"vi": "Máy chủ giữ lại để người xem (" + why + "). Gọi xã.", "en": "The server keeps it for a person to look at (" + why + "). Call the commune."}
	case StatusRefused:
		return schema.Text{"vi": "Xã không nhận phần này (" + why + "). Bản của máy vẫn còn để so.", "en": "The commune refused this (" + why + "). This tablet's copy is kept to compare."}
	case StatusQuarantine:
		return schema.Text{"vi": "Máy chủ không đọc được dòng này (" + why + "). Báo xã; bản của máy vẫn còn.", "en": "The server could not read this (" + why + "). Tell the commune; this tablet's copy is kept."}
	}
	return nil
}

// ConflictAt is one unit people gave different answers to.
type ConflictAt struct {
	Record string
	Kind   string
	Unit   string
	Quiet  bool   // blocks nothing
	Values []Said // the provisional one first
}

// Conflicts lists the open conflicts of a household and of its interview in the round worked in, those that block first.
func (s *Store) Conflicts(ctx context.Context, household string) ([]ConflictAt, error) {
	s.lock()
	defer s.unlock()
	round := s.roundNow()
	q := s.set.Questionnaires[round.Questionnaire]
	if q == nil {
		return nil, problem("no_round", "")
	}
	interview := fieldsync.InterviewID(round.ID, household)
	var out []ConflictAt
	for _, id := range []string{household, interview} {
		rec, err := s.shown(ctx, s.db, id)
		if err != nil {
			return nil, err
		}
		if rec == nil {
			continue
		}
		for _, o := range rec.Conflicts(survey.Policies(q)) {
			c := ConflictAt{Record: id, Kind: rec.Kind, Unit: o.Unit, Quiet: o.Quiet}
			for _, h := range o.Values {
				c.Values = append(c.Values, s.said(rec, h))
			}
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b ConflictAt) int {
		switch {
		case a.Quiet == b.Quiet:
			return 0
		case a.Quiet:
			return 1
		}
		return -1
	})
	return out, nil
}

// Summary is one household with what stands beside its form.
type Summary struct {
	Row
	Address, Phone string
	VillageName    string
	Interviews     []InterviewRow // newest first
	Waiting        int            // changes others have seen and this tablet has not
}

// InterviewRow is one of the household's interviews.
type InterviewRow struct {
	ID, Round, RoundName, Day, Outcome string
	Class                              survey.Class
	Official                           survey.Class
	Complete                           bool
}

// Household returns one household's summary.
func (s *Store) Household(ctx context.Context, id string) (*Summary, error) {
	s.lock()
	defer s.unlock()
	s.list.mu.RLock()
	row, d := s.list.byID[id], s.list.data[id]
	s.list.mu.RUnlock()
	hh, err := s.shown(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	if row == nil || d == nil || hh == nil {
		return nil, problem("no_household", "")
	}
	sum := &Summary{Row: *row, Address: textOf(hh, "address"), Phone: textOf(hh, "phone"), VillageName: s.areaName(row.Village),
		Waiting: len(hh.Waiting())}
	for _, in := range d.Rounds {
		sum.Interviews = append(sum.Interviews, InterviewRow{ID: in.Interview, Round: in.Round, RoundName: s.rounds[in.Round].Name,
			Day: in.Day, Outcome: in.Outcome, Class: survey.Class(in.Class), Official: survey.Class(in.Official), Complete: in.Complete})
	}
	slices.SortFunc(sum.Interviews, func(a, b InterviewRow) int {
		return strings.Compare(s.rounds[b.Round].From+b.Day+b.ID, s.rounds[a.Round].From+a.Day+a.ID)
	})
	return sum, nil
}

// ReviewNote is a note of the board on an interview, or of one of its questions.
type ReviewNote struct {
	ID      string
	On      string // unit
	Text    string
	Account string
	At      time.Time
	Reply   string
	Done    bool // replied with done, or the unit was written again after the note
}

// ReviewNotes are the board's notes on the interview, as the form shows them. A reply is Set("reply/<id>", {text, done}).
func (f *Form) ReviewNotes() []ReviewNote {
	f.s.lock()
	defer f.s.unlock()
	notes := reviewNotes(f.iv)
	for i, n := range notes {
		if row, ok := f.draft[f.interview]["reply/"+n.ID]; ok {
			notes[i].reply(row.Value)
		}
		if row, ok := f.draft[f.interview][n.On]; ok && !row.Aux {
			notes[i].Done = true
		}
	}
	return notes
}

const reviewNotePath = "review/note/"

func reviewNotes(rec *fieldsync.Record) []ReviewNote {
	var notes []ReviewNote
	for _, unit := range rec.Units() {
		id, ok := strings.CutPrefix(unit, reviewNotePath)
		v := valueOf(rec, unit)
		if !ok || v == nil {
			continue
		}
		var body struct{ On, Text string }
		if json.Unmarshal(v, &body) != nil {
			body.Text = asText(v)
		}
		by := rec.Author(rec.Look(unit, nil).Values[0].Dot)
		n := ReviewNote{ID: id, On: body.On, Text: body.Text, Account: by.Account, At: time.UnixMilli(by.At)}
		n.reply(valueOf(rec, "reply/"+id))
		if look := rec.Look(body.On, nil); body.On != "" && len(look.Values) > 0 {
			n.Done = n.Done || rec.Author(look.Values[0].Dot).At > by.At
		}
		notes = append(notes, n)
	}
	return notes
}

func (n *ReviewNote) reply(v json.RawMessage) {
	var body struct{ Text, Done string }
	if len(v) > 0 && json.Unmarshal(v, &body) == nil {
		n.Reply = body.Text
		n.Done = n.Done || body.Done == "yes"
	}
}

// SyncRecord is one past sync.
type SyncRecord struct {
	At     time.Time     `json:"at"`
	Took   time.Duration `json:"took"`
	Sent   int           `json:"sent"`
	Got    int           `json:"got"`
	Code   string        `json:"code,omitempty"` // "" when all went well
	Detail string        `json:"detail,omitempty"`
	Alarms []string      `json:"alarms,omitempty"` // scopes that differed from the server's and were fetched anew
}

// keptSyncs is how many past syncs are remembered.
const keptSyncs = 200

// SyncHistory returns the last n syncs, newest first.
func (s *Store) SyncHistory(ctx context.Context, n int) ([]SyncRecord, error) {
	s.lock()
	defer s.unlock()
	rows, err := s.db.QueryContext(ctx, `SELECT body FROM history ORDER BY id DESC LIMIT ?`, n)
	if err != nil {
		return nil, fmt.Errorf("read sync history: %w", err)
	}
	defer rows.Close()
	var out []SyncRecord
	for rows.Next() {
		var body []byte
		var r SyncRecord
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read sync history: %w", err)
		}
		if err := s.openJSON("history", body, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Synced adds to the history.
func (s *Store) Synced(ctx context.Context, r SyncRecord) error {
	s.lock()
	defer s.unlock()
	s.events = append(s.events, Event{Kind: EventSync})
	return s.write(ctx, func(t *tx) error {
		body, err := s.sealJSON("history", r)
		if err != nil {
			return err
		}
		return errors.Join(
			t.exec(`INSERT INTO history (body) VALUES (?)`, body),
			t.exec(`DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?`, keptSyncs))
	})
}

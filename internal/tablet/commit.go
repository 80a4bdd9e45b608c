package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Committed says what a commit has cut from a form's draft.
type Committed struct {
	Changes int
	Dots    []string
}

// Commit cuts the form's draft into changes: one for the interview, one for the household where its own answers changed, more
// only where a limit demands it. The form stays open, on its own changes.
func (f *Form) Commit(ctx context.Context) (Committed, error) {
	f.s.lock()
	defer f.s.unlock()
	return f.commit(ctx)
}

// Close commits and ends the form.
func (f *Form) Close(ctx context.Context) error {
	f.s.lock()
	defer f.s.unlock()
	if f.closed {
		return nil
	}
	if _, err := f.commit(ctx); err != nil {
		return err
	}
	f.closed = true
	delete(f.s.forms, f.interview)
	return nil
}

func (f *Form) commit(ctx context.Context) (Committed, error) {
	if f.closed {
		return Committed{}, problem("form_closed", "")
	}
	if len(f.draft[f.household]) == 0 && len(f.draft[f.interview]) == 0 {
		return Committed{}, nil
	}
	changes, err := f.s.cut(ctx, []string{f.household, f.interview})
	if err != nil {
		return Committed{}, saving(err)
	}
	done := Committed{Changes: len(changes)}
	for _, c := range changes {
		f.record(c.Record).Apply(c)
		done.Dots = append(done.Dots, c.Dot.String())
	}
	f.draft = map[string]map[string]draftRow{}
	for _, other := range f.s.forms { // the same household in another round: its record has moved on
		if other != f && other.household == f.household && slices.ContainsFunc(changes, func(c *fieldsync.Change) bool { return c.Record == f.household }) {
			other.news = true
			delete(other.draft, f.household) // the draft is the household's, and it has been cut
		}
	}
	return done, nil
}

// CommitAll cuts changes from every draft: when the app goes to the background, before a bundle is written, before a village
// is dropped.
func (s *Store) CommitAll(ctx context.Context) error {
	s.lock()
	defer s.unlock()
	return s.commitAll(ctx)
}

func (s *Store) commitAll(ctx context.Context) error {
	var errs []error
	for _, f := range s.forms {
		if _, err := f.commit(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// commitLeft cuts changes from drafts whose form is gone: after a kill. A draft that cannot be cut stays where it is and does
// not keep the tablet from starting.
func (s *Store) commitLeft(ctx context.Context) error {
	left, err := s.draftsOf(ctx, s.db)
	if err != nil {
		return err
	}
	byHousehold := map[string][]string{}
	for _, rec := range sortedKeys(left) {
		byHousehold[left[rec].Household] = append(byHousehold[left[rec].Household], rec)
	}
	for _, household := range sortedKeys(byHousehold) {
		if _, err := s.cut(ctx, byHousehold[household]); err != nil {
			s.log.Error("tablet: a draft left by a kill stays a draft", "household", household, "error", err)
		}
	}
	return nil
}

func (s *Store) draftsOf(ctx context.Context, q querier) (map[string]draftOf, error) {
	rows, err := q.QueryContext(ctx, `SELECT rec, body FROM draft_of`)
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	defer rows.Close()
	out := map[string]draftOf{}
	for rows.Next() {
		var rec string
		var body []byte
		var of draftOf
		if err := rows.Scan(&rec, &body); err != nil {
			return nil, fmt.Errorf("read drafts: %w", err)
		}
		if err := s.openJSON("draft_of/"+rec, body, &of); err != nil {
			return nil, fmt.Errorf("read drafts: %w", err)
		}
		out[rec] = of
	}
	return out, rows.Err()
}

func (s *Store) draftRows(ctx context.Context, q querier, rec string) (map[string]draftRow, error) {
	rows, err := q.QueryContext(ctx, `SELECT unit, value FROM draft WHERE rec = ?`, rec)
	if err != nil {
		return nil, fmt.Errorf("read draft: %w", err)
	}
	defer rows.Close()
	out := map[string]draftRow{}
	for rows.Next() {
		var unit string
		var body []byte
		var row draftRow
		if err := rows.Scan(&unit, &body); err != nil {
			return nil, fmt.Errorf("read draft: %w", err)
		}
		if err := s.openJSON("draft/"+rec+"/"+unit, body, &row); err != nil {
			return nil, fmt.Errorf("read draft: %w", err)
		}
		out[unit] = row
	}
	return out, rows.Err()
}

// cut is the one place where own changes of households and interviews are made: one transaction {changes, records, drafts
// away}. It works from the draft table alone, so that it does the same for an open form and after a kill.
func (s *Store) cut(ctx context.Context, recs []string) (changes []*fieldsync.Change, err error) {
	households := map[string]bool{}
	err = s.write(ctx, func(t *tx) error {
		of, err := s.draftsOf(ctx, t)
		if err != nil {
			return err
		}
		if changes, err = s.planCut(t, of, recs); err != nil {
			return err
		}
		tag := ""
		if len(changes) > 1 {
			tag = "t" + strconv.FormatUint(s.n+1, 36)
		}
		dot := map[string]map[string]fieldsync.Dot{} // record → unit → own change of this commit that wrote it last
		for _, c := range changes {
			c.Tag = tag
			if err := s.author(t, c, dot); err != nil {
				return err
			}
		}
		for _, rec := range recs {
			households[of[rec].Household] = true
			if err := t.exec(`DELETE FROM draft WHERE rec = ?`, rec); err != nil {
				return err
			}
			if err := t.exec(`DELETE FROM draft_of WHERE rec = ?`, rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for h := range households {
		s.setDraft(h, false)
	}
	return changes, nil
}

// planCut makes the changes, without dots. Rows written along with an answer are worth nothing without one.
func (s *Store) planCut(t *tx, of map[string]draftOf, recs []string) ([]*fieldsync.Change, error) {
	drafts, real := map[string]map[string]draftRow{}, map[string]bool{}
	for _, rec := range recs {
		rows, err := s.draftRows(t.ctx, t, rec)
		if err != nil {
			return nil, err
		}
		drafts[rec] = rows
		for _, row := range rows {
			real[rec] = real[rec] || !row.Aux
		}
	}
	ordered := slices.Clone(recs)
	slices.SortFunc(ordered, func(a, b string) int { // the household before its interview
		return strings.Compare(of[a].Kind, of[b].Kind)
	})
	anyReal := len(real) > 0 && slices.ContainsFunc(recs, func(rec string) bool { return real[rec] })
	var out []*fieldsync.Change
	for _, rec := range ordered {
		seen, err := s.shown(t.ctx, t, rec)
		if err != nil {
			return nil, err
		}
		fresh := seen == nil || seen.SeenCount() == 0
		newHousehold := of[rec].Kind == schema.KindHousehold && fresh && anyReal
		if len(drafts[rec]) == 0 || (!real[rec] && !newHousehold) {
			continue
		}
		out = append(out, s.changesOf(rec, of[rec], drafts[rec], fresh)...)
	}
	return out, nil
}

// changesOf splits one record's draft by the limits into changes without dots. Parents are still per unit: author adds them.
func (s *Store) changesOf(rec string, of draftOf, rows map[string]draftRow, fresh bool) []*fieldsync.Change {
	var out []*fieldsync.Change
	for i, group := range split(rows) {
		c := &fieldsync.Change{Record: rec, Kind: of.Kind, Op: fieldsync.OpEdit, Form: of.Form, Scope: of.Scope,
			Account: s.me.Account, Role: s.me.Role, At: s.now().UnixMilli()}
		onlyStatus := true
		var why []string
		for _, p := range group {
			c.Writes = append(c.Writes, fieldsync.Write{Unit: p.unit, Value: p.row.Value})
			c.Parents = append(c.Parents, p.base...)
			onlyStatus = onlyStatus && (p.unit == "." || strings.HasSuffix(p.unit, "/."))
			if p.row.Why != "" && !slices.Contains(why, p.row.Why) {
				why = append(why, p.row.Why)
			}
		}
		c.Why = clip(strings.Join(why, "; "), fieldsync.MaxWhy)
		switch {
		case fresh && i == 0:
			c.Op = fieldsync.OpCreate
		case onlyStatus:
			c.Op = fieldsync.OpStatus
		}
		out = append(out, c)
	}
	return out
}

// author gives a change its number, its place in the log and in the record. A unit written a second time in one commit has
// the earlier change as its parent.
func (s *Store) author(t *tx, c *fieldsync.Change, before map[string]map[string]fieldsync.Dot) error {
	if before[c.Record] == nil {
		before[c.Record] = map[string]fieldsync.Dot{}
	}
	for _, w := range c.Writes {
		if d, ok := before[c.Record][w.Unit]; ok {
			c.Parents = append(c.Parents, d)
		}
	}
	slices.SortFunc(c.Parents, fieldsync.Dot.Compare)
	c.Parents = slices.Compact(c.Parents)
	c.N = s.nextN(t)
	if err := s.append(t, c); err != nil {
		p := problem("draft_kept", "change")
		p.Err = err
		return p
	}
	for _, w := range c.Writes {
		before[c.Record][w.Unit] = c.Dot
	}
	st, err := s.open(t, c.Record, c.Kind)
	if err != nil {
		return err
	}
	st.changed = true // a new record's row, or its columns; the state itself is the server's and stays
	if st.scope == "" {
		st.scope = c.Scope
	}
	return nil
}

// piece is one unit of a change to be, with the parents it brings.
type piece struct {
	unit string
	row  draftRow
	base []fieldsync.Dot
}

// Bounds of one change while it is being filled. They leave room under the limits of sync.md section 6 for the head of the
// line, the reason, and the parents that a second change of the same commit adds.
const (
	fillUnits   = fieldsync.MaxUnits - 2
	fillParents = fieldsync.MaxParents - 2
	fillBytes   = fieldsync.MaxChangeBytes - 4<<10
)

// split cuts a draft into groups that each fit into one change, members kept together, every group with the status rows its
// answers need. A unit with more parents than a change may name is written several times, with the parents shared out.
func split(rows map[string]draftRow) [][]piece {
	var groups []*group
	cur := newGroup()
	for _, unit := range sortedKeys(rows) {
		if unit == "." || strings.HasSuffix(unit, "/.") {
			if rows[unit].Aux {
				continue // comes with the answers that need it
			}
		}
		base := parse(rows[unit].Base)
		for first := true; first || len(base) > 0; first = false {
			take := base[:min(len(base), fillParents/4)]
			base = base[len(take):]
			add := cur.with(rows, unit, take)
			if !cur.fits(add) && len(cur.pieces) > 0 {
				groups, cur = append(groups, cur), newGroup()
				add = cur.with(rows, unit, take)
			}
			cur.take(add)
		}
	}
	groups = append(groups, cur)
	out := make([][]piece, 0, len(groups))
	written := map[string]bool{}
	for _, g := range groups {
		for i, p := range g.pieces {
			if written[p.unit] && p.row.Aux {
				g.pieces[i].base = nil // the earlier change of this commit is its parent now
			}
			written[p.unit] = true
		}
		if len(g.pieces) > 0 {
			out = append(out, g.pieces)
		}
	}
	return out
}

type group struct {
	pieces         []piece
	units          map[string]bool
	parents, bytes int
}

func newGroup() *group { return &group{units: map[string]bool{}} }

// with is what adding a unit means for the group: the unit and the status rows that are not yet in it.
func (g *group) with(rows map[string]draftRow, unit string, base []fieldsync.Dot) []piece {
	var add []piece
	along := []string{"."}
	if id, rest, ok := schema.MemberUnit(unit); ok && rest != "." {
		along = append(along, "m/"+id+"/.")
	}
	for _, status := range along {
		if row, ok := rows[status]; ok && !g.units[status] && status != unit {
			add = append(add, piece{status, row, parse(row.Base)})
		}
	}
	return append(add, piece{unit, rows[unit], base})
}

func (g *group) fits(add []piece) bool {
	parents, size := g.parents, g.bytes
	for _, p := range add {
		if g.units[p.unit] && !statusUnit(p.unit) {
			return false // the same unit again: its other parents go into another change
		}
		parents += len(p.base)
		size += p.size()
	}
	return len(g.pieces)+len(add) <= fillUnits && parents <= fillParents && size <= fillBytes
}

func (g *group) take(add []piece) {
	for _, p := range add {
		if g.units[p.unit] {
			continue
		}
		g.units[p.unit] = true
		g.pieces = append(g.pieces, p)
		g.parents += len(p.base)
		g.bytes += p.size()
	}
}

func statusUnit(unit string) bool { return unit == "." || strings.HasSuffix(unit, "/.") }

// size is at least what the piece takes in the line.
func (p piece) size() int {
	name, _ := json.Marshal(p.unit)
	return len(name) + len(p.row.Value) + 2 + 32*len(p.base) + 4*len(p.row.Why)
}

func parse(base []string) []fieldsync.Dot {
	var out []fieldsync.Dot
	for _, text := range base {
		if d, err := fieldsync.ParseDot(text); err == nil {
			out = append(out, d)
		}
	}
	return out
}

// clip cuts a text to a number of characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

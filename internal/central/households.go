package central

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// HouseholdOptions say what a list does not say of itself.
type HouseholdOptions struct {
	Year     int    // of the review the list comes from; 0: the year before this one
	Area     string // area of its round, such as "063@2024-12-31"; "": a round for each commune in it
	Standard string // ""; the standard in force for the list
	Class    string // of a list that has no column of classes: poor, near_poor
	Number   string // number and date of the decision that recognised it
	Date     string
	May      func(village string) bool // who imports may write there; nil: everywhere
}

// HouseholdImport says what became of a list.
type HouseholdImport struct {
	Rows, Duplicates     int // rows that hold something; exact doubles among them
	Households, Members  int // read
	Changes              int // written: 0 when all of it was here
	Added, Changed, Same int // households of the list: new in it, with something corrected, as they were
	Corrected            int // persons of whom something was corrected
	NoClass              int // households for which neither the list nor who imports it gives a class
	Reclassed            []Reclassed
	Kept                 int          // answers that stand otherwise here and were left alone
	Warnings             []RowProblem // taken all the same
	Rounds               []string
	Ignored              []string // headings of columns that were not used
	Rejected             []RowProblem
	Proposed             []ProposedVillage
}

// Reclassed is a household whose recognised class this import changed.
type Reclassed struct {
	Line           int
	Household      string
	Head, From, To string
}

// ProposedVillage is a village the list names and nobody has imported. It is not created: its code is a promise.
type ProposedVillage struct {
	Name, Commune string
	Rows          int
}

// ImportHouseholds takes a list of households as the closed round of its own year: interviews with the answers the list
// has and no others, members with the ids they keep, and what was recognised. It takes one row a member (reports 14 and 15)
// or one row a household. A household is taken whole or not at all: a forgotten member would change its class. Importing
// the same list again adds nothing.
func (s *Store) ImportHouseholds(ctx context.Context, by string, r io.Reader, o HouseholdOptions) (*HouseholdImport, error) {
	if err := s.checkHouseholdOptions(&o); err != nil {
		return nil, err
	}
	if err := s.LoadAreas(ctx); err != nil {
		return nil, err
	}
	sum := sha256.New()
	list, err := s.readList(ctx, io.TeeReader(r, sum), o)
	if err != nil {
		return nil, err
	}
	w := &listWriter{s: s, ctx: ctx, by: by, o: o, done: &list.HouseholdImport, rounds: map[string]string{}}
	households, err := list.identify(ctx, list.whole(), w.interviewIn)
	if err != nil {
		return nil, err
	}
	list.count(households)
	for piece := range slices.Chunk(households, listBatch) {
		if err := w.write(piece); err != nil {
			return nil, err
		}
	}
	detail := fmt.Sprintf("sha256 %s households %d changes %d rejected %d", hex.EncodeToString(sum.Sum(nil)), list.Households, list.Changes, len(list.Rejected))
	return &list.HouseholdImport, s.Audit(ctx, AuditEntry{Actor: by, Act: "household.import", Object: strings.Join(list.Rounds, " "), Detail: detail})
}

// listBatch bounds the households that are compared and written in one go.
const listBatch = 100

func (s *Store) checkHouseholdOptions(o *HouseholdOptions) error {
	now := s.now().Year()
	if o.Year == 0 {
		o.Year = now - 1
	}
	if o.Year < 2000 || o.Year > now {
		return refuse("year", fmt.Sprintf("Năm của danh sách (--year) từ 2000 đến %d.", now), fmt.Sprintf("The year of the list (--year) is between 2000 and %d.", now))
	}
	if o.Class != "" && !slices.Contains(listClasses, o.Class) {
		return refuse("class", "Loại hộ (--class) là poor, near_poor hoặc not_poor.", "The class (--class) is poor, near_poor or not_poor.")
	}
	if !isDay(o.Date) {
		return refuse("date", "Ngày quyết định (--date) viết dạng 2025-12-20.", "The date of the decision (--date) is written as 2025-12-20.")
	}
	if o.Standard == "" {
		o.Standard = s.standardOf(o.Year)
	}
	if s.set.Standards[o.Standard] == nil {
		return refuse("standard_unknown", fmt.Sprintf("Không có chuẩn %q.", o.Standard), fmt.Sprintf("There is no standard %q.", o.Standard))
	}
	return nil
}

var listClasses = []string{string(survey.Poor), string(survey.NearPoor), string(survey.NotPoor)}

// standardOf is the standard in force for the list a review of that autumn makes, which is the next year's.
func (s *Store) standardOf(year int) (name string) {
	day := fmt.Sprintf("%d-01-01", year+1)
	for _, n := range sortedKeys(s.set.Standards) {
		std := s.set.Standards[n]
		if name == "" || ((std.From == "" || std.From <= day) && (std.To == "" || day <= std.To)) {
			name = n
		}
	}
	return name
}

// importSpace makes the ids of what lists bring: the same list gives the same ids everywhere.
var importSpace = uuid.MustParse("5d0c6f7e-6a4b-5b7a-9c1e-72615f736f61")

func importID(parts ...string) string {
	return uuid.NewSHA1(importSpace, []byte(strings.Join(parts, "\x00"))).String()
}

// listWriter writes households of a list as changes of this store's replica.
type listWriter struct {
	s      *Store
	ctx    context.Context
	by     string
	o      HouseholdOptions
	done   *HouseholdImport
	rounds map[string]string // area → round
	once   string            // a unit that is never replaced

	of     map[string]*listedHousehold // by record, of the households being written
	edited map[string]bool             // records of theirs that are corrected
	fixed  map[string]bool             // persons
}

// write opens the rounds before it writes what is in them, so that each interview is judged once.
func (w *listWriter) write(households []*listedHousehold) error {
	var rounds, changes []ActChange
	w.of, w.edited, w.fixed = map[string]*listedHousehold{}, map[string]bool{}, map[string]bool{}
	for _, h := range households {
		round, open, err := w.round(h)
		if err != nil {
			return err
		}
		rounds = append(rounds, open...)
		w.of[h.id], w.of[fieldsync.InterviewID(round, h.id)] = h, h
		changes = append(changes, h.changes(round)...)
	}
	if err := w.author(rounds); err != nil {
		return err
	}
	if err := w.author(changes); err != nil {
		return err
	}
	for _, h := range households {
		switch interview := w.interviewIn(h, h.id); {
		case h.added:
			w.done.Added++
		case w.edited[h.id] || w.edited[interview]:
			w.done.Changed++
		default:
			w.done.Same++
		}
	}
	w.done.Corrected += len(w.fixed)
	return nil
}

func (w *listWriter) author(changes []ActChange) error {
	changes, err := w.fresh(changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	dots, err := w.s.Author(w.ctx, Act{Account: actor(w.by), Role: string(survey.Server), Changes: changes})
	w.done.Changes += len(dots)
	if err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

// round is the closed round of the list's year in the household's commune, with the change that makes it when this run
// meets it first.
func (w *listWriter) round(h *listedHousehold) (id string, open []ActChange, err error) {
	id, ref := w.roundOf(h)
	if id, ok := w.rounds[ref]; ok {
		return id, nil, nil
	}
	area, err := w.s.area(ref)
	if err != nil {
		return "", nil, err
	}
	form := newestForm(w.s.set)
	writes, err := writesOf(map[string]any{"name": fmt.Sprintf("Danh sách năm %d, %s (nhập từ tệp)", w.o.Year, area.Name), "kind": "periodic", "standard": w.o.Standard,
		"questionnaire": form, "from": fmt.Sprintf("%d-09-01", w.o.Year), "to": fmt.Sprintf("%d-12-14", w.o.Year), "area": ref})
	if err != nil {
		return "", nil, err
	}
	w.rounds[ref] = id
	w.done.Rounds = append(w.done.Rounds, id)
	return id, []ActChange{{Record: id, Kind: kindRound, Op: fieldsync.OpCreate, Scope: area.Code, Writes: writes}}, nil
}

// roundOf gives the round's id and how its area is written.
func (w *listWriter) roundOf(h *listedHousehold) (id, ref string) {
	ref = w.o.Area
	last := fmt.Sprintf("%d-12-31", w.o.Year)
	if ref == "" {
		commune := h.village
		for _, a := range w.s.places.Load().Path(h.village, last) {
			if a.Level == schema.LevelCommune {
				commune = a.Code
			}
		}
		ref = commune + "@" + last
	}
	return importID("round", ref, fmt.Sprint(w.o.Year)), ref
}

func newestForm(set *schema.Set) string {
	keys := sortedKeys(set.Questionnaires)
	return keys[len(keys)-1]
}

// fresh leaves out what stands here already. What stands here otherwise is replaced only where an earlier import wrote it:
// a list never overrules a person.
func (w *listWriter) fresh(changes []ActChange) (out []ActChange, err error) {
	var records map[string]*fieldsync.Record
	err = w.s.View(w.ctx, func(tx *sql.Tx) (err error) {
		r := &reader{w.s, w.ctx, tx, map[string]*row{}}
		records, err = r.current(changes)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		rec := records[c.Record]
		h := w.of[c.Record]
		if rec == nil {
			if h != nil && c.Kind == schema.KindInterview {
				h.added = true
			}
			out = append(out, c)
			continue
		}
		c.Op = fieldsync.OpEdit
		c.Writes = slices.DeleteFunc(c.Writes, func(write fieldsync.Write) bool { return !w.needed(rec, write) })
		if len(c.Writes) > 0 {
			if h != nil {
				w.corrected(h, rec, c.Writes)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// corrected keeps account of what an import changes of a household that is here.
func (w *listWriter) corrected(h *listedHousehold, rec *fieldsync.Record, writes []fieldsync.Write) {
	w.edited[rec.ID] = true
	for _, write := range writes {
		heads := rec.Heads(write.Unit)
		if id, _, ok := schema.MemberUnit(write.Unit); ok && rec.Heads("m/"+id+"/name") != nil {
			w.fixed[id] = true
		}
		if write.Unit != "decision/recognised" || len(heads) == 0 {
			continue
		}
		from, to := classOf(heads[0].Value), classOf(write.Value)
		if from != "" && from != to {
			w.done.Reclassed = append(w.done.Reclassed, Reclassed{h.lines[0], h.id, h.head().name, from, to})
		}
	}
}

func classOf(value []byte) string {
	var d decision
	if json.Unmarshal(value, &d) != nil {
		return ""
	}
	return d.Class
}

func (w *listWriter) needed(rec *fieldsync.Record, write fieldsync.Write) bool {
	heads := rec.Heads(write.Unit)
	if len(heads) == 0 || write.Unit == w.once {
		return len(heads) == 0
	}
	ours := true
	for _, h := range heads {
		if survey.Same(h.Value, write.Value) {
			return false
		}
		ours = ours && rec.Author(h.Dot).Role == string(survey.Server)
	}
	if !ours {
		w.done.Kept++
	}
	return ours
}

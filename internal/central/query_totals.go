package central

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// AreaCount is what is counted of one area in a round, by the layer "computed" (tính toán): what the answers come to, before
// meetings and decisions. Resident is 0 when HasResident is false.
type AreaCount struct {
	survey.Tally
	Recorded, Complete, Waiting int64 // interviews; finished ones; those nobody has visited yet
	HasResident                 bool  // Resident is known for the whole area
	ResidentMissing             int   // villages without it
	AsOf, Source                string
}

// AreaTotal is one row of a table of totals.
type AreaTotal struct {
	Area     schema.Area
	Villages []string // of this round that count in the row
	Missing  []schema.Succession
	AreaCount
}

// TotalsQuery asks for the totals of the areas below Area by the units valid on Date. Area "" stands for all the round's
// villages, where the round's own area is no more on that date; Date "" for the round's own geography.
type TotalsQuery struct{ Round, Standard, Area, Date string }

// Totals is a table of totals.
type Totals struct {
	Round    RoundDetail
	Standard string
	Date     string      // the date of the units in Rows
	Area     schema.Area // zero: all the round's villages, by commune
	Rows     []AreaTotal
	Sum      AreaTotal
}

// RoundDetail is a round as pages need it.
type RoundDetail struct {
	ID, Name, Kind, Standard, Questionnaire, From, To string
	Area, Date                                        string // of "063@2024-12-31": the area and the date its units are taken on
	Residents                                         map[string]Residents
	Record                                            *fieldsync.Record // as it stands; nil while the round has not arrived
}

// Residents is the number of resident households of an area with where it comes from: the denominator of every rate.
type Residents struct {
	Households int64  `json:"households"`
	Persons    int64  `json:"persons"`
	AsOf       string `json:"as_of"`
	Source     string `json:"source"`
}

const residentsUnit = "residents/"

// RoundDetails returns the rounds that are here, the latest first.
func (s *Store) RoundDetails(ctx context.Context) (all []RoundDetail, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		var ids []string
		err := eachRow(ctx, tx, "SELECT rec FROM record WHERE kind = 'round' ORDER BY rec", nil, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil {
			return err
		}
		all, err = s.roundDetails(ctx, tx, ids)
		return err
	})
	slices.SortStableFunc(all, func(a, b RoundDetail) int { return strings.Compare(b.From+b.Name, a.From+a.Name) })
	return all, err
}

// RoundDetail returns one round; ErrRoundUnknown when it is not here.
func (s *Store) RoundDetail(ctx context.Context, id string) (d RoundDetail, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		d, err = s.roundDetail(ctx, tx, id)
		return err
	})
	return d, err
}

// ErrRoundMissing says that there is no such round here.
var ErrRoundMissing = refuse("round_unknown", "Không có đợt rà soát này. Chọn trong danh sách các đợt.", "There is no such round. Choose one from the list.")

func (s *Store) roundDetail(ctx context.Context, tx *sql.Tx, id string) (RoundDetail, error) {
	all, err := s.roundDetails(ctx, tx, []string{id})
	if err == nil && len(all) == 0 {
		err = ErrRoundMissing
	}
	if err != nil {
		return RoundDetail{}, err
	}
	return all[0], nil
}

func (s *Store) roundDetails(ctx context.Context, tx *sql.Tx, ids []string) (out []RoundDetail, err error) {
	r := &reader{s, ctx, tx, map[string]*row{}}
	if err := r.load(ids...); err != nil {
		return nil, err
	}
	for _, id := range ids {
		x := r.rows[id]
		if x == nil || x.kind != "round" {
			continue
		}
		d, err := s.details.of(r, x)
		if err != nil {
			return nil, err
		}
		if d != nil {
			out = append(out, *d)
		}
	}
	return out, nil
}

// detailCache keeps the rounds as pages need them: with the residents of a thousand villages one takes milliseconds to read,
// and every page asks for it. An entry counts while the record has the version it was read at.
type detailCache struct{ byID sync.Map }

type cachedDetail struct {
	ver    int64
	detail *RoundDetail // nil: the round was deleted
}

func (c *detailCache) of(r *reader, x *row) (*RoundDetail, error) {
	if known, ok := c.byID.Load(x.rec); ok && known.(cachedDetail).ver == x.ver {
		return known.(cachedDetail).detail, nil
	}
	records, err := r.restore([]*row{x})
	if err != nil {
		return nil, err
	}
	d := r.s.detailOf(records[x.rec])
	c.byID.Store(x.rec, cachedDetail{x.ver, d})
	return d, nil
}

// detailOf reads a round's record; nil when it was deleted.
func (s *Store) detailOf(rec *fieldsync.Record) *RoundDetail {
	policies := s.policiesOf(rec)
	if deleted(rec, policies) {
		return nil
	}
	info := readRound(rec, policies)
	d := &RoundDetail{ID: rec.ID, Record: rec, Name: info.name, Kind: info.kind, Standard: info.standard, Questionnaire: info.questionnaire,
		From: info.from, To: info.to, Area: info.area, Date: info.date, Residents: map[string]Residents{}}
	for _, unit := range rec.Units() {
		area, ok := strings.CutPrefix(unit, residentsUnit)
		var n Residents
		if ok && json.Unmarshal(provisional(rec, unit, policies), &n) == nil {
			d.Residents[area] = n
		}
	}
	return d
}

// Totals counts the areas below one. Counters are kept for every village and, by the round's own geography, for all that lies
// above it; by the units of another date the villages are added up anew.
func (s *Store) Totals(ctx context.Context, q TotalsQuery) (t *Totals, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		round, err := s.roundDetail(ctx, tx, q.Round)
		if err != nil {
			return err
		}
		t = &Totals{Round: round, Standard: q.Standard, Date: q.Date}
		if t.Standard == "" {
			t.Standard = round.Standard
		}
		if t.Date == "" {
			t.Date = round.Date
		}
		villages := s.villagesBelow(q.Area, t.Date)
		areas := villages
		if q.Area != "" && t.Date == round.Date { // what lies below is added up already
			areas = []string{q.Area}
			for _, a := range s.places.Load().Children(q.Area, t.Date) {
				areas = append(areas, a.Code)
			}
		}
		counts, err := s.counts(ctx, tx, round.ID, t.Standard, areas)
		if err != nil {
			return err
		}
		s.fillTotals(t, q.Area, villages, counts)
		return nil
	})
	return t, err
}

// villagesBelow lists the villages of an area on a date; nil for no area.
func (s *Store) villagesBelow(area, date string) []string {
	if area == "" {
		return nil
	}
	villages := []string{}
	p := s.places.Load()
	if a, ok := p.At(area, date); ok && a.Level == schema.LevelVillage {
		return append(villages, area)
	}
	for _, a := range p.Below(area, date) {
		if a.Level == schema.LevelVillage {
			villages = append(villages, a.Code)
		}
	}
	return villages
}

// counts reads the counters of these areas of a round, or of all the villages it has when areas is nil.
func (s *Store) counts(ctx context.Context, tx *sql.Tx, round, standard string, areas []string) (map[string]*AreaCount, error) {
	counts := map[string]*AreaCount{}
	query := "SELECT area, " + strings.Join(counterColumns[:], ", ") + " FROM counter WHERE round = $1 AND standard = $2"
	read := func(cond string, args ...any) error {
		return eachRow(ctx, tx, query+cond, append([]any{round, standard}, args...), func(rows *sql.Rows) error {
			return readAreaCount(rows, counts)
		})
	}
	if areas == nil {
		if err := read(""); err != nil {
			return nil, fmt.Errorf("read counters: %w", err)
		}
		maps.DeleteFunc(counts, func(area string, _ *AreaCount) bool {
			a, ok := s.places.Load().any(area)
			return ok && a.Level != schema.LevelVillage
		})
	}
	for piece := range slices.Chunk(areas, maxKeys) {
		cond, args := s.eng.in(3, piece)
		if err := read(" AND area "+cond, args...); err != nil {
			return nil, fmt.Errorf("read counters: %w", err)
		}
	}
	return counts, nil
}

func readAreaCount(rows *sql.Rows, counts map[string]*AreaCount) error {
	var area string
	var t tally
	into := []any{&area}
	for i := range t {
		into = append(into, &t[i])
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	c := countOf(&t)
	counts[area] = &c
	return nil
}

func countOf(t *tally) AreaCount {
	return AreaCount{
		Tally:    t.survey(),
		Recorded: t[tInterviews], Complete: t[tComplete], Waiting: t[tWaiting],
	}
}

// fillTotals puts each village of the round into the row it belongs to on t.Date. within are the villages of the asked area;
// nil for all of the round.
func (s *Store) fillTotals(t *Totals, area string, within []string, counts map[string]*AreaCount) {
	p := s.places.Load()
	round := t.Round
	villages := map[string]bool{}
	if within == nil {
		within = s.villagesBelow(round.Area, round.Date)
		for v := range counts {
			villages[v] = true
		}
	}
	for _, v := range within {
		if counts[v] != nil || slices.ContainsFunc(p.Path(v, round.Date), func(a schema.Area) bool { return a.Code == round.Area }) {
			villages[v] = true
		}
	}
	if area != "" {
		t.Area, _ = p.At(area, t.Date)
	} else if at, ok := p.At(round.Area, t.Date); ok && t.Date == round.Date {
		t.Area = at
	}
	rows := map[string]*AreaTotal{}
	if slices.ContainsFunc(p.Path(t.Area.Code, t.Date), func(a schema.Area) bool { return a.Code == round.Area }) {
		for _, a := range p.Children(t.Area.Code, t.Date) {
			rows[a.Code] = &AreaTotal{Area: a} // a commune whose villages nobody has imported yet must not vanish
		}
	}
	for v := range villages {
		child, ok := childOf(p.Path(v, t.Date), t.Area)
		if !ok {
			if t.Area != (schema.Area{}) {
				continue
			}
			child = schema.Area{Code: v, Name: v, Level: schema.LevelVillage} // a village no table knows still counts
		}
		row := rows[child.Code]
		if row == nil {
			row = &AreaTotal{Area: child}
			rows[child.Code] = row
		}
		row.Villages = append(row.Villages, v)
	}
	all := make([]*AreaTotal, 0, len(rows))
	for _, row := range rows {
		slices.Sort(row.Villages)
		row.AreaCount = round.sum(row.Area.Code, row.Villages, counts, t.Date)
		row.Missing = s.missing(round, row.Area, t.Date)
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b *AreaTotal) int { return strings.Compare(a.Area.Code, b.Area.Code) })
	t.Sum.Area = t.Area
	for _, row := range all {
		t.Rows = append(t.Rows, *row)
		t.Sum.Villages = append(t.Sum.Villages, row.Villages...)
	}
	t.Sum.AreaCount = round.sum(t.Area.Code, t.Sum.Villages, counts, t.Date)
	t.Sum.Missing = s.missing(round, t.Area, t.Date)
}

// childOf is the area directly below `under` on a path; the commune where `under` is none.
func childOf(path []schema.Area, under schema.Area) (schema.Area, bool) {
	for i, a := range path {
		switch {
		case under == (schema.Area{}):
			if a.Level == schema.LevelCommune {
				return a, true
			}
		case a.Code == under.Code && a.Level == under.Level && i > 0:
			return path[i-1], true
		}
	}
	return schema.Area{}, false
}

// sum adds up villages, or takes the area's own counter where it was read. Residents of the area itself are taken where they were given for it, by the round's own geography,
// else the sum of its villages when all of them are known.
func (d *RoundDetail) sum(area string, villages []string, counts map[string]*AreaCount, date string) AreaCount {
	var all AreaCount
	var residents Residents
	same := true
	own := counts[area]
	if own != nil {
		all = *own
	}
	for _, v := range villages {
		if c := counts[v]; c != nil && own == nil {
			all.Add(c.Tally)
			all.Recorded += c.Recorded
			all.Complete += c.Complete
			all.Waiting += c.Waiting
		}
		r, ok := d.Residents[v]
		if !ok {
			all.ResidentMissing++
			continue
		}
		same = same && (residents.Source == "" || residents.Source == r.Source)
		residents = Residents{residents.Households + r.Households, residents.Persons + r.Persons, max(residents.AsOf, r.AsOf), r.Source}
	}
	if own, ok := d.Residents[area]; ok && all.ResidentMissing > 0 && date == d.Date {
		residents, same, all.ResidentMissing = own, true, 0
	}
	if !same {
		residents.Source = ""
	}
	if all.HasResident = len(villages) > 0 && all.ResidentMissing == 0; all.HasResident {
		all.Resident, all.ResidentPersons, all.AsOf, all.Source = residents.Households, residents.Persons, residents.AsOf, residents.Source
	}
	return all
}

// missing returns the old units that a unit of a later date also took in and that lie outside the round: its totals are
// not whole. Old district totals are not made by adding new communes, nor the other way round.
func (s *Store) missing(round RoundDetail, area schema.Area, date string) []schema.Succession {
	if date <= round.Date || area.Level != schema.LevelCommune {
		return nil
	}
	p := s.places.Load()
	inside := map[string]bool{round.Area: true}
	for _, a := range p.Below(round.Area, round.Date) {
		inside[a.Code] = true
	}
	var out []schema.Succession
	for _, x := range s.set.Successions {
		if x.NewCode == area.Code && x.Date <= date && x.Date > round.Date && !inside[x.OldCode] {
			out = append(out, x)
		}
	}
	return out
}

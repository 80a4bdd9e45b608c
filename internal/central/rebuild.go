package central

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Report is what a rebuild found.
type Report struct {
	Changes     int64        // in the log, published
	Records     int          // folded from them
	Differences []Difference // at most maxDifferences
	More        int          // differences beyond that
	Replaced    bool         // what is stored is now what was computed
}

// Difference is one thing that is stored otherwise than the log says.
type Difference struct {
	Table, Key, Column string
	Stored, Computed   string
}

const maxDifferences = 1000

// OK tells whether everything stored is what the log says.
func (r *Report) OK() bool { return len(r.Differences) == 0 }

func (r *Report) differ(table, key, column, stored, computed string) {
	if stored == computed {
		return
	}
	if len(r.Differences) == maxDifferences {
		r.More++
		return
	}
	r.Differences = append(r.Differences, Difference{table, key, column, stored, computed})
}

// Rebuild folds every record anew from the log and compares records, what is in which scope, fingerprints and counters with
// what is stored; unless verifyOnly, it puts what it computed in their place. It reads one snapshot and may run beside serving;
// a replacing run holds all scopes until it is done.
func (s *Store) Rebuild(ctx context.Context, verifyOnly bool) (report Report, err error) {
	if verifyOnly {
		err = s.View(ctx, func(tx *sql.Tx) error {
			b := newRebuild(ctx, s, tx)
			err := b.run()
			report = b.report
			return err
		})
		return report, err
	}
	err = s.Update(ctx, func(tx *sql.Tx) error {
		if err := s.lockAllScopes(ctx, tx); err != nil {
			return err
		}
		b := newRebuild(ctx, s, tx)
		err := b.run()
		report = b.report
		if err != nil || report.OK() {
			return err
		}
		report.Replaced = true
		return b.replace()
	})
	return report, err
}

func (s *Store) lockAllScopes(ctx context.Context, tx *sql.Tx) error {
	var scopes []string
	err := eachRow(ctx, tx, "SELECT scope FROM scope_head ORDER BY scope", nil, func(rows *sql.Rows) error {
		var scope string
		err := rows.Scan(&scope)
		scopes = append(scopes, scope)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.lockScopes(ctx, tx, scopes, func(string) int { return 0 })
	return err
}

// rebuild is one run.
type rebuild struct {
	p      *planner
	report Report
	dots   map[string][]fieldsync.Dot // record → its published changes, in the order they came
	kinds  map[string]string
	prints map[string]fieldsync.Fingerprint
	sums   counters
	wrong  []*work // records to be replaced
	where  map[string][]string
	linked map[string]bool // households some link names
}

func newRebuild(ctx context.Context, s *Store, tx *sql.Tx) *rebuild {
	return &rebuild{
		p:      &planner{reader: &reader{s, ctx, tx, map[string]*row{}}},
		dots:   map[string][]fieldsync.Dot{},
		kinds:  map[string]string{},
		prints: map[string]fieldsync.Fingerprint{},
		sums:   counters{},
		where:  map[string][]string{},
		linked: map[string]bool{},
	}
}

func (b *rebuild) run() error {
	if err := b.p.s.loadAreas(b.p.ctx, b.p.tx); err != nil {
		return err
	}
	b.p.places = b.p.s.places.Load()
	b.p.areasText = strconv.FormatInt(b.p.places.version, 10)
	for _, step := range []func() error{b.readLog, b.readLinked, b.foldAll, b.compareScopes, b.comparePrints, b.compareCounters} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// readLog finds which changes each record has: numbers only, the bodies come record by record.
func (b *rebuild) readLog() error {
	return eachRow(b.p.ctx, b.p.tx, `SELECT rec, kind, replica, seq FROM change WHERE state IN ('published', 'flagged', 'refused', 'erased')
		ORDER BY recv_at, home, replica, seq`, nil, func(rows *sql.Rows) error {
		var rec, kind string
		var d fieldsync.Dot
		var seq int64
		if err := rows.Scan(&rec, &kind, &d.Replica, &seq); err != nil {
			return err
		}
		d.Seq = uint64(seq)
		b.report.Changes++
		b.dots[rec] = append(b.dots[rec], d)
		if b.kinds[rec] == "" {
			b.kinds[rec] = kind
		}
		return nil
	})
}

func (b *rebuild) readLinked() error {
	return eachRow(b.p.ctx, b.p.tx, "SELECT household FROM record WHERE kind = 'link'", nil, func(rows *sql.Rows) error {
		var households string
		err := rows.Scan(&households)
		for _, h := range strings.Fields(households) {
			b.linked[h] = true
		}
		return err
	})
}

// foldAll goes through the records, households first, so that what follows them finds where they are.
func (b *rebuild) foldAll() error {
	b.report.Records = len(b.dots)
	households, others := []string{}, []string{}
	for _, rec := range slices.Sorted(maps.Keys(b.dots)) {
		if b.kinds[rec] == schema.KindHousehold {
			households = append(households, rec)
		} else {
			others = append(others, rec)
		}
	}
	for _, group := range [][]string{households, others} {
		for piece := range slices.Chunk(group, snapshotBatch) {
			if err := b.fold(piece); err != nil {
				return err
			}
		}
	}
	return eachRow(b.p.ctx, b.p.tx, "SELECT rec FROM record", nil, func(rows *sql.Rows) error {
		var rec string
		err := rows.Scan(&rec)
		if err == nil && b.dots[rec] == nil {
			b.report.differ("record", rec, "", "stored", "not in the log")
		}
		return err
	})
}

func (b *rebuild) fold(recs []string) error {
	p := b.p
	p.rows, p.byRec = map[string]*row{}, map[string]*work{}
	p.plan = &plan{feed: map[string][]feedLine{}, prints: map[string]*printDelta{}, counters: counters{}, follows: map[string][]string{}}
	if err := p.load(recs...); err != nil {
		return err
	}
	var dots []fieldsync.Dot
	for _, rec := range recs {
		dots = append(dots, b.dots[rec]...)
	}
	changes, err := p.changes(dots)
	if err != nil {
		return err
	}
	var more []string
	for _, rec := range recs {
		w := b.foldOne(rec, changes)
		more = append(append(more, strings.Fields(w.next.household)...), w.next.round)
	}
	if err := p.load(more...); err != nil {
		return err
	}
	for _, w := range p.plan.works {
		if err := b.finish(w); err != nil {
			return err
		}
	}
	return nil
}

func (b *rebuild) foldOne(rec string, changes map[fieldsync.Dot]*fieldsync.Change) *work {
	w := b.p.work(rec, b.kinds[rec], nil)
	w.old = b.p.rows[rec]
	w.rec = fieldsync.NewRecord(rec, b.kinds[rec])
	for _, d := range b.dots[rec] {
		if c := changes[d]; c != nil && w.rec.Apply(c) {
			b.p.note(w, c)
		}
	}
	return w
}

// finish computes a record's row and compares it.
func (b *rebuild) finish(w *work) error {
	p := b.p
	if w.next.kind == schema.KindHousehold {
		if w.old != nil {
			w.next.scopes = w.old.scopes // where it was last: only its row knows
		}
		w.next.scopes = p.homes(w)
		if b.linked[w.next.rec] {
			if err := p.partner(w.next.rec); err != nil {
				return err
			}
		}
	} else {
		// A record that hangs on nothing that is here stays where its author put it: its row knows.
		if w.old != nil {
			w.next.scopes = w.old.scopes
		}
		p.routeOne(w)
	}
	w.next.state, w.next.fp = w.rec.AppendStored(nil), w.rec.Fingerprint()
	if err := p.look(w); err != nil {
		return fmt.Errorf("look at record %s: %w", w.next.rec, err)
	}
	b.where[w.next.rec] = w.next.scopes
	for _, scope := range w.next.scopes {
		b.prints[scope] = b.prints[scope].Add(w.next.fp)
	}
	b.sums.add(w.next.round, w.next.standard, w.counted, 1)
	before := len(b.report.Differences) + b.report.More
	b.compare(w)
	if len(b.report.Differences)+b.report.More > before {
		b.wrong = append(b.wrong, w)
	}
	w.rec = nil // only rows are kept
	return nil
}

func (b *rebuild) compare(w *work) {
	key := w.next.rec
	if w.old == nil {
		b.report.differ("record", key, "", "missing", "in the log")
		return
	}
	pairs := []struct{ column, stored, computed string }{
		{"kind", w.old.kind, w.next.kind},
		{"state", string(w.old.state), string(w.next.state)},
		{"fingerprint", printText(w.old.fp), printText(w.next.fp)},
		{"scopes", strings.Join(w.old.scopes, " "), strings.Join(w.next.scopes, " ")},
		{"villages", strings.Join(w.old.villages, " "), strings.Join(w.next.villages, " ")},
		{"household", w.old.household, w.next.household},
		{"round", w.old.round, w.next.round},
		{"area", w.old.area, w.next.area},
		{"class", w.old.class, w.next.class},
		{"open_hard", fmt.Sprint(w.old.hard), fmt.Sprint(w.next.hard)},
		{"open_soft", fmt.Sprint(w.old.soft), fmt.Sprint(w.next.soft)},
		{"rank", fmt.Sprint(w.old.rank), fmt.Sprint(w.next.rank)},
		{"standard", w.old.standard, w.next.standard},
		{"basis", w.old.basis, w.next.basis},
		{"tally", w.old.tally, w.next.tally},
		{"view", w.old.view, w.next.view},
	}
	for _, x := range pairs {
		b.report.differ("record", key, x.column, x.stored, x.computed)
	}
}

func printText(f fieldsync.Fingerprint) string {
	return fmt.Sprintf("%d %s", f.Count, fieldsync.B64(f.SumBytes()))
}

func (b *rebuild) compareScopes() error {
	have := map[string][]string{}
	err := eachRow(b.p.ctx, b.p.tx, "SELECT rec, scope FROM record_scope ORDER BY rec, scope", nil, func(rows *sql.Rows) error {
		var rec, scope string
		err := rows.Scan(&rec, &scope)
		have[rec] = append(have[rec], scope)
		return err
	})
	if err != nil {
		return err
	}
	for _, rec := range union(have, b.where) {
		b.report.differ("record_scope", rec, "scopes", strings.Join(have[rec], " "), strings.Join(b.where[rec], " "))
	}
	return nil
}

func (b *rebuild) comparePrints() error {
	have := map[string]fieldsync.Fingerprint{}
	err := eachRow(b.p.ctx, b.p.tx, "SELECT scope, fp_count, fp_sum FROM scope_head", nil, func(rows *sql.Rows) error {
		var scope string
		var count int64
		var sum []byte
		err := rows.Scan(&scope, &count, &sum)
		have[scope] = fingerprint(count, sum)
		return err
	})
	if err != nil {
		return err
	}
	for _, scope := range union(have, b.prints) {
		b.report.differ("scope_head", scope, "fingerprint", printText(have[scope]), printText(b.prints[scope]))
	}
	return nil
}

func (b *rebuild) compareCounters() error {
	have, err := readCounters(b.p.ctx, b.p.tx)
	if err != nil {
		return err
	}
	zero := &tally{}
	for _, key := range unionKeys(have, b.sums) {
		stored, computed := have[key], b.sums[key]
		if stored == nil {
			stored = zero
		}
		if computed == nil {
			computed = zero
		}
		for i, name := range counterColumns {
			b.report.differ("counter", key.area+" "+key.round+" "+key.standard, name, fmt.Sprint(stored[i]), fmt.Sprint(computed[i]))
		}
	}
	return nil
}

// readCounters reads the whole table counter.
func readCounters(ctx context.Context, tx *sql.Tx) (counters, error) {
	all := counters{}
	err := eachRow(ctx, tx, "SELECT area, round, standard, "+strings.Join(counterColumns[:], ", ")+" FROM counter", nil, func(rows *sql.Rows) error {
		var k counterKey
		t := &tally{}
		to := []any{&k.area, &k.round, &k.standard}
		for i := range t {
			to = append(to, &t[i])
		}
		err := rows.Scan(to...)
		all[k] = t
		return err
	})
	return all, err
}

func union[A, B any](a map[string]A, b map[string]B) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func unionKeys(a, b counters) []counterKey {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Collect(maps.Keys(all))
}

// replace puts what was computed in the place of what is stored.
func (b *rebuild) replace() error {
	ctx, tx, s := b.p.ctx, b.p.tx, b.p.s
	for _, w := range b.wrong {
		w.next.ver = 1
		if w.old != nil {
			w.next.ver = w.old.ver + 1
		}
		for _, household := range strings.Fields(w.next.household) {
			if err := s.writeRelated(ctx, tx, [][2]string{{household, w.next.rec}}); err != nil {
				return err
			}
		}
	}
	if err := s.writeRecords(ctx, tx, b.wrong, s.Now()); err != nil {
		return err
	}
	if err := b.replaceScopes(); err != nil {
		return err
	}
	for _, scope := range slices.Sorted(maps.Keys(b.prints)) {
		fp := b.prints[scope]
		_, err := tx.ExecContext(ctx, `INSERT INTO scope_head (scope, pos, fp_count, fp_sum) VALUES ($1, 0, $2, $3)
			ON CONFLICT (scope) DO UPDATE SET fp_count = excluded.fp_count, fp_sum = excluded.fp_sum`, scope, int64(fp.Count), fp.SumBytes())
		if err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM counter"); err != nil {
		return err
	}
	return s.writeCounters(ctx, tx, b.sums)
}

// replaceScopes brings record_scope to what was computed; what stays keeps the position it came at.
func (b *rebuild) replaceScopes() error {
	ctx, tx := b.p.ctx, b.p.tx
	type place struct{ scope, rec string }
	have := map[place]bool{}
	err := eachRow(ctx, tx, "SELECT scope, rec FROM record_scope", nil, func(rows *sql.Rows) error {
		var x place
		err := rows.Scan(&x.scope, &x.rec)
		have[x] = true
		return err
	})
	if err != nil {
		return err
	}
	for rec, scopes := range b.where {
		for _, scope := range scopes {
			if x := (place{scope, rec}); have[x] {
				delete(have, x)
				continue
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO record_scope (scope, kind, rec, since) VALUES ($1, $2, $3, 0)", scope, b.kinds[rec], rec)
			if err != nil {
				return err
			}
		}
	}
	for x := range have {
		if _, err := tx.ExecContext(ctx, "DELETE FROM record_scope WHERE scope = $1 AND rec = $2", x.scope, x.rec); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM record WHERE rec NOT IN (SELECT rec FROM change WHERE state IN ('published', 'flagged', 'refused', 'erased'))")
	return err
}

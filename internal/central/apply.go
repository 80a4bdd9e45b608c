package central

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// locked is a scope's head, held until the transaction ends.
type locked struct {
	pos uint64
	fp  fieldsync.Fingerprint
}

// lockScopes takes scopes in sorted order and moves their positions on by the lines to come: so position order is commit
// order, and no reader can see n+1 before n. It also serialises read-merge-write inside one village.
func (s *Store) lockScopes(ctx context.Context, tx *sql.Tx, scopes []string, lines func(scope string) int) (map[string]*locked, error) {
	heads := make(map[string]*locked, len(scopes))
	for _, scope := range scopes {
		var pos, count int64
		var sum []byte
		err := tx.QueryRowContext(ctx, `INSERT INTO scope_head (scope, pos, fp_count, fp_sum) VALUES ($1, $2, 0, $3)
			ON CONFLICT (scope) DO UPDATE SET pos = scope_head.pos + $2 RETURNING pos, fp_count, fp_sum`,
			scope, int64(lines(scope)), fieldsync.Fingerprint{}.SumBytes()).Scan(&pos, &count, &sum)
		if err != nil {
			return nil, fmt.Errorf("lock scope %s: %w", scope, err)
		}
		heads[scope] = &locked{uint64(pos), fingerprint(count, sum)}
	}
	return heads, nil
}

// holds tells whether everything a plan has read is still so, and keeps it so until the transaction ends. The scopes the plan
// writes to must be locked.
func (s *Store) holds(ctx context.Context, tx *sql.Tx, p *plan) (bool, error) {
	if err := s.eng.lock(ctx, tx, p.orphans()); err != nil {
		return false, err
	}
	var areas string
	if err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'areas_version'"+s.eng.share()).Scan(&areas); err != nil {
		return false, err
	}
	if areas != fmt.Sprint(p.areas) {
		return false, nil
	}
	if len(p.rounds) > 0 {
		if err := s.each(ctx, tx, "SELECT ver FROM record WHERE rec ", p.rounds, " ORDER BY rec"+s.eng.share(), func(*sql.Rows) error { return nil }); err != nil {
			return false, err
		}
	}
	recs := make([]string, 0, len(p.reads))
	known := 0
	for rec, ver := range p.reads {
		recs = append(recs, rec)
		if ver > 0 {
			known++
		}
	}
	same := true
	err := s.each(ctx, tx, "SELECT rec, ver FROM record WHERE rec ", recs, "", func(rows *sql.Rows) error {
		var rec string
		var ver int64
		err := rows.Scan(&rec, &ver)
		same = same && p.reads[rec] == ver
		known--
		return err
	})
	if err != nil || !same || known != 0 {
		return false, err
	}
	return s.followsHold(ctx, tx, p)
}

func (s *Store) followsHold(ctx context.Context, tx *sql.Tx, p *plan) (bool, error) {
	households := make([]string, 0, len(p.follows))
	for h := range p.follows {
		households = append(households, h)
	}
	now, err := (&reader{s, ctx, tx, nil}).follow(households)
	if err != nil {
		return false, err
	}
	for h, recs := range p.follows {
		if !slices.Equal(recs, now[h]) {
			return false, nil
		}
	}
	return true, nil
}

// orphans are the households that are not here, or only come now: an interview that arrives in one village's transaction
// and its household that arrives in another's must see each other, and no row stands between them.
func (p *plan) orphans() []string {
	var ids []string
	for h := range p.follows {
		ids = append(ids, h)
	}
	for _, r := range p.related {
		ids = append(ids, r[0])
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// write stores what a plan says. heads are its scopes, locked, their positions already moved on.
func (s *Store) write(ctx context.Context, tx *sql.Tx, rep *replicaRow, p *plan, heads map[string]*locked) error {
	now := s.Now()
	for _, step := range []func() error{
		func() error { return s.writeLog(ctx, tx, rep, p.arrivals, now) },
		func() error { return s.writeRecords(ctx, tx, p.works, now) },
		func() error { return s.writeScopes(ctx, tx, p, heads) },
		func() error { return s.writeFeed(ctx, tx, p, heads) },
		func() error { return s.writeRelated(ctx, tx, p.related) },
		func() error { return s.writeIssues(ctx, tx, p, now) },
		func() error { return s.writeCounters(ctx, tx, p.counters) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) writeLog(ctx context.Context, tx *sql.Tx, rep *replicaRow, arrivals []*arrival, now int64) error {
	var c struct {
		home, replica, rec, kind, state, why []string
		seq, at                              []int64
		h, bytes                             [][]byte
	}
	for _, a := range arrivals {
		if a.logged {
			_, err := tx.ExecContext(ctx, "UPDATE change SET state = $4, why = $5 WHERE home = $1 AND replica = $2 AND seq = $3",
				rep.home, rep.id, int64(a.seq), a.state, a.why)
			if err != nil {
				return err
			}
			continue
		}
		rec, kind := "", ""
		if a.change != nil {
			rec, kind = a.change.Record, a.change.Kind
		}
		c.home, c.replica, c.seq, c.h = append(c.home, rep.home), append(c.replica, rep.id), append(c.seq, int64(a.seq)), append(c.h, a.h)
		c.rec, c.kind, c.at = append(c.rec, rec), append(c.kind, kind), append(c.at, now)
		c.state, c.why, c.bytes = append(c.state, a.state), append(c.why, a.why), append(c.bytes, a.bytes)
	}
	if len(c.seq) == 0 {
		return nil
	}
	_, err := s.eng.insert(ctx, tx, &insert{"change", []string{"home", "replica", "seq", "h", "rec", "kind", "recv_at", "state", "why", "bytes"}, "",
		[]any{c.home, c.replica, c.seq, c.h, c.rec, c.kind, c.at, c.state, c.why, c.bytes}})
	return err
}

var recordNames = []string{"rec", "kind", "ver", "scopes", "villages", "household", "round", "area", "class", "open_hard", "open_soft", "rank",
	"standard", "basis", "tally", "fold", "fp_count", "fp_sum", "state", "view", "changed_at"}

// recordThen updates a row only from the version it was read at.
var recordThen = func() string {
	var set []string
	for _, name := range recordNames[2:] {
		set = append(set, name+" = excluded."+name)
	}
	return "ON CONFLICT (rec) DO UPDATE SET " + strings.Join(set, ", ") + " WHERE record.ver = excluded.ver - 1"
}()

func (s *Store) writeRecords(ctx context.Context, tx *sql.Tx, works []*work, now int64) error {
	if len(works) == 0 {
		return nil
	}
	n := len(works)
	text := make([][]string, len(recordNames))
	num := make([][]int64, len(recordNames))
	raw := make([][][]byte, len(recordNames))
	values := make([]any, len(recordNames))
	for i, name := range recordNames {
		switch name {
		case "ver", "open_hard", "open_soft", "rank", "fp_count", "changed_at":
			num[i] = make([]int64, n)
			values[i] = num[i]
		case "fp_sum", "state":
			raw[i] = make([][]byte, n)
			values[i] = raw[i]
		default:
			text[i] = make([]string, n)
			values[i] = text[i]
		}
	}
	for k, w := range works {
		r := &w.next
		for i, v := range []string{0: r.rec, 1: r.kind, 3: strings.Join(r.scopes, " "), 4: strings.Join(r.villages, " "), 5: r.household, 6: r.round,
			7: r.area, 8: r.class, 12: r.standard, 13: r.basis, 14: r.tally, 15: r.fold, 19: r.view} {
			if text[i] != nil {
				text[i][k] = v
			}
		}
		num[2][k], num[9][k], num[10][k], num[11][k], num[16][k], num[20][k] = r.ver, r.hard, r.soft, r.rank, int64(r.fp.Count), now
		raw[17][k], raw[18][k] = r.fp.SumBytes(), r.state
	}
	wrote, err := s.eng.insert(ctx, tx, &insert{"record", recordNames, recordThen, values})
	if err == nil && wrote != int64(n) {
		return errStale
	}
	return err
}

// writeScopes keeps which records are in which scope.
func (s *Store) writeScopes(ctx context.Context, tx *sql.Tx, p *plan, heads map[string]*locked) error {
	var scope, kind, rec []string
	var since []int64
	for _, w := range p.works {
		var before []string
		if w.old != nil {
			before = w.old.scopes
		}
		for _, sc := range w.next.scopes {
			if !slices.Contains(before, sc) {
				scope, kind, rec = append(scope, sc), append(kind, w.next.kind), append(rec, w.next.rec)
				since = append(since, int64(heads[sc].pos)-int64(len(p.feed[sc]))+1)
			}
		}
		for _, sc := range before {
			if !slices.Contains(w.next.scopes, sc) {
				if _, err := tx.ExecContext(ctx, "DELETE FROM record_scope WHERE scope = $1 AND rec = $2", sc, w.next.rec); err != nil {
					return err
				}
			}
		}
	}
	if len(rec) == 0 {
		return nil
	}
	_, err := s.eng.insert(ctx, tx, &insert{"record_scope", []string{"scope", "kind", "rec", "since"}, "", []any{scope, kind, rec, since}})
	return err
}

func (s *Store) writeFeed(ctx context.Context, tx *sql.Tx, p *plan, heads map[string]*locked) error {
	var f struct {
		scope, what, rec, home, replica []string
		pos, seq                        []int64
	}
	homes, err := s.homesOfFeed(ctx, tx, p)
	if err != nil {
		return err
	}
	for _, scope := range p.scopes() {
		lines := p.feed[scope]
		head := heads[scope]
		for i, l := range lines {
			f.scope, f.pos = append(f.scope, scope), append(f.pos, int64(head.pos)-int64(len(lines))+int64(i)+1)
			f.what, f.rec = append(f.what, l.what), append(f.rec, l.rec)
			f.home, f.replica, f.seq = append(f.home, homes[l.dot.Replica]), append(f.replica, l.dot.Replica), append(f.seq, int64(l.dot.Seq))
		}
		head.fp = head.fp.Add(p.prints[scope].add).Sub(p.prints[scope].sub)
		if _, err := tx.ExecContext(ctx, "UPDATE scope_head SET fp_count = $2, fp_sum = $3 WHERE scope = $1", scope, int64(head.fp.Count), head.fp.SumBytes()); err != nil {
			return err
		}
	}
	if len(f.scope) == 0 {
		return nil
	}
	_, err = s.eng.insert(ctx, tx, &insert{"feed", []string{"scope", "pos", "what", "rec", "home", "replica", "seq"}, "",
		[]any{f.scope, f.pos, f.what, f.rec, f.home, f.replica, f.seq}})
	return err
}

func (s *Store) homesOfFeed(ctx context.Context, tx *sql.Tx, p *plan) (map[string]string, error) {
	var replicas []string
	for _, lines := range p.feed {
		for _, l := range lines {
			if r := l.dot.Replica; r != "" && !slices.Contains(replicas, r) {
				replicas = append(replicas, r)
			}
		}
	}
	return s.homesOf(ctx, tx, replicas)
}

func (s *Store) writeRelated(ctx context.Context, tx *sql.Tx, related [][2]string) error {
	if len(related) == 0 {
		return nil
	}
	var household, rec []string
	for _, r := range related {
		household, rec = append(household, r[0]), append(rec, r[1])
	}
	_, err := s.eng.insert(ctx, tx, &insert{"related", []string{"household", "rec"}, "ON CONFLICT DO NOTHING", []any{household, rec}})
	return err
}

// writeIssues files what was published with a flag.
func (s *Store) writeIssues(ctx context.Context, tx *sql.Tx, p *plan, now int64) error {
	var scope, rec, code, unit, detail []string
	var at []int64
	for _, a := range p.arrivals {
		if a.state != StateFlagged || a.change == nil {
			continue
		}
		for _, w := range p.works {
			if w.next.rec == a.change.Record {
				scope, rec, code = append(scope, w.next.scopes[0]), append(rec, w.next.rec), append(code, issueOf(a.why))
				unit, detail, at = append(unit, a.change.Dot.String()), append(detail, "{}"), append(at, now)
			}
		}
	}
	if len(rec) == 0 {
		return nil
	}
	_, err := s.eng.insert(ctx, tx, &insert{"issue", []string{"scope", "rec", "code", "unit", "detail", "at"}, "ON CONFLICT DO NOTHING",
		[]any{scope, rec, code, unit, detail, at}})
	return err
}

// counterThen adds to a counter that is there.
var counterThen = func() string {
	var set []string
	for _, name := range counterColumns {
		set = append(set, name+" = counter."+name+" + excluded."+name)
	}
	return "ON CONFLICT (area, round, standard) DO UPDATE SET " + strings.Join(set, ", ")
}()

// writeCounters comes last: the counters of a commune and a province are where transactions of different villages meet, and they
// are held for the shortest time, in sorted order.
func (s *Store) writeCounters(ctx context.Context, tx *sql.Tx, c counters) error {
	keys := c.keys()
	if len(keys) == 0 {
		return nil
	}
	var area, round, standard []string
	var n [tallyColumns][]int64
	for _, k := range keys {
		area, round, standard = append(area, k.area), append(round, k.round), append(standard, k.standard)
		for i, v := range *c[k] {
			n[i] = append(n[i], v)
		}
	}
	values := []any{area, round, standard}
	for _, col := range n {
		values = append(values, col)
	}
	_, err := s.eng.insert(ctx, tx, &insert{"counter", append([]string{"area", "round", "standard"}, counterColumns[:]...), counterThen, values})
	return err
}

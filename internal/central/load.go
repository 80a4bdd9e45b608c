package central

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// row is one row of the table record.
type row struct {
	rec, kind                    string
	ver                          int64
	scopes                       []string // sorted
	villages                     []string // every village ever written (households)
	household                    string
	round, area, class           string
	hard, soft, rank             int64
	standard, basis, tally, fold string
	fp                           fieldsync.Fingerprint
	state                        []byte
	view                         string
	changedAt                    int64
}

const rowColumns = `rec, kind, ver, scopes, villages, household, round, area, class, open_hard, open_soft, rank,
	standard, basis, tally, fold, fp_count, fp_sum, state, view, changed_at`

func scanRow(rows *sql.Rows) (*row, error) {
	var r row
	var scopes, villages string
	var sum []byte
	var count int64
	err := rows.Scan(&r.rec, &r.kind, &r.ver, &scopes, &villages, &r.household, &r.round, &r.area, &r.class, &r.hard, &r.soft, &r.rank,
		&r.standard, &r.basis, &r.tally, &r.fold, &count, &sum, &r.state, &r.view, &r.changedAt)
	r.scopes, r.villages = strings.Fields(scopes), strings.Fields(villages)
	r.fp = fingerprint(count, sum)
	return &r, err
}

func fingerprint(count int64, sum []byte) fieldsync.Fingerprint {
	f := fieldsync.Fingerprint{Count: uint64(count)}
	if len(sum) == 32 {
		for i := range f.Sum {
			f.Sum[i] = binary.BigEndian.Uint64(sum[24-8*i:])
		}
	}
	return f
}

// reader reads what a plan is made from, inside one transaction, and remembers what it has read.
type reader struct {
	s    *Store
	ctx  context.Context
	tx   *sql.Tx
	rows map[string]*row // nil: there is no such record
}

// load reads the rows of records that have not been read yet.
func (r *reader) load(recs ...string) error {
	var missing []string
	for _, rec := range recs {
		if _, ok := r.rows[rec]; !ok && rec != "" {
			r.rows[rec] = nil
			missing = append(missing, rec)
		}
	}
	return r.s.each(r.ctx, r.tx, "SELECT "+rowColumns+" FROM record WHERE rec ", missing, "", func(rows *sql.Rows) error {
		x, err := scanRow(rows)
		if err == nil {
			r.rows[x.rec] = x
		}
		return err
	})
}

// restore gives back the merged records of rows, with the live changes from the log.
func (r *reader) restore(rows []*row) (map[string]*fieldsync.Record, error) {
	var dots []fieldsync.Dot
	for _, x := range rows {
		live, err := fieldsync.StoredDots(x.state)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", x.rec, err)
		}
		dots = append(dots, live...)
	}
	changes, err := r.changes(dots)
	if err != nil {
		return nil, err
	}
	records := make(map[string]*fieldsync.Record, len(rows))
	for _, x := range rows {
		rec, err := fieldsync.RestoreRecord(x.rec, x.kind, x.state, func(d fieldsync.Dot) (*fieldsync.Change, error) {
			if c := changes[d]; c != nil {
				return c, nil
			}
			return nil, fmt.Errorf("the log has no change %s", d)
		})
		if err != nil {
			return nil, err
		}
		records[x.rec] = rec
	}
	return records, nil
}

// logged is one row of the table change.
type logged struct {
	dot                   fieldsync.Dot
	home, rec, state, why string
	bytes                 []byte
	origin                origin
}

// change decodes it as it is merged: a refused one is seen and writes nothing.
func (l *logged) change() (*fieldsync.Change, error) {
	c, err := l.origin.decode(l.dot.Replica, l.bytes)
	if err == nil && l.state == StateRefused {
		c = withoutWrites(c)
	}
	return c, err
}

// changes reads changes from the log and decodes them.
func (r *reader) changes(dots []fieldsync.Dot) (map[fieldsync.Dot]*fieldsync.Change, error) {
	out := make(map[fieldsync.Dot]*fieldsync.Change, len(dots))
	err := r.logged(dots, func(l *logged) error {
		c, err := l.change()
		out[l.dot] = c
		return err
	})
	return out, err
}

// logged calls f for each of these changes that the log has, in no order.
func (r *reader) logged(dots []fieldsync.Dot, f func(*logged) error) error {
	replicas := make([]string, 0, 8)
	for _, d := range dots {
		if !slices.Contains(replicas, d.Replica) {
			replicas = append(replicas, d.Replica)
		}
	}
	origins, err := r.s.originsOf(r.ctx, r.tx, replicas)
	if err != nil {
		return err
	}
	for len(dots) > 0 {
		piece := dots[:min(len(dots), maxKeys)]
		dots = dots[len(piece):]
		query, args := r.s.eng.dots(piece, origins)
		err := eachRow(r.ctx, r.tx, query, args, func(rows *sql.Rows) error {
			var l logged
			var seq int64
			if err := rows.Scan(&l.home, &l.dot.Replica, &seq, &l.rec, &l.state, &l.why, &l.bytes); err != nil {
				return err
			}
			l.dot.Seq, l.origin = uint64(seq), origins[l.dot.Replica]
			return f(&l)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// follow returns the records that follow each of these households.
func (r *reader) follow(households []string) (map[string][]string, error) {
	out := map[string][]string{}
	err := r.s.each(r.ctx, r.tx, "SELECT household, rec FROM related WHERE household ", households, " ORDER BY household, rec", func(rows *sql.Rows) error {
		var household, rec string
		if err := rows.Scan(&household, &rec); err != nil {
			return err
		}
		out[household] = append(out[household], rec)
		return nil
	})
	return out, err
}

// dotsOf returns every change a record has seen.
func dotsOf(rec *fieldsync.Record) []fieldsync.Dot {
	dots := make([]fieldsync.Dot, 0, rec.SeenCount())
	rec.Dots(func(d fieldsync.Dot) bool {
		dots = append(dots, d)
		return true
	})
	return dots
}

// seenDots returns every change a stored state has seen. It needs no bodies.
func seenDots(x *row) ([]fieldsync.Dot, error) {
	rec, err := fieldsync.RestoreRecord(x.rec, x.kind, x.state, func(d fieldsync.Dot) (*fieldsync.Change, error) {
		return &fieldsync.Change{Dot: d}, nil
	})
	if err != nil {
		return nil, err
	}
	return dotsOf(rec), nil
}

package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Renew gives the tablet a new replica id and key and makes its changes after common anew under it: the server holds other
// changes under these numbers, written by another copy of this installation. Changes up to common count as acknowledged.
func (s *Store) Renew(ctx context.Context, common uint64) error {
	s.lock()
	defer s.unlock()
	return s.renew(ctx, s.sent(), common)
}

// renew works on one feed. Of a retired feed the changes go on under the current one.
func (s *Store) renew(ctx context.Context, old *feed, common uint64) error {
	if common > old.last {
		common = old.last
	}
	from := *old
	renamed := map[string]string{}
	err := s.write(ctx, func(t *tx) error {
		if old == s.current() {
			if err := s.newFeed(t); err != nil {
				return err
			}
		}
		changes, err := s.ownAfter(t, from.replica, common)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := s.reissue(t, c, renamed); err != nil {
				return err
			}
		}
		if err := t.exec(`DELETE FROM own WHERE replica = ? AND seq > ?`, from.replica, common); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM note WHERE replica = ? AND seq > ?`, from.replica, common); err != nil {
			return err
		}
		t.then(func() {
			if f := s.feedOf(from.replica); f != nil {
				f.last = common
			}
		})
		from.last = common
		if err := s.ack(t, &from, s.me, common, common, nil, true); err != nil {
			return err
		}
		return s.renameDrafts(t, renamed)
	})
	if err != nil {
		return fmt.Errorf("renew replica: %w", err)
	}
	s.sending = ""
	if err := s.readFeeds(ctx); err != nil {
		return err
	}
	for _, f := range s.forms {
		f.rename(renamed)
	}
	return s.recount(ctx)
}

// ownAfter reads the changes to be made anew; those whose bytes were erased have nothing left to say.
func (s *Store) ownAfter(t *tx, replica string, common uint64) ([]*fieldsync.Change, error) {
	rows, err := t.QueryContext(t.ctx, `SELECT seq, bytes FROM own WHERE replica = ? AND seq > ? AND erased = 0 ORDER BY seq`, replica, common)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*fieldsync.Change
	for rows.Next() {
		d := fieldsync.Dot{Replica: replica}
		var sealed []byte
		if err := rows.Scan(&d.Seq, &sealed); err != nil {
			return nil, err
		}
		c, err := s.decodeOwn(d, sealed)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// reissue makes one change anew: the same act at the same time, under its new dot, its renamed parents, and with its old dot.
func (s *Store) reissue(t *tx, c *fieldsync.Change, renamed map[string]string) error {
	was := c.Dot
	anew := *c
	anew.Was, anew.Bytes, anew.Parents = &was, nil, nil
	for _, p := range c.Parents {
		if to, ok := renamed[p.String()]; ok {
			p, _ = fieldsync.ParseDot(to)
		}
		anew.Parents = append(anew.Parents, p)
	}
	if err := s.append(t, &anew); err != nil {
		return err
	}
	renamed[was.String()] = anew.Dot.String()
	st, err := s.load(t.ctx, t, c.Record)
	if err != nil || st == nil {
		return err
	}
	st.changed = true
	return nil
}

// renameDrafts lets answers not yet cut into a change name the new dots as what was on the screen.
func (s *Store) renameDrafts(t *tx, renamed map[string]string) error {
	of, err := s.draftsOf(t.ctx, t)
	if err != nil {
		return err
	}
	for rec := range of {
		rows, err := s.draftRows(t.ctx, t, rec)
		if err != nil {
			return err
		}
		for unit, row := range rows {
			row.Base = renameAll(row.Base, renamed)
			if err := s.putDraft(t, rec, unit, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func renameAll(base []string, renamed map[string]string) []string {
	out := make([]string, len(base))
	for i, d := range base {
		if to, ok := renamed[d]; ok {
			d = to
		}
		out[i] = d
	}
	return out
}

// rename brings an open form's snapshot to the new dots.
func (f *Form) rename(renamed map[string]string) {
	for _, units := range f.draft {
		for unit, row := range units {
			row.Base = renameAll(row.Base, renamed)
			units[unit] = row
		}
	}
	hh, err := renameRecord(f.hh, renamed)
	iv, err2 := renameRecord(f.iv, renamed)
	if errors.Join(err, err2) != nil {
		f.news = true // cannot be, and if it is, accepting the news takes the snapshot anew
		return
	}
	f.hh, f.iv = hh, iv
}

func renameRecord(rec *fieldsync.Record, renamed map[string]string) (*fieldsync.Record, error) {
	state := rec.State("")
	state.FP = fieldsync.Print{}
	for unit, heads := range state.Heads {
		next := map[string]json.RawMessage{}
		for d, v := range heads {
			next[renameAll([]string{d}, renamed)[0]] = v
		}
		state.Heads[unit] = next
	}
	by := map[string]fieldsync.StateAuthor{}
	for d, a := range state.By {
		by[renameAll([]string{d}, renamed)[0]] = a
	}
	state.By = by
	for from, to := range renamed {
		was, err := fieldsync.ParseDot(from)
		if err != nil || !rec.Seen(was) {
			continue
		}
		now, err := fieldsync.ParseDot(to)
		if err != nil {
			return nil, err
		}
		state.Seen[now.Replica] = append(state.Seen[now.Replica], [2]uint64{now.Seq, now.Seq})
	}
	return fieldsync.FromState(&state)
}

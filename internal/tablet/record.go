package tablet

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// stored is a record as the server has told it, with the columns beside it.
type stored struct {
	rec       *fieldsync.Record
	household string // household it belongs to; its own id for a household; "" for other kinds
	scope     string // area code of its home, as far as known
	gone      bool   // left all granted scopes, kept only until own changes of it are acknowledged
	changed   bool
}

// Record states are long and repeat themselves, and a tablet's flash is slow: they are stored compressed. Both coders are
// safe for concurrent use through EncodeAll and DecodeAll.
var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
)

// load reads a record's server state; nil when the tablet has none.
func (s *Store) load(ctx context.Context, q querier, id string) (*stored, error) {
	if t, ok := q.(*tx); ok {
		if st, ok := t.recs[id]; ok {
			return st, nil
		}
	}
	var st stored
	var kind string
	var body []byte
	err := q.QueryRowContext(ctx, `SELECT kind, household, scope, gone, state FROM record WHERE rec = ?`, id).
		Scan(&kind, &st.household, &st.scope, &st.gone, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read record %s: %w", id, err)
	}
	if st.rec, err = s.unpack(id, body); err != nil {
		return nil, err
	}
	if t, ok := q.(*tx); ok {
		t.recs[id] = &st
	}
	return &st, nil
}

func (s *Store) unpack(id string, body []byte) (*fieldsync.Record, error) {
	packed, err := s.sealer.Open("record/"+id, body)
	if err != nil {
		return nil, err
	}
	plain, err := unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read record %s: %w", id, err)
	}
	var state fieldsync.State
	if err := json.Unmarshal(plain, &state); err != nil {
		return nil, fmt.Errorf("read record %s: %w", id, err)
	}
	return fieldsync.FromState(&state)
}

// open returns a record for changing inside the transaction, made when the tablet has none. store writes it.
func (s *Store) open(t *tx, id, kind string) (*stored, error) {
	st, err := s.load(t.ctx, t, id)
	if err != nil || st != nil {
		return st, err
	}
	st = &stored{rec: fieldsync.NewRecord(id, kind), changed: true}
	if kind == schema.KindHousehold {
		st.household = id
	}
	t.recs[id] = st
	return st, nil
}

// store writes the records the transaction has changed, and marks their households' rows for renewal.
func (s *Store) store(t *tx) error {
	for id, st := range t.recs {
		if !st.changed {
			continue
		}
		if err := s.describe(t, id, st); err != nil {
			return err
		}
		plain, err := json.Marshal(st.rec.State(st.scope))
		if err != nil {
			return err
		}
		body, err := s.sealer.Seal("record/"+id, packer.EncodeAll(plain, nil))
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO record (rec, kind, household, scope, gone, fp, state) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (rec) DO UPDATE SET kind = excluded.kind, household = excluded.household, scope = excluded.scope,
			gone = excluded.gone, fp = excluded.fp, state = excluded.state`,
			id, st.rec.Kind, st.household, st.scope, st.gone, fpBytes(st.rec.Fingerprint()), body); err != nil {
			return fmt.Errorf("store record %s: %w", id, err)
		}
		st.changed = false
		if st.household != "" {
			t.dirty[st.household] = true
		}
	}
	return nil
}

// describe fills the columns that say where the record belongs, from what is shown of it.
func (s *Store) describe(t *tx, id string, st *stored) error {
	if st.rec.Kind != schema.KindHousehold && st.rec.Kind != schema.KindInterview {
		return nil
	}
	shown, err := s.shown(t.ctx, t, id)
	if err != nil {
		return err
	}
	if village := textOf(shown, "village"); village != "" {
		st.scope = village
	}
	if st.rec.Kind == schema.KindInterview {
		if h := textOf(shown, "household"); h != "" {
			st.household = h
		}
	}
	return nil
}

// shown is what a person sees of a record: the server's state joined with own changes the server has not sent back. The
// result is the caller's own. nil when the tablet does not have the record.
func (s *Store) shown(ctx context.Context, q querier, id string) (*fieldsync.Record, error) {
	st, err := s.load(ctx, q, id)
	if err != nil || st == nil {
		return nil, err
	}
	rec := st.rec
	if _, cached := q.(*tx); cached {
		rec = rec.Clone()
	}
	own, err := s.ownOf(ctx, q, id)
	if err != nil {
		return nil, err
	}
	for _, c := range own {
		rec.Apply(c)
	}
	return rec, nil
}

// ownOf reads this tablet's changes of a record, in the order they were made.
func (s *Store) ownOf(ctx context.Context, q querier, id string) ([]*fieldsync.Change, error) {
	rows, err := q.QueryContext(ctx, `SELECT o.replica, o.seq, o.bytes FROM own o JOIN feed f ON f.replica = o.replica
		WHERE o.rec = ? AND o.erased = 0 ORDER BY f.born, o.seq`, id)
	if err != nil {
		return nil, fmt.Errorf("read own changes: %w", err)
	}
	defer rows.Close()
	var out []*fieldsync.Change
	for rows.Next() {
		var d fieldsync.Dot
		var sealed []byte
		if err := rows.Scan(&d.Replica, &d.Seq, &sealed); err != nil {
			return nil, fmt.Errorf("read own changes: %w", err)
		}
		c, err := s.decodeOwn(d, sealed)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// fpBytes is a fingerprint as stored: the count, then the sum, big-endian.
func fpBytes(f fieldsync.Fingerprint) []byte {
	return append(binary.BigEndian.AppendUint64(nil, f.Count), f.SumBytes()...)
}

func fpOf(b []byte) (f fieldsync.Fingerprint) {
	if len(b) != 40 {
		return f
	}
	f.Count = binary.BigEndian.Uint64(b)
	for i := range f.Sum {
		f.Sum[i] = binary.BigEndian.Uint64(b[32-8*i:])
	}
	return f
}

// valueOf is the provisional value of a unit under the default policy; nil when unanswered.
func valueOf(rec *fieldsync.Record, unit string) json.RawMessage {
	if rec == nil {
		return nil
	}
	values := rec.Look(unit, nil).Values
	if len(values) == 0 || string(values[0].Value) == "null" {
		return nil
	}
	return values[0].Value
}

func textOf(rec *fieldsync.Record, unit string) string { return asText(valueOf(rec, unit)) }

// asText is a JSON text's content; "" for anything else.
func asText(v json.RawMessage) string {
	var text string
	if len(v) == 0 || json.Unmarshal(v, &text) != nil {
		return ""
	}
	return text
}

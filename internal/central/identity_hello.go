package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	fieldsync "github.com/rasoat/rasoat/sync"
)

var (
	errProto = &fieldsync.Problem{Status: 426, Code: "proto", Title: "This server speaks protocol 1 only.",
		Detail: "Cập nhật phần mềm trên máy này; vẫn làm việc ngoại tuyến và xuất ra thẻ nhớ được. Update the program; working offline and exporting to a stick go on."}
	errDefinition = &fieldsync.Problem{Status: 404, Code: "definition_unknown", Title: "There is no such definition."}
)

// maxNotes bounds the notes of one hello; the rest come once these are settled.
const maxNotes = 500

// maxSaw bounds the server replicas a tablet may name.
const maxSaw = 64

// Hello tells a device what the server has of its replica and what the device should have. It changes nothing but the last
// contact; an unseen replica is registered for the token's account.
func (s *Store) Hello(ctx context.Context, dev fieldsync.Device, req *fieldsync.HelloRequest) (*fieldsync.HelloAnswer, error) {
	if !slices.Contains(req.Proto, fieldsync.Proto) {
		return nil, errProto
	}
	if err := s.LoadAreas(ctx); err != nil {
		return nil, err
	}
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	var h *hello
	greet := func(tx *sql.Tx) error {
		last := int64(-1) // a second greeting tells what the first would have told
		if h != nil && h.replica != nil {
			last = h.last
		}
		h = &hello{s: s, ctx: ctx, tx: tx, dev: dev, req: req, last: last}
		return h.read()
	}
	if err := s.grouped(ctx, 1, greet); err != nil {
		return nil, err
	}
	if h.carried() { // by hand, before this first word of the tablet: now it is decided about
		if err := s.acceptAll(ctx, req.Replica); err != nil {
			return nil, err
		}
		if err := s.grouped(ctx, 1, greet); err != nil {
			return nil, err
		}
	}
	if h.rolledBack != "" && s.mayTurn(dev, h.rolledBack) {
		if err := s.newEpoch(ctx, h.rolledBack); err != nil {
			return nil, err
		}
	}
	return h.answer()
}

// refresh notices that another process restored the store: its identity is then another one.
func (s *Store) refresh(ctx context.Context) error {
	var epoch string
	err := s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'epoch'").Scan(&epoch)
	})
	if err != nil {
		return fmt.Errorf("read the epoch: %w", err)
	}
	if epoch == s.Self().Epoch {
		return nil
	}
	return s.identify(ctx)
}

// hello is what one greeting reads in its transaction.
type hello struct {
	s   *Store
	ctx context.Context
	tx  *sql.Tx
	dev fieldsync.Device
	req *fieldsync.HelloRequest

	replica    *replicaRow
	scopes     []string
	areas      []fieldsync.AreaInfo
	rounds     []string
	notes      []fieldsync.Note
	keys       stickKeys
	last       int64  // when this replica said hello before; decisions made since are told
	rolledBack string // why the store must have been rolled back
}

func (h *hello) read() (err error) {
	if h.replica, err = h.s.registerReplica(h.ctx, h.tx, h.dev, h.req.Replica, ed25519.PublicKey(h.req.Pub)); err != nil {
		return err
	}
	if err := h.fork(); err != nil {
		return err
	}
	if h.scopes, h.areas, h.rounds, err = h.s.belongings(h.ctx, h.tx, h.dev.Account); err != nil {
		return err
	}
	if h.last < 0 {
		if err := h.tx.QueryRowContext(h.ctx, "SELECT hello_at FROM replica WHERE replica = $1", h.replica.id).Scan(&h.last); err != nil {
			return fmt.Errorf("read the last hello: %w", err)
		}
	}
	if h.notes, err = h.s.notesOf(h.ctx, h.tx, h.replica, h.last); err != nil {
		return err
	}
	if h.keys, err = h.s.stickKeys(h.ctx, h.tx); err != nil {
		return err
	}
	if h.rolledBack, err = h.proof(); err != nil {
		return err
	}
	return h.remember()
}

// fork refuses a tablet whose chain is another than the one held here. A tablet that is behind learns what the server has
// and decides by itself.
func (h *hello) fork() error {
	have, seq := h.replica, h.req.Seq
	if seq > have.seq || (seq == 0 && len(h.req.H) == 0) {
		return nil
	}
	want := have.h
	switch {
	case seq == 0:
		want = fieldsync.ChainStart(have.id, have.pub)
	case seq < have.seq:
		var stored []byte
		err := h.tx.QueryRowContext(h.ctx, "SELECT h FROM change WHERE home = $1 AND replica = $2 AND seq = $3", have.home, have.id, int64(seq)).Scan(&stored)
		if err != nil {
			return fmt.Errorf("read change %s:%d: %w", have.id, seq, err)
		}
		want = stored
	}
	if string(want) == string(h.req.H) {
		return nil
	}
	return &fieldsync.Problem{Status: 409, Code: "fork", Title: "The server holds another change under this number.",
		Detail: "Find the last common number, take a new replica id and key, and issue the later changes again.",
		Have:   &fieldsync.Have{Seq: have.seq, H: have.h}}
}

// proof looks for what only a store that was rolled back can meet: a tablet that holds a durable receipt for more than is
// here, or a cursor of this epoch past the head. Each claim of a replica counts once, so that no tablet can turn the
// epoch over and over.
func (h *hello) proof() (string, error) {
	var acked int64
	if err := h.tx.QueryRowContext(h.ctx, "SELECT acked FROM replica WHERE replica = $1", h.replica.id).Scan(&acked); err != nil {
		return "", err
	}
	epoch := h.s.Self().Epoch
	if h.req.Acked > h.replica.seq && h.req.Acked > uint64(acked) && ofEpoch(h.req.Cursors, epoch) {
		return fmt.Sprintf("replica %s has a receipt up to %d, here are %d", h.replica.id, h.req.Acked, h.replica.seq), nil
	}
	for _, scope := range h.scopes {
		cursor, ok := h.req.Cursors[scope]
		if !ok || cursor.Epoch != epoch || cursor.Pos == 0 {
			continue
		}
		var pos int64
		err := h.tx.QueryRowContext(h.ctx, "SELECT pos FROM scope_head WHERE scope = $1", scope).Scan(&pos)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
		if cursor.Pos > uint64(pos) {
			return fmt.Sprintf("a cursor of %s stands at %d, the head at %d", scope, cursor.Pos, pos), nil
		}
	}
	return "", nil
}

// ofEpoch tells whether a tablet may have its receipts from this epoch. After a restore every tablet has one for more than is
// here; its cursors say that it is of the epoch before, and then it proves nothing new.
func ofEpoch(cursors map[string]fieldsync.Cursor, epoch string) bool {
	for _, c := range cursors {
		if c.Epoch == epoch {
			return true
		}
	}
	return len(cursors) == 0
}

// carried tells whether changes of this replica came by hand and wait for it to be accepted, which this hello has done.
func (h *hello) carried() bool {
	return h.replica.state == replicaAccepted && slices.ContainsFunc(h.notes, func(n fieldsync.Note) bool {
		return n.State == StateHeld && n.Why == WhyReplica
	})
}

// remember writes the last contact, the clock's skew, and which board acts the tablet has seen.
func (h *hello) remember() error {
	now := h.s.Now()
	_, err := h.tx.ExecContext(h.ctx, "UPDATE device SET last_contact = $1, clock_skew = $2, app = $3 WHERE id = $4", now, h.req.At-now, cut(h.req.App, maxHW), h.dev.ID)
	if err != nil {
		return fmt.Errorf("store the last contact: %w", err)
	}
	saw := ""
	if len(h.req.Saw) > 0 && len(h.req.Saw) <= maxSaw {
		b, err := json.Marshal(h.req.Saw)
		if err != nil {
			return err
		}
		saw = string(b)
	}
	acked := int64(min(h.req.Acked, 1<<53))
	device := h.dev.ID
	if h.replica.revoked { // another device speaks for it: what it writes stays held until a person releases it
		device = h.replica.device
	}
	_, err = h.tx.ExecContext(h.ctx, `UPDATE replica SET hello_at = $1, device = $2, saw = CASE WHEN $3 = '' THEN saw ELSE $3 END,
		acked = CASE WHEN acked < $4 THEN $4 ELSE acked END, said = $6 WHERE replica = $5`, now, device, saw, acked, h.replica.id, int64(min(h.req.Seq, 1<<53)))
	if err != nil {
		return fmt.Errorf("store the hello: %w", err)
	}
	return nil
}

func (h *hello) answer() (*fieldsync.HelloAnswer, error) {
	me, set := h.s.Self(), h.s.Set()
	a := &fieldsync.HelloAnswer{Proto: fieldsync.Proto, Server: me.Server, Epoch: me.Epoch,
		Have: fieldsync.Have{Seq: h.replica.seq, H: h.replica.h}, Scopes: h.scopes, Areas: h.areas, Rounds: h.rounds, Drop: []string{},
		Limits:         fieldsync.OwnLimits(),
		Questionnaires: sortedKeys(set.Questionnaires), Standards: sortedKeys(set.Standards), Notes: h.notes, Now: h.s.Now(), Recovery: h.keys.recovery, BundleTo: h.keys.to()}
	for scope := range h.req.Cursors {
		if _, granted := slices.BinarySearch(h.scopes, scope); !granted {
			a.Drop = append(a.Drop, scope)
		}
	}
	slices.Sort(a.Drop)
	a.Receipt = h.s.receipt(h.replica)
	return a, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// notesOf are the replica's changes that wait or are malformed, and those that people released or refused since a moment.
func (s *Store) notesOf(ctx context.Context, tx *sql.Tx, r *replicaRow, since int64) (notes []fieldsync.Note, err error) {
	scan := func(rows *sql.Rows) error {
		var seq int64
		var n fieldsync.Note
		err := rows.Scan(&seq, &n.State, &n.Why)
		n.S = uint64(seq)
		notes = append(notes, n)
		return err
	}
	err = eachRow(ctx, tx, `SELECT seq, state, why FROM change WHERE home = $1 AND replica = $2 AND state IN ('held', 'quarantine')
		ORDER BY seq LIMIT $3`, []any{r.home, r.id, maxNotes}, scan)
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, tx, `SELECT seq, CASE outcome WHEN 'released' THEN 'published' ELSE 'refused' END, CASE outcome WHEN 'released' THEN outcome ELSE why END
		FROM decision WHERE home = $1 AND replica = $2 AND at >= $3 ORDER BY seq LIMIT $4`, []any{r.home, r.id, since, maxNotes}, scan)
	slices.SortFunc(notes, func(a, b fieldsync.Note) int { return int(int64(a.S) - int64(b.S)) })
	return notes, err
}

// roundsIn returns the ids of the rounds whose area is one of the scopes, sorted.
func (s *Store) roundsIn(ctx context.Context, tx *sql.Tx, scopes []string) (rounds []string, err error) {
	err = s.each(ctx, tx, "SELECT rec FROM record_scope WHERE kind = 'round' AND scope ", scopes, "", func(rows *sql.Rows) error {
		var rec string
		err := rows.Scan(&rec)
		rounds = append(rounds, rec)
		return err
	})
	slices.Sort(rounds)
	return slices.Compact(rounds), err
}

// Definition returns the published bytes of a questionnaire, a standard or a code list.
func (s *Store) Definition(_ context.Context, _ fieldsync.Device, name string) ([]byte, error) {
	data, err := s.set.Bytes(name)
	if err != nil || len(data) == 0 {
		return nil, errDefinition
	}
	return data, nil
}

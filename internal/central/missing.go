package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Whose feed a gap is in.
const (
	GapServer  = "server"  // acts of the board and imports, made here before a restore
	GapTablet  = "tablet"  // comes when its tablet syncs or a bundle is imported
	GapUnknown = "unknown" // of a replica that is not registered here
)

// How it is known that changes exist which are not here.
const (
	BecauseReceipt = "receipt" // this server once signed for them
	BecauseSaw     = "saw"     // a tablet has seen them
	BecauseParent  = "parent"  // a change that is here names them
)

// Gap is a range of changes that were made and are not here.
type Gap struct {
	Replica, Account string
	Whose            string // GapServer …
	From, To         uint64
	Because          []string // BecauseReceipt …, sorted
	Device           int64    // of a tablet
	LastContact      int64    // of that device, Unix milliseconds
}

// Missing lists what this store can know to be missing: after a restore, what came after the backup. Tablets that sync fill
// their gaps; what is left then is what people have to do again. receipts are files this server once wrote, of any epoch.
func (s *Store) Missing(ctx context.Context, receipts ...[]byte) ([]Gap, error) {
	m := &missing{s: s, ctx: ctx, known: map[string]*known{}, most: map[string]map[string]uint64{}}
	for _, file := range receipts {
		r, err := fieldsync.ReadReceipts(file, s.Self().Server, s.Self().Key.Public().(ed25519.PublicKey))
		if err != nil {
			refusal, err := refusedFile(err)
			if err == nil {
				err = refusal
			}
			return nil, err
		}
		for _, l := range r.Lines {
			m.evidence(l.Receipt.Replica, l.Receipt.Seq, BecauseReceipt)
		}
	}
	if err := s.View(ctx, m.read); err != nil {
		return nil, fmt.Errorf("look for what is missing: %w", err)
	}
	return m.gaps(), nil
}

// missing gathers how far feeds are known to go.
type missing struct {
	s     *Store
	ctx   context.Context
	known map[string]*known
	most  map[string]map[string]uint64 // replica, then because
}

// known is a feed that is here.
type known struct {
	account, state string
	seq            uint64
	device         int64
	contact        int64
}

func (m *missing) evidence(replica string, seq uint64, because string) {
	if !fieldsync.ValidReplica(replica) || seq == 0 || seq >= 1<<53 {
		return
	}
	if m.most[replica] == nil {
		m.most[replica] = map[string]uint64{}
	}
	m.most[replica][because] = max(seq, m.most[replica][because])
}

func (m *missing) read(tx *sql.Tx) error {
	err := eachRow(m.ctx, tx, `SELECT r.replica, r.account, r.state, r.seq, r.device, r.acked, r.saw, coalesce(d.last_contact, 0)
		FROM replica r LEFT JOIN device d ON d.id = r.device`, nil, func(rows *sql.Rows) error {
		var replica, saw string
		var seq, acked int64
		var k known
		if err := rows.Scan(&replica, &k.account, &k.state, &seq, &k.device, &acked, &saw, &k.contact); err != nil {
			return err
		}
		k.seq = uint64(seq)
		m.known[replica] = &k
		if acked > seq {
			m.evidence(replica, uint64(acked), BecauseReceipt)
		}
		seen := map[string]uint64{}
		if saw != "" && json.Unmarshal([]byte(saw), &seen) == nil {
			for other, n := range seen {
				m.evidence(other, n, BecauseSaw)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.readWaiting(tx)
}

// readWaiting finds the parents that changes here have named and that never came.
func (m *missing) readWaiting(tx *sql.Tx) error {
	return eachRow(m.ctx, tx, "SELECT rec, kind, state FROM record", nil, func(rows *sql.Rows) error {
		var rec, kind string
		var state []byte
		if err := rows.Scan(&rec, &kind, &state); err != nil {
			return err
		}
		r, err := fieldsync.RestoreRecord(rec, kind, state, func(d fieldsync.Dot) (*fieldsync.Change, error) { return &fieldsync.Change{Dot: d}, nil })
		if err != nil {
			return err
		}
		for _, d := range r.Waiting() {
			m.evidence(d.Replica, d.Seq, BecauseParent)
		}
		return nil
	})
}

func (m *missing) gaps() []Gap {
	var gaps []Gap
	for replica, most := range m.most {
		k := m.known[replica]
		if k == nil {
			k = &known{}
		}
		g := Gap{Replica: replica, Account: k.account, Whose: GapTablet, From: k.seq + 1, Device: k.device, LastContact: k.contact}
		for _, because := range sortedKeys(most) {
			if most[because] > k.seq {
				g.To, g.Because = max(g.To, most[because]), append(g.Because, because)
			}
		}
		if g.To == 0 {
			continue
		}
		switch k.state {
		case replicaServer:
			g.Whose = GapServer
		case "":
			g.Whose = GapUnknown
		}
		gaps = append(gaps, g)
	}
	slices.SortFunc(gaps, func(a, b Gap) int {
		return fieldsync.Dot{Replica: a.Whose + a.Account + a.Replica, Seq: a.From}.Compare(fieldsync.Dot{Replica: b.Whose + b.Account + b.Replica, Seq: b.From})
	})
	return gaps
}

package central

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// Custody is where the work on households is, as far as the server can know: a tablet that is silent may hold more, and nobody
// but the tablet can say how much.
type Custody struct {
	Households []HouseholdCustody  // by village and code
	Holders    map[string][]Holder // by village: the devices that have, or had, its households
}

// HouseholdCustody is one household.
type HouseholdCustody struct {
	Household, Village, Code, Name string
	Received                       int64  // when the last change of it or its interviews arrived here, Unix milliseconds
	Replica, Account               string // whose change that was; Account "" is the office
	Device                         int64  // 0: the office, or it came by hand
	Held                           int    // changes of it that wait for a person
}

// Holder is a device that was given a village.
type Holder struct {
	Device                 int64
	Account, Name, HW      string
	LastContact, RevokedAt int64 // Unix milliseconds; 0 never
	Granted                bool  // the account has the village now
	Unsent                 uint64
	UnsentSince            int64 // when it last said that it has these Unsent changes, which have not come; 0 with none
	LastPush               int64 // when its last change arrived, by wire or by hand
}

// CustodyFilter chooses what is looked at.
type CustodyFilter struct {
	Area      string // a village, or an area above; its villages are looked at
	Household string // only this one
}

// Custody tells for each household which devices have it, when and from whom the last of it came, and for each device when it was
// last heard and what it said it had not sent.
func (s *Store) Custody(ctx context.Context, f CustodyFilter) (*Custody, error) {
	if err := s.LoadAreas(ctx); err != nil {
		return nil, err
	}
	c := &custody{s: s, ctx: ctx, f: f, out: Custody{Holders: map[string][]Holder{}}}
	villages, err := s.villagesOf(f.Area)
	if err != nil {
		return nil, err
	}
	err = s.View(ctx, func(tx *sql.Tx) error {
		c.tx = tx
		if err := c.readHeld(); err != nil {
			return err
		}
		for _, v := range villages {
			if err := c.village(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look where the work is: %w", err)
	}
	return &c.out, nil
}

// villagesOf are the villages of an area; a village is its own.
func (s *Store) villagesOf(area string) ([]string, error) {
	p := s.places.Load()
	a, ok := p.any(area)
	if !ok {
		return nil, refuse("area_unknown", fmt.Sprintf("Không có địa bàn %q. Mã thôn như 01969-01, mã xã như 01969.", area), fmt.Sprintf("There is no area %q. Codes are like 01969-01 of a village, 01969 of a commune.", area))
	}
	if a.Level == schema.LevelVillage {
		return []string{area}, nil
	}
	var villages []string
	for _, b := range p.below(area) {
		if b.Level == schema.LevelVillage {
			villages = append(villages, b.Code)
		}
	}
	slices.Sort(villages)
	return villages, nil
}

// custody gathers one answer.
type custody struct {
	s    *Store
	ctx  context.Context
	tx   *sql.Tx
	f    CustodyFilter
	out  Custody
	held map[string]int // by record
}

func (c *custody) readHeld() error {
	c.held = map[string]int{}
	return eachRow(c.ctx, c.tx, "SELECT rec, count(*) FROM change WHERE state = 'held' GROUP BY rec", nil, func(rows *sql.Rows) error {
		var rec string
		var n int
		err := rows.Scan(&rec, &n)
		c.held[rec] = n
		return err
	})
}

func (c *custody) village(village string) error {
	households, err := c.households(village)
	if err != nil || len(households) == 0 && c.f.Household != "" {
		return err
	}
	if err := c.lastOf(village, households); err != nil {
		return err
	}
	list := make([]*HouseholdCustody, 0, len(households))
	for _, h := range households {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b *HouseholdCustody) int {
		return strings.Compare(a.Code+" "+a.Household, b.Code+" "+b.Household)
	})
	for _, h := range list {
		c.out.Households = append(c.out.Households, *h)
	}
	holders, err := c.holders(village)
	if len(holders) > 0 {
		c.out.Holders[village] = holders
	}
	return err
}

func (c *custody) households(village string) (map[string]*HouseholdCustody, error) {
	households := map[string]*HouseholdCustody{}
	err := eachRow(c.ctx, c.tx, `SELECT r.rec, r.view FROM record_scope p JOIN record r ON r.rec = p.rec
		WHERE p.scope = $1 AND p.kind = 'household' AND (p.rec = $2 OR $2 = '')`, []any{village, c.f.Household}, func(rows *sql.Rows) error {
		h := &HouseholdCustody{Village: village}
		var text string
		var view View
		if err := rows.Scan(&h.Household, &text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &view); err != nil {
			return err
		}
		h.Code, h.Name, h.Held = view.Code, view.Name, c.held[h.Household]
		households[h.Household] = h
		return nil
	})
	return households, err
}

// lastOf finds the last change of each household and its interviews by the village's feed, which is in the order of arrival.
func (c *custody) lastOf(village string, households map[string]*HouseholdCustody) error {
	return eachRow(c.ctx, c.tx, `SELECT r.rec, r.kind, r.household, r.view, f.replica, c.recv_at, coalesce(p.account, ''), coalesce(p.device, 0)
		FROM (SELECT rec, max(pos) AS pos FROM feed WHERE scope = $1 AND what = 'c' GROUP BY rec) l
		JOIN feed f ON f.scope = $1 AND f.pos = l.pos
		JOIN change c ON c.home = f.home AND c.replica = f.replica AND c.seq = f.seq
		JOIN record r ON r.rec = f.rec
		LEFT JOIN replica p ON p.replica = f.replica`, []any{village}, func(rows *sql.Rows) error {
		var rec, kind, household, text, replica, account string
		var at, device int64
		if err := rows.Scan(&rec, &kind, &household, &text, &replica, &at, &account, &device); err != nil {
			return err
		}
		id := household
		if kind == schema.KindHousehold {
			id = rec
		}
		h := households[id]
		if h == nil {
			return nil
		}
		if at >= h.Received {
			h.Received, h.Replica, h.Account, h.Device = at, replica, account, device
		}
		var view View
		if kind == schema.KindInterview && json.Unmarshal([]byte(text), &view) == nil {
			if h.Held += c.held[rec]; view.Name != "" {
				h.Name = view.Name
			}
		}
		return nil
	})
}

// holders are the devices of the accounts that have, or had, the village, the one heard last first.
func (c *custody) holders(village string) ([]Holder, error) {
	cond, args := c.s.eng.in(1, c.s.places.Load().unitPath(village))
	byDevice := map[int64]*Holder{}
	err := eachRow(c.ctx, c.tx, `SELECT d.id, d.account, a.name, d.hw, d.last_contact, d.revoked_at, g.how
		FROM area_grant g JOIN account a ON a.account = g.account JOIN device d ON d.account = g.account WHERE g.area `+cond, args, func(rows *sql.Rows) error {
		var h Holder
		var how string
		if err := rows.Scan(&h.Device, &h.Account, &h.Name, &h.HW, &h.LastContact, &h.RevokedAt, &how); err != nil {
			return err
		}
		if byDevice[h.Device] == nil {
			byDevice[h.Device] = &h
		}
		byDevice[h.Device].Granted = byDevice[h.Device].Granted || how == ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = eachRow(c.ctx, c.tx, "SELECT device, seq, said, hello_at, last_push FROM replica WHERE device <> 0 AND state = 'accepted'", nil, func(rows *sql.Rows) error {
		var device, seq, said, hello, push int64
		if err := rows.Scan(&device, &seq, &said, &hello, &push); err != nil {
			return err
		}
		h := byDevice[device]
		if h == nil {
			return nil
		}
		h.LastPush = max(h.LastPush, push)
		if said > seq {
			h.Unsent += uint64(said - seq)
			if h.UnsentSince == 0 || hello < h.UnsentSince {
				h.UnsentSince = hello
			}
		}
		return nil
	})
	holders := make([]Holder, 0, len(byDevice))
	for _, h := range byDevice {
		holders = append(holders, *h)
	}
	slices.SortFunc(holders, func(a, b Holder) int {
		if a.LastContact != b.LastContact {
			return int(b.LastContact - a.LastContact)
		}
		return int(a.Device - b.Device)
	})
	return holders, err
}

package tablet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// account is who this tablet works for and which server knows it.
type account struct {
	Server    string        `json:"server"` // "" before enrolment
	Bases     []string      `json:"bases"`  // addresses of the server, the one that answered last first
	Token     string        `json:"token"`
	Account   string        `json:"account"`
	Name      string        `json:"name"`
	Role      string        `json:"role"`
	ServerKey fieldsync.B64 `json:"server_key"`
	Epoch     string        `json:"epoch"`
	Scopes    []string      `json:"scopes"`
	Rounds    []string      `json:"rounds"`
	Recovery  string        `json:"recovery,omitempty"`
	BundleTo  []string      `json:"bundle_to,omitempty"`
	TLSPin    string        `json:"tls_pin,omitempty"`
	Skew      int64         `json:"skew"` // server's clock less this tablet's at the last contact, milliseconds
	Contact   int64         `json:"contact"`
}

// Identity is who the tablet works for, as screens show it.
type Identity struct {
	Enrolled bool
	Account  string
	Name     string
	Role     string
	Server   string
	Base     string
	Bases    []string
	Replica  string
	Scopes   []string
	Recovery string   // age recipient of the rescue file
	BundleTo []string // age recipients of bundles
	TLSPin   string
	Skew     int64 // server's clock less this tablet's, milliseconds
	Contact  int64 // last contact, Unix milliseconds; 0 never
}

// Identity returns who the tablet works for.
func (s *Store) Identity() Identity {
	s.lock()
	defer s.unlock()
	id := Identity{Enrolled: s.me.Server != "", Account: s.me.Account, Name: s.me.Name, Role: s.me.Role, Server: s.me.Server,
		Bases: slices.Clone(s.me.Bases), Replica: s.current().replica, Scopes: slices.Clone(s.me.Scopes),
		Recovery: s.me.Recovery, BundleTo: slices.Clone(s.me.BundleTo), TLSPin: s.me.TLSPin, Skew: s.me.Skew, Contact: s.me.Contact}
	if len(id.Bases) > 0 {
		id.Base = id.Bases[0]
	}
	return id
}

// SetBase puts another address of the same server first: the commune's address changed, or a relay is nearer.
func (s *Store) SetBase(ctx context.Context, base string) error {
	s.lock()
	defer s.unlock()
	me := s.me
	me.Bases = frontOf(base, me.Bases)
	return saving(s.write(ctx, func(t *tx) error { return s.putAccount(t, me) }))
}

func frontOf(base string, bases []string) []string {
	base = strings.TrimRight(strings.TrimSpace(base), "/")
	out := []string{base}
	for _, b := range bases {
		if b != base {
			out = append(out, b)
		}
	}
	return out[:min(len(out), 8)]
}

// enrolled stores the answer.
func (s *Store) enrolled(ctx context.Context, base string, answer *fieldsync.EnrolAnswer) error {
	s.lock()
	defer s.unlock()
	other := s.me.Server != "" && (s.me.Server != answer.Server || s.me.Account != answer.Account)
	if other && s.unsent() > 0 {
		return problem("other_account", "", "account", s.me.Account)
	}
	me := account{Server: answer.Server, Bases: []string{base}, Token: answer.Token, Account: answer.Account, Name: answer.Name,
		Role: answer.Role, ServerKey: answer.ServerKey, Scopes: answer.Scopes, Rounds: answer.Rounds, Recovery: answer.Recovery,
		BundleTo: answer.BundleTo, TLSPin: answer.TLSPin, Epoch: ""}
	if s.me.Server == answer.Server {
		me.Bases, me.Epoch = frontOf(base, s.me.Bases), s.me.Epoch
	}
	if answer.Now > 0 {
		me.Contact = s.now().UnixMilli()
		me.Skew = answer.Now - me.Contact
	}
	err := s.write(ctx, func(t *tx) error {
		if other && s.current().last > 0 {
			if err := s.newFeed(t); err != nil {
				return err
			}
		}
		if err := s.putAreas(t, answer.Areas); err != nil {
			return err
		}
		return s.putAccount(t, me)
	})
	if err != nil {
		return saving(err)
	}
	if err := s.readFeeds(ctx); err != nil {
		return err
	}
	s.events = append(s.events, Event{Kind: EventSync})
	return s.loadAreas(ctx)
}

func (s *Store) putAccount(t *tx, me account) error {
	body, err := s.sealJSON("server/"+me.Server, me)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO server (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body`, me.Server, body); err != nil {
		return fmt.Errorf("store account: %w", err)
	}
	t.then(func() { s.me = me })
	return s.putMeta(t, "server", me.Server)
}

func (s *Store) loadAccount(ctx context.Context) error {
	var server string
	if ok, err := s.getMeta(ctx, s.db, "server", &server); err != nil || !ok {
		return err
	}
	var body []byte
	if err := s.db.QueryRowContext(ctx, `SELECT body FROM server WHERE id = ?`, server).Scan(&body); err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	return s.openJSON("server/"+server, body, &s.me)
}

// loadAreas reads the villages the server named beside the areas every tablet knows.
func (s *Store) loadAreas(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT code, body FROM area ORDER BY code, valid_from`)
	if err != nil {
		return fmt.Errorf("read areas: %w", err)
	}
	defer rows.Close()
	var extra []schema.Area
	s.areaNames = map[string]schema.Area{}
	for rows.Next() {
		var code string
		var body []byte
		var a schema.Area
		if err := rows.Scan(&code, &body); err != nil {
			return fmt.Errorf("read areas: %w", err)
		}
		if err := s.openJSON("area/"+code, body, &a); err != nil {
			return fmt.Errorf("read areas: %w", err)
		}
		s.areaNames[code] = a
		if a.Level == schema.LevelVillage {
			extra = append(extra, a)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read areas: %w", err)
	}
	if s.set.Areas == nil || len(extra) == 0 {
		return nil
	}
	with, err := s.set.Areas.With(extra)
	if err != nil {
		s.log.Warn("tablet: villages not placed in the area table", "error", err)
		return nil
	}
	s.areas = with
	return nil
}

func (s *Store) putAreas(t *tx, areas []fieldsync.AreaInfo) error {
	for _, a := range areas {
		area := schema.Area{Code: a.Code, Level: a.Level, Name: a.Name, UnitType: a.UnitType, Parent: a.Parent,
			ValidFrom: a.ValidFrom, ValidTo: a.ValidTo}
		body, err := s.sealJSON("area/"+a.Code, area)
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO area (code, valid_from, body) VALUES (?, ?, ?)
			ON CONFLICT (code, valid_from) DO UPDATE SET body = excluded.body`, a.Code, a.ValidFrom, body); err != nil {
			return fmt.Errorf("store areas: %w", err)
		}
	}
	return nil
}

// AreaName is the name of an area, or its code when the tablet does not know it.
func (s *Store) AreaName(code string) string {
	s.lock()
	defer s.unlock()
	return s.areaName(code)
}

func (s *Store) areaName(code string) string {
	if a, ok := s.areaNames[code]; ok && a.Name != "" {
		return a.Name
	}
	if s.areas != nil {
		if a, ok := s.areas.At(code, ""); ok {
			return a.Name
		}
	}
	return code
}

// Round is one review: its standard, its questionnaire and its time.
type Round struct {
	ID            string
	Name          string
	Kind          string // periodic, regular
	Standard      string
	Questionnaire string
	From, To      string // YYYY-MM-DD
	Area          string
}

// loadRounds reads the rounds from their records.
func (s *Store) loadRounds(ctx context.Context) error {
	if _, err := s.getMeta(ctx, s.db, "round", &s.round); err != nil {
		return err
	}
	rows, err := s.db.QueryContext(ctx, `SELECT rec FROM record WHERE kind = 'round'`)
	if err != nil {
		return fmt.Errorf("read rounds: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("read rounds: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rounds: %w", err)
	}
	rows.Close()
	found := map[string]Round{}
	for _, id := range ids {
		rec, err := s.shown(ctx, s.db, id)
		if err != nil {
			return err
		}
		found[id] = s.roundOf(rec)
	}
	s.rounds = found
	return nil
}

func (s *Store) roundOf(rec *fieldsync.Record) Round {
	r := Round{ID: rec.ID, Name: textOf(rec, "name"), Kind: textOf(rec, "kind"), Standard: textOf(rec, "standard"),
		Questionnaire: textOf(rec, "questionnaire"), From: textOf(rec, "from"), To: textOf(rec, "to"), Area: textOf(rec, "area")}
	if r.Questionnaire == "" { // a round that has only just been opened: the newest questionnaire this program has
		for name := range s.set.Questionnaires {
			r.Questionnaire = max(r.Questionnaire, name)
		}
	}
	return r
}

// Rounds lists the rounds known, newest first.
func (s *Store) Rounds() []Round {
	s.lock()
	defer s.unlock()
	return s.sortedRounds()
}

func (s *Store) sortedRounds() []Round {
	out := make([]Round, 0, len(s.rounds))
	for _, r := range s.rounds {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Round) int {
		if c := strings.Compare(b.From, a.From); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return out
}

// Round is the round worked in: the one chosen, else the newest known; the zero Round when there is none.
func (s *Store) Round() Round {
	s.lock()
	defer s.unlock()
	return s.roundNow()
}

func (s *Store) roundNow() Round {
	if r, ok := s.rounds[s.round]; ok {
		return r
	}
	if all := s.sortedRounds(); len(all) > 0 {
		return all[0]
	}
	return Round{}
}

// SetRound chooses the round the list and the villages are shown for.
func (s *Store) SetRound(ctx context.Context, id string) error {
	s.lock()
	defer s.unlock()
	if _, ok := s.rounds[id]; !ok {
		return problem("no_round", "")
	}
	if err := s.write(ctx, func(t *tx) error { return s.putMeta(t, "round", id) }); err != nil {
		return saving(err)
	}
	s.round = id
	s.list.rebuild(s.roundNow(), s.roundDays())
	s.events = append(s.events, Event{Kind: EventList})
	return nil
}

// Questionnaire is that of the round worked in; nil when there is none.
func (s *Store) Questionnaire() *schema.Questionnaire {
	s.lock()
	defer s.unlock()
	return s.set.Questionnaires[s.roundNow().Questionnaire]
}

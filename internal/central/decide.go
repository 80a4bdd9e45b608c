package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// What becomes of a change. Whatever it is, the bytes are durable and the feed goes on behind it.
const (
	StatePublished  = "published"
	StateFlagged    = "flagged"    // published, with an issue for the board
	StateHeld       = "held"       // in no feed and no total until a person releases or refuses it
	StateQuarantine = "quarantine" // a line that is no change; counts as empty
	StateRefused    = "refused"    // was held; its dot is published, its values are not
	StateErased     = "erased"     // its values are gone by the law on personal data
)

// Why a change is held.
const (
	WhyReplica       = "replica"       // nobody has accepted the replica yet
	WhyScope         = "scope"         // the author was never granted the household's villages
	WhyRevoked       = "revoked"       // the author's grant, or the device, was revoked
	WhyAuthor        = "author"        // another account than the replica's
	WhyRole          = "role"          // a role the account has not, or a unit the role may not write
	WhyKind          = "kind"          // an unknown kind of record
	WhyQuestionnaire = "questionnaire" // an unknown questionnaire
	WhyFork          = "fork"          // the second branch of a feed
)

// Why a change is published with a flag, and the codes of the issues filed for it.
const (
	WhyType    = "type"    // a value no reader can take: it counts as unknown
	WhyReason  = "reason"  // a decision, a deletion or a removal without its reason
	WhyVillage = "village" // the household's village is in no area table

	issueVillage = "village_unknown"
)

// issueOf is the code of the issue a flag files.
func issueOf(why string) string {
	if why == WhyVillage {
		return issueVillage
	}
	return why
}

// States of a replica.
const (
	replicaAccepted   = "accepted"
	replicaUnaccepted = "unaccepted"
	replicaFork       = "fork"
	replicaServer     = "server"
)

// replicaRow is one row of the table replica.
type replicaRow struct {
	id, home, account, state, forkOf string
	pub                              ed25519.PublicKey
	seq, forkAt                      uint64
	h                                fieldsync.B64
	device                           int64
	revoked                          bool // its device was revoked: what comes late, by hand, is held
}

const replicaColumns = `replica, home, account, state, fork_of, pub, seq, fork_at, h, device,
	(SELECT count(*) FROM device WHERE device.id = replica.device AND device.revoked_at <> 0)`

func readReplica(ctx context.Context, tx *sql.Tx, id string) (*replicaRow, error) {
	return scanReplica(tx.QueryRowContext(ctx, "SELECT "+replicaColumns+" FROM replica WHERE replica = $1", id))
}

func scanReplica(row interface{ Scan(...any) error }) (*replicaRow, error) {
	var r replicaRow
	var pub, h []byte
	var seq, forkAt, revoked int64
	err := row.Scan(&r.id, &r.home, &r.account, &r.state, &r.forkOf, &pub, &seq, &forkAt, &h, &r.device, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &fieldsync.Problem{Status: 403, Code: "replica", Title: "This replica is not registered here.",
			Detail: "Say hello first: a valid token registers its replica."}
	}
	r.pub, r.h, r.seq, r.forkAt, r.revoked = pub, h, uint64(seq), uint64(forkAt), revoked != 0
	return &r, err
}

// author is what the server knows of a replica's account when it decides.
type author struct {
	account, role string
	grants        []grant
}

// grant is one row of the table area_grant.
type grant struct {
	area, how string // how: "" while it lasts, "ended", "revoked"
}

func readAuthor(ctx context.Context, tx *sql.Tx, account string) (*author, error) {
	a := &author{account: account}
	err := tx.QueryRowContext(ctx, "SELECT role FROM account WHERE account = $1", account).Scan(&a.role)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read account: %w", err)
	}
	err = eachRow(ctx, tx, "SELECT area, how FROM area_grant WHERE account = $1", []any{account}, func(rows *sql.Rows) error {
		var g grant
		err := rows.Scan(&g.area, &g.how)
		a.grants = append(a.grants, g)
		return err
	})
	return a, err
}

// fate decides about a change from what the change, its replica and its author are, before any record is looked at.
func (s *Store) fate(rep *replicaRow, by *author, c *fieldsync.Change) (state, why string) {
	switch rep.state {
	case replicaUnaccepted:
		return StateHeld, WhyReplica
	case replicaFork:
		return StateHeld, WhyFork
	}
	if rep.revoked {
		return StateHeld, WhyRevoked
	}
	q := s.set.Questionnaires[c.Form]
	if q == nil {
		return StateHeld, WhyQuestionnaire
	}
	if q.Kinds[c.Kind] == nil {
		return StateHeld, WhyKind
	}
	if rep.state == replicaServer {
		return StatePublished, "" // Author has asked for the permission
	}
	if c.Account != by.account || by.role == "" {
		return StateHeld, WhyAuthor
	}
	if c.Role != by.role {
		return StateHeld, WhyRole
	}
	return fateOfWrites(q, c)
}

// allowed decides by the author's grants whether work in these areas is published: the author is, or was, granted one of
// them. A grant that was ended lets late work in; one that was revoked holds it.
func (p *places) allowed(by *author, areas []string) (ok bool, why string) {
	why = WhyScope
	for _, area := range areas {
		area = strings.TrimSuffix(area, boardSuffix)
		for _, g := range by.grants {
			if !p.covers(g.area, area) {
				continue
			}
			if g.how != "revoked" {
				return true, ""
			}
			why = WhyRevoked
		}
	}
	return false, why
}

// boardSuffix marks the scope of a commune that only its board, chairman, and those above pull: complaints, requests.
const boardSuffix = "!board"

// reads tells whether an account may pull a scope: a village it is granted, by itself or by an area above it, and every
// area above what it is granted. A board's scope is for boards.
func (p *places) reads(by *author, scope string) bool {
	area, board := strings.CutSuffix(scope, boardSuffix)
	if board && !boardRole(by.role) {
		return false
	}
	for _, g := range by.grants {
		switch {
		case g.how != "":
		case board:
			if p.readsBoard(g.area, area) {
				return true
			}
		case p.covers(g.area, area) || slices.Contains(p.scopesOf(g.area, false), area):
			return true
		}
	}
	return false
}

func boardRole(role string) bool {
	return role == "board" || role == "chairman" || role == "district" || role == "admin"
}

// Scopes returns the scopes an account pulls, sorted: what its grants cover, every area above, and for boards the boards'
// scopes. An area far above (a province) gives all its villages.
func (s *Store) Scopes(ctx context.Context, tx *sql.Tx, account string) ([]string, error) {
	by, err := readAuthor(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	p := s.places.Load()
	var scopes []string
	for _, g := range by.grants {
		if g.how != "" {
			continue
		}
		scopes = append(scopes, p.scopesOf(g.area, boardRole(by.role))...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Bounds of a pull's answer before compression.
const (
	defaultPull = 256 << 10
	maxPull     = 4 << 20
	pullRows    = 500 // feed lines read in one go
)

// errRolledBack: a client has read more of this epoch than there is.
var errRolledBack = errors.New("a cursor of this epoch lies past the head")

// Pull gives what came after the cursors, scope by scope, in one snapshot of the store: at least one line where there is one,
// and with the last line the fingerprints of exactly what the cursors now stand for.
func (s *Store) Pull(ctx context.Context, dev fieldsync.Device, req *fieldsync.PullRequest, emit func(*fieldsync.PullLine) error) error {
	p := &pull{s: s, req: req, left: req.Max, end: map[string]fieldsync.Cursor{}, prints: map[string]fieldsync.Print{}}
	if p.left <= 0 {
		p.left = defaultPull
	}
	p.left = max(1, min(p.left, maxPull)-endBytes*len(req.Cursors))
	err := s.View(ctx, func(tx *sql.Tx) error { return p.read(ctx, tx, dev) })
	if errors.Is(err, errRolledBack) {
		if !s.mayTurn(dev, err.Error()) {
			return errTurns
		}
		if err := s.newEpoch(ctx, err.Error()); err != nil {
			return err
		}
		return epochProblem(s.Self().Epoch)
	}
	if err != nil {
		return err
	}
	// The transaction is over before the first byte goes out: a slow client must not keep the log of SQLite from being
	// written back, nor old rows of PostgreSQL from being cleaned.
	for _, l := range p.lines {
		if err := emit(l); err != nil {
			return err
		}
	}
	end := &fieldsync.PullEnd{End: p.end, More: p.more}
	if !p.more {
		end.FP = p.prints
	}
	return emit(&fieldsync.PullLine{End: end})
}

func epochProblem(epoch string) *fieldsync.Problem {
	return &fieldsync.Problem{Status: 409, Code: "epoch", Title: "The cursor is of another epoch of this server.",
		Detail: "The epoch is now " + epoch + ": push what the server lacks and start again from a snapshot."}
}

func scopeProblem(scope string) *fieldsync.Problem {
	return &fieldsync.Problem{Status: 403, Code: "scope", Title: "This account may not read a scope it asked for.", Detail: "scope " + scope}
}

// pull is one answer being put together.
type pull struct {
	s       *Store
	req     *fieldsync.PullRequest
	left    int // bytes
	lines   []*fieldsync.PullLine
	end     map[string]fieldsync.Cursor
	prints  map[string]fieldsync.Print
	more    bool
	origins map[string]origin
}

func (p *pull) read(ctx context.Context, tx *sql.Tx, dev fieldsync.Device) error {
	if err := p.s.loadAreas(ctx, tx); err != nil {
		return err
	}
	epoch, err := p.s.epochNow(ctx, tx)
	if err != nil {
		return err
	}
	by, err := readAuthor(ctx, tx, dev.Account)
	if err != nil {
		return err
	}
	places := p.s.places.Load()
	scopes := slices.Sorted(maps.Keys(p.req.Cursors))
	for _, scope := range scopes {
		if !places.reads(by, scope) {
			return scopeProblem(scope)
		}
		if p.req.Cursors[scope].Epoch != epoch {
			return epochProblem(epoch)
		}
	}
	if p.origins, err = p.s.forks(ctx, tx); err != nil {
		return err
	}
	for _, scope := range scopes {
		if err := p.scope(ctx, tx, epoch, scope); err != nil {
			return fmt.Errorf("pull %s: %w", scope, err)
		}
	}
	return nil
}

// epochNow reads the epoch in the snapshot: another process may have changed it.
func (s *Store) epochNow(ctx context.Context, tx *sql.Tx) (epoch string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'epoch'").Scan(&epoch)
	return epoch, err
}

func (s *Store) head(ctx context.Context, tx *sql.Tx, scope string) (uint64, fieldsync.Fingerprint, error) {
	var pos, count int64
	var sum []byte
	err := tx.QueryRowContext(ctx, "SELECT pos, fp_count, fp_sum FROM scope_head WHERE scope = $1", scope).Scan(&pos, &count, &sum)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fieldsync.Fingerprint{}, nil
	}
	return uint64(pos), fingerprint(count, sum), err
}

// scope reads one scope's feed until it ends or the bytes are used up.
func (p *pull) scope(ctx context.Context, tx *sql.Tx, epoch, scope string) error {
	at := p.req.Cursors[scope].Pos
	head, fp, err := p.s.head(ctx, tx, scope)
	if err != nil {
		return err
	}
	if at > head {
		return errRolledBack
	}
	p.prints[scope] = fieldsync.Print(fp)
	for at < head && p.left > 0 {
		read, err := p.piece(ctx, tx, scope, at)
		if err != nil {
			return err
		}
		at = read
	}
	p.more = p.more || at < head
	p.end[scope] = fieldsync.Cursor{Epoch: epoch, Pos: at}
	return nil
}

// piece reads some lines behind a position and returns the position read to. Lines of records that have left the scope are
// left out, and so are those from before a record came back: it came back with all its changes.
func (p *pull) piece(ctx context.Context, tx *sql.Tx, scope string, at uint64) (uint64, error) {
	err := eachRow(ctx, tx, `SELECT f.pos, f.what, f.rec, f.replica, f.seq, s.since, c.state, c.bytes FROM feed f
		LEFT JOIN record_scope s ON s.scope = f.scope AND s.rec = f.rec
		LEFT JOIN change c ON c.home = f.home AND c.replica = f.replica AND c.seq = f.seq
		WHERE f.scope = $1 AND f.pos > $2 ORDER BY f.pos LIMIT $3`, []any{scope, int64(at), pullRows}, func(rows *sql.Rows) error {
		if p.left <= 0 {
			return nil // the rest of these rows is for the next pull
		}
		var f struct {
			pos, seq           int64
			what, rec, replica string
			since              sql.NullInt64
			state              sql.NullString
			bytes              []byte
		}
		if err := rows.Scan(&f.pos, &f.what, &f.rec, &f.replica, &f.seq, &f.since, &f.state, &f.bytes); err != nil {
			return err
		}
		pos := uint64(f.pos)
		l := &fieldsync.PullLine{C: &fieldsync.Position{Scope: scope, Pos: pos}}
		switch {
		case f.what == lineGone:
			if f.since.Valid {
				at = pos
				return nil
			}
			l.Gone = f.rec
		case f.what == lineErase:
			l.Erase = []string{fieldsync.Dot{Replica: f.replica, Seq: uint64(f.seq)}.String()}
		case !f.since.Valid || f.pos < f.since.Int64:
			at = pos
			return nil
		case !f.state.Valid:
			return fmt.Errorf("the log has no change %s:%d", f.replica, f.seq)
		default:
			if err := p.change(l, f.replica, uint64(f.seq), f.state.String, f.bytes); err != nil {
				return err
			}
		}
		n := lineBytes(l)
		if n > p.left && len(p.lines) > 0 { // the next pull begins with it
			p.left = 0
			return nil
		}
		p.lines, at = append(p.lines, l), pos
		p.left -= n
		return nil
	})
	return at, err
}

// change fills in a change's line; the asker's own come without their bytes, refused ones as a state that has seen them.
func (p *pull) change(l *fieldsync.PullLine, replica string, seq uint64, state string, bytes []byte) error {
	if o := p.origins[replica]; state == StateRefused || o.forkOf != "" {
		st, err := fragment(o, replica, bytes, state)
		l.State = st
		return err
	}
	l.Replica, l.S = replica, seq
	if replica == p.req.Replica && state != StateErased {
		l.Own = true
		return nil
	}
	l.B = bytes
	return nil
}

// fragment is one change as a state, for what cannot travel as its bytes. A refused change has its dot seen and holds none of
// its values, so that nothing waits for it for ever and nothing it wrote is shown; a released change of a second branch has
// its parents under the branch's name. Joined to what a node has, it does what the change would do.
func fragment(o origin, replica string, bytes []byte, state string) (*fieldsync.State, error) {
	c, err := o.decode(replica, bytes)
	if err != nil {
		return nil, err
	}
	if state == StateRefused {
		c = withoutWrites(c)
	}
	r := fieldsync.NewRecord(c.Record, c.Kind)
	r.Apply(c)
	st := r.State(c.Scope)
	return &st, nil
}

// forks returns the second branches there are; few, if any.
func (s *Store) forks(ctx context.Context, tx *sql.Tx) (map[string]origin, error) {
	var ids []string
	err := eachRow(ctx, tx, "SELECT replica FROM replica WHERE state = 'fork'", nil, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.originsOf(ctx, tx, ids)
}

func withoutWrites(c *fieldsync.Change) *fieldsync.Change {
	bare := *c
	bare.Writes = nil
	return &bare
}

// lineBytes is what a line takes at most before compression.
func lineBytes(l *fieldsync.PullLine) int {
	if l.State != nil {
		return len(l.Append(nil)) + 1
	}
	return 112 + len(l.C.Scope) + len(l.B) + len(l.Gone)
}

// endBytes is what the last line takes at most for each scope.
const endBytes = 144

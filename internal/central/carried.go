package central

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// A device may carry the feed of another one that was never heard of here. Its chain holds, its key is unknown: it is kept
// apart, held, in no have. When the replica's key comes, by its own hello or in a part of a bundle, the signatures that came
// with the feed are checked, and what none of them vouches for is put aside.

// keyless tells whether the replica's feed was carried here before its key was known.
func (r *replicaRow) keyless() bool { return r.state == replicaUnaccepted && len(r.pub) == 0 }

// errNoKey: a person wants to accept a feed of which nobody can say whether it is the replica's.
var errNoKey = refuse("replica_no_key",
	"Chưa biết khóa của bản cài này nên chưa kiểm được chữ ký. Cho chính máy đó kết nối máy chủ một lần, hoặc nhập tệp máy đó xuất ra thẻ nhớ.",
	"The key of this replica is not known, so its signature cannot be checked. Let the tablet itself meet the server once, or import a file it exported to a stick.")

var errTooManyCarried = &fieldsync.Problem{Status: 403, Code: "replica", Title: "Too many replicas wait to be accepted here.",
	Detail: "Quá nhiều bản cài chưa được chấp nhận. Let the tablets themselves say hello."}

// meetUnseen notes the replica of a segment whose key is not known, or finds it noted already.
func (s *Store) meetUnseen(ctx context.Context, dev fieldsync.Device, seg *fieldsync.Segment) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		rep, err := readReplica(ctx, tx, seg.Replica)
		if err == nil && !rep.keyless() { // its hello came in between: now the signature can be checked
			return &fieldsync.Problem{Status: 503, Code: fieldsync.CodeInternal, Title: "The replica was registered a moment ago.", Detail: "Send the piece again."}
		}
		if err == nil || !errors.As(err, new(*fieldsync.Problem)) {
			return err
		}
		if seg.From != 1 {
			return &fieldsync.Problem{Status: 409, Code: fieldsync.CodeGap, Title: "Changes before these have not arrived.", Detail: "Send from number 1.", Have: &fieldsync.Have{}}
		}
		err = s.addUnaccepted(ctx, tx, seg.Replica, dev.Account, nil, seg.Prev)
		if refused, storeErr := refusedFile(err); refused != nil {
			return errTooManyCarried
		} else if storeErr != nil {
			return storeErr
		}
		return s.audit(ctx, tx, AuditEntry{Actor: dev.Account, Device: dev.ID, Act: "replica.carried", Object: seg.Replica})
	})
}

// prove gives a carried feed its key: the last signature that holds vouches for all before it. What lies behind is put aside
// as a branch of its own, so that a forged feed never stands in an honest tablet's way.
func (s *Store) prove(ctx context.Context, tx *sql.Tx, r *replicaRow, pub ed25519.PublicKey) (*replicaRow, error) {
	proven, h, err := s.provenTo(ctx, tx, r, pub)
	if err != nil {
		return nil, err
	}
	if proven < r.seq {
		if err := s.putAside(ctx, tx, r, proven+1, pub); err != nil {
			return nil, err
		}
	}
	_, err = tx.ExecContext(ctx, "UPDATE replica SET pub = $2, seq = $3, h = $4 WHERE replica = $1", r.id, []byte(pub), int64(proven), []byte(h))
	if err != nil {
		return nil, fmt.Errorf("bind the replica to its key: %w", err)
	}
	return readReplica(ctx, tx, r.id)
}

func (s *Store) provenTo(ctx context.Context, tx *sql.Tx, r *replicaRow, pub ed25519.PublicKey) (proven uint64, h fieldsync.B64, err error) {
	start := fieldsync.ChainStart(r.id, pub)
	if r.seq == 0 {
		return 0, start, nil
	}
	var line, first []byte
	err = tx.QueryRowContext(ctx, "SELECT bytes, h FROM change WHERE home = $1 AND replica = $2 AND seq = 1", r.home, r.id).Scan(&line, &first)
	if err != nil {
		return 0, nil, fmt.Errorf("read the first change of replica %s: %w", r.id, err)
	}
	if !bytes.Equal(fieldsync.ChainNext(start, line), first) {
		return 0, start, nil
	}
	h = start
	err = eachRow(ctx, tx, "SELECT to_seq, h, sig FROM segment WHERE home = $1 AND replica = $2", []any{r.home, r.id}, func(rows *sql.Rows) error {
		var to int64
		var at, sig []byte
		err := rows.Scan(&to, &at, &sig)
		if err == nil && uint64(to) > proven && fieldsync.VerifyHead(pub, r.id, uint64(to), at, sig) {
			proven, h = uint64(to), at
		}
		return err
	})
	return proven, h, err
}

// putAside makes a branch of a feed from a number on.
func (s *Store) putAside(ctx context.Context, tx *sql.Tx, r *replicaRow, from uint64, pub ed25519.PublicKey) error {
	var h []byte
	err := tx.QueryRowContext(ctx, "SELECT h FROM change WHERE home = $1 AND replica = $2 AND seq = $3", r.home, r.id, int64(from)).Scan(&h)
	if err != nil {
		return fmt.Errorf("read change %s:%d: %w", r.id, from, err)
	}
	branch := ForkID(r.id, h)
	s.log.Warn("a carried feed does not bear its replica's signature and is put aside", "replica", r.id, "from", from, "to", r.seq, "as", branch)
	for _, x := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO replica (replica, home, pub, account, state, seq, h, fork_of, fork_at, created_at) VALUES ($1,$2,$3,'','fork',$4,$5,$6,$7,$8)`,
			[]any{branch, r.home, []byte(pub), int64(r.seq), []byte(r.h), r.id, int64(from), s.Now()}},
		{`UPDATE change SET replica = $1, why = CASE WHEN state = 'held' THEN 'fork' ELSE why END WHERE home = $2 AND replica = $3 AND seq >= $4`,
			[]any{branch, r.home, r.id, int64(from)}},
		{"UPDATE segment SET replica = $1 WHERE home = $2 AND replica = $3 AND to_seq >= $4", []any{branch, r.home, r.id, int64(from)}},
	} {
		if _, err := tx.ExecContext(ctx, x.query, x.args...); err != nil {
			return fmt.Errorf("put a carried feed aside: %w", err)
		}
	}
	return nil
}

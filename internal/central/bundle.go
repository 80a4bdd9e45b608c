package central

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// BundleFile is a file that may be a part of a bundle. It is read twice, so that many need not be in memory at once.
type BundleFile struct {
	Name string
	Read func() ([]byte, error)
}

// BundleImported is what became of one file.
type BundleImported struct {
	Name       string
	Head       fieldsync.PartHead // empty when the file could not be opened
	New        int                // changes that were not here
	Unaccepted bool               // nobody has accepted the replica: all of it is held
	Notes      []fieldsync.Note   // changes in another state than published
	Refused    *Refusal           // why nothing of it was taken; the other files go on
}

// maxUnaccepted bounds the replicas nobody has accepted: whoever knows the public bundle key can make up any number.
const maxUnaccepted = 1000

// ImportBundles takes in the parts among the files, in the order of their feeds however the files are named. It is the push
// path: twice is harmless. A file that cannot be taken says why and stops no other; the error is of the store.
func (s *Store) ImportBundles(ctx context.Context, by string, files []BundleFile) ([]BundleImported, error) {
	results := make([]BundleImported, len(files))
	order := make([]int, len(files))
	for i, f := range files {
		order[i] = i
		results[i].Name = f.Name
		part, err := s.openPart(ctx, f)
		if refused, err := refusedFile(err); err != nil {
			return nil, err
		} else if results[i].Refused = refused; refused == nil {
			results[i].Head = part.PartHead
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := results[a].Head, results[b].Head
		if c := strings.Compare(x.Replica, y.Replica); c != 0 {
			return c
		}
		return int(int64(x.From) - int64(y.From))
	})
	for _, i := range order {
		if results[i].Refused != nil {
			continue
		}
		err := s.importPart(ctx, by, files[i], &results[i])
		var storeErr error
		if results[i].Refused, storeErr = refusedFile(err); storeErr != nil {
			return results, fmt.Errorf("import %s: %w", files[i].Name, storeErr)
		}
	}
	return results, nil
}

func (s *Store) openPart(ctx context.Context, f BundleFile) (*fieldsync.Part, error) {
	data, err := f.Read()
	if err != nil {
		return nil, refuse("bundle_unread", fmt.Sprintf("Không đọc được tệp: %v. Cắm lại thẻ nhớ rồi thử lại.", err), fmt.Sprintf("The file cannot be read: %v. Plug the stick in again and retry.", err))
	}
	var keys stickKeys
	if err := s.View(ctx, func(tx *sql.Tx) (err error) {
		keys, err = s.stickKeys(ctx, tx)
		return err
	}); err != nil {
		return nil, err
	}
	part, err := fieldsync.OpenPart(data, keys.bundle)
	if err == nil && part.Server != s.Self().Server {
		return nil, refusalOf(&fieldsync.Problem{Code: fieldsync.CodeBundleForeign})
	}
	return part, err
}

func (s *Store) importPart(ctx context.Context, by string, f BundleFile, r *BundleImported) error {
	part, err := s.openPart(ctx, f)
	if err != nil {
		return err
	}
	before, err := s.meet(ctx, by, part)
	if err != nil {
		return err
	}
	r.Unaccepted = before.state == replicaUnaccepted
	answer, err := s.Push(ctx, fieldsync.Device{}, part.Segment)
	if err != nil {
		return err
	}
	r.Notes = answer.Notes
	if first := max(before.seq, part.From-1); part.To > first {
		r.New = int(part.To - first)
	}
	return nil
}

// errBundleReplica: the part names a replica that is bound to another key, or is not a tablet's.
var errBundleReplica = refuse("bundle_replica",
	"Tệp mang tên một bản cài đã gắn với khóa khác. Không nhập; báo người quản trị.",
	"The file names a replica that is bound to another key. It is not imported; tell the administrator.")

// meet finds the replica of a part, or notes an unseen one, for a person to accept.
func (s *Store) meet(ctx context.Context, by string, part *fieldsync.Part) (rep *replicaRow, err error) {
	err = s.Update(ctx, func(tx *sql.Tx) error {
		rep, err = readReplica(ctx, tx, part.Replica)
		var unknown *fieldsync.Problem
		if errors.As(err, &unknown) {
			if err := s.addUnaccepted(ctx, tx, part.Replica, part.Account, part.Pub, fieldsync.ChainStart(part.Replica, ed25519.PublicKey(part.Pub))); err != nil {
				return err
			}
			rep, err = readReplica(ctx, tx, part.Replica)
		}
		if err != nil {
			return err
		}
		if rep.keyless() {
			if rep, err = s.prove(ctx, tx, rep, ed25519.PublicKey(part.Pub)); err != nil {
				return err
			}
		}
		if rep.state == replicaServer || rep.state == replicaFork || !slices.Equal(rep.pub, ed25519.PublicKey(part.Pub)) {
			return errBundleReplica
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Act: "bundle.import", Object: part.Replica, Detail: fmt.Sprintf("%s %d-%d", part.Bundle, part.From, part.To)})
	})
	return rep, err
}

// addUnaccepted notes a replica nobody has accepted. pub is empty where its key is not known; account is whose home it is kept in.
func (s *Store) addUnaccepted(ctx context.Context, tx *sql.Tx, replica, account string, pub, h fieldsync.B64) error {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM replica WHERE state = $1", replicaUnaccepted).Scan(&n); err != nil {
		return err
	}
	if n >= maxUnaccepted {
		return refuse("bundle_replicas", "Quá nhiều bản cài chưa được chấp nhận. Xem server held list và chấp nhận trước khi nhập thêm.",
			"Too many replicas wait to be accepted. See server held list and accept them before importing more.")
	}
	// The home is where the feed is kept, for ever: by the account it came from or names; whose it is a person decides.
	_, err := tx.ExecContext(ctx, `INSERT INTO replica (replica, home, pub, account, state, h, created_at)
		VALUES ($1, coalesce((SELECT home FROM account WHERE account = $2), ''), $3, '', $4, $5, $6) ON CONFLICT (replica) DO NOTHING`,
		replica, account, append([]byte{}, pub...), replicaUnaccepted, []byte(h), s.Now())
	if err != nil {
		return fmt.Errorf("note the replica: %w", err)
	}
	return nil
}

// AcceptCarried gives a replica that came by hand to an account: what it sent is decided about as if it came now.
func (s *Store) AcceptCarried(ctx context.Context, by, replica, account string) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := s.account(ctx, tx, account); err != nil {
			return err
		}
		rep, err := readReplica(ctx, tx, replica)
		if err != nil && !errors.As(err, new(*fieldsync.Problem)) {
			return err
		}
		if err == nil && rep.keyless() {
			return errNoKey
		}
		if err != nil || rep.state != replicaUnaccepted {
			return refuse("replica_not_waiting", "Bản cài này không chờ chấp nhận. Xem: server held list.", "This replica does not wait to be accepted. See: server held list.")
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Act: "replica.accept", Object: replica, Detail: account})
	})
	if err != nil {
		return err
	}
	return s.AcceptReplica(ctx, replica, account)
}

// maxReceiptNotes bounds the notes of one feed in a receipts file; the tablet hears the others when it meets the server.
const maxReceiptNotes = 100

// ReceiptsFile is what this store has of every feed it takes for a tablet's, signed, for a stick.
func (s *Store) ReceiptsFile(ctx context.Context) (file []byte, feeds int, err error) {
	me := s.Self()
	var lines []fieldsync.ReceiptLine
	err = s.View(ctx, func(tx *sql.Tx) error {
		var reps []*replicaRow
		err := eachRow(ctx, tx, "SELECT "+replicaColumns+" FROM replica WHERE state = $1 AND seq > 0 ORDER BY replica", []any{replicaAccepted}, func(rows *sql.Rows) error {
			r, err := scanReplica(rows)
			reps = append(reps, r)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range reps {
			notes, err := s.notesOf(ctx, tx, r, 0)
			if err != nil {
				return err
			}
			lines = append(lines, fieldsync.ReceiptLine{Receipt: s.receipt(r), Notes: publicNotes(notes)})
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read what is here of each feed: %w", err)
	}
	file, err = fieldsync.WriteReceipts(fieldsync.ReceiptsHead{Server: me.Server, Epoch: me.Epoch, Made: s.Now()}, lines, me.Key)
	return file, len(lines), err
}

// publicNotes leaves out what people wrote: a stick may be read by anyone.
func publicNotes(notes []fieldsync.Note) []fieldsync.Note {
	notes = notes[:min(len(notes), maxReceiptNotes)]
	for i := range notes {
		if notes[i].State == StateRefused {
			notes[i].Why = ""
		}
	}
	return notes
}

// refusedFile parts what is wrong with a file, which a person is told, from what is wrong with the store.
func refusedFile(err error) (*Refusal, error) {
	var refusal *Refusal
	var problem *fieldsync.Problem
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &refusal):
		return refusal, nil
	case errors.As(err, &problem):
		return refusalOf(problem), nil
	}
	return nil, err
}

// refusalOf says a problem with a file in the two languages.
func refusalOf(p *fieldsync.Problem) *Refusal {
	if text := fieldsync.BundleText(p.Code); text != nil {
		return &Refusal{p.Code, schema.Text(text)}
	}
	switch p.Code {
	case fieldsync.CodeGap:
		from := uint64(1)
		if p.Have != nil {
			from = p.Have.Seq + 1
		}
		return refuse(p.Code, fmt.Sprintf("Thiếu phần trước đó: cần từ số %d. Nhập các tệp còn lại của máy đó, hoặc xuất lại.", from),
			fmt.Sprintf("What lies before is missing: number %d is needed next. Import the tablet's other files, or export again.", from))
	case fieldsync.CodeFork:
		return refuse(p.Code, "Hai bản sao của máy này đã ghi cùng số. Phần này được giữ lại, không mất; máy sẽ gửi lại dưới tên mới, hoặc xem server held list.",
			"Two copies of this tablet used the same numbers. This part is kept and held; the tablet will send it again under a new name, or see server held list.")
	}
	return refuse(p.Code, "Không nhập được tệp này ("+p.Code+"). Báo người quản trị.", p.Title+" "+p.Detail)
}

// WriteReceipts puts the receipts file on a stick and reads it back.
func (s *Store) WriteReceipts(ctx context.Context, dir string) (feeds int, err error) {
	file, feeds, err := s.ReceiptsFile(ctx)
	if err != nil {
		return 0, err
	}
	me := s.Self()
	err = fieldsync.WriteFiles(dir, []fieldsync.StickFile{{Name: fieldsync.ReceiptsName(me.Server), Data: file}}, func(_ string, data []byte) error {
		_, err := fieldsync.ReadReceipts(data, me.Server, me.Key.Public().(ed25519.PublicKey))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("write receipts: %w", err)
	}
	return feeds, nil
}

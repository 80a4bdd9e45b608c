package tablet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"filippo.io/age"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Export is what was put on a stick, a card or into a shared folder, and read back from there.
type Export struct {
	Bundle  string    `json:"bundle"` // "" when there was nothing to export, or never was an export
	Parts   int       `json:"parts"`
	Changes int       `json:"changes"`
	Bytes   int64     `json:"bytes"`
	Files   []string  `json:"files"`
	At      time.Time `json:"at"`
}

// ExportBundle seals everything the home has not acknowledged into files in dir, also answers of open forms. It returns when
// all of them were read back from the medium and opened as the server will open them; until then nothing counts as exported.
// The changes stay unsent here until a receipt comes. With nothing unsent it writes nothing.
func (s *Store) ExportBundle(ctx context.Context, dir string) (Export, error) {
	return s.export(ctx, dir, func(f *feed) uint64 { return f.durable })
}

// ExportWhole is ExportBundle with all that is still here of this tablet's feeds: for a server that has lost them.
func (s *Store) ExportWhole(ctx context.Context, dir string) (Export, error) {
	return s.export(ctx, dir, func(*feed) uint64 { return 0 })
}

func (s *Store) export(ctx context.Context, dir string, from func(*feed) uint64) (Export, error) {
	if err := s.CommitAll(ctx); err != nil {
		return Export{}, err
	}
	b, err := s.bundle(ctx, from)
	if err != nil || len(b.segments) == 0 {
		return Export{}, err
	}
	files, err := b.seal()
	if err != nil {
		return Export{}, err
	}
	if err := fieldsync.WriteFiles(dir, files, b.verify); err != nil {
		return Export{}, stickProblem(err)
	}
	e := Export{Bundle: b.head.Bundle, Parts: len(files), Changes: b.changes(), At: time.UnixMilli(b.head.Made)}
	for _, f := range files {
		e.Files = append(e.Files, f.Name)
		e.Bytes += int64(len(f.Data))
	}
	s.lock()
	defer s.unlock()
	s.events = append(s.events, Event{Kind: EventSync})
	return e, saving(s.write(ctx, func(t *tx) error { return s.putMeta(t, "exported", e) }))
}

// LastExport is the last copy that was read back; its Bundle is "" when there was none.
func (s *Store) LastExport(ctx context.Context) (e Export, err error) {
	s.lock()
	defer s.unlock()
	_, err = s.getMeta(ctx, s.db, "exported", &e)
	return e, err
}

// bundle is an export before it is sealed.
type bundle struct {
	head     fieldsync.PartHead
	segments []*fieldsync.Segment
	keys     []ed25519.PrivateKey // of each segment
	to       []age.Recipient
	check    *age.X25519Identity // made for this export and forgotten after it: opens what comes back from the medium
}

func (s *Store) bundle(ctx context.Context, from func(*feed) uint64) (*bundle, error) {
	s.lock()
	defer s.unlock()
	if s.me.Server == "" {
		return nil, problem("not_enrolled", "")
	}
	id := make([]byte, 8)
	rand.Read(id) // never fails
	b := &bundle{head: fieldsync.PartHead{Server: s.me.Server, Bundle: hex.EncodeToString(id), Account: s.me.Account, Made: s.now().UnixMilli(), App: s.app}}
	for _, text := range s.me.BundleTo {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, fmt.Errorf("export: the server's bundle key: %w", err)
		}
		b.to = append(b.to, r)
	}
	if len(b.to) == 0 {
		return nil, problem("bundle_keys", "")
	}
	var err error
	if b.check, err = age.GenerateX25519Identity(); err != nil {
		return nil, err
	}
	b.to = append(b.to, b.check.Recipient())
	for i := range s.feeds {
		if err := s.cutBundle(ctx, b, &s.feeds[i], from(&s.feeds[i])); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// cutBundle takes a feed's changes after a number into the bundle. What lies before an erased change has no bytes to show any
// more; the server that ordered the erasure has it.
func (s *Store) cutBundle(ctx context.Context, b *bundle, f *feed, after uint64) error {
	var erased uint64
	if err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM own WHERE replica = ? AND erased = 1`, f.replica).Scan(&erased); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for after = max(after, erased); ; {
		seg, err := s.piece(ctx, f, after, fieldsync.MaxBatchChanges, fieldsync.MaxPartLines)
		if err != nil || seg == nil {
			return err
		}
		b.segments, b.keys = append(b.segments, seg), append(b.keys, f.key)
		after = seg.To
	}
}

func (b *bundle) changes() (n int) {
	for _, seg := range b.segments {
		n += len(seg.Lines)
	}
	return n
}

func (b *bundle) seal() ([]fieldsync.StickFile, error) {
	var files []fieldsync.StickFile
	for i, seg := range b.segments {
		head := b.head
		head.Part, head.Of = i+1, len(b.segments)
		data, err := fieldsync.SealPart(head, seg, b.keys[i], b.to...)
		if err != nil {
			return nil, err
		}
		files = append(files, fieldsync.StickFile{Name: fieldsync.PartName(&head), Data: data})
	}
	return files, nil
}

// verify opens a file that came back from the medium.
func (b *bundle) verify(name string, data []byte) error {
	p, err := fieldsync.OpenPart(data, b.check)
	if err != nil {
		return err
	}
	seg := b.segments[p.Part-1]
	if name != fieldsync.PartName(&p.PartHead) || p.Replica != seg.Replica || p.From != seg.From || !bytes.Equal(p.Segment.H, seg.H) {
		return errors.New("it holds another part")
	}
	return nil
}

// stickProblem says what is wrong with the medium.
func stickProblem(err error) error {
	code := "stick_failed"
	switch {
	case errors.Is(err, syscall.ENOSPC):
		code = "stick_full"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		code = "stick_gone"
	}
	p := problem(code, "")
	p.Err = err
	return p
}

// ReceiptsTaken is what receipts from a stick have settled.
type ReceiptsTaken struct {
	Feeds   int       // receipts of this tablet found
	Changes int       // changes that are acknowledged now and were not before
	Made    time.Time // by the server's clock
}

// ImportReceipts takes the server's receipts from a stick: what they name is at home, as if a sync had said it. Files of other
// servers are passed over when there is one of this tablet's; a damaged one is a Problem.
func (s *Store) ImportReceipts(ctx context.Context, dir string) (ReceiptsTaken, error) {
	var taken ReceiptsTaken
	paths, err := fieldsync.ReceiptsFiles(dir)
	if err != nil {
		return taken, stickProblem(err)
	}
	if len(paths) == 0 {
		return taken, problem("receipts_none", "")
	}
	s.lock()
	defer s.unlock()
	if s.me.Server == "" {
		return taken, problem("not_enrolled", "")
	}
	var bad error
	good := 0
	for _, path := range paths {
		file, err := fieldsync.ReadReceiptsFile(path)
		if err != nil {
			return taken, stickProblem(err)
		}
		r, err := fieldsync.ReadReceipts(file, s.me.Server, ed25519.PublicKey(s.me.ServerKey))
		if err != nil {
			bad = errors.Join(bad, fileProblem(filepath.Base(path), err))
			continue
		}
		good++
		if err := s.takeReceipts(ctx, r, &taken); err != nil {
			return taken, err
		}
	}
	if good == 0 {
		return taken, bad
	}
	s.events = append(s.events, Event{Kind: EventSync})
	return taken, s.recount(ctx)
}

// fileProblem says what is wrong with a file, in the two languages.
func fileProblem(name string, err error) error {
	var theirs *fieldsync.Problem
	if errors.As(err, &theirs) {
		if text := fieldsync.BundleText(theirs.Code); text != nil {
			return &Problem{Code: theirs.Code, Unit: name, Text: schema.Text(text), Err: err}
		}
	}
	return err
}

func (s *Store) takeReceipts(ctx context.Context, r *fieldsync.Receipts, taken *ReceiptsTaken) error {
	before := s.unsent()
	last, err := s.lastWord(ctx)
	if err != nil {
		return err
	}
	newer := r.Made > last
	err = s.write(ctx, func(t *tx) error {
		for _, line := range r.Lines {
			f := s.feedOf(line.Receipt.Replica)
			if f == nil {
				continue
			}
			taken.Feeds++
			if err := s.takeReceipt(t, f, line.Receipt, newer); err != nil {
				return err
			}
			if newer {
				if err := s.putNotes(t, f.replica, line.Notes); err != nil {
					return err
				}
			}
		}
		if !newer {
			return nil
		}
		return s.putMeta(t, "receipts_made", r.Made)
	})
	if err != nil {
		return saving(err)
	}
	if newer {
		taken.Made = time.UnixMilli(r.Made)
	}
	taken.Changes += max(0, before-s.unsent())
	return nil
}

// takeReceipt believes a receipt as far as this tablet's own chain agrees with it. One of another epoch than the last known
// counts only when it is newer than all the server has said here: a restored server may have lost what an older one names.
func (s *Store) takeReceipt(t *tx, f *feed, r *fieldsync.Receipt, newer bool) error {
	var epoch string
	err := t.QueryRowContext(t.ctx, `SELECT epoch FROM ack WHERE server = ? AND replica = ?`, s.me.Server, f.replica).Scan(&epoch)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read acknowledgement: %w", err)
	}
	afresh := epoch != "" && epoch != r.Epoch
	if afresh && !newer {
		return nil
	}
	h := fieldsync.B64{}
	if r.Seq <= f.last {
		if h, err = s.chainAt(t.ctx, t, f, r.Seq); err != nil {
			return err
		}
	}
	if !bytes.Equal(h, r.H) { // the server has another copy's changes: the next hello finds out and settles it
		s.log.Warn("tablet: a receipt names changes that are not this tablet's", "replica", f.replica, "seq", r.Seq, "last", f.last)
		return nil
	}
	durable := uint64(0)
	if r.Level == fieldsync.LevelDurable {
		durable = r.Seq
	}
	me := s.me
	me.Epoch = r.Epoch
	return s.ack(t, f, me, r.Seq, durable, r, afresh)
}

// lastWord is when the server last said something to this tablet, by the server's clock.
func (s *Store) lastWord(ctx context.Context) (int64, error) {
	var made int64
	_, err := s.getMeta(ctx, s.db, "receipts_made", &made)
	if s.me.Contact > 0 {
		made = max(made, s.me.Contact+s.me.Skew)
	}
	return made, err
}

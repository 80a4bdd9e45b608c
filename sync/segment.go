package sync

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// EncodeSegment writes a segment as it travels: its head, then its lines as they are.
func EncodeSegment(w io.Writer, seg *Segment) error {
	head, err := json.Marshal(&seg.PushHead)
	if err != nil {
		return fmt.Errorf("encode segment: %w", err)
	}
	body := make([]byte, 0, seg.size(len(head)))
	body = append(append(body, head...), '\n')
	for _, l := range seg.Lines {
		body = append(append(body, l.Bytes...), '\n')
	}
	_, err = w.Write(body)
	return err
}

func (s *Segment) size(head int) int {
	n := head + 1
	for _, l := range s.Lines {
		n += len(l.Bytes) + 1
	}
	return n
}

// ReadSegment reads a piece of a feed and checks all of it before anything of it may be stored: that its lines are from..to
// without a gap, that the chain leads from prev to h, and that h is signed by the replica, whose key the caller gives. A body
// that was cut or altered anywhere fails one of these. A line that is malformed or over a limit is no reason to refuse the
// others: it keeps its place in the chain and carries its Fault.
//
// When key answers ErrUnseenReplica, the signature cannot be checked now and the segment is Unverified.
//
// Errors are *Problem: 422 lines, sequence, chain, signature; 413 too_large; or what key and r return.
func ReadSegment(r io.Reader, key func(replica string) (ed25519.PublicKey, error)) (*Segment, error) {
	body, err := readLimited(r, MaxRequestBytes)
	if err != nil {
		return nil, bodyProblem(err)
	}
	first, rest, _ := bytes.Cut(body, []byte{'\n'})
	seg := &Segment{}
	if err := seg.readHead(first); err != nil {
		return nil, err
	}
	pub, err := key(seg.Replica)
	if seg.Unverified = errors.Is(err, ErrUnseenReplica); err != nil && !seg.Unverified {
		return nil, err
	}
	if !seg.Unverified && seg.From == 1 && !bytes.Equal(seg.Prev, ChainStart(seg.Replica, pub)) {
		return nil, problem(http.StatusUnprocessableEntity, CodeChain, "The feed does not begin at its replica's key.", "\"prev\" of the first piece is h(0).")
	}
	if err := seg.readLines(rest); err != nil {
		return nil, err
	}
	if !seg.Unverified && !VerifyHead(pub, seg.Replica, seg.To, seg.H, seg.Sig) {
		return nil, problem(http.StatusUnprocessableEntity, CodeSignature, "The signature is not the replica's.", "Sign replica, to and h(to) with the replica's key.")
	}
	return seg, nil
}

func (s *Segment) readHead(line []byte) error {
	if err := json.Unmarshal(line, &s.PushHead); err != nil {
		return linesProblem("The first line is not the head of a segment.", err.Error())
	}
	switch {
	case !ValidReplica(s.Replica):
		return linesProblem("The head names no replica.", "A replica id is 8 bytes as 11 characters of base64url.")
	case s.From == 0 || s.To < s.From || s.To > maxNumber:
		return linesProblem("The head's numbers are not a piece of a feed.", fmt.Sprintf("from is %d, to is %d.", s.From, s.To))
	case s.To-s.From >= MaxBatchChanges:
		return problem(http.StatusRequestEntityTooLarge, CodeTooLarge, "The segment has too many changes.", fmt.Sprintf("At most %d changes a request.", MaxBatchChanges))
	case len(s.Prev) != sha256.Size || len(s.H) != sha256.Size:
		return linesProblem("The head's hashes have another length.", "prev and h are 32 bytes in base64url without padding.")
	case len(s.Sig) != ed25519.SignatureSize:
		return problem(http.StatusUnprocessableEntity, CodeSignature, "The head has no signature.", "sig is 64 bytes in base64url without padding.")
	}
	return nil
}

// readLines cuts the lines, and goes along the chain once.
func (s *Segment) readLines(rest []byte) error {
	rest = bytes.TrimSuffix(rest, []byte{'\n'})
	want := int(s.To - s.From + 1)
	if have := bytes.Count(rest, []byte{'\n'}) + 1; have != want || len(rest) == 0 {
		return linesProblem("The body does not have the lines its head promises.", fmt.Sprintf("%d lines are promised; send the piece again.", want))
	}
	s.Lines = make([]Line, want)
	sums := make([]byte, 0, want*sha256.Size) // one allocation for all hashes
	h, hash := []byte(s.Prev), sha256.New()
	for i := range s.Lines {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		rest = after
		hash.Reset()
		hash.Write(h)
		hash.Write(line)
		sums = hash.Sum(sums)
		h = sums[i*sha256.Size : (i+1)*sha256.Size : (i+1)*sha256.Size]
		l := Line{Seq: s.From + uint64(i), Bytes: line[:len(line):len(line)], H: h}
		l.Change, l.Fault = DecodeChange(s.Replica, l.Bytes)
		if l.Change != nil && l.Change.Dot.Seq != l.Seq {
			return problem(http.StatusUnprocessableEntity, CodeSequence, "The lines are not numbered one by one.", fmt.Sprintf("Line %d has \"s\":%d, expected %d.", i+1, l.Change.Dot.Seq, l.Seq))
		}
		s.Lines[i] = l
	}
	if !bytes.Equal(h, s.H) {
		return problem(http.StatusUnprocessableEntity, CodeChain, "The lines do not lead from prev to h.", "Bytes were lost or altered on the way; send the piece again.")
	}
	return nil
}

func linesProblem(title, detail string) *Problem {
	return problem(http.StatusUnprocessableEntity, CodeLines, title, detail)
}

// ErrUnseenReplica is what Home.ReplicaKey answers for a replica whose key nobody has told it: a feed that is carried for
// another. It is kept apart until the key is known.
var ErrUnseenReplica = errors.New("the key of this replica is not known here")

var errTooLong = errors.New("longer than the limit")

// readLimited reads all of r, at most limit bytes, into memory of its own.
func readLimited(r io.Reader, limit int) ([]byte, error) {
	b := make([]byte, 0, 16<<10)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return nil, errTooLong
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = append(make([]byte, 0, min(2*cap(b), limit+1)), b...)
		}
	}
}

// bodyProblem says what a body that cannot be read means for the sender: too long is for ever, all else is a cut.
func bodyProblem(err error) error {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, errTooLong):
		return problem(http.StatusRequestEntityTooLarge, CodeTooLarge, "The body is too long.", fmt.Sprintf("At most %d bytes after decompression.", MaxRequestBytes))
	}
	return linesProblem("The body ended early or is damaged.", err.Error())
}

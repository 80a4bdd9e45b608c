package sync

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// span is a run of sequence numbers, both ends included.
type span struct{ from, to uint64 }

// ranges is a set of sequence numbers as sorted runs that do not touch. Numbers may be missing: a tablet that holds one
// village has only some changes of each feed, which is why a single highest number would lie.
type ranges []span

func (rs ranges) has(n uint64) bool {
	for i := len(rs) - 1; i >= 0; i-- {
		if n >= rs[i].from {
			return n <= rs[i].to
		}
	}
	return false
}

// with returns the set with n added.
func (rs ranges) with(n uint64) ranges {
	if len(rs) == 0 {
		return ranges{{n, n}}
	}
	if last := &rs[len(rs)-1]; n == last.to+1 {
		last.to = n
		return rs
	}
	return rs.union(ranges{{n, n}})
}

// union returns the numbers in either set, as a new set.
func (rs ranges) union(o ranges) ranges {
	out := make(ranges, 0, len(rs)+len(o))
	for len(rs) > 0 || len(o) > 0 {
		var next span
		if len(o) == 0 || (len(rs) > 0 && rs[0].from <= o[0].from) {
			next, rs = rs[0], rs[1:]
		} else {
			next, o = o[0], o[1:]
		}
		if k := len(out); k > 0 && next.from <= out[k-1].to+1 {
			out[k-1].to = max(out[k-1].to, next.to)
		} else {
			out = append(out, next)
		}
	}
	return out
}

// Fingerprint identifies a set of changes: their number and the sum mod 2^256 of the hashes of their dots. It is kept up by
// addition alone, so a scope's is the sum over its records.
type Fingerprint struct {
	Count uint64
	Sum   [4]uint64 // least significant word first
}

// DotFingerprint is the fingerprint of one change.
func DotFingerprint(d Dot) Fingerprint {
	var text [32]byte
	h := sha256.Sum256(d.append(text[:0]))
	return Fingerprint{1, sumWords(h[:])}
}

func sumWords(be []byte) (w [4]uint64) {
	for i := range w {
		w[i] = binary.BigEndian.Uint64(be[24-8*i:])
	}
	return w
}

// Add returns the fingerprint of two sets that share no change.
func (f Fingerprint) Add(o Fingerprint) Fingerprint {
	var carry uint64
	for i := range f.Sum {
		f.Sum[i], carry = bits.Add64(f.Sum[i], o.Sum[i], carry)
	}
	f.Count += o.Count
	return f
}

// Sub takes a set out of a set that holds it.
func (f Fingerprint) Sub(o Fingerprint) Fingerprint {
	var borrow uint64
	for i := range f.Sum {
		f.Sum[i], borrow = bits.Sub64(f.Sum[i], o.Sum[i], borrow)
	}
	f.Count -= o.Count
	return f
}

// SumBytes returns the sum as 32 bytes, big-endian.
func (f Fingerprint) SumBytes() []byte {
	b := make([]byte, 32)
	for i, w := range f.Sum {
		binary.BigEndian.PutUint64(b[24-8*i:], w)
	}
	return b
}

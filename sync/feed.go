package sync

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
)

// B64 is binary data that JSON carries as base64url without padding: hashes, keys, signatures.
type B64 []byte

// MarshalText writes base64url without padding.
func (b B64) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads base64url without padding.
func (b *B64) UnmarshalText(text []byte) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("not base64url without padding: %w", err)
	}
	*b = raw
	return nil
}

// String is the base64url text, as it stands on the wire and under signatures.
func (b B64) String() string { return base64.RawURLEncoding.EncodeToString(b) }

// NewReplica returns a fresh replica id.
func NewReplica() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ChainStart is h(0) of a feed: SHA-256 over the replica's text and its 32 key bytes.
func ChainStart(replica string, key ed25519.PublicKey) B64 {
	h := sha256.New()
	h.Write([]byte(replica))
	h.Write(key)
	return h.Sum(nil)
}

// ChainNext is h(n) from h(n-1) and the bytes of line n.
func ChainNext(h B64, line []byte) B64 {
	d := sha256.New()
	d.Write(h)
	d.Write(line)
	return d.Sum(nil)
}

// SignHead signs a feed up to number to, whose chain hash is h. As the chain starts from the key, one signature vouches for
// the whole feed up to there, however pieces are cut.
func SignHead(key ed25519.PrivateKey, replica string, to uint64, h B64) B64 {
	return ed25519.Sign(key, signedText("rasoat-head-v1", replica, strconv.FormatUint(to, 10), h.String()))
}

// VerifyHead tells whether sig is the replica's over its head.
func VerifyHead(key ed25519.PublicKey, replica string, to uint64, h, sig B64) bool {
	return len(key) == ed25519.PublicKeySize && len(sig) == ed25519.SignatureSize &&
		ed25519.Verify(key, signedText("rasoat-head-v1", replica, strconv.FormatUint(to, 10), h.String()), sig)
}

func signedText(parts ...string) []byte {
	var b []byte
	for i, p := range parts {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, p...)
	}
	return b
}

// Receipt is the server's signed word on what it has of a feed, and how safely.
type Receipt struct {
	Server  string `json:"server"`
	Epoch   string `json:"epoch"`
	Replica string `json:"replica"`
	Seq     uint64 `json:"seq"`
	H       B64    `json:"h"`
	Level   string `json:"level"` // LevelDurable or LevelCarried
	Sig     B64    `json:"sig"`
}

// Levels of a receipt: the home has committed it; or a relay carries it, and own changes are kept.
const (
	LevelDurable = "durable"
	LevelCarried = "carried"
)

func (r *Receipt) text() []byte {
	return signedText("rasoat-receipt-v1", r.Server, r.Epoch, r.Replica, strconv.FormatUint(r.Seq, 10), r.H.String(), r.Level)
}

// Sign fills in the signature.
func (r *Receipt) Sign(key ed25519.PrivateKey) { r.Sig = ed25519.Sign(key, r.text()) }

// Verify tells whether the receipt is signed by the server's key.
func (r *Receipt) Verify(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && len(r.Sig) == ed25519.SignatureSize && ed25519.Verify(key, r.text(), r.Sig)
}

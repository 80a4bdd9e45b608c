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
	"slices"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// A bundle is a tablet's feed as files, for a stick, a card or a Bluetooth share: the same segments as in a push. Each part is
// one file, whole in itself, so that a damaged one costs only itself. docs/decisions/2026-11-24-bundle-container.md fixes the
// bytes; files of every past version are read for ever.

// PartHead is the first line of a part, signed by the replica.
type PartHead struct {
	Rasoat  string `json:"rasoat"` // kindBundle
	V       int    `json:"v"`
	Server  string `json:"server"` // whom it is for
	Bundle  string `json:"bundle"` // shared by the parts of one export, 16 hex characters
	Part    int    `json:"part"`   // from 1
	Of      int    `json:"of"`
	Replica string `json:"replica"`
	Pub     B64    `json:"pub"`
	Account string `json:"account"`
	From    uint64 `json:"from"`
	To      uint64 `json:"to"`
	Made    int64  `json:"made"` // the tablet's clock, Unix milliseconds; decides nothing
	App     string `json:"app,omitempty"`
	Sum     B64    `json:"sum"` // SHA-256 of what follows the signature
}

// Part is one part of a bundle, checked as a push is.
type Part struct {
	PartHead
	Segment *Segment
}

// BundleVersion is the version of the container this package writes.
const BundleVersion = 1

// Limits of a bundle.
const (
	MaxPartBytes = 1 << 20                                   // the file
	MaxPartLines = 960 << 10                                 // lines of a part, so that the file never passes its limit
	maxHead      = 4 << 10                                   // the first line of a part
	maxPlain     = MaxPartLines + 3*maxHead + MaxChangeBytes // what a reader takes
	maxParts     = 100_000
)

const (
	kindBundle   = "bundle"
	bundleSigned = "rasoat-bundle-v1"
)

// Codes of a Problem with a file from a stick; BundleText has their sentences.
const (
	CodeBundleUnknown   = "bundle_unknown"   // no bundle at all
	CodeBundleForeign   = "bundle_foreign"   // made for another server
	CodeBundleDamaged   = "bundle_damaged"   // bytes were lost or altered
	CodeBundleNewer     = "bundle_newer"     // of a version this program does not know
	CodeBundleSignature = "bundle_signature" // not signed by whom it names
	CodeBundleLarge     = "bundle_large"     // over the limit of a part
)

// SealPart writes one part for the recipients: head, signature and lines, compressed, then encrypted. The caller gives
// Server, Bundle, Part, Of, Account, Made and App; the rest is the segment's.
func SealPart(head PartHead, seg *Segment, key ed25519.PrivateKey, to ...age.Recipient) ([]byte, error) {
	var body bytes.Buffer
	if err := EncodeSegment(&body, seg); err != nil {
		return nil, err
	}
	head.Rasoat, head.V = kindBundle, BundleVersion
	head.Replica, head.From, head.To = seg.Replica, seg.From, seg.To
	head.Pub = B64(key.Public().(ed25519.PublicKey))
	plain, err := signSheet(&head, &head.Sum, bundleSigned, key, body.Bytes())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		return nil, fmt.Errorf("seal part: %w", err)
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("seal part: %w", err)
	}
	_, err = z.Write(plain)
	if err = errors.Join(err, z.Close(), w.Close()); err != nil {
		return nil, fmt.Errorf("seal part: %w", err)
	}
	if out.Len() > MaxPartBytes {
		return nil, fmt.Errorf("seal part: %d bytes, the limit is %d", out.Len(), MaxPartBytes)
	}
	return out.Bytes(), nil
}

// OpenPart reads one part and checks all of it: that it was made for one of the identities, arrived whole, and is signed by
// the replica it names. Whether that replica is known, and whose it is, the caller decides. Errors are *Problem.
func OpenPart(file []byte, ids ...age.Identity) (*Part, error) {
	plain, err := unseal(file, ids)
	if err != nil {
		return nil, err
	}
	return readPart(plain)
}

// unseal decrypts and decompresses.
func unseal(file []byte, ids []age.Identity) ([]byte, error) {
	if len(file) > MaxPartBytes {
		return nil, bundleProblem(CodeBundleLarge, fmt.Sprintf("%d bytes, a part has at most %d", len(file), MaxPartBytes))
	}
	if !bytes.HasPrefix(file, []byte("age-encryption.org/")) {
		return nil, bundleProblem(CodeBundleUnknown, "it does not begin as an age file")
	}
	r, err := age.Decrypt(bytes.NewReader(file), ids...)
	var others *age.NoIdentityMatchError
	switch {
	case errors.As(err, &others):
		return nil, bundleProblem(CodeBundleForeign, err.Error())
	case err != nil:
		return nil, bundleProblem(CodeBundleDamaged, err.Error())
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderMaxMemory(16<<20))
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	defer z.Close()
	plain, err := readLimited(z, maxPlain)
	switch {
	case errors.Is(err, errTooLong):
		return nil, bundleProblem(CodeBundleLarge, "it grows over the limit when decompressed")
	case err != nil:
		return nil, bundleProblem(CodeBundleDamaged, err.Error())
	}
	if rest, err := io.Copy(io.Discard, r); err != nil || rest > 0 { // the end of the encryption proves that nothing was cut
		return nil, bundleProblem(CodeBundleDamaged, fmt.Sprintf("%d bytes after its end, %v", rest, err))
	}
	return plain, nil
}

// readPart reads what is inside the encryption.
func readPart(plain []byte) (*Part, error) {
	var p Part
	sheet, err := openSheet(plain, kindBundle, &p.PartHead)
	if err != nil {
		return nil, err
	}
	switch {
	case !ValidReplica(p.Replica), len(p.Pub) != ed25519.PublicKeySize, p.From == 0, p.To < p.From, p.To > maxNumber,
		p.Part < 1, p.Of < p.Part, p.Of > maxParts, len(p.Bundle) > 64, len(p.Account) > 200:
		return nil, bundleProblem(CodeBundleDamaged, "the first line names no piece of a feed")
	}
	if err := sheet.verify(bundleSigned, ed25519.PublicKey(p.Pub), p.Sum); err != nil {
		return nil, err
	}
	p.Segment, err = ReadSegment(bytes.NewReader(sheet.body), func(replica string) (ed25519.PublicKey, error) {
		if replica != p.Replica {
			return nil, bundleProblem(CodeBundleSignature, "the lines are of another replica than the first line says")
		}
		return ed25519.PublicKey(p.Pub), nil
	})
	if err != nil {
		return nil, partProblem(err)
	}
	if p.Segment.From != p.From || p.Segment.To != p.To {
		return nil, bundleProblem(CodeBundleSignature, "the lines are of other numbers than the first line says")
	}
	return &p, nil
}

// partProblem gives a fault of the segment inside the code of a file: what came over a wire is sent again, a file is not.
func partProblem(err error) error {
	var p *Problem
	switch {
	case !errors.As(err, &p):
		return err
	case p.Code == CodeSignature:
		return bundleProblem(CodeBundleSignature, p.Title)
	case p.Code == CodeTooLarge:
		return bundleProblem(CodeBundleLarge, p.Title)
	case slices.Contains([]string{CodeLines, CodeSequence, CodeChain}, p.Code):
		return bundleProblem(CodeBundleDamaged, p.Title)
	}
	return err
}

// sheet is a signed file: a head of JSON in the first line, its signature in the second, then the body the head has the sum of.
type sheet struct {
	head, body []byte
	sig        B64
}

type signature struct {
	Sig B64 `json:"sig"`
}

// signSheet writes a sheet; sum is the head's member for the body's hash.
func signSheet(head any, sum *B64, domain string, key ed25519.PrivateKey, body []byte) ([]byte, error) {
	h := sha256.Sum256(body)
	*sum = h[:]
	first, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("sign sheet: %w", err)
	}
	if len(first) > maxHead {
		return nil, fmt.Errorf("sign sheet: its first line has %d bytes, the limit is %d", len(first), maxHead)
	}
	second, err := json.Marshal(signature{ed25519.Sign(key, sheetText(domain, first))})
	if err != nil {
		return nil, fmt.Errorf("sign sheet: %w", err)
	}
	return slices.Concat(first, []byte{'\n'}, second, []byte{'\n'}, body), nil
}

func sheetText(domain string, head []byte) []byte {
	return slices.Concat([]byte(domain), []byte{0}, head)
}

// openSheet reads a sheet's head. What kind and version a file is stands first: a newer one may differ in all the rest.
func openSheet(file []byte, kind string, head any) (*sheet, error) {
	var s sheet
	var second []byte
	var ok1, ok2 bool
	s.head, second, ok1 = bytes.Cut(file, []byte{'\n'})
	second, s.body, ok2 = bytes.Cut(second, []byte{'\n'})
	var is struct {
		Rasoat string `json:"rasoat"`
		V      int    `json:"v"`
	}
	if len(s.head) > maxHead || json.Unmarshal(s.head, &is) != nil || is.Rasoat != kind {
		return nil, bundleProblem(CodeBundleUnknown, "its first line is another one")
	}
	if is.V > BundleVersion {
		return nil, bundleProblem(CodeBundleNewer, fmt.Sprintf("version %d, this program reads up to %d", is.V, BundleVersion))
	}
	var sig signature
	if !ok1 || !ok2 || is.V < 1 || json.Unmarshal(s.head, head) != nil || json.Unmarshal(second, &sig) != nil {
		return nil, bundleProblem(CodeBundleDamaged, "its first lines cannot be read")
	}
	s.sig = sig.Sig
	return &s, nil
}

// verify checks the signature over the head and the head's sum over the body.
func (s *sheet) verify(domain string, key ed25519.PublicKey, sum B64) error {
	if len(s.sig) != ed25519.SignatureSize || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, sheetText(domain, s.head), s.sig) {
		return bundleProblem(CodeBundleSignature, "the first line is not signed by whom it names")
	}
	if h := sha256.Sum256(s.body); !bytes.Equal(h[:], sum) {
		return bundleProblem(CodeBundleDamaged, "what follows the signature is not what was signed")
	}
	return nil
}

func bundleProblem(code, detail string) *Problem {
	return problem(http.StatusUnprocessableEntity, code, BundleText(code)["en"], detail)
}

// bundleTexts are the sentences, in the two languages of the project.
var bundleTexts = map[string]map[string]string{
	CodeBundleUnknown: {
		"vi": "Tệp này không phải tệp của Rà soát. Bỏ qua; chọn tệp có tên bắt đầu bằng rasoat-.",
		"en": "This is no file of Rà soát. Leave it; choose files whose names begin with rasoat-."},
	CodeBundleForeign: {
		"vi": "Tệp này làm cho một máy chủ khác nên không mở được ở đây. Mang đến nơi đã cấp mã cho máy đó.",
		"en": "This file was made for another server and cannot be opened here. Take it to the office that gave the tablet its code."},
	CodeBundleDamaged: {
		"vi": "Tệp bị hỏng hoặc thiếu một phần. Các tệp khác vẫn nhập được; xuất lại tệp này từ máy, hoặc dùng thẻ nhớ khác.",
		"en": "The file is damaged or part of it is missing. The other files can still be imported; export this one again, or use another stick."},
	CodeBundleNewer: {
		"vi": "Tệp do chương trình mới hơn tạo ra. Cập nhật chương trình ở đây rồi nhập lại; giữ nguyên tệp.",
		"en": "The file was made by a newer program. Update the program here and import it again; keep the file."},
	CodeBundleSignature: {
		"vi": "Chữ ký của tệp không đúng: không phải do máy đã ghi tên tạo ra. Không nhập; báo người quản trị.",
		"en": "The file's signature is wrong: it was not made by the tablet it names. It is not imported; tell the administrator."},
	CodeBundleLarge: {
		"vi": "Tệp lớn hơn mức cho phép của một phần. Không nhập; xuất lại từ máy.",
		"en": "The file is larger than a part may be. It is not imported; export it again from the tablet."},
}

// BundleText is the sentence for a person to a code of a file, by language ("vi", "en"): what is wrong and what to do next.
// It is nil for other codes.
func BundleText(code string) map[string]string { return bundleTexts[code] }

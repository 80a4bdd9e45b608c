package sync

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
)

// Receipts that travel by hand: what a server has of every feed, signed, as one file. It names replicas and numbers, no person,
// and needs no encryption; every tablet takes its own lines from it.

// ReceiptsHead is the first line of a receipts file, signed by the server.
type ReceiptsHead struct {
	Rasoat string `json:"rasoat"` // kindReceipts
	V      int    `json:"v"`
	Server string `json:"server"`
	Epoch  string `json:"epoch"`
	Made   int64  `json:"made"` // the server's clock, Unix milliseconds
	Count  int    `json:"count"`
	Sum    B64    `json:"sum"`
}

// ReceiptLine is what the server has of one feed, and which changes of it are in another state than published. The
// reasons people wrote stay at home: a stick may be read by anyone.
type ReceiptLine struct {
	Receipt *Receipt `json:"receipt"`
	Notes   []Note   `json:"notes,omitempty"`
}

// Receipts is a receipts file, checked.
type Receipts struct {
	ReceiptsHead
	Lines []ReceiptLine
}

// MaxReceiptsBytes bounds a receipts file: some twenty thousand tablets.
const MaxReceiptsBytes = 16 << 20

const (
	kindReceipts   = "receipts"
	receiptsSigned = "rasoat-receipts-v1"
)

// WriteReceipts writes a receipts file; the caller gives Server, Epoch and Made.
func WriteReceipts(head ReceiptsHead, lines []ReceiptLine, key ed25519.PrivateKey) ([]byte, error) {
	var body []byte
	for i := range lines {
		b, err := json.Marshal(&lines[i])
		if err != nil {
			return nil, fmt.Errorf("write receipts: %w", err)
		}
		body = append(append(body, b...), '\n')
	}
	head.Rasoat, head.V, head.Count = kindReceipts, BundleVersion, len(lines)
	file, err := signSheet(&head, &head.Sum, receiptsSigned, key, body)
	if err == nil && len(file) > MaxReceiptsBytes {
		err = fmt.Errorf("write receipts: %d bytes, the limit is %d", len(file), MaxReceiptsBytes)
	}
	return file, err
}

// ReadReceipts reads a receipts file of the server with this key and checks it and every receipt in it. Errors are *Problem:
// bundle_foreign when another server signed it.
func ReadReceipts(file []byte, server string, key ed25519.PublicKey) (*Receipts, error) {
	if len(file) > MaxReceiptsBytes {
		return nil, bundleProblem(CodeBundleLarge, fmt.Sprintf("%d bytes", len(file)))
	}
	var r Receipts
	sheet, err := openSheet(file, kindReceipts, &r.ReceiptsHead)
	if err != nil {
		return nil, err
	}
	if r.Server != server {
		return nil, bundleProblem(CodeBundleForeign, "it is of server "+r.Server)
	}
	if err := sheet.verify(receiptsSigned, key, r.Sum); err != nil {
		return nil, err
	}
	for line := range bytes.Lines(sheet.body) {
		var l ReceiptLine
		if json.Unmarshal(line, &l) != nil || l.Receipt == nil || l.Receipt.Server != server || !l.Receipt.Verify(key) {
			return nil, bundleProblem(CodeBundleSignature, fmt.Sprintf("receipt %d is not the server's", len(r.Lines)+1))
		}
		r.Lines = append(r.Lines, l)
	}
	if len(r.Lines) != r.Count {
		return nil, bundleProblem(CodeBundleDamaged, fmt.Sprintf("%d receipts, %d are promised", len(r.Lines), r.Count))
	}
	return &r, nil
}

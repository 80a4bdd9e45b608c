package sync

import (
	"encoding/json"
	"net/http"
)

// Codes of a Problem. They are stable: a client acts on them, never on the sentences.
const (
	CodeJSON      = "json"       // 400 the request is not JSON of the expected shape
	CodeToken     = "token"      // 401 no device token, or one that is not valid any more
	CodeReplica   = "replica"    // 403 the replica belongs to another account
	CodeScope     = "scope"      // 403 a pull or snapshot of an area that is not granted
	CodeNotFound  = "not_found"  // 404
	CodeMethod    = "method"     // 405
	CodeGap       = "gap"        // 409 changes before this piece are missing; have says from where to send
	CodeFork      = "fork"       // 409 another change has the same number
	CodeEpoch     = "epoch"      // 409 the cursor is of another epoch: take a snapshot
	CodeGone      = "gone"       // 410 the snapshot is not kept any more
	CodeTooLarge  = "too_large"  // 413 over a limit of the request
	CodeMediaType = "media_type" // 415 another media type, or a content coding that is not spoken here
	CodeLines     = "lines"      // 422 not the lines the head promises, or a body that was cut
	CodeSequence  = "sequence"   // 422 lines not numbered one by one
	CodeChain     = "chain"      // 422 lines that do not lead from prev to h
	CodeSignature = "signature"  // 422 not the replica's signature
	CodeProto     = "proto"      // 426 no common version of the wire
	CodeInternal  = "internal"   // 500
	CodeUnheard   = "not_sync"   // made by the client: the answer is not the server's (captive portal, proxy page)

	CodeEnrolUnknown = "enrol_unknown" // 404
	CodeEnrolUsed    = "enrol_used"    // 410
	CodeEnrolExpired = "enrol_expired" // 410
)

// ProblemType is the media type of error answers.
const ProblemType = "application/problem+json"

func problem(status int, code, title, detail string) *Problem {
	return &Problem{Status: status, Code: code, Title: title, Detail: detail}
}

// writeProblem answers with an error.
func writeProblem(w http.ResponseWriter, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil { // only strings and numbers: cannot happen
		body = []byte(`{"status":500,"code":"internal","title":"The problem could not be written."}`)
	}
	h := w.Header()
	h.Set("Content-Type", ProblemType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("Content-Encoding")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // an error here means the client is gone
}

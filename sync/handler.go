package sync

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HandlerOptions are what a server may choose.
type HandlerOptions struct {
	Log  *slog.Logger                 // errors that are not a Problem; nil means slog.Default()
	Idle time.Duration                // a client that sends nothing for so long is let go; 0 means 2 minutes. Progress, not total time: 2G is slow
	Peer func(r *http.Request) string // the caller's address, for the rate limit of enrol; nil means the connection's
}

// NewHandler serves all sync endpoints over a Home. It checks everything that can be checked without the store: method,
// media type, coding, size, JSON, chain and signature; it turns a *Problem of the Home into the answer of that status and
// any other error into 500 without its text.
func NewHandler(home Home, o HandlerOptions) http.Handler {
	o.Log = cmp.Or(o.Log, slog.Default())
	o.Idle = cmp.Or(o.Idle, 2*time.Minute)
	if o.Peer == nil {
		o.Peer = peerOf
	}
	h := &handler{home: home, o: o}
	mux := http.NewServeMux()
	mux.Handle(PathEnrol, h.post(h.enrol))
	mux.Handle(PathHello, h.post(h.authorised(h.hello)))
	mux.Handle(PathPush, h.post(h.authorised(h.push)))
	mux.Handle(PathPull, h.post(h.authorised(h.pull)))
	mux.Handle(PathSnapshot, h.get(h.authorised(h.snapshot)))
	mux.Handle(PathDefinition, h.get(h.authorised(h.definition)))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, problem(http.StatusNotFound, CodeNotFound, "There is no such endpoint.", ""))
	})
	return mux
}

type handler struct {
	home Home
	o    HandlerOptions
}

// endpoint answers one request, or returns why it cannot.
type endpoint func(w http.ResponseWriter, r *http.Request) error

func peerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (h *handler) post(f endpoint) http.Handler {
	return h.methods(func(w http.ResponseWriter, r *http.Request) error {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != MediaType {
			return problem(http.StatusUnsupportedMediaType, CodeMediaType, "Another media type is expected.", "Send Content-Type: "+MediaType+".")
		}
		return f(w, r)
	}, http.MethodPost)
}

func (h *handler) get(f endpoint) http.Handler {
	return h.methods(f, http.MethodGet, http.MethodHead)
}

func (h *handler) methods(f endpoint, allowed ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if slices.Contains(allowed, r.Method) {
			slow := &patient{ResponseWriter: w, control: http.NewResponseController(w), idle: h.o.Idle}
			defer slow.end()
			if err := f(slow, r); err != nil {
				h.refuse(slow, r, err)
			}
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, problem(http.StatusMethodNotAllowed, CodeMethod, "The endpoint has another method.", "Use "+strings.Join(allowed, " or ")+"."))
	})
}

func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		if r.Context().Err() != nil {
			return // the client is gone; nobody reads an answer
		}
		h.o.Log.ErrorContext(r.Context(), "sync request failed", "path", r.URL.Path, "error", err)
		p = problem(http.StatusInternalServerError, CodeInternal, "The server could not do this now.", "Nothing was acknowledged; try again later.")
	}
	if p.Status < 400 || p.Status > 599 {
		p = problem(http.StatusInternalServerError, cmp.Or(p.Code, CodeInternal), p.Title, p.Detail)
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeProblem(w, p)
}

// deviceKey carries the Device of a request's token.
type deviceKey struct{}

func (h *handler) authorised(f endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
			return problem(http.StatusUnauthorized, CodeToken, "The request carries no device token.", "Enrol the device, then send Authorization: Bearer with its token.")
		}
		dev, err := h.home.Device(r.Context(), token)
		if err != nil {
			return err
		}
		return f(w, r.WithContext(context.WithValue(r.Context(), deviceKey{}, dev)))
	}
}

func deviceOf(r *http.Request) Device {
	dev, _ := r.Context().Value(deviceKey{}).(Device)
	return dev
}

// request reads a small request of one JSON object; members it does not know are ignored.
func (h *handler) request(w http.ResponseWriter, r *http.Request, into any) error {
	in, done, err := h.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	body, err := readLimited(in, MaxRequestBytes)
	if err != nil {
		return bodyProblem(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return problem(http.StatusBadRequest, CodeJSON, "The request is not the JSON object that is expected.", err.Error())
	}
	return nil
}

func (h *handler) enrol(w http.ResponseWriter, r *http.Request) error {
	var req EnrolRequest
	if err := h.request(w, r, &req); err != nil {
		return err
	}
	if !ValidReplica(req.Replica) || len(req.Pub) != ed25519.PublicKeySize || req.Code == "" {
		return problem(http.StatusBadRequest, CodeJSON, "An enrolment names a code, a replica and its key.", "A replica is 11 characters of base64url, a key 32 bytes.")
	}
	answer, err := h.home.Enrol(r.Context(), &req, h.o.Peer(r))
	return answerJSON(w, r, answer, err)
}

func (h *handler) hello(w http.ResponseWriter, r *http.Request) error {
	var req HelloRequest
	if err := h.request(w, r, &req); err != nil {
		return err
	}
	if !ValidReplica(req.Replica) || (len(req.Pub) != 0 && len(req.Pub) != ed25519.PublicKeySize) {
		return problem(http.StatusBadRequest, CodeJSON, "A hello names a replica and its key.", "A replica is 11 characters of base64url, a key 32 bytes.")
	}
	answer, err := h.home.Hello(r.Context(), deviceOf(r), &req)
	if err == nil {
		answer.Dict = []string{DictD1}
	}
	return answerJSON(w, r, answer, err)
}

func (h *handler) push(w http.ResponseWriter, r *http.Request) error {
	in, done, err := h.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	ctx, dev := r.Context(), deviceOf(r)
	seg, err := ReadSegment(in, func(replica string) (ed25519.PublicKey, error) {
		return h.home.ReplicaKey(ctx, dev, replica)
	})
	if err != nil {
		return err
	}
	answer, err := h.home.Push(ctx, dev, seg)
	return answerJSON(w, r, answer, err)
}

func (h *handler) pull(w http.ResponseWriter, r *http.Request) error {
	var req PullRequest
	if err := h.request(w, r, &req); err != nil {
		return err
	}
	if req.Max <= 0 || req.Max > MaxRequestBytes {
		req.Max = MaxRequestBytes
	}
	out := &lineWriter{w: w, coding: answerCoding(r)}
	if slices.Contains(req.Dict, DictD1) && accepts(r, codingZstd) {
		out.coding = codingZstd
	}
	defer out.release()
	var line []byte
	err := h.home.Pull(r.Context(), deviceOf(r), &req, func(l *PullLine) error {
		line = append(l.Append(line[:0]), '\n')
		return out.write(line)
	})
	if err == nil {
		return out.finish()
	}
	if !out.begun() {
		return err
	}
	// Half an answer is out. Without its end line, and its gzip trailer, no client takes it for a whole one.
	h.o.Log.WarnContext(r.Context(), "pull broke off", "error", err)
	return nil
}

// answerCoding is the coding every client may ask for.
func answerCoding(r *http.Request) string {
	if accepts(r, codingGzip) {
		return codingGzip
	}
	return ""
}

// smallAnswer is the size below which compression gains nothing.
const smallAnswer = 512

func answerJSON(w http.ResponseWriter, r *http.Request, answer any, err error) error {
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return answerBytes(w, r, append(body, '\n'))
}

func answerBytes(w http.ResponseWriter, r *http.Request, body []byte) error {
	coding := ""
	if len(body) > smallAnswer {
		coding = answerCoding(r)
	}
	out, done := beginAnswer(w, coding, false)
	if _, err := out.Write(body); err != nil {
		_ = done(false)
		return nil // the status is out, the client is gone
	}
	_ = done(true)
	return nil
}

func (h *handler) definition(w http.ResponseWriter, r *http.Request) error {
	data, err := h.home.Definition(r.Context(), deviceOf(r), strings.TrimPrefix(r.URL.Path, PathDefinition))
	if err != nil {
		return err
	}
	return answerBytes(w, r, data)
}

func (h *handler) snapshot(w http.ResponseWriter, r *http.Request) error {
	at, err := parseAt(r.URL.Query().Get("at"))
	if err != nil {
		return err
	}
	snap, err := h.home.Snapshot(r.Context(), deviceOf(r), strings.TrimPrefix(r.URL.Path, PathSnapshot), at)
	if err != nil {
		return err
	}
	body, etag := snap.Gzip, strings.Trim(snap.ETag, `"`)
	head := w.Header()
	if accepts(r, codingGzip) {
		head.Set("Content-Encoding", "gzip")
	} else if body, err = decompress(snap.Gzip, maxSnapshot); err != nil {
		return err
	} else {
		etag += "-plain" // other bytes, other name: a range of one is not a range of the other
	}
	head.Set("Content-Type", MediaType)
	head.Set("ETag", `"`+etag+`"`)
	head.Add("Vary", "Accept-Encoding")
	head.Set("Content-Length", strconv.Itoa(len(body)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

// parseAt reads ?at=epoch.pos; nil when it is not given.
func parseAt(s string) (*Cursor, error) {
	if s == "" {
		return nil, nil
	}
	dot := strings.LastIndexByte(s, '.')
	if dot > 0 {
		if pos, err := strconv.ParseUint(s[dot+1:], 10, 63); err == nil {
			return &Cursor{s[:dot], pos}, nil
		}
	}
	return nil, problem(http.StatusBadRequest, CodeJSON, "\"at\" is an epoch, a dot and a position.", "")
}

// At is the cursor as a snapshot's address has it.
func (c Cursor) At() string { return c.Epoch + "." + strconv.FormatUint(c.Pos, 10) }

// maxSnapshot bounds a snapshot after decompression: some 20,000 households in one village, forty times what there is.
const maxSnapshot = 128 << 20

func decompress(zipped []byte, limit int) ([]byte, error) {
	f, err := newInflater(bytes.NewReader(zipped), codingGzip)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, limit)
}

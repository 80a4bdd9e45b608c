package sync

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Client speaks to one server. It believes nothing but the expected status, media type and content together: a captive
// portal's friendly 200, or a proxy's page, is a failure and acknowledges nothing. Errors the server sent are *Problem; an
// answer that is not the server's is a *Problem of CodeUnheard.
type Client struct {
	Base  string        // the server's address, "https://host:port"
	Token string        // the device token; empty for Enrol
	HTTP  *http.Client  // nil means one that follows no redirects
	Idle  time.Duration // a server that says nothing for so long is given up; 0 means 2 minutes

	up, down atomic.Int64
	dict     atomic.Bool // hello named a dictionary that is known here
}

// Traffic returns the bytes of bodies sent and received so far, as they went over the wire.
func (c *Client) Traffic() (up, down int64) { return c.up.Load(), c.down.Load() }

// Bounds of what a client takes.
const (
	maxAnswer  = 8 << 20  // an answer of one JSON object, or a definition
	maxPulled  = 32 << 20 // an answer to a pull: a state may be larger than what was asked for
	maxProblem = 64 << 10
)

var plainHTTP = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Enrol exchanges a one-time code for a device token. It does not keep the token: the caller stores it first.
func (c *Client) Enrol(ctx context.Context, req *EnrolRequest) (*EnrolAnswer, error) {
	answer := &EnrolAnswer{}
	if err := c.ask(ctx, PathEnrol, req, answer); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	if answer.Token == "" || answer.Account == "" || answer.Server == "" {
		return nil, fmt.Errorf("enrol: %w", unheard("its answer lacks the token, the account or the server"))
	}
	return answer, nil
}

// Hello says what the tablet has and asks what the server has. It changes nothing.
func (c *Client) Hello(ctx context.Context, req *HelloRequest) (*HelloAnswer, error) {
	answer := &HelloAnswer{}
	if err := c.ask(ctx, PathHello, req, answer); err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	if answer.Server == "" || answer.Epoch == "" || answer.Proto != Proto || len(answer.Have.H) != sha256.Size {
		return nil, fmt.Errorf("hello: %w", unheard("its answer lacks the server, the epoch, the protocol or what it has"))
	}
	c.dict.Store(slices.Contains(answer.Dict, DictD1))
	return answer, nil
}

// Push sends a segment. When it returns an answer, the server has stored all of the segment.
func (c *Client) Push(ctx context.Context, seg *Segment) (*PushAnswer, error) {
	var body bytes.Buffer
	if err := EncodeSegment(&body, seg); err != nil {
		return nil, err
	}
	answer := &PushAnswer{}
	if err := c.exchange(ctx, PathPush, body.Bytes(), answer); err != nil {
		return nil, fmt.Errorf("push %s from %d to %d: %w", seg.Replica, seg.From, seg.To, err)
	}
	if answer.Through != seg.To || !bytes.Equal(answer.H, seg.H) || answer.Level == "" {
		return nil, fmt.Errorf("push %s from %d to %d: %w", seg.Replica, seg.From, seg.To, unheard("its answer acknowledges something else"))
	}
	return answer, nil
}

// Pull asks for what came after the cursors. All of the answer is read before any of it is returned, as only its end shows
// that it is whole; the last line is the End.
func (c *Client) Pull(ctx context.Context, req *PullRequest) ([]*PullLine, error) {
	ask := *req
	if c.dict.Load() {
		ask.Dict = []string{DictD1}
	}
	body, err := json.Marshal(&ask)
	if err != nil {
		return nil, err
	}
	text, err := c.post(ctx, PathPull, body, maxPulled)
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	var lines []*PullLine
	for raw := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'}) {
		if len(lines) > 0 && lines[len(lines)-1].End != nil {
			return nil, fmt.Errorf("pull: %w", unheard("lines follow the end line"))
		}
		line, err := ParsePullLine(raw)
		if err != nil {
			return nil, fmt.Errorf("pull: %w", unheard(err.Error()))
		}
		lines = append(lines, line)
	}
	if lines[len(lines)-1].End == nil {
		return nil, fmt.Errorf("pull: %w", io.ErrUnexpectedEOF)
	}
	return lines, nil
}

// Definition fetches the published bytes of a questionnaire, a standard or a code list.
func (c *Client) Definition(ctx context.Context, name string) ([]byte, error) {
	res, err := c.do(ctx, http.MethodGet, PathDefinition+name, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch definition %s: %w", name, err)
	}
	defer res.end()
	data, err := c.read(res, maxAnswer)
	if err != nil {
		return nil, fmt.Errorf("fetch definition %s: %w", name, err)
	}
	return data, nil
}

// ask sends one object and reads one.
func (c *Client) ask(ctx context.Context, path string, req, answer any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	return c.exchange(ctx, path, append(body, '\n'), answer)
}

func (c *Client) exchange(ctx context.Context, path string, body []byte, answer any) error {
	text, err := c.post(ctx, path, body, maxAnswer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return unheard("its answer is not the JSON that is expected: " + err.Error())
	}
	return nil
}

func (c *Client) post(ctx context.Context, path string, body []byte, limit int) ([]byte, error) {
	res, err := c.do(ctx, http.MethodPost, path, body, nil)
	if err != nil {
		return nil, err
	}
	defer res.end()
	if res.status != http.StatusOK {
		return nil, unheard(fmt.Sprintf("status %d", res.status))
	}
	return c.read(res, limit)
}

// reply is an answer whose body is still to be read.
type reply struct {
	status int
	header http.Header
	io.Reader
	body io.Closer
	stop func()
}

// end ends the request; the body cannot be read any more.
func (r *reply) end() {
	_ = r.body.Close() // all that was wanted of it has been read
	r.stop()
}

// do sends a request and returns an answer that is known to be the server's, and good.
func (c *Client) do(ctx context.Context, method, path string, body []byte, header http.Header) (*reply, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := newWatch(cmp.Or(c.Idle, 2*time.Minute), cancel)
	stop := func() { watch.stop(); cancel(nil) }
	req, err := c.request(ctx, method, path, body, watch)
	if err != nil {
		stop()
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	client := c.HTTP
	if client == nil {
		client = plainHTTP
	}
	res, err := client.Do(req) //nolint:bodyclose // reply.end closes it
	if err != nil {
		err = cmp.Or(silence(ctx), err)
		stop()
		return nil, err
	}
	answer := &reply{res.StatusCode, res.Header, &watchedReader{res.Body, watch, &c.down, ctx}, res.Body, stop}
	if err := c.check(answer); err != nil {
		answer.end()
		return nil, err
	}
	return answer, nil
}

func (c *Client) request(ctx context.Context, method, path string, body []byte, watch *watch) (*http.Request, error) {
	address, err := url.JoinPath(c.Base, "/")
	if err != nil {
		return nil, fmt.Errorf("the server's address %q: %w", c.Base, err)
	}
	var in io.Reader
	coding := ""
	if body != nil {
		body, coding = compress(body, c.dict.Load())
		in = &watchedReader{bytes.NewReader(body), watch, &c.up, ctx}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(address, "/")+path, in)
	if err != nil {
		return nil, err
	}
	h := req.Header
	if body != nil {
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(&watchedReader{bytes.NewReader(body), watch, &c.up, ctx}), nil
		}
		h.Set("Content-Type", MediaType)
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Accept", MediaType)
	h.Set("Accept-Encoding", codingGzip+", "+codingZstd) // set by hand, so that the size can be bounded here
	h.Set("User-Agent", "rasoat")
	if c.Token != "" {
		h.Set("Authorization", "Bearer "+c.Token)
	}
	return req, nil
}

// compress returns the body in the coding that suits it, or as it is when that is shorter.
func compress(body []byte, dict bool) ([]byte, string) {
	coding := codingGzip
	if dict {
		coding = codingZstd
	}
	var out bytes.Buffer
	z, giveBack := encoder(&out, coding, requestLevel, len(body) >= longBody)
	defer giveBack()
	if _, err := z.Write(body); err != nil || z.Close() != nil || out.Len() >= len(body) {
		return body, ""
	}
	return out.Bytes(), coding
}

// check tells whether an answer is the server's, and good.
func (c *Client) check(res *reply) error {
	kind, _, _ := mime.ParseMediaType(res.header.Get("Content-Type"))
	switch {
	case kind == MediaType && (res.status == http.StatusOK || res.status == http.StatusPartialContent):
		return nil
	case kind == ProblemType && res.status >= 400:
		body, err := c.read(res, maxProblem)
		if err != nil {
			return err
		}
		p := &Problem{}
		if json.Unmarshal(body, p) == nil && p.Code != "" {
			p.Status = res.status
			return p
		}
	}
	if res.status == http.StatusRequestedRangeNotSatisfiable {
		return problem(res.status, codeRange, "The server does not have that part of the snapshot.", "")
	}
	return unheard(fmt.Sprintf("status %d, media type %.60q", res.status, kind))
}

func unheard(detail string) *Problem {
	return problem(http.StatusBadGateway, CodeUnheard, "The answer did not come from the sync server.",
		detail+". A sign-in page of the network, or a proxy, may stand in between: open any web page, then sync again. Nothing was acknowledged.")
}

// read takes all of an answer's body, decompressed.
func (c *Client) read(res *reply, limit int) ([]byte, error) {
	in := io.Reader(res)
	if coding := contentCoding(res.header); coding != "" {
		f, err := newInflater(res, coding)
		if err != nil {
			return nil, unheard("its coding is damaged or unknown: " + err.Error())
		}
		defer f.Close()
		in = f
	}
	body, err := readLimited(in, limit)
	if errors.Is(err, errTooLong) {
		return nil, unheard(fmt.Sprintf("its answer is longer than %d bytes", limit))
	}
	return body, err
}

// watch gives a request up when nothing moves.
type watch struct {
	timer *time.Timer
	idle  time.Duration
}

var errSilence = errors.New("the server is silent")

func newWatch(idle time.Duration, cancel context.CancelCauseFunc) *watch {
	return &watch{time.AfterFunc(idle, func() { cancel(errSilence) }), idle}
}

func (w *watch) moved() { w.timer.Reset(w.idle) }
func (w *watch) stop()  { w.timer.Stop() }

// silence is the reason a request was given up here; nil when it was not.
func silence(ctx context.Context) error {
	if err := context.Cause(ctx); errors.Is(err, errSilence) {
		return err
	}
	return nil
}

// watchedReader counts the bytes that pass, and puts the watch off with each piece.
type watchedReader struct {
	r     io.Reader
	watch *watch
	count *atomic.Int64
	ctx   context.Context
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.watch.moved()
	r.count.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = cmp.Or(silence(r.ctx), err)
	}
	return n, err
}

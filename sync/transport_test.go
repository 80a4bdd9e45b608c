package sync

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

var quiet = slog.New(slog.DiscardHandler)

func serve(t testing.TB, home Home) *httptest.Server {
	server := httptest.NewServer(NewHandler(home, HandlerOptions{Log: quiet}))
	t.Cleanup(server.Close)
	return server
}

// post sends any bytes to an endpoint, with a good token and media type unless headers say otherwise.
func post(t testing.TB, server *httptest.Server, path string, body []byte, headers ...string) (int, *Problem, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, server.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", MediaType)
	req.Header.Set("Authorization", "Bearer token")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode < 400 {
		if got := res.Header.Get("Content-Type"); got != MediaType {
			t.Fatalf("a good answer has media type %s", got)
		}
		return res.StatusCode, nil, answer
	}
	p := &Problem{}
	if err := json.Unmarshal(answer, p); err != nil || res.Header.Get("Content-Type") != ProblemType || p.Status != res.StatusCode {
		t.Fatalf("status %d is no problem+json: %q", res.StatusCode, answer)
	}
	return res.StatusCode, p, answer
}

func bodyOf(t testing.TB, seg *Segment) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := EncodeSegment(&out, seg); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zip(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withFeed is a home that knows an author of n households.
func withFeed(t testing.TB, n int) (*memoryHome, *author) {
	home, a := newHome(), newAuthor(1)
	for range n {
		a.household(t, testRound, "01969-03")
	}
	home.keys[a.replica] = a.public()
	return home, a
}

func TestAPushCutAfterAnyByteStoresNothingAndTheRetryStoresAll(t *testing.T) {
	home, a := withFeed(t, 2)
	body := bodyOf(t, a.segment(1, 4))
	key := func(string) (ed25519.PublicKey, error) { return a.public(), nil }
	for n := range len(body) - 1 { // the last line's break may be missing
		if _, err := ReadSegment(bytes.NewReader(body[:n]), key); err == nil {
			t.Fatalf("a body cut after %d of %d bytes was read", n, len(body))
		}
	}
	server := serve(t, home)
	zipped := zip(t, body)
	for n := 0; n < len(zipped); n += 1 + n/40 {
		if status, p, _ := post(t, server, PathPush, zipped[:n], "Content-Encoding", "gzip"); status != 422 || p.Code != CodeLines {
			t.Fatalf("compressed, cut after %d of %d bytes: %d %v", n, len(zipped), status, p)
		}
	}
	if home.pushes != 0 {
		t.Fatalf("%d cut pushes reached the store", home.pushes)
	}
	for range 2 {
		if status, p, _ := post(t, server, PathPush, zipped, "Content-Encoding", "gzip"); status != 200 {
			t.Fatalf("the whole push: %d %v", status, p)
		}
	}
	if len(home.feeds[a.replica]) != 4 {
		t.Fatalf("4 changes pushed twice are %d", len(home.feeds[a.replica]))
	}
}

func TestASegmentThatWasAlteredIsRefusedWithItsReason(t *testing.T) {
	home, a := withFeed(t, 2)
	server := serve(t, home)
	good := string(bodyOf(t, a.segment(1, 4)))
	lines := strings.SplitAfter(good, "\n")
	other := newAuthor(2)
	reseal := func(change func(*Segment)) string {
		seg := a.segment(1, 4)
		change(seg)
		return string(bodyOf(t, seg))
	}
	for _, c := range []struct{ name, body, code string }{
		{"a line twice", lines[0] + lines[1] + lines[1] + lines[2] + lines[3] + lines[4], CodeLines},
		{"a line instead of the next", lines[0] + lines[1] + lines[1] + lines[3] + lines[4], CodeSequence},
		{"two lines changed round", lines[0] + lines[1] + lines[3] + lines[2] + lines[4], CodeSequence},
		{"a line missing", lines[0] + lines[1] + lines[2] + lines[3], CodeLines},
		{"a line more", good + lines[4], CodeLines},
		{"a letter changed", strings.Replace(good, "Thôn", "thôn", 1), CodeChain},
		{"a blank added", strings.Replace(good, `"w":{`, `"w": {`, 1), CodeChain},
		{"another h", reseal(func(s *Segment) { s.H = ChainNext(s.H, nil) }), CodeChain},
		{"another prev", reseal(func(s *Segment) { s.Prev = s.H }), CodeChain},
		{"another's signature", reseal(func(s *Segment) { s.Sig = SignHead(other.key, s.Replica, s.To, s.H) }), CodeSignature},
		{"the signature of an older head", reseal(func(s *Segment) { s.Sig = a.segment(1, 3).Sig }), CodeSignature},
		{"no signature", reseal(func(s *Segment) { s.Sig = nil }), CodeSignature},
		{"from 0", reseal(func(s *Segment) { s.From = 0 }), CodeLines},
		{"to before from", reseal(func(s *Segment) { s.From, s.To = 4, 1 }), CodeLines},
		{"no head", strings.Join(lines[1:], ""), CodeLines},
		{"nothing", "", CodeLines},
		{"a short hash", reseal(func(s *Segment) { s.H = s.H[:16] }), CodeLines},
	} {
		if status, p, _ := post(t, server, PathPush, []byte(c.body)); status != 422 || p.Code != c.code {
			t.Errorf("%s: %d %v, want 422 %s", c.name, status, p, c.code)
		}
	}
	if home.pushes != 0 {
		t.Fatalf("%d altered pushes reached the store", home.pushes)
	}
	stripped := zip(t, []byte(good)) // a proxy took the header away and left the bytes
	if status, p, _ := post(t, server, PathPush, stripped); status != 422 || p.Code != CodeLines {
		t.Errorf("gzip without its header: %d %v", status, p)
	}
}

func TestAMalformedLineKeepsItsPlaceAndStopsNothing(t *testing.T) {
	home, a := withFeed(t, 1)
	a.raw([]byte(`{"s":3,"this is":"cut`))
	a.raw([]byte(padded(MaxChangeBytes + 1)))
	a.raw(nil)
	a.raw([]byte(line(`"s":6`)))
	server := serve(t, home)
	status, p, body := post(t, server, PathPush, bodyOf(t, a.segment(1, 6)))
	if status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	var answer PushAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	want := []Note{{3, "quarantine", FaultJSON}, {4, "quarantine", FaultTooLarge}, {5, "quarantine", FaultJSON}}
	if answer.Through != 6 || !slices.Equal(answer.Notes, want) {
		t.Fatalf("through %d with notes %v, want 6 with %v", answer.Through, answer.Notes, want)
	}
	for i, l := range home.feeds[a.replica] {
		if !bytes.Equal(l.Bytes, a.lines[i].Bytes) {
			t.Fatalf("line %d is kept as %q", i+1, l.Bytes)
		}
	}
}

func TestRequestLimitsAreExact(t *testing.T) {
	home, a := withFeed(t, 0)
	for i := range MaxBatchChanges + 1 {
		a.raw([]byte(line(fmt.Sprintf(`"s":%d`, i+1))))
	}
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, a.segment(1, MaxBatchChanges+1))); status != 413 || p.Code != CodeTooLarge {
		t.Errorf("257 changes: %d %v", status, p)
	}
	if status, p, _ := post(t, server, PathPush, bodyOf(t, a.segment(1, MaxBatchChanges))); status != 200 {
		t.Errorf("256 changes: %d %v", status, p)
	}
	filled := func(n int) []byte {
		head := `{"cursors":{"01969-03":["e1",0]},"zz":"`
		return []byte(head + strings.Repeat("x", n-len(head)-2) + `"}`)
	}
	if status, p, _ := post(t, server, PathPull, filled(MaxRequestBytes)); status != 200 {
		t.Errorf("a request of 1 MiB: %d %v", status, p)
	}
	if status, p, _ := post(t, server, PathPull, filled(MaxRequestBytes+1)); status != 413 || p.Code != CodeTooLarge {
		t.Errorf("a request of 1 MiB and a byte: %d %v", status, p)
	}
}

func TestADecompressionBombIsStoppedEarly(t *testing.T) {
	server := serve(t, newHome())
	for _, size := range []int{200 << 10, 1 << 20, 64 << 20} {
		bomb := zip(t, bytes.Repeat([]byte(" "), size))
		for _, path := range []string{PathPush, PathPull, PathHello, PathEnrol} {
			if status, p, _ := post(t, server, path, bomb, "Content-Encoding", "gzip"); status != 413 || p.Code != CodeTooLarge {
				t.Errorf("%s: %d bytes from %d: %d %v", path, size, len(bomb), status, p)
			}
		}
	}
}

func TestEveryErrorHasItsStatusAndCode(t *testing.T) {
	home, a := withFeed(t, 2)
	home.denied["01969-09"] = true
	server := serve(t, home)
	stranger := newAuthor(9)
	stranger.household(t, testRound, "01969-03")
	enrol := func(code string) []byte {
		b, _ := json.Marshal(&EnrolRequest{Code: code, Replica: a.replica, Pub: B64(a.public())})
		return b
	}
	hello := func(proto int, seq uint64, h B64) []byte {
		b, _ := json.Marshal(&HelloRequest{Proto: []int{proto}, Replica: a.replica, Pub: B64(a.public()), Seq: seq, H: h})
		return b
	}
	if status, p, _ := post(t, server, PathPush, bodyOf(t, a.segment(1, 2))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	forked := *a
	forked.lines = slices.Clone(a.lines[:1])
	forked.raw([]byte(line(`"s":2`)))
	forked.raw([]byte(line(`"s":3`)))
	for _, c := range []struct {
		name, path string
		body       []byte
		headers    []string
		status     int
		code       string
	}{
		{"no token", PathHello, hello(1, 0, nil), []string{"Authorization", ""}, 401, CodeToken},
		{"another token", PathPush, nil, []string{"Authorization", "Bearer no"}, 401, CodeToken},
		{"no scheme", PathPull, nil, []string{"Authorization", "token"}, 401, CodeToken},
		{"another's replica", PathPush, bodyOf(t, stranger.segment(1, 2)), nil, 403, CodeReplica},
		{"an area not granted", PathPull, []byte(`{"cursors":{"01969-09":["e1",0]}}`), nil, 403, CodeScope},
		{"an unknown code", PathEnrol, enrol("WHAT"), nil, 404, CodeEnrolUnknown},
		{"an unknown path", "/sync/v1/other", nil, nil, 404, CodeNotFound},
		{"a used code", PathEnrol, enrol("USED"), nil, 410, CodeEnrolUsed},
		{"an old code", PathEnrol, enrol("LATE"), nil, 410, CodeEnrolExpired},
		{"an enrolment without code", PathEnrol, enrol(""), nil, 400, CodeJSON},
		{"a gap", PathPush, bodyOf(t, a.segment(4, 4)), nil, 409, CodeGap},
		{"a fork in push", PathPush, bodyOf(t, forked.segment(3, 3)), nil, 409, CodeFork},
		{"a fork in hello", PathHello, hello(1, 2, forked.lines[1].H), nil, 409, CodeFork},
		{"another epoch", PathPull, []byte(`{"cursors":{"01969-03":["e0",0]}}`), nil, 409, CodeEpoch},
		{"another media type", PathPush, nil, []string{"Content-Type", "application/json"}, 415, CodeMediaType},
		{"no media type", PathPull, nil, []string{"Content-Type", ""}, 415, CodeMediaType},
		{"another coding", PathPull, nil, []string{"Content-Encoding", "br"}, 415, CodeMediaType},
		{"a later protocol", PathHello, hello(9, 0, nil), nil, 426, CodeProto},
		{"no JSON", PathHello, []byte(`hello`), nil, 400, CodeJSON},
		{"a hello of nobody", PathHello, []byte(`{"proto":[1],"replica":"x"}`), nil, 400, CodeJSON},
		{"another shape", PathHello, []byte(`{"seq":"many"}`), nil, 400, CodeJSON},
	} {
		status, p, _ := post(t, server, c.path, c.body, c.headers...)
		if status != c.status || p == nil || p.Code != c.code || p.Title == "" {
			t.Errorf("%s: %d %v, want %d %s", c.name, status, p, c.status, c.code)
		}
		if (c.code == CodeGap || c.code == CodeFork) && (p == nil || p.Have == nil || p.Have.Seq != 2) {
			t.Errorf("%s does not say what the server has: %+v", c.name, p)
		}
	}
	res, err := http.Get(server.URL + PathPush)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
		t.Errorf("GET push: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
}

// failing is a Home whose store is broken.
type failing struct{ *memoryHome }

func (failing) Push(context.Context, Device, *Segment) (*PushAnswer, error) {
	return nil, errors.New("disk of en0417 is full at /secret")
}

func (failing) Pull(_ context.Context, _ Device, _ *PullRequest, emit func(*PullLine) error) error {
	for i := range 3 {
		if err := emit(&PullLine{C: &Position{"01969-03", uint64(i + 1)}, Gone: labRecord}); err != nil {
			return err
		}
	}
	return errors.New("disk broke")
}

func TestAnErrorOfTheStoreIsToldWithoutItsTextAndAcknowledgesNothing(t *testing.T) {
	home, a := withFeed(t, 1)
	server := serve(t, failing{home})
	status, p, body := post(t, server, PathPush, bodyOf(t, a.segment(1, 2)))
	if status != 500 || p.Code != CodeInternal || bytes.Contains(body, []byte("secret")) {
		t.Errorf("%d %s", status, body)
	}
	client := &Client{Base: server.URL, Token: "token"}
	if lines, err := client.Pull(t.Context(), &PullRequest{}); err == nil {
		t.Errorf("half an answer was taken for a whole one: %d lines", len(lines))
	}
}

func TestValuesTravelVerbatimToTheLastByte(t *testing.T) {
	home, a := withFeed(t, 0)
	odd := `{"s":1, "r":"` + labRecord + `","k":"interview","sc":"01969-03","op":"edit","w":{"address": "Nguye` + "\u0302\u0303" + `n <b>&\u003c\/b>` + "\u2028" + `","house_area":32.50, "gps":{ "lat" : 1e0 }},"later":[1, 2]}`
	a.raw([]byte(odd))
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, a.segment(1, 1))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	client := &Client{Base: server.URL, Token: "token"}
	lines, err := client.Pull(t.Context(), &PullRequest{Cursors: map[string]Cursor{"01969-03": {"e1", 0}}})
	if err != nil || len(lines) != 2 || string(lines[0].B) != odd {
		t.Fatalf("%q came back as %q, %v", odd, lines[0].B, err)
	}
	_, states, err := client.Fetch(t.Context(), &Download{Scope: "01969-03"})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := DecodeChange(a.replica, []byte(odd))
	for _, w := range c.Writes {
		if got := states[0].Heads[w.Unit][c.Dot.String()]; string(got) != string(w.Value) {
			t.Errorf("unit %s in a state: %s, want %s", w.Unit, got, w.Value)
		}
	}
}

func TestDefinitionsComeAsPublished(t *testing.T) {
	server := serve(t, newHome())
	client := &Client{Base: server.URL + "/", Token: "token"}
	want, _ := newHome().Definition(t.Context(), Device{}, "household/2026.1")
	if got, err := client.Definition(t.Context(), "household/2026.1"); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := client.Definition(t.Context(), "household/1999"); err == nil {
		t.Fatal("an unknown definition was found")
	}
	if _, down := client.Traffic(); down == 0 || down > int64(len(want)) {
		t.Fatalf("%d bytes came down for %d: it was not compressed", down, len(want))
	}
}

func TestEnrolGivesAToken(t *testing.T) {
	server := serve(t, newHome())
	a := newAuthor(4)
	client := &Client{Base: server.URL}
	answer, err := client.Enrol(t.Context(), &EnrolRequest{Code: "GOOD", Replica: a.replica, Pub: B64(a.public())})
	if err != nil || answer.Token != "token" || answer.Account != "en0417" {
		t.Fatalf("%+v, %v", answer, err)
	}
	var p *Problem
	if _, err := client.Enrol(t.Context(), &EnrolRequest{Code: "USED", Replica: a.replica, Pub: B64(a.public())}); !errors.As(err, &p) || p.Code != CodeEnrolUsed {
		t.Fatalf("a used code: %v", err)
	}
}

// FuzzHandler sends any bytes to every endpoint: the answer is always one that a client can read, and never a panic.
func FuzzHandler(f *testing.F) {
	home, a := withFeed(f, 1)
	handler := NewHandler(home, HandlerOptions{Log: quiet})
	f.Add(PathPush, bodyOf(f, a.segment(1, 2)), false)
	f.Add(PathPush, zip(f, bodyOf(f, a.segment(1, 2))), true)
	f.Add(PathPull, []byte(`{"cursors":{"01969-03":["e1",0]},"max":1}`), false)
	f.Add(PathHello, []byte(`{"proto":[1],"replica":"kJ3-x_0aQeM","pub":"","seq":0}`), false)
	f.Add(PathEnrol, []byte(`{"code":"GOOD"}`), false)
	f.Fuzz(func(t *testing.T, path string, body []byte, zipped bool) {
		if path != PathPush && path != PathPull && path != PathHello && path != PathEnrol {
			path = PathPush
		}
		req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
		req.Header.Set("Content-Type", MediaType)
		req.Header.Set("Authorization", "Bearer token")
		if zipped {
			req.Header.Set("Content-Encoding", "gzip")
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		kind := rec.Header().Get("Content-Type")
		if rec.Code >= 500 || (rec.Code == 200) != (kind == MediaType) || (rec.Code != 200) != (kind == ProblemType) {
			t.Fatalf("%s %q: %d %s %s", path, body, rec.Code, kind, rec.Body)
		}
	})
}

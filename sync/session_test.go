package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// link is a RoundTripper that does something to requests or answers on their way.
type link func(next http.RoundTripper, req *http.Request) (*http.Response, error)

func (l link) RoundTrip(req *http.Request) (*http.Response, error) {
	return l(http.DefaultTransport, req)
}

// session is a session without waiting: it notes the waits instead.
func session(server *httptest.Server, local Local, through link) (*Session, *[]time.Duration) {
	waits := &[]time.Duration{}
	client := &Client{Base: server.URL, Token: "token"}
	if through != nil {
		client.HTTP = &http.Client{Transport: through}
	}
	return &Session{Client: client, Local: local, Jitter: func() float64 { return 0 }, Sleep: func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}}, waits
}

func mustRun(t *testing.T, s *Session) Summary {
	t.Helper()
	sum, err := s.Run(t.Context())
	if err != nil {
		t.Fatalf("sync: %v (%+v)", err, sum)
	}
	return sum
}

// equalTo checks I1 and I8 at the end: the tablet has exactly the server's records.
func (m *memoryTablet) equalTo(t *testing.T, home *memoryHome) {
	t.Helper()
	scope := home.scopes["01969-03"]
	if len(m.records) != len(scope.records) {
		t.Fatalf("the tablet has %d records, the server %d", len(m.records), len(scope.records))
	}
	for id, r := range scope.records {
		if m.records[id] == nil || m.records[id].Fingerprint() != r.Fingerprint() || m.records[id].Version() != r.Version() {
			t.Fatalf("record %s differs from the server's", id)
		}
	}
}

func TestTwoTabletsExchangeAllTheyDid(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a, b := newTablet(1), newTablet(2)
	for range 40 {
		a.household(t, testRound, "01969-03")
	}
	var phases []string
	first, _ := session(server, a, nil)
	first.Progress = func(e Event) {
		if len(phases) == 0 || phases[len(phases)-1] != e.Phase {
			phases = append(phases, e.Phase)
		}
	}
	sum := mustRun(t, first)
	if sum.Sent != 80 || sum.Pulled != 0 || sum.Snapshots != 1 || sum.Server != "s1" || sum.Up == 0 || sum.Down == 0 {
		t.Fatalf("first sync of a: %+v", sum)
	}
	if want := []string{PhaseHello, PhasePush, PhaseSnapshot, PhasePull, PhaseDone}; !slices.Equal(phases, want) {
		t.Fatalf("phases %v, want %v", phases, want)
	}
	if a.acked != 80 {
		t.Fatalf("acknowledged %d, want 80", a.acked)
	}
	b.household(t, testRound, "01969-03")
	second, _ := session(server, b, nil)
	if sum := mustRun(t, second); sum.Sent != 2 || sum.Snapshots != 1 {
		t.Fatalf("first sync of b: %+v", sum)
	}
	third, _ := session(server, a, nil)
	if sum := mustRun(t, third); sum.Sent != 0 || sum.Pulled != 2 || sum.Snapshots != 0 || len(sum.Alarms) != 0 {
		t.Fatalf("second sync of a: %+v", sum)
	}
	a.equalTo(t, home)
	b.equalTo(t, home)
}

func TestOwnChangesComeBackWithoutTheirBytes(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	first, _ := session(server, a, nil)
	mustRun(t, first)
	for range 20 {
		a.household(t, testRound, "01969-03")
	}
	second, _ := session(server, a, nil)
	sum := mustRun(t, second)
	if sum.Pulled != 40 || sum.Down > 3000 {
		t.Fatalf("40 own changes came down in %d bytes: %+v", sum.Down, sum)
	}
	a.equalTo(t, home)
}

// page is what a hotel's network answers to everything.
func page(status int, kind, body string) link {
	return func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)), Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
	}
}

func TestAForeignAnswerAcknowledgesNothing(t *testing.T) {
	server := serve(t, newHome())
	ack := `{"through":2,"h":"","level":"durable"}`
	for name, l := range map[string]link{
		"a portal's page":            page(200, "text/html; charset=utf-8", "<html>Sign in</html>"),
		"a portal's page as ours":    page(200, MediaType, "<html>Sign in</html>"),
		"JSON of another type":       page(200, "application/json", ack),
		"an empty 200":               page(200, MediaType, ""),
		"an acknowledgement of less": page(200, MediaType, ack),
		"an empty object":            page(200, MediaType, "{}"),
		"a 204":                      page(204, MediaType, ""),
		"a redirect":                 page(302, "text/html", ""),
		"a proxy's error":            page(502, "text/html", "Bad Gateway"),
		"a problem without code":     page(400, ProblemType, "{}"),
	} {
		a := newTablet(1)
		a.household(t, testRound, "01969-03")
		s, waits := session(server, a, l)
		client := s.Client
		var p *Problem
		if answer, err := client.Push(t.Context(), a.segment(1, 2)); answer != nil || !errors.As(err, &p) || p.Code != CodeUnheard {
			t.Errorf("%s: push got %+v, %v", name, answer, err)
		}
		if sum, err := s.Run(t.Context()); !errors.As(err, &p) || p.Code != CodeUnheard || sum.Sent != 0 || a.acked != 0 {
			t.Errorf("%s: session got %+v, %v", name, sum, err)
		}
		if want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}; !slices.Equal(*waits, want) {
			t.Errorf("%s: waits %v, want %v", name, *waits, want)
		}
	}
}

func TestAProxyThatStripsGzipIsAFailure(t *testing.T) {
	home, a := withFeed(t, 5)
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, a.segment(1, 10))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	strip := link(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Header.Del("Content-Encoding")
		res, err := next.RoundTrip(req)
		if err == nil {
			res.Header.Del("Content-Encoding")
		}
		return res, err
	})
	client := &Client{Base: server.URL, Token: "token", HTTP: &http.Client{Transport: strip}}
	if lines, err := client.Pull(t.Context(), &PullRequest{Cursors: map[string]Cursor{"01969-03": {"e1", 0}}}); err == nil {
		t.Fatalf("an answer without its coding was read: %d lines", len(lines))
	}
	tablet := newTablet(3)
	tablet.household(t, testRound, "01969-03")
	s, _ := session(server, tablet, strip)
	if _, err := s.Run(t.Context()); err == nil || tablet.acked != 0 {
		t.Fatalf("acknowledged %d, %v", tablet.acked, err)
	}
}

// Every other answer is lost after the server has done its work: what was pushed is there, and is pushed again.
func TestAnAnswerLostAfterTheCommitIsHarmless(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	for range 10 {
		a.household(t, testRound, "01969-03")
	}
	n := 0
	s, waits := session(server, a, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		res, err := next.RoundTrip(req)
		if n++; n%2 == 1 && err == nil {
			res.Body.Close()
			return nil, errors.New("connection reset")
		}
		return res, err
	})
	mustRun(t, s)
	if len(*waits) == 0 || len(home.feeds[a.replica]) != 20 {
		t.Fatalf("%d changes at home after %d waits, want 20 once each", len(home.feeds[a.replica]), len(*waits))
	}
	a.equalTo(t, home)
}

func TestAnAnswerCutAnywhereIsAskedForAgain(t *testing.T) {
	home, writer := withFeed(t, 3)
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, writer.segment(1, 6))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	for cut := 1; cut < 2500; cut += 1 + cut/30 {
		a := newTablet(2)
		a.cursors["01969-03"], a.epoch = Cursor{"e1", 0}, "e1"
		left := 1
		s, _ := session(server, a, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			res, err := next.RoundTrip(req)
			if err == nil && req.URL.Path == PathPull && left > 0 {
				left--
				res.Body = cutBody{io.LimitReader(res.Body, int64(cut)), res.Body}
			}
			return res, err
		})
		mustRun(t, s)
		a.equalTo(t, home)
	}
}

// cutBody ends in an error, as a connection that breaks does.
type cutBody struct {
	io.Reader
	io.Closer
}

func (c cutBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestBatchesHalveUntilTheyPassAndGrowAgain(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	for range 60 {
		a.household(t, testRound, "01969-03")
	}
	var sizes []int64
	narrow := true
	s, _ := session(server, a, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		if req.URL.Path == PathPush {
			sizes = append(sizes, req.ContentLength)
			if narrow && req.ContentLength > 4000 {
				return nil, errors.New("connection reset")
			}
			narrow = len(sizes) < 12
		}
		return next.RoundTrip(req)
	})
	s.Attempts = -1
	mustRun(t, s)
	if len(home.feeds[a.replica]) != 120 {
		t.Fatalf("%d changes at home, want 120", len(home.feeds[a.replica]))
	}
	if largest, last := slices.Max(sizes[:8]), slices.Min(sizes[:8]); largest <= 4000 || last > 4000 {
		t.Fatalf("sizes %v: they should have been halved to below 4000", sizes)
	}
	if grown := slices.Max(sizes[12:]); grown <= 4000 {
		t.Fatalf("sizes %v: they should have grown again", sizes)
	}
	a.equalTo(t, home)
}

func TestBackOffDoublesToHalfAnHourAndIsShortenedAtRandom(t *testing.T) {
	server := serve(t, newHome())
	a := newTablet(1)
	s, waits := session(server, a, func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, errors.New("no network") })
	s.Attempts = 14
	var seen []Event
	s.Progress = func(e Event) {
		if e.Phase == PhaseWait {
			seen = append(seen, e)
		}
	}
	if _, err := s.Run(t.Context()); err == nil {
		t.Fatal("a sync without network succeeded")
	}
	want := 5 * time.Second
	for i, got := range *waits {
		if got != want || seen[i].Wait != got || seen[i].Err == nil {
			t.Fatalf("wait %d is %v, want %v (%+v)", i+1, got, want, seen[i])
		}
		want = min(2*want, 30*time.Minute)
	}
	if len(*waits) != 13 {
		t.Fatalf("%d waits for 14 attempts", len(*waits))
	}
	*waits = nil
	s.Jitter, s.Attempts = func() float64 { return 0.5 }, 2
	if _, err := s.Run(t.Context()); err == nil || (*waits)[0] != 3750*time.Millisecond {
		t.Fatalf("waits %v, %v", *waits, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	*waits = nil
	if _, err := s.Run(ctx); err == nil || len(*waits) != 0 {
		t.Fatalf("a session that was called off waited %v, %v", *waits, err)
	}
}

func TestWhatTheServerRefusesIsNotRetried(t *testing.T) {
	server := serve(t, newHome())
	a := newTablet(1)
	s, waits := session(server, a, nil)
	s.Client.Token = "stolen"
	var p *Problem
	if _, err := s.Run(t.Context()); !errors.As(err, &p) || p.Code != CodeToken || len(*waits) != 0 {
		t.Fatalf("%v after waits %v", err, *waits)
	}
}

func TestARestoredTabletFindsWhatIsCommonAndIssuesTheRestAnew(t *testing.T) {
	for common := range 7 {
		home := newHome()
		server := serve(t, home)
		a := newTablet(1)
		for i := range 7 {
			a.write(t, &Change{Record: labRecord, Kind: "interview", Op: OpEdit, Scope: "01969-03", Writes: []Write{{fmt.Sprintf("u%d", i), []byte("1")}}})
		}
		s, _ := session(server, a, nil)
		mustRun(t, s)
		old := a.replica
		a.lines = slices.Clone(a.lines[:common]) // last week's backup
		for i := range 9 - common {
			c := &Change{Record: labRecord, Kind: "interview", Op: OpEdit, Scope: "01969-03", Writes: []Write{{fmt.Sprintf("v%d", i), []byte("2")}}}
			if i > 0 {
				c.Parents = []Dot{{old, a.head().Seq}}
			}
			a.write(t, c)
		}
		s, _ = session(server, a, nil)
		sum := mustRun(t, s)
		if !sum.Renewed || a.replica == old || sum.Sent != 9-common {
			t.Fatalf("common %d: %+v", common, sum)
		}
		if len(home.feeds[old]) != 7 || len(home.feeds[a.replica]) != 9-common {
			t.Fatalf("common %d: the server has %d and %d", common, len(home.feeds[old]), len(home.feeds[a.replica]))
		}
		for i, l := range home.feeds[a.replica] {
			if was := l.Change.Was; was == nil || *was != (Dot{old, uint64(common + i + 1)}) {
				t.Fatalf("common %d: change %d was %v", common, i+1, was)
			}
			if i > 0 && l.Change.Parents[0] != (Dot{a.replica, uint64(i)}) {
				t.Fatalf("common %d: change %d has parents %v", common, i+1, l.Change.Parents)
			}
		}
		a.equalTo(t, home)
	}
}

func TestATabletBehindTheServerTakesANewReplica(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	a.household(t, testRound, "01969-03")
	s, _ := session(server, a, nil)
	mustRun(t, s)
	old := a.replica
	a.lines = a.lines[:1]
	s, _ = session(server, a, nil)
	if sum := mustRun(t, s); !sum.Renewed || a.replica == old || sum.Sent != 0 {
		t.Fatalf("%+v", sum)
	}
}

func TestAnotherEpochStartsFromASnapshot(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	a.household(t, testRound, "01969-03")
	s, _ := session(server, a, nil)
	mustRun(t, s)
	home.epoch = "e2"
	s, _ = session(server, a, nil)
	if sum := mustRun(t, s); sum.Snapshots != 1 || sum.Epoch != "e2" || a.cursors["01969-03"].Epoch != "e2" {
		t.Fatalf("%+v with cursors %v", sum, a.cursors)
	}
	a.equalTo(t, home)
}

func TestAFingerprintThatDiffersIsAnAlarmAndBringsASnapshot(t *testing.T) {
	home, writer := withFeed(t, 3)
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, writer.segment(1, 6))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	a := newTablet(2)
	s, _ := session(server, a, nil)
	mustRun(t, s)
	lost := sortedKeys(a.records)[0]
	delete(a.records, lost) // a bug, or a disk, loses one
	s, _ = session(server, a, nil)
	if sum := mustRun(t, s); !slices.Equal(sum.Alarms, []string{"01969-03"}) || sum.Snapshots != 1 {
		t.Fatalf("%+v", sum)
	}
	a.equalTo(t, home)
}

func TestWithdrawnScopesAreDroppedAfterThePush(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	a.household(t, testRound, "01969-03")
	a.plan.Drop = []string{"01969-09"}
	s, _ := session(server, a, nil)
	mustRun(t, s)
	if !slices.Equal(a.dropped, []string{"01969-09"}) || a.acked != 2 {
		t.Fatalf("dropped %v with %d acknowledged", a.dropped, a.acked)
	}

	a.plan.Drop = nil
	mustRun(t, s)
	if a.drops != 2 { // what a session that was cut off had begun is finished by the next one, which names nothing to drop
		t.Fatalf("two sessions asked to drop %d times", a.drops)
	}
}

func TestASnapshotGoesOnWhereTheLinkBroke(t *testing.T) {
	home, writer := withFeed(t, 40)
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, writer.segment(1, 80))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	whole, err := home.Snapshot(t.Context(), Device{}, "01969-03", nil)
	if err != nil {
		t.Fatal(err)
	}
	size := len(whole.Gzip)
	breaks, ranges := 0, []string{}
	a := newTablet(2)
	s, _ := session(server, a, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		res, err := next.RoundTrip(req)
		if err == nil && strings.HasPrefix(req.URL.Path, PathSnapshot) {
			ranges = append(ranges, req.Header.Get("Range"))
			if breaks++; breaks <= 5 {
				res.Body = cutBody{io.LimitReader(res.Body, int64(size/7)), res.Body}
			}
		}
		return res, err
	})
	s.Attempts = 10
	sum := mustRun(t, s)
	if breaks != 6 || ranges[5] != fmt.Sprintf("bytes=%d-", 5*(size/7)) {
		t.Fatalf("%d requests with ranges %v for %d bytes", breaks, ranges, size)
	}
	if sum.Down > int64(size+2000) {
		t.Fatalf("%d bytes came down for a snapshot of %d", sum.Down, size)
	}
	a.equalTo(t, home)
}

func TestASnapshotIsServedWithHeadRangeAndStrongETag(t *testing.T) {
	home, writer := withFeed(t, 10)
	server := serve(t, home)
	if status, p, _ := post(t, server, PathPush, bodyOf(t, writer.segment(1, 20))); status != 200 {
		t.Fatalf("%d %v", status, p)
	}
	get := func(method, query string, headers map[string]string) (*http.Response, []byte) {
		req, _ := http.NewRequest(method, server.URL+PathSnapshot+"01969-03"+query, nil)
		req.Header.Set("Authorization", "Bearer token")
		req.Header.Set("Accept-Encoding", "gzip")
		for k, v := range headers {
			req.Header.Set(k, v)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, body
	}
	whole, _ := home.Snapshot(t.Context(), Device{}, "01969-03", nil)
	res, body := get("GET", "", nil)
	etag := res.Header.Get("ETag")
	if res.StatusCode != 200 || !bytes.Equal(body, whole.Gzip) || !strings.HasPrefix(etag, `"`) || res.ContentLength != int64(len(body)) ||
		res.Header.Get("Content-Type") != MediaType || res.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("GET: %d, %d bytes, %v", res.StatusCode, len(body), res.Header)
	}
	if res, body := get("HEAD", "", nil); res.StatusCode != 200 || len(body) != 0 || res.ContentLength != int64(len(whole.Gzip)) || res.Header.Get("ETag") != etag {
		t.Errorf("HEAD: %d, length %d, %v", res.StatusCode, res.ContentLength, res.Header)
	}
	if res, body := get("GET", "?at=e1.20", map[string]string{"Range": "bytes=100-199", "If-Range": etag}); res.StatusCode != 206 || !bytes.Equal(body, whole.Gzip[100:200]) || res.ContentLength != 100 {
		t.Errorf("Range: %d, %d bytes, %v", res.StatusCode, len(body), res.Header)
	}
	if res, body := get("GET", "", map[string]string{"Range": "bytes=100-199", "If-Range": `"other"`}); res.StatusCode != 200 || len(body) != len(whole.Gzip) {
		t.Errorf("Range of another version: %d, %d bytes", res.StatusCode, len(body))
	}
	if res, _ := get("GET", "", map[string]string{"Range": "bytes=9999999-"}); res.StatusCode != 416 {
		t.Errorf("Range past the end: %d", res.StatusCode)
	}
	if res, _ := get("GET", "", map[string]string{"If-None-Match": etag}); res.StatusCode != 304 {
		t.Errorf("the same version again: %d", res.StatusCode)
	}
	plain, text := get("GET", "", map[string]string{"Accept-Encoding": "identity"})
	if plain.StatusCode != 200 || plain.Header.Get("ETag") == etag || !bytes.HasPrefix(text, []byte(`{"scope":"01969-03"`)) {
		t.Errorf("without gzip: %d %v %.40q", plain.StatusCode, plain.Header, text)
	}
	if res, _ := get("GET", "?at=e1", nil); res.StatusCode != 400 {
		t.Errorf("half a position: %d", res.StatusCode)
	}
	home.removed = true
	if res, _ := get("GET", "?at=e1.20", nil); res.StatusCode != 410 {
		t.Errorf("a snapshot that is not kept: %d", res.StatusCode)
	}
	home.denied["01969-03"] = true
	if res, _ := get("GET", "", nil); res.StatusCode != 403 {
		t.Errorf("a scope that is not granted: %d", res.StatusCode)
	}
}

func TestAServerThatFallsSilentIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	client := &Client{Base: server.URL, Token: "token", Idle: 20 * time.Millisecond}
	if _, err := client.Hello(t.Context(), &HelloRequest{}); !errors.Is(err, errSilence) {
		t.Fatalf("got %v", err)
	}
}

func TestPullPromisingMoreWithoutMovingIsAFailure(t *testing.T) {
	server := serve(t, stuck{newHome()})
	a := newTablet(1)
	s, _ := session(server, a, nil)
	if _, err := s.Run(t.Context()); err == nil {
		t.Fatal("a pull that never ends was taken for a sync")
	}
}

type stuck struct{ *memoryHome }

func (stuck) Pull(_ context.Context, _ Device, req *PullRequest, emit func(*PullLine) error) error {
	return emit(&PullLine{End: &PullEnd{End: maps.Clone(req.Cursors), More: true}})
}

package sim

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// link is the way from one tablet to the server, without sockets: it calls the handler itself. Of a bad link each request may
// suffer something of its own.
type link struct {
	w      *world
	t      *tab
	r      *rand.Rand
	bad    int
	dead   bool   // the program that used it was killed
	killed string // what is left of the tablet's folder
}

// request is what went on the wire.
type request struct {
	method, url string
	header      http.Header
	body        []byte
}

var (
	errLost = errors.New("sim: the connection broke")
	errDead = errors.New("sim: the program was killed")
)

func (l *link) begin(r *rand.Rand, bad int) { l.r, l.bad, l.dead, l.killed = r, bad, false, "" }

// RoundTrip carries a request as well as the link lets it.
func (l *link) RoundTrip(in *http.Request) (*http.Response, error) {
	if l.dead {
		return nil, errDead
	}
	req := request{in.Method, in.URL.String(), in.Header.Clone(), nil}
	if in.Body != nil {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			return nil, err
		}
		in.Body.Close()
		req.body = body
	}
	if l.r == nil || !chance(l.r, l.bad) {
		return l.answer(in, l.w.home.serve(req))
	}
	return l.suffer(in, req)
}

// answer hands a recorded answer to the client.
func (l *link) answer(in *http.Request, rec *httptest.ResponseRecorder) (*http.Response, error) {
	res := rec.Result()
	res.Request = in
	res.ContentLength = -1
	return res, nil
}

// suffer draws what happens to a request on a bad link.
func (l *link) suffer(in *http.Request, req request) (*http.Response, error) {
	fates := []struct {
		weight int
		name   string
		do     func(*http.Request, request) (*http.Response, error)
	}{
		{10, "N1 request lost", func(*http.Request, request) (*http.Response, error) { return nil, errLost }},
		{14, "S5 answer lost", l.answerLost}, {8, "N4 sent twice", l.twice}, {8, "N5 comes late", l.late},
		{6, "N6 request cut", l.cutRequest}, {8, "N6 answer cut", l.cutAnswer}, {5, "N7 request garbled", l.garbleRequest},
		{5, "N7 answer garbled", l.garbleAnswer}, {4, "a proxy answers", l.portal}, {4, "the server is busy", l.busy}, {6, "N2 slow", l.slow},
		{3, "S1 server killed before", l.serverBefore}, {5, "S2-S4 server killed inside", l.serverInside}, {4, "S5 server killed after", l.serverAfter},
		{3, "T5 tablet killed before", l.tabletBefore}, {2, "T6 tablet killed half way", l.tabletHalf}, {3, "T7 tablet killed, no answer", l.tabletNoAnswer},
		{4, "T8 tablet killed, answer not stored", l.tabletAnswer},
	}
	n := l.r.IntN(102)
	for _, f := range fates {
		if n -= f.weight; n < 0 {
			l.w.fault("%s (%s %s)", f.name, l.t.name, in.URL.Path)
			return f.do(in, req)
		}
	}
	return l.answer(in, l.w.home.serve(req))
}

func (l *link) answerLost(_ *http.Request, req request) (*http.Response, error) {
	l.w.home.serve(req)
	return nil, errLost
}

func (l *link) twice(in *http.Request, req request) (*http.Response, error) {
	first := l.w.home.serve(req)
	second := l.w.home.serve(req)
	return l.answer(in, one(l.r, first, second))
}

// late keeps a copy that arrives some steps later, behind requests that were sent after it.
func (l *link) late(_ *http.Request, req request) (*http.Response, error) {
	l.w.late = append(l.w.late, req)
	return nil, errLost
}

func (l *link) cutRequest(in *http.Request, req request) (*http.Response, error) {
	req.body = req.body[:len(req.body)*l.r.IntN(100)/100]
	return l.answer(in, l.w.home.serve(req))
}

func (l *link) cutAnswer(in *http.Request, req request) (*http.Response, error) {
	rec := l.w.home.serve(req)
	body := rec.Body.Bytes()
	rec.Body = bytes.NewBuffer(body[:len(body)*l.r.IntN(100)/100])
	return l.answer(in, rec)
}

// garbleRequest changes a byte of a push. What has no checksum of its own, a hello, is TLS's to protect.
func (l *link) garbleRequest(in *http.Request, req request) (*http.Response, error) {
	if strings.HasSuffix(in.URL.Path, fieldsync.PathPush) {
		garble(l.r, req.body)
	}
	return l.answer(in, l.w.home.serve(req))
}

func (l *link) garbleAnswer(in *http.Request, req request) (*http.Response, error) {
	rec := l.w.home.serve(req)
	if rec.Header().Get("Content-Encoding") != "" {
		garble(l.r, rec.Body.Bytes())
	}
	return l.answer(in, rec)
}

func garble(r *rand.Rand, body []byte) {
	if len(body) > 0 {
		body[r.IntN(len(body))] ^= byte(1 + r.IntN(255))
	}
}

func (l *link) portal(in *http.Request, _ request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "text/html")
	rec.WriteString("<html>Chào mừng đến với Wi-Fi miễn phí</html>")
	return l.answer(in, rec)
}

func (l *link) busy(in *http.Request, _ request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	rec.WriteHeader(http.StatusServiceUnavailable)
	return l.answer(in, rec)
}

func (l *link) slow(in *http.Request, req request) (*http.Response, error) {
	l.w.clock.Add(int64(l.r.IntN(40*3600)) * 1000)
	return l.answer(in, l.w.home.serve(req))
}

func (l *link) serverBefore(*http.Request, request) (*http.Response, error) {
	l.w.home.crash()
	return nil, errLost
}

func (l *link) serverInside(_ *http.Request, req request) (*http.Response, error) {
	l.w.home.crashInside(1+l.r.IntN(6), func() { l.w.home.serve(req) })
	return nil, errLost
}

func (l *link) serverAfter(_ *http.Request, req request) (*http.Response, error) {
	l.w.home.serve(req)
	l.w.home.crash()
	return nil, errLost
}

// die lets the tablet be killed as it is now; the doomed session is cut off from the server.
func (l *link) die() { l.killed, l.dead = l.t.copy(), true }

func (l *link) tabletBefore(*http.Request, request) (*http.Response, error) {
	l.die()
	return nil, errDead
}

func (l *link) tabletHalf(in *http.Request, req request) (*http.Response, error) {
	l.die()
	return l.cutRequest(in, req)
}

func (l *link) tabletNoAnswer(_ *http.Request, req request) (*http.Response, error) {
	l.w.home.serve(req)
	l.die()
	return nil, errDead
}

func (l *link) tabletAnswer(in *http.Request, req request) (*http.Response, error) {
	rec := l.w.home.serve(req)
	l.die()
	return l.answer(in, rec)
}

// deliverLate brings requests that were held back to the server; nobody hears the answers.
func (w *world) deliverLate(n int) {
	for ; n > 0 && len(w.late) > 0; n-- {
		w.home.serve(w.late[0])
		w.late = w.late[1:]
	}
}

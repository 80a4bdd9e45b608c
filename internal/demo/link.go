package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Link is a bad connection between a tablet and the server: it loses requests, loses answers after the server has acted on
// them, sends requests twice, cuts answers short and delays. It is an http.RoundTripper, safe for concurrent use.
type Link struct {
	Base http.RoundTripper

	mu     sync.Mutex
	chance *random
	faults Faults
}

// Faults counts what a link did.
type Faults struct {
	Requests, Lost, AnswersLost, Repeated, Cut, Delayed int
}

// String says it in one line.
func (f Faults) String() string {
	return fmt.Sprintf("%d requests: %d lost, %d answers lost, %d sent twice, %d answers cut, %d delayed",
		f.Requests, f.Lost, f.AnswersLost, f.Repeated, f.Cut, f.Delayed)
}

// Add sums the faults of several links.
func (f Faults) Add(o Faults) Faults {
	return Faults{f.Requests + o.Requests, f.Lost + o.Lost, f.AnswersLost + o.AnswersLost, f.Repeated + o.Repeated, f.Cut + o.Cut, f.Delayed + o.Delayed}
}

// NewLink returns a bad link over base; the seed decides which requests suffer.
func NewLink(base http.RoundTripper, seed uint64) *Link {
	return &Link{Base: base, chance: newRandom(seed)}
}

// Faults returns what happened so far.
func (l *Link) Faults() Faults {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

var (
	errLost       = errors.New("link: the request was lost")
	errAnswerLost = errors.New("link: the answer was lost")
)

type fate int

const (
	fine fate = iota
	lost
	answerLost
	repeated
	cut
	delayed
)

// draw decides the fate of one request: about one in five suffers.
func (l *Link) draw() fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults.Requests++
	switch roll := l.chance.IntN(100); {
	case roll < 4:
		l.faults.Lost++
		return lost
	case roll < 8:
		l.faults.AnswersLost++
		return answerLost
	case roll < 12:
		l.faults.Repeated++
		return repeated
	case roll < 15:
		l.faults.Cut++
		return cut
	case roll < 22:
		l.faults.Delayed++
		return delayed
	}
	return fine
}

// RoundTrip sends the request as well as the link lets it.
func (l *Link) RoundTrip(req *http.Request) (*http.Response, error) {
	fate := l.draw()
	if fate == lost {
		return nil, errLost
	}
	if fate == delayed {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	again, err := replay(req)
	if err != nil {
		return nil, err
	}
	resp, err := l.Base.RoundTrip(req)
	if err != nil || fate == fine || fate == delayed {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	switch fate {
	case answerLost:
		return nil, errAnswerLost
	case repeated:
		return l.Base.RoundTrip(again)
	case cut:
		body = body[:len(body)/2]
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = -1
	return resp, nil
}

// replay returns a second copy of the request, for a link that sends it twice.
func replay(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.Body == nil {
		return again, nil
	}
	body, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	again.Body = io.NopCloser(bytes.NewReader(body))
	return again, nil
}

package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Session is one sync of a tablet with a server: own changes go up first, then what others did comes down. It holds no state
// of its own that matters: it can be cut at any moment and run again.
type Session struct {
	Client   *Client
	Local    Local
	Progress func(Event) // called from Run, never from elsewhere; may be nil

	Attempts int                                              // failures in a row before Run gives up; 0 means 4, less means never
	Sleep    func(ctx context.Context, d time.Duration) error // nil means the clock
	Jitter   func() float64                                   // in [0,1); nil means random

	summary  Summary
	plan     Plan
	limits   LimitsInfo
	replica  string
	failures int
	batch    batch
	pullMax  int
}

// Phases of a session, in their order; PhaseWait comes before each retry.
const (
	PhaseHello    = "hello"
	PhasePush     = "push"
	PhaseSnapshot = "snapshot"
	PhasePull     = "pull"
	PhaseWait     = "wait"
	PhaseDone     = "done"
)

// Event tells a person how far a session is.
type Event struct {
	Phase    string
	Scope    string        // with PhaseSnapshot
	Done, Of int           // changes sent, or lines applied; Of is 0 when the end is not known
	Up, Down int64         // bytes of bodies on the wire so far
	Err      error         // with PhaseWait: what failed
	Wait     time.Duration // with PhaseWait: how long until the next try
}

// Summary is what a session did; it is filled in also when the session failed.
type Summary struct {
	Sent      int   // changes acknowledged
	Pulled    int   // lines applied
	Snapshots int   // scopes fetched whole
	Up, Down  int64 // bytes of bodies on the wire
	Notes     []Note
	Alarms    []string // scopes whose fingerprint differed from the server's; each was fetched anew
	Renewed   bool     // the tablet took a new replica id after a fork
	Server    string
	Epoch     string
	Took      time.Duration
}

// Retries wait from backoffMin, doubling up to backoffMax, each shortened at random by up to a half so that tablets that lost
// one server together do not come back together.
const (
	backoffMin = 5 * time.Second
	backoffMax = 30 * time.Minute
)

const (
	defaultAttempts = 4
	maxFeeds        = 8         // retired replicas one session sends for
	maxRounds       = 3         // times a session starts again at hello, after a fork or another epoch
	pullMin         = 4 << 10   // bytes before compression
	pullStart       = 128 << 10 // about 20 KB on the wire
)

// errAgain asks for a new hello: what the server said in it holds no more.
var errAgain = errors.New("start again at hello")

// Run does one whole sync. Errors of the Local end it at once; errors of the network and the server are retried as long as a
// retry can help, and then returned.
func (s *Session) Run(ctx context.Context) (Summary, error) {
	start := time.Now()
	up, down := s.Client.Traffic()
	s.summary, s.failures = Summary{}, 0
	s.batch, s.pullMax = newBatch(), pullStart
	err := s.rounds(ctx)
	u, d := s.Client.Traffic()
	s.summary.Up, s.summary.Down, s.summary.Took = u-up, d-down, time.Since(start)
	if err == nil {
		s.tell(Event{Phase: PhaseDone})
	}
	return s.summary, err
}

func (s *Session) rounds(ctx context.Context) error {
	for round := 1; ; round++ {
		err := s.once(ctx)
		if !errors.Is(err, errAgain) {
			return err
		}
		if round == maxRounds {
			return fmt.Errorf("sync: the server and this tablet do not come to terms: %w", err)
		}
	}
}

func (s *Session) once(ctx context.Context) error {
	if err := s.send(ctx); err != nil {
		return err
	}
	// Own changes are out: what is not this tablet's to hold goes first, also what a session that was cut off had begun to drop.
	if err := s.Local.DropScopes(ctx, s.plan.Drop); err != nil {
		return err
	}
	if err := s.bootstrap(ctx, s.plan.Snapshots); err != nil {
		return err
	}
	return s.pull(ctx)
}

// send greets and pushes, for each replica the tablet has something of, until it greets twice for the same.
func (s *Session) send(ctx context.Context) error {
	for last := ""; ; {
		greeting, err := s.Local.Greeting(ctx)
		if err != nil {
			return err
		}
		if greeting.Replica == last {
			return nil
		}
		if last = greeting.Replica; s.batch.feeds == maxFeeds {
			return nil // the rest with the next session
		}
		s.batch.feeds++
		answer, err := s.hello(ctx, greeting)
		if err != nil {
			return err
		}
		if s.plan.Fork {
			return s.renew(ctx, greeting, answer.Have.Seq)
		}
		if err := s.push(ctx, greeting, answer.Have.Seq); err != nil {
			return err
		}
	}
}

func (s *Session) hello(ctx context.Context, greeting *HelloRequest) (*HelloAnswer, error) {
	s.tell(Event{Phase: PhaseHello})
	s.replica = greeting.Replica
	var answer *HelloAnswer
	err := s.retry(ctx, func() (err error) {
		answer, err = s.Client.Hello(ctx, greeting)
		return err
	})
	if p, ok := asProblem(err, CodeFork); ok {
		s.plan = Plan{Fork: true}
		return &HelloAnswer{Have: haveOf(p, greeting.Seq)}, nil
	}
	if err != nil {
		return nil, err
	}
	s.limits = answer.Limits
	s.summary.Server, s.summary.Epoch = answer.Server, answer.Epoch
	s.summary.Notes = append(s.summary.Notes, answer.Notes...)
	s.plan, err = s.Local.Learn(ctx, answer)
	return answer, err
}

func haveOf(p *Problem, otherwise uint64) Have {
	if p.Have != nil {
		return *p.Have
	}
	return Have{Seq: otherwise}
}

// renew finds the last change this tablet and the server have in common, by asking hello, which changes nothing, with smaller
// numbers; then the tablet takes a new replica id and issues the rest again.
func (s *Session) renew(ctx context.Context, greeting *HelloRequest, have uint64) error {
	if s.summary.Renewed {
		return errors.New("sync: the server has another history of this tablet, also after a new replica id")
	}
	common, upTo := uint64(0), min(greeting.Seq, have)
	for probe := upTo; common < upTo; probe = common + (upTo-common+1)/2 {
		same, err := s.isCommon(ctx, greeting, probe)
		if err != nil {
			return err
		}
		if same {
			common = probe
		} else {
			upTo = probe - 1
		}
	}
	if err := s.Local.Renew(ctx, common); err != nil {
		return err
	}
	s.summary.Renewed = true
	return errAgain
}

// isCommon asks whether the server has the same change of this number as the tablet.
func (s *Session) isCommon(ctx context.Context, greeting *HelloRequest, seq uint64) (bool, error) {
	h, err := s.Local.ChainAt(ctx, seq)
	if err != nil {
		return false, err
	}
	ask := *greeting
	ask.Seq, ask.H = seq, h
	var answer *HelloAnswer
	err = s.retry(ctx, func() (err error) {
		answer, err = s.Client.Hello(ctx, &ask)
		return err
	})
	if _, forked := asProblem(err, CodeFork); forked {
		return false, nil
	}
	return err == nil && answer.Have.Seq >= seq, err // what the server has not is not common, and would count as acknowledged
}

// batch is how much one push carries. It halves when a push fails, as a short one may get through a link where a long one
// never does, and grows again with each success.
type batch struct {
	changes int
	ratio   float64 // bytes of lines to bytes on the wire, as the last pushes had it
	feeds   int
}

func newBatch() batch { return batch{changes: MaxBatchChanges, ratio: 4} }

func (b *batch) halve(sent int) { b.changes = max(1, sent/2) }

func (b *batch) grow(limit, raw int, wire int64) {
	b.changes = min(2*b.changes, limit)
	if wire > 0 {
		b.ratio = max(1, min(30, (b.ratio+float64(raw)/float64(wire))/2))
	}
}

// size is the batch in bytes of lines.
func (b *batch) size(limits LimitsInfo) int {
	wire := cmp.Or(limits.Wire, WireBytes)
	return min(int(float64(wire)*b.ratio), cmp.Or(limits.Bytes, MaxRequestBytes)-4<<10)
}

// push sends the own feed after a number until nothing is left.
func (s *Session) push(ctx context.Context, greeting *HelloRequest, after uint64) error {
	of := int(greeting.Seq - min(after, greeting.Seq))
	limit := max(1, min(cmp.Or(s.limits.Changes, MaxBatchChanges), MaxBatchChanges))
	s.batch.changes = min(s.batch.changes, limit)
	for done := 0; ; {
		s.tell(Event{Phase: PhasePush, Done: done, Of: max(of, done)})
		seg, err := s.Local.Outbox(ctx, after, s.batch.changes, s.batch.size(s.limits))
		if err != nil || seg == nil {
			return err
		}
		before, _ := s.Client.Traffic()
		answer, err := s.Client.Push(ctx, seg)
		if err != nil {
			if after, err = s.pushFailed(ctx, seg, after, err); err != nil {
				return err
			}
			continue
		}
		if err := s.Local.Acked(ctx, answer); err != nil {
			return err
		}
		up, _ := s.Client.Traffic()
		s.batch.grow(limit, seg.size(0), up-before)
		s.failures = 0
		after, done = answer.Through, done+len(seg.Lines)
		s.summary.Sent += len(seg.Lines)
		s.summary.Notes = append(s.summary.Notes, answer.Notes...)
	}
}

// pushFailed decides from where to go on, or that the push is over.
func (s *Session) pushFailed(ctx context.Context, seg *Segment, after uint64, err error) (uint64, error) {
	if p, ok := asProblem(err, CodeGap); ok && p.Have != nil && p.Have.Seq < after {
		return p.Have.Seq, nil
	}
	if _, ok := asProblem(err, CodeFork); ok {
		return 0, errAgain // hello tells the same, and finds out from where on
	}
	if _, ok := asProblem(err, CodeTooLarge); ok && len(seg.Lines) > 1 {
		s.batch.halve(len(seg.Lines))
		return after, nil
	}
	s.batch.halve(len(seg.Lines))
	s.Client.dict.Store(false) // something in between may not let zstd through; gzip is always right
	return after, s.wait(ctx, err)
}

// bootstrap fetches scopes whole.
func (s *Session) bootstrap(ctx context.Context, scopes []string) error {
	for i, scope := range scopes {
		s.tell(Event{Phase: PhaseSnapshot, Scope: scope, Done: i, Of: len(scopes)})
		download := &Download{Scope: scope}
		var head *SnapshotHead
		var states []*State
		err := s.retry(ctx, func() (err error) {
			head, states, err = s.Client.Fetch(ctx, download)
			return err
		})
		if _, withdrawn := asProblem(err, CodeScope); withdrawn {
			return errAgain
		}
		if err != nil {
			return err
		}
		if err := s.Local.Bootstrap(ctx, head, states); err != nil {
			return err
		}
		s.summary.Snapshots++
	}
	return nil
}

// pull reads on from the cursors until the server has no more, then compares fingerprints.
func (s *Session) pull(ctx context.Context) error {
	for {
		s.tell(Event{Phase: PhasePull, Done: s.summary.Pulled})
		cursors, err := s.Local.Cursors(ctx)
		if err != nil || len(cursors) == 0 {
			return err
		}
		lines, err := s.pullOnce(ctx, cursors)
		if err != nil {
			return err
		}
		if err := s.Local.Pulled(ctx, lines); err != nil {
			return err
		}
		s.summary.Pulled += len(lines) - 1
		end := lines[len(lines)-1].End
		if !end.More {
			return s.compare(ctx, end.FP)
		}
		if maps.Equal(end.End, cursors) {
			return fmt.Errorf("pull: %w", unheard("it promises more and moves no cursor"))
		}
	}
}

func (s *Session) pullOnce(ctx context.Context, cursors map[string]Cursor) (lines []*PullLine, err error) {
	err = s.retry(ctx, func() (err error) {
		lines, err = s.Client.Pull(ctx, &PullRequest{Cursors: cursors, Max: s.pullMax, Replica: s.replica})
		if err != nil {
			s.pullMax = max(pullMin, s.pullMax/2)
			s.Client.dict.Store(false)
		} else {
			s.pullMax = min(2*s.pullMax, MaxRequestBytes)
		}
		return err
	})
	for _, code := range []string{CodeEpoch, CodeScope} {
		if _, stale := asProblem(err, code); stale {
			return nil, errAgain
		}
	}
	return lines, err
}

// compare checks that this tablet has exactly what the server has. A scope that has not more changes here than there, and
// still another fingerprint, lacks some: that must never be, so it is told, and the scope is fetched anew.
func (s *Session) compare(ctx context.Context, want map[string]Print) error {
	if len(want) == 0 {
		return nil
	}
	have, err := s.Local.Fingerprints(ctx)
	if err != nil {
		return err
	}
	var differ []string
	for _, scope := range slices.Sorted(maps.Keys(want)) {
		if fp, ok := have[scope]; ok && fp != want[scope] && fp.Count <= want[scope].Count {
			differ = append(differ, scope)
		}
	}
	s.summary.Alarms = append(s.summary.Alarms, differ...)
	return s.bootstrap(ctx, differ)
}

// retry calls f until it succeeds, fails for good, or has failed too often in a row.
func (s *Session) retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			s.failures = 0
			return nil
		}
		if err := s.wait(ctx, err); err != nil {
			return err
		}
	}
}

// wait sleeps before a retry; it returns the failure when a retry cannot help.
func (s *Session) wait(ctx context.Context, failure error) error {
	if ctx.Err() != nil || !passing(failure) {
		return failure
	}
	s.failures++
	if attempts := cmp.Or(s.Attempts, defaultAttempts); attempts > 0 && s.failures >= attempts {
		return failure
	}
	jitter, sleep := s.Jitter, s.Sleep
	if jitter == nil {
		jitter = rand.Float64
	}
	if sleep == nil {
		sleep = sleepFor
	}
	d := min(backoffMin<<min(s.failures-1, 20), backoffMax)
	d -= time.Duration(jitter() * float64(d) / 2)
	s.tell(Event{Phase: PhaseWait, Err: failure, Wait: d})
	if err := sleep(ctx, d); err != nil {
		return cmp.Or(failure, err)
	}
	return nil
}

func sleepFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passing tells whether a failure may go away by itself: the link's, a damaged body, a busy server. What the server refuses for
// a reason stays refused.
func passing(err error) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return true
	}
	switch p.Code {
	case CodeLines, CodeSequence, CodeChain, CodeSignature, CodeUnheard, CodeGone, codeRange:
		return true
	}
	return p.Status >= 500 || p.Status == http.StatusTooManyRequests || p.Status == http.StatusRequestTimeout
}

func asProblem(err error, code string) (*Problem, bool) {
	var p *Problem
	return p, errors.As(err, &p) && p.Code == code
}

func (s *Session) tell(e Event) {
	if s.Progress == nil {
		return
	}
	e.Up, e.Down = s.Client.Traffic()
	s.Progress(e)
}

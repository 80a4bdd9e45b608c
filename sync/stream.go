package sync

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// How bodies come in and go out over a slow link: a client is let go when it falls silent, never for being slow.

// body opens a request's body, decompressed and guarded. done is to be called when it has been read.
func (h *handler) body(w http.ResponseWriter, r *http.Request) (in io.Reader, done func(), err error) {
	raw := &progress{r: r.Body, control: http.NewResponseController(w), idle: h.o.Idle}
	coding := contentCoding(r.Header)
	switch coding {
	case "":
		return raw, func() {}, nil
	case codingGzip, codingZstd:
		f, err := newInflater(raw, coding)
		if err != nil {
			f.Close()
			return nil, nil, bodyProblem(err)
		}
		return f, f.Close, nil
	}
	w.Header().Set("Accept-Encoding", codingGzip)
	return nil, nil, codingProblem()
}

// progress puts the read deadline off with every piece that arrives.
type progress struct {
	r       io.Reader
	control *http.ResponseController
	idle    time.Duration
}

func (p *progress) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(p.idle)) // a writer without deadlines has its own
	return p.r.Read(b)
}

// patient puts the write deadline off with every piece that is taken.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
}

// writePiece is what a client must take within one idle time: at 2G, seconds.
const writePiece = 16 << 10

func (p *patient) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		_ = p.control.SetWriteDeadline(time.Now().Add(p.idle))
		var k int
		k, err = p.ResponseWriter.Write(b[:min(len(b), writePiece)])
		n, b = n+k, b[k:]
	}
	return n, err
}

// Unwrap lets a ResponseController reach the connection.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// end takes the deadline off: the connection may be used by other pages.
func (p *patient) end() { _ = p.control.SetWriteDeadline(time.Time{}) }

// lineWriter sends lines as they come. It keeps the first longBody bytes back: an error before them can still be told, and
// by then it is known whether the answer is a long one.
type lineWriter struct {
	w      http.ResponseWriter
	coding string
	kept   []byte
	out    io.Writer // nil while lines are kept back
	done   func(closed bool) error
}

func (l *lineWriter) write(line []byte) error {
	if l.out == nil {
		if l.kept = append(l.kept, line...); len(l.kept) < longBody {
			return nil
		}
		return l.begin(true)
	}
	_, err := l.out.Write(line)
	return err
}

func (l *lineWriter) begin(long bool) error {
	l.out, l.done = beginAnswer(l.w, l.coding, long)
	_, err := l.out.Write(l.kept)
	l.kept = nil
	return err
}

func (l *lineWriter) begun() bool { return l.out != nil }

func (l *lineWriter) finish() error {
	if l.out == nil {
		if len(l.kept) == 0 {
			return errors.New("a pull ended without its end line")
		}
		if err := l.begin(false); err != nil {
			return err
		}
	}
	done := l.done
	l.done = nil
	return done(true)
}

func (l *lineWriter) release() {
	if l.done != nil {
		_ = l.done(false)
	}
}

// beginAnswer writes the head of a good answer and returns where its body goes. done closes the compression, or only gives
// its writer back.
func beginAnswer(w http.ResponseWriter, coding string, long bool) (out io.Writer, done func(closed bool) error) {
	head := w.Header()
	head.Set("Content-Type", MediaType)
	head.Add("Vary", "Accept-Encoding")
	if coding == "" {
		return w, func(bool) error { return nil }
	}
	head.Set("Content-Encoding", coding)
	z, giveBack := encoder(w, coding, answerLevel, long)
	return z, func(closed bool) (err error) {
		if closed {
			err = z.Close()
		}
		giveBack()
		return err
	}
}

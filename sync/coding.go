package sync

import (
	stdgzip "compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Content codings. Gzip is spoken by everyone, always. A server that names a dictionary in hello also takes zstd made with it:
// most syncs carry a few small changes, and those are half as long when both sides already know what a change looks like.
const (
	codingGzip = "gzip"
	codingZstd = "zstd"
)

// DictD1 names the first preset dictionary: some made-up households as they stand on the wire. It never changes; another one
// gets another name and number.
const DictD1 = "d1"

const dictD1Number = 1

//go:embed dict/d1
var dictD1 []byte

// Levels: requests are small and go over a slow link, so they get the best; answers are many.
const (
	answerLevel  = 6
	requestLevel = stdgzip.BestCompression
)

// A reader's window and a writer's tables cost more to make than a small message costs to send, so both are kept and used
// again.
var (
	gzipReaders, zstdReaders sync.Pool
	gzipWriters              = map[int]*sync.Pool{answerLevel: gzipWritersOf(answerLevel), requestLevel: gzipWritersOf(requestLevel)}
	zstdWriters              = zstdWritersOf(zstd.SpeedBetterCompression)
	bestWriters              = zstdWritersOf(zstd.SpeedBestCompression)

	// bestAtOnce are the best writers in use: each holds some 30 MB that are cleared for every message, and a slow reader holds
	// one for minutes. Short messages and whoever finds none free take the second best: 3 % longer, 13 ms sooner.
	bestAtOnce = make(chan struct{}, 2)
)

func zstdWritersOf(level zstd.EncoderLevel) *sync.Pool {
	return &sync.Pool{New: func() any {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(MaxRequestBytes), zstd.WithLowerEncoderMem(true), zstd.WithEncoderDictRaw(dictD1Number, dictD1))
		return mustCoder(z, err)
	}}
}

func gzipWritersOf(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		z, err := stdgzip.NewWriterLevel(io.Discard, level) // 7 % shorter at level 6 than the faster package that reads
		return mustCoder(z, err)
	}}
}

// mustCoder panics only for options that are wrong in this file; any test would find it.
func mustCoder[T any](coder T, err error) T {
	if err != nil {
		panic(err)
	}
	return coder
}

// coder is what both writers are.
type coder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// longBody is from where the best writer is worth its tables.
const longBody = 64 << 10

// encoder returns a writer that codes a long or a short message into w, and what gives it back.
func encoder(w io.Writer, coding string, level int, long bool) (coder, func()) {
	pool, free := zstdWriters, func() {}
	switch {
	case coding == codingGzip:
		pool = gzipWriters[level]
	case long:
		select {
		case bestAtOnce <- struct{}{}:
			pool, free = bestWriters, func() { <-bestAtOnce }
		default:
		}
	}
	z := pool.Get().(coder)
	z.Reset(w)
	return z, func() {
		z.Reset(io.Discard)
		pool.Put(z)
		free()
	}
}

// inflater reads a coded body, guarded against bombs: past the first 64 KiB it may grow by at most MaxRatio.
type inflater struct {
	in   io.Reader
	pool *sync.Pool
	wire counter
	out  int64
}

// freeBytes may come out whatever went in: a short message of equal lines compresses very well and does no harm.
const freeBytes = 64 << 10

func newInflater(r io.Reader, coding string) (*inflater, error) {
	f := &inflater{wire: counter{r: r}}
	switch coding {
	case codingGzip:
		return f, f.openGzip()
	case codingZstd:
		return f, f.openZstd()
	}
	return nil, fmt.Errorf("content coding %.20q is not known", coding)
}

func (f *inflater) openGzip() error {
	f.pool = &gzipReaders
	var err error
	if z, ok := gzipReaders.Get().(*gzip.Reader); ok {
		f.in, err = z, z.Reset(&f.wire)
	} else if z, err = gzip.NewReader(&f.wire); err == nil {
		f.in = z
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // an end inside the header is a cut, not an empty body
	}
	return err
}

func (f *inflater) openZstd() error {
	f.pool = &zstdReaders
	z, ok := zstdReaders.Get().(*zstd.Decoder)
	if !ok {
		z = mustCoder(zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderMaxMemory(maxPulled), zstd.WithDecoderDictRaw(dictD1Number, dictD1)))
	}
	f.in = z
	return z.Reset(&f.wire)
}

func (f *inflater) Read(p []byte) (int, error) {
	n, err := f.in.Read(p)
	f.out += int64(n)
	switch {
	case f.out > freeBytes && f.out > MaxRatio*f.wire.n:
		return n, problem(http.StatusRequestEntityTooLarge, CodeTooLarge, "The body grows too much when decompressed.", "It looks like a decompression bomb.")
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return n, codingProblem()
	}
	return n, err
}

// Close gives the reader back; what was read stays valid.
func (f *inflater) Close() {
	if f.in != nil {
		f.pool.Put(f.in)
		f.in = nil
	}
}

func codingProblem() *Problem {
	return problem(http.StatusUnsupportedMediaType, CodeMediaType, "The content coding is not spoken here.", "Send Content-Encoding: gzip, or none; zstd only with a dictionary that hello names.")
}

// counter counts the bytes that pass.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// contentCoding is the coding of a body; "" means none.
func contentCoding(h http.Header) string {
	coding := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding")))
	if coding == "identity" {
		return ""
	}
	return coding
}

// accepts reads Accept-Encoding; "gzip;q=0" is a no.
func accepts(r *http.Request, coding string) bool {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
			if name = strings.TrimSpace(name); name == coding || (name == "*" && coding == codingGzip) {
				q := strings.ReplaceAll(params, " ", "")
				return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
			}
		}
	}
	return false
}

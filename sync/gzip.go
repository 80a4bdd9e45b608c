package sync

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// Compression. A reader's window and a writer's tables cost more to make than a small message costs to send, so both are
// kept and used again.

var gzipReaders sync.Pool // of *gzip.Reader

// gzipWriters are by level: requests are small and go over a slow link, so they get the best; answers are many.
var gzipWriters = map[int]*sync.Pool{
	answerLevel:  newWriters(answerLevel),
	requestLevel: newWriters(requestLevel),
}

const (
	answerLevel  = 6
	requestLevel = gzip.BestCompression
)

func newWriters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		z, err := gzip.NewWriterLevel(io.Discard, level)
		if err != nil {
			panic(err) // only for a level that does not exist
		}
		return z
	}}
}

func borrowWriter(w io.Writer, level int) *gzip.Writer {
	z := gzipWriters[level].Get().(*gzip.Writer)
	z.Reset(w)
	return z
}

func returnWriter(z *gzip.Writer, level int) {
	z.Reset(io.Discard)
	gzipWriters[level].Put(z)
}

// gunzip reads a gzip stream, guarded against bombs: past the first 64 KiB it may grow by at most MaxRatio.
type gunzip struct {
	z    *gzip.Reader
	wire counter
	out  int64
}

// freeBytes may come out whatever went in: a short message of equal lines compresses very well and does no harm.
const freeBytes = 64 << 10

func newGunzip(r io.Reader) (*gunzip, error) {
	g := &gunzip{wire: counter{r: r}}
	if z, ok := gzipReaders.Get().(*gzip.Reader); ok {
		g.z = z
		if err := z.Reset(&g.wire); err != nil {
			g.Close()
			return nil, unexpected(err)
		}
		return g, nil
	}
	z, err := gzip.NewReader(&g.wire)
	if err != nil {
		return nil, unexpected(err)
	}
	g.z = z
	return g, nil
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
	g.out += int64(n)
	if g.out > freeBytes && g.out > MaxRatio*g.wire.n {
		return n, problem(http.StatusRequestEntityTooLarge, CodeTooLarge, "The body grows too much when decompressed.", "It looks like a decompression bomb.")
	}
	return n, err
}

// Close gives the reader back; what was read stays valid.
func (g *gunzip) Close() {
	if g.z != nil {
		gzipReaders.Put(g.z)
		g.z = nil
	}
}

// unexpected makes an end inside a gzip header what it is: a cut.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
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

// acceptsGzip reads Accept-Encoding; "gzip;q=0" is a no.
func acceptsGzip(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
			if name = strings.TrimSpace(name); name == "gzip" || name == "*" {
				q := strings.ReplaceAll(params, " ", "")
				return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
			}
		}
	}
	return false
}

package sync

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// dictText is what d1 was made of: a few made-up households as they are pulled and pushed, the most frequent last.
func dictText(t *testing.T) []byte {
	a := newAuthor(99)
	var interviews []string
	for range 3 {
		_, interview := a.household(t, testRound, "01971-02")
		interviews = append(interviews, interview)
	}
	for _, interview := range interviews {
		a.edit(t, interview, []Dot{{a.replica, 2}})
	}
	var text []byte
	for i, l := range a.lines[6:] {
		text = append((&PullLine{C: &Position{"01971-02", uint64(i + 1)}, Replica: a.replica, S: l.Seq, B: l.Bytes}).Append(text), '\n')
	}
	return append(text, bodyOf(t, a.segment(1, 9))...)
}

// TestTheDictionaryNeverChanges: what was compressed with it must be readable by every later version. To change it, make d2.
func TestTheDictionaryNeverChanges(t *testing.T) {
	if *update && len(dictD1) == 0 {
		if err := os.WriteFile("dict/d1", dictText(t), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Skip("written; run again")
	}
	const want = "5fa81104590e675969ac15c53bbda0bb371b4eef4f3861245cc3514bc31b19fd"
	if sum := sha256.Sum256(dictD1); hex.EncodeToString(sum[:]) != want {
		t.Fatalf("the dictionary d1 is %x, must for ever be %s", sum, want)
	}
}

func TestADictionaryNamedInHelloIsUsedBothWaysAndGzipStaysValid(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	coded := map[string]int{}
	watch := link(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		coded["up "+req.URL.Path+" "+req.Header.Get("Content-Encoding")]++
		res, err := next.RoundTrip(req)
		if err == nil {
			coded["down "+req.URL.Path+" "+res.Header.Get("Content-Encoding")]++
		}
		return res, err
	})
	a, b := newTablet(1), newTablet(2)
	first, _ := session(server, b, watch)
	mustRun(t, first)
	a.household(t, testRound, "01969-03")
	second, _ := session(server, a, watch)
	mustRun(t, second)
	third, _ := session(server, b, watch)
	mustRun(t, third)
	b.equalTo(t, home)
	if coded["up "+PathPush+" zstd"] != 1 || coded["down "+PathPull+" zstd"] == 0 {
		t.Fatalf("codings: %v", coded)
	}
	a.household(t, testRound, "01969-03")
	if status, p, _ := post(t, server, PathPush, zip(t, bodyOf(t, a.segment(3, 4))), "Content-Encoding", "gzip"); status != 200 {
		t.Fatalf("gzip beside it: %d %v", status, p)
	}
}

func TestAPushOverALinkThatSpoilsZstdGoesOnWithGzip(t *testing.T) {
	home := newHome()
	server := serve(t, home)
	a := newTablet(1)
	a.household(t, testRound, "01969-03")
	s, waits := session(server, a, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		if req.Header.Get("Content-Encoding") == codingZstd {
			req = req.Clone(req.Context())
			req.Header.Del("Content-Encoding")
		}
		return next.RoundTrip(req)
	})
	if sum := mustRun(t, s); sum.Sent != 2 || len(*waits) != 1 {
		t.Fatalf("%+v after waits %v", sum, *waits)
	}
}

func TestZstdBombsCutsAndForeignDictionariesAreRefused(t *testing.T) {
	home, a := withFeed(t, 2)
	server := serve(t, home)
	code := func(b []byte, options ...zstd.EOption) []byte {
		z, err := zstd.NewWriter(nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		return z.EncodeAll(b, nil)
	}
	body := bodyOf(t, a.segment(1, 4))
	whole, coding := compress(body, true)
	if coding != codingZstd {
		t.Fatalf("coding %q", coding)
	}
	for name, c := range map[string]struct {
		body   []byte
		status int
		code   string
	}{
		"a bomb":             {code(bytes.Repeat([]byte(" "), 64<<20)), 413, CodeTooLarge},
		"a small bomb":       {code(bytes.Repeat([]byte(" "), 200<<10)), 413, CodeTooLarge},
		"another dictionary": {code(body, zstd.WithEncoderDictRaw(2, bytes.Repeat([]byte("household"), 99))), 415, CodeMediaType},
		"no zstd":            {body, 422, CodeLines},
		"cut":                {whole[:len(whole)/2], 422, CodeLines},
		"cut by a byte":      {whole[:len(whole)-1], 422, CodeLines},
	} {
		if status, p, _ := post(t, server, PathPush, c.body, "Content-Encoding", "zstd"); status != c.status || p.Code != c.code {
			t.Errorf("%s: %d %v, want %d %s", name, status, p, c.status, c.code)
		}
	}
	if home.pushes != 0 {
		t.Fatalf("%d bad pushes reached the store", home.pushes)
	}
	if status, p, _ := post(t, server, PathPush, whole, "Content-Encoding", "zstd"); status != 200 {
		t.Fatalf("the whole: %d %v", status, p)
	}
}

func TestReadersAreUsedAgainAfterABrokenBody(t *testing.T) {
	text := bytes.Repeat([]byte("Thôn Nà Cà\n"), 50)
	for _, dict := range []bool{false, true} {
		good, coding := compress(text, dict)
		for range 3 {
			for _, cut := range []int{0, 3, len(good) / 2, len(good)} {
				f, err := newInflater(bytes.NewReader(good[:cut]), coding)
				var got []byte
				if err == nil {
					got, err = io.ReadAll(f)
				}
				f.Close()
				if cut == len(good) && (err != nil || !bytes.Equal(got, text)) {
					t.Fatalf("%s whole: %d bytes, %v", coding, len(got), err)
				}
				if cut < len(good) && cut > 0 && err == nil {
					t.Fatalf("%s cut after %d bytes was read", coding, cut)
				}
			}
		}
	}
}

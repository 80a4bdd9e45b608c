package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/central/centraltest"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// asProgram makes the test binary the real program: two processes on one folder are then really two.
const asProgram = "RASOAT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		main()
	}
	os.Exit(centraltest.Main(m))
}

const sentence = "con trâu đen ăn cỏ"

const villageFile = `code,name,parent_code,valid_from,valid_to
01969-01,Nà Cáy,01969,2020-01-01,
01969-02,Khuổi Bốc,01969,2020-01-01,
01975-01,Bản Lạn,01975,2020-01-01,
`

// desk is an operator at a data folder.
type desk struct {
	t    testing.TB
	data string
}

func newDesk(t testing.TB) *desk { return &desk{t, filepath.Join(t.TempDir(), "data")} }

// try runs a command with the desk's --data.
func (d *desk) try(in string, args ...string) (status int, out, errOut string) {
	d.t.Helper()
	var o, e bytes.Buffer
	status = run(d.t.Context(), append(args, "--data", d.data), strings.NewReader(in), &o, &e)
	return status, o.String(), e.String()
}

// do runs a command that has to succeed and returns its output.
func (d *desk) do(in string, args ...string) string {
	d.t.Helper()
	status, out, errOut := d.try(in, args...)
	if status != statusOK {
		d.t.Fatalf("%v: status %d\n%s%s", args, status, out, errOut)
	}
	return out
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (d *desk) file(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// office sets up villages, two enumerators, a board and a round, and returns the round's id.
func (d *desk) office() (round string) {
	d.t.Helper()
	d.do("", "area", "import", d.file("villages.csv", villageFile))
	d.do(sentence+"\n", "account", "add", "en01", "--role", "enumerator", "--area", "01969-01", "--name", "Nông Thị Một")
	d.do("", "account", "add", "en02", "--role", "enumerator", "--area", "01975-01", "--name", "Triệu Văn Hai")
	d.do("", "account", "add", "cb01", "--role", "board", "--area", "01969", "--name", "Hoàng Cán Bộ")
	return firstLine(d.do("", "round", "add", "--area", "063@2024-12-31", "--standard", "vn-2021", "--questionnaire", "household/2026.1", "--from", "2024-09-01", "--to", "2024-12-14"))
}

// served is a running "serve".
type served struct {
	d       *desk
	address string
	stop    context.CancelFunc
	status  chan int
	log     *safeBuffer
}

// safeBuffer is written by the server and read by the test.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (d *desk) serve(args ...string) *served {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	r, w := io.Pipe()
	s := &served{d: d, stop: stop, status: make(chan int, 1), log: &safeBuffer{}}
	go func() {
		s.status <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", d.data}, args...), strings.NewReader(""), w, s.log)
		w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		d.t.Fatalf("serve said nothing: %v\n%s", err, s.log)
	}
	go io.Copy(io.Discard, r)
	s.address = line[strings.Index(line, "http"):]
	s.address = strings.TrimSpace(s.address)
	d.t.Cleanup(s.end)
	return s
}

// end stops the server and waits for it; a second call does nothing.
func (s *served) end() {
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	select {
	case status := <-s.status:
		if status != statusOK {
			s.d.t.Errorf("serve ended with status %d\n%s", status, s.log)
		}
	case <-time.After(5 * time.Second):
		s.d.t.Error("serve did not end within 5 s")
	}
}

// device is a replica with a key, speaking to a server by the real client.
type device struct {
	t       testing.TB
	replica string
	key     ed25519.PrivateKey
	client  *fieldsync.Client
	account string
	seq     uint64
	h       fieldsync.B64
}

func newDevice(t testing.TB, base string) *device {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	replica := fieldsync.NewReplica()
	return &device{t: t, replica: replica, key: key, client: &fieldsync.Client{Base: base}, h: fieldsync.ChainStart(replica, pub)}
}

func (b *device) pub() fieldsync.B64 { return fieldsync.B64(b.key.Public().(ed25519.PublicKey)) }

func (b *device) enrol(code string) (*fieldsync.EnrolAnswer, error) {
	answer, err := b.client.Enrol(b.t.Context(), &fieldsync.EnrolRequest{Code: code, Replica: b.replica, Pub: b.pub(), HW: "test"})
	if err == nil {
		b.client.Token, b.account = answer.Token, answer.Account
	}
	return answer, err
}

func (b *device) hello() (*fieldsync.HelloAnswer, error) {
	return b.client.Hello(b.t.Context(), &fieldsync.HelloRequest{Proto: []int{1}, Replica: b.replica, Pub: b.pub(), App: "test", Seq: b.seq, H: b.h, At: time.Now().UnixMilli()})
}

// save makes a segment of one change for each set of writes.
func (b *device) save(record, kind, scope string, writes ...map[string]string) *fieldsync.Segment {
	b.t.Helper()
	seg := &fieldsync.Segment{PushHead: fieldsync.PushHead{Replica: b.replica, From: b.seq + 1, Prev: b.h}}
	for _, w := range writes {
		b.seq++
		c := &fieldsync.Change{Dot: fieldsync.Dot{Replica: b.replica, Seq: b.seq}, Record: record, Kind: kind, Op: fieldsync.OpCreate, Form: "household/2026.1",
			Scope: scope, Account: b.account, Role: "enumerator", At: time.Now().UnixMilli(), N: b.seq}
		for unit, value := range w {
			c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: []byte(value)})
		}
		if err := c.Encode(); err != nil {
			b.t.Fatal(err)
		}
		b.h = fieldsync.ChainNext(b.h, c.Bytes)
		seg.Lines = append(seg.Lines, fieldsync.Line{Seq: b.seq, Bytes: c.Bytes, H: b.h, Change: c})
	}
	seg.To, seg.H = b.seq, b.h
	seg.Sig = fieldsync.SignHead(b.key, b.replica, seg.To, seg.H)
	return seg
}

func newID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func wantProblem(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	var p *fieldsync.Problem
	if !errors.As(err, &p) || p.Status != status || p.Code != code {
		t.Errorf("%s: got %v, want %d %s", what, err, status, code)
	}
}

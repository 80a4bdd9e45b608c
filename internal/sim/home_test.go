package sim

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rasoat/rasoat/internal/central"
	fieldsync "github.com/rasoat/rasoat/sync"
)

const homeFile = central.DatabaseName

// home is the server: the real store behind the real handler.
type home struct {
	w       *world
	dir     string
	store   *central.Store
	handler http.Handler
	skew    int64
	canary  *fieldsync.Client
	claims  uint64
	backups []homeBackup
	epochs  int // restores so far

	mu   sync.Mutex // the store asks for the time from several goroutines
	left int        // askings of the time until then
	then func()
}

type homeBackup struct{ file string }

// now is the server's clock, and, since the store asks for the time inside its transactions, where it is killed in the
// middle of one (fault points S2 to S4).
func (h *home) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left > 0 {
		if h.left--; h.left == 0 {
			h.then()
		}
	}
	return time.UnixMilli(h.w.clock.Load() + h.skew).UTC()
}

func (h *home) open() {
	s, err := central.Open(bg, "sqlite:"+filepath.Join(h.dir, homeFile), central.Options{Now: h.now, Log: slog.New(h.w.log)})
	h.w.must(err, "open the server")
	s.WaitRejudged()
	h.store = s
	h.handler = fieldsync.NewHandler(guard{s, h.w}, fieldsync.HandlerOptions{Log: slog.New(h.w.log)})
}

// serve gives a request to the handler.
func (h *home) serve(req request) *httptest.ResponseRecorder {
	in, err := http.NewRequest(req.method, req.url, bytes.NewReader(req.body))
	h.w.must(err, "make a request")
	in.Header = req.header.Clone()
	in.RemoteAddr = "192.0.2.1:1"
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, in)
	return rec
}

// crash kills the server as it stands and starts it again.
func (h *home) crash() { h.become(h.copy()) }

func (h *home) copy() string {
	to := h.w.folder("home")
	h.w.must(copyDir(h.dir, to), "copy the server's folder")
	return to
}

// crashInside kills the server when it asks for the time for the n-th time in doing f; what f still does is lost.
func (h *home) crashInside(n int, f func()) {
	copied := ""
	h.arm(n, func() { copied = h.copy() })
	f()
	h.arm(0, nil)
	if copied == "" {
		copied = h.copy()
	}
	h.become(copied)
}

func (h *home) arm(n int, then func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left, h.then = n, then
}

func (h *home) become(dir string) {
	h.w.must(h.store.Close(), "close the server")
	h.w.must(os.RemoveAll(h.dir), "remove a dead folder")
	h.dir = dir
	h.open()
}

// backup makes one by the product's own way.
func (h *home) backup() {
	file := h.w.folder("backup")
	_, err := h.store.Backup(bg, file)
	h.w.must(err, "back up the server")
	h.backups = append(h.backups, homeBackup{file})
}

// restore puts a backup in the store's place by the product's own way. Half of the times it is told to nobody: then the canary
// tells the server what only a store that was rolled back can hear. Either way it takes a new epoch and a new replica.
func (h *home) restore(b homeBackup, told bool) {
	h.w.learn() // what was published until now
	was, dir := h.store.Self(), h.w.folder("home")
	if told {
		_, err := central.Restore(bg, b.file, dir, central.Options{Now: h.now, Log: slog.New(h.w.log)})
		h.w.must(err, "restore")
	} else {
		h.w.must(os.MkdirAll(dir, 0o700), "make a folder")
		data, err := os.ReadFile(b.file)
		h.w.must(err, "read the backup")
		h.w.must(os.WriteFile(filepath.Join(dir, homeFile), data, 0o600), "write the backup back")
	}
	h.become(dir)
	h.epochs++
	h.w.witness.homePutBack()
	if !told {
		h.tell()
	}
	if now := h.store.Self(); now.Server != was.Server || now.Epoch == was.Epoch || now.Replica == was.Replica {
		h.w.fail("a store that was rolled back goes on in epoch %s as %s", now.Epoch, now.Replica)
	}
}

// tell is the canary's greeting.
func (h *home) tell() {
	h.claims++
	_, err := h.canary.Hello(bg, &fieldsync.HelloRequest{Proto: []int{fieldsync.Proto}, Replica: canaryReplica, Pub: canaryKey, At: 1, Acked: 1000 + h.claims,
		H: fieldsync.ChainStart(canaryReplica, []byte(canaryKey))})
	h.w.must(err, "tell the server that it was rolled back")
}

var (
	canaryReplica = fieldsync.NewReplica()
	canaryKey     = fieldsync.B64(bytes.Repeat([]byte{7}, 32))
)

// enrolCanary makes the device that tells of a restore.
func (h *home) enrolCanary() {
	code, _, err := h.store.NewEnrolCode(bg, "", "canh")
	h.w.must(err, "make a code")
	wire := &link{w: h.w}
	h.canary = &fieldsync.Client{Base: address, HTTP: &http.Client{Transport: wire}}
	answer, err := h.canary.Enrol(bg, &fieldsync.EnrolRequest{Code: code, Replica: canaryReplica, Pub: canaryKey})
	h.w.must(err, "enrol the canary")
	h.canary.Token = answer.Token
	h.backup() // nothing older is ever restored: it would not know the tablets
}

// guard stands between the handler and the store and looks at what goes out.
type guard struct {
	*central.Store
	w *world
}

// Pull checks I12 on every line: no scope outside the grants.
func (g guard) Pull(ctx ctxt, dev fieldsync.Device, req *fieldsync.PullRequest, emit func(*fieldsync.PullLine) error) error {
	return g.Store.Pull(ctx, dev, req, func(l *fieldsync.PullLine) error {
		if l.C != nil {
			g.w.home.mayRead(dev.Account, l.C.Scope)
			if c, asked := req.Cursors[l.C.Scope]; !asked || l.C.Pos <= c.Pos {
				g.w.fail("I8: a pull from %v of %s brings position %d", c, l.C.Scope, l.C.Pos)
			}
		}
		return emit(l)
	})
}

// Snapshot checks I12.
func (g guard) Snapshot(ctx ctxt, dev fieldsync.Device, scope string, at *fieldsync.Cursor) (*fieldsync.Snapshot, error) {
	s, err := g.Store.Snapshot(ctx, dev, scope, at)
	if err == nil {
		g.w.home.mayRead(dev.Account, scope)
	}
	return s, err
}

// mayRead fails when the account's live grants do not cover the scope: the village itself, or an area above it.
func (h *home) mayRead(account, scope string) {
	for _, area := range h.granted(account) {
		if slices.Contains(append([]string{area}, above[area]...), scope) {
			return
		}
	}
	h.w.fail("I12: %s, granted %v, is given %s", account, h.granted(account), scope)
}

// above are the areas above each village, also those of the country and the province.
var above = map[string][]string{villageA: {"01975", "063", "06", "VN"}, villageB: {"01975", "063", "06", "VN"}, villageC: {"01969", "063", "06", "VN"}}

func (h *home) granted(account string) (areas []string) {
	h.query("SELECT area FROM area_grant WHERE account = $1 AND how = '' ORDER BY area", func(rows *sql.Rows) error {
		var area string
		err := rows.Scan(&area)
		areas = append(areas, area)
		return err
	}, account)
	return areas
}

// query reads the store's own tables, past its code.
func (h *home) query(text string, each func(*sql.Rows) error, args ...any) {
	err := h.store.View(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query(text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		h.w.fail("read the server's tables: %v", fmt.Errorf("%s: %w", text, err))
	}
}

func gunzipLines(w *world, b []byte) (out []string) {
	in, err := gzip.NewReader(bytes.NewReader(b))
	w.must(err, "read a snapshot")
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		out = append(out, lines.Text())
	}
	w.must(lines.Err(), "read a snapshot")
	return out
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
	"github.com/rasoat/rasoat/server/web"
)

// Options of a run.
type Options struct {
	Data   string // folder for the store and the tablets; it must be empty or not there
	Store  string // "" for SQLite in Data, or postgres://…
	Listen string // address of the console; "" picks a port on loopback
	Seed   uint64
	Only   []string // communes; nil for the whole district, whose totals were published
	Lang   string   // vi or en
	Stay   bool     // serve the console until ctx ends
	Out    io.Writer
	Log    *slog.Logger
}

// ErrNotAsExpected: the story ran, but a total is not what it must be. What was wrong has been printed.
var ErrNotAsExpected = errors.New("demo: a total is not as expected")

// story is one run.
type story struct {
	Options
	office  office
	tablets []*fieldTablet
	base    string
	start   time.Time
	wrong   int
}

// Run tells the story: prepare the office, enrol tablets, record offline, sync through bad links, print what came of it.
func Run(ctx context.Context, o Options) (err error) {
	if err := emptyFolder(o.Data); err != nil {
		return err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &story{Options: o, start: time.Now()}
	url := o.Store
	if url == "" {
		url = "sqlite:" + filepath.Join(o.Data, "server", "central.db")
	}
	store, err := central.Open(ctx, url, central.Options{Log: o.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	s.office.store = store
	s.office.villages, s.office.households = Population(o.Seed)
	s.office.keep(o.Only)
	return s.tell(ctx)
}

func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return &central.Refusal{Code: "demo_folder", Text: schema.Text{
			"vi": fmt.Sprintf("Thư mục %s đã có dữ liệu; bản trình diễn chỉ ghi vào thư mục trống. Chọn thư mục khác bằng --data.", dir),
			"en": fmt.Sprintf("The folder %s holds data; the demo writes into an empty folder only. Choose another with --data.", dir)}}
	}
	return nil
}

func (s *story) tell(ctx context.Context) error {
	s.say("Huyện Bạch Thông, cuối năm 2024: mã xã thật, mọi thôn, hộ và người đều là giả lập.",
		"Bạch Thông district, end of 2024: real commune codes; every village, household and person is made up.")
	s.step("Chuẩn bị: thôn, tài khoản, đợt rà soát, danh sách năm trước", "Preparing: villages, accounts, the round, last year's list")
	if err := s.office.prepare(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.listenAddress())
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.base = "http://" + l.Addr().String()
	if err := s.office.store.SaveAddress(ctx, s.base); err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	server := web.New(s.office.store, web.Options{Log: s.Log, Version: "demo"})
	go func() { ended <- server.Serve(serving, l) }()

	if err := s.field(ctx); err != nil {
		return err
	}
	if err := s.report(ctx); err != nil {
		return err
	}
	if s.wrong > 0 {
		return ErrNotAsExpected
	}
	if s.Stay {
		s.invite()
		<-ctx.Done()
	}
	stop()
	return <-ended
}

func (s *story) listenAddress() string {
	if s.Listen == "" {
		return "127.0.0.1:0"
	}
	return s.Listen
}

// field is the tablets' part.
func (s *story) field(ctx context.Context) (err error) {
	s.tablets = s.office.plan()
	defer func() {
		for _, t := range s.tablets {
			if t.store != nil {
				err = errors.Join(err, t.store.Close())
			}
		}
	}()
	s.step(fmt.Sprintf("%d máy tính bảng nhận mã, tải thôn của mình", len(s.tablets)), fmt.Sprintf("%d tablets enrol and fetch their villages", len(s.tablets)))
	dir := filepath.Join(s.Data, "tablets")
	for i, t := range s.tablets {
		if err := t.enrol(ctx, &s.office, s.base, dir, s.Seed+uint64(i)); err != nil {
			return fmt.Errorf("enrol tablet %s: %w", t.account, err)
		}
	}
	if err := inParallel(s.tablets, func(t *fieldTablet) error { return t.sync(ctx) }); err != nil {
		return err
	}
	s.step("Mất mạng: từng nhà được hỏi và ghi tại chỗ", "No network: household after household is asked and recorded")
	if err := inParallel(s.tablets, func(t *fieldTablet) error { return t.record(ctx, s.office.round) }); err != nil {
		return err
	}
	s.step("Có sóng yếu: đồng bộ qua đường truyền hay rớt, lặp và chậm", "A weak signal: sync through a link that drops, repeats and delays")
	for range 2 { // the second time every tablet learns what the others said
		if err := inParallel(s.tablets, func(t *fieldTablet) error { return t.sync(ctx) }); err != nil {
			return err
		}
	}
	s.traffic()
	return nil
}

func (s *story) traffic() {
	var faults Faults
	var up, down int64
	sent := 0
	for _, t := range s.tablets {
		faults = faults.Add(t.link.Faults())
		up, down, sent = up+t.summary.Up, down+t.summary.Down, sent+t.summary.Sent
		if len(t.summary.Alarms) > 0 {
			s.miss("máy %s: dấu kiểm khác máy chủ ở %s", "tablet %s: its fingerprint differs from the server's in %s", t.account, strings.Join(t.summary.Alarms, " "))
		}
	}
	s.say("   %s", "   %s", faults)
	s.say("   gửi %d thay đổi, %d KB lên, %d KB xuống", "   %d changes sent, %d KB up, %d KB down", sent, up/1024, down/1024)
}

// say prints one line in the reader's language.
func (s *story) say(vi, en string, args ...any) {
	text := vi
	if s.Lang == "en" {
		text = en
	}
	fmt.Fprintf(s.Out, text+"\n", args...)
}

func (s *story) step(vi, en string) {
	s.say("%5.1f s  %s", "%5.1f s  %s", time.Since(s.start).Seconds(), map[bool]string{true: en, false: vi}[s.Lang == "en"])
}

// miss prints what is not as expected and remembers that something is.
func (s *story) miss(vi, en string, args ...any) {
	s.wrong++
	s.say("   SAI: "+vi, "   WRONG: "+en, args...)
}

func (s *story) invite() {
	s.say("\nMở trình duyệt: %s    (Ctrl+C để dừng)", "\nOpen a browser: %s    (Ctrl+C stops)", s.base)
	s.say("Mật khẩu của mọi tài khoản trình diễn: %s", "The password of every demo account: %s", Password)
	for _, p := range s.office.people {
		s.say("   %-12s %-13s %s", "   %-12s %-13s %s", p.Account, p.Role, p.Name)
	}
}

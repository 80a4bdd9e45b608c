package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// commands is everything that can be typed. Flags of one meaning have one name everywhere.
type commands struct {
	Lang string `help:"Ngôn ngữ của thông báo: vi hoặc en. · Language of messages." enum:"vi,en" default:"vi" env:"RASOAT_LANG"`

	Serve     serveCommand      `cmd:"" help:"Chạy máy chủ. · Run the server."`
	Area      areaCommands      `cmd:"" help:"Địa bàn (thôn). · Areas (villages)."`
	Account   accountCommands   `cmd:"" help:"Tài khoản và địa bàn được giao. · Accounts and what they are granted."`
	Enrol     enrolCommand      `cmd:"" help:"Cấp mã một lần cho một máy. · Issue a one-time code for a device."`
	Device    deviceCommands    `cmd:"" help:"Máy đã đăng ký. · Enrolled devices."`
	Round     roundCommands     `cmd:"" help:"Đợt rà soát. · Rounds of review."`
	Household householdCommands `cmd:"" help:"Danh sách hộ. · Lists of households."`
	Held      heldCommands      `cmd:"" help:"Phần gửi lên đang bị giữ. · Changes that are held."`
	Bundle    bundleCommands    `cmd:"" help:"Phần gửi bằng thẻ nhớ. · Work that comes by stick."`
	Recovery  recoveryCommands  `cmd:"" help:"Khóa cứu hộ cho bản sao lưu. · The recovery key of backups."`
	Rebuild   rebuildCommand    `cmd:"" help:"Dựng lại (hoặc chỉ kiểm) số liệu từ nhật ký. · Rebuild, or only verify, from the log."`
	Backup    backupCommand     `cmd:"" help:"Sao lưu khi đang chạy. · Back up while running."`
	Restore   restoreCommand    `cmd:"" help:"Khôi phục từ bản sao lưu vào thư mục trống. · Restore a backup into an empty folder."`
	Missing   missingCommand    `cmd:"" help:"Phần đã có mà nay máy chủ thiếu, theo bản cài và số. · What was made and is not here, by replica and number."`
	Custody   custodyCommand    `cmd:"" help:"Phiếu của từng hộ đang ở máy nào. · Which devices hold the work on each household."`
	Check     checkCommand      `cmd:"" help:"Kiểm tra thư mục phiếu và chuẩn. · Check a folder of definitions."`
	Demo      demoCommand       `cmd:"" help:"Trình diễn trên huyện giả lập. · The story on a made-up district."`
	Classify  classifyCommand   `cmd:"" help:"Xếp loại hộ từ stdin ra stdout (JSON lines). · Classify households."`
	Version   versionCommand    `cmd:"" help:"Phiên bản. · Version."`
}

// place is where a store is. Commands that work on one embed it.
type place struct {
	Data  string `help:"Thư mục dữ liệu. · Data folder." default:"./data" env:"RASOAT_DATA"`
	Store string `help:"Địa chỉ PostgreSQL thay cho tệp trong thư mục dữ liệu. · PostgreSQL instead of a file in the data folder." env:"RASOAT_STORE" placeholder:"postgres://…"`
}

// file is the store inside the data folder.
func (p place) file() string { return filepath.Join(p.Data, central.DatabaseName) }

func (p place) open(t *terminal) (*central.Store, error) {
	url := "sqlite:" + p.file()
	if p.Store != "" {
		url = p.Store
	}
	return central.Open(t.ctx, url, central.Options{Log: t.log})
}

// with opens the store for one command.
func (p place) with(t *terminal, f func(*central.Store) error) (err error) {
	if _, missing := os.Stat(p.file()); p.Store == "" && !t.first && errors.Is(missing, fs.ErrNotExist) {
		t.warn("Thư mục dữ liệu %s là mới, chưa có gì. Nếu gõ nhầm --data thì xem lại.", "The data folder %s is new and empty. Look again at --data if that is not meant.", p.Data)
	}
	store, err := p.open(t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(store)
}

// terminal is what a command reads, writes and speaks.
type terminal struct {
	ctx context.Context
	in  io.Reader
	out io.Writer
	err io.Writer
	en  bool
	log *slog.Logger

	first bool // the command is one a store may begin with
}

// firstCommands are what people do in a folder that is new.
var firstCommands = []string{"serve", "restore", "demo", "area import", "account add", "recovery"}

// say writes a line in the person's language.
func (t *terminal) say(vi, en string, args ...any) { fmt.Fprintln(t.out, t.words(vi, en, args...)) }

// warn writes a line beside the output.
func (t *terminal) warn(vi, en string, args ...any) { fmt.Fprintln(t.err, t.words(vi, en, args...)) }

func (t *terminal) words(vi, en string, args ...any) string {
	if t.en {
		vi = en
	}
	return fmt.Sprintf(vi, args...)
}

func (t *terminal) lang() string {
	if t.en {
		return "en"
	}
	return "vi"
}

// Exit statuses.
const (
	statusOK     = 0
	statusFailed = 1 // it was not done, or not all of it; standard error says why
	statusUsage  = 2 // it was typed wrong; nothing was tried
)

// errTold: what went wrong has been said already.
var errTold = errors.New("told")

// run is the whole program: what is typed comes in, the exit status comes out.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var c commands
	status := -1
	parser, err := kong.New(&c, kong.Name("server"), kong.Writers(out, errOut), kong.Exit(func(n int) { status = n }),
		kong.Description("Rà soát: máy chủ thu nhận, hợp nhất và trả lại kết quả rà soát hộ nghèo. · Server of the poverty review."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errOut, err)
		return statusUsage
	}
	parsed, err := parser.Parse(args)
	if status >= 0 {
		return status // --help
	}
	t := &terminal{ctx: ctx, in: in, out: out, err: errOut, en: c.Lang == "en", log: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if err != nil {
		t.en = english(args)
		t.warn("Lệnh chưa đúng: %s. Xem: server --help", "Not a valid command: %s. See: server --help", t.typed(err))
		return statusUsage
	}
	t.first = slices.ContainsFunc(firstCommands, func(c string) bool { return strings.HasPrefix(parsed.Command(), c) })
	if err := parsed.Run(t); err != nil {
		t.told(err)
		return statusFailed
	}
	return statusOK
}

// told says an error to the person.
func (t *terminal) told(err error) {
	var refusal *central.Refusal
	var problem *fieldsync.Problem
	var problems schema.Problems
	switch {
	case errors.Is(err, errTold):
	case errors.As(err, &refusal):
		fmt.Fprintf(t.err, "%s [%s]\n", refusal.Text.In(t.lang()), refusal.Code)
	case errors.As(err, &problem):
		fmt.Fprintf(t.err, "%s %s [%s]\n", problem.Title, problem.Detail, problem.Code)
	case errors.As(err, &problems):
		fmt.Fprintln(t.err, problems.In(t.lang()))
	default:
		t.warn("Không làm được: %v", "This failed: %v", strings.TrimSpace(err.Error()))
	}
}

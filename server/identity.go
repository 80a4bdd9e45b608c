package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
)

type accountCommands struct {
	Add      accountAdd      `cmd:"" help:"Thêm tài khoản; mật khẩu đọc từ stdin. · Add an account; the password is read from standard input."`
	Grant    accountGrant    `cmd:"" help:"Giao thêm địa bàn. · Grant another area."`
	Revoke   accountRevoke   `cmd:"" help:"Thu địa bàn; phần gửi lên sau bị giữ (--ended: vẫn nhận). · Take an area away; late work is held (--ended: still taken)."`
	Disable  accountDisable  `cmd:"" help:"Khóa tài khoản và mọi máy của nó (--undo: mở lại). · Disable an account and its devices (--undo: enable)."`
	List     accountList     `cmd:"" help:"Danh sách tài khoản. · List accounts."`
	Password accountPassword `cmd:"" help:"Đặt mật khẩu, đọc từ stdin. · Set a password, read from standard input."`
}

type accountAdd struct {
	place
	Account string   `arg:"" help:"Tên đăng nhập, ví dụ en0417. · Sign-in name."`
	Role    string   `help:"Vai trò: enumerator village_head board chairman district admin. · Role." required:""`
	Area    []string `help:"Địa bàn được giao, gồm cả cấp dưới; dùng được nhiều lần. · Area granted with what lies below; may repeat." placeholder:"01969-03"`
	Name    string   `help:"Họ và tên. · Full name." required:""`
	Phone   string   `help:"Điện thoại. · Telephone."`
}

func (c *accountAdd) Run(t *terminal) error {
	password, err := t.password()
	if err != nil {
		return err
	}
	hash := ""
	if password != "" { // an account without one works with a tablet and cannot sign in
		if len(password) > account.MaxPassword {
			return account.ErrLong
		}
		if hash, err = account.Hash(password); err != nil {
			return err
		}
		t.weak(c.Account, password)
	} else {
		t.warn("%[1]s không có mật khẩu: dùng được máy tính bảng, không vào được trang quản lý. Đặt sau: server account password %[1]s",
			"%[1]s has no password: it can use a tablet and cannot sign in to the console. Set one later: server account password %[1]s", c.Account)
	}
	return c.with(t, func(s *central.Store) error {
		err := s.AddAccount(t.ctx, "", central.NewAccount{Account: c.Account, Name: c.Name, Role: c.Role, Phone: c.Phone, PasswordHash: hash, Areas: c.Area})
		if err != nil {
			return err
		}
		t.say("Đã thêm %s. Cấp mã cho máy: server enrol %[1]s", "Added %s. Issue a code for a device: server enrol %[1]s", c.Account)
		return nil
	})
}

// weak warns the operator, who may set whatever password he answers for; people's own are refused (account.CheckNew).
func (t *terminal) weak(name, password string) {
	var refusal *central.Refusal
	if errors.As(account.CheckNew(name, password), &refusal) {
		t.warn("Cảnh báo, mật khẩu yếu: %s", "Warning, a weak password: %s", refusal.Text.In(t.lang()))
	}
}

// password reads the first line of standard input; at a terminal it asks.
func (t *terminal) password() (string, error) {
	if f, ok := t.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprint(t.err, t.words("Mật khẩu (hiện khi gõ): ", "Password (shown as you type): "))
		}
	}
	text, err := bufio.NewReader(io.LimitReader(t.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}

type grantPlace struct {
	place
	Account string   `arg:""`
	Area    []string `help:"Địa bàn; dùng được nhiều lần. · Area; may repeat." required:"" placeholder:"01969-03"`
}

func (c *grantPlace) each(t *terminal, f func(s *central.Store, area string) error) error {
	return c.with(t, func(s *central.Store) error {
		for _, area := range c.Area {
			if err := f(s, area); err != nil {
				return err
			}
		}
		return nil
	})
}

type accountGrant struct{ grantPlace }

func (c *accountGrant) Run(t *terminal) error {
	return c.each(t, func(s *central.Store, area string) error {
		err := s.GrantArea(t.ctx, "", c.Account, area)
		if err == nil {
			t.say("Đã giao %s cho %s.", "Granted %s to %s.", area, c.Account)
		}
		return err
	})
}

type accountRevoke struct {
	grantPlace
	Ended bool `help:"Kết thúc bình thường: phần gửi lên sau vẫn được nhận. · A normal end: work that arrives later is still taken."`
}

func (c *accountRevoke) Run(t *terminal) error {
	how := central.GrantRevoked
	if c.Ended {
		how = central.GrantEnded
	}
	return c.each(t, func(s *central.Store, area string) error {
		err := s.EndGrant(t.ctx, "", c.Account, area, how)
		if err == nil {
			t.say("Đã thu %s của %s.", "Took %s from %s.", area, c.Account)
		}
		return err
	})
}

type accountDisable struct {
	place
	Account string `arg:""`
	Undo    bool   `help:"Mở lại. · Enable again."`
}

func (c *accountDisable) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		if c.Undo {
			if err := s.EnableAccount(t.ctx, "", c.Account); err != nil {
				return err
			}
			t.say("Đã mở lại %s.", "Enabled %s.", c.Account)
			return nil
		}
		if err := s.DisableAccount(t.ctx, "", c.Account); err != nil {
			return err
		}
		t.say("Đã khóa %s; các máy của tài khoản này không đồng bộ được nữa.", "Disabled %s; its devices can no longer sync.", c.Account)
		return nil
	})
}

type accountPassword struct {
	place
	Account string `arg:""`
}

func (c *accountPassword) Run(t *terminal) error {
	password, err := t.password()
	if err != nil {
		return err
	}
	return c.with(t, func(s *central.Store) error {
		if err := account.New(s, account.Options{Log: t.log}).SetPassword(t.ctx, "", c.Account, password); err != nil {
			return err
		}
		t.weak(c.Account, password)
		t.say("Đã đặt mật khẩu cho %s; các phiên đang mở đã kết thúc.", "The password of %s is set; its open sessions have ended.", c.Account)
		return nil
	})
}

type accountList struct{ place }

func (c *accountList) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		all, err := s.Accounts(t.ctx)
		if err != nil {
			return err
		}
		rows := [][]string{t.head("TÀI KHOẢN", "ACCOUNT", "VAI TRÒ", "ROLE", "HỌ TÊN", "NAME", "ĐỊA BÀN", "AREAS", "TÌNH TRẠNG", "STATE")}
		for _, a := range all {
			var areas []string
			for _, g := range a.Grants {
				if g.How == "" {
					areas = append(areas, g.Area)
				} else {
					areas = append(areas, g.Area+" ("+t.grantOver(g.How)+")")
				}
			}
			state := t.words("đang dùng", "active")
			if a.DisabledAt != 0 {
				state = t.words("đã khóa", "disabled")
			}
			rows = append(rows, []string{a.Account, a.Role, a.Name, strings.Join(areas, " "), state})
		}
		return t.table(rows)
	})
}

func (t *terminal) grantOver(how string) string {
	if how == central.GrantEnded {
		return t.words("đã kết thúc", "ended")
	}
	return t.words("đã thu", "revoked")
}

// head gives a table's headings in the person's language, from pairs of Vietnamese and English.
func (t *terminal) head(pairs ...string) []string {
	var row []string
	for pair := range slices.Chunk(pairs, 2) {
		if t.en {
			pair = pair[1:]
		}
		row = append(row, pair[0])
	}
	return row
}

// table writes rows in columns.
func (t *terminal) table(rows [][]string) error {
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if cell == "" {
				row[i] = "-"
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// minute is how times are printed: the office's wall clock.
func minute(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04")
}

func day(ms int64) string { return time.UnixMilli(ms).Format(time.DateOnly) }

type enrolCommand struct {
	place
	Account string `arg:"" help:"Tài khoản dùng máy. · The account that will use the device."`
}

// Run prints the code alone on the first line, so that another program can read it.
func (c *enrolCommand) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		code, expires, err := s.NewEnrolCode(t.ctx, "", c.Account)
		if err != nil {
			return err
		}
		address, err := s.Address(t.ctx)
		if err != nil {
			return err
		}
		if address == "" {
			address = t.words("(máy chủ chưa chạy lần nào: server serve)", "(the server has not run yet: server serve)")
		}
		fmt.Fprintln(t.out, code)
		t.say("Địa chỉ: %s", "Address: %s", address)
		t.say("Mã đối chiếu máy chủ: %s", "Key check: %s", s.KeyCheck())
		t.say("Dùng một lần, đến %s. O đọc là 0, I và L đọc là 1.", "Valid once, until %s. O is read as 0, I and L as 1.", expires.Format("2006-01-02 15:04"))
		return nil
	})
}

type deviceCommands struct {
	List   deviceList   `cmd:"" help:"Danh sách máy. · List devices."`
	Revoke deviceRevoke `cmd:"" help:"Thu quyền đồng bộ của một máy (mất máy). · Revoke a device (lost)."`
}

type deviceList struct {
	place
	Account string `help:"Chỉ của tài khoản này. · Only of this account."`
}

func (c *deviceList) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		all, err := s.Devices(t.ctx, c.Account)
		if err != nil {
			return err
		}
		rows := [][]string{t.head("MÁY", "DEVICE", "TÀI KHOẢN", "ACCOUNT", "HỌ TÊN", "NAME", "LIÊN LẠC CUỐI", "LAST CONTACT", "PHẦN MỀM", "APP",
			"LOẠI MÁY", "HARDWARE", "BẢN CÀI", "REPLICAS", "TÌNH TRẠNG", "STATE")}
		for _, d := range all {
			state := t.words("đang dùng", "active")
			if d.RevokedAt != 0 {
				state = t.words("đã thu %s", "revoked %s", minute(d.RevokedAt))
			}
			rows = append(rows, []string{fmt.Sprint(d.ID), d.Account, d.Name, minute(d.LastContact), d.App, d.HW, strings.Join(d.Replicas, " "), state})
		}
		return t.table(rows)
	})
}

type deviceRevoke struct {
	place
	Device int64 `arg:"" help:"Số của máy trong device list. · The number shown by device list."`
}

func (c *deviceRevoke) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		if err := s.RevokeDevice(t.ctx, "", c.Device); err != nil {
			return err
		}
		t.say("Máy số %d không đồng bộ được nữa. Phần chưa gửi vẫn nằm trên máy đó.", "Device %d can no longer sync. What it has not sent is still on it.", c.Device)
		return nil
	})
}

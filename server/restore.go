package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

type backupCommand struct {
	place
	To        string   `help:"Tệp đích, chưa có. · Target file, not there yet." xor:"target" required:"" placeholder:"FILE"`
	Dir       string   `help:"Thư mục chứa các bản sao lưu, tên theo giờ. · Folder of backups, named by time." xor:"target" required:"" placeholder:"DIR"`
	Keep      int      `help:"Với --dir: giữ lại bao nhiêu bản. · With --dir: how many to keep." default:"14"`
	Recipient []string `help:"Mã hóa cho khóa age này, thay cho khóa cứu hộ; dùng được nhiều lần. · Encrypt for this age key instead of the recovery key; may repeat." placeholder:"age1…"`
}

// Run makes a backup. It is encrypted whenever there is a key to encrypt for.
func (c *backupCommand) Run(t *terminal) error {
	var to []age.Recipient
	for _, text := range c.Recipient {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return &central.Refusal{Code: "recipient", Text: schema.Text{"vi": fmt.Sprintf("Khóa %q không đúng. Khóa age bắt đầu bằng age1.", text), "en": fmt.Sprintf("The key %q is wrong. An age key begins with age1.", text)}}
		}
		to = append(to, r)
	}
	return c.with(t, func(s *central.Store) (err error) {
		if len(to) == 0 {
			if to, err = s.RecoveryRecipients(t.ctx); err != nil {
				return err
			}
		}
		path, done := c.To, central.BackupDone{}
		if c.Dir != "" {
			path, done, err = s.BackupKept(t.ctx, c.Dir, c.Keep, to...)
		} else {
			done, err = s.Backup(t.ctx, path, to...)
		}
		if err != nil {
			return err
		}
		t.say("Đã sao lưu và đọc lại được: %s, %d thay đổi, %d byte.", "Backed up and read back: %s, %d changes, %d bytes.", path, done.Changes, done.Bytes)
		if len(to) == 0 {
			t.warn("Bản sao không mã hóa: cất ở nơi an toàn, hoặc tạo khóa: server recovery new", "The copy is not encrypted: keep it safe, or make a key: server recovery new")
		}
		return nil
	})
}

type restoreCommand struct {
	File     string `arg:"" help:"Bản sao lưu. · The backup."`
	Data     string `help:"Thư mục dữ liệu mới, trống. · New, empty data folder." required:"" env:"RASOAT_DATA"`
	Identity string `help:"Tệp có khóa cứu hộ; - để gõ vào. · File with the recovery key; - reads it from standard input." placeholder:"FILE"`
}

// Run restores and says what to expect: people will see things that look wrong and are not.
func (c *restoreCommand) Run(t *terminal) error {
	ids, err := c.identities(t)
	if err != nil {
		return err
	}
	r, err := central.Restore(t.ctx, c.File, c.Data, central.Options{Log: t.log}, ids...)
	if err != nil {
		return err
	}
	t.say("Đã khôi phục: %d thay đổi, mới nhất nhận lúc %s. Máy chủ %s, lượt mới %s.", "Restored: %d changes, the newest received %s. Server %s, new epoch %s.", r.Changes, minute(r.Last), r.Server, r.Epoch)
	if r.Erased+r.ErasedUnknown > 0 {
		t.say("Theo danh sách xóa: %d thay đổi đã xóa lại, %d không có trong bản này.", "By the list of erased changes: %d erased again, %d not in this backup.", r.Erased, r.ErasedUnknown)
	}
	t.say(`Sắp tới:
 - Mỗi máy khi đồng bộ sẽ tự gửi lại phần máy chủ thiếu và nhận lại toàn bộ thôn của mình; lần đầu lâu hơn.
 - Việc của ban chỉ đạo làm sau bản sao lưu phải làm lại; việc nào thiếu: server missing --data %[1]s
 - Tài khoản, địa bàn, máy bị thu hồi sau bản sao lưu đã trở lại như cũ: xem server account list, server device list và thu hồi lại.
 - Mọi người đăng nhập lại. Chạy: server rebuild --verify --data %[1]s rồi server serve --data %[1]s`,
		`What to expect:
 - Each tablet sends what this server lacks at its next sync, and takes its villages anew; the first time takes longer.
 - Acts of the board made after the backup have to be made again; which are missing: server missing --data %[1]s
 - Accounts, grants and devices revoked after the backup are as they were then: see server account list, server device list and revoke them again.
 - Everybody signs in again. Run: server rebuild --verify --data %[1]s, then server serve --data %[1]s`, c.Data)
	return nil
}

func (c *restoreCommand) identities(t *terminal) ([]age.Identity, error) {
	if c.Identity == "" {
		return nil, nil
	}
	in := t.in
	if c.Identity != "-" {
		f, err := os.Open(c.Identity)
		if err != nil {
			return nil, &central.Refusal{Code: "restore_key", Text: schema.Text{"vi": fmt.Sprintf("Không mở được tệp khóa: %v.", err), "en": fmt.Sprintf("The key file cannot be opened: %v.", err)}}
		}
		defer f.Close()
		in = f
	}
	ids, err := age.ParseIdentities(in)
	if err != nil {
		return nil, &central.Refusal{Code: "restore_key", Text: schema.Text{"vi": "Không đọc được khóa. Khóa bắt đầu bằng AGE-SECRET-KEY-; gõ lại từng chữ từ tờ giấy.",
			"en": "The key cannot be read. It begins with AGE-SECRET-KEY-; type it again from paper, character by character."}}
	}
	return ids, nil
}

type missingCommand struct {
	place
	Receipts []string `arg:"" optional:"" help:"Tệp biên nhận cũ của máy chủ này, nếu có. · Old receipts files of this server, if any."`
}

// Run lists gaps. It fails when there are any, so that a script notices.
func (c *missingCommand) Run(t *terminal) error {
	var files [][]byte
	for _, path := range c.Receipts {
		data, err := fieldsync.ReadReceiptsFile(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Base(path), err)
		}
		files = append(files, data)
	}
	return c.with(t, func(s *central.Store) error {
		gaps, err := s.Missing(t.ctx, files...)
		if err != nil {
			return err
		}
		if len(gaps) == 0 {
			t.say("Không thấy thiếu gì.", "Nothing is known to be missing.")
			return nil
		}
		rows := [][]string{t.head("CỦA", "OF", "TÀI KHOẢN", "ACCOUNT", "BẢN CÀI", "REPLICA", "TỪ SỐ", "FROM", "ĐẾN SỐ", "TO", "MÁY", "DEVICE", "LIÊN LẠC CUỐI", "LAST CONTACT", "BIẾT NHỜ", "KNOWN BY")}
		for _, g := range gaps {
			device := ""
			if g.Device != 0 {
				device = fmt.Sprint(g.Device)
			}
			rows = append(rows, []string{t.whose(g.Whose), g.Account, g.Replica, fmt.Sprint(g.From), fmt.Sprint(g.To), device, minute(g.LastContact), strings.Join(g.Because, " ")})
		}
		if err := t.table(rows); err != nil {
			return err
		}
		t.warn("Phần của máy sẽ về khi máy đồng bộ hoặc nhập thẻ nhớ; máy mất hẳn thì làm lại. Phần của máy chủ: ban chỉ đạo làm lại.",
			"A tablet's part comes when it syncs or by stick; of a tablet lost for good it has to be done again. The server's own: the board acts again.")
		return errTold
	})
}

func (t *terminal) whose(w string) string {
	switch w {
	case central.GapServer:
		return t.words("máy chủ", "server")
	case central.GapTablet:
		return t.words("máy", "tablet")
	}
	return t.words("chưa rõ", "unknown")
}

type custodyCommand struct {
	place
	Area      string `help:"Thôn, hoặc xã (mọi thôn). · A village, or a commune with all its villages." required:"" placeholder:"01969-03"`
	Household string `help:"Chỉ hộ này (mã bản ghi). · Only this household (record id)." placeholder:"UUID"`
}

// Run prints where the work is: first the devices of each village, then its households.
func (c *custodyCommand) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		all, err := s.Custody(t.ctx, central.CustodyFilter{Area: c.Area, Household: c.Household})
		if err != nil {
			return err
		}
		devices := [][]string{t.head("THÔN", "VILLAGE", "MÁY", "DEVICE", "TÀI KHOẢN", "ACCOUNT", "HỌ TÊN", "NAME", "LIÊN LẠC CUỐI", "LAST CONTACT",
			"NHẬN CUỐI", "LAST RECEIVED", "CHƯA GỬI", "UNSENT", "TỪ", "SINCE", "TÌNH TRẠNG", "STATE")}
		for _, village := range slices.Sorted(maps.Keys(all.Holders)) {
			for _, h := range all.Holders[village] {
				unsent := ""
				if h.Unsent > 0 {
					unsent = fmt.Sprint(h.Unsent)
				}
				devices = append(devices, []string{village, fmt.Sprint(h.Device), h.Account, h.Name, minute(h.LastContact), minute(h.LastPush), unsent, minute(h.UnsentSince), t.holding(h)})
			}
		}
		if err := t.table(devices); err != nil {
			return err
		}
		fmt.Fprintln(t.out)
		rows := [][]string{t.head("THÔN", "VILLAGE", "MÃ HỘ", "CODE", "CHỦ HỘ", "HEAD", "NHẬN CUỐI", "LAST RECEIVED", "TỪ TÀI KHOẢN", "FROM ACCOUNT", "MÁY", "DEVICE", "ĐANG GIỮ", "HELD", "BẢN GHI", "RECORD")}
		for _, h := range all.Households {
			device, held := "", ""
			if h.Device != 0 {
				device = fmt.Sprint(h.Device)
			}
			if h.Held > 0 {
				held = fmt.Sprint(h.Held)
			}
			rows = append(rows, []string{h.Village, h.Code, h.Name, minute(h.Received), h.Account, device, held, h.Household})
		}
		if err := t.table(rows); err != nil {
			return err
		}
		t.say("Máy không liên lạc có thể đang giữ nhiều hơn: máy chủ không biết được.", "A device that is silent may hold more: the server cannot know.")
		return nil
	})
}

func (t *terminal) holding(h central.Holder) string {
	switch {
	case h.RevokedAt != 0:
		return t.words("máy đã thu %s", "device revoked %s", minute(h.RevokedAt))
	case !h.Granted:
		return t.words("thôn đã thu", "village taken away")
	}
	return t.words("đang giao", "assigned")
}

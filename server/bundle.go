package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"filippo.io/age"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

type bundleCommands struct {
	Import   bundleImport   `cmd:"" help:"Nhập tệp từ thẻ nhớ; nhập lại cũng không sao. · Import files from a stick; twice is harmless."`
	Receipts bundleReceipts `cmd:"" help:"Ghi biên nhận ra thẻ nhớ cho các máy. · Write receipts for the tablets to a stick."`
	Accept   bundleAccept   `cmd:"" help:"Chấp nhận một lần bản cài đến bằng thẻ nhớ. · Accept, once, a replica that came by stick."`
}

type bundleImport struct {
	place
	From []string `arg:"" help:"Thư mục hoặc tệp. · Folders or files."`
}

// Run imports every part it finds. It fails when one could not be taken, after the others were.
func (c *bundleImport) Run(t *terminal) error {
	var files []central.BundleFile
	for _, from := range c.From {
		paths, err := fieldsync.PartFiles(from)
		if err != nil {
			return &central.Refusal{Code: "bundle_unread", Text: schema.Text{
				"vi": fmt.Sprintf("Không mở được %s: %v. Kiểm tra thẻ nhớ.", from, err), "en": fmt.Sprintf("%s cannot be opened: %v. Check the stick.", from, err)}}
		}
		for _, path := range paths {
			files = append(files, central.BundleFile{Name: filepath.Base(path), Read: func() ([]byte, error) { return fieldsync.ReadPartFile(path) }})
		}
	}
	if len(files) == 0 {
		return &central.Refusal{Code: "bundle_none", Text: schema.Text{
			"vi": "Không thấy tệp nào của Rà soát ở đó. Tên tệp bắt đầu bằng rasoat- và kết thúc bằng .rsb.",
			"en": "There is no file of Rà soát there. Their names begin with rasoat- and end in .rsb."}}
	}
	return c.with(t, func(s *central.Store) error {
		results, err := s.ImportBundles(t.ctx, "", files)
		if err != nil {
			return err
		}
		return c.tell(t, results)
	})
}

func (c *bundleImport) tell(t *terminal, results []central.BundleImported) error {
	refused, added, held := 0, 0, 0
	waiting := map[string]string{}
	for _, r := range results {
		if r.Refused != nil {
			refused++
			fmt.Fprintf(t.err, "%s: %s [%s]\n", r.Name, r.Refused.Text.In(t.lang()), r.Refused.Code)
			continue
		}
		added += r.New
		for _, n := range r.Notes {
			if n.State == central.StateHeld {
				held++
			}
		}
		if r.Unaccepted {
			waiting[r.Head.Replica] = r.Head.Account
		}
		t.say("%s: %s, số %d–%d, %d thay đổi mới", "%s: %s, numbers %d–%d, %d new changes", r.Name, r.Head.Account, r.Head.From, r.Head.To, r.New)
	}
	t.say("Đã nhập %d tệp, %d thay đổi mới, %d đang bị giữ.", "Imported %d files, %d new changes, %d held.", len(results)-refused, added, held)
	for _, replica := range slices.Sorted(maps.Keys(waiting)) {
		t.say("Bản cài %[1]s (tự ghi là %[2]s) chưa được chấp nhận. Hỏi người cầm máy, rồi: server bundle accept %[1]s %[2]s",
			"Replica %[1]s (says it is %[2]s) is not accepted yet. Ask who carries the tablet, then: server bundle accept %[1]s %[2]s", replica, waiting[replica])
	}
	if refused > 0 {
		return errTold
	}
	return nil
}

type bundleReceipts struct {
	place
	Out string `help:"Thư mục trên thẻ nhớ. · Folder on the stick." required:"" placeholder:"DIR"`
}

func (c *bundleReceipts) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		feeds, err := s.WriteReceipts(t.ctx, c.Out)
		if err != nil {
			return &central.Refusal{Code: "stick", Text: schema.Text{
				"vi": fmt.Sprintf("Chưa ghi được, hoặc chưa đọc lại được: %v. Cắm lại thẻ nhớ và thử lại.", err), "en": fmt.Sprintf("Not written, or not read back: %v. Plug the stick in again and retry.", err)}}
		}
		t.say("Đã ghi và đọc lại được biên nhận của %d bản cài.", "Written and read back: receipts of %d replicas.", feeds)
		return nil
	})
}

type bundleAccept struct {
	place
	Replica string `arg:"" help:"Như bundle import đã in. · As printed by bundle import."`
	Account string `arg:"" help:"Tài khoản của người cầm máy. · The account of who carries the tablet."`
}

func (c *bundleAccept) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		if err := s.AcceptCarried(t.ctx, "", c.Replica, c.Account); err != nil {
			return err
		}
		t.say("Đã chấp nhận %s cho %s. Phần của bản cài này được xét như vừa gửi đến.", "Accepted %s for %s. Its work is decided about as if it came now.", c.Replica, c.Account)
		return nil
	})
}

type recoveryCommands struct {
	New  recoveryNew  `cmd:"" help:"Tạo khóa cứu hộ và in ra một lần. · Make a recovery key and print it once."`
	Set  recoverySet  `cmd:"" help:"Dùng khóa công khai age có sẵn. · Use an age public key made elsewhere."`
	Show recoveryShow `cmd:"" help:"Khóa công khai đang dùng. · The public key in use."`
}

type recoveryNew struct{ place }

// Run prints the secret half alone on the first line and keeps the public half.
func (c *recoveryNew) Run(t *terminal) error {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make a recovery key: %w", err)
	}
	return c.with(t, func(s *central.Store) error {
		if err := s.SetRecovery(t.ctx, "", id.Recipient().String()); err != nil {
			return err
		}
		fmt.Fprintln(t.out, id)
		t.warn("In hoặc chép dòng trên ra giấy hai bản, cất ở hai nơi, ghi ai giữ. Máy chủ không giữ nó; mất cả hai bản thì không mở được bản sao lưu nào.",
			"Print or copy the line above twice, keep it in two places, note who holds it. The server does not keep it; without it no backup can be opened.")
		return nil
	})
}

type recoverySet struct {
	place
	Recipient string `arg:"" help:"age1…"`
}

func (c *recoverySet) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		if err := s.SetRecovery(t.ctx, "", c.Recipient); err != nil {
			return err
		}
		t.say("Từ nay bản sao lưu được mã hóa cho khóa này.", "From now on backups are encrypted for this key.")
		return nil
	})
}

type recoveryShow struct{ place }

func (c *recoveryShow) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		r, err := s.Recovery(t.ctx)
		if err == nil {
			fmt.Fprintln(t.out, r)
		}
		return err
	})
}

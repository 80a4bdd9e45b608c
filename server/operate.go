package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

type heldCommands struct {
	List    heldList    `cmd:"" help:"Phần gửi lên đang bị giữ và vì sao. · What is held and why."`
	Release heldRelease `cmd:"" help:"Cho vào: replica:số … · Release changes."`
	Refuse  heldRefuse  `cmd:"" help:"Từ chối, kèm lý do. · Refuse changes, with a reason."`
}

type heldList struct{ place }

func (c *heldList) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		all, err := s.Held(t.ctx)
		if err != nil {
			return err
		}
		rows := [][]string{t.head("THAY ĐỔI", "CHANGE", "VÌ SAO", "WHY", "TÀI KHOẢN", "ACCOUNT", "VAI TRÒ", "ROLE", "LOẠI", "KIND", "BẢN GHI", "RECORD",
			"THÔN", "VILLAGE", "NHẬN LÚC", "RECEIVED")}
		for _, h := range all {
			rows = append(rows, []string{h.Dot.String(), h.StateWhy, h.Account, h.Role, h.Kind, h.Record, h.Village, minute(h.Received)})
		}
		return t.table(rows)
	})
}

type heldPlace struct {
	place
	Change []string `arg:"" help:"Như trong held list: replica:số. · As in held list."`
}

func (c *heldPlace) each(t *terminal, f func(*central.Store, fieldsync.Dot) error) error {
	var dots []fieldsync.Dot
	for _, text := range c.Change {
		dot, err := fieldsync.ParseDot(text)
		if err != nil {
			return err
		}
		dots = append(dots, dot)
	}
	return c.with(t, func(s *central.Store) error {
		for _, dot := range dots {
			if err := f(s, dot); err != nil {
				return err
			}
		}
		return nil
	})
}

type heldRelease struct {
	heldPlace
	Why string `help:"Lý do. · Reason."`
}

func (c *heldRelease) Run(t *terminal) error {
	return c.each(t, func(s *central.Store, dot fieldsync.Dot) error {
		if _, err := s.HeldChange(t.ctx, dot); err != nil {
			return err
		}
		err := s.Release(t.ctx, dot, string(survey.Server), c.Why)
		if err == nil {
			t.say("Đã cho vào %s.", "Released %s.", dot)
		}
		return err
	})
}

type heldRefuse struct {
	heldPlace
	Why string `help:"Lý do, máy gửi sẽ thấy. · Reason; the sending device shows it." required:""`
}

func (c *heldRefuse) Run(t *terminal) error {
	return c.each(t, func(s *central.Store, dot fieldsync.Dot) error {
		if _, err := s.HeldChange(t.ctx, dot); err != nil {
			return err
		}
		err := s.Refuse(t.ctx, dot, string(survey.Server), c.Why)
		if err == nil {
			t.say("Đã từ chối %s.", "Refused %s.", dot)
		}
		return err
	})
}

type checkCommand struct {
	Dir string `arg:"" optional:"" help:"Thư mục có questionnaires, standards, codes; mặc định bản kèm theo. · Folder; default the built-in one."`
}

// Run prints every fault as file:line and every rule that no source confirms. It fails when there is a fault.
func (c *checkCommand) Run(t *terminal) error {
	set := schema.Builtin()
	if c.Dir != "" {
		report := schema.Check(os.DirFS(c.Dir))
		for _, p := range report.Problems {
			fmt.Fprintln(t.err, p.In(t.lang()))
		}
		if len(report.Problems) > 0 {
			return errTold
		}
		set = report.Set
	}
	t.say("Đúng: %d phiếu, %d chuẩn. Mã kiểm tra %s", "Correct: %d questionnaires, %d standards. Sum %s", len(set.Questionnaires), len(set.Standards), set.Sum)
	for _, name := range set.Drafts() {
		t.say("Bản nháp, chưa ban hành: %s", "A draft, not published: %s", name)
	}
	rules := set.Unconfirmed()
	if len(rules) > 0 {
		t.say("Quy định chưa xác nhận đủ (%d):", "Rules not fully confirmed (%d):", len(rules))
	}
	for _, r := range rules {
		fmt.Fprintf(t.out, "%s:%d: %s (%s): %s. %s\n", r.File, r.Line, r.Name, r.Confidence, r.Label.In(t.lang()), strings.TrimSpace(r.Source+" "+r.Note.In(t.lang())))
	}
	return nil
}

type classifyCommand struct{}

// Run reads cases and writes results, a line each; a line that is not valid fails by itself.
func (c *classifyCommand) Run(t *terminal) error {
	out := bufio.NewWriterSize(t.out, 64<<10)
	failed, err := survey.Classify(t.in, out, schema.Builtin(), t.lang())
	if err2 := out.Flush(); err == nil {
		err = err2
	}
	if err == nil && failed > 0 {
		return errTold // each line says what is wrong with it
	}
	return err
}

type versionCommand struct{}

func (c *versionCommand) Run(t *terminal) error {
	set := schema.Builtin()
	_, err := fmt.Fprintf(t.out, "Rà soát %s\nsync %d\nschema %s\n", version(), fieldsync.Proto, set.Sum)
	return err
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "devel"
}

type rebuildCommand struct {
	place
	Verify bool `help:"Chỉ so, không thay. · Only compare, replace nothing."`
}

// Run folds everything anew from the log. With --verify a difference is a failure; without it, it is put right.
func (c *rebuildCommand) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		r, err := s.Rebuild(t.ctx, c.Verify)
		if err != nil {
			return err
		}
		for _, d := range r.Differences {
			fmt.Fprintf(t.err, "%s %s %s: stored %s, computed %s\n", d.Table, d.Key, d.Column, d.Stored, d.Computed)
		}
		if r.More > 0 {
			t.warn("… và %d chỗ khác nữa", "… and %d more", r.More)
		}
		switch {
		case r.OK():
			t.say("Khớp: %d thay đổi, %d bản ghi.", "Equal: %d changes, %d records.", r.Changes, r.Records)
		case r.Replaced:
			t.say("Đã dựng lại: %d thay đổi, %d bản ghi, %d chỗ khác đã thay.", "Rebuilt: %d changes, %d records, %d differences replaced.", r.Changes, r.Records, len(r.Differences)+r.More)
		default:
			t.warn("Số liệu lưu khác với nhật ký. Dựng lại: server rebuild --data %s", "What is stored differs from the log. Rebuild it: server rebuild --data %s", c.Data)
			return errTold
		}
		return nil
	})
}

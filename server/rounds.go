package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
)

type areaCommands struct {
	Import areaImport `cmd:"" help:"Nạp thôn từ CSV: code,name,parent_code,valid_from,valid_to. · Import villages from CSV."`
}

type areaImport struct {
	place
	File string `arg:"" help:"Tệp CSV; - là stdin. · CSV file; - is standard input."`
}

func (c *areaImport) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		var done *central.AreaImport
		err := t.read(c.File, func(r io.Reader) (err error) {
			done, err = s.ImportAreas(t.ctx, "", r)
			return err
		})
		if err != nil {
			return err
		}
		s.WaitRejudged() // a command that ends would break the judging off
		t.warned(c.File, done.Warnings)
		t.say("Thêm %d thôn, sửa %d, đã có %d, không nhận %d dòng.", "Added %d villages, changed %d, known %d, rejected %d rows.", done.Added, done.Changed, done.Same, len(done.Rejected))
		return t.rejected(c.File, done.Rejected)
	})
}

// read opens a file, or standard input for "-".
func (t *terminal) read(name string, f func(io.Reader) error) error {
	if name == "-" {
		return f(t.in)
	}
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return &central.Refusal{Code: "file_missing", Text: schema.Text{"vi": fmt.Sprintf("Không có tệp %s. Kiểm tra tên và thư mục.", name), "en": fmt.Sprintf("There is no file %s. Check its name and folder.", name)}}
	}
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer file.Close() // only read
	return f(file)
}

// rejected prints each row that was not taken, as file:line: reason. The command then ends with status 1: the rest is in.
func (t *terminal) rejected(file string, rows []central.RowProblem) error {
	for _, p := range rows {
		fmt.Fprintf(t.err, "%s:%d: %s [%s]\n", file, p.Line, p.Text.In(t.lang()), p.Code)
	}
	if len(rows) > 0 {
		return errTold
	}
	return nil
}

// warned prints what was taken and is worth a look.
func (t *terminal) warned(file string, rows []central.RowProblem) {
	for _, p := range rows {
		fmt.Fprintf(t.err, "%s:%d: %s %s [%s]\n", file, p.Line, t.words("cảnh báo:", "warning:"), p.Text.In(t.lang()), p.Code)
	}
}

type roundCommands struct {
	Add  roundAdd  `cmd:"" help:"Mở đợt rà soát; in mã của đợt. · Open a round; prints its id."`
	Fill roundFill `cmd:"" help:"Đưa hộ nghèo, cận nghèo của danh sách gần nhất vào đợt. · Put the poor and near-poor of the last list on a round."`
	List roundList `cmd:"" help:"Danh sách đợt. · List rounds."`
}

type roundAdd struct {
	place
	Area          string `help:"Địa bàn: 01969, hoặc đơn vị cũ 063@2024-12-31. · Area." required:""`
	Standard      string `help:"Chuẩn nghèo, ví dụ vn-2021. · Standard." required:""`
	Questionnaire string `help:"Phiếu, ví dụ household/2026.1. · Questionnaire." required:""`
	From          string `help:"Ngày đầu, YYYY-MM-DD. · First day." required:""`
	To            string `help:"Ngày cuối, YYYY-MM-DD. · Last day." required:""`
	ID            string `name:"id" help:"UUID cho đợt; mặc định tạo mới. · UUID of the round; made if left out."`
	Name          string `help:"Tên đợt. · Name."`
	Kind          string `help:"periodic (định kỳ) hoặc regular (thường xuyên). · Kind." enum:"periodic,regular" default:"periodic"`
}

func (c *roundAdd) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		id, remarks, err := s.AddRound(t.ctx, "", central.NewRound{ID: c.ID, Name: c.Name, Kind: c.Kind, Area: c.Area,
			Standard: c.Standard, Questionnaire: c.Questionnaire, From: c.From, To: c.To})
		if err != nil {
			return err
		}
		s.WaitRejudged()
		fmt.Fprintln(t.out, id)
		for _, r := range remarks {
			fmt.Fprintln(t.err, r.Text.In(t.lang()))
		}
		return nil
	})
}

type roundFill struct {
	place
	Round string `arg:"" help:"Mã đợt. · The round's id."`
}

func (c *roundFill) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		done, err := s.FillRound(t.ctx, "", c.Round)
		if err != nil {
			return err
		}
		t.say("%d hộ nghèo, cận nghèo theo danh sách gần nhất; ghi %d thay đổi.", "%d poor and near-poor households by the last list; wrote %d changes.", done.Households, done.Changes)
		return nil
	})
}

type roundList struct{ place }

func (c *roundList) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		all, err := s.RoundDetails(t.ctx)
		if err != nil {
			return err
		}
		rows := [][]string{t.head("ĐỢT", "ROUND", "LOẠI", "KIND", "ĐỊA BÀN", "AREA", "CHUẨN", "STANDARD", "PHIẾU", "QUESTIONNAIRE",
			"TỪ", "FROM", "ĐẾN", "TO", "TÊN", "NAME")}
		for _, r := range all {
			rows = append(rows, []string{r.ID, r.Kind, r.Area + "@" + r.Date, r.Standard, r.Questionnaire, r.From, r.To, r.Name})
		}
		return t.table(rows)
	})
}

type householdCommands struct {
	Import householdImport `cmd:"" help:"Nhập danh sách năm trước (mỗi dòng một người, hoặc một hộ). · Import last year's list (a row a member, or a household)."`
}

type householdImport struct {
	place
	File     string `arg:"" help:"Tệp CSV; - là stdin. · CSV file; - is standard input."`
	Year     int    `help:"Năm rà soát của danh sách; mặc định năm ngoái. · Year of the list; default last year."`
	Area     string `help:"Địa bàn của đợt, ví dụ 063@2024-12-31; mặc định mỗi xã một đợt. · Area of its round; default a round for each commune."`
	Standard string `help:"Chuẩn nghèo; mặc định theo năm. · Standard; default by the year."`
	Class    string `help:"Loại hộ khi tệp không có cột loại: poor, near_poor. · Class, when the file has no such column."`
	Number   string `help:"Số quyết định công nhận. · Number of the decision."`
	Date     string `help:"Ngày quyết định, YYYY-MM-DD. · Date of the decision."`
}

func (c *householdImport) Run(t *terminal) error {
	return c.with(t, func(s *central.Store) error {
		var done *central.HouseholdImport
		err := t.read(c.File, func(r io.Reader) (err error) {
			done, err = s.ImportHouseholds(t.ctx, "", r, central.HouseholdOptions{Year: c.Year, Area: c.Area, Standard: c.Standard, Class: c.Class, Number: c.Number, Date: c.Date})
			return err
		})
		if err != nil {
			return err
		}
		s.WaitRejudged()
		t.say("Đọc %d dòng: %d hộ, %d người; %d dòng trùng, %d dòng không nhận.", "Read %d rows: %d households, %d members; %d doubles, %d rejected.", done.Rows, done.Households, done.Members, done.Duplicates, len(done.Rejected))
		if done.Changes == 0 && done.Households > 0 {
			t.say("Tất cả đã có từ trước: 0 dòng mới.", "All of it was here already: nothing new.")
		} else {
			t.say("Hộ mới %d, hộ sửa %d (%d người), hộ không đổi %d; đã ghi %d thay đổi.", "New households %d, corrected %d (%d members), unchanged %d; wrote %d changes.",
				done.Added, done.Changed, done.Corrected, done.Same, done.Changes)
		}
		for _, r := range done.Reclassed {
			t.say("%s:%d: đổi loại: %s → %s: hộ %s", "%s:%d: class changed: %s → %s: household of %s", c.File, r.Line, central.ClassLabel(r.From, t.lang()), central.ClassLabel(r.To, t.lang()), r.Head)
		}
		for _, id := range done.Rounds {
			t.say("Đợt: %s", "Round: %s", id)
		}
		c.remark(t, done)
		return t.rejected(c.File, done.Rejected)
	})
}

// Help lists the columns: who has the file open sees what to call them.
func (c *householdImport) Help() string {
	return central.ListColumns("vi") + "\n" + central.ListColumns("en")
}

// remark says what was left alone, so that nobody believes it to be in.
func (c *householdImport) remark(t *terminal, done *central.HouseholdImport) {
	if done.Kept > 0 {
		t.warn("%d câu trả lời đã có người sửa khác trong hệ thống: giữ nguyên.", "%d answers stand otherwise here, by a person: left alone.", done.Kept)
	}
	if done.NoClass > 0 {
		t.warn("%d hộ không có loại hộ (không có cột loại hộ, không có --class): chưa có trong danh sách nghèo, cận nghèo nào.", "%d households have no class (no column class, no --class): they are on no list of the poor or near-poor.", done.NoClass)
	}
	t.warned(c.File, done.Warnings)
	if len(done.Ignored) > 0 {
		t.warn("Không dùng các cột: %s", "Columns not used: %s", strings.Join(done.Ignored, ", "))
	}
	for _, v := range done.Proposed {
		t.warn("Thôn chưa có: %s %s (%d dòng). Thêm vào tệp thôn và chạy: server area import", "Unknown village: %s %s (%d rows). Add it to the file of villages and run: server area import", v.Name, v.Commune, v.Rows)
	}
}

package main

import (
	"errors"
	"os"

	"github.com/rasoat/rasoat/internal/demo"
)

type demoCommand struct {
	Data   string `help:"Thư mục trống cho dữ liệu trình diễn; mặc định là thư mục tạm, xóa khi xong. · Empty folder for the demo's data; by default a temporary one, removed at the end." placeholder:"DIR"`
	Store  string `help:"Kho trung tâm khác SQLite. · Another central store than SQLite." placeholder:"postgres://…"`
	Listen string `help:"Địa chỉ của trang quản trị. · Address of the console." default:"127.0.0.1:0"`
	Seed   uint64 `help:"Hạt giống của dữ liệu giả lập. · Seed of the made-up data." default:"1"`
	Stay   bool   `help:"Ở lại phục vụ sau khi chạy xong. · Stay up afterwards."`
}

// Run tells the demo's story. It fails when a total is not as expected.
func (c *demoCommand) Run(t *terminal) error {
	dir := c.Data
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "rasoat-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	err := demo.Run(t.ctx, demo.Options{Data: dir, Store: c.Store, Listen: c.Listen, Seed: c.Seed, Lang: t.lang(), Stay: c.Stay, Out: t.out})
	if errors.Is(err, demo.ErrNotAsExpected) {
		return errTold
	}
	return err
}

package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/schema"
	"github.com/rasoat/rasoat/server/web"
)

type serveCommand struct {
	place
	Listen       string `help:"Địa chỉ lắng nghe. · Address to listen on." default:"127.0.0.1:8080" env:"RASOAT_LISTEN"`
	Insecure     bool   `help:"Cho phép HTTP không mã hóa ra ngoài máy này. · Allow plain HTTP beyond this machine."`
	Address      string `help:"Địa chỉ máy con gõ vào, khi có proxy TLS đứng trước. · The address devices use, when a TLS proxy stands in front." placeholder:"https://…"`
	TLSCert      string `name:"tls-cert" help:"Chứng thư TLS (PEM), dùng cùng --tls-key. · TLS certificate, with --tls-key." placeholder:"FILE"`
	TLSKey       string `name:"tls-key" help:"Khóa của chứng thư (PEM). · The certificate's key." placeholder:"FILE"`
	MetricsToken string `help:"Mã cho phép máy khác đọc /metrics. · Lets another machine read /metrics." env:"RASOAT_METRICS_TOKEN"`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(t *terminal) error {
	if err := c.refusePlain(); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(t.err, nil))
	t.log = log
	return c.with(t, func(store *central.Store) error {
		l, err := net.Listen("tcp", c.Listen)
		if err != nil {
			return &central.Refusal{Code: "listen", Text: schema.Text{
				"vi": fmt.Sprintf("Không mở được địa chỉ %s: %v. Có thể máy chủ đang chạy rồi; chọn cổng khác bằng --listen.", c.Listen, err),
				"en": fmt.Sprintf("Cannot listen on %s: %v. Perhaps the server runs already; choose another port with --listen.", c.Listen, err)}}
		}
		address := c.Address
		if address == "" {
			all := usable(l.Addr(), net.InterfaceAddrs)
			address = c.scheme() + "://" + all[0]
			for _, other := range all[1:] {
				t.say("Cũng ở: %s://%s (máy con dùng địa chỉ nào thì ghi --address)", "Also at: %s://%s (say with --address which one devices use)", c.scheme(), other)
			}
		}
		if err := store.SaveAddress(t.ctx, address); err != nil {
			return err
		}
		if err := c.greet(t, store, address); err != nil {
			return err
		}
		s := web.New(store, web.Options{Log: log, MetricsToken: c.MetricsToken, Version: version(),
			Secure: strings.HasPrefix(address, "https:"), CertFile: c.TLSCert, KeyFile: c.TLSKey})
		return s.Serve(t.ctx, l)
	})
}

// refusePlain: names, ages and incomes do not travel in the clear beyond this machine, unless somebody said so.
func (c *serveCommand) refusePlain() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return &central.Refusal{Code: "tls", Text: schema.Text{"vi": "Ghi cả --tls-cert và --tls-key.", "en": "Give both --tls-cert and --tls-key."}}
	}
	if c.Insecure || c.TLSCert != "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return &central.Refusal{Code: "listen", Text: schema.Text{
			"vi": fmt.Sprintf("Địa chỉ %q sai. Viết như 127.0.0.1:8080.", c.Listen), "en": fmt.Sprintf("The address %q is wrong. Write it as 127.0.0.1:8080.", c.Listen)}}
	}
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return &central.Refusal{Code: "insecure", Text: schema.Text{
		"vi": fmt.Sprintf("Không mở HTTP không mã hóa ở %s: người khác trên mạng đọc được dữ liệu. Hãy dùng chứng thư (--tls-cert, --tls-key), hoặc để --listen 127.0.0.1:8080 sau một proxy TLS (--address https://…), "+
			"hoặc thêm --insecure nếu mạng này chỉ có máy của xã.", c.Listen),
		"en": fmt.Sprintf("Plain HTTP on %s is refused: others on the network could read the data. Use a certificate (--tls-cert, --tls-key), or keep --listen 127.0.0.1:8080 behind a TLS proxy (--address https://…), "+
			"or add --insecure if only the commune's machines are on this network.", c.Listen)}}
}

func (c *serveCommand) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// greet says where the server is and what to do next.
func (c *serveCommand) greet(t *terminal, store *central.Store, address string) error {
	t.say("Máy chủ Rà soát: %s", "Rà soát server: %s", address)
	if c.Insecure {
		t.warn("Cảnh báo: HTTP không mã hóa (--insecure). Chỉ dùng trong mạng riêng của xã.", "Warning: plain HTTP (--insecure). Use it inside the commune's own network only.")
	}
	if behind, last := store.ClockBehind(t.ctx); behind {
		t.warn("Đồng hồ máy này chậm hơn lần ghi cuối (%s). Chỉnh lại ngày giờ trước khi làm việc.", "This machine's clock is behind the last thing stored (%s). Set it right before working.", day(last))
	}
	accounts, err := store.Accounts(t.ctx)
	if err != nil || len(accounts) > 0 {
		return err
	}
	program := os.Args[0]
	t.say(`Chưa có tài khoản. Mở một cửa sổ lệnh khác và làm lần lượt (mật khẩu gõ vào khi được chờ):
  %[1]s area import THON.csv --data %[2]s
  %[1]s account add quantri --role admin --name "Họ và tên" --data %[2]s
  %[1]s account add en0417 --role enumerator --area MÃ-THÔN --name "Họ và tên" --data %[2]s
  %[1]s round add --area MÃ-XÃ --standard vn-2027 --questionnaire household/2026.1 --from 2026-09-01 --to 2026-12-14 --data %[2]s
  %[1]s enrol en0417 --data %[2]s`,
		`There is no account yet. Open another window and do these in turn (type the password when it waits):
  %[1]s area import VILLAGES.csv --data %[2]s
  %[1]s account add quantri --role admin --name "Full name" --data %[2]s
  %[1]s account add en0417 --role enumerator --area VILLAGE-CODE --name "Full name" --data %[2]s
  %[1]s round add --area COMMUNE-CODE --standard vn-2027 --questionnaire household/2026.1 --from 2026-09-01 --to 2026-12-14 --data %[2]s
  %[1]s enrol en0417 --data %[2]s`, program, c.Data)
	return nil
}

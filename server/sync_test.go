package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	fieldsync "github.com/rasoat/rasoat/sync"
)

func TestATabletEnrolsSendsAndAnotherReceives(t *testing.T) {
	d := newDesk(t)
	s := d.serve()
	round := d.office() // beside the running server
	code := firstLine(d.do("", "enrol", "en01"))
	one, two := newDevice(t, s.address), newDevice(t, s.address)
	answer, err := one.enrol(strings.ReplaceAll(strings.ToLower(code), "0", "o"))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Name != "Nông Thị Một" || answer.Role != "enumerator" || !slices.Contains(answer.Scopes, "01969-01") || !slices.Equal(answer.Rounds, []string{round}) {
		t.Errorf("the answer to enrol: %+v", answer)
	}
	household := newID(t)
	seg := one.save(household, "household", "01969-01", map[string]string{".": `"active"`, "village": `"01969-01"`, "address": quoted("Nhà số 1")})
	pushed, err := one.client.Push(t.Context(), seg)
	if err != nil || pushed.Through != 1 || len(pushed.Notes) != 0 || pushed.Receipt == nil || !pushed.Receipt.Verify([]byte(answer.ServerKey)) {
		t.Fatalf("push: %+v, %v", pushed, err)
	}
	if _, err := two.enrol(firstLine(d.do("", "enrol", "en01"))); err != nil {
		t.Fatal(err)
	}
	hello, err := two.hello()
	if err != nil {
		t.Fatal(err)
	}
	cursors := map[string]fieldsync.Cursor{}
	for _, scope := range hello.Scopes {
		cursors[scope] = fieldsync.Cursor{Epoch: hello.Epoch}
	}
	lines, err := two.client.Pull(t.Context(), &fieldsync.PullRequest{Cursors: cursors})
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for _, l := range lines {
		if l.B != nil {
			c, fault := fieldsync.DecodeChange(l.Replica, l.B)
			if fault != nil {
				t.Fatal(fault)
			}
			records = append(records, c.Record)
		}
	}
	if !slices.Contains(records, household) || !slices.Contains(records, round) {
		t.Errorf("the second tablet received %v, want the household and the round", records)
	}
	if out := d.do("", "rebuild", "--verify"); !strings.Contains(out, "Khớp") {
		t.Errorf("rebuild --verify beside the server: %s", out)
	}
	if log := s.log.String(); strings.Contains(log, household) || strings.Contains(log, "Nhà số") || strings.Contains(log, "en01") {
		t.Errorf("the log names a household or a person:\n%s", log)
	}
}

func TestEachDeviceSeesItsOwnPlaceOnly(t *testing.T) {
	d := newDesk(t)
	d.office()
	s := d.serve()
	mine, other := newDevice(t, s.address), newDevice(t, s.address)
	for b, account := range map[*device]string{mine: "en01", other: "en02"} {
		if _, err := b.enrol(firstLine(d.do("", "enrol", account))); err != nil {
			t.Fatal(err)
		}
	}
	hello, err := other.hello()
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"01969-01", "01969!board", "01969-02"} {
		_, err := other.client.Pull(t.Context(), &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{scope: {Epoch: hello.Epoch}}})
		wantProblem(t, "a pull of "+scope+" by another district's device", err, 403, "scope")
	}
	seg := mine.save(newID(t), "household", "01969-01", map[string]string{".": `"active"`, "village": `"01969-01"`})
	_, err = other.client.Push(t.Context(), seg)
	wantProblem(t, "pushing another account's feed", err, 403, "replica")
	stranger := newDevice(t, s.address)
	stranger.client.Token = "not a token"
	_, err = stranger.hello()
	wantProblem(t, "an unknown token", err, 401, "token")
}

func TestARevokedDeviceIsRefusedAtOnceAndHeldWorkIsDecided(t *testing.T) {
	d := newDesk(t)
	d.office()
	s := d.serve()
	b := newDevice(t, s.address)
	if _, err := b.enrol(firstLine(d.do("", "enrol", "en01"))); err != nil {
		t.Fatal(err)
	}
	d.do("", "account", "revoke", "en01", "--area", "01969-01")
	record := newID(t)
	answer, err := b.client.Push(t.Context(), b.save(record, "household", "01969-01", map[string]string{".": `"active"`, "village": `"01969-01"`},
		map[string]string{".": `"active"`, "phone": `"0900000000"`}))
	if err != nil || len(answer.Notes) != 2 || answer.Notes[0].State != "held" || answer.Notes[0].Why != "revoked" {
		t.Fatalf("work after the grant was revoked: %+v, %v, want it held", answer, err)
	}
	if out := d.do("", "held", "list"); !strings.Contains(out, b.replica+":1") || !strings.Contains(out, "revoked") {
		t.Errorf("held list:\n%s", out)
	}
	d.do("", "held", "release", b.replica+":1")
	d.do("", "held", "refuse", b.replica+":2", "--why", "Số điện thoại sai")
	if status, _, errOut := d.try("", "held", "release", b.replica+":1"); status != statusFailed || !strings.Contains(errOut, "held_gone") {
		t.Errorf("releasing twice: status %d, %s", status, errOut)
	}
	hello, err := b.hello()
	if err != nil {
		t.Fatal(err)
	}
	want := []fieldsync.Note{{S: 1, State: "published", Why: "released"}, {S: 2, State: "refused", Why: "Số điện thoại sai"}}
	if !slices.Equal(hello.Notes, want) {
		t.Errorf("notes at hello: %+v, want %+v", hello.Notes, want)
	}
	d.do("", "device", "revoke", "1")
	_, err = b.hello()
	wantProblem(t, "hello of a revoked device", err, 401, "token")
	if out := d.do("", "device", "list", "--lang", "en"); !strings.Contains(out, "revoked") || !strings.Contains(out, b.replica) {
		t.Errorf("device list:\n%s", out)
	}
}

func TestTwoProcessesShareOneFolder(t *testing.T) {
	d := newDesk(t)
	d.office()
	program := func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], append(args, "--data", d.data)...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		return cmd
	}
	serve := program("serve", "--listen", "127.0.0.1:0")
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	_, address, _ := strings.Cut(firstLine(string(buf[:n])), "http://")
	// The other process adds a village, an account and a code; the running one knows them at once.
	extra := filepath.Join(t.TempDir(), "more.csv")
	if err := os.WriteFile(extra, []byte("code,name,parent_code,valid_from,valid_to\n01969-07,Nà Mới,01969,2020-01-01,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"area", "import", extra}, {"account", "add", "en07", "--role", "enumerator", "--area", "01969-07", "--name", "Người Mới"}} {
		if text, err := program(args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
	}
	code, err := program("enrol", "en07").Output()
	if err != nil {
		t.Fatal(err)
	}
	b := newDevice(t, "http://"+address)
	if answer, err := b.enrol(firstLine(string(code))); err != nil || !slices.Contains(answer.Scopes, "01969-07") {
		t.Errorf("enrol with what the other process made: %+v, %v", answer, err)
	}
	start := time.Now()
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := serve.Wait(); err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("SIGTERM: %v after %v, want a clean end within 5 s", err, time.Since(start))
	}
}

func TestPlainHTTPBeyondThisMachineIsRefused(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "[::]:0"} {
		status, _, errOut := newDesk(t).try("", "serve", "--listen", listen)
		if status != statusFailed || !strings.Contains(errOut, "--insecure") {
			t.Errorf("serve --listen %s: status %d, %q, want a refusal that names --insecure", listen, status, errOut)
		}
	}
}

func TestEveryAnswerHasItsHeadersAndMetricsStayHere(t *testing.T) {
	d := newDesk(t)
	s := d.serve("--metrics-token", "chìa khóa")
	get := func(path string, header ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for pair := range slices.Chunk(header, 2) {
			req.Header.Set(pair[0], pair[1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/no-such-page": 404} {
		res := get(path)
		if res.StatusCode != want || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || res.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: status %d with %v, want %d with the policy and an id", path, res.StatusCode, res.Header, want)
		}
	}
	if res := get("/metrics", "X-Forwarded-For", "192.0.2.1"); res.StatusCode != 403 {
		t.Errorf("metrics passed on by a proxy: status %d, want 403", res.StatusCode)
	}
	if res := get("/metrics", "X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer chìa khóa"); res.StatusCode != 200 {
		t.Errorf("metrics with the token: status %d", res.StatusCode)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.address+"/healthz", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("a form posted by another site: status %d, want 403", res.StatusCode)
	}
}

func TestWithACertificateTheServerSpeaksTLS(t *testing.T) {
	d := newDesk(t)
	d.office()
	srv := httptest.NewUnstartedServer(nil) // only for its certificate
	srv.StartTLS()
	pair := srv.TLS.Certificates[0]
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	srv.Close()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert := d.file("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	key := d.file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if status, _, errOut := d.try("", "serve", "--tls-cert", cert); status != statusFailed || !strings.Contains(errOut, "--tls-key") {
		t.Errorf("a certificate without its key: status %d, %s", status, errOut)
	}
	s := d.serve("--tls-cert", cert, "--tls-key", key)
	b := newDevice(t, s.address)
	b.client.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}}}
	if _, err := b.enrol(firstLine(d.do("", "enrol", "en01"))); err != nil || !strings.HasPrefix(s.address, "https://") {
		t.Errorf("enrolling at %s: %v", s.address, err)
	}
}

//go:build linux

// Package centraltest gives tests and benchmarks stores to work on: a SQLite file in a temporary folder, or a database of
// a PostgreSQL server that is started for the test run. It is imported by tests only.
package centraltest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// NeedPostgres is the environment variable that turns a missing PostgreSQL from a skipped into a failed test.
const NeedPostgres = "RASOAT_NEED_POSTGRES"

// PostgresURL returns the address of a fresh, empty database. The server behind it is started once a test run, in a
// temporary folder, reachable by its unix socket only. Where none can be had the test is skipped with the reason.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	server, err := startOnce()
	if err != nil {
		if os.Getenv(NeedPostgres) == "1" {
			tb.Fatalf("PostgreSQL is needed (%s=1) and cannot be had: %v", NeedPostgres, err)
		}
		tb.Skipf("PostgreSQL cannot be had: %v", err)
	}
	name := fmt.Sprintf("t%d", server.databases.Add(1))
	if err := server.exec("CREATE DATABASE " + name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Errorf("drop %s: %v", name, err)
		}
	})
	return server.url(name)
}

// Main runs the tests and then stops what they started: call it from TestMain of every package that uses PostgresURL.
func Main(m interface{ Run() int }) int {
	code := m.Run()
	if started.server != nil {
		started.server.stop()
	}
	return code
}

var started struct {
	once   sync.Once
	server *server
	err    error
}

func startOnce() (*server, error) {
	started.once.Do(func() { started.server, started.err = start() })
	return started.server, started.err
}

type server struct {
	dir       string
	cmd       *exec.Cmd
	databases atomic.Int64
}

// start makes a cluster and its server. PostgreSQL refuses to run as root: root runs it as the system's postgres user.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rasoat-pg-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	who, err := s.ownedBy()
	if err == nil {
		err = s.run(bin, who)
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func binaries() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "", errors.New("no postgres program on the path or under /usr/lib/postgresql (Debian: apt install postgresql)")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func (s *server) ownedBy() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("tests run as root, PostgreSQL refuses to, and there is no user to run it as: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2, os.Chmod(s.dir, 0o755), os.Chown(s.dir, int(uid), int(gid))); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *server) run(bin string, who *syscall.Credential) error {
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "rasoat", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: who}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", s.dir, "-c", "listen_addresses=",
		"-c", "shared_buffers=256MB", "-c", "max_connections=200", "-c", "max_wal_size=4GB")
	s.cmd.Dir, s.cmd.Stderr = s.dir, log
	// The server must not outlive the tests, however they end.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
	began := make(chan error)
	go func() {
		runtime.LockOSThread() // the signal comes when the thread ends that started the server: this one never does
		began <- s.cmd.Start()
		select {}
	}()
	if err := <-began; err != nil {
		s.cmd = nil
		return err
	}
	return s.ready(filepath.Join(s.dir, "log"))
}

// ready waits until the server answers.
func (s *server) ready(log string) (err error) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for range 600 {
		if err = s.exec("SELECT 1"); err == nil {
			return nil
		}
		<-ticker.C
	}
	text, _ := os.ReadFile(log)
	return fmt.Errorf("the server does not answer: %w: %s", err, text)
}

func (s *server) url(database string) string {
	return "postgres://rasoat@/" + database + "?host=" + url.QueryEscape(s.dir) + "&sslmode=disable"
}

func (s *server) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (s *server) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown; SIGTERM would wait for connections
		_ = s.cmd.Wait()
	}
	os.RemoveAll(s.dir)
}

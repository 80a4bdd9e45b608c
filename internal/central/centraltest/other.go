//go:build !linux

// Package centraltest gives tests and benchmarks stores to work on; on this system SQLite ones only.
package centraltest

import (
	"os"
	"testing"
)

// NeedPostgres is the environment variable that turns a missing PostgreSQL from a skipped into a failed test.
const NeedPostgres = "RASOAT_NEED_POSTGRES"

// PostgresURL skips the test: a server is started on Linux only.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	if os.Getenv(NeedPostgres) == "1" {
		tb.Fatal("PostgreSQL is started by tests on Linux only")
	}
	tb.Skip("PostgreSQL is started by tests on Linux only")
	return ""
}

// Main runs the tests.
func Main(m interface{ Run() int }) int { return m.Run() }

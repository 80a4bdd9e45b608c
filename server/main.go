// The server of Rà soát: it takes in what tablets send, merges it, gives it back, and serves the console. One program, one
// data folder; every command works while "serve" runs.
//
// Start reading at commands.go (what can be typed), then serve.go. The work itself is done in the rooms below.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Command logctl collects log files into Kafka, managed from etcd and operated
// from a terminal. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"logctl/internal/cli"
)

func main() {
	os.Exit(run())
}

// run turns signals into the end of the context: the first asks for an orderly
// stop, a second ends the process at once.
func run() int {
	// Without this, a write to a closed pipe kills the process before it can say
	// anything; commands see EPIPE and end quietly instead.
	signal.Ignore(syscall.SIGPIPE)
	ctx, hold, stop := cli.WithSignals(context.Background())
	defer stop()
	return cli.Main(ctx, os.Args[1:], cli.Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), HoldInterrupts: hold,
	})
}

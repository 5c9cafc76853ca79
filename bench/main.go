package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// options of the command line.
type options struct {
	logctl string
	only   []string
	peers  []string
	rounds int
	lines  int
	out    string
	keep   bool
}

func (o options) wants(part string) bool { return len(o.only) == 0 || slices.Contains(o.only, part) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "raw":
			return runRaw(ctx, args[1:])
		case "floor":
			return runFloor(ctx, args[1:])
		case "lesson":
			return runLesson(ctx, args[1:])
		}
	}
	o, err := parse(args)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	return measure(ctx, o)
}

func parse(args []string) (options, error) {
	var o options
	var only, peers string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.logctl, "logctl", "../logctl", "the built binary; empty: measure the others only")
	flags.StringVar(&only, "only", "", "comma separated parts: throughput, latency, idle, many, fairness, start, reading, console, losses, micro")
	flags.StringVar(&peers, "subjects", "", "comma separated prefixes of the subjects of the throughput part; empty: all found")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of the parts that are compared, in turn")
	flags.IntVar(&o.lines, "lines", 2_000_000, "lines of 149 bytes in the throughput part")
	flags.StringVar(&o.out, "o", "RESULTS.md", "where the results go; empty: print only")
	flags.BoolVar(&o.keep, "keep", false, "keep the scratch directory")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only, o.peers = split(only), split(peers)
	return o, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

//go:build !nodemo

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"logctl/agent/report"
	"logctl/consumer"
	"logctl/consumer/format"
	"logctl/internal/config"
	"logctl/internal/safe"
	"logctl/tui"
)

// demoBuilt says whether the demo and its embedded servers are in this binary.
const demoBuilt = true

// demoLine is what 'logctl --help' says first of the demo.
const demoLine = "  logctl demo               all of it on embedded servers: the first minute\n"

// demoOptions are the flags of the demo.
type demoOptions struct {
	headless bool
	duration time.Duration
	dataDir  string
	rate     int
	output   string
	from     string
	fleet    int
	files    []string
}

func newDemoCmd(a *app) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo [FILE…]",
		Short: "All of it in one process on embedded servers: the first minute",
		Long: `demo starts an embedded etcd and an embedded Kafka broker on free loopback ports, writes
three lively sample logs that rotate, runs an agent on them and opens the console. With
FILE… it tails those files instead. Nothing is left behind unless --data-dir is given.

Without a terminal, or with --headless, it prints the records as tail-topic does, and a
line of throughput on stderr every second. It prints the addresses of the two servers, so
that other tools can be pointed at them.`,
		Example: `  logctl demo
  logctl demo /var/log/syslog
  logctl demo --headless --for 10s > records.txt`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return a.demo(cmd, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.headless, "headless", false, "print records instead of opening the console")
	f.DurationVar(&o.duration, "for", 0, "end by itself after this time, with a summary (0: run until stopped)")
	f.StringVar(&o.dataDir, "data-dir", "", "keep the data of the servers and the agent in this directory")
	f.IntVar(&o.rate, "rate", 400, "sample lines written a second, about")
	f.StringVarP(&o.output, "output", "o", "text", "text, raw or json, for --headless")
	f.StringVar(&o.from, "from", "beginning", "where FILE… are read from: beginning or end")
	f.IntVar(&o.fleet, "fleet", 0, "simulate this many agents beside the real one; the console shows them")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "raw", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.FixedCompletions([]string{"beginning", "end"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *demoOptions) check() error {
	if o.duration < 0 || o.rate < 1 || o.rate > 1_000_000 {
		return &usageError{errors.New("demo: --for must not be negative and --rate must be from 1 to 1000000")}
	}
	if o.fleet < 0 || o.fleet > 10_000 {
		return &usageError{errors.New("demo: --fleet must be from 0 to 10000")}
	}
	if o.from != "beginning" && o.from != "end" {
		return &usageError{fmt.Errorf("demo: --from: %q is not beginning or end", o.from)}
	}
	for _, f := range o.files {
		st, err := os.Stat(f)
		if err == nil && st.IsDir() {
			err = fmt.Errorf("%s is a directory; name files", f)
		}
		if err == nil && !st.IsDir() && !st.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a regular file; name files", f)
		}
		if err == nil {
			err = readable(f)
		}
		if err != nil {
			return &usageError{fmt.Errorf("demo: %w", err)}
		}
	}
	return nil
}

// readable says why a file cannot be read.
func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// demo runs the whole road until its time is over, the console is left or ctx ends.
func (a *app) demo(cmd *cobra.Command, o demoOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	printer, err := format.New(o.output, format.Options{Topic: true, Escape: isTerminal(a.Out)})
	if err != nil {
		return &usageError{fmt.Errorf("demo: %w", err)}
	}
	headless := o.headless || !isTerminal(a.Out) || !isTerminal(a.In)
	for _, server := range []string{"kafka", "etcd"} {
		if cmd.Flags().Changed(server) {
			return &usageError{fmt.Errorf("demo: --%s has no place here: the demo brings its own servers; for yours run 'logctl agent' and 'logctl tui'", server)}
		}
	}
	c, err := a.settings(cmd, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	st, err := a.openStage(ctx, c, o, headless)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, st.close()) }()
	safe.Fprintf(a.Err, "demo: kafka %s  etcd %s  key %s\n", st.servers.KafkaAddr, st.servers.EtcdAddr, st.key)
	for _, e := range st.entries {
		safe.Fprintf(a.Err, "demo: %s -> topic %s\n", e.Path, e.Topic)
	}
	var reader *consumer.Reader
	if headless { // before there is anything to read: what an earlier demo left there stays out
		if reader, err = st.openReader(ctx); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer func() { err = errors.Join(err, reader.Close()) }()
	}
	st.start(ctx)
	front := ctx
	if o.duration > 0 {
		timed, stop := context.WithTimeout(ctx, o.duration)
		defer stop()
		front = timed
	}
	key := st.key
	if o.fleet > 0 {
		if key, err = st.startFleet(ctx, o.fleet); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		safe.Fprintf(a.Err, "demo: %d simulated agents have the key %s\n", o.fleet, key)
	}
	if headless {
		return a.demoHeadless(front, st, reader, printer)
	}
	return a.demoConsole(front, st, c, key)
}

// demoConsole runs the console on the demo's servers and that collect key.
func (a *app) demoConsole(ctx context.Context, st *demoStage, c *config.Config, key string) error {
	cfg := a.consoleConfig(c, st.client, st.admin, st.stateDir(), st.log)
	cfg.Kafka, cfg.CollectKey, cfg.ReportTopic = st.kafkaConfig(), key, report.DefaultTopic
	if err := tui.Run(ctx, cfg); err != nil && ctx.Err() == nil {
		return err
	}
	// The entries may have been edited in the console, so that the two numbers need not
	// become the same.
	t := st.finish(context.WithoutCancel(ctx), time.Second)
	safe.Fprintf(a.Err, "demo: %d lines written, %d shipped\n", t.written, t.shipped)
	return t.err
}

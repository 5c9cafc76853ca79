package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/kafka"
)

// statusFlags are the flags of status.
type statusFlags struct {
	output   string
	watch    bool
	interval time.Duration
	maxDelay time.Duration
	maxLag   string
	window   time.Duration
}

func newStatusCmd(a *app) *cobra.Command {
	f := &statusFlags{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print agents, tasks, rates and lag; exit 1 when something is unhealthy",
		Long: `status prints how collecting goes: which agents are on duty and apply the list, what each
entry ships, how far behind it is, and every problem in words. It reads presences and the
list from etcd and rates from the report topic in Kafka; with one of the two away it shows
what the other knows, and says so.

It exits 0 when all is well and 1 when something is not, so that it can be a health check:
a server away, a bad list, no agent on duty, an agent that is lost or never came, two agents
with one id, an agent without reports or behind the list, a task that cannot work, a line
that waits longer than --max-delay for its acknowledgement, or more lag than --max-lag. A
file that does not exist yet is no problem. Warnings are printed and leave the exit code 0: a
quota that is used up, lines that wait for their acknowledgement, a clock of this host that is
not the brokers'. docs/states.md has every state.

-o check prints one line for Nagios and its like, with exit codes as they want them: 0 well, 1
lines wait, an agent is behind, or bytes were gone before they could be read in the last
hour, 2 something does not work, 3 nothing could be found out.`,
		Example: `  logctl status
  logctl status -o json | jq '.problems'
  logctl status --watch
  logctl status --max-delay 30s --max-lag 100MiB > /dev/null || alert`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.status(cmd, f) },
	}
	s := cmd.Flags()
	s.BoolVarP(&f.watch, "watch", "w", false, "print again and again, until interrupted")
	s.DurationVar(&f.interval, "interval", 2*time.Second, "between two prints of --watch")
	s.DurationVar(&f.maxDelay, "max-delay", time.Minute, "oldest line without acknowledgement that is well (0: any)")
	s.StringVar(&f.maxLag, "max-lag", "", "bytes of a task not yet acknowledged that are well, such as 100MiB (default any)")
	s.DurationVar(&f.window, "window", 30*time.Second, "how far back reports are read")
	addOutput(cmd, &f.output, "table", "json", "check")
	return cmd
}

// statusDesk is what status asks.
type statusDesk struct {
	store    *etcdcfg.Store
	admin    *kafka.Admin
	kafka    kafka.Config
	key      string
	topic    string   // of the reports
	expected []string // ids of agents that must be there, beside those that etcd names
	flags    *statusFlags
	lag      int64            // 0: any
	now      func() time.Time // time.Now, but in tests
}

func (a *app) status(cmd *cobra.Command, f *statusFlags) error {
	if f.interval <= 0 || f.window <= 0 || f.maxDelay < 0 {
		return &usageError{errors.New("status: --interval, --window and --max-delay must be positive")}
	}
	lag := int64(0)
	if f.maxLag != "" {
		var err error
		if lag, err = config.ParseSize(f.maxLag); err != nil {
			return &usageError{fmt.Errorf("--max-lag: %w", err)}
		}
	}
	c, err := a.settings(cmd, nil)
	if err != nil {
		return err
	}
	log, err := a.logger(a.Err)
	if err != nil {
		return err
	}
	client, err := etcdcfg.Dial(etcdConfig(c, log))
	if err != nil {
		return &usageError{err}
	}
	d := &statusDesk{
		store: etcdcfg.NewStore(client, author(), etcdcfg.WithTimeout(c.Etcd.Timeout), etcdcfg.WithReadOnly()),
		admin: kafka.NewAdmin(kafkaConfig(c)), kafka: kafkaConfig(c),
		key: resolve(c.Etcd.CollectKey), topic: c.Agent.ReportTopic, expected: c.Etcd.ExpectedAgents, flags: f, lag: lag, now: time.Now,
	}
	err = a.statusLoop(cmd.Context(), d)
	return errors.Join(err, client.Close(), d.admin.Close())
}

// statusLoop prints once, or until ctx ends.
func (a *app) statusLoop(ctx context.Context, d *statusDesk) error {
	for {
		s := d.gather(ctx)
		if ctx.Err() != nil {
			return endOfWatch(ctx, d.flags.watch)
		}
		if err := a.printStatus(s, d.flags); err != nil {
			return err
		}
		if !d.flags.watch {
			if f := d.flags; f.output == "check" {
				if code := s.nagios(); code != nagiosOK {
					return &exitError{code}
				}
				return nil
			}
			if !s.Healthy {
				return &exitError{ExitFailure}
			}
			return nil
		}
		timer := time.NewTimer(d.flags.interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return endOfWatch(ctx, true)
		case <-timer.C:
		}
	}
}

// endOfWatch is the end by a signal: what one expects of --watch, and a failure
// where an answer was waited for.
func endOfWatch(ctx context.Context, watch bool) error {
	if watch {
		return nil
	}
	return ctx.Err()
}

//go:build !nodemo || console

package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/kafka"
	"logctl/internal/safe"
	"logctl/tui"
)

// consoleLine is what 'logctl --help' says first of the console.
const consoleLine = "  logctl tui                the console: entries, agents, topics, live streams\n"

func newTUICmd(a *app) *cobra.Command {
	var snapshot, size string
	cmd := &cobra.Command{
		Use:   "tui",
		Short: "The console: edit entries, watch throughput and lag, stream topics",
		Long: `tui opens the console: the collect entries and the agents that apply them, the topics,
and the live stream of a topic across all partitions. Press ? for the keys.

It needs a terminal. Scripts use 'logctl entries', 'logctl status' and
'logctl tail-topic', or --snapshot for one screen as text.`,
		Example: `  logctl tui
  logctl tui --read-only --key collect_log_10.0.0.7_conf
  logctl tui --snapshot entries --size 120x40`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.settings(cmd, tuiFlags())
			if err != nil {
				return err
			}
			width, height, err := parseSize(size)
			if err != nil {
				return err
			}
			if snapshot != "" && !knownScreen(snapshot) {
				return &usageError{fmt.Errorf("tui: --snapshot: no screen %q; there are %s", snapshot, strings.Join(tui.SnapshotScreens(), ", "))}
			}
			if snapshot == "" && !(isTerminal(a.Out) && isTerminal(a.In)) {
				return notATerminal()
			}
			return a.runConsole(cmd, c, func(cfg tui.Config) error {
				if snapshot == "" {
					return tui.Run(cmd.Context(), cfg)
				}
				text, err := tui.Snapshot(cmd.Context(), cfg, snapshot, width, height)
				if err != nil {
					return err
				}
				return safe.Print(a.Out, safe.Block(strings.TrimRight(text, "\n")))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&snapshot, "snapshot", "", "print a screen once as text and end: "+strings.Join(tui.SnapshotScreens(), ", "))
	f.StringVar(&size, "size", "120x40", "columns x rows of --snapshot")
	f.Bool("read-only", false, "refuse every write ([tui] read_only)")
	f.String("theme", "", "auto, light, dark or none ([tui] theme)")
	f.String("max-record", "", "records of a stream larger than this are passed over with a notice ([tui] max_record)")
	f.String("max-memory", "", "what reading a stream may take ([tui] max_memory)")
	f.Bool("mouse", false, "catch the mouse ([tui] mouse)")
	_ = cmd.RegisterFlagCompletionFunc("theme", cobra.FixedCompletions([]string{"auto", "light", "dark", "none"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("snapshot", cobra.FixedCompletions([]string{"entries", "agents", "topics", "events", "history", "help"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// tuiFlags are the settings that only this command takes on its line.
func tuiFlags() map[string]string {
	return map[string]string{"read-only": "tui.read_only", "theme": "tui.theme", "mouse": "tui.mouse", "max-record": "tui.max_record", "max-memory": "tui.max_memory"}
}

// knownScreen says whether a screen of --snapshot exists, by its first word.
func knownScreen(screen string) bool {
	first := func(s string) string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ':' })[0]
	}
	if strings.Trim(screen, " :") == "" {
		return false
	}
	return slices.ContainsFunc(tui.SnapshotScreens(), func(s string) bool { return first(s) == first(screen) })
}

func notATerminal() error {
	return &usageError{errors.New("tui: the console needs a terminal on stdin and stdout; in a pipe use 'logctl tail-topic', 'logctl status -o json' or 'logctl tui --snapshot entries'")}
}

func parseSize(s string) (width, height int, err error) {
	w, h, ok := strings.Cut(s, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if !ok || errW != nil || errH != nil || width < 1 || height < 1 || width > 1000 || height > 1000 {
		return 0, 0, &usageError{fmt.Errorf("--size: %q is not columns x rows such as 120x40", s)}
	}
	return width, height, nil
}

// runConsole connects what the console needs and closes it after use.
func (a *app) runConsole(cmd *cobra.Command, c *config.Config, use func(tui.Config) error) (err error) {
	if _, err := a.logger(io.Discard); err != nil {
		return err
	}
	dir, log, closeLog := a.consoleState()
	defer func() { err = errors.Join(err, closeLog()) }()
	client, err := etcdcfg.Dial(etcdConfig(c, log))
	if err != nil {
		return &usageError{err}
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	admin := kafka.NewAdmin(kafkaConfig(c))
	defer func() { err = errors.Join(err, admin.Close()) }()
	return use(a.consoleConfig(c, client, admin, dir, log))
}

// consoleState is where the console logs and keeps its settings. Where nothing can be
// written it opens all the same: a full disk may be what it is opened for.
func (a *app) consoleState() (dir string, log *slog.Logger, closeLog func() error) {
	dir, err := a.stateDir()
	if err == nil {
		log, closeLog, err = a.fileLogger(dir)
	}
	if err != nil {
		safe.Fprintf(a.Err, "tui: no log is kept and no settings are remembered: %v\n", err)
		return "", slog.New(slog.DiscardHandler), func() error { return nil }
	}
	return dir, log, closeLog
}

// consoleConfig is the configuration of the console from the settings and what was
// opened for it. The key is given as it is written: with placeholders the console asks
// which host's list is meant.
func (a *app) consoleConfig(c *config.Config, client *clientv3.Client, admin *kafka.Admin, dir string, log *slog.Logger) tui.Config {
	opts := []etcdcfg.Option{etcdcfg.WithTimeout(c.Etcd.Timeout), etcdcfg.WithKeyTemplate(c.Etcd.CollectKey)}
	if c.TUI.ReadOnly {
		opts = append(opts, etcdcfg.WithReadOnly())
	}
	return tui.Config{
		CollectKey: c.Etcd.CollectKey, Store: etcdcfg.NewStore(client, author(), opts...), Admin: admin,
		Kafka: kafkaConfig(c), ReportTopic: c.Agent.ReportTopic, ReadOnly: c.TUI.ReadOnly, Theme: c.TUI.Theme, MaxRecord: c.TUI.MaxRecord, MaxMemory: c.TUI.MaxMemory,
		Mouse: c.TUI.Mouse, StateDir: dir, Log: log, Version: buildVersion(), HoldInterrupts: a.HoldInterrupts,
	}
}

// fileLogger logs to a file in the state directory: the screen belongs to the
// console.
func (a *app) fileLogger(dir string) (*slog.Logger, func() error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the directory of the console's log: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "tui.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the console's log: %w", err)
	}
	log, err := a.logger(f)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return log, f.Close, nil
}

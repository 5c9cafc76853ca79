package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/config"
)

// app is what every command shares: the streams and the flags of the root.
type app struct {
	Streams
	configFile string
	logLevel   string
	logFormat  string
}

func newApp(s Streams) *app { return &app{Streams: s} }

// sharedFlags are settings every command takes on its line; the others are in
// the file and the environment.
func sharedFlags() map[string]string {
	return map[string]string{"kafka": "kafka.address", "etcd": "etcd.address", "key": "etcd.collect_key"}
}

// overview are the commands that 'logctl --help' begins with.
const overview = demoLine + "  logctl agent              the daemon: tails files, ships lines, remembers positions\n" +
	consoleLine + "  logctl tail-topic TOPIC   prints a topic's records from all partitions\n"

func newRootCmd(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "logctl",
		Short: "Collect log files into Kafka, managed from etcd, operated from a terminal",
		Long: `logctl ships every line of the files that etcd names to Kafka, and shows it happen.

` + overview + `
Settings come from flags, then LOGCTL_<SECTION>_<KEY> in the environment, then the
ini file, then defaults; 'logctl agent --print-config' shows them with their source.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q", args[0])
			}
			return cmd.Help()
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetIn(a.In)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%s: %w; see '%s --help'", cmd.Name(), err, cmd.CommandPath())}
	})
	f := root.PersistentFlags()
	f.StringVar(&a.configFile, "config", "", "ini file (default conf/config.ini, then the user's, then /etc/logctl/config.ini)")
	f.String("kafka", "", "Kafka brokers, comma separated ([kafka] address)")
	f.String("etcd", "", "etcd endpoints, comma separated ([etcd] address)")
	f.String("key", "", "etcd key of the collect entries ([etcd] collect_key)")
	f.StringVar(&a.logLevel, "log-level", "", "debug, info, warn or error (default info)")
	f.StringVar(&a.logFormat, "log-format", "", "text, json, or journal: systemd's, with fields (default text)")
	fixed := func(values ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	_ = root.RegisterFlagCompletionFunc("key", a.completeKeys)
	_ = root.RegisterFlagCompletionFunc("log-level", fixed("debug", "info", "warn", "error"))
	_ = root.RegisterFlagCompletionFunc("log-format", fixed("text", "json", "journal"))
	addCommands(root, a)
	checkCompletion(root)
	return root
}

// checkCompletion makes 'completion' with an unknown shell wrong usage; cobra prints
// its help and calls it well.
func checkCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return &usageError{fmt.Errorf("completion: %q is not bash, fish, powershell or zsh", args[0])}
		}
	}
}

// settings loads the configuration for a command. extra maps flags of the command
// itself to settings ("section.key").
func (a *app) settings(cmd *cobra.Command, extra map[string]string) (*config.Config, error) {
	flags := map[string]config.FlagText{}
	shared, ofRoot := sharedFlags(), cmd.Root().PersistentFlags()
	cmd.Flags().Visit(func(f *pflag.Flag) {
		id, ok := extra[f.Name]
		if !ok && ofRoot.Lookup(f.Name) == f { // the --key of tail-topic is another one
			id, ok = shared[f.Name]
		}
		if ok {
			flags[id] = config.FlagText{Flag: "--" + f.Name, Text: f.Value.String()}
		}
	})
	c, err := config.Load(config.Sources{File: a.configFile, Environ: a.Environ, Flags: flags})
	if err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

// logger builds the logger of a command, writing to w.
func (a *app) logger(w io.Writer) (*slog.Logger, error) {
	level, format := a.logLevel, a.logFormat
	if level == "" {
		level = a.getenv("LOGCTL_LOG_LEVEL")
	}
	if format == "" {
		format = a.getenv("LOGCTL_LOG_FORMAT")
	}
	var lv slog.Level
	if level != "" {
		if err := lv.UnmarshalText([]byte(level)); err != nil {
			return nil, &usageError{fmt.Errorf("--log-level: %q is not one of debug, info, warn, error", level)}
		}
	}
	opts := &slog.HandlerOptions{Level: lv}
	switch format {
	case "", "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		if isTerminal(w) {
			w = jsonLog{w}
		}
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	case "journal":
		return slog.New(newJournalHandler(w, opts)), nil
	}
	return nil, &usageError{fmt.Errorf("--log-format: %q is not text, json or journal", format)}
}

// getenv looks a variable up in the environment of the command.
func (a *app) getenv(name string) string {
	return lookEnv(a.Environ, name, runtime.GOOS == "windows")
}

// lookEnv returns the last value of a variable in env; fold: names differ by more than
// case, as on Windows, where LocalAppData is LOCALAPPDATA.
func lookEnv(env []string, name string, fold bool) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && (k == name || fold && strings.EqualFold(k, name)) {
			return v
		}
	}
	return ""
}

// isTerminal says whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isTerminalFile(f)
}

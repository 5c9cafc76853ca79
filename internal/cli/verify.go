package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/glob"
	"logctl/internal/safe"
	"logctl/internal/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	since      time.Duration
	all        bool
	topicsOnly bool
	content    bool
	host       recordsHost
	grace      time.Duration
	output     string
}

func newVerifyCmd(a *app) *cobra.Command {
	f := verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify [PATH...]",
		Short: "Prove that the lines of this host's log files are in their topics, once and in order",
		Long: `verify compares the files of this host, rotated and compressed ones included, with the
records of their topics, by the address that every record carries: host, file, pos. It
says of every file what arrived once, what twice, what out of order, and what is missing:
byte range, number of lines, the times of the records around the hole, and what the
agent of this host counted of the entry, if its reports are there.

PATHs are entries of the list in etcd, or files that they match; --all takes every entry.
Nothing is written to a topic or to etcd, and no consumer group is used. What was found of
each entry is kept in the data directory, if there is one: the agent's reports have it, and
consoles show it. Memory grows with holes, not
with lines. What is older than a topic keeps, and the end of a file that is being written
to, are named and are no holes. A file system that does not answer for 30 s is left alone,
and its files are named.

Exit code 1: something is missing or altered, or a file could not be read.`,
		Example: `  logctl verify --all
  logctl verify /var/log/app.log --content
  logctl verify --since 24h -o json
  logctl verify --all --topics-only     # from anywhere, all hosts: holes and repeats by address`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !f.all && f.since == 0 {
				return &usageError{errors.New("verify: name a PATH, or use --all or --since")}
			}
			if f.output != "table" && f.output != "json" {
				return &usageError{fmt.Errorf("verify: -o %q is not table or json", f.output)}
			}
			return a.verify(cmd, args, f)
		},
	}
	fl := cmd.Flags()
	fl.DurationVar(&f.since, "since", 0, "only files written to, and records sent, since then: 24h")
	fl.BoolVar(&f.all, "all", false, "every entry of the list")
	fl.BoolVar(&f.topicsOnly, "topics-only", false, "read no files: holes and repeats between the records of every host and file")
	fl.BoolVar(&f.content, "content", false, "compare the bytes of the lines too")
	f.host.add(fl)
	fl.DurationVar(&f.grace, "grace", 30*time.Second, "the end of a file written to within it may still be on its way")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json")
	return cmd
}

func (a *app) verify(cmd *cobra.Command, paths []string, f verifyFlags) error {
	c, err := a.settings(cmd, nil)
	if err != nil {
		return err
	}
	entries, err := a.listed(cmd)
	if err != nil {
		return err
	}
	logs, topics := verifiedLogs(entries, paths)
	if len(logs) == 0 {
		return fmt.Errorf("verify: no entry of the list has such a path: 'logctl entries list' shows them")
	}
	verdicts, l, err := a.judge(cmd.Context(), c, logs, topics, f)
	if err != nil {
		return err
	}
	said := a.whatAgentCounted(cmd.Context(), c, f.host.name(c), verdicts)
	if err := a.printVerdicts(verdicts, said, l, f.output); err != nil {
		return err
	}
	if !f.topicsOnly {
		a.keepVerdicts(c, entries, verdicts, f)
	}
	if slices.ContainsFunc(verdicts, func(v verify.Verdict) bool { return v.Bad() || v.Unread }) {
		return &exitError{ExitFailure}
	}
	return nil
}

// verifiedLogs are the entries that the paths name; all when there are none.
func verifiedLogs(entries []etcdcfg.Entry, paths []string) (logs []verify.Log, topics []string) {
	for _, e := range entries {
		wanted := len(paths) == 0
		path := e.Path
		for _, p := range paths {
			if p == e.Path {
				wanted = true
			} else if g, err := glob.Compile(filepath.ToSlash(e.Path)); err == nil && g.Match(filepath.ToSlash(p)) {
				wanted, path = true, p
			}
		}
		if !wanted {
			continue
		}
		logs = append(logs, verify.Log{
			Path: path, Topic: e.Topic, Whole: e.From == etcdcfg.FromBeginning,
			Ruled: e.Encoding != "" || e.Format != "" && e.Format != etcdcfg.FormatRaw || e.Multiline != nil || len(e.IncludeLines)+len(e.ExcludeLines) > 0,
		})
		if !slices.Contains(topics, e.Topic) {
			topics = append(topics, e.Topic)
		}
	}
	return logs, topics
}

// judge reads the topics and, unless topics are all that is asked for, the files.
func (a *app) judge(ctx context.Context, c *config.Config, logs []verify.Log, topics []string, f verifyFlags) ([]verify.Verdict, *verify.Ledger, error) {
	begun := time.Now()
	src := verify.Source{Kafka: kafkaConfig(c), Topics: topics, Content: f.content}
	if f.since > 0 {
		src.Since = begun.Add(-f.since)
	}
	if isTerminal(a.Err) {
		src.Progress = func(done, all int64) {
			left := "?"
			if done > 0 {
				left = time.Duration(float64(time.Since(begun)) / float64(done) * float64(all-done)).Round(time.Second).String()
			}
			safe.Fprintf(a.Err, "\rreading topics: %d%% of %d records, %s left   ", done*100/max(all, 1), all, left)
		}
	}
	l, cut, err := verify.Read(ctx, src)
	if err != nil {
		return nil, nil, fmt.Errorf("verify: %w", err)
	}
	if f.topicsOnly {
		return l.Topics(), l, nil
	}
	cmp := verify.Comparison{Ledger: l, Host: f.host.name(c), Cut: cut, Since: src.Since, Grace: f.grace, Now: time.Now()}
	if src.Progress != nil {
		cmp.Progress = func(name string) { safe.Fprintf(a.Err, "\rcomparing %.60s   ", name) }
	}
	verdicts, err := cmp.Compare(ctx, logs)
	if src.Progress != nil {
		safe.Fprintf(a.Err, "\r%80s\r", "")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("verify: %w", err)
	}
	return verdicts, l, nil
}

// printVerdicts writes what became of the files.
func (a *app) printVerdicts(list []verify.Verdict, said []counted, l *verify.Ledger, output string) error {
	if output == "json" {
		data, err := json.MarshalIndent(struct {
			Records     uint64           `json:"records"`
			Unaddressed uint64           `json:"unaddressed"` // records without host, file and pos
			Files       []verify.Verdict `json:"files"`
			Counted     []counted        `json:"counted,omitempty"` // by the agent, where something is missing
		}{l.Records, l.Unaddressed, list, said}, "", "  ")
		if err != nil {
			return err
		}
		return a.writeJSON(append(data, '\n'))
	}
	rows := [][]string{{"FILE", "TOPIC", "RECORDS", "TWICE", "DISORDER", "MISSING", "ALTERED", "NOTE"}}
	for _, v := range list {
		missing, lines := int64(0), int64(0)
		for _, h := range v.Missing {
			missing, lines = missing+h.To-h.From, lines+h.Lines
		}
		gone := "-"
		if len(v.Missing) > 0 {
			gone = fmt.Sprintf("%d lines, %d bytes", lines, missing)
		}
		rows = append(rows, []string{v.Name, v.Topic, fmt.Sprint(v.Records), fmt.Sprint(v.Repeats), fmt.Sprint(v.Disorder), gone, fmt.Sprint(len(v.Altered)), v.Note})
	}
	if err := safe.Print(a.Out, textTable(rows)); err != nil {
		return err
	}
	for _, v := range list {
		for _, h := range v.Missing {
			safe.Fprintf(a.Out, "missing: %s bytes %d to %d (%d lines), between %s and %s\n", v.Name, h.From, h.To, h.Lines, moment(h.After), moment(h.Before))
		}
		for _, s := range v.Altered {
			safe.Fprintf(a.Out, "altered: %s somewhere in bytes %d to %d\n", v.Name, s.From, s.To)
		}
	}
	a.printCounted(said)
	if l.Unaddressed > 0 {
		safe.Fprintf(a.Err, "%d records carry no address (host, file, pos): they are of other producers, or were sent without these headers\n", l.Unaddressed)
	}
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "the beginning or the end"
	}
	return t.Format(time.RFC3339)
}

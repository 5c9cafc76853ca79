package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/agent/tail/suggest"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newEntriesSuggestCmd(a *app) *cobra.Command {
	var output, id string
	wait := 10 * time.Second
	cmd := &cobra.Command{
		Use:   "suggest PATH|DIR",
		Short: "Show which files of a directory are one log, and the entry to add",
		Long: `suggest looks at a directory of this host, or at the log that a file belongs to, and changes
nothing; with --agent a running agent looks, within its allow_paths. It shows for each log how its writer names old generations, its files from the
oldest to the one that is written to (*), and the command that adds the entry. Where the
names alone do not tell old generations from other logs, the entry names them (rotated).

It exits 0 when a log was found and 1 when there is none, or PATH cannot be read.`,
		Example: `  logctl entries suggest /var/log/app
  logctl entries suggest /var/log/app/app.log
  logctl entries suggest /var/log/app --agent web-07
  logctl entries suggest /var/log/app -o json | jq '.logs[].entry'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.suggest(cmd, args[0], output, id, wait) },
	}
	cmd.Flags().StringVar(&id, "agent", "", "ask this running agent through etcd (default this host)")
	cmd.Flags().DurationVar(&wait, "wait", wait, "how long the agent may take to answer")
	addOutput(cmd, &output, "text", "json")
	return cmd
}

// suggestion is a log with the entry to add, as -o json prints it.
type suggestion struct {
	suggest.Log
	Entry json.RawMessage `json:"entry"`
}

// suggestFrom asks a running agent.
func (a *app) suggestFrom(cmd *cobra.Command, path, id string, wait time.Duration) (r suggest.Report, err error) {
	err = a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
		return d.askAgent(ctx, id, wait, etcdcfg.Command{Kind: "suggest", Path: path}, &r)
	})
	return r, err
}

func (a *app) suggest(cmd *cobra.Command, path, output, id string, wait time.Duration) error {
	var r suggest.Report
	var err error
	if id == "" {
		r, err = suggest.Look(cmd.Context(), path)
	} else {
		r, err = a.suggestFrom(cmd, path, id, wait)
	}
	if err != nil {
		return err
	}
	if output == "json" {
		err = printSuggestions(a.Out, r)
	} else {
		for i, g := range r.Logs {
			if i > 0 {
				safe.Fprintf(a.Out, "\n")
			}
			printSuggestion(a.Out, g)
		}
		for _, l := range r.Left {
			safe.Fprintf(a.Err, "left out: %s: %s\n", l.Name, l.Why)
		}
	}
	if err == nil && len(r.Logs) == 0 {
		return fmt.Errorf("no log in %s", r.Dir)
	}
	return err
}

func printSuggestions(w io.Writer, r suggest.Report) error {
	logs := make([]suggestion, 0, len(r.Logs))
	for _, g := range r.Logs {
		list, err := etcdcfg.Format([]etcdcfg.Entry{entryFor(g)})
		if err != nil {
			return err
		}
		var entries []json.RawMessage
		if err := json.Unmarshal(list, &entries); err != nil || len(entries) != 1 {
			return errors.Join(fmt.Errorf("the entry for %s", g.Path), err)
		}
		logs = append(logs, suggestion{Log: g, Entry: entries[0]})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Dir  string         `json:"dir"`
		Logs []suggestion   `json:"logs"`
		Left []suggest.Left `json:"left"`
	}{r.Dir, logs, r.Left})
}

func entryFor(g suggest.Log) etcdcfg.Entry {
	return etcdcfg.Entry{Path: g.Path, Topic: g.Topic, Rotated: g.Rotated}
}

func printSuggestion(w io.Writer, g suggest.Log) {
	safe.Fprintf(w, "%s: %s\n", g.Path, g.Scheme)
	if g.More > 0 {
		safe.Fprintf(w, "    %s before these\n", plural(g.More, "older file", "older files"))
	}
	for _, f := range g.Files {
		mark, packed := " ", ""
		if f.Active {
			mark = "*"
		}
		if f.Packed != "" {
			packed = "  " + f.Packed
		}
		safe.Fprintf(w, "  %s %s  %12d  %s%s\n", mark, f.ModTime.Format("2006-01-02 15:04:05"), f.Size, f.Name, packed)
	}
	safe.Fprintf(w, "  logctl entries add %s %s", shellQuote(g.Path), g.Topic)
	for _, glob := range g.Rotated {
		safe.Fprintf(w, " --rotated %s", shellQuote(glob))
	}
	safe.Fprintf(w, "\n")
}

// shellQuote writes s as one word of a shell.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

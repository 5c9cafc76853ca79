package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/agent"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newEntriesPreviewCmd(a *app) *cobra.Command {
	var fields entryFlags
	var output string
	var agents []string
	wait := 10 * time.Second
	cmd := &cobra.Command{
		Use:   "preview PATH",
		Short: "Show what an entry would match and send, before it is saved",
		Long: `preview shows which files a path or glob matches, which of them cannot be read and why, and the last
records that an entry with these fields would make of the newest one. It looks at this host, or
asks running agents through etcd. Nothing is saved and nothing is sent.`,
		Example: `  logctl entries preview '/var/log/nginx/*.log' --exclude '*.gz'
  logctl entries preview /var/log/app.log --multiline-start '^\d{4}-' --agent web-07`,
		Args:              usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNewEntry,
		RunE: func(cmd *cobra.Command, args []string) error {
			e := etcdcfg.Entry{Path: args[0], Topic: "preview"}
			if err := fields.apply(cmd.Flags(), &e); err != nil {
				return err
			}
			if err := etcdcfg.ValidateEntry(e); err != nil {
				return &usageError{err}
			}
			found, err := a.preview(cmd, e, agents, wait)
			if err != nil {
				return err
			}
			if output == "json" {
				return a.printJSON(found)
			}
			return a.printPreviews(found)
		},
	}
	fields.add(cmd)
	cmd.Flags().StringArrayVar(&agents, "agent", nil, "ask this running agent through etcd (repeatable; default this host)")
	cmd.Flags().DurationVar(&wait, "wait", wait, "how long an agent may take to answer")
	addOutput(cmd, &output, "table", "json")
	return cmd
}

// hostPreview is what an entry would do on one host.
type hostPreview struct {
	Agent string `json:"agent"` // empty: this host
	agent.Preview
	Error string `json:"error,omitempty"`
}

// preview looks here, or asks each of the agents.
func (a *app) preview(cmd *cobra.Command, e etcdcfg.Entry, agents []string, wait time.Duration) ([]hostPreview, error) {
	if len(agents) == 0 {
		p, err := agent.PreviewEntry(cmd.Context(), e, agent.Access{})
		return []hostPreview{{Preview: p}}, err
	}
	text, err := etcdcfg.Format([]etcdcfg.Entry{e})
	if err != nil {
		return nil, err
	}
	var out []hostPreview
	err = a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
		for _, id := range agents {
			h := hostPreview{Agent: id}
			err := d.askAgent(ctx, id, wait, etcdcfg.Command{Kind: "preview", Entry: text}, &h.Preview)
			var refused *refusedError
			switch {
			case errors.As(err, &refused):
				h.Error = refused.why
			case err != nil:
				h.Error = err.Error()
			}
			out = append(out, h)
		}
		return nil
	})
	return out, err
}

func (a *app) printPreviews(list []hostPreview) error {
	for _, h := range list {
		where := "this host"
		if h.Agent != "" {
			where = "agent " + h.Agent
		}
		if h.Error != "" {
			if _, err := safe.Fprintf(a.Out, "%s: %s\n", where, h.Error); err != nil {
				return err
			}
			continue
		}
		more := ""
		if h.Cut {
			more = " (and more: looking for them took too long)"
		}
		if _, err := safe.Fprintf(a.Out, "%s: %s, %s%s\n", where, plural(h.Matches, "file matches", "files match"), shortBytes(h.Bytes), more); err != nil {
			return err
		}
		rows := [][]string{{"FILE", "SIZE", "MODIFIED", "PROBLEM"}}
		for _, f := range h.Files {
			rows = append(rows, []string{f.Path, strconv.FormatInt(f.Size, 10), f.Modified.Local().Format("2006-01-02 15:04:05"), f.Error})
		}
		if len(h.Files) > 0 {
			if err := safe.Print(a.Out, textTable(rows)); err != nil {
				return err
			}
		}
		if h.Of == "" {
			continue
		}
		odd := ""
		if h.Unparsed > 0 {
			odd = fmt.Sprintf(", %s not in the format", plural(h.Unparsed, "line", "lines"))
		}
		if _, err := safe.Fprintf(a.Out, "the last %s of %s (%d left out by filters%s):\n", plural(len(h.Records), "record", "records"), h.Of, h.Filtered, odd); err != nil {
			return err
		}
		for _, r := range h.Records {
			if _, err := safe.Fprintf(a.Out, "  %s\n", strings.ReplaceAll(r, "\n", "⏎")); err != nil {
				return err
			}
		}
	}
	return nil
}

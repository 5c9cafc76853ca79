package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newEntriesListCmd(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the entries",
		Long: `list prints the entries. -o json prints the list as it stands in etcd, laid out, with fields
that logctl does not know: what 'entries apply -f' takes. -o raw prints its very bytes,
also when the list is bad.`,
		Example: `  logctl entries list
  logctl entries list -o json | jq -r '.[].path'
  logctl entries list -o raw > entries.json`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error { return a.listEntries(ctx, d, output) })
		},
	}
	addOutput(cmd, &output, "table", "json", "raw")
	return cmd
}

func (a *app) listEntries(ctx context.Context, d *entriesDesk, output string) error {
	if output == "raw" {
		snap, err := d.Load(ctx, d.key)
		if err == nil {
			err = a.writeData(snap.Raw)
		}
		return err
	}
	snap, err := d.load(ctx)
	if err != nil {
		return err
	}
	if output == "json" {
		text, err := etcdcfg.Format(snap.Entries)
		if err != nil {
			return err
		}
		return a.writeJSON(append(text, '\n'))
	}
	if len(snap.Entries) == 0 {
		safe.Fprintf(a.Err, "no entries under %s; add one: logctl entries add PATH TOPIC\n", d.key)
		return nil
	}
	return printEntries(a.Out, snap.Entries)
}

// printEntries writes entries as a table.
func printEntries(w io.Writer, entries []etcdcfg.Entry) error {
	rows := [][]string{{"PATH", "TOPIC", "STATE", "OPTIONS"}}
	for _, e := range entries {
		state := "on"
		if e.Disabled {
			state = "paused"
		}
		rows = append(rows, []string{e.Path, e.Topic, state, entryOptions(e)})
	}
	return safe.Print(w, textTable(rows))
}

// entryOptions writes the optional fields of an entry in short.
func entryOptions(e etcdcfg.Entry) string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+"="+value)
		}
	}
	add("from", e.From)
	add("exclude", strings.Join(e.Exclude, ","))
	add("rotated", strings.Join(e.Rotated, ","))
	add("encoding", e.Encoding)
	add("format", e.Format)
	add("multiline", e.Multiline.String())
	add("include", strings.Join(e.IncludeLines, ","))
	add("exclude_lines", strings.Join(e.ExcludeLines, ","))
	for _, k := range sortedKeys(e.Labels) {
		add("label:"+k, e.Labels[k])
	}
	if e.Poll {
		out = append(out, "poll")
	}
	return strings.Join(out, " ")
}

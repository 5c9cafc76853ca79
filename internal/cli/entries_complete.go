package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// completionTime bounds what a completion may take; a shell waits for it.
const completionTime = time.Second

// completing runs f on the store for a completion; errors give no candidates.
func (a *app) completing(cmd *cobra.Command, f func(context.Context, *entriesDesk) []string) ([]string, cobra.ShellCompDirective) {
	d, err := a.openEntries(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	out := f(ctx, d)
	_ = d.close() // a completion has nobody to tell
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeEntries offers the paths of the list, then the topics of a path.
func (a *app) completeEntries(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completing(cmd, func(ctx context.Context, d *entriesDesk) []string {
		snap, err := d.Load(ctx, d.key)
		if err != nil {
			return nil
		}
		var out []string
		for _, e := range snap.Entries {
			word, about := e.Path, "-> "+e.Topic
			if len(args) == 1 {
				if e.Path != args[0] {
					continue
				}
				word, about = e.Topic, ""
			}
			if strings.HasPrefix(word, prefix) && !slices.ContainsFunc(out, func(c string) bool { return strings.HasPrefix(c, word+"\t") }) {
				out = append(out, cobra.CompletionWithDesc(word, about))
			}
		}
		return out
	})
}

// completeNewEntry offers files for PATH and the cluster's topics for TOPIC.
func (a *app) completeNewEntry(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return nil, cobra.ShellCompDirectiveDefault
	case 1:
		return a.completeTopics(cmd, nil, prefix)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeRevisions offers the recorded changes.
func (a *app) completeRevisions(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, directive := a.completing(cmd, func(ctx context.Context, d *entriesDesk) []string {
		changes, err := d.History(ctx, d.key, 0)
		if err != nil {
			return nil
		}
		var out []string
		for _, c := range changes {
			if n := strconv.FormatInt(c.Revision, 10); strings.HasPrefix(n, prefix) {
				out = append(out, cobra.CompletionWithDesc(n, describeChange(c)))
			}
		}
		return out
	})
	return list, directive | cobra.ShellCompDirectiveKeepOrder
}

// describeChange is a change as the shell shows it beside its revision.
func describeChange(c etcdcfg.Change) string {
	text := c.When.Local().Format(time.DateTime) + " " + c.Who
	if c.Note != "" {
		text += ": " + c.Note
	}
	return string(safe.Clean(text))
}

// completeKeys offers the collect keys that are known, for --key.
func (a *app) completeKeys(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return a.completing(cmd, func(ctx context.Context, d *entriesDesk) []string {
		keys, err := d.Keys(ctx)
		if err != nil {
			return nil
		}
		return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) })
	})
}

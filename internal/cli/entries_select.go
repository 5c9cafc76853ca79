package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
)

// selectEntries finds the entries that PATH [TOPIC] means. Several that have the
// path need all, or the topic.
func selectEntries(list []etcdcfg.Entry, args []string, all bool) ([]int, error) {
	var found []int
	for i, e := range list {
		if e.Path == args[0] && (len(args) < 2 || e.Topic == args[1]) {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("no entry for %s%s", strings.Join(args, " -> "), nearestPath(list, args[0]))
	case len(found) > 1 && !all:
		var topics []string
		for _, i := range found {
			topics = append(topics, list[i].Topic)
		}
		return nil, &usageError{fmt.Errorf("%s goes to several topics (%s): name the topic too", args[0], strings.Join(topics, ", "))}
	}
	return found, nil
}

// nearestPath names entries that might have been meant.
func nearestPath(list []etcdcfg.Entry, path string) string {
	base := path[strings.LastIndexAny(path, `/\`)+1:]
	var near []string
	for _, e := range list {
		if base != "" && strings.Contains(e.Path, base) && len(near) < 3 && !slices.Contains(near, e.Path) {
			near = append(near, e.Path)
		}
	}
	if len(near) == 0 {
		return "; see 'logctl entries list'"
	}
	return "; is it " + strings.Join(near, " or ") + "?"
}

func newEntriesRemoveCmd(a *app) *cobra.Command {
	var edit editFlags
	var all, ifPresent bool
	cmd := &cobra.Command{
		Use:     "remove PATH [TOPIC]",
		Aliases: []string{"rm", "delete"},
		Short:   "Remove an entry; its files are no longer followed",
		Long: `remove takes an entry out of the list. Agents stop following its files once the lines they
have read are acknowledged; positions are kept, so an entry that is added again goes on
where it stopped.`,
		Example: `  logctl entries remove /var/log/app.log
  logctl entries remove /var/log/app.log app_log --dry-run`,
		Args:              usageArgs(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: a.completeEntries,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				return a.edit(ctx, d, &edit, func(list []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
					if ifPresent && !slices.ContainsFunc(list, func(e etcdcfg.Entry) bool {
						return e.Path == args[0] && (len(args) < 2 || e.Topic == args[1])
					}) {
						return list, nil
					}
					found, err := selectEntries(list, args, all)
					if err != nil {
						return nil, err
					}
					for _, i := range slices.Backward(found) {
						list = slices.Delete(list, i, i+1)
					}
					return list, nil
				})
			})
		},
	}
	edit.add(cmd)
	cmd.Flags().BoolVar(&all, "all-topics", false, "remove all entries of the path")
	cmd.Flags().BoolVar(&ifPresent, "if-present", false, "do nothing when there is no such entry")
	return cmd
}

// newEntriesPauseCmd makes pause, or resume.
func newEntriesPauseCmd(a *app, pause bool) *cobra.Command {
	var edit editFlags
	var all bool
	name, short := "pause", "Stop collecting an entry but keep it in the list"
	if !pause {
		name, short = "resume", "Collect a paused entry again, from where it stopped"
	}
	cmd := &cobra.Command{
		Use:               name + " PATH [TOPIC]",
		Short:             short,
		Example:           fmt.Sprintf("  logctl entries %s /var/log/app.log\n  logctl entries %s --all -m 'maintenance'", name, name),
		Args:              usageArgs(cobra.MaximumNArgs(2)),
		ValidArgsFunction: a.completeEntries,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all != (len(args) == 0) {
				return &usageError{fmt.Errorf("%s: name a PATH, or give --all", name)}
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				return a.edit(ctx, d, &edit, func(list []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
					if all {
						for i := range list {
							list[i].Disabled = pause
						}
						return list, nil
					}
					found, err := selectEntries(list, args, true)
					if err != nil {
						return nil, err
					}
					for _, i := range found {
						list[i].Disabled = pause
					}
					return list, nil
				})
			})
		},
	}
	edit.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every entry of the list")
	return cmd
}

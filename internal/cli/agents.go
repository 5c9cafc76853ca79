package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newAgentsCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "List the agents that are there or should be; say who is expected, forget who is gone",
		Long: `agents shows who is on duty, who is lost (stopped without goodbye) and who is expected and
never came. An agent that is stopped in order says goodbye and is no longer listed, unless it
is expected. A lost one stays, and is a problem for 'logctl status', until it comes back or is
forgotten.`,
		Example: `  logctl agents list
  logctl agents expect web-01 web-02
  logctl agents forget web-07`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAgentsListCmd(a), newAgentsExpectCmd(a), newAgentsForgetCmd(a))
	return cmd
}

// agentLine is one agent as agents list prints it.
type agentLine struct {
	ID       string     `json:"id"`
	State    state.Code `json:"state"`
	Expected bool       `json:"expected"`
	Host     string     `json:"host"`
	Version  string     `json:"version"`
	Key      string     `json:"collect_key"`
	Tasks    int        `json:"tasks"`
}

func newAgentsListCmd(a *app) *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:               "list",
		Short:             "List the agents of all collect keys",
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				list, _, err := d.Presences(ctx)
				if err != nil {
					return err
				}
				lines := make([]agentLine, 0, len(list))
				rows := [][]string{{"AGENT", "STATE", "EXPECTED", "HOST", "VERSION", "KEY", "TASKS"}}
				for _, p := range list {
					l := agentLine{ID: p.ID, State: dutyState(p), Expected: p.Expected, Host: p.Host, Version: p.Version, Key: p.CollectKey, Tasks: len(p.Tasks)}
					lines = append(lines, l)
					wanted := "-"
					if l.Expected {
						wanted = "yes"
					}
					rows = append(rows, []string{l.ID, string(l.State), wanted, l.Host, l.Version, l.Key, strconv.Itoa(l.Tasks)})
				}
				if output == "json" {
					return a.printJSON(lines)
				}
				return safe.Print(a.Out, textTable(rows))
			})
		},
	}
	addOutput(cmd, &output, "table", "json")
	return cmd
}

// dutyState is the state of an agent by its presence.
func dutyState(p etcdcfg.Presence) state.Code {
	switch {
	case p.Duty == etcdcfg.DutyLost:
		return state.Lost
	case p.Duty == etcdcfg.DutyAwaited:
		return state.Awaited
	case len(p.Instances) > 1:
		return state.Twice
	}
	return state.OnDuty
}

func newAgentsExpectCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "expect ID...",
		Short:             "Say that agents must be there: it is a problem when one is not, also when it never came",
		Args:              usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				for _, id := range args {
					if err := d.Expect(ctx, id, d.key); err != nil {
						return err
					}
				}
				safe.Fprintf(a.Err, "expected: %s\n", strings.Join(args, ", "))
				return nil
			})
		},
	}
}

func newAgentsForgetCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "forget ID...",
		Short:             "Forget agents that are gone for good: neither lost nor expected any more",
		Args:              usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeGoneAgents,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				var errs []error
				for _, id := range args {
					if err := d.Forget(ctx, id); err != nil {
						errs = append(errs, err)
						continue
					}
					safe.Fprintf(a.Err, "forgotten: %s\n", id)
				}
				return errors.Join(errs...)
			})
		},
	}
}

// completeGoneAgents offers the agents that are not there.
func (a *app) completeGoneAgents(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	_ = a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error { // without etcd there is nothing to offer
		list, _, err := d.Presences(ctx)
		for _, p := range list {
			if p.Duty != etcdcfg.DutyOn {
				out = append(out, p.ID)
			}
		}
		return err
	})
	return out, cobra.ShellCompDirectiveNoFileComp
}

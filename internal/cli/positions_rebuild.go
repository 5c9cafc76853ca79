package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"logctl/agent/positions"
	"logctl/agent/tail"
	"logctl/internal/safe"
	"logctl/internal/verify"
)

func newPositionsRebuildCmd(a *app) *cobra.Command {
	since, host, dryRun := 24*time.Hour, recordsHost(""), false
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Read lost positions back from the topics",
		Long: `rebuild is for a data directory that is gone or was set aside: it reads the records of
this host in the topics of all entries, as far back as --since, finds the files that they
are of by inode number and content, and saves how far each arrived. The agent must be
stopped. An entry whose positions are kept is left alone.

Files of which no record is that young are not known afterwards; what of theirs was sent
before is sent again.`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return &usageError{errors.New("positions rebuild: --since must be more than 0")}
			}
			return a.rebuildPositions(cmd, since, host, dryRun)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&since, "since", since, "how far back the topics are read")
	host.add(f)
	f.BoolVarP(&dryRun, "dry-run", "n", false, "say what would be saved and save nothing")
	return cmd
}

func (a *app) rebuildPositions(cmd *cobra.Command, since time.Duration, as recordsHost, dryRun bool) (err error) {
	c, err := a.settings(cmd, nil)
	if err != nil {
		return err
	}
	entries, err := a.listed(cmd)
	if err != nil {
		return err
	}
	dir, err := a.dataDir(c)
	if err != nil {
		return err
	}
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	if errors.Is(err, positions.ErrLocked) {
		return fmt.Errorf("%w: stop it first", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reg.Close()) }()
	logs, topics := verifiedLogs(entries, nil)
	if len(topics) == 0 {
		return errors.New("positions rebuild: the list has no entries")
	}
	l, _, err := verify.Read(cmd.Context(), verify.Source{Kafka: kafkaConfig(c), Topics: topics, Since: time.Now().Add(-since)})
	if err != nil {
		return fmt.Errorf("positions rebuild: %w", err)
	}
	host := as.name(c)
	cmp := verify.Comparison{Ledger: l, Host: host}
	for i, log := range logs {
		key := entries[i].Key()
		if len(reg.States(key)) > 0 {
			safe.Fprintf(a.Err, "%s: its positions are kept, it is left alone\n", log.Path)
			continue
		}
		states, err := cmp.States(cmd.Context(), log)
		if err != nil {
			return fmt.Errorf("positions rebuild: %s: %w", log.Path, err)
		}
		for _, st := range states {
			safe.Fprintf(a.Out, "%s\t%s\t%s\t%d of %d\n", log.Topic, st.Path, st.ID.Short(), st.Pos, st.Size)
		}
		if len(states) == 0 {
			safe.Fprintf(a.Err, "%s: no record of this host (%s) that is young enough and has an address\n", log.Path, host)
		}
		if err := keep(reg, key, states, dryRun); err != nil {
			return fmt.Errorf("positions rebuild: %w", err)
		}
	}
	return nil
}

func keep(reg *positions.Registry, key string, states []tail.State, dryRun bool) error {
	if dryRun || len(states) == 0 {
		return nil
	}
	return reg.Register(key, states)
}

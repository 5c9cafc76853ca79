package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/agent"
	"logctl/agent/positions"
	"logctl/agent/report"
	"logctl/consumer"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

const positionsLong = `positions shows and moves how far each file has been dealt with.

With --agent ID a running agent is asked through etcd: it waits until the lines of the entry
that are on their way are acknowledged, moves the positions, goes on from there and answers.
Without it the data directory of this host is opened, whose agent must be stopped.

What lies between a position that is moved back and where it was is sent once more; --dry-run
says how much that is. A file that was rotated away and finished is not kept and cannot be
moved.`

// positionsFlags are the flags of every command under positions.
type positionsFlags struct {
	agent  string
	file   string
	dryRun bool
	wait   time.Duration
	output string
}

func newPositionsCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "positions",
		Short: "Show how far files have been dealt with; rewind, seek or forget",
		Long:  positionsLong,
		Example: `  logctl positions list --agent web-07
  logctl positions rewind '/var/log/nginx/*.log' --agent web-07 --to skipped --dry-run
  logctl positions rewind /var/log/app.log --file /var/log/app.log
  logctl positions rewind /var/log/app.log --to '2026-11-30 07:00' --agent web-07 --dry-run
  logctl positions seek /var/log/app.log 1048576
  logctl positions seek /var/log/app.log --offset app_log:3:18446 --agent web-07
  logctl positions forget /var/log/app.log
  logctl positions rebuild --since 24h`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPositionsListCmd(a), newPositionsRewindCmd(a), newPositionsSeekCmd(a), newPositionsForgetCmd(a), newPositionsRebuildCmd(a))
	return cmd
}

func (f *positionsFlags) add(cmd *cobra.Command, moves bool) {
	s := cmd.Flags()
	s.StringVar(&f.agent, "agent", "", "ask this running agent through etcd instead of opening the data directory of this host")
	s.DurationVar(&f.wait, "wait", 30*time.Second, "how long the agent may take to answer")
	if moves {
		s.StringVar(&f.file, "file", "", "path or glob of the files of the entry (default all)")
		s.BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would move and change nothing")
	}
	addOutput(cmd, &f.output, "table", "json")
}

func newPositionsListCmd(a *app) *cobra.Command {
	f := &positionsFlags{}
	cmd := &cobra.Command{
		Use:               "list [PATH [TOPIC]]",
		Short:             "Show the positions of all entries, or of one",
		Args:              usageArgs(cobra.MaximumNArgs(2)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.positions(cmd, f, etcdcfg.Command{Kind: "list"}, args)
		},
	}
	f.add(cmd, false)
	return cmd
}

func newPositionsRewindCmd(a *app) *cobra.Command {
	f, to := &positionsFlags{}, ""
	cmd := &cobra.Command{
		Use:   "rewind PATH [TOPIC]",
		Short: "Read files of an entry once more: from their beginning, from a time, or what from = end skipped",
		Long: `rewind moves positions of an entry back: to the beginning of the files, to the beginning of those
whose head was skipped by from = end, or to the first line that was read at or after a time. For a
time the records of the topic are looked at: which line of which file was read when stands there.`,
		Args:              usageArgs(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == string(positions.ToBeginning) || to == string(positions.ToSkipped) {
				return a.positions(cmd, f, etcdcfg.Command{Kind: "rewind", To: to}, args)
			}
			from, err := consumer.ParseFrom(to)
			if err != nil || !from.IsTime() {
				return &usageError{fmt.Errorf("--to: %q is not beginning, skipped or a time", to)}
			}
			return a.rewindToTime(cmd, f, from, args)
		},
	}
	cmd.Flags().StringVar(&to, "to", string(positions.ToBeginning), "beginning; skipped: only files whose head was skipped by from = end; or the time of reading, as of tail-topic --from: 10:30, '2026-11-30 07:00', -2h")
	f.add(cmd, true)
	return cmd
}

func newPositionsSeekCmd(a *app) *cobra.Command {
	f, offset, end := &positionsFlags{}, "", false
	cmd := &cobra.Command{
		Use:   "seek PATH [TOPIC] [POSITION]",
		Short: "Go on at a byte position, at the line of a record in Kafka, or at the end",
		Long: `seek moves the position of files of an entry to a byte position (the beginning of the line that
it lies in), to the line that stands in Kafka at --offset TOPIC:PARTITION:OFFSET, or to --end.`,
		Args:              usageArgs(cobra.RangeArgs(1, 3)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c := etcdcfg.Command{Kind: "seek", To: string(positions.ToPosition)}
			switch {
			case end:
				c.To = string(positions.ToEnd)
			case offset != "":
				file, pos, err := a.lineAt(cmd, offset)
				if err != nil {
					return err
				}
				c.Pos = pos
				if f.file == "" {
					f.file = file
				}
			case len(args) < 2:
				return &usageError{errors.New("seek: name a position in bytes, --offset or --end")}
			default:
				pos, err := strconv.ParseInt(args[len(args)-1], 10, 64)
				if err != nil || pos < 0 {
					return &usageError{fmt.Errorf("seek: %q is not a position in bytes", args[len(args)-1])}
				}
				c.Pos, args = pos, args[:len(args)-1]
			}
			return a.positions(cmd, f, c, args)
		},
	}
	cmd.Flags().StringVar(&offset, "offset", "", "the line of this record: TOPIC:PARTITION:OFFSET")
	cmd.Flags().BoolVar(&end, "end", false, "the end of what is there now: what is before it is not sent")
	f.add(cmd, true)
	return cmd
}

func newPositionsForgetCmd(a *app) *cobra.Command {
	f := &positionsFlags{}
	cmd := &cobra.Command{
		Use:               "forget PATH [TOPIC]",
		Short:             "Drop the positions of an entry: it is followed as if for the first time, from where its from says",
		Args:              usageArgs(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.positions(cmd, f, etcdcfg.Command{Kind: "forget"}, args)
		},
	}
	f.add(cmd, true)
	return cmd
}

// positions carries a command out, here or on a running agent, and prints what came of it.
func (a *app) positions(cmd *cobra.Command, f *positionsFlags, c etcdcfg.Command, args []string) error {
	if len(args) > 0 {
		c.Path = args[0]
	}
	if len(args) > 1 {
		c.Topic = args[1]
	}
	c.File, c.DryRun = f.file, f.dryRun
	list, err := a.askPositions(cmd, f, c)
	if err != nil {
		return err
	}
	if f.output == "json" {
		return a.printJSON(list)
	}
	if c.Kind == "list" {
		return a.printPositions(list)
	}
	return a.printMoves(list, c)
}

// askPositions carries a command out, here or on a running agent.
func (a *app) askPositions(cmd *cobra.Command, f *positionsFlags, c etcdcfg.Command) ([]agent.Positions, error) {
	if f.agent != "" {
		return a.positionsThere(cmd, f, c)
	}
	return a.positionsHere(cmd, c)
}

func (a *app) positionsThere(cmd *cobra.Command, f *positionsFlags, c etcdcfg.Command) (list []agent.Positions, err error) {
	err = a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
		return d.askAgent(ctx, f.agent, f.wait, c, &list)
	})
	return list, err
}

func (a *app) positionsHere(cmd *cobra.Command, c etcdcfg.Command) (list []agent.Positions, err error) {
	conf, err := a.settings(cmd, nil)
	if err != nil {
		return nil, err
	}
	dir, err := a.dataDir(conf)
	if err != nil {
		return nil, err
	}
	if !positions.Exists(dir) {
		return nil, fmt.Errorf("no positions in %s: no agent ran with it ([agent] data_dir)", dir)
	}
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	if errors.Is(err, positions.ErrLocked) {
		return nil, fmt.Errorf("%w: ask it with --agent ID, or stop it first", err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reg.Close()) }()
	if c.Kind == "list" {
		return agent.ListPositions(reg, c.Path, c.Topic), nil
	}
	key, err := agent.FindSource(reg, c.Path, c.Topic)
	if err != nil {
		return nil, err
	}
	moves, err := agent.EditPositions(reg, key, c)
	if err != nil {
		return nil, err
	}
	path, topic, _ := strings.Cut(key, "\x00")
	list = agent.ListPositions(reg, path, topic)
	if len(list) == 0 {
		list = []agent.Positions{{Path: path, Topic: topic}}
	}
	list[0].Moves = agent.Moves(moves)
	return list, nil
}

func (a *app) printPositions(list []agent.Positions) error {
	rows := [][]string{{"PATH", "TOPIC", "FILE", "POSITION", "SIZE", "SKIPPED", "CHANGED"}}
	for _, p := range list {
		for _, f := range p.Files {
			name := f.Path
			if f.Rotated {
				name += " (rotated)"
			}
			rows = append(rows, []string{p.Path, p.Topic, name, strconv.FormatInt(f.Pos, 10), strconv.FormatInt(f.Size, 10), shortBytes(f.Skipped), p.Since.Local().Format("2006-01-02 15:04:05")})
		}
	}
	return safe.Print(a.Out, textTable(rows))
}

// printMoves says what moved, or would.
func (a *app) printMoves(list []agent.Positions, c etcdcfg.Command) error {
	would := ""
	if c.DryRun {
		would = "would be "
	}
	if c.Kind == "forget" {
		_, err := safe.Fprintf(a.Out, "%sforgotten: %s\n", would, c.Path)
		return err
	}
	for _, p := range list {
		for _, m := range p.Moves {
			if _, err := safe.Fprintf(a.Out, "%s: %d -> %d of %d\n", m.Path, m.From, m.To, m.Size); err != nil {
				return err
			}
		}
	}
	n, again, first, passed, peak := report.Moved(list)
	text := fmt.Sprintf("%s %smoved", plural(n, "position", "positions"), would)
	if first > 0 {
		text += ", " + shortBytes(first) + " are sent for the first time"
	}
	if again > 0 {
		text += ", " + shortBytes(again) + " are sent once more"
	}
	if passed > 0 {
		text += ", " + shortBytes(passed) + " are passed over"
	}
	if sends := again + first; sends > 0 && peak > 0 {
		text += fmt.Sprintf("; that takes about %s at %s/s, the most that this agent has sent since its start", shortDuration(max(time.Second, time.Duration(float64(sends)/float64(peak)*float64(time.Second)))), shortBytes(peak))
	}
	_, err := safe.Fprintf(a.Out, "%s\n", text)
	return err
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newEntriesHistoryCmd(a *app) *cobra.Command {
	var output string
	var limit int
	var diff bool
	cmd := &cobra.Command{
		Use:   "history [REVISION]",
		Short: "Print who changed the list, when and how",
		Long: fmt.Sprintf(`history prints the recorded changes, newest first; the last %d are kept. With REVISION it
prints the diff of that change. Edits made past logctl are not recorded; where there was
one the table says so.`, etcdcfg.HistoryKept),
		Example: `  logctl entries history
  logctl entries history --diff -n 3
  logctl entries history 42`,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeRevisions,
		RunE: func(cmd *cobra.Command, args []string) error {
			one, err := parseRevision(args)
			if err != nil {
				return err
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				if one != 0 {
					limit, diff = 0, true
				}
				changes, err := d.History(ctx, d.key, limit)
				if err != nil {
					return err
				}
				if one != 0 {
					if changes = onlyRevision(changes, one); len(changes) == 0 {
						return fmt.Errorf("revision %d of %s: %w", one, d.key, etcdcfg.ErrNoRevision)
					}
				}
				return a.printHistory(d.key, changes, output, diff)
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "print at most this many changes (0: all)")
	cmd.Flags().BoolVar(&diff, "diff", false, "print what changed")
	addOutput(cmd, &output, "table", "json")
	return cmd
}

// parseRevision reads an optional REVISION; 0 is none.
func parseRevision(args []string) (int64, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || n <= 0 {
		return 0, &usageError{fmt.Errorf("%q is not a revision: see 'logctl entries history'", args[0])}
	}
	return n, nil
}

func onlyRevision(changes []etcdcfg.Change, revision int64) []etcdcfg.Change {
	for _, c := range changes {
		if c.Revision == revision {
			return []etcdcfg.Change{c}
		}
	}
	return nil
}

// changeJSON is a change with -o json.
type changeJSON struct {
	Revision int64     `json:"revision"`
	When     time.Time `json:"when"`
	Who      string    `json:"who"`
	Note     string    `json:"note,omitempty"`
	Doubt    string    `json:"doubt,omitempty"` // why the record is not to be trusted
	Added    int       `json:"added"`
	Removed  int       `json:"removed"`
	Edited   int       `json:"edited"`
	Diff     string    `json:"diff"`
	Before   *string   `json:"before"` // null: the key did not exist
	After    string    `json:"after"`
}

func (a *app) printHistory(key string, changes []etcdcfg.Change, output string, diff bool) error {
	if output == "json" {
		list := make([]changeJSON, 0, len(changes))
		for _, c := range changes {
			n := countChanges(c)
			j := changeJSON{Revision: c.Revision, When: c.When, Who: c.Who, Note: c.Note, Doubt: c.Doubt, Added: n.added, Removed: n.removed, Edited: n.edited,
				Diff: etcdcfg.Diff(c.Before, c.After), After: string(c.After)}
			if c.Before != nil {
				before := string(c.Before)
				j.Before = &before
			}
			list = append(list, j)
		}
		return a.printJSON(list)
	}
	if len(changes) == 0 {
		safe.Fprintf(a.Err, "no recorded changes of %s\n", key)
		return nil
	}
	cells := [][]string{{"REVISION", "WHEN", "WHO", "CHANGE", "NOTE"}}
	for _, c := range changes {
		note, when := c.Note, "unknown"
		if !c.When.IsZero() {
			when = c.When.Local().Format(time.DateTime)
		}
		if c.Doubt != "" {
			note = "DOUBTFUL: " + c.Doubt
		}
		cells = append(cells, []string{strconv.FormatInt(c.Revision, 10), when, c.Who,
			countChanges(c).String(), note})
	}
	rows := safe.CleanLines(textTable(cells))
	if _, err := safe.Fprintf(a.Out, "%s\n", rows[0]); err != nil {
		return err
	}
	for i, row := range rows[1:] {
		if _, err := safe.Fprintf(a.Out, "%s\n", row); err != nil {
			return err
		}
		if changes[i].Omitted {
			safe.Fprintf(a.Out, "          (its lists are too large to be kept in the record, or to be shown beside the others: logctl entries history -n 1, or revert)\n")
			continue
		}
		if diff {
			if err := safe.Print(a.Out, safe.Block(etcdcfg.Diff(changes[i].Before, changes[i].After))); err != nil {
				return err
			}
		}
		if i+1 < len(changes) && !changes[i+1].Omitted && !bytes.Equal(changes[i].Before, changes[i+1].After) {
			safe.Fprintf(a.Out, "          (edited past logctl)\n")
		}
	}
	return nil
}

// changeCount says how many entries a change touched.
type changeCount struct{ added, removed, edited int }

func (n changeCount) String() string { return fmt.Sprintf("+%d -%d ~%d", n.added, n.removed, n.edited) }

func countChanges(c etcdcfg.Change) (n changeCount) {
	byKey := func(raw []byte) map[string]etcdcfg.Entry {
		m := map[string]etcdcfg.Entry{}
		entries, err := etcdcfg.Parse(raw)
		if err != nil { // a list that was bad then has no entries to count
			return m
		}
		for _, e := range entries {
			m[e.Key()] = e
		}
		return m
	}
	before, after := byKey(c.Before), byKey(c.After)
	for k, e := range after {
		old, ok := before[k]
		switch {
		case !ok:
			n.added++
		case !old.Equal(e):
			n.edited++
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			n.removed++
		}
	}
	return n
}

func newEntriesRevertCmd(a *app) *cobra.Command {
	var edit editFlags
	yes := false
	cmd := &cobra.Command{
		Use:   "revert REVISION",
		Short: "Make the list what it was at a revision",
		Long: `revert writes the list as it stood right after the change with that revision, as a new
change. Revisions of edits made past logctl work too, as long as etcd remembers them. It
shows what changes and asks; scripts give --yes. The list is what etcd itself had; only
where etcd no longer remembers is it taken from the history.`,
		Example: `  logctl entries history
  logctl entries revert 42 --dry-run
  logctl entries revert 42 --yes -m 'wrong topic'`,
		Args:              usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeRevisions,
		RunE: func(cmd *cobra.Command, args []string) error {
			revision, err := parseRevision(args)
			if err != nil {
				return err
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				base, err := d.Load(ctx, d.key)
				if err != nil {
					return err
				}
				raw, err := d.ListAt(ctx, d.key, revision)
				if errors.Is(err, etcdcfg.ErrNoRevision) {
					return fmt.Errorf("%w: see 'logctl entries history -n 0'", err)
				}
				if err != nil {
					return err
				}
				if edit.note == "" {
					edit.note = fmt.Sprintf("revert to revision %d", revision)
				}
				if !yes && !edit.dryRun {
					if err := a.confirm(ctx, etcdcfg.Diff(base.Raw, orEmpty(raw)), fmt.Sprintf("Make %s what it was at revision %d?", d.key, revision)); err != nil {
						return err
					}
				}
				return a.save(ctx, d, &edit, base, orEmpty(raw))
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "write without asking")
	edit.add(cmd)
	return cmd
}

func newEntriesUndoCmd(a *app) *cobra.Command {
	var edit editFlags
	cmd := &cobra.Command{
		Use:   "undo",
		Short: "Take the last change back",
		Long: `undo writes the list as it stood before the last change, as a new change; a second undo
brings it back. It refuses when the last edit was made past logctl.`,
		Example: `  logctl entries undo --dry-run
  logctl entries undo`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				base, err := d.Load(ctx, d.key)
				if err != nil {
					return err
				}
				changes, err := d.History(ctx, d.key, 1)
				if err != nil {
					return err
				}
				if len(changes) == 0 || changes[0].Revision != base.ModRevision || changes[0].Omitted {
					return fmt.Errorf("the last edit of %s (revision %d) was not made through logctl, or is too large to be kept: choose one with 'logctl entries history' and 'logctl entries revert'", d.key, base.ModRevision)
				}
				if edit.note == "" {
					edit.note = fmt.Sprintf("undo revision %d", base.ModRevision)
				}
				return a.save(ctx, d, &edit, base, orEmpty(changes[0].Before))
			})
		},
	}
	edit.add(cmd)
	return cmd
}

// orEmpty is a list that is no entries where there was no list.
func orEmpty(raw []byte) []byte {
	if raw == nil {
		return []byte("[]")
	}
	return raw
}

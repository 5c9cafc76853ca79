package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

const entriesLong = `entries reads and edits the collect entries: which files go to which topic. What the
console does is done here for scripts, with the same validation. Every edit is a
compare-and-swap on the revision it was made from, is recorded with who made it, and
can be undone. Agents follow within a second.

The list stands under one etcd key (--key) as a JSON array of objects with path and topic
and, optionally, from, exclude, rotated, encoding, multiline, include_lines, exclude_lines,
labels, disabled and poll.`

func newEntriesCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "entries",
		Short: "List and edit the collect entries, for scripts",
		Long:  entriesLong,
		Example: `  logctl entries list
  logctl entries add '/var/log/nginx/*.log' nginx_log --exclude '*.gz' --wait 10s
  logctl entries pause /var/log/app/debug.log
  logctl entries list -o json > entries.json && logctl entries apply -f entries.json --dry-run
  logctl entries history && logctl entries revert 42`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newEntriesListCmd(a), newEntriesAddCmd(a), newEntriesEditCmd(a), newEntriesRemoveCmd(a),
		newEntriesPauseCmd(a, true), newEntriesPauseCmd(a, false), newEntriesApplyCmd(a),
		newEntriesHistoryCmd(a), newEntriesRevertCmd(a), newEntriesUndoCmd(a), newEntriesCheckCmd(a), newEntriesPreviewCmd(a), newEntriesSuggestCmd(a),
	)
	return cmd
}

// entriesDesk is the list of one collect key, for one command.
type entriesDesk struct {
	*etcdcfg.Store
	key   string
	close func() error
}

// openEntries connects to the store that the settings name.
func (a *app) openEntries(cmd *cobra.Command) (*entriesDesk, error) {
	c, err := a.settings(cmd, nil)
	if err != nil {
		return nil, err
	}
	log, err := a.logger(a.Err)
	if err != nil {
		return nil, err
	}
	client, err := etcdcfg.Dial(etcdConfig(c, log))
	if err != nil {
		return nil, &usageError{err}
	}
	opts := []etcdcfg.Option{etcdcfg.WithTimeout(c.Etcd.Timeout), etcdcfg.WithKeyTemplate(c.Etcd.CollectKey)}
	if f := cmd.Flags().Lookup(noHistory); f != nil && f.Value.String() == "true" {
		opts = append(opts, etcdcfg.WithoutHistory())
	}
	store := etcdcfg.NewStore(client, author(), opts...)
	return &entriesDesk{Store: store, key: resolve(c.Etcd.CollectKey), close: client.Close}, nil
}

// withEntries runs f on the store that the settings name.
func (a *app) withEntries(cmd *cobra.Command, f func(context.Context, *entriesDesk) error) error {
	d, err := a.openEntries(cmd)
	if err != nil {
		return err
	}
	return errors.Join(f(cmd.Context(), d), d.close())
}

// load reads the list for an edit; a list that is bad cannot be edited by entry.
func (d *entriesDesk) load(ctx context.Context) (etcdcfg.Snapshot, error) {
	snap, err := d.Load(ctx, d.key)
	if err != nil {
		return snap, err
	}
	if snap.Err != nil {
		return snap, fmt.Errorf("the list under %q is bad: %w\nRepair it: 'logctl entries list -o raw > FILE', edit FILE, 'logctl entries apply -f FILE'", d.key, snap.Err)
	}
	return snap, nil
}

// noHistory is the flag of edits that are not recorded.
const noHistory = "no-history"

// editFlags are the flags of every command that edits.
type editFlags struct {
	note     string
	output   string
	revision int64
	dryRun   bool
	wait     time.Duration
}

func (f *editFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVarP(&f.note, "note", "m", "", "why, for the history")
	s.Int64Var(&f.revision, "if-revision", 0, "edit only when the list is at this revision")
	s.Bool(noHistory, false, "write the list alone, without a record of the change: for a user who may not write the history")
	s.BoolVar(&f.dryRun, "dry-run", false, "print the diff and change nothing")
	s.DurationVar(&f.wait, "wait", 0, "wait this long for all agents to apply the edit and the edited entries to work; exit 1 if one does not")
	addOutput(cmd, &f.output, "table", "json")
}

// addOutput adds -o with the values it may have, the first of which is the default.
func addOutput(cmd *cobra.Command, output *string, values ...string) {
	text := values[0]
	for _, v := range values[1:] {
		text += " or " + v
	}
	cmd.Flags().StringVarP(output, "output", "o", values[0], text)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		for _, v := range values {
			if *output == v {
				if check != nil {
					return check(cmd, args)
				}
				return nil
			}
		}
		return &usageError{fmt.Errorf("-o: %q is not %s", *output, text)}
	}
}

// conflictTime is how long an edit is made anew when others edit at the same time, as when
// every host of a fleet adds its entry, and conflictPause bounds the pause before each try.
const (
	conflictTime  = 20 * time.Second
	conflictPause = 100 * time.Millisecond
)

// edit changes the list with change, which gets the entries as they are. When
// somebody else edits at the same time the change is made again on theirs, unless a
// revision was asked for.
func (a *app) edit(ctx context.Context, d *entriesDesk, f *editFlags, change func([]etcdcfg.Entry) ([]etcdcfg.Entry, error)) error {
	for begin := time.Now(); ; {
		base, err := d.load(ctx)
		if err != nil {
			return err
		}
		entries, err := change(append([]etcdcfg.Entry(nil), base.Entries...))
		if err != nil {
			return err
		}
		if err := etcdcfg.Validate(entries); err != nil {
			return &usageError{err}
		}
		raw, err := etcdcfg.Format(entries)
		if err != nil {
			return err
		}
		if base.ModRevision != 0 && sameEntries(base.Entries, entries) {
			raw = base.Raw // nothing to change: leave the layout alone too
		}
		err = a.save(ctx, d, f, base, raw)
		var conflict *etcdcfg.ConflictError
		if errors.As(err, &conflict) && f.revision == 0 && time.Since(begin) < conflictTime {
			pause := time.NewTimer(rand.N(conflictPause))
			select {
			case <-pause.C:
				continue
			case <-ctx.Done():
				pause.Stop()
			}
		}
		return err
	}
}

func sameEntries(a, b []etcdcfg.Entry) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// save writes a list, or shows what would be written, and says what came of it.
func (a *app) save(ctx context.Context, d *entriesDesk, f *editFlags, base etcdcfg.Snapshot, raw []byte) error {
	if f.revision != 0 && f.revision != base.ModRevision {
		return fmt.Errorf("the list is at revision %d, not %d: nothing was changed; look with 'logctl entries history'", base.ModRevision, f.revision)
	}
	diff := etcdcfg.Diff(base.Raw, raw)
	var advice []etcdcfg.Advice
	if after, err := etcdcfg.Parse(raw); err == nil {
		advice = etcdcfg.Advise(base.Entries, after)
	}
	for _, x := range advice {
		safe.Fprintf(a.Err, "mind: %s\n    to do: %s\n", x.What, x.Do)
	}
	if f.dryRun {
		if _, err := etcdcfg.Check(raw); err != nil {
			return fmt.Errorf("save entries %q: %w", d.key, err)
		}
		if f.output == "json" {
			changed := base.ModRevision == 0 || !bytes.Equal(base.Raw, raw)
			return a.printJSON(savedEntries{Key: d.key, Revision: base.ModRevision, Changed: changed, DryRun: true, Diff: diff, Advice: advice})
		}
		return safe.Print(a.Out, safe.Block(diff))
	}
	saved, err := d.SaveRaw(ctx, base, raw, f.note)
	if err != nil {
		var conflict *etcdcfg.ConflictError
		if errors.As(err, &conflict) {
			return fmt.Errorf("%w\nWhat they changed:\n%s", err, etcdcfg.Diff(conflict.Base.Raw, conflict.Theirs.Raw))
		}
		return err
	}
	out := savedEntries{Key: d.key, Revision: saved.ModRevision, Changed: saved.ModRevision != base.ModRevision, Diff: diff, Advice: advice}
	if out.Changed {
		safe.Fprintf(a.Err, "saved: %s is at revision %d, %s\n", d.key, saved.ModRevision, plural(len(saved.Entries), "entry", "entries"))
	} else {
		safe.Fprintf(a.Err, "nothing to change: %s stays at revision %d\n", d.key, saved.ModRevision)
	}
	if f.wait > 0 {
		applied, err := a.waitApplied(ctx, d, saved.ModRevision, editedBy(base.Entries, saved.Entries), f.wait)
		if err != nil {
			return err
		}
		out.Applied = applied
	}
	if f.output == "json" {
		if err := a.printJSON(out); err != nil {
			return err
		}
	}
	if out.Applied != nil && len(out.Applied.Missing) > 0 {
		return &exitError{ExitFailure}
	}
	return nil
}

// savedEntries is what an edit prints with -o json.
type savedEntries struct {
	Key      string   `json:"key"`
	Revision int64    `json:"revision"` // after the edit
	Changed  bool     `json:"changed"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Diff     string   `json:"diff"`
	Applied  *applied `json:"applied,omitempty"`

	Advice []etcdcfg.Advice `json:"advice,omitempty"` // what to know of the edit, though it is valid
}

// plural writes a count with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

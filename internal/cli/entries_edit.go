package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newEntriesAddCmd(a *app) *cobra.Command {
	var edit editFlags
	var fields entryFlags
	var topic topicFlags
	var ifMissing bool
	cmd := &cobra.Command{
		Use:   "add PATH TOPIC",
		Short: "Add an entry: a file or glob, and the topic its lines go to",
		Example: `  logctl entries add /var/log/nginx/access.log nginx_log --create-topic
  logctl entries add '/data/**/*.log' app_log --exclude '*.gz' --label team=pay --from beginning
  logctl entries add 'C:\logs\*.log' win_log --encoding gbk --wait 10s`,
		Args:              usageArgs(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeNewEntry,
		RunE: func(cmd *cobra.Command, args []string) error {
			e := etcdcfg.Entry{Path: args[0], Topic: args[1]}
			if err := fields.apply(cmd.Flags(), &e); err != nil {
				return err
			}
			if err := errors.Join(etcdcfg.ValidateEntry(e), topic.check()); err != nil {
				return &usageError{err}
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				if err := a.ensureTopic(ctx, cmd, &topic, e.Topic, edit.dryRun); err != nil {
					return err
				}
				return a.edit(ctx, d, &edit, func(list []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
					for i := range list {
						if list[i].Key() != e.Key() {
							continue
						}
						if ifMissing {
							return list, nil
						}
						return nil, fmt.Errorf("there is an entry for %s -> %s already: change it with 'logctl entries edit', or add --if-missing", e.Path, e.Topic)
					}
					return append(list, e), nil
				})
			})
		},
	}
	edit.add(cmd)
	fields.add(cmd)
	topic.add(cmd)
	cmd.Flags().BoolVar(&ifMissing, "if-missing", false, "do nothing when there is an entry for this path and topic")
	return cmd
}

func newEntriesEditCmd(a *app) *cobra.Command {
	var edit editFlags
	var fields entryFlags
	var path, topic string
	cmd := &cobra.Command{
		Use:   "edit [PATH [TOPIC]]",
		Short: "Change fields of an entry, or the whole list in $EDITOR",
		Long: `edit changes the fields of one entry whose flags are given; an empty value takes a field
away, what is not named stays. TOPIC is needed when several entries have the path.
Without PATH the whole list is opened in $VISUAL or $EDITOR.`,
		Example: `  logctl entries edit /var/log/app.log --topic app_log_v2
  logctl entries edit /var/log/app.log --encoding '' --exclude-lines DEBUG
  logctl entries edit`,
		Args:              usageArgs(cobra.MaximumNArgs(2)),
		ValidArgsFunction: a.completeEntries,
		RunE: func(cmd *cobra.Command, args []string) error {
			if name := changedField(cmd.Flags()); len(args) == 0 && name != "" {
				return &usageError{fmt.Errorf("edit: --%s changes one entry: name its PATH", name)}
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				if len(args) == 0 {
					return a.editList(ctx, d, &edit)
				}
				return a.edit(ctx, d, &edit, func(list []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
					found, err := selectEntries(list, args, false)
					if err != nil {
						return nil, err
					}
					e := list[found[0]].Clone()
					if err := fields.apply(cmd.Flags(), &e); err != nil {
						return nil, err
					}
					if cmd.Flags().Changed("path") {
						e.Path = path
					}
					if cmd.Flags().Changed("topic") {
						e.Topic = topic
					}
					list[found[0]] = e
					return list, nil
				})
			})
		},
	}
	edit.add(cmd)
	fields.add(cmd)
	cmd.Flags().StringVar(&path, "path", "", "new path")
	cmd.Flags().StringVar(&topic, "topic", "", "new topic")
	_ = cmd.RegisterFlagCompletionFunc("topic", a.completeTopics)
	return cmd
}

// editList opens the list in the operator's editor and saves what comes back. A text
// that is bad, or that meets another's edit, is kept in its file.
func (a *app) editList(ctx context.Context, d *entriesDesk, f *editFlags) error {
	base, err := d.Load(ctx, d.key)
	if err != nil {
		return err
	}
	text := base.Raw
	if base.Err == nil { // also when there is no list yet
		if text, err = etcdcfg.Format(base.Entries); err != nil {
			return err
		}
	}
	file, err := os.CreateTemp("", "logctl-entries-*.json")
	if err != nil {
		return fmt.Errorf("make a file for the editor: %w", err)
	}
	name := file.Name()
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	editorErr := a.runEditor(ctx, name)
	edited, err := os.ReadFile(name)
	if err != nil {
		return errors.Join(editorErr, fmt.Errorf("read what the editor left: %w", err))
	}
	if editorErr != nil {
		if string(edited) == string(text)+"\n" {
			return errors.Join(editorErr, os.Remove(name))
		}
		return fmt.Errorf("%w\nNothing was saved. Your text is in %s", editorErr, name)
	}
	raw := []byte(strings.TrimRight(string(edited), "\r\n"))
	if string(raw) == string(text) {
		safe.Fprintf(a.Err, "nothing to change: %s stays at revision %d\n", d.key, base.ModRevision)
		return os.Remove(name)
	}
	if _, err := etcdcfg.Parse(raw); err != nil {
		return fmt.Errorf("%w\nNothing was saved. Your text is in %s: repair it, then 'logctl entries apply -f %s'", inFile(name, err), name, name)
	}
	err = a.save(ctx, d, f, base, raw)
	var saved *exitError // it is saved, but not all agents apply it
	if err != nil && !errors.As(err, &saved) {
		return fmt.Errorf("%w\nYour text is in %s", err, name)
	}
	return errors.Join(err, os.Remove(name))
}

// editorGrace is how long the editor may take to end when logctl is told to.
const editorGrace = 2 * time.Second

// runEditor runs the operator's editor on a file. The terminal is the editor's: its
// Ctrl-C is not for us, and it is asked to end before it is killed.
func (a *app) runEditor(ctx context.Context, file string) error {
	editor := strings.TrimSpace(a.getenv("VISUAL"))
	if editor == "" {
		editor = strings.TrimSpace(a.getenv("EDITOR"))
	}
	if editor == "" {
		editor = map[bool]string{true: "notepad", false: "vi"}[runtime.GOOS == "windows"]
	}
	words := strings.Fields(editor)
	run := exec.CommandContext(ctx, words[0], append(words[1:], file)...)
	run.Cancel = func() error {
		if err := run.Process.Signal(syscall.SIGTERM); err != nil { // not on Windows
			return run.Process.Kill()
		}
		return nil
	}
	run.WaitDelay = editorGrace
	if a.HoldInterrupts != nil {
		defer a.HoldInterrupts()()
	}
	run.Stdin, run.Stdout, run.Stderr = a.In, a.Err, a.Err
	if isTerminal(a.Out) {
		run.Stdout = a.Out
	}
	if err := run.Run(); err != nil {
		return fmt.Errorf("editor %q: %w; set EDITOR to another one", editor, err)
	}
	return nil
}

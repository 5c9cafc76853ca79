package tui

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// editorGrace is how long an editor may take to end when the process is told to.
const editorGrace = time.Second

// editorMsg is the list as the user left it in the editor.
type editorMsg struct {
	base   etcdcfg.Snapshot
	before []byte
	after  []byte
	err    error
}

// editRaw hands the list to $VISUAL or $EDITOR; what comes back is validated and
// shown as a difference before it is saved.
func (e *env) editRaw(base etcdcfg.Snapshot, text []byte) tea.Cmd {
	if !e.view.haveList {
		e.complain("The list is not loaded yet: etcd does not answer")
		return nil
	}
	if text == nil {
		text = []byte("[\n]\n")
	}
	job := &editorJob{keep: e.keep, text: text}
	return tea.Exec(job, func(err error) tea.Msg {
		return editorMsg{base: base, before: text, after: job.after, err: err}
	})
}

// editorJob runs the editor while the terminal is handed over.
type editorJob struct {
	keep        *keeper
	text, after []byte
	in          io.Reader
	out, errs   io.Writer
}

func (j *editorJob) SetStdin(r io.Reader)  { j.in = r }
func (j *editorJob) SetStdout(w io.Writer) { j.out = w }
func (j *editorJob) SetStderr(w io.Writer) { j.errs = w }

// Run writes the text to a file, waits for the editor and reads it back.
func (j *editorJob) Run() (err error) {
	dir, err := os.MkdirTemp("", "logctl-")
	if err != nil {
		return fmt.Errorf("no temporary file: %w", err)
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil && rerr != nil {
			err = rerr
		}
	}()
	name := filepath.Join(dir, "entries.json")
	if err := os.WriteFile(name, j.text, 0o600); err != nil {
		return fmt.Errorf("no temporary file: %w", err)
	}
	err = j.keep.lend(func(ctx context.Context) error {
		cmd := editorCommand(ctx, name)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = j.in, j.out, j.errs
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("the editor %s failed: %w; set EDITOR to another one", cmd.Args[0], err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	j.after, err = os.ReadFile(name)
	return err
}

// editorCommand is the user's editor on a file; its setting may have arguments. It is
// told to end when ctx ends, and has a moment for it.
func editorCommand(ctx context.Context, file string) *exec.Cmd {
	words := strings.Fields(os.Getenv("VISUAL"))
	if len(words) == 0 {
		words = strings.Fields(os.Getenv("EDITOR"))
	}
	if len(words) == 0 {
		words = []string{defaultEditor}
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], file)...)
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // not on Windows
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = editorGrace
	return cmd
}

// edited deals with what came back from the editor.
func (e *env) edited(m editorMsg) tea.Cmd {
	switch {
	case m.err != nil:
		e.complain(m.err.Error())
		return nil
	case string(m.after) == string(m.before) && m.base.Err == nil:
		e.say("Nothing changed")
		return nil
	}
	ed := edit{note: "edit the list by hand", raw: m.after}
	_, entries, err := ed.after(m.base)
	if err == nil {
		ed.touched = changedKeys(m.base.Entries, entries)
		return e.propose(m.base, ed)
	}
	s := &textScreen{env: e, name: "not saved", head: "What you wrote cannot be saved yet", actions: problemKeys(), keeps: true}
	at := map[int]bool{}
	for _, p := range problemsOf(err) {
		at[p.Line] = true
		s.lines = append(s.lines, "  "+e.styles.bad.apply("✗ ")+clean(p.String()))
	}
	s.lines = append(s.lines, "")
	for i, l := range cleanLines(string(m.after)) {
		num := fitRight(itoa(i+1), 5)
		if at[i+1] {
			s.lines = append(s.lines, e.styles.bad.apply(num+" ✗ "+l))
		} else {
			s.lines = append(s.lines, e.styles.dim.apply(num)+"   "+l)
		}
	}
	s.onAct = func(a action) tea.Cmd {
		if a != actAgain {
			return nil
		}
		e.request(reqDrop{[]screen{s}})
		return e.editRaw(m.base, m.after)
	}
	e.push(s)
	return nil
}

// changedKeys are the keys of the entries that are new or not what they were.
func changedKeys(before, after []etcdcfg.Entry) []string {
	was := make(map[string]etcdcfg.Entry, len(before))
	for _, x := range before {
		was[x.Key()] = x
	}
	var out []string
	for _, x := range after {
		if old, ok := was[x.Key()]; !ok || !old.Equal(x) {
			out = append(out, x.Key())
		}
	}
	return out
}

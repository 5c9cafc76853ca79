package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// While an editor has the terminal its Ctrl-C is not for the console; and when the
// console is told to end meanwhile, the terminal is as it was before all the same.
func TestConsoleEditor(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 120, 40)
	w := newWorld(t)
	w.put(collect(w.path("a.log"), w.kafka.Topic(t, 1)))
	editor := filepath.Join(s.dir, "editor")
	w.must(os.WriteFile(editor, []byte(`#!/bin/sh
trap 'echo interrupted' INT
echo "the editor has $1"
until [ "$answer" = done ]; do read answer; done
echo '[]' >"$1"
`), 0o700))
	s.typed("export EDITOR='" + editor + "'")
	s.keys("Enter")
	open := func() {
		t.Helper()
		s.console(w.flags()...)
		s.await("the console", `logctl ▸ entries`, `a\.log`)
		s.keys("E")
		s.await("the editor", `the editor has .*entries\.json`)
	}

	open()
	s.keys("C-c")
	s.await("the editor's answer to Ctrl-C", "interrupted")
	s.typed("done")
	s.keys("Enter")
	s.await("the difference", `▸ save\?`, `^ -.*a\.log`, "y save")
	s.keys("Escape")
	s.await("the entries", `logctl ▸ entries  `)
	s.keys("q")
	if code, _ := s.ended(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	open()
	w.must(s.process().Signal(syscall.SIGTERM))
	if code, shown := s.ended(); code == 0 {
		t.Errorf("SIGTERM: exit code %d; the shell's screen:\n%s", code, shown)
	}
}

package suggest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/suggest"
	"logctl/internal/testkit"
)

// TestSeries has programs that begin a new file without renaming the old one.
func TestSeries(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("when a file was created is not known here")
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"app.log", "app1.log", "app2.log"}, "app*.log rotated [\"app*.log\"]: app.log app1.log app2.log*\n"},
		{[]string{"app.9.log", "app.10.log", "app.11.log"}, "app.*.log rotated [\"app.*.log\"]: app.9.log app.10.log app.11.log*\n"},
		{[]string{"a_00001.txt", "a_00002.txt", "b.log"}, "a_*.txt rotated [\"a_*.txt\"]: a_00001.txt a_00002.txt*\nb.log: b.log*\n"},
		{[]string{"a.1.log", "a.3.log"}, "a.1.log: a.1.log*\na.3.log: a.3.log*\n"},
	} {
		dir := t.TempDir()
		for _, n := range c.names {
			made(t, filepath.Join(dir, n))
		}
		for _, look := range []func() (suggest.Report, error){
			func() (suggest.Report, error) { return suggest.Look(t.Context(), dir) },
			func() (suggest.Report, error) { return suggest.LookWithin(t.Context(), dir, suggest.Access{}) },
		} {
			if r, err := look(); err != nil || show(r) != c.want {
				t.Errorf("%v: got\n%s%v, want\n%s", c.names, show(r), err, c.want)
			}
		}
	}
}

// made makes a file, once the clock of the file system is well past the files beside it: times
// that are nearly the same tell nothing.
func made(t *testing.T, path string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, e := range list {
		last = max(last, fsys.BirthPath(filepath.Join(filepath.Dir(path), e.Name())))
	}
	testkit.Eventually(t, "the clock of the file system goes on", func() bool {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return fsys.BirthPath(path) > last+int64(50*time.Millisecond)
	})
}

// TestWithin: who may not look everywhere gets what Look finds, of what is allowed.
func TestWithin(t *testing.T) {
	dir := write(t, "archive/app.log-2026-01-30.gz", "other/x.log", "app.log.1", "app.log", "secret.log")
	denied := errors.New("it is outside")
	access := suggest.Access{Allowed: func(path string) error {
		if strings.Contains(path, "secret") {
			return denied
		}
		return nil
	}}
	r, err := suggest.LookWithin(t.Context(), dir, access)
	want := "app.log: app.log.1 archive/app.log-2026-01-30.gz(gzip) app.log*\nleft secret.log: not allowed: it is outside\n"
	if got := show(r); err != nil || got != want {
		t.Errorf("got\n%s%v, want\n%s", got, err, want)
	}
	if r, err := suggest.LookWithin(t.Context(), filepath.Join(dir, "app.log.1"), access); err != nil || len(r.Logs) != 1 || len(r.Left) != 0 {
		t.Errorf("of one file: %s%v", show(r), err)
	}
	if _, err := suggest.LookWithin(t.Context(), filepath.Join(dir, "none"), access); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := suggest.LookWithin(t.Context(), "relative", access); err == nil {
		t.Error("a relative path is taken")
	}
}

// TestWithinBounds: an answer is small, whatever the directory has.
func TestWithinBounds(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 * suggest.MaxShown {
		for _, name := range []string{fmt.Sprintf("app.log.%d", i+1), fmt.Sprintf("%c%c.log", 'a'+i/26, 'a'+i%26)} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "app.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := suggest.LookWithin(t.Context(), dir, suggest.Access{})
	if err != nil || len(r.Logs) != suggest.MaxLogs || len(r.Left) == 0 {
		t.Errorf("%d logs, left out %+v, %v", len(r.Logs), r.Left, err)
	}
	for _, g := range r.Logs {
		if len(g.Files) > suggest.MaxShown || filepath.Base(g.Path) == "app.log" && g.More == 0 {
			t.Errorf("%s has %d files and %d more", g.Path, len(g.Files), g.More)
		}
	}
}

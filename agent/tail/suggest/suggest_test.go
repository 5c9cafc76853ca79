package suggest_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/suggest"
)

// write makes files, oldest first, each an hour younger than the one before it; the
// last one is of now. A name that ends in .gz is compressed, "a -> b" is a link.
func write(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range names {
		at := time.Now().Add(time.Duration(i+1-len(names)) * time.Hour)
		if link, to, ok := strings.Cut(name, " -> "); ok {
			if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
				t.Skip("no symbolic links here:", err)
			}
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".gz") {
			z := gzip.NewWriter(f)
			fmt.Fprintf(z, "line of %s\n", name)
			err = z.Close()
		} else {
			_, err = fmt.Fprintf(f, "line of %s\n", name)
		}
		if err = errors.Join(err, f.Close(), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// show is a report in short: for each log its path, rotated globs and files.
func show(r suggest.Report) string {
	var b strings.Builder
	for _, g := range r.Logs {
		fmt.Fprintf(&b, "%s", filepath.Base(g.Path))
		if len(g.Rotated) > 0 {
			fmt.Fprintf(&b, " rotated %q", g.Rotated)
		}
		b.WriteString(":")
		for _, f := range g.Files {
			fmt.Fprintf(&b, " %s", filepath.ToSlash(f.Name))
			if f.Packed != "" {
				fmt.Fprintf(&b, "(%s)", f.Packed)
			}
			if f.Active {
				b.WriteString("*")
			}
		}
		b.WriteString("\n")
	}
	for _, x := range r.Left {
		fmt.Fprintf(&b, "left %s: %s\n", x.Name, x.Why)
	}
	return b.String()
}

func TestLook(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"logrotate", []string{"app.log.3.gz", "app.log.2.gz", "app.log.1", "app.log"},
			"app.log: app.log.3.gz(gzip) app.log.2.gz(gzip) app.log.1 app.log*\n"},
		{"spdlog", []string{"app.2.log", "app.1.log", "app.log"},
			"app.log rotated [\"app.[0-9]*.log\"]: app.2.log app.1.log app.log*\n"},
		{"rising numbers", []string{"app-1.log", "app-2.log", "app-10.log", "app.log"},
			"app.log rotated [\"app-[0-9]*.log\"]: app-1.log app-2.log app-10.log app.log*\n"},
		{"an archive", []string{"archive/2026-01/app-2026-01-30.log.gz", "archive/2026-01/app-2026-01-31.log.gz", "app.log"},
			"app.log: archive/2026-01/app-2026-01-30.log.gz(gzip) archive/2026-01/app-2026-01-31.log.gz(gzip) app.log*\n"},
		{"svlogd", []string{"@4000000065f0c1a20f2d1c8c.s", "@4000000065f0c1a30f2d1c8c.s", "current"},
			"current: @4000000065f0c1a20f2d1c8c.s @4000000065f0c1a30f2d1c8c.s current*\n"},
		{"never an active name", []string{"app-2026-01-30.log", "app-2026-01-31.log"},
			"app-*.log: app-2026-01-30.log app-2026-01-31.log*\n"},
		{"java.util.logging", []string{"app.2.log", "app.1.log", "app.0.log"},
			"app.0.log rotated [\"app.[0-9]*.log\"]: app.2.log app.1.log app.0.log*\n"},
		{"two logs", []string{"error.log.1", "error.log", "access.log"},
			"access.log: access.log*\nerror.log: error.log.1 error.log*\n"},
		{"only compressed", []string{"other.gz"}, "left other.gz: compressed (gzip), and no log beside it has such a name\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.name == "svlogd" {
				t.Skip("svlogd does not run on Windows")
			}
			dir := write(t, c.files...)
			r, err := suggest.Look(context.Background(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(r); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// TestSideBySide has two workers that write at the same time as the main program.
func TestSideBySide(t *testing.T) {
	dir := write(t, "app.log", "app-1.log", "app-2.log")
	for _, n := range []string{"app.log", "app-1.log", "app-2.log"} {
		at := time.Now().Add(time.Second)
		if err := os.Chtimes(filepath.Join(dir, n), at, at); err != nil {
			t.Fatal(err)
		}
	}
	r, err := suggest.Look(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		t.Skip("when a file was created is not known here")
	}
	want := "app-1.log: app-1.log*\napp-2.log: app-2.log*\napp.log: app.log*\n"
	if got := show(r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLink(t *testing.T) {
	dir := write(t, "prog.h1.root.log.INFO.20260131-182940.77", "prog.h1.root.log.INFO.20260131-190000.77",
		"prog.INFO -> prog.h1.root.log.INFO.20260131-190000.77", "away.log -> gone.log")
	r, err := suggest.Look(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := "prog.INFO: prog.h1.root.log.INFO.20260131-182940.77 prog.h1.root.log.INFO.20260131-190000.77*\n" +
		"left away.log: a link to a file that does not exist\n"
	if got := show(r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestOneFile(t *testing.T) {
	dir := write(t, "error.log.1", "error.log", "access.log")
	for _, name := range []string{"error.log", "error.log.1"} {
		r, err := suggest.Look(context.Background(), filepath.Join(dir, name))
		if want := "error.log: error.log.1 error.log*\n"; err != nil || show(r) != want {
			t.Errorf("%s: %s%v", name, show(r), err)
		}
	}
	if _, err := suggest.Look(context.Background(), filepath.Join(dir, "none.log")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
}

func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range suggest.MaxFiles + 600 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("app.log.%d", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := suggest.Look(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Left, func(l suggest.Left) bool { return strings.HasPrefix(l.Why, "more than 20000 files") }) {
		t.Errorf("left: %+v", r.Left)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := suggest.Look(ctx, write(t, "app.log")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestTheSchemeIsThatOfTheGenerations has it said although the active file comes first by name.
func TestTheSchemeIsThatOfTheGenerations(t *testing.T) {
	for _, names := range [][]string{{"a.log.1", "a.log"}, {"a.log.2.gz", "a.log.1", "a.log"}} {
		r, err := suggest.Look(t.Context(), write(t, names...))
		if err != nil || len(r.Logs) != 1 || !strings.Contains(r.Logs[0].Scheme, "a number behind the name") {
			t.Errorf("%v: %+v, %v", names, r.Logs, err)
		}
	}
	r, err := suggest.Look(t.Context(), write(t, "a.log"))
	if err != nil || len(r.Logs) != 1 || r.Logs[0].Scheme != "not rotated yet" {
		t.Errorf("%+v, %v", r.Logs, err)
	}
}

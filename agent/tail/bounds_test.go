package tail

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// A glob whose alternatives multiply is refused before one of them is made.
func TestOpenRefusesAGlobThatIsTooMany(t *testing.T) {
	dir := filepath.ToSlash(t.TempDir()) + "/"
	for _, cfg := range []Config{
		{Path: dir + strings.Repeat("{a/b,c}", 40)},
		{Path: dir + "x.log", Exclude: []string{dir + strings.Repeat("{a,b}", 40)}},
	} {
		if s, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "alternatives") {
			t.Errorf("%v: %v", s, err)
		}
	}
}

// Where only some directories may be followed, no other one is read.
func TestTheWalkReadsOnlyWhatMayBeFollowed(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"in/deep", "out/deep"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "a.log"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := filepath.ToSlash(filepath.Join(root, "in"))
	w, err := fsys.NewWalker(&fsys.System{Now: time.Now}, filepath.Join(root, "**"), nil, func(dir string) bool {
		return strings.HasPrefix(in, dir) || strings.HasPrefix(dir, in)
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.Walk()
	if err != nil || len(found) != 1 || !strings.HasPrefix(filepath.ToSlash(found[0]), in) {
		t.Errorf("found %v, %v", found, err)
	}
	for dir := range w.Dirs() {
		if strings.Contains(dir, "out") {
			t.Errorf("read %s", dir)
		}
	}
}

// A walk of a large tree ends when the task does.
func TestTheWalkEndsWithItsTask(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a", "b", "c", "d"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w, err := fsys.NewWalker(&fsys.System{Now: time.Now}, filepath.Join(root, "**", "*.log"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	w.Stopping = func() bool {
		if asked++; asked == 3 {
			cancel()
		}
		return ctx.Err() != nil
	}
	if _, err := w.Walk(); err == nil || len(w.Dirs()) > 2 {
		t.Errorf("read %v, %v", w.Dirs(), err)
	}
}

// An entry of which nothing may be followed says so, though nothing is looked for.
func TestAGlobOutsideWhatIsAllowedSaysSo(t *testing.T) {
	no := errors.New("outside")
	s, err := Open(Config{Path: filepath.Join(t.TempDir(), "*.log"), Poll: true,
		Allowed: func(string) error { return no }, AllowedDir: func(string) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); !strings.HasPrefix(st.Waiting, "not allowed") || !errors.Is(st.WaitingFor, no) {
		t.Errorf("%+v", st)
	}
}

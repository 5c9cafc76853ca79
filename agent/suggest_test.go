package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSuggestWithinAllowPaths: nothing outside allow_paths is named, opened or described.
func TestSuggestWithinAllowPaths(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"in", "out"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, d), 0o755), os.WriteFile(filepath.Join(dir, d, d+".log"), []byte("x\n"), 0o644))
	}
	if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "out", "hidden.log"), []byte("x\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	access := AccessOf([]string{filepath.ToSlash(dir) + "/in/*"})
	r, err := SuggestEntries(t.Context(), filepath.Join(dir, "in"), access)
	if err != nil || len(r.Logs) != 1 || filepath.Base(r.Logs[0].Path) != "in.log" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, path := range []string{filepath.Join(dir, "out"), filepath.Join(dir, "out", "hidden.log"), dir} {
		r, err := SuggestEntries(t.Context(), path, access)
		if err == nil || len(r.Logs) > 0 || len(r.Left) > 0 || strings.Contains(err.Error(), "out.log") {
			t.Errorf("%s: %+v, %v", path, r, err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "out", "hidden.log"), filepath.Join(dir, "in", "link.log")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	r, err = SuggestEntries(t.Context(), filepath.Join(dir, "in"), access)
	if err != nil || len(r.Logs) != 1 || len(r.Left) != 1 || strings.Contains(r.Left[0].Why, "hidden") {
		t.Errorf("a link that leads outside: %+v, %v", r, err)
	}
}

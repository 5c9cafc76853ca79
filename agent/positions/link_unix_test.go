//go:build unix

package positions

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"logctl/internal/ownfile"
)

// What somebody put in the place of the database is refused: a link is not followed,
// and a FIFO is not waited for. Nothing is set aside, for nothing of ours is there.
func TestOpenRefusesWhatIsNoFileOfOurs(t *testing.T) {
	for what, make := range map[string]func(string) error{
		"link": func(p string) error { return os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), p) },
		"FIFO": func(p string) error { return syscall.Mkfifo(p, 0o600) },
	} {
		dir := t.TempDir()
		if err := make(filepath.Join(dir, FileName)); err != nil {
			t.Fatal(err)
		}
		if r, err := Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ownfile.ErrNotOurs) {
			t.Errorf("%s: %v, %v", what, r, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%s: left %v, %v", what, left, err)
		}
	}
}

package tail

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// slowly is an interval within which no second scan comes: what is found is found by
// notification.
const slowly = time.Hour

// TestLateDirectory: a directory that is made after the start, with those above it, is
// watched from its beginning.
func TestLateDirectory(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineLosesChanges)
	for _, pattern := range []string{"app.log", "*.log"} {
		t.Run(pattern, func(t *testing.T) {
			root := t.TempDir()
			dir := filepath.Join(root, "a", "b", "c")
			l := runLive(t, Config{Path: filepath.Join(dir, pattern), Interval: slowly}, 1)
			testkit.Eventually(t, "the nearest directory is watched", func() bool {
				l.set.mu.Lock()
				defer l.set.mu.Unlock()
				return len(l.set.wanted) == 1 && l.set.scanned
			})
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			log := testkit.NewLog(t, filepath.Join(dir, "app.log"))
			log.Lines(10)
			testkit.Eventually(t, "the first lines are read", func() bool { return l.count() == 10 })
			log.Shift(3)
			log.Lines(10)
			log.Shift(3)
			log.Lines(10)
			l.wait(t, 30)
		})
	}
}

// TestDanglingLink: a link is set, or switched, to a file that comes later, and is rotated
// at once.
func TestDanglingLink(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineMovesNoLinks)
	root := t.TempDir()
	link, targets := filepath.Join(root, "current"), filepath.Join(root, "logs")
	if err := os.Mkdir(targets, 0o755); err != nil {
		t.Fatal(err)
	}
	to := func(name string) string {
		p := filepath.Join(targets, name)
		tmp := link + ".tmp"
		if err := os.Symlink(p, tmp); err != nil {
			t.Fatal(err)
		}
		rename(t, tmp, link)
		return p
	}
	first := to("one.log")
	l := runLive(t, Config{Path: link, Interval: slowly}, 1)
	wants := func(path string) {
		t.Helper()
		testkit.Eventually(t, "the target is waited for", func() bool {
			l.set.mu.Lock()
			defer l.set.mu.Unlock()
			_, ok := l.set.wanted[path]
			return ok && l.set.scanned
		})
	}
	wants(first)
	write(t, first, string(testkit.Numbered(1, 10, "")))
	testkit.Eventually(t, "the first target is read", func() bool { return l.count() == 10 })
	second := to("two.log")
	wants(second)
	write(t, second, string(testkit.Numbered(11, 10, "")))
	l.wait(t, 20)
}

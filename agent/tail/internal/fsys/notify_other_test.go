//go:build !linux

package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// TestDirectoryThatOutgrowsItsWatch: a directory is told to be no longer watched when more
// files came to it than may be watched, and is refused when it is asked for again.
func TestDirectoryThatOutgrowsItsWatch(t *testing.T) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	n, dir := newPortable(fs, 2), t.TempDir()
	defer n.Close()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Add(dir); err != nil {
		t.Fatal(err)
	}
	var told []string
	say := func(ev Event) { told = append(told, ev.Name) }
	come := func(name string) {
		n.tell(Event{Dir: dir, Name: filepath.Join(dir, name), Op: fsnotify.Create}, say)
	}
	n.tell(Event{Dir: dir, Name: filepath.Join(dir, "a"), Op: fsnotify.Remove}, say)
	come("c")
	if slices.Contains(told, dir) {
		t.Fatal("two of two files are too many")
	}
	come("d")
	if !slices.Contains(told, dir) {
		t.Fatal("nobody is told")
	}
	for _, name := range []string{"c", "d"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var many *ManyFilesError
	if _, err := n.Add(dir); !errors.As(err, &many) {
		t.Fatalf("asked for again: %v", err)
	}
	if len(fs.WatchList()) != 0 {
		t.Errorf("%q are still watched", fs.WatchList())
	}
}

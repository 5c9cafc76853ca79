package positions

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"logctl/agent/tail"
)

// small mounts a file system of so many bytes; fill leaves no room in it, drain gives
// it back.
func small(t *testing.T, size string) (dir string, fill, drain func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	filler := filepath.Join(dir, "filler")
	fill = func() { _ = os.WriteFile(filler, make([]byte, 16<<20), 0o600) } // fails when the disk is full, which is wanted
	drain = func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	return dir, fill, drain
}

// TestFullDisk opens a registry, and registers sources, while nothing can be written:
// an agent whose host has a full disk goes on with what it knows.
func TestFullDisk(t *testing.T) {
	dir, fill, drain := small(t, "8m")
	r := open(t, dir)
	if err := r.Register("known", []tail.State{state(1, 10)}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	fill()
	r = open(t, dir)
	if len(r.States("known")) != 1 {
		t.Fatal("what is on the disk was not read")
	}
	var many []tail.State
	for i := range uint64(2000) {
		many = append(many, state(i+2, 5))
	}
	if err := r.Register("known", many); err != nil {
		t.Errorf("a source that is on disk: %v", err)
	}
	if r.Err() == nil {
		t.Fatal("the disk is not full")
	}
	if err := r.Register("new", many); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a source that is not on disk: %v", err)
	}
	drain()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	defer r.Close()
	if n := len(r.States("known")); n != 2001 || !r.Known("new") {
		t.Errorf("%d states were saved in the end", n)
	}
}

// TestFullDiskAtFirstStart leaves nothing behind that the next start would take for a
// damaged database.
func TestFullDiskAtFirstStart(t *testing.T) {
	dir, fill, drain := small(t, "64k")
	fill()
	_, err := Open(dir, quiet)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), FileName) {
		t.Fatalf("got %v", err)
	}
	drain()
	r := open(t, dir)
	defer r.Close()
	if r.SetAside() != "" {
		t.Errorf("set aside as %s", r.SetAside())
	}
}

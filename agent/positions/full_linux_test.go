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

// TestMoveOnAFullDisk moves a source while nothing can be written: what is on disk is the
// old one or, later, the new one, and the memory has the new one at once.
func TestMoveOnAFullDisk(t *testing.T) {
	dir, fill, drain := small(t, "8m")
	r := open(t, dir)
	if err := r.Register("old", []tail.State{state(1, 10)}); err != nil {
		t.Fatal(err)
	}
	var many []tail.State
	for i := range uint64(2000) {
		many = append(many, state(i+2, 5))
	}
	fill()
	if err := r.Register("old", many); err != nil {
		t.Fatal(err)
	}
	if err := r.Move("old", "new"); err != nil || r.Err() == nil {
		t.Errorf("moved: %v, disk: %v", err, r.Err())
	}
	if err := r.Register("new", nil); err != nil {
		t.Errorf("registered: %v", err)
	}
	if r.Known("old") || len(r.States("new")) != 2001 {
		t.Errorf("in memory: %v, %d states", r.Keys(), len(r.States("new")))
	}
	if after := killed(t, dir); !after.Known("old") || after.Known("new") {
		t.Errorf("after a kill: %v", after.Keys())
	}
	drain()
	if err := r.Move("new", "old"); err != nil {
		t.Error(err)
	}
	if after := killed(t, dir); len(after.States("old")) != 2001 || after.Known("new") {
		t.Errorf("after a kill: %v, %d states", after.Keys(), len(after.States("old")))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// killed opens what a kill would leave in dir: the file as it is now, nothing closed.
func killed(t *testing.T, dir string) *Registry {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if err := os.WriteFile(filepath.Join(copied, FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
	after := open(t, copied)
	t.Cleanup(func() {
		if err := after.Close(); err != nil {
			t.Error(err)
		}
	})
	return after
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

package ownfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// fakeDisk is a file system whose power may be cut: names change in the order in which they
// were changed, as journals keep them, and what was written to a file since its last sync is
// there in any part.
type fakeDisk struct {
	now    map[string]*fakeFile
	synced map[string]*fakeFile // names on disk
	steps  []map[string]*fakeFile
	fail   func(what string) error
	lazy   bool // Sync of a file does nothing, and says it did
	lazyd  bool // nor does that of a directory
}

type fakeFile struct {
	d      *fakeDisk
	data   []byte
	synced int // so many bytes are on disk
}

func newFakeDisk() *fakeDisk {
	return &fakeDisk{now: map[string]*fakeFile{}, synced: map[string]*fakeFile{}, fail: func(string) error { return nil }}
}

func (d *fakeDisk) changed() { d.steps = append(d.steps, maps.Clone(d.now)) }

func (d *fakeDisk) create(name string) (file, error) {
	if err := d.fail("create"); err != nil {
		return nil, err
	}
	if d.now[name] != nil {
		return nil, fs.ErrExist
	}
	f := &fakeFile{d: d}
	d.now[name] = f
	d.changed()
	return f, nil
}

func (d *fakeDisk) rename(from, to string) error {
	if err := d.fail("rename"); err != nil {
		return err
	}
	d.now[to] = d.now[from]
	delete(d.now, from)
	d.changed()
	return nil
}

func (d *fakeDisk) remove(name string) error {
	if err := d.fail("remove"); err != nil {
		return err
	}
	if d.now[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.now, name)
	d.changed()
	return nil
}

func (d *fakeDisk) syncDir(string) error {
	if err := d.fail("syncDir"); err != nil || d.lazyd {
		return err
	}
	d.synced, d.steps = maps.Clone(d.now), nil
	return nil
}

func (f *fakeFile) Write(b []byte) (int, error) {
	if err := f.d.fail("write"); err != nil {
		f.data = append(f.data, b[:len(b)/2]...)
		return len(b) / 2, err
	}
	f.data = append(f.data, b...)
	return len(b), nil
}

func (f *fakeFile) Sync() error {
	err := f.d.fail("sync")
	if err == nil && !f.d.lazy {
		f.synced = len(f.data)
	}
	return err
}

func (f *fakeFile) Close() error { return f.d.fail("close") }

// cut is what a file holds after a power cut.
func (d *fakeDisk) cut(r *rand.Rand, path string) (data []byte, exists bool) {
	names := d.synced
	if n := r.IntN(len(d.steps) + 1); n > 0 {
		names = d.steps[n-1]
	}
	f := names[path]
	if f == nil {
		return nil, false
	}
	data = bytes.Clone(f.data)
	for i := f.synced; i < len(data); i++ {
		if r.IntN(2) == 0 {
			data[i] = 0
		}
	}
	return data[:f.synced+r.IntN(len(data)-f.synced+1)], true
}

// lives writes a file again and again, with a power cut at some step of each write, and
// returns the first cut that left neither the old file nor the new one.
func lives(t *testing.T, r *rand.Rand, n int, lazy, lazyd bool) (bad string) {
	t.Helper()
	const path = "data/entries.json"
	for i := range n {
		d := newFakeDisk()
		d.lazy, d.lazyd = lazy, lazyd
		old := fmt.Appendf(nil, "old %d %0*d", i, r.IntN(5000), 1)
		if err := write(d, path, old); err != nil {
			t.Fatal(err)
		}
		gone, after := errors.New("power is gone"), r.IntN(9)
		d.fail = func(string) error {
			if after--; after < 0 {
				return gone
			}
			return nil
		}
		done := write(d, path, fmt.Appendf(nil, "new %d %0*d", i, r.IntN(5000), 1))
		got, exists := d.cut(r, path)
		kept := bytes.HasPrefix(got, []byte("old")) && bytes.Equal(got, old)
		whole := bytes.HasPrefix(got, []byte("new")) && bytes.HasSuffix(got, []byte("01")) || bytes.Equal(got, fmt.Appendf(nil, "new %d 1", i))
		switch {
		case !exists, !kept && !whole:
			return fmt.Sprintf("%d: a file of %d bytes, exists: %v", i, len(got), exists)
		case done == nil && kept:
			return fmt.Sprintf("%d: the old file, when the new one was said to be there", i)
		}
	}
	return ""
}

// TestPowerCuts: whatever a power cut leaves is the old file or the new one, and the new
// one when that was said.
func TestPowerCuts(t *testing.T) {
	if bad := lives(t, rand.New(rand.NewPCG(15, 2)), 10_000, false, false); bad != "" {
		t.Error(bad)
	}
}

// TestPowerCutsWithoutSync is the test of the test: without a sync of the file, or of its
// directory, it must fail.
func TestPowerCutsWithoutSync(t *testing.T) {
	if lives(t, rand.New(rand.NewPCG(15, 3)), 1000, true, false) == "" {
		t.Error("without a sync of the file nothing is wrong")
	}
	if lives(t, rand.New(rand.NewPCG(15, 4)), 1000, false, true) == "" {
		t.Error("without a sync of the directory nothing is wrong")
	}
}

// TestDiskErrors: a write that a disk refuses says so, keeps the old file and leaves
// nothing beside it.
func TestDiskErrors(t *testing.T) {
	for _, what := range []string{"create", "write", "sync", "close", "rename", "syncDir"} {
		d := newFakeDisk()
		if err := write(d, "a", []byte("old")); err != nil {
			t.Fatal(err)
		}
		d.fail = func(step string) error {
			if step == what {
				return fmt.Errorf("%s: %w", step, syscall.ENOSPC)
			}
			return nil
		}
		if err := write(d, "a", []byte("new")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: error %v", what, err)
		}
		want := "old"
		if what == "syncDir" { // it is there, and may not be after a power cut
			want = "new"
		}
		if f := d.now["a"]; f == nil || string(f.data) != want {
			t.Errorf("%s: %v", what, f)
		}
		if names := slices.Sorted(maps.Keys(d.now)); len(names) != 1 {
			t.Errorf("%s: names %v", what, names)
		}
	}
}

// TestWriteAfterAKill: what a killed process left beside the file is no obstacle.
func TestWriteAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	for _, text := range []string{"one", "two"} {
		f, err := system{}.create(path + beside)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path, 10); err != nil || string(got) != text {
			t.Errorf("read %q, %v", got, err)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

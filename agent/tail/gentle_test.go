package tail

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
)

// gentleRig is a rig with the rules of Windows.
func gentleRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := newRig(t, cfg)
	_ = r.set.Close()
	r.sys.Gentle = true
	r.start()
	return r
}

// TestLetGo looks at which files are held: a live one while it grows, none that is quiet.
func TestLetGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "one\n")
	r := gentleRig(t, Config{Path: path})
	r.step(1)
	if n := r.set.Status().Open; n != 1 {
		t.Fatalf("%d files open right after a line", n)
	}
	r.step(3)
	if n := r.set.Status().Open; n != 0 {
		t.Fatalf("%d files open after quiet scans: no program can open them for itself", n)
	}
	write(t, path, "two\n")
	r.step(2)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "three\n")
	r.step(6)
	if n := r.set.Status().Open; n != 0 {
		t.Fatalf("%d files open after a rotation", n)
	}
	write(t, path+".1", "late\n")
	r.step(closedEvery + 2)
	r.want("one", "two", "three", "late")
}

// TestDeletedIsLetGo reads a deleted file to its end and holds it no longer: its name is
// taken as long as somebody does, where there is no POSIX deletion.
func TestDeletedIsLetGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "one\n")
	r := gentleRig(t, Config{Path: path})
	r.step(1)
	write(t, path, "two\n")
	r.scan()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r.step(2)
	if n := r.set.Status().Open; n != 0 {
		t.Fatalf("%d files open after the deletion", n)
	}
	write(t, path, "three\n")
	r.step(2)
	r.want("one", "two", "three")
}

// TestInUseWithoutSharing waits for a program that has the file for itself, says so, and
// counts nothing as a problem while that lasts a moment.
func TestInUseWithoutSharing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "one\n")
	taken := true
	r := newRig(t, Config{Path: path})
	_ = r.set.Close()
	r.sys.Gentle = true
	r.sys.Refuse = func(string) error {
		if taken {
			return fsys.ErrUnshared
		}
		return nil
	}
	r.start()
	r.step(2)
	if st := r.set.Status(); !IsInUse(st.WaitingFor) || st.Waiting != "in use by another program without sharing: "+path {
		t.Fatalf("%q, %v", st.Waiting, st.WaitingFor)
	}
	taken = false
	r.step(1)
	r.want("one")
	if n := r.set.Status().Open; n != 0 {
		t.Errorf("%d files open: the program cannot open it for itself", n)
	}
	taken = true
	write(t, path, "two\n")
	r.step(2)
	if st := r.set.Status(); st.Waiting != "" || st.Problems != 0 {
		t.Errorf("a moment is told as %q, %d problems", st.Waiting, st.Problems)
	}
	r.clock = r.clock.Add(skipAfter * time.Second)
	r.step(1)
	if st := r.set.Status(); !IsInUse(st.WaitingFor) {
		t.Errorf("after a while: %q", st.Waiting)
	}
	taken = false
	r.step(1)
	r.want("two")
}

// TestExclusiveWriterIsReadSeldom writes for a program that opens the file without sharing
// for each line: events ask for no reading, because each would refuse the program its file.
func TestExclusiveWriterIsReadSeldom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "0\n")
	opened, taken := 0, true
	r := newRig(t, Config{Path: path})
	_ = r.set.Close()
	r.sys.Gentle = true
	r.sys.Refuse = func(string) error {
		if taken {
			return fsys.ErrUnshared
		}
		opened++
		return nil
	}
	r.start()
	r.step(1) // it is found out
	taken = false
	r.step(1)
	r.want("0")
	write(t, path, "1\n")
	r.scan()
	f := r.set.TryReady()
	c, err := f.Next()
	if n := r.set.Status().Open; err != nil || n != 0 {
		t.Fatalf("%v, %d files open while what was read waits to be shipped", err, n)
	}
	r.take(f, c)
	if _, err := f.Next(); err != io.EOF {
		t.Fatal(err)
	}
	f.Release()
	r.want("1")
	opened = 0
	for range 3 {
		for range 50 {
			write(t, path, "line\n")
			r.set.event(fsys.Event{Dir: filepath.Dir(path), Name: path, Op: fsnotify.Write})
			r.set.checkDirty()
			r.read()
		}
		r.step(1)
	}
	if len(r.got) != 150 || opened > 3 {
		t.Errorf("%d lines read, the file was opened %d times in 3 intervals", len(r.got), opened)
	}
}

package tail

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
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

// readWhile reads one file that is ready, and others, and does something after the first
// look at it.
func (r *rig) readWhile(do func()) {
	r.t.Helper()
	f := r.set.TryReady()
	if f == nil || !f.lookAgain() {
		r.t.Fatal("no file is ready")
	}
	do()
	for c, err := f.Next(); err == nil; c, err = f.Next() {
		r.take(f, c)
	}
	f.Release()
	r.read()
}

// TestLetGo looks at which files are held: a live one while it grows, none that is quiet.
func TestLetGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "one\n")
	r := gentleRig(t, Config{Path: path})
	r.scan()
	r.readWhile(func() { write(t, path, "and one\n") })
	if n := r.set.Status().Open; n != 1 {
		t.Fatalf("%d files open while it grows", n)
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
	r.want("one", "and one", "two", "three", "late")
}

// TestDeletedIsLetGo reads a deleted file to its end and holds it no longer: its name is
// taken as long as somebody does, where there is no POSIX deletion.
func TestDeletedIsLetGo(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineHidesDeletion)
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "one\n")
	r := gentleRig(t, Config{Path: path})
	r.scan()
	r.readWhile(func() { write(t, path, "and one\n") })
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
	r.want("one", "and one", "two", "three")
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

// TestEachLineWithoutSharing writes for a program that opens its file without sharing for
// each line and never has it at the moment of a reading, so that no clash is seen. It waits
// for the first line that it is refused, and for no other one; neither does a program that
// ends its last line with the next one.
func TestEachLineWithoutSharing(t *testing.T) {
	for _, form := range []string{"%d\n", "\n%d"} {
		path := filepath.Join(t.TempDir(), "app.log")
		write(t, path, "begin")
		r := gentleRig(t, Config{Path: path})
		r.step(1)
		want, refused := []string{"begin"}, 0
		for i := range 40 {
			for r.set.Status().Open != 0 {
				if refused++; refused > 3 {
					t.Fatalf("%q: the writer is refused its file for line %d", form, i)
				}
				r.step(1)
			}
			write(t, path, fmt.Sprintf(form, i))
			r.set.event(fsys.Event{Dir: filepath.Dir(path), Name: path, Op: fsnotify.Write})
			r.set.checkDirty()
			r.read()
			if i%10 == 9 {
				r.step(1)
			}
			want = append(want, strconv.Itoa(i))
		}
		if form == "%d\n" {
			want = append([]string{"begin0"}, want[2:]...)
		} else {
			write(t, path, "\n")
		}
		r.step(2)
		r.want(want...)
	}
}

// TestSharingWriterIsHeld: a file that grows while it is read has a writer that shares, so
// that it stays open between its lines, also where its log was wary, until it is quiet.
func TestSharingWriterIsHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	write(t, path, "1\n")
	r := gentleRig(t, Config{Path: path})
	r.step(4)
	write(t, path, "2\n") // after it was let go
	r.scan()
	f := r.set.TryReady()
	c, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	r.take(f, c)
	f.Release()
	write(t, path, "3\n")
	r.scan()
	r.readWhile(func() { write(t, path, "4\n") })
	if n := r.set.Status().Open; n != 1 {
		t.Errorf("%d files open of a busy writer that shares", n)
	}
	r.step(3)
	if n := r.set.Status().Open; n != 0 {
		t.Errorf("%d files open of a quiet one", n)
	}
	r.want("1", "2", "3", "4")
}

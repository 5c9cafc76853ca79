package tail

import (
	"os"
	"path/filepath"
	"testing"
)

// kill lets the descriptor of the newest file at the watched name die, as that of a file
// system that was unmounted by force: each call fails, for good.
func (r *rig) kill(path string) {
	r.t.Helper()
	s := r.set
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.slots[s.key(path)]
	if sl == nil || sl.cur == nil || sl.cur.handle == nil {
		r.t.Fatal("no file is open at", path)
	}
	if err := sl.cur.handle.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// TestDeadDescriptor: the file is opened again by its name, under the same inode or under
// another one with the same content, and no line comes twice.
func TestDeadDescriptor(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines int
		after func(t *testing.T, p string)
	}{
		{"the same file", 100, func(*testing.T, string) {}},
		{"another inode with the same content", 100, anotherInode},
		{"another inode with the same content, short", 3, anotherInode},
		{"gone for a while", 100, func(t *testing.T, p string) {
			rename(t, p, p+"~")
			rename(t, p+"~", p)
		}},
		{"rotated meanwhile", 100, func(t *testing.T, p string) {
			rename(t, p, p+".1")
			write(t, p, "")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "app.log")
			write(t, p, rows(1, tc.lines))
			r := newRig(t, Config{Path: p})
			r.step(2)
			r.kill(p)
			tc.after(t, p)
			write(t, p, rows(tc.lines+1, tc.lines+10))
			r.step(4)
			r.kill(p)
			r.step(4)
			write(t, p, rows(tc.lines+11, tc.lines+20))
			r.step(4)
			r.wantRows(1, tc.lines+20)
			if n := r.unreadable(); n != 0 {
				t.Errorf("%d bytes counted as unreadable, none were lost", n)
			}
			if st := r.set.Status(); st.Open != 1 && st.Open != st.Files || st.Problems != 0 {
				t.Errorf("%d descriptors are open for %d files, problem %q", st.Open, st.Files, st.Problem)
			}
		})
	}
}

// anotherInode is what a file system without stable inode numbers does when it is mounted
// again.
func anotherInode(t *testing.T, p string) {
	copyFile(t, p, p+".new")
	remove(t, p)
	rename(t, p+".new", p)
}

// TestDeadAndReplaced: what stands at the name when the descriptor died has other content:
// it is read from its start, and what was known of the dead file and not read is counted.
func TestDeadAndReplaced(t *testing.T) {
	p := filepath.Join(t.TempDir(), "app.log")
	write(t, p, rows(1, 100))
	r := newRig(t, Config{Path: p})
	r.step(2)
	r.kill(p)
	remove(t, p)
	if err := os.WriteFile(p, []byte(rows(101, 110)), 0o644); err != nil {
		t.Fatal(err)
	}
	r.step(6)
	r.wantRows(1, 110)
}

// TestDeadWhileEmpty: a log that was empty when its file system went away is read when
// something is written to it.
func TestDeadWhileEmpty(t *testing.T) {
	p := filepath.Join(t.TempDir(), "app.log")
	write(t, p, "")
	r := newRig(t, Config{Path: p})
	r.step(2)
	r.kill(p)
	write(t, p, rows(1, 10))
	r.step(4)
	r.wantRows(1, 10)
	write(t, p, rows(11, 20))
	r.step(2)
	r.wantRows(11, 20)
}

// TestHeldWhileBlank: the descriptor of an empty file that is taken by a reader in the middle
// of a look, and dies, is the reader's.
func TestHeldWhileBlank(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p, From: FromBeginning})
	write(t, p, "")
	r.scan()
	write(t, filepath.Join(filepath.Dir(p), "other"), "")
	write(t, p, "one\n")
	var f *File
	r.set.sys.Names = func(string) {
		if f != nil {
			return
		}
		if f = r.set.TryReady(); f != nil {
			_ = f.handle.Close()
		}
	}
	r.scan()
	if f == nil {
		t.Fatal("nobody looked for copies")
	}
	if f.handle == nil {
		t.Error("the look closed the descriptor of a file that a reader has")
	}
	f.Release()
	r.step(3)
	r.want("one")
}

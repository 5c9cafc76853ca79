//go:build unix

package tail

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAllowedRaced: the owner of an allowed directory swaps the followed name, and a
// rotated one, for links to a file outside 10,000 times while they are looked at and
// read. Nothing of that file is handed out, nor is its name told.
func TestAllowedRaced(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	secret := filepath.Join(out, "hidden.log")
	for _, d := range []string{in, out} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, secret, "secret\n")
	write(t, filepath.Join(in, "stock"), "line\n")
	r := newRig(t, Config{Path: filepath.Join(in, "app.log"), From: FromBeginning, FirstStart: true, MaxOpen: 1,
		Allowed: func(path string) error {
			if !strings.HasPrefix(path, in+"/") {
				return errors.New("outside")
			}
			return nil
		}})
	var done atomic.Bool
	failed := make(chan error, 1)
	go func() {
		defer done.Store(true)
		defer close(failed)
		for n := range 10000 {
			name, tmp := filepath.Join(in, "app.log"), filepath.Join(in, "tmp")
			if n%3 == 2 {
				name += ".1"
			}
			var err error
			if n%2 == 0 {
				err = os.Symlink(secret, tmp)
			} else {
				err = os.Link(filepath.Join(in, "stock"), tmp)
			}
			if err = errors.Join(err, os.Rename(tmp, name)); err == nil && n%2 == 1 {
				_ = os.Remove(tmp) // it is there still if both were names of one file
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	for !done.Load() {
		r.step(1)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	for _, l := range r.got {
		if l == "secret" {
			t.Fatal("a line of the file outside was read")
		}
	}
	st := r.set.Status()
	if all := st.Waiting + st.Problem + r.log.String(); strings.Contains(all, "hidden") {
		t.Errorf("the name of the file outside is told: %s", all)
	}
	t.Logf("read %d lines", len(r.got))
}

// TestAllowedForeign: a hard link to a file that the owner of the directory could not
// read is refused, in words.
func TestAllowedForeign(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a directory of another user")
	}
	p := tmp(t, "app.log")
	write(t, p, "secret\n")
	for _, err := range []error{os.Chmod(p, 0o600), os.Chown(filepath.Dir(p), 12345, 12345)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true, Allowed: func(string) error { return nil }})
	r.step(2)
	r.want()
	if st := r.set.Status(); !strings.HasPrefix(st.Waiting, "not allowed: the owner of its directory") {
		t.Errorf("state %q", st.Waiting)
	}
	if err := os.Chmod(p, 0o644); err != nil {
		t.Fatal(err)
	}
	r.step(2)
	r.want("secret")
}

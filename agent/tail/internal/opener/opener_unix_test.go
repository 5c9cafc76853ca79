//go:build unix

package opener

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

var errOutside = errors.New("outside")

// beneath allows what is beneath a directory.
func beneath(dir string) func(string) error {
	return func(path string) error {
		if !strings.HasPrefix(path, dir+"/") {
			return errOutside
		}
		return nil
	}
}

func real(t *testing.T, dir string) string {
	t.Helper()
	r, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a directory that is allowed, with a file, and a secret beside it.
type world struct{ in, out, file, secret string }

func newWorld(t *testing.T) world {
	t.Helper()
	dir := real(t, t.TempDir())
	w := world{in: filepath.Join(dir, "in"), out: filepath.Join(dir, "out")}
	w.file, w.secret = filepath.Join(w.in, "sub", "app.log"), filepath.Join(w.out, "app.log")
	must(t, os.MkdirAll(filepath.Dir(w.file), 0o755))
	must(t, os.MkdirAll(w.out, 0o755))
	must(t, os.WriteFile(w.file, []byte("line\n"), 0o644))
	must(t, os.Link(w.file, filepath.Join(w.in, "stock")))
	must(t, os.WriteFile(w.secret, []byte("secret\n"), 0o600))
	return w
}

func TestOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := func(name, to string) string {
		p := filepath.Join(w.in, name)
		must(t, os.Symlink(to, p))
		return p
	}
	fifo := filepath.Join(w.in, "fifo")
	must(t, unix.Mkfifo(fifo, 0o600))
	for _, c := range []struct {
		name, path string
		want       error // nil: the line
	}{
		{"a file", w.file, nil},
		{"a link inside", link("inside", w.file), nil},
		{"a directory link inside", filepath.Join(link("subs", filepath.Dir(w.file)), "app.log"), nil},
		{"a link to a file outside", link("outside", w.secret), errOutside},
		{"a file in a linked directory outside", filepath.Join(link("dirs", w.out), "app.log"), errOutside},
		{"by way of ..", w.in + "/../out/app.log", errOutside},
		{"a file outside", w.secret, errOutside},
		{"a magic link", link("magic", "/proc/self/root"+w.secret), errOutside},
		{"a named pipe", fifo, ErrNotRegular},
		{"a directory", w.in + "/sub", syscall.EISDIR},
		{"nothing", w.in + "/sub/none", fs.ErrNotExist},
		{"a link to nothing", link("dangling", w.in+"/none"), fs.ErrNotExist},
	} {
		f, err := Open(c.path, func(p string) error { return beneath(w.in)(filepath.Clean(p)) })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil {
			if strings.Contains(err.Error(), "out/") && !strings.Contains(c.path, "out/") {
				t.Errorf("%s: the error names what is outside: %v", c.name, err)
			}
			continue
		}
		b, err := io.ReadAll(f)
		if err != nil || string(b) != "line\n" {
			t.Errorf("%s: read %q, %v", c.name, b, err)
		}
		must(t, f.Close())
	}
}

// TestOpenRaced: whoever may write to the directory swaps the file, or a directory on the
// way, for a link 10,000 times while it is opened. What is outside never comes.
func TestOpenRaced(t *testing.T) {
	t.Parallel()
	const swaps = 10000
	for _, c := range []struct {
		name string
		swap func(w world, n int) error
	}{
		{"the file", func(w world, n int) error {
			tmp := w.file + ".tmp"
			if n%2 == 0 {
				if err := os.Symlink(w.secret, tmp); err != nil {
					return err
				}
			} else if err := os.Link(filepath.Join(w.in, "stock"), tmp); err != nil {
				return err
			}
			return os.Rename(tmp, w.file)
		}},
		{"its directory", func(w world, n int) error {
			sub, away := filepath.Dir(w.file), filepath.Join(w.in, "away")
			if n%2 == 0 {
				return errors.Join(os.Rename(sub, away), os.Symlink(w.out, sub))
			}
			return errors.Join(os.Remove(sub), os.Rename(away, sub))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var done atomic.Bool
			failed := make(chan error, 1)
			go func() {
				defer done.Store(true)
				for n := range swaps {
					if err := c.swap(w, n); err != nil {
						failed <- err
						return
					}
				}
				close(failed)
			}()
			opened, refused := 0, 0
			for !done.Load() {
				f, err := Open(w.file, beneath(w.in))
				if err != nil {
					refused++
					continue
				}
				b, err := io.ReadAll(f)
				if err != nil || string(b) == "secret\n" {
					t.Fatalf("read %q, %v, after %d opens", b, err, opened)
				}
				must(t, f.Close())
				opened++
			}
			must(t, <-failed)
			t.Logf("opened %d times, refused %d times", opened, refused)
		})
	}
}

// TestForeign: what the owner of a directory could not read is refused there.
func TestForeign(t *testing.T) {
	t.Parallel()
	const user, other, group = 1000, 1001, 100
	for _, c := range []struct {
		name      string
		dir, file owner
		want      bool
	}{
		{"its own", owner{user, group, 0o755, 2}, owner{user, group, 0o600, 1}, false},
		{"its own, not readable", owner{user, group, 0o755, 2}, owner{user, group, 0o200, 1}, true},
		{"of root, for all", owner{user, group, 0o755, 2}, owner{0, 0, 0o644, 1}, false},
		{"of root, for root", owner{user, group, 0o755, 2}, owner{0, 0, 0o600, 1}, true},
		{"of root, a hard link", owner{user, group, 0o755, 2}, owner{0, 0, 0o640, 2}, true},
		{"of root, for its group", owner{user, group, 0o755, 2}, owner{0, group, 0o640, 1}, false},
		{"of another user", owner{user, group, 0o755, 2}, owner{other, other, 0o600, 1}, true},
		{"in a directory of root", owner{0, 0, 0o755, 2}, owner{user, group, 0o600, 1}, false},
		{"in a directory of root, a hard link", owner{0, 0, 0o755, 2}, owner{user, group, 0o600, 2}, false},
		{"in a directory for all", owner{0, 0, 0o1777, 2}, owner{user, group, 0o600, 1}, false},
		{"in a directory for all, a hard link", owner{0, 0, 0o1777, 2}, owner{user, group, 0o600, 2}, true},
		{"in root's directory for a group, a hard link", owner{0, group, 0o775, 2}, owner{0, 0, 0o600, 2}, true},
		{"in root's directory for a group, a hard link to what the group may read", owner{0, group, 0o775, 2}, owner{0, group, 0o640, 2}, false},
		{"in root's directory for a group, a file", owner{0, group, 0o775, 2}, owner{0, 0, 0o600, 1}, false},
		{"in root's directory for root's group, a hard link", owner{0, 0, 0o775, 2}, owner{0, 0, 0o600, 2}, false},
		{"in a directory for all, a hard link to what all may read", owner{0, 0, 0o1777, 2}, owner{user, group, 0o644, 2}, false},
	} {
		if got := foreign(c.dir, c.file); got != c.want {
			t.Errorf("%s: foreign %v, want %v", c.name, got, c.want)
		}
	}
}

// TestHardLink: a hard link in another user's directory to what that user cannot read.
func TestHardLink(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can make a directory of another user")
	}
	w := newWorld(t)
	must(t, os.Chown(w.in, 12345, 12345))
	linked := filepath.Join(w.in, "linked.log")
	must(t, os.Link(w.secret, linked))
	if _, err := Open(linked, beneath(w.in)); !errors.Is(err, ErrForeign) {
		t.Fatalf("got %v, want %v", err, ErrForeign)
	}
	must(t, os.Chown(linked, 12345, 12345))
	f, err := Open(linked, beneath(w.in))
	must(t, err)
	must(t, f.Close())
}

// TestWalkDir: the way without openat2 follows no link either.
func TestWalkDir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fd, err := walkDir(filepath.Dir(w.file), unix.O_RDONLY|unix.O_DIRECTORY)
	must(t, err)
	must(t, unix.Close(fd))
	link := filepath.Join(w.in, "link")
	must(t, os.Symlink(w.out, link))
	for _, path := range []string{link, link + "/none"} {
		if _, err := walkDir(path, unix.O_RDONLY|unix.O_DIRECTORY); moved(err) != errMoved {
			t.Errorf("%s: %v", path, err)
		}
	}
}

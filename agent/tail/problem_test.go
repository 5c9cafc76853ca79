package tail

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestProblemOfOneFile has a file that may not be read among others that are.
func TestProblemOfOneFile(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"a", "b", "c", "d"} {
		write(t, dir+"/"+n+".log", n+"\n")
	}
	mkdir(t, dir+"/dir")
	link(t, dir+"/dir", dir+"/e.log")
	link(t, dir+"/nowhere", dir+"/f.log")
	l, err := net.Listen("unix", dir+"/g.log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	refused := map[string]error{}
	r := newRig(t, Config{Path: dir + "/*.log", Allowed: func(p string) error { return refused[p] }})
	problem := func(want string, n int) {
		t.Helper()
		for range 5 {
			st := r.set.Status()
			if st.Waiting != "" || st.Problem != want || st.Problems != n {
				t.Fatalf("waiting %q, problem %q (%d), want %q (%d)", st.Waiting, st.Problem, st.Problems, want, n)
			}
		}
	}
	refused[dir+"/c.log"] = &fs.PathError{Op: "open", Path: dir + "/c.log", Err: syscall.EACCES}
	refused[dir+"/d.log"] = errors.New("outside of allow_paths")
	r.step(2)
	if got := strings.Join(r.got, ""); len(got) != 2 || !strings.Contains("abab", got) {
		t.Fatalf("read %q", r.got)
	}
	problem("permission denied: "+dir+"/c.log", 2)
	delete(refused, dir+"/c.log")
	r.step(1)
	problem("not allowed: outside of allow_paths: "+dir+"/d.log", 1)
	if err := os.Remove(dir + "/d.log"); err != nil {
		t.Fatal(err)
	}
	r.step(1)
	problem("", 0)
}

// TestUnreadableAmongOthers takes the right to read one of two files away.
func TestUnreadableAmongOthers(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser may read every file")
	}
	dir := t.TempDir()
	write(t, dir+"/a.log", "a\n")
	write(t, dir+"/b.log", "b\n")
	if err := os.Chmod(dir+"/b.log", 0); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Config{Path: dir + "/*.log"})
	r.step(2)
	r.want("a")
	if p := r.set.Status().Problem; p != "permission denied: "+dir+"/b.log" {
		t.Fatalf("problem %q", p)
	}
}

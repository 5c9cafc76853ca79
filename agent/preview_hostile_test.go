//go:build unix

package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"logctl/agent/positions"
	"logctl/agent/tail"
	"logctl/etcdcfg"
)

// A preview answers whoever may write to etcd. The owner of an allowed directory who swaps
// names for links to a file outside meanwhile has nothing of that file shown.
func TestPreviewRaced(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in, secret := filepath.Join(dir, "in"), filepath.Join(dir, "hidden.log")
	if err := errors.Join(os.Mkdir(in, 0o755), os.WriteFile(secret, []byte(strings.Repeat("secret\n", 50)), 0o644),
		os.WriteFile(filepath.Join(in, "stock"), []byte("line\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	swaps := make(chan error, 1)
	go func() {
		defer done.Store(true)
		for n := range 10_000 {
			tmp := filepath.Join(in, "tmp")
			err := os.Symlink(secret, tmp)
			if n%2 == 1 {
				_ = os.Remove(tmp)
				err = os.Link(filepath.Join(in, "stock"), tmp)
			}
			if err = errors.Join(err, os.Rename(tmp, filepath.Join(in, "app.log"))); err != nil {
				swaps <- err
				return
			}
			_ = os.Remove(tmp)
		}
		swaps <- nil
	}()
	looks := 0
	for !done.Load() || looks == 0 {
		looks++
		p, err := PreviewEntry(t.Context(), etcdcfg.Entry{Path: in + "/app*", Topic: "t"}, AccessOf([]string{in + "/**"}))
		if err == nil && slices.ContainsFunc(p.Records, func(r string) bool { return strings.Contains(r, "secret") }) {
			t.Fatal("the preview shows a file outside allow_paths")
		}
		if text := previewText(p, err); strings.Contains(text, "hidden") {
			t.Fatal("the preview names a file outside allow_paths:", text)
		}
	}
	if err := <-swaps; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d previews", looks)
}

func previewText(p Preview, err error) string {
	var b strings.Builder
	if err != nil {
		b.WriteString(err.Error())
	}
	for _, f := range p.Files {
		b.WriteString(f.Path + f.Error)
	}
	return b.String() + p.Of
}

// Nothing that stands in the place of a file is waited for, and only what allow_paths lead
// to is listed.
func TestPreviewOfWhatIsNoFile(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"in", "out"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "in", "pipe"), 0o644), os.WriteFile(filepath.Join(dir, "out", "hidden"), []byte("x\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	p, err := PreviewEntry(t.Context(), etcdcfg.Entry{Path: filepath.Join(dir, "in", "pipe"), Topic: "t"}, Access{})
	if err != nil || len(p.Files) != 1 || p.Files[0].Error == "" {
		t.Errorf("of a FIFO: %+v, %v", p, err)
	}
	p, err = PreviewEntry(t.Context(), etcdcfg.Entry{Path: dir + "/**", Topic: "t"}, AccessOf([]string{dir + "/in/*"}))
	if err != nil || strings.Contains(previewText(p, err), "hidden") {
		t.Errorf("names outside are told: %+v, %v", p, err)
	}
	if _, err := PreviewEntry(t.Context(), etcdcfg.Entry{Path: dir + "/out/*", Topic: "t"}, AccessOf([]string{dir + "/in/*"})); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("of a directory outside: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err = PreviewEntry(ended, etcdcfg.Entry{Path: dir + "/**", Topic: "t"}, Access{}); err != nil || !p.Cut {
		t.Errorf("of what takes too long: %+v, %v", p, err)
	}
	braces := dir + "/" + strings.Repeat("{a,aa}", 40) + "b"
	if _, err := PreviewEntry(t.Context(), etcdcfg.Entry{Path: dir + "/*", Exclude: []string{braces}, Topic: "t"}, Access{}); err == nil {
		t.Error("alternatives without a bound are expanded")
	}
}

// A command that moves positions waits for no FIFO in the place of the file, and takes no
// glob that would keep it busy for ever.
func TestMoveOfWhatIsNoFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), strings.Repeat("a", 80))
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	states := []tail.State{{Path: pipe, Pos: 5, Size: 10}}
	if _, err := (positions.Move{To: positions.ToPosition, Pos: 3}).Plan(states); err == nil {
		t.Error("a FIFO has a position")
	}
	file := filepath.Dir(pipe) + "/" + strings.Repeat("{a,aa}", 40) + "b"
	if _, err := (positions.Move{File: file, To: positions.ToBeginning}).Plan(states); err == nil {
		t.Error("alternatives without a bound are expanded")
	}
}

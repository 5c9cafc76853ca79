package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hanging is a disk on which calls for some names do not return before the end.
type hanging struct {
	host
	end            chan struct{}
	listed, opened string // names that hang; empty: none
	read           string
}

func (d hanging) family(path string) []string {
	if path == d.listed {
		<-d.end
	}
	return d.host.family(path)
}

func (d hanging) open(name string) (*os.File, error) {
	if name == d.opened {
		<-d.end
	}
	return d.host.open(name)
}

func (d hanging) plain(f *os.File, size int64) (io.Reader, func(), error) {
	r, done, err := d.host.plain(f, size)
	if f.Name() == d.read {
		r = io.MultiReader(io.LimitReader(r, 1), hangingReader{d.end})
	}
	return r, done, err
}

type hangingReader struct{ end chan struct{} }

func (r hangingReader) Read([]byte) (int, error) {
	<-r.end
	return 0, errors.New("gone")
}

// TestHangingFileSystem verifies logs of which some are on file systems that hang: each is
// named after a bounded time, and the others are judged.
func TestHangingFileSystem(t *testing.T) {
	dir := t.TempDir()
	var logs []Log
	for _, name := range []string{"well/a", "list/a", "open/a", "open/b", "read/a"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("one\ntwo\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, Log{Path: path, Topic: "t", Whole: true})
	}
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		c := Comparison{Ledger: NewLedger(false), Host: "h", Now: time.Now()}
		c.patience.disk = hanging{end: end, listed: logs[1].Path, opened: logs[2].Path, read: logs[4].Path}
		begun := time.Now()
		list, err := c.Compare(t.Context(), logs)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 2*Patience {
			t.Errorf("it took %v", took)
		}
		unread := map[string]bool{}
		for _, v := range list {
			rel, _ := filepath.Rel(dir, v.Name)
			if unread[filepath.ToSlash(rel)] = v.Unread; v.Unread && !strings.Contains(v.Note, "does not answer") {
				t.Errorf("%s: %s", v.Name, v.Note)
			}
		}
		want := map[string]bool{"well/a": false, "list/a": true, "open/a": true, "open/b": true, "read/a": true}
		if fmt.Sprint(unread) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", unread, want)
		}
		close(end) // so that nothing is left of the test
	})
}

// TestPatienceEnds asks a disk that hangs for a file while the caller is told to stop.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		end := make(chan struct{})
		time.AfterFunc(time.Second, stop)
		var p patience
		_, err := call(ctx, &p, "/a", func() (fs.FileInfo, error) { <-end; return nil, nil }, nil)
		if !errors.Is(err, context.Canceled) || p.hangs > 0 {
			t.Errorf("%v after %d", err, p.hangs)
		}
		close(end)
	})
}

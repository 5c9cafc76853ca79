package tail

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// tarpit is a file system on which calls for some files do not return until it is healed.
type tarpit struct {
	mu     sync.Mutex
	ids    map[fsys.Inode]bool
	healed chan struct{}
	caught int
}

func newTarpit() *tarpit { return &tarpit{ids: map[fsys.Inode]bool{}, healed: make(chan struct{})} }

func (p *tarpit) adapt(st *fsys.Stat) {
	p.mu.Lock()
	stuck := p.ids[st.ID]
	if stuck {
		p.caught++
	}
	p.mu.Unlock()
	if stuck {
		<-p.healed
	}
}

// catch lets calls for the file at path hang from now on.
func (p *tarpit) catch(t *testing.T, path string) {
	t.Helper()
	var st fsys.Stat
	if err := fsys.StatPath(path, &st); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids[st.ID] = true
}

func (p *tarpit) has() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caught > 0
}

func (p *tarpit) heal() {
	p.mu.Lock()
	clear(p.ids)
	p.mu.Unlock()
	close(p.healed)
}

// TestHang: a call that does not return, in whatever step and under whichever lock, is a
// state in words; who asks for it never waits; another Set that shares the notification
// goes on; and so does this one when the call returns.
func TestHang(t *testing.T) {
	for _, c := range []struct {
		name  string
		catch func(t *testing.T, p *tarpit, path string) // the file at path is followed and read
	}{
		{"the look at a name", func(t *testing.T, p *tarpit, path string) { p.catch(t, path) }},
		{"a rotated file, under the lock", func(t *testing.T, p *tarpit, path string) {
			p.catch(t, path)
			rename(t, path, path+".1")
			write(t, path, "next\n")
		}},
		{"its directory", func(t *testing.T, p *tarpit, path string) { p.catch(t, filepath.Dir(path)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWatcher(nil)
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = w.Run(ctx) }()
			defer func() { cancel(); <-ended }()
			p := newTarpit()
			path := tmp(t, "*.log")
			file := filepath.Join(filepath.Dir(path), "app.log")
			write(t, file, "one\n")
			l := runLive(t, Config{Path: path, Watcher: w, Interval: 20 * time.Millisecond, From: FromBeginning}, 2, func(s *Set) {
				s.sys.Adapt = p.adapt
				s.stalls.after = 50 * time.Millisecond
			})
			testkit.Eventually(t, 10*time.Second, "the file is read", func() bool { return l.count() == 1 })
			c.catch(t, p, file)
			testkit.Eventually(t, 10*time.Second, "a call hangs", p.has)
			testkit.Eventually(t, 10*time.Second, "the Set says so", func() bool {
				st := l.set.Status()
				for _, err := range []error{st.WaitingFor, st.ProblemOf} {
					if errors.Is(err, os.ErrDeadlineExceeded) && strings.Contains(err.Error(), "does not answer since") {
						return true
					}
				}
				return false
			})
			l.set.EachFile(func(FileInfo) {}) // returns
			if e := l.set.Hang(); e == nil || !strings.HasPrefix(e.Path, filepath.Dir(path)) {
				t.Errorf("hang %v", e)
			}
			beside := tmp(t, "other.log")
			log := testkit.NewLog(t, beside)
			other := runLive(t, Config{Path: beside, Watcher: w}, 1)
			log.Lines(3)
			other.wait(t, 3)
			p.heal()
			testkit.Eventually(t, 10*time.Second, "all is well again", func() bool {
				st := l.set.Status()
				return st.WaitingFor == nil && st.ProblemOf == nil
			})
			write(t, file, "two\n")
			testkit.Eventually(t, 10*time.Second, "the rest is read", func() bool { return l.count() >= 2 })
		})
	}
}

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
	path   string // of which the opening hangs
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
	p.path = ""
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
			testkit.Eventually(t, "the file is read", func() bool { return l.count() == 1 })
			c.catch(t, p, file)
			testkit.Eventually(t, "a call hangs", p.has)
			testkit.Eventually(t, "the Set says so", func() bool {
				st := l.set.Status()
				for _, err := range []error{st.WaitingFor, st.ProblemOf} {
					if errors.Is(err, os.ErrDeadlineExceeded) && strings.Contains(err.Error(), "does not answer since") {
						return true
					}
				}
				return false
			})
			if e := l.set.Late(); e == nil || !strings.HasPrefix(e.Path, filepath.Dir(path)) {
				t.Errorf("hang %v", e)
			}
			beside := tmp(t, "other.log")
			log := testkit.NewLog(t, beside)
			other := runLive(t, Config{Path: beside, Watcher: w}, 1)
			log.Lines(3)
			other.wait(t, 3)
			p.heal()
			testkit.Eventually(t, "all is well again", func() bool {
				st := l.set.Status()
				return st.WaitingFor == nil && st.ProblemOf == nil
			})
			write(t, file, "two\n")
			testkit.Eventually(t, "the rest is read", func() bool { return l.count() >= 2 })
		})
	}
}

// TestAsleep: a process that was asleep as a whole, or a clock that was set, is no file system
// that hangs: only a step that is still under way a while after it was seen to be late is.
func TestAsleep(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	path := tmp(t, "*.log")
	s, err := Open(Config{Path: path, Watcher: NewPoller(nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	s.sys.Now = func() time.Time { return now }
	hangs := func() bool {
		st := s.Status()
		for _, err := range []error{st.WaitingFor, st.ProblemOf} {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return true
			}
		}
		return s.Hang() != nil
	}
	f := &File{set: s, path: path}
	s.stalls.enter(f)
	for name, p := range map[string]*pulse{"a look": &s.stalls.scan, "a reader": &f.pulse} {
		p.begin(&path, now)
		if now = now.Add(time.Hour); hangs() { // asleep meanwhile
			t.Errorf("%s: the process was asleep, and a file system is said to hang", name)
		}
		p.touch(now) // it goes on
		if now = now.Add(hangAfter / 2); hangs() {
			t.Errorf("%s: it went on, and a file system is said to hang", name)
		}
		p.end()
		p.begin(&path, now)
		if now = now.Add(hangAfter + 1); hangs() {
			t.Errorf("%s: said to hang at once", name)
		}
		if now = now.Add(hangAfter / 2); !hangs() {
			t.Errorf("%s: it hangs, which is not said", name)
		}
		p.end()
		if hangs() {
			t.Errorf("%s: ended, and said to hang", name)
		}
	}
}

package tail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// TestNobodyWaits: while a call for a file does not return, whoever asks the Set gets an
// answer, with the file as it was, and Close returns. Descriptors that could not be closed
// then are when the call returns.
func TestNobodyWaits(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(t *testing.T, p *tarpit, file string) // the file is followed and read
	}{
		{"the look at a name", func(t *testing.T, p *tarpit, file string) { p.catch(t, file) }},
		{"its directory", func(t *testing.T, p *tarpit, file string) { p.catch(t, filepath.Dir(file)) }},
		{"a rotated file, in the middle of a change", func(t *testing.T, p *tarpit, file string) {
			p.catch(t, file)
			rename(t, file, file+".1")
			write(t, file, "next\n")
		}},
		{"a new file is opened", func(t *testing.T, p *tarpit, file string) {
			p.catchOpen(file)
			rename(t, file, file+".1")
			write(t, file, "next\n")
		}},
		{"a file is read", func(t *testing.T, p *tarpit, file string) {
			p.catch(t, file)
			write(t, file, "two\n")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTarpit()
			path := tmp(t, "*.log")
			file := filepath.Join(filepath.Dir(path), "app.log")
			write(t, file, "one\n")
			l := runLive(t, Config{Path: path, Watcher: NewPoller(nil), Interval: 20 * time.Millisecond, From: FromBeginning}, 2, func(s *Set) {
				s.sys.Adapt, s.sys.Refuse = p.adapt, p.refuse
				s.stalls.after = 50 * time.Millisecond
			})
			testkit.Eventually(t, "the file is read", func() bool { return l.count() == 1 })
			c.act(t, p, file)
			testkit.Eventually(t, "a call hangs", p.has)
			files := l.set.Files()
			if len(files) == 0 || files[0].Path != file || files[0].Read != 4 {
				t.Errorf("files %+v", files)
			}
			if st := l.set.Status(); st.Files != len(files) || st.Open == 0 || strings.HasPrefix(st.Waiting, "waiting") {
				t.Errorf("status %+v", st)
			}
			l.set.Unsaved()
			l.set.Forgotten()
			l.set.Learned()
			if err := l.set.Close(); err != nil {
				t.Error(err)
			}
			p.heal()
			l.stop()
			testkit.Eventually(t, "all descriptors are closed", func() bool { return l.set.Status().Open == 0 })
		})
	}
}

// catchOpen lets the next opening of the path hang.
func (p *tarpit) catchOpen(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.path = path
}

func (p *tarpit) refuse(path string) error {
	p.mu.Lock()
	stuck := p.path == path
	if stuck {
		p.caught++
	}
	p.mu.Unlock()
	if stuck {
		<-p.healed
	}
	return nil
}

// TestAskedInTheMiddle: who asks at each moment of a rotation, between any two calls of the
// file system, finds the name as followed, and what one change brings for the registry
// together.
func TestAskedInTheMiddle(t *testing.T) {
	for _, how := range []func(t *testing.T, path string){
		func(t *testing.T, path string) { rename(t, path, path+".1"); write(t, path, "two\n") },
		func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err == nil {
				err = errors.Join(os.WriteFile(path+".1", data, 0o644), os.WriteFile(path, []byte("new\n"), 0o644))
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		path := tmp(t, "app.log")
		write(t, path, "a first line that is longer\n")
		asked, begun := 0, false
		states := map[FileID]bool{}
		r := &rig{t: t, clock: time.Now(), pause: time.Second, states: map[FileID]State{}, cfg: Config{Path: path, From: FromBeginning}}
		ask := func(*fsys.Stat) {
			if r.set == nil || !begun {
				return
			}
			asked++
			if st := r.set.Status(); st.Waiting != "" || st.Problem != "" {
				t.Errorf("in the middle: %+v", st)
			}
			gone := r.set.Forgotten()
			for _, st := range r.set.Unsaved() {
				states[st.ID] = true
			}
			for _, g := range gone {
				delete(states, g.ID)
			}
			if len(states) == 0 {
				t.Error("in the middle: no generation is known to the registry")
			}
		}
		r.sys.Adapt = ask
		r.open()
		t.Cleanup(func() { _ = r.set.Close() })
		if err := r.set.Scan(context.Background()); err != nil {
			t.Fatal(err)
		}
		for f := r.set.TryReady(); f != nil; f = r.set.TryReady() {
			for c, err := f.Next(); err == nil; c, err = f.Next() {
				c.Release()
			}
			states[f.ID()] = true
			f.Release()
		}
		begun = true
		how(t, path)
		for range 3 {
			r.clock = r.clock.Add(time.Second)
			if err := r.set.Scan(context.Background()); err != nil {
				t.Fatal(err)
			}
			for f := r.set.TryReady(); f != nil; f = r.set.TryReady() {
				for c, err := f.Next(); err == nil; c, err = f.Next() {
					c.Release()
				}
				f.Release()
			}
		}
		if asked < 10 {
			t.Errorf("asked %d times only", asked)
		}
	}
}

// TestAskedAllTheTime: files come, are rotated, copied, truncated and deleted under a glob,
// with few descriptors, while others ask for all that can be asked for. It is for the race
// detector.
func TestAskedAllTheTime(t *testing.T) {
	dir := t.TempDir()
	l := runLive(t, Config{Path: filepath.Join(dir, "*.log"), Interval: 5 * time.Millisecond, From: FromBeginning, MaxOpen: 4}, 3)
	stop := make(chan struct{})
	var asks sync.WaitGroup
	for range 2 {
		asks.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				l.set.Status()
				l.set.EachFile(func(FileInfo) {})
				l.set.Unsaved()
				l.set.Forgotten()
				l.set.Learned()
				_ = l.set.Hang()
				runtime.Gosched()
			}
		})
	}
	next := 1
	for i := range 40 {
		log := testkit.NewLog(t, filepath.Join(dir, fmt.Sprintf("app.%d.log", i)))
		log.Next = next
		log.Lines(20)
		switch next = log.Next; i % 4 {
		case 1:
			log.Rotate(".1", false)
			log.Lines(5)
			next = log.Next
		case 2:
			want := next - 1
			testkit.Eventually(t, "all lines are read", func() bool { return l.count() >= want })
			log.CopyTruncate(".1")
		case 3:
			want := next - 1
			testkit.Eventually(t, "all lines are read", func() bool { return l.count() >= want })
			remove(t, log.Path)
		}
	}
	testkit.Eventually(t, "all lines are read", func() bool { return l.count() >= next-1 })
	close(stop)
	asks.Wait()
	l.stop()
	slices.Sort(l.got)
	testkit.CheckNumbers(t, l.got, next-1)
}

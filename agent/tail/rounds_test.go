package tail

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// inRounds runs Rounds and a Watcher until the test ends.
func inRounds(t *testing.T) (*Rounds, *Watcher, context.Context) {
	t.Helper()
	r, w := NewRounds(), NewWatcher(nil)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	wg.Go(func() { _ = w.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r, w, ctx
}

// follow follows a path in Rounds until the test ends, or stop is called.
func follow(t *testing.T, ctx context.Context, r *Rounds, cfg Config, adapt ...func(*Set)) (s *Set, ended chan error, stop func()) {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range adapt {
		f(s)
	}
	ctx, stop = context.WithCancel(ctx)
	ended = make(chan error, 2)
	closed := make(chan struct{})
	var calls atomic.Int32
	r.Follow(ctx, s, func(err error) {
		ended <- err
		if calls.Add(1) == 1 {
			_ = s.Close()
			close(closed)
		}
	})
	t.Cleanup(func() {
		stop()
		<-closed
		if n := calls.Load(); n != 1 {
			t.Errorf("ended was called %d times", n)
		}
	})
	return s, ended, stop
}

func drainNow(s *Set) (got []string) {
	for f := s.TryReady(); f != nil; f = s.TryReady() {
		for c, err := f.Next(); err == nil; c, err = f.Next() {
			for _, l := range c.Lines {
				got = append(got, string(c.Data[l.Start:l.End]))
			}
			c.Release()
		}
		f.Release()
	}
	return got
}

// TestRoundsFollowMany follows many quiet Sets: each gets the lines that come, the file that
// takes the place of its own, and has no goroutine.
func TestRoundsFollowMany(t *testing.T) {
	const many = 200
	r, w, ctx := inRounds(t)
	dir := t.TempDir()
	before := runtime.NumGoroutine()
	sets := make([]*Set, many)
	for i := range sets {
		path := filepath.Join(dir, fmt.Sprintf("%03d.log", i))
		write(t, path, "first\n")
		sets[i], _, _ = follow(t, ctx, r, Config{Path: path, Watcher: w, From: FromBeginning, Interval: 200 * time.Millisecond})
	}
	got := make([][]string, many)
	all := func(n int) func() bool {
		return func() bool {
			for i, s := range sets {
				if got[i] = append(got[i], drainNow(s)...); len(got[i]) < n {
					return false
				}
			}
			return true
		}
	}
	testkit.Eventually(t, "the first lines are read", all(1))
	for i, s := range sets {
		write(t, s.cfg.Path, "second\n")
		if i%2 == 0 {
			rename(t, s.cfg.Path, s.cfg.Path+".1")
			write(t, s.cfg.Path, "third\n")
		} else {
			write(t, s.cfg.Path, "third\n")
		}
	}
	testkit.Eventually(t, "the others are read", all(3))
	for i := range got {
		if s := strings.Join(got[i], " "); s != "first second third" {
			t.Errorf("set %d: %s", i, s)
		}
	}
	testkit.Eventually(t, "few goroutines are left", func() bool { return runtime.NumGoroutine() <= before+lookersKept+2 })
}

// TestRoundsGoOnBesideHanging has more Sets hang than looks may go on at once: another one
// is still looked at, and they are when their file system answers again.
func TestRoundsGoOnBesideHanging(t *testing.T) {
	const stuck = lookersMost + 20
	r, w, ctx := inRounds(t)
	dir := t.TempDir()
	p := newTarpit()
	sets := make([]*Set, stuck)
	for i := range sets {
		path := filepath.Join(dir, fmt.Sprintf("%03d.log", i))
		write(t, path, "first\n")
		sets[i], _, _ = follow(t, ctx, r, Config{Path: path, Watcher: w, From: FromBeginning, Interval: 20 * time.Millisecond}, func(s *Set) { s.sys.Adapt = p.adapt })
	}
	for _, s := range sets {
		p.catch(t, s.cfg.Path)
	}
	defer func() {
		p.heal()
		for _, s := range sets {
			write(t, s.cfg.Path, "later\n")
		}
		n := 0
		testkit.Eventually(t, "all are read when the file system answers", func() bool {
			for _, s := range sets {
				for _, l := range drainNow(s) {
					if l == "later" {
						n++
					}
				}
			}
			return n == stuck
		})
	}()
	testkit.Eventually(t, "all hang", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.caught >= stuck
	})
	path := filepath.Join(t.TempDir(), "well.log")
	write(t, path, "one\n")
	s, _, _ := follow(t, ctx, r, Config{Path: path, Watcher: w, From: FromBeginning, Interval: 20 * time.Millisecond})
	var got []string
	testkit.Eventually(t, "the other one is read", func() bool { got = append(got, drainNow(s)...); return len(got) == 1 })
	rename(t, path, path+".1")
	write(t, path, "two\n")
	testkit.Eventually(t, "and looked at again", func() bool { got = append(got, drainNow(s)...); return len(got) == 2 })
}

// TestRoundsEnd: the following of a Set ends once, with its context, by a panic, and for a
// Set that Rounds cannot follow.
func TestRoundsEnd(t *testing.T) {
	r, w, ctx := inRounds(t)
	path := tmp(t, "app.log")
	write(t, path, "one\n")
	_, ended, stop := follow(t, ctx, r, Config{Path: path, Watcher: w})
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	_, ended, _ = follow(t, ctx, r, Config{Path: path, Watcher: w}, func(s *Set) {
		s.sys.Adapt = func(*fsys.Stat) { panic("a fault") }
	})
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "a fault") {
		t.Errorf("a panic: %v", err)
	}
	_, ended, _ = follow(t, ctx, r, Config{Path: path})
	if err := <-ended; err == nil {
		t.Error("a Set with a Watcher of its own was followed")
	}
}

// TestRoundsDo calls what was given before Run, while it runs, and when it has ended.
func TestRoundsDo(t *testing.T) {
	r := NewRounds()
	var wg sync.WaitGroup
	called := make(chan string, 3)
	wg.Add(1)
	r.Do(func() { defer wg.Done(); called <- "before" })
	select {
	case s := <-called:
		t.Errorf("called %s Run", s)
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); _ = r.Run(ctx) }()
	if s := <-called; s != "before" {
		t.Error(s)
	}
	wg.Add(1)
	r.Do(func() { defer wg.Done(); called <- "while" })
	<-called
	cancel()
	<-ran
	wg.Add(1)
	r.Do(func() { defer wg.Done(); called <- "after" })
	<-called
	wg.Wait()
}

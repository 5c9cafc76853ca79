package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// live runs a Set with readers, as an agent does, and gathers line numbers.
type live struct {
	set  *Set
	stop func()

	log bytes.Buffer // read when all has ended

	mu  sync.Mutex
	got []int
}

func runLive(t *testing.T, cfg Config, readers int, prepare ...func(*Set)) *live {
	t.Helper()
	l := &live{}
	cfg.Log = slog.New(slog.NewTextHandler(&l.log, nil))
	set, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prepare {
		p(set)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.set = set
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := set.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	for range readers {
		wg.Go(func() { l.read(ctx) })
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		_ = set.Close()
	})
	t.Cleanup(l.stop)
	return l
}

func (l *live) read(ctx context.Context) {
	for {
		f, err := l.set.Ready(ctx)
		if err != nil {
			return
		}
		for {
			c, err := f.Next()
			if err == io.EOF {
				break
			}
			l.mu.Lock()
			for _, ln := range c.Lines {
				l.got = append(l.got, testkit.Number(c.Data[ln.Start:ln.End]))
			}
			l.mu.Unlock()
			c.Release()
		}
		f.Release()
	}
}

func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.got)
}

func (l *live) wait(t *testing.T, n int) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%d lines of %d were read; %+v", l.count(), n, l.set.Status())
			for _, f := range l.set.Files() {
				t.Logf("%+v", f)
			}
			t.Log(l.log.String())
			ents, _ := os.ReadDir(filepath.Dir(l.set.cfg.Path))
			for _, e := range ents {
				i, _ := e.Info()
				var st fsys.Stat
				p := filepath.Join(filepath.Dir(l.set.cfg.Path), e.Name())
				fsys.StatPath(p, &st)
				t.Logf("%s %x mtime %v born %v", e.Name(), st.ID.Ino, i.ModTime(), time.Unix(0, fsys.BirthPath(p)))
			}
		}
	})
	testkit.Eventually(t, "all lines are read", func() bool { return l.count() >= n })
	l.mu.Lock()
	defer l.mu.Unlock()
	testkit.CheckNumbers(t, l.got, n)
}

// TestFastRotation renames ten files of 30,000 lines as fast as they are written.
func TestFastRotation(t *testing.T) {
	for _, poll := range []bool{false, true} {
		p := tmp(t, "app.log")
		log := testkit.NewLog(t, p)
		l := runLive(t, Config{Path: p, Poll: poll}, 2)
		testkit.Eventually(t, "the file is followed", func() bool { return len(l.set.Files()) == 1 })
		begin := time.Now()
		for range 10 {
			for range 30 {
				log.Lines(1000)
			}
			log.Shift(20)
		}
		t.Logf("poll %v: ten generations in %v", poll, time.Since(begin))
		log.Lines(1000)
		l.wait(t, log.Next-1)
		l.stop()
	}
}

// TestNotified checks that lines are not left to the next scan.
func TestNotified(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineLosesChanges)
	p := tmp(t, "app.log")
	log := testkit.NewLog(t, p)
	l := runLive(t, Config{Path: p, Interval: time.Hour}, 1)
	for i := range 50 {
		log.Lines(1)
		testkit.Eventually(t, "the line is read", func() bool { return l.count() == i+1 })
	}
	log.Rotate(".1", false)
	log.Lines(1)
	l.wait(t, 51)
	if w := l.set.Status().Watching; w != "notify" {
		t.Fatalf("watching by %q", w)
	}
}

// TestNewFileNotified checks that a glob's new file is not left to the next scan.
func TestNewFileNotified(t *testing.T) {
	dir := t.TempDir()
	l := runLive(t, Config{Path: dir + "/*/x*.log", Interval: 200 * time.Millisecond}, 1)
	log := testkit.NewLog(t, dir+"/a/x1.log")
	log.Lines(10)
	l.wait(t, 10)
}

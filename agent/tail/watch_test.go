package tail

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// TestNoNotification: where the system gives no notification, files are polled,
// and that is said.
func TestNoNotification(t *testing.T) {
	p := tmp(t, "app.log")
	log := testkit.NewLog(t, p)
	w := &Watcher{dirs: map[string]*watchedDir{}, err: watchError(syscall.EMFILE)}
	l := runLive(t, Config{Path: p, Watcher: w}, 1)
	log.Lines(5)
	testkit.Eventually(t, "the file is read", func() bool { return l.count() == 5 })
	log.Shift(3)
	log.Lines(5)
	l.wait(t, 10)
	if s := l.set.Status().Watching; !strings.HasPrefix(s, "poll: ") || !strings.Contains(s, "max_user_instances") {
		t.Fatalf("watching by %q", s)
	}
}

// fakeNotifier says what a test tells it to say.
type fakeNotifier struct {
	lost chan struct{} // notifications were lost
	fail chan error    // the system no longer gives any
}

func (*fakeNotifier) Add(string) (bool, error) { return false, nil }
func (*fakeNotifier) Remove(string)            {}
func (*fakeNotifier) Close()                   {}

func (n *fakeNotifier) Run(ctx context.Context, _ func(fsys.Event), lost func()) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.lost:
			lost()
		case err := <-n.fail:
			return err
		}
	}
}

// TestNotificationLost: when notifications were lost, the Set looks for itself; when
// there are no more of them, it polls and says so.
func TestNotificationLost(t *testing.T) {
	p := tmp(t, "app.log")
	n := &fakeNotifier{lost: make(chan struct{}), fail: make(chan error)}
	w := &Watcher{log: slog.New(slog.DiscardHandler), fs: n, dirs: map[string]*watchedDir{}}
	s, err := Open(Config{Path: p, Watcher: w})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	n.lost <- struct{}{}
	testkit.Eventually(t, "a scan is asked for", s.wantsFull)
	if err := s.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.fail <- syscall.EIO
	testkit.Eventually(t, "another scan is asked for", s.wantsFull)
	if err := s.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if by := s.Status().Watching; !strings.HasPrefix(by, "poll: ") {
		t.Errorf("watching by %q", by)
	}
	cancel()
	<-ended
}

// slowNotifier waits in add and remove until its reader has handed over some events, as
// the one of Windows does while files are written to.
type slowNotifier struct{ events chan fsys.Event }

func (n *slowNotifier) wait(dir string) {
	for range 3 { // the second is taken when the first was dealt with
		n.events <- fsys.Event{Dir: dir, Name: filepath.Join(dir, "busy.log"), Op: fsnotify.Write}
	}
}

func (n *slowNotifier) Add(dir string) (bool, error) { n.wait(dir); return false, nil }
func (n *slowNotifier) Remove(dir string)            { n.wait(dir) }
func (n *slowNotifier) Close()                       {}

func (n *slowNotifier) Run(ctx context.Context, tell func(fsys.Event), _ func()) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev := <-n.events:
			tell(ev)
		}
	}
}

// TestNotifierWaitsForItsReader: a notifier whose calls return only when the events
// that wait were taken does not stop the Watcher, whichever call that is.
func TestNotifierWaitsForItsReader(t *testing.T) {
	w := &Watcher{log: slog.New(slog.DiscardHandler), fs: &slowNotifier{make(chan fsys.Event)}, dirs: map[string]*watchedDir{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var sets []*Set
	for range 3 { // that share their directories
		s, err := Open(Config{Path: filepath.Join(dirs[0], "*.log"), Watcher: w})
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, s)
	}
	var g sync.WaitGroup
	for _, s := range sets {
		g.Go(func() {
			for _, dir := range dirs {
				if err := w.add(dir, s); err != nil {
					t.Error(err)
				}
			}
			w.remove(dirs[1], s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	testkit.Eventually(t, "all calls have returned", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	cancel()
	<-ended
	if len(w.dirs) != 0 {
		t.Errorf("%d directories are watched for nobody", len(w.dirs))
	}
}

// stuckNotifier never returns from add for one directory.
type stuckNotifier struct {
	fakeNotifier
	dir     string
	stuck   chan struct{} // add waits
	release chan struct{}
}

func (n *stuckNotifier) Add(dir string) (bool, error) {
	if dir == n.dir {
		close(n.stuck)
		<-n.release
	}
	return false, nil
}

// TestWatcherOfAHangingDirectory: a call for one directory that does not return, as on a
// file system whose server is gone, leaves other Sets their notifications, and the Set
// that made it can be left.
func TestWatcherOfAHangingDirectory(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	n := &stuckNotifier{dir: there, stuck: make(chan struct{}), release: make(chan struct{})}
	w := &Watcher{log: slog.New(slog.DiscardHandler), fs: n, dirs: map[string]*watchedDir{}}
	open := func(dir string) *Set {
		s, err := Open(Config{Path: filepath.Join(dir, "a.log"), Watcher: w})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	stuck, other := open(there), open(here)
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		if err := w.add(there, stuck); err != nil {
			t.Error(err)
		}
	}()
	<-n.stuck
	if err := w.add(here, other); err != nil {
		t.Fatal(err)
	}
	other.named[here] = []string{here}
	w.dispatch(fsys.Event{Dir: here, Name: filepath.Join(here, "a.log"), Op: fsnotify.Create})
	if len(other.news) != 1 {
		t.Error("the other Set was not told")
	}
	if err := stuck.Close(); err != nil { // does not wait for the call
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	close(n.release)
	<-returned
	if len(w.dirs) != 0 {
		t.Errorf("%d directories are watched for nobody", len(w.dirs))
	}
}

// TestEventsOfABusySet: what is told while a Set is busy with files is not waited for,
// and not lost.
func TestEventsOfABusySet(t *testing.T) {
	p := tmp(t, "a.log")
	dir := filepath.Dir(p)
	s, err := Open(Config{Path: filepath.Join(dir, "*.log"), Poll: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.named[dir] = []string{dir}
	s.mu.Lock()
	for range 3 {
		s.event(fsys.Event{Dir: dir, Name: p, Op: fsnotify.Create})
	}
	if len(s.inbox.events) != 1 {
		t.Errorf("%d events wait, want them folded to one", len(s.inbox.events))
	}
	s.mu.Unlock()
	s.event(fsys.Event{Dir: dir, Name: p, Op: fsnotify.Remove}) // goes behind those that wait
	if len(s.news) != 0 || len(s.inbox.events) != 2 {
		t.Errorf("news %v, %d events wait", s.news, len(s.inbox.events))
	}
	s.openInbox()
	if len(s.news) != 1 || s.wantsFull() {
		t.Errorf("news %v, full %v", s.news, s.wantsFull())
	}
	s.mu.Lock()
	for i := range inboxMost + 1 {
		s.event(fsys.Event{Dir: dir, Name: p + strconv.Itoa(i), Op: fsnotify.Create})
	}
	s.mu.Unlock()
	s.openInbox()
	if !s.wantsFull() {
		t.Error("events were lost in silence")
	}
}

package tail

import (
	"context"
	"log/slog"
	"strings"
	"syscall"
	"testing"

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
	testkit.Eventually(t, 5e9, "the file is read", func() bool { return l.count() == 5 })
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

func (*fakeNotifier) add(string) error { return nil }
func (*fakeNotifier) remove(string)    {}
func (*fakeNotifier) close()           {}

func (n *fakeNotifier) run(ctx context.Context, _ func(event), lost func()) error {
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
	testkit.Eventually(t, 5e9, "a scan is asked for", s.wantsFull)
	if err := s.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.fail <- syscall.EIO
	testkit.Eventually(t, 5e9, "another scan is asked for", s.wantsFull)
	if err := s.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if by := s.Status().Watching; !strings.HasPrefix(by, "poll: ") {
		t.Errorf("watching by %q", by)
	}
	cancel()
	<-ended
}

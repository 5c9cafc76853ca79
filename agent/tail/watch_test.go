package tail

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/fsnotify/fsnotify"

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

// TestOverflow: when notifications were lost, the Set looks for itself.
func TestOverflow(t *testing.T) {
	p := tmp(t, "app.log")
	w := NewWatcher(nil)
	defer w.close()
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
	w.fs.Errors <- fsnotify.ErrEventOverflow
	testkit.Eventually(t, 5e9, "a scan is asked for", s.wantsFull)
	cancel()
	<-ended
}

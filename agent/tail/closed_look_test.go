package tail

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
)

// TestLookAfterClose: a look that a file system kept waiting, and that goes on when the Set was
// closed, has no directory watched for it.
func TestLookAfterClose(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "one\n")
	w := NewWatcher(slog.New(slog.DiscardHandler))
	defer w.close()
	s, err := Open(Config{Path: filepath.Join(filepath.Dir(p), "*.log"), Watcher: w})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.dirs); n > 0 {
		t.Errorf("%d directories are watched for a Set that was closed", n)
	}
}

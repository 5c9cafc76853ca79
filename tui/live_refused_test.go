package tui

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"logctl/internal/testkit"
)

// TestStreamNamesARecordItPassesOver: a record beyond the bound is one notice that names its
// partition and offset, and the records around it are read.
func TestStreamNamesARecordItPassesOver(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	produce(t, k, topic, "before", strings.Repeat("x", 64<<10), "after")
	var mu sync.Mutex
	var notices []string
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	streams := liveStreams{cfg: k.Config(), maxRecord: 8 << 10, log: slog.New(slog.DiscardHandler)}
	r, err := streams.Open(ctx, streamQuery{topic: topic, from: "oldest"}, func(n streamNotice) {
		mu.Lock()
		defer mu.Unlock()
		notices = append(notices, n.text)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	var got []string
	said := func() (about []string) {
		mu.Lock()
		defer mu.Unlock()
		for _, n := range notices {
			if strings.Contains(n, "skipped") {
				about = append(about, n)
			}
		}
		return about
	}
	for ctx.Err() == nil && (len(got) < 2 || len(said()) == 0) {
		list, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			got = append(got, string(x.value))
		}
	}
	if strings.Join(got, " ") != "before after" {
		t.Errorf("read %q", got)
	}
	if about := said(); len(about) != 1 || !strings.Contains(about[0], "offset 1 of partition 0") {
		t.Errorf("notices %q", about)
	}
}

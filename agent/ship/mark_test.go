package ship

import (
	"context"
	"fmt"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestCursorsFollowCallbacks: a cursor is behind every bundle that was called back and
// never behind one that was not.
func TestCursorsFollowCallbacks(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	r := start(t, k, func(c *Config) { c.BatchBytes = 2000 })
	for i := range 40 {
		b := r.bundle(topic, fmt.Sprintf("k%d", i%5), "one", "two", "three")
		if err := r.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the cursors are at the ends", func() bool {
		n := int64(0)
		for _, c := range r.Cursors() {
			n += c.Offset
		}
		return n == 120
	})
}

package ship

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestMarks sends records with times and headers of their own, beside some that have none,
// out of order in time and over several batches.
func TestMarks(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, func(c *Config) { c.BatchBytes = 4 << 10 })
	topic := k.Topic(t, 1)
	const n = 300
	base := time.Now().Truncate(time.Millisecond)
	b := r.bundle(topic, "a", numbered("a", 0, n)...)
	b.Time = base
	b.Sets = [][]Header{{{Key: []byte("stream"), Value: []byte("stdout")}}, {{Key: []byte("stream"), Value: []byte("stderr")}}}
	want := make([]string, n)
	for i := range b.Spans {
		at := base.UnixMilli()
		if i%3 == 0 {
			want[i] = fmt.Sprintf("%d ", at)
			continue
		}
		m := Mark{Set: uint8(i % 3)}
		if i%2 == 0 {
			m.Time = at - int64(i*1000) + int64(i%7)*5000
			at = m.Time
		}
		b.Marks = append(b.Marks, m)
		b.Spans[i].Mark = uint16(len(b.Marks))
		want[i] = fmt.Sprintf("%d %s", at, b.Sets[m.Set-1][0].Value)
	}
	r.send(b)
	r.drain()
	r.check(topic, map[string]int{"a": n})
	for i, rec := range k.Read(t, topic) {
		if got := fmt.Sprintf("%d %s", rec.Time.UnixMilli(), rec.Headers["stream"]); got != want[i] {
			t.Fatalf("record %d: %s, want %s", i, got, want[i])
		}
	}
}

// TestOldMarks has a topic refuse the times that records bring along: they get the present
// time and keep theirs in a header.
func TestOldMarks(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, uncompressed)
	topic := k.Topic(t, 1)
	var refused atomic.Int32
	judge(t, k, func(times []time.Time) refusal {
		for _, at := range times {
			if time.Since(at) > time.Minute {
				refused.Add(1)
				return refusal{invalidTimestamp, "One or more records have been rejected due to invalid timestamp", "out of range"}
			}
		}
		return refusal{}
	})
	old := time.Now().Add(-24 * time.Hour).UnixMilli()
	for round := range 3 {
		b := r.bundle(topic, "a", numbered("a", round*10, round*10+10)...)
		for i := range b.Spans {
			b.Marks = append(b.Marks, Mark{Time: old + int64(i)})
			b.Spans[i].Mark = uint16(len(b.Marks))
		}
		r.send(b)
		r.drain()
	}
	r.check(topic, map[string]int{"a": 30})
	if refused.Load() != 1 {
		t.Errorf("%d refusals, want that of the first batch only", refused.Load())
	}
	for i, rec := range k.Read(t, topic) {
		if got, want := rec.Headers[readAtKey], strconv.FormatInt(old+int64(i%10), 10); got != want {
			t.Errorf("record %d: %s %q, want %q", i, readAtKey, got, want)
		}
	}
}

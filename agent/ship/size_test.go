package ship

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// noise is text that does not compress to less than about three quarters.
func noise(n int, seed uint64) string {
	var b strings.Builder
	for b.Len() < n {
		seed = seed*6364136223846793005 + 1442695040888963407
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"[seed>>58])
	}
	return b.String()
}

func TestRecordTooLarge(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("limit known=%v", known), func(t *testing.T) {
			t.Parallel()
			k := testkit.Kafka(t, testkit.Embedded())
			if !known {
				k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			}
			r := start(t, k)
			topic := k.Topic(t, 1, "max.message.bytes", "10000")
			big, huge := noise(50_000, 1), noise(300_000, 2)
			r.send(r.bundle(topic, "a", "before", big, "between", huge, "after"))
			r.send(r.bundle(topic, "b", numbered("b", 0, 5000)...))
			r.drain()
			var got []string
			joined, labels := "", 0
			others := 0
			for _, rec := range k.Read(t, topic) {
				switch {
				case rec.Headers["path"] == "b":
					others++
				case rec.Headers["part"] == "":
					if joined != "" {
						got = append(got, joined)
					}
					joined, labels = "", 0
					got = append(got, rec.Value)
				default:
					joined += rec.Value
					labels++
					if first := strings.HasPrefix(rec.Headers["part"], "1"); labels == 1 && !first {
						t.Errorf("first part is %q", rec.Headers["part"])
					}
				}
			}
			if diff := cmp.Diff([]string{"before", big, "between", huge, "after"}, got); diff != "" {
				t.Errorf("values differ: %.300s", diff)
			}
			if others != 5000 {
				t.Errorf("%d of 5000 neighbours", others)
			}
			if r.split.Load() != 2 || r.acked.Load() != 5005 {
				t.Errorf("split %d, acked %d", r.split.Load(), r.acked.Load())
			}
		})
	}
}

func TestMaxRecord(t *testing.T) {
	t.Parallel()
	r := start(t, testkit.Kafka(t))
	topic := r.k.Topic(t, 1, "max.message.bytes", "20000")
	testkit.Eventually(t, "the limit is known", func() bool { return r.MaxRecord(topic) < 20000 })
	r.send(r.bundle(topic, "a", noise(r.MaxRecord(topic), 3)))
	r.drain()
	if r.split.Load() != 0 {
		t.Error("a record of MaxRecord bytes was split")
	}
}

func TestPartLabels(t *testing.T) {
	t.Parallel()
	data := []byte(strings.Repeat("é", 60))
	tests := []struct {
		name string
		span Span
		cuts []int // sizes for splitHead, each applied before the next part is sent; 0: none
		want []string
	}{
		{"whole line", Span{}, []int{40}, []string{"1/3", "2/3", "3/3"}},
		{"finer before the first was sent", Span{}, []int{40, -1, 20}, []string{"1/6", "2/6", "3/6", "4/6", "5/6", "6/6"}},
		{"second part again", Span{}, []int{60, 0, 15}, []string{"1/2", "2.1/2", "2.2/2", "2.3/2", "2.4/2", "2.5/2"}},
		{"part of the reader", Span{Part: 2}, []int{60}, []string{"2.1/?", "2.2/?"}},
		{"last part of the reader", Span{Part: 3, Last: true}, []int{60}, []string{"3.1/3", "3.2/3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.span.End = uint32(len(data))
			e := &entry{b: &Bundle{Data: data, Spans: []Span{tt.span}}}
			var got []string
			joined := ""
			cuts := tt.cuts
			for {
				if len(cuts) > 0 && cuts[0] == -1 {
					cuts = cuts[1:]
				}
				if len(cuts) > 0 {
					if cuts[0] > 0 && !e.splitHead(cuts[0]) {
						t.Fatal("nothing became smaller")
					}
					cuts = cuts[1:]
					if len(cuts) > 0 && cuts[0] == -1 {
						continue
					}
				}
				lo, hi := e.headRange()
				got = append(got, e.headLabel())
				joined += string(data[lo:hi])
				if e.partDone() {
					break
				}
				if len(cuts) > 0 && cuts[0] == 0 {
					cuts = cuts[1:]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if joined != string(data) {
				t.Errorf("joined %q", joined)
			}
		})
	}
}

func TestReaderParts(t *testing.T) {
	t.Parallel()
	r := start(t, testkit.Kafka(t))
	topic := r.k.Topic(t, 1)
	b := r.bundle(topic, "a", "one", "two", "three", "whole", "")
	b.Spans[0].Part, b.Spans[1].Part, b.Spans[2].Part, b.Spans[2].Last = 1, 2, 3, true
	r.send(b)
	r.drain()
	var got []string
	for _, rec := range r.k.Read(t, topic) {
		got = append(got, rec.Value+" "+rec.Headers["part"]+" "+rec.Headers["pos"]+" "+rec.Headers["host"])
	}
	want := []string{"one 1/? 0 h1", "two 2/? 4 h1", "three 3/3 8 h1", "whole  14 h1", "  20 h1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLimitIsLearned sends to a topic with a small limit that may not be asked about: a
// batch is refused now and then, not over and over.
func TestLimitIsLearned(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	r := start(t, k, func(c *Config) { c.Compression = "none" })
	r.Producer.mu.Lock()
	r.tune.limits = time.Minute
	r.Producer.mu.Unlock()
	topic := k.Topic(t, 1, "max.message.bytes", "100000")
	line := noise(1000, 3)
	for range 20 {
		r.send(r.bundle(topic, "a", slices.Repeat([]string{line}, 250)...))
	}
	r.drain()
	stats := r.Producer.Stats()
	t.Logf("%d batches, %d refused", stats.Batches, stats.Splits)
	if stats.Splits > 10 {
		t.Errorf("%d batches were refused beside %d", stats.Splits, stats.Batches)
	}
}

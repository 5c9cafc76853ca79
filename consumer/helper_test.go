package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"logctl/internal/testkit"
)

// client returns a producer to the test's cluster that sends every record to the
// partition it names.
func client(t testing.TB, k *testkit.KafkaServer, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(k.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(1 << 20),
	}, opts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatalf("producer: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// write produces the records and waits for all of them.
func write(t testing.TB, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// numbered makes n records "0", "1", ... of a partition, a millisecond apart.
func numbered(topic string, partition int32, n int) []*kgo.Record {
	base := time.UnixMilli(1_700_000_000_000)
	out := make([]*kgo.Record, n)
	for i := range out {
		out[i] = &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "%d", i),
			Timestamp: base.Add(time.Duration(i) * time.Millisecond)}
	}
	return out
}

// config reads the topics from oldest to their ends.
func config(k *testkit.KafkaServer, topics ...string) Config {
	return Config{Kafka: k.Config(), Topics: topics, From: Oldest(), Linger: -1}
}

// open opens a reader that is closed with the test.
func open(t testing.TB, cfg Config) *Reader {
	t.Helper()
	r, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// all reads to the end.
func all(t testing.TB, r *Reader) []Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	var out []Record
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("after %d records: %v", len(out), err)
		}
		if len(batch) == 0 || len(batch) > MaxBatch {
			t.Fatalf("a batch of %d records", len(batch))
		}
		for i := range batch {
			out = append(out, batch[i].Clone())
		}
	}
}

// take reads exactly n records.
func take(t testing.TB, r *Reader, n int) []Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	var out []Record
	for len(out) < n {
		batch, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d records: %v", len(out), n, err)
		}
		for i := range batch {
			out = append(out, batch[i].Clone())
		}
	}
	if len(out) != n {
		t.Fatalf("got %d records, want %d", len(out), n)
	}
	return out
}

// values returns the values of the records of a partition, or of all with -1.
func values(records []Record, partition int32) []string {
	var out []string
	for i := range records {
		if partition < 0 || records[i].Partition == partition {
			out = append(out, string(records[i].Value))
		}
	}
	return out
}

// ordered fails when the offsets of a partition do not rise.
func ordered(t testing.TB, records []Record) {
	t.Helper()
	last := map[topicPartition]int64{}
	for i := range records {
		tp := topicPartition{records[i].Topic, records[i].Partition}
		if before, ok := last[tp]; ok && records[i].Offset <= before {
			t.Fatalf("%v: offset %d after %d", tp, records[i].Offset, before)
		}
		last[tp] = records[i].Offset
	}
}

// notices collects what a reader says.
type notices struct {
	mu   sync.Mutex
	list []Notice
}

func (n *notices) add(x Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, x)
}

func (n *notices) count(kind NoticeKind) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := 0
	for _, x := range n.list {
		if x.Kind == kind {
			c++
		}
	}
	return c
}

func (n *notices) all() []Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

package consumer

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"logctl/internal/testkit"
)

// transact writes records in one transaction and commits or aborts it.
func transact(t testing.TB, k *testkit.KafkaServer, id string, commit kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	cl := client(t, k, kgo.TransactionalID(id))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(t, cl, records...)
	if err := cl.EndTransaction(ctx, commit); err != nil {
		t.Fatalf("end transaction: %v", err)
	}
	cl.Close()
}

func text(topic string, partition int32, values ...string) []*kgo.Record {
	out := make([]*kgo.Record, len(values))
	for i, v := range values {
		out[i] = &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v), Key: []byte("k")}
	}
	return out
}

func TestTransactions(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, text(topic, 0, "plain")...)
	transact(t, k, topic+"-a", kgo.TryCommit, text(topic, 0, "c1", "c2")...)
	transact(t, k, topic+"-b", kgo.TryAbort, text(topic, 0, "a1", "a2")...)
	transact(t, k, topic+"-a", kgo.TryCommit, append(text(topic, 0, "c3"), text(topic, 1, "c4")...)...)
	transact(t, k, topic+"-b", kgo.TryAbort, append(text(topic, 0, "a3"), text(topic, 1, "a4")...)...)

	for _, tc := range []struct {
		isolation Isolation
		want0     []string
		want1     []string
	}{
		{ReadCommitted, []string{"plain", "c1", "c2", "c3"}, []string{"c4"}},
		{ReadUncommitted, []string{"plain", "c1", "c2", "a1", "a2", "c3", "a3"}, []string{"c4", "a4"}},
	} {
		cfg := config(k, topic)
		cfg.Isolation = tc.isolation
		var r *Reader
		var got []Record
		testkit.Soon(t, 3*time.Second, "reading to the end", func() time.Duration {
			r = open(t, cfg)
			return testkit.Took(func() { got = all(t, r) })
		})
		if diff := cmp.Diff(tc.want0, values(got, 0)); diff != "" {
			t.Errorf("isolation %d, partition 0 (-want +got):\n%s", tc.isolation, diff)
		}
		if diff := cmp.Diff(tc.want1, values(got, 1)); diff != "" {
			t.Errorf("isolation %d, partition 1 (-want +got):\n%s", tc.isolation, diff)
		}
		for _, s := range r.Partitions() {
			if s.Next != s.StopAt || !s.Done || s.Err != nil {
				t.Errorf("isolation %d: partition %d ends at %d of %d: %+v", tc.isolation, s.Partition, s.Next, s.StopAt, s)
			}
		}
	}
	t.Run("last", func(t *testing.T) { // markers and aborted records take offsets: more must be looked at
		r, err := OpenLast(t.Context(), config(k, topic), 3)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		if diff := cmp.Diff([]string{"c2", "c3", "c4"}, values(all(t, r), -1)); diff != "" {
			t.Errorf("last three (-want +got):\n%s", diff)
		}
	})
}

// An open transaction ends a committed read at its first record, and a following one
// waits there for the commit.
func TestOpenTransaction(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	write(t, client(t, k), text(topic, 0, "before")...)
	cl := client(t, k, kgo.TransactionalID(topic))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(t, cl, text(topic, 0, "pending")...)
	write(t, client(t, k), text(topic, 0, "behind")...)

	if diff := cmp.Diff([]string{"before"}, values(all(t, open(t, config(k, topic))), 0)); diff != "" {
		t.Errorf("committed (-want +got):\n%s", diff)
	}
	cfg := config(k, topic)
	cfg.Isolation = ReadUncommitted
	if diff := cmp.Diff([]string{"before", "pending", "behind"}, values(all(t, open(t, cfg)), 0)); diff != "" {
		t.Errorf("uncommitted (-want +got):\n%s", diff)
	}
	cfg = config(k, topic)
	cfg.Follow = true
	r := open(t, cfg)
	take(t, r, 1)
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"pending", "behind"}, values(take(t, r, 2), 0)); diff != "" {
		t.Errorf("following (-want +got):\n%s", diff)
	}
}

func TestCompactedTopic(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1, "cleanup.policy", "compact", "segment.ms", "100", "min.cleanable.dirty.ratio", "0.001",
		"max.compaction.lag.ms", "100", "min.compaction.lag.ms", "0", "delete.retention.ms", "0")
	cl := client(t, k)
	for i := range 60 {
		write(t, cl, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "%d", i%3), Value: fmt.Appendf(nil, "%d", i)})
	}
	transact(t, k, topic, kgo.TryAbort, text(topic, 0, "gone")...)
	testkit.Eventually(t, "the topic is compacted", func() bool {
		if c := k.Cluster(); c != nil {
			c.Compact()
		} else { // the active segment is never compacted: roll it
			write(t, cl, &kgo.Record{Topic: topic, Key: []byte("0"), Value: []byte("roll")})
		}
		return len(all(t, open(t, config(k, topic)))) < 40
	})
	var r *Reader
	var got []Record
	testkit.Soon(t, 3*time.Second, "reading to the end", func() time.Duration {
		return testkit.Took(func() {
			r = open(t, config(k, topic))
			got = all(t, r)
		})
	})
	ordered(t, got)
	for _, want := range []string{"58", "59"} {
		if !slices.Contains(values(got, 0), want) {
			t.Errorf("the latest record of a key, %s, is not among %q", want, values(got, 0))
		}
	}
	if s := r.Partitions()[0]; s.Next != s.StopAt {
		t.Errorf("ended at %d of %d", s.Next, s.StopAt)
	}
}

// Two readers over a topic that is written all the time see exactly what was there
// when they were opened.
func TestTopicBeingWritten(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 4)
	cl := client(t, k)
	for p := range int32(4) { // a topic just made has leaders once it takes records
		write(t, cl, &kgo.Record{Topic: topic, Partition: p, Value: []byte("x")})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			cl.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(n % 4), Value: []byte("x")}, nil)
			if n%100 == 99 {
				_ = cl.Flush(ctx)
			}
		}
		done <- n
	}()
	for range 5 {
		r := open(t, config(k, topic))
		var want int64
		for _, s := range r.Partitions() {
			want += s.StopAt - s.Start
		}
		if got := all(t, r); int64(len(got)) != want {
			t.Errorf("%d records, want the %d that were there when the reader was opened", len(got), want)
		}
	}
	cancel()
	if n := <-done; n == 0 {
		t.Error("nothing was written meanwhile")
	}
}

func TestManyPartitions(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 200)
	cl := client(t, k)
	var records []*kgo.Record
	for p := range int32(200) {
		if p%3 != 0 {
			records = append(records, numbered(topic, p, 20)...)
		}
	}
	write(t, cl, records...)
	for _, sorted := range []bool{false, true} {
		cfg := config(k, topic)
		cfg.Sort = sorted
		got := all(t, open(t, cfg))
		ordered(t, got)
		if len(got) != len(records) {
			t.Errorf("sorted %v: %d records, want %d", sorted, len(got), len(records))
		}
		if sorted && !slices.IsSortedFunc(got, func(a, b Record) int { return a.Time.Compare(b.Time) }) {
			t.Error("the records are not in the order of their times")
		}
	}
}

func TestHugeRecords(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2, "max.message.bytes", "20000000")
	huge := make([]byte, 5<<20)
	for i := range huge {
		huge[i] = byte(i * 7)
	}
	cl := client(t, k, kgo.ProducerBatchMaxBytes(20<<20))
	for p := range int32(2) {
		for range 3 {
			write(t, cl, &kgo.Record{Topic: topic, Partition: p, Value: huge})
			write(t, cl, &kgo.Record{Topic: topic, Partition: p, Value: []byte("small")})
		}
	}
	for _, sorted := range []bool{false, true} {
		cfg := config(k, topic)
		cfg.Sort, cfg.Buffer = sorted, 1<<20
		got := all(t, open(t, cfg))
		if len(got) != 12 {
			t.Fatalf("sorted %v: %d records, want 12", sorted, len(got))
		}
		for i := range got {
			if len(got[i].Value) > 10 && !slices.Equal(got[i].Value, huge) {
				t.Errorf("sorted %v: record %d differs", sorted, i)
			}
		}
	}
}

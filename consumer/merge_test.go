package consumer

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"logctl/internal/testkit"
)

// A record that waits for its turn in a merge is not delivered: whoever goes on at
// Next must not lose it.
func TestMergeCountsWhatItDelivered(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 2500)...)
	later := numbered(topic, 1, 10)
	for _, rec := range later {
		rec.Timestamp = rec.Timestamp.Add(time.Hour)
	}
	write(t, cl, later...)
	cfg := config(k, topic)
	cfg.Sort = true
	r := open(t, cfg)
	for i := range 3 {
		n := len(take(t, r, min(MaxBatch, 2510-i*MaxBatch)))
		stats := r.Partitions()
		first, second := int64(i*MaxBatch+n), int64(0)
		if i == 2 {
			first, second = 2500, 10
		}
		if stats[0].Next != first || stats[1].Next != second || stats[0].Records != uint64(first) || stats[1].Records != uint64(second) {
			t.Errorf("batch %d: next %d and %d, records %d and %d; want %d and %d",
				i, stats[0].Next, stats[1].Next, stats[0].Records, stats[1].Records, first, second)
		}
	}
}

// What a merge has delivered out of a chunk it gives back before the chunk is through:
// a megabyte may be a hundred when unpacked.
func TestMergeKeepsLittleUnpacked(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	for i := range 400 {
		write(t, cl, &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: []byte(strings.Repeat(fmt.Sprint(i), 1000))})
	}
	cfg := config(k, topic)
	cfg.Sort, cfg.Reuse = true, true
	r := open(t, cfg)
	take(t, r, 400)
	most := 0
	for _, h := range r.merge.runs {
		for _, c := range append(r.spent, h.chunk) {
			if c != nil {
				most = max(most, len(c.kept))
			}
		}
	}
	if most > mergeRun {
		t.Errorf("%d unpacked batches are kept for %d records", most, mergeRun)
	}
}

// While its broker is not reached, a follower does not wait for a partition longer
// than the window, though it had more.
func TestMergeDoesNotWaitForALostBroker(t *testing.T) {
	cfg := Config{Follow: true, Sort: true}
	cfg.setDefaults()
	r := &Reader{cfg: cfg, ready: make(chan struct{}, 1), parts: map[topicPartition]*partition{}}
	lost := newPartition(topicPartition{"t", 0}, 1)
	lost.phase, lost.next, lost.newest = reading, 5, 10
	r.order, r.open = []*partition{lost}, 1
	r.merge = newMerger(r)
	if blocked, _, _ := r.merge.refill(); !blocked {
		t.Error("a partition that has more is not waited for")
	}
	r.cutOff(1, io.EOF)
	if blocked, quiet, ended := r.merge.refill(); blocked || !quiet || ended {
		t.Errorf("blocked %v, quiet %v, ended %v; want quiet only", blocked, quiet, ended)
	}
	select {
	case <-r.ready:
	default:
		t.Error("Next is not woken")
	}
}

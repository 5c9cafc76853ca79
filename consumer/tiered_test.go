package consumer

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// On a real broker whose remote storage is slower at first than the broker waits, reads
// with an end are complete. `.ci/tiered/run` starts such a broker.
func TestTieredStorage(t *testing.T) {
	addr := os.Getenv("LOGCTL_TEST_TIERED")
	if addr == "" {
		t.Skip("LOGCTL_TEST_TIERED names no broker with tiered storage")
	}
	t.Setenv(testkit.KafkaEnv, addr)
	k := testkit.Kafka(t)
	topic := k.TopicName(t)
	admin := kafka.NewAdmin(k.Config())
	defer func() { _ = admin.Close() }()
	testkit.Eventually(t, "the topic is made", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := admin.CreateTopic(ctx, topic, 1, 1, map[string]string{"remote.storage.enable": "true", "segment.bytes": "1048576",
			"local.retention.bytes": "1", "retention.ms": "-1"})
		return err == nil || errors.Is(err, kafka.ErrTopicExists)
	})
	const n = 60_000
	cl := client(t, k)
	records := numbered(topic, 0, n)
	for _, r := range records {
		r.Value = append(r.Value, make([]byte, 80)...)
	}
	testkit.Eventually(t, "the leader takes records", func() bool {
		return cl.ProduceSync(t.Context(), records[0]).FirstErr() == nil
	})
	write(t, cl, records[1:]...)
	var local int64
	testkit.Eventually(t, "segments are remote only", func() bool {
		cfg := config(k, topic)
		cfg.From, _ = ParseFrom("oldest-local")
		r, err := prepare(t.Context(), cfg)
		if err != nil {
			return false
		}
		defer r.cluster.close()
		local = r.order[0].start
		return local > n/2
	})
	read := func(r *Reader) (count int) {
		defer func() { _ = r.Close() }()
		for {
			batch, err := r.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return count
			}
			if err != nil {
				t.Errorf("after %d records: %v", count, err)
				return count
			}
			count += len(batch)
		}
	}
	began := time.Now()
	if got := read(open(t, config(k, topic))); got != n {
		t.Errorf("all: %d of %d records", got, n)
	}
	t.Logf("local from %d; all %d records in %v", local, n, time.Since(began).Round(time.Millisecond))
	cfg := config(k, topic)
	cfg.From, _ = ParseFrom("10")
	cfg.To, _ = ParseTo("20")
	if got := read(open(t, cfg)); got != 10 {
		t.Errorf("10 to 20: %d records", got)
	}
}

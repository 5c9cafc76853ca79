package testkit

import (
	"context"
	"testing"
	"time"

	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// Record is a record as a test reads it.
type Record struct {
	Partition int32
	Offset    int64
	Time      time.Time
	Value     string
	Headers   map[string]string
}

// Read returns all records that are in a topic now, by partition and offset.
func (k *KafkaServer) Read(t testing.TB, topic string) []Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	admin := kafka.NewAdmin(k.Config())
	ends, err := admin.Offsets(ctx, topic)
	if err != nil {
		t.Fatalf("read topic %s: %v", topic, err)
	}
	if err := admin.Close(); err != nil {
		t.Errorf("close admin: %v", err)
	}
	conf, err := k.Config().Sarama()
	if err != nil {
		t.Fatalf("read topic %s: %v", topic, err)
	}
	conf.Consumer.Return.Errors = false
	conf.Consumer.MaxWaitTime = 20 * time.Millisecond // closing waits for a fetch to end
	consumer, err := sarama.NewConsumer(k.addrs, conf)
	if err != nil {
		t.Fatalf("read topic %s: %v", topic, err)
	}
	var out []Record
	for _, part := range ends[topic] {
		if part.Err != nil {
			t.Fatalf("read topic %s partition %d: %v", topic, part.ID, part.Err)
		}
		if part.Newest == part.Oldest {
			continue
		}
		pc, err := consumer.ConsumePartition(topic, part.ID, part.Oldest)
		if err != nil {
			t.Fatalf("read topic %s partition %d: %v", topic, part.ID, err)
		}
		for next := part.Oldest; next < part.Newest; {
			select {
			case m := <-pc.Messages():
				r := Record{Partition: m.Partition, Offset: m.Offset, Time: m.Timestamp, Value: string(m.Value), Headers: map[string]string{}}
				for _, h := range m.Headers {
					r.Headers[string(h.Key)] = string(h.Value)
				}
				out = append(out, r)
				next = m.Offset + 1
			case <-ctx.Done():
				t.Fatalf("read topic %s partition %d: stuck at offset %d of %d", topic, part.ID, next, part.Newest)
			}
		}
		if err := pc.Close(); err != nil {
			t.Errorf("close partition consumer: %v", err)
		}
	}
	if err := consumer.Close(); err != nil {
		t.Errorf("close consumer: %v", err)
	}
	return out
}

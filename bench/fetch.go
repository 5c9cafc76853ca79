package main

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// record is what a reader hands out.
type record struct {
	value    []byte
	appended time.Time // by the broker's clock, in whole milliseconds
}

// reader fetches all partitions of a topic in one loop over one connection, with nothing
// between the broker's answer and the caller: what it measures is the shipper, not the
// reader.
type reader struct {
	broker *sarama.Broker
	topic  string
	next   []int64 // by partition
	wait   time.Duration
}

// read opens a reader at the topic's beginning, on a connection of its own.
func (l *lab) read(topic string, wait time.Duration) (*reader, error) {
	partitions, err := l.client.Partitions(topic)
	if err != nil {
		return nil, err
	}
	leader, err := l.client.Leader(topic, 0)
	if err != nil {
		return nil, err
	}
	broker := sarama.NewBroker(leader.Addr())
	if err := broker.Open(l.client.Config()); err != nil {
		return nil, err
	}
	return &reader{broker: broker, topic: topic, next: make([]int64, len(partitions)), wait: wait}, nil
}

func (r *reader) close() { _ = r.broker.Close() }

// fetch waits for the next records, r.wait at most, and hands them to take.
func (r *reader) fetch(ctx context.Context, take func(record)) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ask := &sarama.FetchRequest{Version: 11, MaxWaitTime: int32(r.wait.Milliseconds()), MinBytes: 1, MaxBytes: 16 << 20}
	for p, offset := range r.next {
		ask.AddBlock(r.topic, int32(p), offset, 4<<20, -1)
	}
	answer, err := r.broker.Fetch(ask)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", r.topic, err)
	}
	for p := range r.next {
		block := answer.GetBlock(r.topic, int32(p))
		if block == nil {
			continue
		}
		if block.Err != sarama.ErrNoError {
			return fmt.Errorf("fetch %s/%d: %w", r.topic, p, block.Err)
		}
		for _, set := range block.RecordsSet {
			if set.RecordBatch == nil {
				continue
			}
			r.take(p, set.RecordBatch, take)
		}
	}
	return nil
}

func (r *reader) take(p int, batch *sarama.RecordBatch, take func(record)) {
	for _, rec := range batch.Records {
		offset := batch.FirstOffset + rec.OffsetDelta
		if offset < r.next[p] {
			continue
		}
		r.next[p] = offset + 1
		take(record{value: rec.Value, appended: batch.MaxTimestamp})
	}
}

// readAll hands all records that the topic holds now to take.
func (l *lab) readAll(ctx context.Context, topic string, take func(record)) error {
	want, err := l.ends(topic)
	if err != nil {
		return err
	}
	r, err := l.read(topic, 100*time.Millisecond)
	if err != nil {
		return err
	}
	defer r.close()
	for got := int64(0); got < want; {
		if err := r.fetch(ctx, func(rec record) { got++; take(rec) }); err != nil {
			return err
		}
	}
	return nil
}

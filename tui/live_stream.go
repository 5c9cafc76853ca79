package tui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"logctl/consumer"
	"logctl/internal/kafka"
)

const (
	streamLinger = 50 * time.Millisecond
	nextLimit    = time.Second // between two looks at the partitions of a quiet topic
)

// liveStreams reads topics of a cluster.
type liveStreams struct {
	cfg                  kafka.Config
	maxRecord, maxMemory int64 // bytes; see consumer.Config
	log                  *slog.Logger
}

func (l liveStreams) CheckFrom(from string) error {
	_, err := consumer.ParseFrom(from)
	return err
}

func (l liveStreams) CheckPartitions(list string) error {
	_, err := consumer.ParsePartitions(list)
	return err
}

func (l liveStreams) Open(ctx context.Context, q streamQuery, onNotice func(streamNotice)) (streamReader, error) {
	from, err := consumer.ParseFrom(q.from)
	if err != nil {
		return nil, err
	}
	parts, err := consumer.ParsePartitions(q.partitions)
	if err != nil {
		return nil, err
	}
	r, err := consumer.Open(ctx, consumer.Config{
		Kafka: l.cfg, Topics: []string{q.topic}, From: from, Partitions: parts, Follow: true,
		Isolation: consumer.ReadUncommitted, Linger: streamLinger, Log: l.log, MaxRecord: l.maxRecord, MaxMemory: l.maxMemory,
		Notify: func(n consumer.Notice) { onNotice(noticeOf(n)) },
	})
	if err != nil {
		return nil, errors.New(kafka.Explain(err))
	}
	return &liveReader{r: r, arrived: map[int32]time.Time{}, seen: map[int32]uint64{}}, nil
}

func noticeOf(n consumer.Notice) streamNotice {
	out := streamNotice{text: n.Text, trouble: true}
	switch n.Kind {
	case consumer.BrokerLost, consumer.PartitionError:
		out.lost = true
	case consumer.BrokerBack, consumer.PartitionBack:
		out.trouble, out.back = false, true
	case consumer.TransactionEnded:
		out.trouble = false
	case consumer.PartitionAdded:
		out.trouble = false
	}
	if n.Partition >= 0 {
		out.text = fmt.Sprintf("partition %d: %s", n.Partition, n.Text)
	}
	return out
}

// liveReader turns the consumer's records into the ring's.
type liveReader struct {
	r       *consumer.Reader
	arrived map[int32]time.Time // of the last record of each partition
	seen    map[int32]uint64
}

// Next returns nothing when nothing came for a second.
func (l *liveReader) Next(ctx context.Context) ([]*rec, error) {
	sub, cancel := context.WithTimeout(ctx, nextLimit)
	defer cancel()
	list, err := l.r.Next(sub)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, nil
		}
		return nil, err
	}
	now := time.Now()
	store := make([]rec, len(list))
	out := make([]*rec, len(list))
	for i := range list {
		x := &list[i]
		store[i] = rec{
			topic: x.Topic, partition: x.Partition, offset: x.Offset, logAppend: x.TimeType == consumer.LogAppendTime,
			arrived: now, key: x.Key, value: x.Value,
		}
		if x.TimeType != consumer.NoTime {
			store[i].time = x.Time
		}
		if len(x.Headers) > 0 {
			store[i].headers = make([]recHeader, len(x.Headers))
			for k, h := range x.Headers {
				store[i].headers[k] = recHeader{h.Key, h.Value}
			}
		}
		out[i] = &store[i]
	}
	return out, nil
}

func (l *liveReader) Partitions() []partStat {
	now := time.Now()
	list := l.r.Partitions()
	out := make([]partStat, 0, len(list))
	for _, p := range list {
		if p.Records != l.seen[p.Partition] || l.arrived[p.Partition].IsZero() {
			l.seen[p.Partition], l.arrived[p.Partition] = p.Records, now
		}
		s := partStat{id: p.Partition, next: p.Next, end: p.End, records: p.Records, lastAt: l.arrived[p.Partition]}
		if p.Err != nil {
			s.err = kafka.Explain(p.Err)
		}
		out = append(out, s)
	}
	return out
}

func (l *liveReader) Close() error { return l.r.Close() }

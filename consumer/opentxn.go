package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// openFor is how long a transaction must keep records from a follower before that is
// told: most end within a fraction of a second.
const openFor = 3 * time.Second

// openTransaction is what is known of the transaction in front of which a committed
// read of a partition waits.
type openTransaction struct {
	stable, high int64     // first offset of the transaction, end of the log; equal: there is none
	seen         time.Time // when stable was heard first
	told         bool
}

// count is how many offsets wait.
func (o *openTransaction) count() int64 { return o.high - o.stable }

// stable notes how far a partition is readable and how far it reaches. The caller holds
// r.mu.
func (r *Reader) stable(p *partition, stable, high int64) (say sayings) {
	o := &p.open
	if stable != o.stable {
		if o.told {
			say.about(TransactionEnded, p, ": the open transaction has ended", ": the open transactions have ended")
		}
		*o = openTransaction{stable: stable, seen: time.Now()}
	}
	if o.high = high; o.count() > 0 && !o.told && (r.endsBefore(p) || time.Since(o.seen) >= openFor) {
		r.lookSoon()
	}
	return say
}

// endsBefore reports whether the read of a partition ends in front of an open
// transaction. The caller holds r.mu.
func (r *Reader) endsBefore(p *partition) bool {
	return r.cfg.Isolation == ReadCommitted && r.bounded(p) && p.end >= p.open.stable
}

// tellOpen tells of the transactions that keep records back: at once where the read
// ends in front of one, else when it was open for a while.
func (r *Reader) tellOpen(ctx context.Context) error {
	type held struct {
		p      *partition
		leader int32
		stable int64
		since  time.Time
	}
	var list []held
	r.mu.Lock()
	for _, p := range r.order {
		o := &p.open
		if o.count() <= 0 || o.told || p.phase == gaveUp || p.end < o.stable {
			continue
		}
		if p.next >= o.stable && p.end > o.stable && time.Since(o.seen) >= openFor || r.endsBefore(p) {
			o.told = true
			list = append(list, held{p: p, leader: p.leader, stable: o.stable})
		}
	}
	r.mu.Unlock()
	for i := range list {
		h := &list[i]
		var err error
		if h.since, err = r.cluster.timeOf(ctx, h.leader, h.p.topicPartition, h.stable); ctx.Err() != nil {
			return context.Cause(ctx)
		} else if err != nil {
			r.cfg.Log.Debug("time of an open transaction", "topic", h.p.topic, "partition", h.p.id, "err", err)
		}
	}
	r.locked(func() (say sayings) {
		for _, h := range list {
			n := h.p.open.count()
			if h.p.open.stable != h.stable || n <= 0 {
				continue // it has ended meanwhile
			}
			open := "an open transaction"
			if !h.since.IsZero() {
				open = "a transaction open since " + sinceText(h.since, time.Now())
			}
			records := fmt.Sprintf("up to %d records", n)
			if n == 1 {
				records = "1 record"
			}
			text := fmt.Sprintf("%s of partition %d of %s from offset %d on wait for %s (--isolation read_uncommitted shows them)",
				records, h.p.id, h.p.topic, h.stable, open)
			if r.cfg.Isolation == ReadUncommitted {
				text = fmt.Sprintf("%s of partition %d of %s from offset %d on are of %s or behind it: readers of committed records wait for them",
					records, h.p.id, h.p.topic, h.stable, open)
			}
			say.add(Notice{Kind: OpenTransaction, Topic: h.p.topic, Partition: h.p.id, Text: text})
		}
		return say
	})
	return nil
}

// sinceText is a time as people say it: without the date when it is of today.
func sinceText(at, now time.Time) string {
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format("2006-01-02 15:04:05")
}

// timeOf returns the time of the batch at an offset, committed or not.
func (c *cluster) timeOf(ctx context.Context, leader int32, tp topicPartition, offset int64) (time.Time, error) {
	addr, ok := c.brokers[leader]
	if !ok {
		return time.Time{}, errNoLeader
	}
	var resp *sarama.FetchResponse
	err := c.call(ctx, addr, func(b *sarama.Broker) (err error) {
		req := &sarama.FetchRequest{Version: fetchVersion, MinBytes: 1, MaxBytes: 1, Isolation: sarama.ReadUncommitted}
		req.AddBlock(tp.topic, tp.id, offset, 1, -1) // of one byte: the first batch comes whole
		resp, err = b.Fetch(req)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	block := resp.GetBlock(tp.topic, tp.id)
	switch {
	case block == nil:
		return time.Time{}, errors.New("the broker's answer lacks the partition")
	case block.Err != sarama.ErrNoError:
		return time.Time{}, block.Err
	}
	for _, set := range block.RecordsSet {
		if b := set.RecordBatch; b != nil && b.LastOffset() >= offset && b.FirstTimestamp.UnixMilli() > 0 {
			return b.FirstTimestamp, nil
		}
	}
	return time.Time{}, errors.New("the broker sent no batch of it")
}

package lookback

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/positions"
	"logctl/internal/kafka"
)

const (
	readers    = 3       // partitions that are read at the same time
	fetchBytes = 1 << 20 // of one answer: the memory of a reader is some twenty times that
	fetchWait  = 200 * time.Millisecond
)

// lookBack reads what the last life had stored in each topic and lets its tasks go on.
func (l *Life) lookBack(ctx context.Context, id kafka.Identity, fenced marks) {
	byTopic := map[string][]positions.Cursor{}
	for _, c := range l.last.Cursors {
		byTopic[c.Topic] = append(byTopic[c.Topic], c)
	}
	slots := make(chan struct{}, readers)
	var wg sync.WaitGroup
	defer wg.Wait()
	for topic, cursors := range byTopic {
		wg.Go(func() {
			l.lookBackAt(ctx, id, topic, cursors, fenced, slots)
			if ctx.Err() == nil { // else the next life has to look again
				l.over(topic)
			}
		})
	}
}

// lookBackAt is lookBack of one topic.
func (l *Life) lookBackAt(ctx context.Context, id kafka.Identity, topic string, cursors []positions.Cursor, fenced marks, slots chan struct{}) {
	begun := time.Now()
	var mu sync.Mutex
	total := found{all: l.cfg.Unordered, files: map[string]*foundFile{}}
	var failed error
	var wg sync.WaitGroup
	for _, c := range cursors {
		wg.Go(func() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			defer func() { <-slots }()
			got := found{all: l.cfg.Unordered, files: map[string]*foundFile{}}
			r := reader{life: l, id: id, cursor: c, marked: fenced[place{topic, c.Partition}], found: &got}
			err := r.read(ctx)
			mu.Lock()
			defer mu.Unlock()
			total.merge(&got)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("partition %d: %w", c.Partition, err))
			}
		})
	}
	wg.Wait()
	files := total.stored()
	if err := l.cfg.Registry.SaveStored(topic, files); err != nil {
		l.log.Warn("what was found in a topic cannot be saved; a crash now may send lines again", "topic", topic, "error", err)
	}
	if ctx.Err() != nil {
		return // the agent ends
	}
	if failed != nil {
		l.log.Warn("it is not known for certain what the last run had stored in a topic; some lines may be sent again",
			"topic", topic, "reason", kafka.Explain(failed))
		return
	}
	l.log.Info("looked back at what the last run had stored", "topic", topic, "partitions", len(cursors),
		"records", total.records, "files", len(files), "bytes", total.bytes, "took", time.Since(begun).Round(time.Millisecond))
}

// reader reads one partition.
type reader struct {
	life   *Life
	id     kafka.Identity
	cursor positions.Cursor
	marked bool // it holds, or is about to hold, our marker
	found  *found

	next int64     // offset
	end  int64     // without a marker: where it ends
	own  time.Time // when a batch of ours was met last, or reading began
}

// errMoved asks for the partition's leader anew.
var errMoved = errors.New("leader moved")

// read reads the partition from its cursor to its end, with new leaders as they come. It
// gives up when nothing moved for long though brokers answer.
func (r *reader) read(ctx context.Context) error {
	var since time.Time
	at := int64(-1)
	for known := false; ; {
		err := r.readFrom(ctx, &known)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, errGone):
			return &kafka.TopicError{Topic: r.cursor.Topic, Err: err}
		}
		_, down := r.life.admin.Ping(ctx)
		switch {
		case down != nil, r.next != at:
			since, at = time.Time{}, r.next
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > r.life.times.topic:
			return err
		}
		if !pause(ctx, r.life.times.retry) {
			return ctx.Err()
		}
	}
}

var errGone = errors.New("the topic is gone")

// readFrom reads from one leader.
func (r *reader) readFrom(ctx context.Context, known *bool) error {
	leader, id, err := r.leader(ctx)
	if err != nil {
		return err
	}
	if !*known {
		first, end, err := r.bounds(ctx, leader)
		if err != nil {
			return err
		}
		r.next, r.end = r.cursor.Offset, end
		if id != r.cursor.TopicID || r.next < first || r.next > end {
			// Made anew, older than what is kept, or cut off by an election: all there is.
			r.next = first
		}
		r.life.log.Debug("partition is looked back at", "topic", r.cursor.Topic, "partition", r.cursor.Partition, "cursor", r.cursor.Offset,
			"from", r.next, "first", first, "end", end, "same_topic", id == r.cursor.TopicID)
		*known = true
	}
	r.own = time.Now()
	for r.marked || r.next < r.end {
		done, was := false, r.next
		err := r.life.admin.OnBroker(ctx, leader, func(b *sarama.Broker) (err error) { done, err = r.fetch(b); return err })
		if done || err != nil {
			return err
		}
		if r.next < r.end && time.Since(r.own) > r.life.times.read {
			// Ours begin at the cursor: after a long absence what follows is of others.
			r.life.log.Info("looking back ends before the end of a partition in which others have written much",
				"topic", r.cursor.Topic, "partition", r.cursor.Partition, "from", r.cursor.Offset, "to", r.next, "end", r.end)
			return nil
		}
		if r.next == was {
			return errMoved // the marker takes long: the leader may be another one by now
		}
	}
	return nil
}

// leader returns the partition's leader and the topic's UUID.
func (r *reader) leader(ctx context.Context) (int32, [16]byte, error) {
	res, err := r.life.admin.Metadata(ctx, r.cursor.Topic)
	if err != nil {
		return 0, [16]byte{}, err
	}
	for _, t := range res.Topics {
		if t.Name != r.cursor.Topic {
			continue
		}
		if t.Err == sarama.ErrUnknownTopicOrPartition && !r.marked {
			return 0, [16]byte{}, errGone
		}
		for _, p := range t.Partitions {
			if p.ID == r.cursor.Partition && p.Leader >= 0 {
				return p.Leader, t.Uuid, nil
			}
		}
		if t.Err != sarama.ErrNoError {
			return 0, [16]byte{}, t.Err
		}
	}
	return 0, [16]byte{}, sarama.ErrLeaderNotAvailable
}

// bounds returns the first offset of the partition and the one behind the last.
func (r *reader) bounds(ctx context.Context, leader int32) (first, end int64, err error) {
	err = r.life.admin.OnBroker(ctx, leader, func(b *sarama.Broker) error {
		for at, to := range map[int64]*int64{sarama.OffsetOldest: &first, sarama.OffsetNewest: &end} {
			req := sarama.NewOffsetRequest(sarama.V2_2_0_0)
			req.AddBlock(r.cursor.Topic, r.cursor.Partition, at, 1)
			res, err := b.GetAvailableOffsets(req)
			if err != nil {
				return err
			}
			block := res.GetBlock(r.cursor.Topic, r.cursor.Partition)
			if block == nil {
				return errMoved
			}
			if block.Err != sarama.ErrNoError {
				return block.Err
			}
			*to = block.Offset
		}
		return nil
	})
	return first, end, err
}

// fetch asks for the next batches and takes ours. done says that the marker was met.
func (r *reader) fetch(b *sarama.Broker) (done bool, err error) {
	topic, part := r.cursor.Topic, r.cursor.Partition
	req := &sarama.FetchRequest{Version: 11, MaxWaitTime: int32(fetchWait / time.Millisecond), MinBytes: 1, MaxBytes: fetchBytes, SessionEpoch: -1}
	req.AddBlock(topic, part, r.next, fetchBytes, -1)
	res, err := b.Fetch(req)
	if err != nil {
		return false, err
	}
	block := res.GetBlock(topic, part)
	switch {
	case block == nil:
		return false, errMoved
	case block.Err == sarama.ErrOffsetOutOfRange:
		r.next = max(block.LogStartOffset, r.next)
		return false, block.Err
	case block.Err != sarama.ErrNoError:
		return false, block.Err
	}
	defer r.found.finish()
	for _, records := range block.RecordsSet {
		batch := records.RecordBatch
		if batch == nil {
			continue // of a format before producer ids
		}
		if batch.PartialTrailingRecord || batch.LastOffset() < r.next {
			continue
		}
		r.next = batch.LastOffset() + 1
		if batch.Control && batch.ProducerID == r.id.ID && batch.ProducerEpoch >= r.id.Epoch {
			return true, nil
		}
		if !batch.Control && r.life.ours[batch.ProducerID] {
			r.found.batch(batch)
			r.own = time.Now()
		}
	}
	return false, nil
}

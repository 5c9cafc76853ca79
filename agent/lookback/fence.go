package lookback

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
)

// place is a partition of a topic.
type place struct {
	topic string
	part  int32
}

// marks are the partitions that a fence has been written to.
type marks map[place]bool

// fence makes the partitions of the last life refuse what it may still have on its way:
// an abort marker of the new epoch goes to each. Partitions that are gone, or may not
// be written to any more, are left out: what is on its way to them cannot be stored.
func (l *Life) fence(ctx context.Context, id kafka.Identity) (marks, error) {
	parts := map[string][]int32{}
	for _, c := range l.last.Cursors {
		parts[c.Topic] = append(parts[c.Topic], c.Partition)
	}
	for len(parts) > 0 {
		var refused map[string]map[int32]error
		err := l.insist(ctx, func(ctx context.Context) (err error) {
			refused, err = l.txn.AddPartitions(ctx, id, parts)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(refused) == 0 {
			break
		}
		for topic, list := range refused {
			for part, why := range list {
				l.log.Debug("partition is not fenced", "topic", topic, "partition", part, "reason", why)
				parts[topic] = slices.DeleteFunc(parts[topic], func(p int32) bool { return p == part })
			}
		}
		maps.DeleteFunc(parts, func(_ string, list []int32) bool { return len(list) == 0 })
	}
	out := marks{}
	for topic, list := range parts {
		for _, part := range list {
			out[place{topic, part}] = true
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	// The first answer says that the markers will be written. That they are, each partition
	// tells by itself, when it is read up to its marker: one without a leader holds up no other.
	err := l.insist(ctx, func(ctx context.Context) error {
		err := l.txn.Abort(ctx, id)
		if errors.Is(err, sarama.ErrConcurrentTransactions) {
			return nil
		}
		return err
	})
	return out, err
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
)

// Offsets returns the partitions of the topics with their oldest and newest
// offsets. A partition whose leader does not answer has Err set and offsets of
// -1; a topic that does not exist is left out.
func (a *Admin) Offsets(ctx context.Context, names ...string) (map[string][]Partition, error) {
	if len(names) == 0 {
		return map[string][]Partition{}, nil
	}
	res, err := a.Metadata(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("read offsets: %w", err)
	}
	out := make(map[string][]Partition, len(names))
	for _, t := range res.Topics {
		if len(t.Partitions) > 0 {
			out[t.Name] = topicOf(t, res.Brokers).Partitions
		}
	}
	if err := a.fillOffsets(ctx, out); err != nil {
		return nil, fmt.Errorf("read offsets: %w", err)
	}
	return out, nil
}

// fillOffsets asks every leader at once for the ends of its partitions.
func (a *Admin) fillOffsets(ctx context.Context, topics map[string][]Partition) error {
	byLeader := map[int32][]topicPartition{}
	for name, parts := range topics {
		for i := range parts {
			if parts[i].Leader >= 0 {
				byLeader[parts[i].Leader] = append(byLeader[parts[i].Leader], topicPartition{name, &parts[i]})
			}
		}
	}
	var wg sync.WaitGroup
	for leader, parts := range byLeader {
		a.mu.Lock()
		address, ok := a.brokers[leader]
		a.mu.Unlock()
		if !ok {
			setErr(parts, sarama.ErrLeaderNotAvailable)
			continue
		}
		wg.Go(func() {
			if err := a.at(ctx, address, func(b *sarama.Broker) error { return listOffsets(b, parts) }); err != nil {
				setErr(parts, err)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

type topicPartition struct {
	topic string
	part  *Partition
}

func setErr(parts []topicPartition, err error) {
	for _, p := range parts {
		if p.part.Err == nil {
			p.part.Err = err
		}
	}
}

// listOffsets fills in both ends of the partitions that one broker leads.
func listOffsets(b *sarama.Broker, parts []topicPartition) error {
	for _, at := range []int64{sarama.OffsetOldest, sarama.OffsetNewest} {
		req := sarama.NewOffsetRequest(sarama.V2_2_0_0)
		for _, p := range parts {
			req.AddBlock(p.topic, p.part.ID, at, 1)
		}
		res, err := b.GetAvailableOffsets(req)
		if err != nil {
			return err
		}
		for _, p := range parts {
			block := res.GetBlock(p.topic, p.part.ID)
			switch {
			case block == nil:
				p.part.Err = errors.New("no offsets in the answer")
			case block.Err != sarama.ErrNoError:
				p.part.Err = block.Err
			case at == sarama.OffsetOldest:
				p.part.Oldest = block.Offset
			default:
				p.part.Newest = block.Offset
			}
		}
	}
	return nil
}

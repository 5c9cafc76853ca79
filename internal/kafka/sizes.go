package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
)

// Sizes returns the bytes that each topic takes on disk, without its replicas:
// of every partition the largest copy. It asks all brokers at once and needs
// the right Describe on the cluster. With some brokers not answering it returns
// what the others said, and an error.
func (a *Admin) Sizes(ctx context.Context) (map[string]int64, error) {
	brokers, err := a.Brokers(ctx)
	if err != nil {
		return nil, fmt.Errorf("topic sizes: %w", err)
	}
	type key struct {
		topic string
		part  int32
	}
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs []error
		size = map[key]int64{}
	)
	for _, b := range brokers {
		wg.Go(func() {
			var res *sarama.DescribeLogDirsResponse
			err := a.at(ctx, b.Address, func(sb *sarama.Broker) (err error) {
				res, err = sb.DescribeLogDirs(&sarama.DescribeLogDirsRequest{Version: 1})
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			for _, dir := range res.LogDirs {
				if dir.ErrorCode != sarama.ErrNoError {
					errs = append(errs, &BrokerError{Address: b.Address, Err: dir.ErrorCode})
				}
				for _, t := range dir.Topics {
					for _, p := range t.Partitions {
						k := key{t.Topic, p.PartitionID}
						size[k] = max(size[k], p.Size)
					}
				}
			}
		})
	}
	wg.Wait()
	out := map[string]int64{}
	for k, n := range size {
		out[k.topic] += n
	}
	if len(errs) > 0 {
		return out, fmt.Errorf("topic sizes: %w", errors.Join(errs...))
	}
	return out, nil
}

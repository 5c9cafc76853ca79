package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// fleetInterval is the time between two reports of a simulated agent.
const fleetInterval = 2 * time.Second

// Announce writes the presences of the fleet. They stand in the demo's own etcd, which
// ends with the demo, so that they need no lease.
func (f *Fleet) Announce(ctx context.Context, c *clientv3.Client) error {
	for _, p := range f.Presences() {
		data, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("announce the fleet: %w", err)
		}
		if _, err := c.Put(ctx, etcdcfg.AgentsPrefix+p.ID, string(data)); err != nil {
			return fmt.Errorf("announce the fleet: %w", err)
		}
	}
	return nil
}

// Publish sends the reports of the whole fleet every two seconds, spread over them,
// until ctx ends; it returns nil then.
func (f *Fleet) Publish(ctx context.Context, cfg kafka.Config, topic string) (err error) {
	sc, err := cfg.Sarama()
	if err != nil {
		return err
	}
	sc.Producer.Return.Successes = true
	sc.Producer.Compression = sarama.CompressionLZ4
	p, err := sarama.NewSyncProducer(cfg.Addresses, sc)
	if err != nil {
		return fmt.Errorf("publish reports of the fleet: %w", err)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	const turns = 10
	tick := time.NewTicker(fleetInterval / turns)
	defer tick.Stop()
	for turn := 0; ; turn = (turn + 1) % turns {
		now := time.Now()
		var batch []*sarama.ProducerMessage
		for i := turn; i < len(f.agents); i += turns {
			r := f.Report(i, now)
			data, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("publish reports of the fleet: %w", err)
			}
			batch = append(batch, &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(r.Agent), Value: sarama.ByteEncoder(data)})
		}
		if err := p.SendMessages(batch); err != nil && ctx.Err() == nil {
			return fmt.Errorf("publish reports of the fleet: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

package ship

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"
	"logctl/internal/testkit"

	"github.com/IBM/sarama"
)

// shared gives every place the same identity, as a transactional id does.
func shared(t *testing.T, k *testkit.KafkaServer) func(context.Context, []Place) ([]kafka.Identity, error) {
	admin := kafka.NewAdmin(k.Config())
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	id := kafka.NoIdentity
	return func(ctx context.Context, places []Place) ([]kafka.Identity, error) {
		raise := !id.Valid()
		for _, p := range places {
			raise = raise || p.Last == id
		}
		if raise {
			err := admin.Do(ctx, func(b *sarama.Broker) error {
				res, err := b.InitProducerID(&sarama.InitProducerIDRequest{Version: 3, TransactionTimeout: time.Minute, ProducerID: id.ID, ProducerEpoch: id.Epoch})
				if err != nil {
					return err
				}
				id = kafka.Identity{ID: res.ProducerID, Epoch: res.ProducerEpoch}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		out := make([]kafka.Identity, len(places))
		for i := range out {
			out[i] = id
		}
		return out, nil
	}
}

// TestForgottenTopicGoesOn sends to a topic, forgets it, and sends again under the same
// identity: a sequence from 0 would be a duplicate to the broker, acknowledged and dropped.
func TestForgottenTopicGoesOn(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	r := start(t, k, func(c *Config) { c.Names = shared(t, k) })
	for round := range 4 {
		r.send(r.bundle(topic, "a", numbered("a", round*10, round*10+10)...))
		r.drain()
		r.Forget(topic)
	}
	r.check(topic, map[string]int{"a": 40})
}

// TestLeftSequences: what a partition goes on with, by what was left in its place.
func TestLeftSequences(t *testing.T) {
	t.Parallel()
	who := kafka.Identity{ID: 7, Epoch: 2}
	here := place{"t", sarama.Uuid{1}, 0}
	for _, tt := range []struct {
		name string
		at   place
		left sequence
		want sequence
		ok   bool
	}{
		{"the same identity", here, sequence{7, 2, 50}, sequence{7, 2, 50}, true},
		{"an older epoch", here, sequence{7, 1, 50}, sequence{7, 2, 0}, true},
		{"another id", here, sequence{6, 2, 50}, sequence{7, 2, 0}, true},
		{"another life of the topic", place{"t", sarama.Uuid{2}, 0}, sequence{7, 2, 50}, sequence{7, 2, 0}, true},
		{"another partition", place{"t", sarama.Uuid{1}, 1}, sequence{7, 2, 50}, sequence{7, 2, 0}, true},
		{"a batch was in flight", here, sequence{7, 2, unsettled}, sequence{7, 2, unsettled}, false},
	} {
		p := &Producer{left: map[place]sequence{here: tt.left}}
		got, ok := p.resumed(tt.at, who)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: %s, want %s", tt.name, fmt.Sprint(got, ok), fmt.Sprint(tt.want, tt.ok))
		}
	}
}

// TestTopicWhoseCoordinatorCannotBeReached says which address is wrong.
func TestTopicWhoseCoordinatorCannotBeReached(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	r := start(t, k, func(c *Config) {
		c.Names = func(context.Context, []Place) ([]kafka.Identity, error) {
			return nil, fmt.Errorf("%w: %w", ErrWait, &kafka.AnnouncedError{ID: 1, Address: "kafka-1.internal:9092", Err: io.EOF})
		}
	})
	topic := k.Topic(t, 1)
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	testkit.Eventually(t, "the address is named", func() bool {
		s := r.Topic(topic)
		return s.State == status.BrokerNotReached && strings.Contains(s.Err, "advertised.listeners")
	})
}

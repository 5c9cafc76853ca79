package ship

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"logctl/internal/testkit"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestChaos ships from eight sources while connections are cut, answers thrown
// away, leaders moved and batches refused at random, and then looks for every
// line once and in order.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	k := testkit.Kafka(t, testkit.Brokers(3), testkit.Proxied())
	r := start(t, k, func(c *Config) { c.BatchBytes = 4 << 10 })
	topic := k.Topic(t, 5)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	want := map[string]int{}
	for i := range 8 {
		key := fmt.Sprintf("file%d", i)
		size := 1 + rnd.IntN(40)
		wg.Go(func() {
			for n := 0; ; n += size {
				if err := r.Send(ctx, r.bundle(topic, key, numbered(key, n, n+size)...)); err != nil {
					return
				}
				mu.Lock()
				want[key] = n + size
				mu.Unlock()
			}
		})
	}
	codes := []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotEnoughReplicas,
		kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID,
		kerr.InvalidProducerEpoch, kerr.CorruptMessage, kerr.MessageTooLarge, kerr.TopicAuthorizationFailed,
	}
	for range 40 {
		proxy := k.Proxies()[rnd.IntN(3)]
		switch rnd.IntN(6) {
		case 0, 1:
			proxy.Cut()
		case 2:
			proxy.DropResponses(true)
			pass(rnd.IntN(20))
			proxy.Cut()
			proxy.DropResponses(false)
		case 3:
			k.Cluster().ShufflePartitionLeaders()
		case 4:
			// Refusals that are not true, so they must not follow an answer that got lost.
			k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: codes[rnd.IntN(6)], Count: 1 + rnd.IntN(3)})
		case 5:
			proxy.Stall(true)
			pass(rnd.IntN(30))
			proxy.Stall(false)
		}
		pass(rnd.IntN(30))
	}
	cancel()
	wg.Wait()
	for _, p := range k.Proxies() {
		p.DropResponses(false)
	}
	r.drain()
	r.check(topic, want)
	t.Logf("%d records, %+v", r.acked.Load(), r.Producer.Stats())
}

// pass lets a moment go by.
func pass(ms int) {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	<-timer.C
}

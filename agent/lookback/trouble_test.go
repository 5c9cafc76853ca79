package lookback

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// refuse answers the first n requests of a kind with an error code, those with a
// transactional id only, and says how many came.
func refuse(k *testkit.KafkaServer, key kmsg.Key, n int32, code sarama.KError) *atomic.Int32 {
	var came atomic.Int32
	k.Cluster().ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		if init, ok := req.(*kmsg.InitProducerIDRequest); ok && init.TransactionalID == nil || came.Add(1) > n {
			return nil, nil, false
		}
		switch res := req.ResponseKind().(type) {
		case *kmsg.InitProducerIDResponse:
			res.ErrorCode = int16(code)
			return res, nil, true
		case *kmsg.EndTxnResponse:
			res.ErrorCode = int16(code)
			return res, nil, true
		case *kmsg.AddPartitionsToTxnResponse:
			for _, t := range req.(*kmsg.AddPartitionsToTxnRequest).Topics {
				rt := kmsg.AddPartitionsToTxnResponseTopic{Topic: t.Topic}
				for _, p := range t.Partitions {
					rt.Partitions = append(rt.Partitions, kmsg.AddPartitionsToTxnResponseTopicPartition{Partition: p, ErrorCode: int16(code)})
				}
				res.Topics = append(res.Topics, rt)
			}
			return res, nil, true
		}
		return nil, nil, false
	})
	return &came
}

// TestCoordinatorInTrouble: what passes is waited for at each step, and nothing is given up
// for it.
func TestCoordinatorInTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		key  kmsg.Key
		code sarama.KError
	}{
		{"it loads when the id is taken", kmsg.InitProducerID, sarama.ErrOffsetsLoadInProgress},
		{"it is elsewhere when the id is taken", kmsg.InitProducerID, sarama.ErrNotCoordinatorForConsumer},
		{"there is none when the id is taken", kmsg.InitProducerID, sarama.ErrConsumerCoordinatorNotAvailable},
		{"the abort of before is not over when the id is taken", kmsg.InitProducerID, sarama.ErrConcurrentTransactions},
		{"it loads when partitions are added", kmsg.AddPartitionsToTxn, sarama.ErrOffsetsLoadInProgress},
		{"the abort of before is not over when partitions are added", kmsg.AddPartitionsToTxn, sarama.ErrConcurrentTransactions},
		{"it moved when partitions are added", kmsg.AddPartitionsToTxn, sarama.ErrNotCoordinatorForConsumer},
		{"it loads at the fence", kmsg.EndTxn, sarama.ErrOffsetsLoadInProgress},
		{"it moved at the fence", kmsg.EndTxn, sarama.ErrNotCoordinatorForConsumer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := testkit.Kafka(t, testkit.Embedded(kfake.NumBrokers(1)))
			topic, dir := k.Topic(t, 2), t.TempDir()
			a := begin(t, k, dir, topic)
			a.known(topic, "1-1")
			a.send(topic, "1-1", 0, 7)
			a.crash()
			came := refuse(k, c.key, 3, c.code)
			b := begin(t, k, dir, topic)
			b.await(topic)
			b.reaches(Holding)
			b.knows(topic, 600)
			if came.Load() <= 3 {
				t.Errorf("it was asked %d times", came.Load())
			}
			b.send(topic, "1-1", 7, 3)
		})
	}
}

// TestKafkaAwayAtTheStart: the look waits for brokers, however long they are away.
func TestKafkaAwayAtTheStart(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Restartable())
	topic, dir := k.Topic(t, 1), t.TempDir()
	a := begin(t, k, dir, topic)
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 4)
	a.crash()
	k.Stop()
	var tries atomic.Int32
	b := begin(t, k, dir, topic, func(l *Life) {
		l.times.patience = 10 * time.Millisecond
		conf := k.Config()
		conf.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			tries.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
		l.admin = kafka.NewAdmin(conf)
		l.txn = l.admin.Transactions(l.cfg.ID)
	})
	began := time.Now()
	if b.Settled() || !b.Waits(topic) {
		t.Error("it goes on without brokers")
	}
	// Tried for longer than it has patience: that is for a coordinator alone.
	testkit.Eventually(t, "it tries again and again", func() bool {
		return tries.Load() >= 5 && time.Since(began) > 10*b.times.patience
	})
	if phase, why := b.State(); phase != Claiming {
		t.Errorf("phase %d: %s", phase, why)
	}
	k.Start(t)
	b.await(topic)
	b.knows(topic, 300)
}

// TestEpochIsRaisedForWeeks: an id without transactions is forgotten after
// transactional.id.expiration.ms, so that the agent raises its epoch from time to time.
func TestEpochIsRaisedForWeeks(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic, dir := k.Topic(t, 1), t.TempDir()
	a := begin(t, k, dir, topic, func(l *Life) { l.times.renew = 30 * time.Millisecond })
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 3)
	epoch := func() int16 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.Life.id.Epoch
	}
	first := epoch()
	testkit.Eventually(t, "the epoch is raised three times", func() bool { return epoch() >= first+3 })
	a.send(topic, "1-1", 3, 3) // it still ships
	a.crash()
	b := begin(t, k, dir, topic)
	b.await(topic)
	if f, ok := b.registry.Stored("1-1", topic); !ok || f.Last.Pos != 500 {
		t.Errorf("what was sent under another epoch: %+v, %v", f, ok)
	}
}

// TestForgottenID: the coordinator forgot the id while the agent ran. It is taken anew under
// another producer id, and the next life knows both.
func TestForgottenID(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded(kfake.NumBrokers(1)))
	topic, dir := k.Topic(t, 1), t.TempDir()
	a := begin(t, k, dir, topic)
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 3)
	old := a.identity()
	const other = 1 << 40
	var forgot atomic.Bool
	k.Cluster().ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		if forgot.Load() {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.EndTxnResponse)
		res.ErrorCode = int16(sarama.ErrInvalidProducerIDMapping)
		return res, nil, true
	})
	k.Cluster().ControlKey(int16(kmsg.InitProducerID), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		if req.(*kmsg.InitProducerIDRequest).TransactionalID == nil || !forgot.CompareAndSwap(false, true) {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		res.ProducerID, res.ProducerEpoch = other, 0
		return res, nil, true
	})
	testkit.Eventually(t, "it has another producer id", func() bool { return a.identity() != old })
	a.crash()
	b := begin(t, k, dir, topic)
	for _, id := range []int64{old, other} {
		if !b.ours[id] {
			t.Errorf("the next life does not look for the batches of producer %d", id)
		}
	}
	b.await(topic)
	if f, ok := b.registry.Stored("1-1", topic); !ok || f.Last.Pos != 200 {
		t.Errorf("what was sent under the forgotten id: %+v, %v", f, ok)
	}
}

func (r *run) identity() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Life.id.ID
}

// TestRetentionPastTheCursor: what is gone from the topic cannot be known, and holds nobody
// up; what is left is.
func TestRetentionPastTheCursor(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded(kfake.NumBrokers(1)))
	topic, dir := k.Topic(t, 1), t.TempDir()
	a := begin(t, k, dir, topic)
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 5)
	a.send(topic, "1-1", 5, 5)
	a.crash()
	if err := k.Cluster().DeleteRecords(topic, 0, 8); err != nil {
		t.Fatal(err)
	}
	b := begin(t, k, dir, topic)
	b.await(topic)
	b.knows(topic, 900)
}

// TestPartitionsAddedMeanwhile: partitions that the last life used, and those that came
// since, all take lines.
func TestPartitionsAddedMeanwhile(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic, dir := k.Topic(t, 1), t.TempDir()
	a := begin(t, k, dir, topic)
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 5)
	a.crash()
	k.AddPartitions(t, topic, 4)
	b := begin(t, k, dir, topic)
	b.await(topic)
	b.knows(topic, 400)
	for _, file := range []string{"2-2", "3-3", "4-4", "5-5"} {
		b.send(topic, file, 0, 3)
	}
}

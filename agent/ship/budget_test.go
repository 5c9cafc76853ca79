package ship

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"logctl/internal/testkit"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// flood sends bundles of a topic until ctx ends and counts them.
func flood(ctx context.Context, r *rig, topic, key string, sent *atomic.Int64) error {
	line := strings.Repeat("x", 199)
	values := make([]string, 100)
	for i := range values {
		values[i] = line
	}
	for {
		if err := r.Send(ctx, r.bundle(topic, key, values...)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		sent.Add(1)
	}
}

func TestDeadTopicsStarveNobody(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, func(c *Config) { c.MaxBuffer, c.BatchBytes = 1<<20, 64<<10 })
	alive := k.Topic(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 9)
	var all []string
	for range 8 {
		dead := k.Topic(t, 4)
		all = append(all, dead)
		r.send(r.bundle(dead, "first", "x"))
	}
	r.drain()
	for _, dead := range all {
		k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: dead, Err: kerr.TopicAuthorizationFailed, Count: -1})
		go func() {
			var n atomic.Int64
			for _, key := range []string{"a", "b", "c", "d"} {
				go func() { _ = flood(ctx, r, dead, key, &n) }()
			}
			ended <- flood(ctx, r, dead, "e", &n)
		}()
	}
	testkit.Eventually(t, "the dead topics fill their share", func() bool {
		return r.Producer.Stats().BufferedBytes > 300<<10
	})
	var n atomic.Int64
	go func() { ended <- flood(ctx, r, alive, "a", &n) }()
	testkit.Eventually(t, "the living topic flows", func() bool { return n.Load() > 2000 })
	if s := r.Producer.Stats(); s.BufferedBytes > 1<<20+128<<10 {
		t.Errorf("buffered %d bytes", s.BufferedBytes)
	}
	cancel()
	for range 9 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestBacklogDelaysNobody(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, func(c *Config) { c.BatchBytes = 128 << 10 })
	topic := k.Topic(t, 1)
	r.send(r.bundle(topic, "warm", "x"))
	r.drain()
	// A broker that takes 40 ms for every batch: about 3 MB/s.
	cluster := k.Cluster()
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		<-time.After(40 * time.Millisecond)
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var n atomic.Int64
	ended := make(chan error, 20)
	for i := range 20 {
		go func() { ended <- flood(ctx, r, topic, "backlog"+string(rune('a'+i)), &n) }()
	}
	testkit.Eventually(t, "the backlog flows", func() bool { return n.Load() > 100 })
	for range 5 {
		testkit.Soon(t, time.Second, "one line beside the backlog", func() time.Duration {
			b := r.bundle(topic, "quiet", "one line")
			done := make(chan struct{})
			b.Done = func(Result) { close(done) }
			return testkit.Took(func() { r.send(b); <-done })
		})
	}
	cancel()
	for range 20 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k)
	topic := k.Topic(t, 2)
	r.send(r.bundle(topic, "a", "first"))
	r.drain()
	k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	var accepted atomic.Int64
	ended := make(chan error, 4)
	for _, key := range []string{"a", "b", "c", "d"} {
		go func() {
			for {
				if err := r.Send(t.Context(), r.bundle(topic, key, strings.Repeat("x", 100<<10))); err != nil {
					ended <- err
					return
				}
				accepted.Add(1)
			}
		}()
	}
	testkit.Eventually(t, "the buffer is full", func() bool { return accepted.Load() > 20 })
	if err := r.Drain(canceled(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("drain with an ended context: %v", err)
	}
	if err := r.stop(); err != nil { // no batch will ever be taken, so it waits for none
		t.Fatal(err)
	}
	for range 4 {
		if err := <-ended; !errors.Is(err, ErrStopped) {
			t.Errorf("send at the end: %v", err)
		}
	}
	if r.done.Load() != accepted.Load()+1 || r.failed.Load() != accepted.Load() {
		t.Errorf("accepted %d, done %d, of them failed %d", accepted.Load()+1, r.done.Load(), r.failed.Load())
	}
	if err := r.Send(t.Context(), r.bundle(topic, "a", "x")); !errors.Is(err, ErrStopped) {
		t.Errorf("send after the end: %v", err)
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Errorf("drain after the end: %v", err)
	}
}

func TestEmptyBundleAndWithdrawnSend(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, func(c *Config) { c.BatchBytes = 1000 })
	topic := k.Topic(t, 1)
	r.send(r.bundle(topic, "a"))
	testkit.Eventually(t, "an empty bundle is done", func() bool { return r.done.Load() == 1 })
	fault := k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	n := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := r.Send(ctx, r.bundle(topic, "a", "a "+strings.Repeat("x", 998)))
		cancel()
		if err != nil {
			break
		}
		n++
	}
	fault.Remove()
	r.drain()
	if got := len(k.Read(t, topic)); got != n {
		t.Errorf("%d records of %d accepted", got, n)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

package ship

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	status "logctl/agent/state"
	"logctl/internal/testkit"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick are times for tests.
var quick = tuning{
	pace:           time.Millisecond,
	backoff:        10 * time.Millisecond,
	backoffMax:     200 * time.Millisecond,
	missingMax:     100 * time.Millisecond,
	refresh:        200 * time.Millisecond,
	limits:         500 * time.Millisecond,
	ackTimeout:     2 * time.Second,
	readTimeout:    2 * time.Second,
	patience:       200 * time.Millisecond,
	controlTimeout: 3 * time.Second,
	showAfter:      50 * time.Millisecond,
	batchRecords:   10000,
}

// rig is a producer under test.
type rig struct {
	*Producer
	t    *testing.T
	k    *testkit.KafkaServer
	stop func() error // ends Run and waits

	mu     sync.Mutex
	states []TopicStatus
	done   atomic.Int64 // bundles
	failed atomic.Int64 // of them, with an error
	acked  atomic.Int64 // spans
	split  atomic.Int64
}

// start runs a producer on k until the test ends.
func start(t *testing.T, k *testkit.KafkaServer, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, k: k}
	cfg := Config{Kafka: k.Config(), OnTopic: func(s TopicStatus) {
		r.mu.Lock()
		defer r.mu.Unlock()
		last := TopicStatus{}
		for _, before := range r.states {
			if before.Topic == s.Topic {
				last = before
			}
		}
		if s.State != last.State || s.Slow != last.Slow { // that a topic is known is no state
			r.states = append(r.states, s)
		}
	}}
	for _, c := range change {
		c(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.tune = quick
	r.Producer = p
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(testkit.Hang):
			return fmt.Errorf("Run did not end within %v", testkit.Hang)
		}
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return r
}

// seen lists the states a topic went through.
func (r *rig) seen(topic string) []status.Code {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []status.Code
	for _, s := range r.states {
		if s.Topic == topic {
			out = append(out, s.State)
		}
	}
	return out
}

// bundle makes a bundle of these values.
func (r *rig) bundle(topic, key string, values ...string) *Bundle {
	b := &Bundle{Topic: topic, Key: key, Time: time.Now(), PosHeader: true}
	b.Headers = []Header{{[]byte("host"), []byte("h1")}, {[]byte("path"), []byte(key)}}
	for _, v := range values {
		from := uint32(len(b.Data))
		b.Data = append(b.Data, v...)
		b.Spans = append(b.Spans, Span{Start: from, End: uint32(len(b.Data)), Pos: int64(from)})
		b.Data = append(b.Data, '\n')
	}
	b.Done = func(res Result) {
		r.done.Add(1)
		r.acked.Add(int64(res.Acked))
		r.split.Add(int64(res.Split))
		if res.Err != nil {
			r.failed.Add(1)
		}
	}
	return b
}

// send sends and fails the test when that takes longer than a minute.
func (r *rig) send(b *Bundle) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if err := r.Send(ctx, b); err != nil {
		r.t.Fatalf("send: %v (topic %+v, %+v)", err, r.Topic(b.Topic), r.Stats())
	}
}

func (r *rig) drain() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if err := r.Drain(ctx); err != nil {
		r.t.Fatalf("%v (%+v)", err, r.Stats())
	}
	r.Producer.mu.Lock()
	defer r.Producer.mu.Unlock()
	p := r.Producer
	if p.unacked == 0 && (p.used != 0 || p.lines != 0 || p.dead != 0 || p.inflight != 0) {
		r.t.Errorf("nothing is held, but %d bytes, %d lines, %d dead, %d in flight", p.used, p.lines, p.dead, p.inflight)
	}
	for _, t := range p.topics {
		for _, part := range t.parts {
			if t.lines == 0 && (part.queued != 0 || part.full() || part.ring.head != nil || t.bytes != 0 || len(t.keys) != 0) {
				r.t.Errorf("topic %s partition %d is done, but holds %d bytes queued, %d of the topic, %d keys", t.name, part.id, part.queued, t.bytes, len(t.keys))
			}
		}
	}
}

// numbered makes lines "key n" for n in [from, to).
func numbered(key string, from, to int) []string {
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("%s %d", key, i))
	}
	return out
}

// check reads the topic and fails the test unless every key's lines [0, want)
// are there once and in order.
func (r *rig) check(topic string, want map[string]int) {
	r.t.Helper()
	next := map[string]int{}
	for _, rec := range r.k.Read(r.t, topic) {
		var key string
		var n int
		if _, err := fmt.Sscanf(rec.Value, "%s %d", &key, &n); err != nil {
			r.t.Fatalf("garbled record %q at partition %d offset %d", rec.Value, rec.Partition, rec.Offset)
		}
		if n != next[key] {
			r.t.Fatalf("key %s: line %d where %d was due (partition %d, offset %d)", key, n, next[key], rec.Partition, rec.Offset)
		}
		next[key]++
	}
	for key, n := range want {
		if next[key] != n {
			r.t.Errorf("key %s: %d of %d lines", key, next[key], n)
		}
	}
}

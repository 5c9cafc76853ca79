package ship

import (
	"sync"
	"testing"
	"time"

	"logctl/internal/testkit"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestThrottled has the broker ask for silence, as one does when a quota is used up: the
// producer keeps to it, and ends at once all the same when it is told to.
func TestThrottled(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k)
	topic := k.Topic(t, 1)
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	r.drain()

	// The answer to the next request says that nothing was stored, and to wait.
	const notEnoughReplicas = 19
	var mu sync.Mutex
	var answered, again time.Time
	throttle := func(d time.Duration) {
		k.Cluster().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			produce := req.(*kmsg.ProduceRequest) //nolint:forcetypeassert // of that key
			res := produce.ResponseKind().(*kmsg.ProduceResponse)
			res.ThrottleMillis = int32(d / time.Millisecond)
			for _, pt := range produce.Topics {
				rt := kmsg.NewProduceResponseTopic()
				rt.Topic = pt.Topic
				for _, pp := range pt.Partitions {
					rp := kmsg.NewProduceResponseTopicPartition()
					rp.Partition, rp.ErrorCode = pp.Partition, notEnoughReplicas
					rt.Partitions = append(rt.Partitions, rp)
				}
				res.Topics = append(res.Topics, rt)
			}
			mu.Lock()
			defer mu.Unlock()
			answered = time.Now()
			return res, nil, true
		})
	}
	const silence = 500 * time.Millisecond
	throttle(silence)
	r.send(r.bundle(topic, "a", numbered("a", 10, 20)...))
	testkit.Eventually(t, "the broker asks for silence", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return !answered.IsZero()
	})
	k.Cluster().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		mu.Lock()
		defer mu.Unlock()
		again = time.Now()
		k.Cluster().DropControl()
		return nil, nil, false
	})
	r.drain()
	mu.Lock()
	if d := again.Sub(answered); d < silence {
		t.Errorf("the next request came after %v of %v", d, silence)
	}
	answered = time.Time{}
	mu.Unlock()
	r.check(topic, map[string]int{"a": 20})

	throttle(time.Hour)
	before := r.Producer.Stats().Requests
	r.send(r.bundle(topic, "a", numbered("a", 20, 30)...))
	testkit.Eventually(t, "the batch waits to be sent again", func() bool {
		return r.Producer.Stats().Requests >= before+2 // the second one is held back
	})
	if took := testkit.Took(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}); took > testkit.Hang {
		t.Errorf("ended after %v, as if it waited for the hour", took)
	}
}

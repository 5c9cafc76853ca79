package consumer

import (
	"context"
	"fmt"
	"time"
)

// quotaFor is how long the pauses that a broker asked for must be together before the
// operator is told.
const quotaFor = time.Second

// quota counts the pauses that a broker asked for because a quota is used up.
type quota struct {
	sum  time.Duration
	told bool
}

// throttled leaves the broker alone as long as it asked for. It would not read a request
// before, and its silence would be taken for a fault.
func (f *fetcher) throttled(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	q := &f.quota
	q.sum += d
	f.r.addThrottle(d)
	if q.sum >= quotaFor && !q.told {
		q.told = true
		f.r.tell(Notice{Kind: Throttled, Partition: -1, Text: fmt.Sprintf(
			"a quota slows this down: broker %d wants nothing from us for %v (consumer_byte_rate or request_percentage of our user or of client id %q)",
			f.id, d.Round(time.Millisecond), f.r.cluster.cfg.ClientID)})
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (r *Reader) addThrottle(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.throttle += d
}

// Throttled is how long brokers asked to be left alone because a quota is used up, over
// all brokers.
func (r *Reader) Throttled() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.throttle
}

package ship

import (
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// topic is what the producer knows of a topic. Its fields are guarded by the
// producer's lock.
type topic struct {
	p     *Producer
	name  string
	id    sarama.Uuid
	parts []*partition // by id, none missing
	keys  map[keyID]*keyQueue
	turn  int // of the round_robin partitioner

	waiters []*waiter // Sends that wait for the topic to be known
	bytes   int64     // of Data, accepted and not done
	lines   int

	limit   int       // largest batch its brokers take, as far as we know
	learned int       // largest estimate worth trying after refusals; 0: no refusal
	refused time.Time // the last of them

	touched   bool      // used since the last refresh
	refreshAt time.Time // next look at its metadata; zero: when used again
	tries     int       // looks in a row that failed
	limitAt   time.Time // next look at its settings

	trouble  reason // of the topic as a whole
	slow     reason // what slows it down or hides its records: no trouble
	settings topicSettings
	tooOld   time.Duration // age of records that its brokers refused; 0: none was
	dead     bool          // counted in Producer.dead
	status   TopicStatus
}

// reason is a state in words and the error behind it.
type reason struct {
	state status.Code
	err   string
}

// topic returns the topic of that name, making it known when it is new.
func (p *Producer) topic(name string) *topic {
	t := p.topics[name]
	if t == nil {
		now := time.Now()
		t = &topic{
			p:         p,
			name:      name,
			keys:      map[keyID]*keyQueue{},
			limit:     kafka.DefaultMaxMessageBytes,
			refreshAt: now,
			status:    TopicStatus{Topic: name, Since: now, Closed: true},
		}
		p.topics[name] = t
		poke(p.wakeup)
	}
	return t
}

// refreshNow asks for the topic's metadata at once.
func (t *topic) refreshNow(now time.Time) {
	if t.refreshAt.IsZero() || t.refreshAt.After(now) {
		t.refreshAt = now
		poke(t.p.wakeup)
	}
}

// batchLimit is how large a batch may be, estimated before compression, which
// makes text that does not compress a little larger.
func (t *topic) batchLimit() int {
	n := min(t.p.cfg.BatchBytes, t.limit-t.limit/64-64)
	if t.learned > 0 {
		n = min(n, t.learned)
	}
	return max(n, 1)
}

// update works the topic's state out again and reports a change.
func (t *topic) update() {
	now := t.trouble
	for _, part := range t.parts {
		if now.state != "" {
			break
		}
		now = part.why
	}
	if dead := now.state != ""; dead != t.dead {
		t.dead = dead
		if dead {
			t.p.dead += t.bytes
		} else {
			t.p.dead -= t.bytes
		}
	}
	slow := now.state == "" && t.slow.state != ""
	if slow {
		now = t.slow
	}
	closed, since := len(t.parts) == 0 || t.trouble.state != "", t.status.Since
	if now.state == t.status.State && slow == t.status.Slow {
		if t.status.Err = now.err; closed == t.status.Closed {
			return
		}
	} else {
		since = time.Now()
	}
	t.status = TopicStatus{Topic: t.name, State: now.state, Err: now.err, Since: since, Slow: slow, Closed: closed}
	t.p.events = append(t.p.events, t.status)
	poke(t.p.tell)
}

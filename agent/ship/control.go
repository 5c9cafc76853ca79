package ship

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// control keeps what the producer knows of the cluster fresh: metadata,
// settings of topics and producer ids. It asks over a connection of its own,
// never over those that carry records, and is one goroutine.
func (p *Producer) control(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	failures := 0
	for ctx.Err() == nil {
		work, wait := p.chores(time.Now())
		if work.empty() {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
			case <-p.wakeup:
			case <-timer.C:
			}
			continue
		}
		err := p.work(ctx, work)
		if ctx.Err() != nil {
			return
		}
		p.controlled(err)
		if err == nil {
			failures = 0
			continue
		}
		failures++
		timer.Reset(p.backoff(failures, p.tune.backoffMax))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// chores are what is due.
type chores struct {
	refresh []string     // topics whose metadata is due
	limits  []string     // topics whose settings are due
	names   []*partition // partitions that need a producer id
}

func (c chores) empty() bool { return len(c.refresh)+len(c.limits)+len(c.names) == 0 }

// chores collects what is due and says how long until the next is.
func (p *Producer) chores(now time.Time) (c chores, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait = time.Hour
	due := func(at time.Time) bool {
		if at.IsZero() {
			return false
		}
		if d := at.Sub(now); d > 0 {
			wait = min(wait, d)
			return false
		}
		return true
	}
	for _, t := range p.topics {
		if due(t.refreshAt) {
			c.refresh = append(c.refresh, t.name)
		}
		if len(t.parts) > 0 && due(t.limitAt) {
			c.limits = append(c.limits, t.name)
		}
	}
	if len(c.refresh) == 0 && due(p.lookAt) {
		for name := range p.topics {
			c.refresh = append(c.refresh, name) // any will do
			break
		}
	}
	if len(p.needID) > 0 && (p.idAfter.IsZero() || due(p.idAfter)) {
		c.names = slices.Clone(p.needID)
	}
	return c, wait
}

// work does the chores. An error means that no broker could be talked to.
func (p *Producer) work(ctx context.Context, c chores) error {
	ctx, cancel := context.WithTimeout(ctx, p.tune.controlTimeout)
	defer cancel()
	if len(c.refresh) > 0 {
		if err := p.refresh(ctx, c.refresh); err != nil {
			return err
		}
	}
	if len(c.names) > 0 {
		if err := p.name(ctx, c.names); err != nil {
			return err
		}
	}
	if len(c.limits) > 0 {
		return p.readLimits(ctx, c.limits)
	}
	return nil
}

// controlled notes the outcome of a round and what it means for the topics that
// wait for it.
func (p *Producer) controlled(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		if p.trouble != nil {
			p.log.Info("kafka answers again")
		}
		p.trouble, p.cluster, p.reached = nil, status.State{}, true
		// A cluster that nobody has lines for is looked at too, or nobody would know that
		// it is away.
		p.lookAt = time.Now().Add(p.tune.refresh)
		return
	}
	why, now := unreachable(err), time.Now()
	if p.trouble == nil || p.cluster.Code != why.state {
		p.log.Warn("kafka cannot be used; lines wait in their files until it can", "state", why.state, "reason", why.err)
		p.cluster = status.State{Code: why.state, Since: now}
	}
	p.cluster.Detail = why.err
	p.trouble = err
	for _, t := range p.topics {
		if len(t.parts) == 0 && t.trouble.state == "" {
			t.trouble = why
			t.update()
		}
		for _, part := range t.parts {
			// Those in flight, and those that wait to be sent again, learn of it from their
			// own connection: it may be fine where this one is not.
			if part.state == lost || part.state == nameless {
				part.failed(now, why, false)
			}
		}
	}
}

// unreachable is the state that an error of a connection means.
func unreachable(err error) reason {
	code := status.KafkaUnreachable
	var announced *kafka.AnnouncedError
	switch {
	case kafka.IsLoginRefused(err):
		code = status.LoginRefused
	case errors.As(err, &announced):
		code = status.BrokerNotReached
	}
	return reason{code, kafka.Explain(err)}
}

// refresh asks for the metadata of the topics and takes it over.
func (p *Producer) refresh(ctx context.Context, names []string) error {
	res, err := p.admin.Metadata(ctx, names...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, b := range p.brokers {
		b.up = false
	}
	for _, b := range res.Brokers {
		p.meet(b.ID(), b.Addr())
	}
	for _, m := range res.Topics {
		if t := p.topics[m.Name]; t != nil {
			t.learn(m, now)
		}
	}
	for _, name := range names {
		if t := p.topics[name]; t != nil && !t.refreshAt.IsZero() && !t.refreshAt.After(now) {
			t.refreshAt = now.Add(p.tune.backoff) // not in the answer
		}
	}
	p.dismiss(res.Brokers)
	p.admitWaiters()
	return nil
}

// dismiss ends the goroutines of brokers that are no longer part of the cluster
// and lead nothing.
func (p *Producer) dismiss(known []*sarama.Broker) {
	for id, b := range p.brokers {
		if len(b.ready) > 0 || slices.ContainsFunc(known, func(o *sarama.Broker) bool { return o.ID() == id }) {
			continue
		}
		b.gone = true
		delete(p.brokers, id)
		poke(b.wakeup)
	}
}

// learn takes over what the cluster says about the topic.
func (t *topic) learn(m *sarama.TopicMetadata, now time.Time) {
	p := t.p
	switch m.Err {
	case sarama.ErrNoError, sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable:
		if len(m.Partitions) == 0 {
			t.retry(noLeader(t.name, m.Err), p.tune.backoffMax, now)
			return
		}
	case sarama.ErrUnknownTopicOrPartition:
		t.retry(reason{status.TopicMissing, "topic " + t.name + " does not exist: create it"}, p.tune.missingMax, now)
		return
	case sarama.ErrTopicAuthorizationFailed:
		t.retry(reason{status.TopicDenied, kafka.Explain(&kafka.TopicError{Topic: t.name, Err: m.Err})}, p.tune.backoffMax, now)
		return
	case sarama.ErrInvalidTopic:
		t.retry(reason{status.Refused, "topic name " + t.name + " is not legal: change the entry"}, p.tune.backoffMax, now)
		return
	default:
		t.retry(reason{status.BrokerError, m.Err.Error()}, p.tune.backoffMax, now)
		return
	}
	t.tries = 0
	if hidden := t.unseen(m); hidden.state != "" || t.slow.state == status.FewReplicas {
		t.slow = hidden
	}
	leaderless := t.learnPartitions(m, now)
	if m.Uuid != t.id {
		if t.id != (sarama.Uuid{}) {
			p.log.Info("topic was created anew", "topic", t.name)
		}
		t.id, t.limitAt, t.learned = m.Uuid, now, 0
		for _, part := range t.parts {
			part.mark.anew()
		}
	}
	if t.limitAt.IsZero() {
		t.limitAt = now
	}
	switch {
	case leaderless:
		t.refreshAt = now.Add(p.backoff(3, p.tune.backoffMax))
	case t.touched || t.lines > 0 || t.slow.state == status.FewReplicas:
		t.refreshAt = now.Add(p.tune.refresh)
	default:
		t.refreshAt = time.Time{} // until it is used
	}
	t.touched = false
	if t.trouble.state != "" {
		t.trouble = reason{}
		for _, part := range t.parts {
			part.unpause()
		}
	}
	t.update()
	t.place()
}

// noLeader says that a partition cannot be written to, because nobody leads it.
func noLeader(topic string, code sarama.KError) reason {
	why := ""
	if code != sarama.ErrNoError {
		why = " (" + code.Error() + ")"
	}
	return reason{status.WaitingForLeader, fmt.Sprintf("a partition of topic %q has no leader%s: bring the brokers that hold its replicas back", topic, why)}
}

// lostLeader is noLeader for a partition, whose broker may be up and have lost the disk.
func (t *topic) lostLeader(m *sarama.PartitionMetadata) reason {
	lost := kafka.LostDisks(m, func(id int32) bool {
		b := t.p.brokers[id]
		return b != nil && b.up
	})
	if len(lost) == 0 {
		return noLeader(t.name, m.Err)
	}
	return reason{status.StorageError, fmt.Sprintf("partition %d of topic %q has no leader: broker %d is up, and the log directory of its replica is offline: "+
		"look at that broker's disk and log, then restart it", m.ID, t.name, lost[0])}
}

// retry notes why the topic cannot be used and when to look again.
func (t *topic) retry(why reason, limit time.Duration, now time.Time) {
	t.tries++
	t.refreshAt = now.Add(t.p.backoff(t.tries, limit))
	t.trouble = why
	t.update()
}

// learnPartitions takes over partitions and leaders and moves on what waited
// for them. It reports whether a partition with something to send has no leader.
func (t *topic) learnPartitions(m *sarama.TopicMetadata, now time.Time) (leaderless bool) {
	p := t.p
	known := int32(len(t.parts))
	for _, pm := range m.Partitions {
		for int32(len(t.parts)) <= pm.ID {
			t.parts = append(t.parts, newPartition(t, int32(len(t.parts))))
		}
	}
	var gone []*partition
	// A topic does not lose partitions: fewer are those of a new one of its name, or the
	// answer is an old one, of a broker that has not heard of the others yet.
	old := m.Uuid == t.id && t.id != (sarama.Uuid{})
	if n := len(m.Partitions); n < int(known) && !old {
		gone = slices.Clone(t.parts[n:])
		clear(t.parts[n:])
		t.parts = t.parts[:n]
	}
	for _, pm := range m.Partitions {
		if int(pm.ID) >= len(t.parts) {
			continue
		}
		part := t.parts[pm.ID]
		leader := pm.Leader
		if pm.Err != sarama.ErrNoError && pm.Err != sarama.ErrReplicaNotAvailable {
			leader = -1
		}
		moved := leader != part.leader
		part.leader = leader
		switch {
		case part.state == flying && leader >= 0 && part.at.id != leader && now.Sub(part.sent) > p.tune.patience && part.at.conn != nil:
			// The old leader has been silent for long and leads no more.
			part.at.conn.Cut()
		case moved && part.state == ready:
			part.recall()
			part.kick()
		case moved && leader >= 0 && part.state == pausing && part.why.state != status.TopicDenied:
			part.unpause()
		case part.state == lost:
			part.kick()
		}
		if part.state == lost {
			leaderless = true
			part.failed(now, t.lostLeader(pm), false)
		}
	}
	for _, part := range gone {
		part.leave()
		part.gone = true
		part.recall()
		part.unpause()
		part.kick() // one in flight moves away when its answer has come
	}
	return leaderless
}

// readLimits asks for the settings of the topics. Being refused is no failure: the
// usual limit and the broker's errors do as well.
func (p *Producer) readLimits(ctx context.Context, names []string) error {
	settings, err := p.admin.SettingsOf(ctx, settingsRead(), names...)
	var answer sarama.KError
	if err != nil && !errors.As(err, &answer) && !errors.Is(err, sarama.ErrUnsupportedVersion) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, name := range names {
		t := p.topics[name]
		if t == nil {
			continue
		}
		t.limitAt = now.Add(p.tune.limits)
		if m, ok := settings[name]; ok {
			t.configure(m, now)
		}
		if now.Sub(t.refused) < p.tune.limits/2 {
			continue
		}
		if t.learned *= 2; t.learned >= t.limit {
			t.learned = 0 // what was refused long ago may be tried again
		}
	}
	return nil
}

// configure takes over the topic's settings.
func (t *topic) configure(m map[string]string, now time.Time) {
	if n, err := strconv.Atoi(m[kafka.MaxMessageBytes]); err == nil && n > 0 && n != t.limit {
		t.limit, t.learned = n, 0
	}
	before := t.settings
	if t.settings = parseSettings(m); t.settings == before {
		return
	}
	if before.before != 0 && before.before != t.settings.before {
		t.tooOld = 0 // what was refused may be taken now
	}
	if before.compacted && !t.settings.compacted {
		for _, part := range t.parts {
			if part.why.state == status.TopicCompacted {
				part.unpause()
			}
		}
	}
	if t.settings.minReplicas != before.minReplicas && !t.p.idempotent() {
		t.refreshNow(now) // tells how many are in sync
	}
}

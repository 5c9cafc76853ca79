package ship

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"

	status "logctl/agent/state"
	"logctl/internal/kafka"
)

// name gets a producer id for each of the partitions.
func (p *Producer) name(ctx context.Context, parts []*partition) error {
	if p.cfg.Names != nil {
		return p.askNames(ctx, parts)
	}
	for _, part := range parts {
		var res *sarama.InitProducerIDResponse
		err := p.admin.Do(ctx, func(b *sarama.Broker) (err error) {
			res, err = b.InitProducerID(&sarama.InitProducerIDRequest{Version: 3, TransactionTimeout: time.Minute, ProducerID: -1, ProducerEpoch: -1})
			return err
		})
		if err != nil {
			return err
		}
		if res.Err != sarama.ErrNoError {
			p.unnamed(parts, res.Err)
			return nil
		}
		p.mu.Lock()
		p.idTries, p.idAfter = 0, time.Time{}
		part.named(kafka.Identity{ID: res.ProducerID, Epoch: res.ProducerEpoch})
		p.mu.Unlock()
	}
	return nil
}

// named gives the partition an identity to send under. The producer's lock is held.
func (part *partition) named(who kafka.Identity) {
	p := part.t.p
	seq, ok := p.resumed(part.place(), who)
	if !ok {
		part.last, part.raise = who, true // it stays in needID and asks for a higher epoch
		return
	}
	p.needID = slices.DeleteFunc(p.needID, func(o *partition) bool { return o == part })
	part.seq, part.raise = seq, false
	// Before the first batch, so that the log tells whose every batch in a topic is.
	p.log.Debug("producer id given", "topic", part.t.name, "partition", part.id, "producer", who.ID, "epoch", who.Epoch)
	if part.state == nameless {
		part.state = idle
		part.kick()
	}
}

// askNames asks Config.Names for the identities of partitions.
func (p *Producer) askNames(ctx context.Context, parts []*partition) error {
	p.mu.Lock()
	places := make([]Place, len(parts))
	for i, part := range parts {
		places[i] = Place{Topic: part.t.name, TopicID: part.t.id, Partition: part.id, Last: part.last, Reset: part.raise}
	}
	wakes := p.wakes
	p.mu.Unlock()
	given, err := p.cfg.Names(ctx, places)
	var code sarama.KError
	switch {
	case errors.Is(err, ErrWait):
		p.held(parts, wakes, err)
		return nil
	case errors.As(err, &code):
		p.unnamed(parts, code)
		return nil
	case err != nil:
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.idTries, p.idAfter = 0, time.Time{}
	for i, part := range parts {
		if given[i].Valid() {
			part.named(given[i])
			continue
		}
		p.idAfter = now.Add(p.tune.backoff)
		part.failed(now, reason{status.WaitingForLeader, "where the partition ends is not known: its leader does not answer"}, false)
	}
	return nil
}

// held notes that the partitions have to wait for Wake, or a moment.
func (p *Producer) held(parts []*partition, wakes int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.wakes == wakes {
		p.idAfter = now.Add(p.tune.backoffMax)
	}
	why := reason{status.BrokerError, err.Error()}
	var announced *kafka.AnnouncedError
	if errors.As(err, &announced) {
		why = reason{status.BrokerNotReached, announced.Error()}
	}
	for _, part := range parts {
		part.failed(now, why, false)
	}
}

// unnamed notes that the cluster gave out no producer id, and why.
func (p *Producer) unnamed(parts []*partition, code sarama.KError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.idTries++
	p.idAfter = now.Add(p.backoff(p.idTries, p.tune.backoffMax))
	why, atOnce := reason{status.BrokerError, "no producer id: " + code.Error()}, false
	if code == sarama.ErrClusterAuthorizationFailed || code == sarama.ErrTopicAuthorizationFailed {
		atOnce = true
		why = reason{status.TopicDenied, "not allowed to get a producer id: grant Write on the topic (before Kafka 3.0 also IdempotentWrite on the cluster), or set acks = leader to ship without protection from duplicates"}
	}
	for _, part := range parts {
		part.failed(now, why, atOnce)
	}
}

package lookback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/positions"
	"logctl/agent/ship"
	"logctl/internal/kafka"
)

// Names gives partitions their producer id and epoch: see ship.Config. A partition that
// this agent never sent to gets a cursor first, on disk, so that a life after this one
// knows from where on to look.
func (l *Life) Names(ctx context.Context, places []ship.Place) ([]kafka.Identity, error) {
	l.mu.Lock()
	phase, id, delay := l.phase, l.id, l.delay
	l.mu.Unlock()
	switch phase {
	case Claiming, Fencing:
		return nil, waiting(phase, delay)
	case Holding:
		got, err := l.ownName(ctx, id, places)
		if err == nil || !kafka.Fenced(err) {
			return got, err
		}
		l.contest()
	}
	return l.plainNames(ctx, places)
}

// ownName is the identity of the transactional id, under a new epoch if one of the
// places had trouble with the present one.
func (l *Life) ownName(ctx context.Context, id kafka.Identity, places []ship.Place) ([]kafka.Identity, error) {
	unknown, err := l.ensureCursors(ctx, places)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if p.Last.ID != id.ID || p.Last.Epoch < id.Epoch {
			continue
		}
		next, err := l.txn.Init(ctx, id)
		if err != nil {
			if kafka.TransactionRetry(err) {
				return nil, fmt.Errorf("%w: %w", ship.ErrWait, err)
			}
			return nil, err
		}
		l.took(next)
		id = next
		break
	}
	out := make([]kafka.Identity, len(places))
	for i := range out {
		if out[i] = id; unknown[i] {
			out[i] = kafka.NoIdentity
		}
	}
	return out, nil
}

// took notes a new identity of the transactional id.
func (l *Life) took(id kafka.Identity) {
	l.mu.Lock()
	l.id = id
	l.mu.Unlock()
	if err := l.cfg.Registry.Begin(id.ID, id.Epoch); err != nil {
		l.log.Warn("producer id cannot be saved; a crash now may send lines again", "error", err)
	}
}

// plainNames are identities that no coordinator keeps: one for all partitions, raised or
// replaced for those that had trouble with it.
func (l *Life) plainNames(ctx context.Context, places []ship.Place) ([]kafka.Identity, error) {
	out := make([]kafka.Identity, len(places))
	for i, p := range places {
		l.mu.Lock()
		id := l.plain
		l.mu.Unlock()
		if p.Reset && p.Last.Valid() && p.Last.Epoch < 32766 && (p.Last.ID == id.ID || l.bounded()) {
			out[i] = kafka.Identity{ID: p.Last.ID, Epoch: p.Last.Epoch + 1}
			continue
		}
		if !id.Valid() || p.Last.ID == id.ID {
			var err error
			if id, err = l.newPlain(ctx); err != nil {
				return nil, err
			}
		}
		out[i] = id
	}
	return out, nil
}

func (l *Life) bounded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase == Bounded
}

// newPlain asks any broker for a producer id.
func (l *Life) newPlain(ctx context.Context) (kafka.Identity, error) {
	id := kafka.NoIdentity
	err := l.admin.Do(ctx, func(b *sarama.Broker) error {
		res, err := b.InitProducerID(&sarama.InitProducerIDRequest{Version: 3, TransactionTimeout: time.Minute, ProducerID: -1, ProducerEpoch: -1})
		if err != nil {
			return err
		}
		if res.Err != sarama.ErrNoError {
			return res.Err
		}
		id = kafka.Identity{ID: res.ProducerID, Epoch: res.ProducerEpoch}
		return nil
	})
	if err != nil {
		return kafka.NoIdentity, err
	}
	l.mu.Lock()
	l.plain = id
	bounded := l.phase == Bounded
	l.mu.Unlock()
	if !bounded {
		err = l.cfg.Registry.Begin(id.ID, id.Epoch)
	}
	if err != nil {
		l.log.Warn("producer id cannot be saved; a crash now may send lines again", "error", err)
	}
	return id, nil
}

// ensureCursors saves where the partitions end that have no cursor. It returns which of
// the places have none because nobody could tell their ends now.
func (l *Life) ensureCursors(ctx context.Context, places []ship.Place) (unknown map[int]bool, err error) {
	unknown = map[int]bool{}
	var names []string
	for i, p := range places {
		if !l.cfg.Registry.HasCursor(p.Topic, p.TopicID, p.Partition) {
			unknown[i] = true
			names = append(names, p.Topic)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	ends, err := l.admin.Offsets(ctx, slices.Compact(names)...)
	if err != nil {
		return nil, err
	}
	var cursors []positions.Cursor
	for i := range unknown {
		p := places[i]
		for _, o := range ends[p.Topic] {
			if o.ID == p.Partition && o.Err == nil {
				cursors = append(cursors, positions.Cursor{Topic: p.Topic, TopicID: p.TopicID, Partition: p.Partition, Offset: o.Newest})
				delete(unknown, i)
			}
		}
	}
	if err := l.cfg.Registry.SaveCursors(cursors); err != nil {
		l.log.Warn("places in topics cannot be saved; a crash now may send lines again", "error", err)
	}
	return unknown, nil
}

// keep holds on to the transactional id until ctx ends.
func (l *Life) keep(ctx context.Context) error {
	renewed := time.Now()
	for pause(ctx, l.times.probe) {
		l.mu.Lock()
		id, phase := l.id, l.phase
		l.mu.Unlock()
		if phase == Contested {
			l.reclaim(ctx)
			renewed = time.Now()
			continue
		}
		if time.Since(renewed) > l.times.renew {
			next, err := l.txn.Init(ctx, id)
			switch {
			case err == nil:
				l.took(next)
				renewed = time.Now()
			case kafka.Fenced(err):
				l.contest()
			case errors.Is(err, sarama.ErrInvalidProducerIDMapping):
				l.forgotten(ctx)
			}
			continue
		}
		switch err := l.txn.Abort(ctx, id); {
		case kafka.Fenced(err):
			l.contest()
		case errors.Is(err, sarama.ErrInvalidProducerIDMapping):
			l.forgotten(ctx)
		}
	}
	return ctx.Err()
}

// contest notes that another agent took the transactional id.
func (l *Life) contest() {
	l.mu.Lock()
	was := l.phase
	l.phase, l.why = Contested, fmt.Sprintf("another agent uses the name %s: give each agent a name of its own ([agent] id)", l.cfg.ID)
	why := l.why
	l.mu.Unlock()
	if was != Contested {
		l.log.Error("another agent uses the name of this one; until one of them has another name, a crash may send the last lines again", "reason", why)
	}
	l.cfg.Wake()
}

// reclaim takes a contested id back and watches whether it stays ours.
func (l *Life) reclaim(ctx context.Context) {
	if !pause(ctx, l.times.reclaim) {
		return
	}
	id, err := l.txn.Init(ctx, kafka.NoIdentity)
	if err != nil {
		return
	}
	for since := time.Now(); time.Since(since) < l.times.calm; {
		if !pause(ctx, l.times.probe) {
			return
		}
		if err := l.txn.Abort(ctx, id); kafka.Fenced(err) || errors.Is(err, sarama.ErrInvalidProducerIDMapping) {
			return
		}
	}
	if err := l.cfg.Registry.Begin(id.ID, id.Epoch); err != nil {
		l.log.Warn("producer id cannot be saved; a crash now may send lines again", "error", err)
	}
	l.log.Info("no other agent uses the name of this one any more", "id", l.cfg.ID)
	l.set(Holding, "", id)
}

// forgotten takes the id anew after the coordinator forgot it. Partitions go on under
// the producer id that they have: a life after this one looks for both.
func (l *Life) forgotten(ctx context.Context) {
	id, err := l.txn.Init(ctx, kafka.NoIdentity)
	if err != nil {
		return
	}
	l.log.Info("the coordinator had forgotten the transactional id; it is taken anew", "id", l.cfg.ID, "producer", id.ID)
	l.took(id)
}

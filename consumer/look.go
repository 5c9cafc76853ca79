package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// manage keeps the reader's picture of the cluster fresh until ctx ends.
func (r *Reader) manage(ctx context.Context) {
	tick := time.NewTicker(r.cfg.Refresh)
	defer tick.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.refresh:
		case <-r.endTimer(ctx):
		}
		if err := r.lookInTime(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Debug("metadata refresh failed", "err", err)
			r.lookSoon()
		}
		r.giveUp()
		pause.Reset(pauseRetry) // however often it is asked for
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// endTimer fires when the next end that is a time to come has come.
func (r *Reader) endTimer(ctx context.Context) <-chan time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first time.Time
	for _, p := range r.order {
		if !p.phase.over() && !p.endTime.IsZero() && (first.IsZero() || p.endTime.Before(first)) {
			first = p.endTime
		}
	}
	if first.IsZero() || ctx.Err() != nil {
		return nil
	}
	return time.After(time.Until(first) + 50*time.Millisecond)
}

// lookInTime is look, ended when the first partition is to be given up.
func (r *Reader) lookInTime(ctx context.Context) error {
	if d := r.firstDeadline(); !d.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d)
		defer cancel()
	}
	return r.look(ctx)
}

// look asks the cluster once and acts on the answer.
func (r *Reader) look(ctx context.Context) error {
	topics, err := r.topics(ctx)
	if err != nil {
		return err
	}
	var unknown, outdated, stale []*partition
	r.locked(func() (say sayings) {
		say = r.learn(topics)
		for _, p := range r.order {
			switch {
			case p.phase.over():
			case p.phase == denied && time.Until(p.pause) > 0:
			case p.phase == placing, p.phase == denied && p.start < 0:
				p.phase = placing
				unknown = append(unknown, p)
			case !p.absent.IsZero():
				say = append(say, r.fail(p, errNoTopic)...)
			case p.leader < 0: // no fetcher finds that out
				say = append(say, r.fail(p, errNoLeader)...)
			case p.phase == outside, p.phase == replaced:
				outdated = append(outdated, p)
			case p.phase == denied:
				p.phase = reading // the fetch tells whether the right is there now
			case time.Since(p.heard) >= r.cfg.Refresh || !p.endTime.IsZero():
				stale = append(stale, p)
			}
		}
		return say
	})
	if r.cfg.Follow {
		if err := r.refuse(topics); err != nil {
			return err
		}
	}
	if err := r.settleAll(ctx, unknown); err != nil {
		return err
	}
	if err := r.clamp(ctx, outdated); err != nil {
		return err
	}
	if err := r.hear(ctx, stale); err != nil {
		return err
	}
	if err := r.tellOpen(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.startFetchers(ctx)
	return nil
}

// learn takes over what the metadata says while the reader runs. The caller holds r.mu.
func (r *Reader) learn(topics []topicMeta) (say sayings) {
	if r.cfg.Follow {
		for _, p := range r.update(topics, true) {
			if p.late {
				say.about(PartitionAdded, p, " is new; reading it from its beginning", " are new; reading them from their beginnings")
			} else {
				say = append(say, r.granted(p.topic)...)
			}
		}
	} else {
		r.update(slices.DeleteFunc(slices.Clone(topics), func(t topicMeta) bool { return !r.has(t) }), false)
	}
	r.missTopics(topics)
	return say
}

var errNoTopic = errors.New("the topic does not exist any more")

// missTopics notes which topics the cluster does not know any more, and ends bounded
// reads of theirs: they would wait for ever. The caller holds r.mu.
func (r *Reader) missTopics(topics []topicMeta) {
	there := map[string]bool{}
	for _, t := range topics {
		there[t.name] = len(t.parts) > 0 || t.err != sarama.ErrUnknownTopicOrPartition
	}
	now := time.Now()
	for _, p := range r.order {
		switch {
		case p.phase.over():
		case there[p.topic]:
			p.absent = time.Time{}
		case p.absent.IsZero():
			p.absent, p.leader = now, -1
		case now.Sub(p.absent) >= r.cfg.gone && (!r.cfg.Follow || p.end != noEnd || !p.endTime.IsZero()):
			p.err = errNoTopic
			r.leave(p, gaveUp)
		}
	}
}

// has reports whether all partitions of the topic are known, so that a bounded read
// takes over new leaders and no new partitions. The caller holds r.mu.
func (r *Reader) has(t topicMeta) bool {
	for _, pm := range t.parts {
		if r.cfg.Partitions.Has(pm.id) && r.parts[topicPartition{t.name, pm.id}] == nil {
			return false
		}
	}
	return true
}

// hear asks for the newest offsets of partitions that no fetch told about lately,
// and for ends that were times to come.
func (r *Reader) hear(ctx context.Context, parts []*partition) error {
	newest := make([]*offsetQuery, len(parts))
	ends := make([]*offsetQuery, len(parts))
	queries := make([]*offsetQuery, 0, 2*len(parts))
	now := time.Now()
	r.mu.Lock()
	for i, p := range parts {
		newest[i] = &offsetQuery{topicPartition: p.topicPartition, leader: p.leader, time: timeNewest}
		queries = append(queries, newest[i])
		if !p.endTime.IsZero() {
			ends[i] = &offsetQuery{topicPartition: p.topicPartition, leader: p.leader, time: p.endTime.UnixMilli()}
			queries = append(queries, ends[i])
		}
	}
	r.mu.Unlock()
	if err := r.cluster.offsets(ctx, queries, r.cfg.Isolation); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range parts {
		if newest[i].err != nil || p.phase.over() {
			continue
		}
		p.newest, p.heard = max(p.newest, newest[i].offset), now
		e := ends[i]
		if e == nil || e.err != nil || p.endTime.IsZero() {
			continue
		}
		switch {
		case e.offset >= 0:
			p.end, p.endTime = e.offset, time.Time{}
		case !p.endTime.After(now):
			p.end, p.endTime = p.newest, time.Time{}
		}
		if p.next >= p.end {
			r.finish(p)
		}
	}
	return nil
}

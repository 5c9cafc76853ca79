package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
)

// discover finds the topics and partitions and where to start and end in them.
func (r *Reader) discover(ctx context.Context) error {
	topics, err := r.topics(ctx)
	if err != nil {
		return err
	}
	most := 0
	for _, t := range topics {
		if err := r.admit(ctx, t); err != nil {
			return err
		}
		most = max(most, len(t.parts))
	}
	if err := r.cfg.checkPlaces(most); err != nil {
		return err
	}
	r.mu.Lock()
	r.update(topics, false)
	parts := slices.DeleteFunc(slices.Clone(r.order), func(p *partition) bool { return p.done })
	r.unlock()
	none := "no topic matches " + strings.Join(r.cfg.Topics, ", ")
	if len(topics) > 0 {
		none = "no topic that matches " + strings.Join(r.cfg.Topics, ", ") + " has one of these partitions"
	}
	if len(parts) == 0 && !r.cfg.Follow {
		return errors.New(none)
	}
	if err := r.settleAll(ctx, parts); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.unlock()
	switch {
	case len(parts) == 0:
		r.say(Notice{Kind: NoTopicYet, Partition: -1, Text: none + "; waiting for one"})
	case r.open == 0:
		r.signalReady()
	}
	return nil
}

// admit checks that a topic exists and may be read.
func (r *Reader) admit(ctx context.Context, t topicMeta) error {
	switch {
	case errors.Is(t.err, sarama.ErrUnknownTopicOrPartition), errors.Is(t.err, sarama.ErrInvalidTopic):
		var names []string
		if all, err := r.cluster.metadata(ctx, nil); err == nil { // without names the error still says it
			for i := range all {
				if !all[i].internal {
					names = append(names, all[i].name)
				}
			}
		}
		return kafka.MissingTopic(t.name, names)
	case errors.Is(t.err, sarama.ErrTopicAuthorizationFailed):
		return &AccessError{Topic: t.name, Err: t.err}
	case t.err != sarama.ErrNoError && len(t.parts) == 0:
		return fmt.Errorf("topic %q: %w", t.name, t.err)
	}
	if id := r.cfg.Partitions.missing(len(t.parts)); id >= 0 && !r.cfg.Regex {
		return fmt.Errorf("topic %q has no partition %d; it has %s", t.name, id, partitionNames(len(t.parts)))
	}
	return nil
}

// checkPlaces refuses a start or an end for a partition that no topic has: a slip of
// the finger that would read something else.
func (c *Config) checkPlaces(partitions int) error {
	for _, pp := range slices.Concat(c.From.p.parts, c.To.p.parts) {
		if int(pp.lo) >= partitions && partitions > 0 {
			return fmt.Errorf("%d=%s: no topic has a partition %d; there are %s", pp.lo, pp.point, pp.lo, partitionNames(partitions))
		}
	}
	return nil
}

func partitionNames(n int) string {
	if n == 1 {
		return "only partition 0"
	}
	return fmt.Sprintf("the partitions 0 to %d", n-1)
}

// topics asks the cluster about the topics that are wanted. Internal topics are
// matched by no expression.
func (r *Reader) topics(ctx context.Context) ([]topicMeta, error) {
	if r.patterns == nil {
		names := slices.Clone(r.cfg.Topics)
		slices.Sort(names)
		return r.cluster.metadata(ctx, slices.Compact(names))
	}
	all, err := r.cluster.metadata(ctx, nil)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t topicMeta) bool {
		if t.internal || t.err == sarama.ErrTopicAuthorizationFailed {
			return true
		}
		for _, re := range r.patterns {
			if re.MatchString(t.name) {
				return false
			}
		}
		return true
	}), nil
}

// update takes over what the metadata says and returns the partitions that are new.
// The caller holds r.mu.
func (r *Reader) update(topics []topicMeta, added bool) []*partition {
	r.brokers = maps.Clone(r.cluster.brokers)
	var fresh []*partition
	for _, t := range topics {
		for _, pm := range t.parts {
			if !r.cfg.Partitions.Has(pm.id) {
				continue
			}
			tp := topicPartition{topic: t.name, id: pm.id}
			if p := r.parts[tp]; p != nil {
				p.leader = pm.leader
				if t.id != (sarama.Uuid{}) && p.uuid != t.id {
					p.anew = p.uuid != (sarama.Uuid{}) && p.known
					p.clampNext = p.clampNext || p.anew
					p.uuid = t.id
				}
				continue
			}
			p := newPartition(tp, pm.leader)
			p.added, p.uuid = added, t.id
			if _, known := r.cfg.at[tp]; r.cfg.at != nil && !known {
				why := r.cfg.unread.why[tp]
				switch {
				case r.cfg.Follow:
					p.added = why == nil
				case why == nil:
					continue
				default: // shown as not read
					p.err, p.done = why, true
					r.parts[tp] = p
					r.order = append(r.order, p)
					continue
				}
			}
			r.parts[tp] = p
			fresh = append(fresh, p)
			r.open++
		}
	}
	if len(fresh) > 0 {
		r.order = append(r.order, fresh...)
		slices.SortFunc(r.order, func(a, b *partition) int {
			if c := strings.Compare(a.topic, b.topic); c != 0 {
				return c
			}
			return int(a.id - b.id)
		})
	}
	return fresh
}

// settleAll resolves the starts and ends of partitions.
func (r *Reader) settleAll(ctx context.Context, parts []*partition) error {
	found, err := r.resolve(ctx, parts)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.unlock()
	for i := range found {
		r.settle(&found[i])
	}
	return nil
}

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
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Debug("metadata refresh failed", "err", err)
			r.lookSoon()
		}
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
		if !p.done && !p.endTime.IsZero() && (first.IsZero() || p.endTime.Before(first)) {
			first = p.endTime
		}
	}
	if first.IsZero() || ctx.Err() != nil {
		return nil
	}
	return time.After(time.Until(first) + 50*time.Millisecond)
}

// look asks the cluster once and acts on the answer.
func (r *Reader) look(ctx context.Context) error {
	topics, err := r.topics(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.cfg.Follow {
		for _, p := range r.update(topics, true) {
			r.sayOf(PartitionAdded, p, " is new; reading it from its beginning", " are new; reading them from their beginnings")
		}
	} else {
		r.update(slices.DeleteFunc(slices.Clone(topics), func(t topicMeta) bool { return !r.has(t) }), false)
	}
	r.missTopics(topics)
	var unknown, outside, stale []*partition
	for _, p := range r.order {
		switch {
		case p.done:
		case !p.known:
			unknown = append(unknown, p)
		case !p.absent.IsZero():
			r.fail(p, errNoTopic)
		case p.leader < 0: // no fetcher finds that out
			r.fail(p, errNoLeader)
		case p.clampNext:
			outside = append(outside, p)
		case time.Since(p.heard) >= r.cfg.Refresh || !p.endTime.IsZero():
			stale = append(stale, p)
		}
	}
	r.unlock()
	if err := r.settleAll(ctx, unknown); err != nil {
		return err
	}
	if err := r.clamp(ctx, outside); err != nil {
		return err
	}
	if err := r.hear(ctx, stale); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.unlock()
	r.startFetchers(ctx)
	return nil
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
		case p.done:
		case there[p.topic]:
			p.absent = time.Time{}
		case p.absent.IsZero():
			p.absent, p.leader = now, -1
		case now.Sub(p.absent) >= r.cfg.gone && (!r.cfg.Follow || p.end != noEnd || !p.endTime.IsZero()):
			p.err = errNoTopic
			r.finish(p)
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
	defer r.unlock()
	for i, p := range parts {
		if newest[i].err != nil || p.done {
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

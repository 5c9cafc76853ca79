package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	if err := r.refuse(topics); err != nil {
		return err
	}
	r.mu.Lock()
	r.update(topics, false)
	parts := slices.DeleteFunc(slices.Clone(r.order), func(p *partition) bool { return p.phase.over() })
	r.mu.Unlock()
	none := "no topic matches " + strings.Join(r.cfg.Topics, ", ")
	if len(topics) > 0 {
		none = "no topic that matches " + strings.Join(r.cfg.Topics, ", ") + " has one of these partitions"
	}
	if len(parts) == 0 && !r.cfg.Follow && len(r.refused) == 0 {
		return errors.New(none)
	}
	if err := r.settleAll(ctx, parts); err != nil {
		return err
	}
	r.locked(func() (say sayings) {
		switch {
		case len(parts) == 0 && len(r.refused) == 0:
			say.add(Notice{Kind: NoTopicYet, Partition: -1, Text: none + "; waiting for one"})
		case r.open == 0:
			r.signalReady()
		}
		return say
	})
	return r.tellOpen(ctx)
}

// refuse notes a topic whose partitions are not known because the right is missing, and
// forgets those that are known now. That is an error when nothing else is asked for.
func (r *Reader) refuse(topics []topicMeta) error {
	var err error
	r.locked(func() (say sayings) {
		known := map[string]bool{}
		for _, p := range r.order {
			known[p.topic] = true
		}
		for _, t := range topics {
			if t.err != sarama.ErrTopicAuthorizationFailed || known[t.name] { // what is known, a fetch tells about
				delete(r.refused, t.name)
				continue
			}
			access := &AccessError{Topic: t.name, Err: t.err}
			r.refused[t.name] = access
			say = append(say, r.sayDenied(t.name, access)...)
		}
		if len(r.refused) == len(topics) && len(topics) > 0 && len(r.order) == 0 {
			say = nil
			for _, topic := range slices.Sorted(maps.Keys(r.refused)) {
				err = errors.Join(err, r.refused[topic])
			}
		}
		return say
	})
	return err
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
		return nil // for refuse to say
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
					if p.uuid != (sarama.Uuid{}) && (p.phase.fetched() || p.phase == outside) {
						p.phase = replaced
					}
					p.uuid = t.id
				}
				continue
			}
			p := newPartition(tp, pm.leader)
			p.late, p.uuid = added && r.refused[t.name] == nil, t.id
			if _, known := r.cfg.at[tp]; r.cfg.at != nil && !known {
				why := r.cfg.unread.why[tp]
				switch {
				case r.cfg.Follow:
					p.late = why == nil && !r.cfg.refused[t.name]
				case why == nil:
					continue
				default: // shown as not read
					p.err, p.phase = why, gaveUp
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
	r.locked(func() (say sayings) {
		for i := range found {
			say = append(say, r.settle(&found[i])...)
		}
		return say
	})
	return nil
}

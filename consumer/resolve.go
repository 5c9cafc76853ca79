package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// resolved is where to start and end in one partition.
type resolved struct {
	p              *partition
	oldest, newest int64
	from, to       int64 // answers for points in time; -1 none such
	start, end     int64
	endTime        time.Time
	clamped        string // an offset that was asked for and is not there
	early          string // a start that is a time to come
	err            error
}

// resolve finds out where to start and end in the partitions. It reads nothing of
// them but their names and leaders, so that it needs no lock.
func (r *Reader) resolve(ctx context.Context, parts []*partition) ([]resolved, error) {
	out := make([]resolved, len(parts))
	queries := make([]*offsetQuery, 0, 2*len(parts))
	apply := make([]func(), 0, cap(queries))
	ask := func(i int, p *partition, at int64, answer *int64) {
		q := &offsetQuery{topicPartition: p.topicPartition, leader: p.leader, time: at}
		queries = append(queries, q)
		apply = append(apply, func() {
			*answer = q.offset
			if q.err != nil && out[i].err == nil {
				out[i].err = q.err
			}
		})
	}
	for i, p := range parts {
		out[i].p = p
		ask(i, p, timeOldest, &out[i].oldest)
		ask(i, p, timeNewest, &out[i].newest)
		if from, _ := r.startPoint(p); from.kind == pointTime {
			ask(i, p, max(from.t.UnixMilli(), 0), &out[i].from)
		}
		if to, ok := r.cfg.To.p.at(p.id); ok && to.kind == pointTime {
			ask(i, p, max(to.t.UnixMilli(), 0), &out[i].to)
		}
	}
	if err := r.cluster.offsets(ctx, queries, r.cfg.Isolation); err != nil {
		return nil, err
	}
	for _, f := range apply {
		f()
	}
	for i := range out {
		if out[i].err == nil {
			out[i].place(r)
		}
	}
	return out, nil
}

// startPoint returns where a partition is to be started, and whether that was asked
// for by number.
func (r *Reader) startPoint(p *partition) (point, bool) {
	if r.cfg.unread.why[p.topicPartition] != nil {
		return point{kind: pointBack, n: r.cfg.unread.back}, false
	}
	from, given := r.cfg.From.p.at(p.id)
	if p.added && (!given || from.kind == pointNewest) {
		return point{kind: pointOldest}, false // nothing in it was there when the read began
	}
	return from, given
}

// place turns the answers into offsets.
func (v *resolved) place(r *Reader) {
	v.newest = max(v.newest, v.oldest)
	if at, ok := r.cfg.at[v.p.topicPartition]; ok {
		v.start, v.end = min(max(at.start, v.oldest), v.newest), at.end
		if to, given := r.cfg.To.p.at(v.p.id); given && at.end == noEnd { // Continue: a time to come
			v.placeEnd(to)
		}
		return
	}
	from, _ := r.startPoint(v.p)
	switch from.kind {
	case pointNewest:
		v.start = v.newest
	case pointOldest:
		v.start = v.oldest
	case pointBack:
		v.start = max(v.newest-from.n, v.oldest)
	case pointAhead:
		v.start = min(v.oldest+from.n, v.newest)
	case pointTime:
		v.start = v.from
		if v.from < 0 {
			v.start = v.newest
			if from.t.After(time.Now()) {
				v.early = from.String()
			}
		}
	case pointOffset:
		v.start = min(max(from.n, v.oldest), v.newest)
		if v.start != from.n {
			v.clamped = from.String()
		}
	}
	v.end = noEnd
	to, given := r.cfg.To.p.at(v.p.id)
	if given {
		v.placeEnd(to)
	}
	if !r.cfg.Follow {
		v.end, v.endTime = min(v.end, v.newest), time.Time{}
	}
}

func (v *resolved) placeEnd(to point) {
	switch to.kind {
	case pointNewest:
		v.end = v.newest
	case pointOldest:
		v.end = v.oldest
	case pointBack:
		v.end = max(v.newest-to.n, v.oldest)
	case pointAhead:
		v.end = v.start + to.n
	case pointOffset:
		v.end = to.n
	case pointTime:
		switch {
		case v.to >= 0:
			v.end = v.to
		case to.t.After(time.Now()):
			v.endTime = to.t
		default:
			v.end = v.newest
		}
	}
}

// settle writes what was resolved into the partition; the caller holds r.mu. It
// reports whether the partition is read from now on, or is finished.
func (r *Reader) settle(v *resolved) bool {
	p := v.p
	if v.err != nil {
		r.fail(p, v.err)
		return false
	}
	r.recovered(p)
	p.known = true
	p.oldest, p.newest, p.heard = v.oldest, v.newest, time.Now()
	p.start, p.next, p.delivered = v.start, v.start, v.start
	p.end, p.endTime = v.end, v.endTime
	if v.clamped != "" {
		held := fmt.Sprintf(" holds the offsets %d to %d and not", v.oldest, v.newest-1)
		if v.oldest == v.newest {
			held = " is empty and has no offset"
		}
		r.sayOf(OffsetClamped, p, fmt.Sprintf("%s %s; starting at %d", held, v.clamped, v.start),
			" do not hold the offset "+v.clamped+"; starting at the nearest one of each")
	}
	if v.early != "" {
		r.sayOf(OffsetClamped, p, " has nothing as late as "+v.early+"; starting at newest", " have nothing as late as "+v.early+"; starting at newest")
	}
	if p.next >= p.end {
		r.finish(p)
	}
	return true
}

// clamp moves partitions whose position is outside of their log back into it.
func (r *Reader) clamp(ctx context.Context, parts []*partition) error {
	type ends struct{ oldest, newest *offsetQuery }
	found := make([]ends, len(parts))
	queries := make([]*offsetQuery, 0, 2*len(parts))
	for i, p := range parts {
		r.mu.Lock()
		leader := p.leader
		r.mu.Unlock()
		found[i].oldest = &offsetQuery{topicPartition: p.topicPartition, leader: leader, time: timeOldest}
		found[i].newest = &offsetQuery{topicPartition: p.topicPartition, leader: leader, time: timeNewest}
		queries = append(queries, found[i].oldest, found[i].newest)
	}
	if err := r.cluster.offsets(ctx, queries, r.cfg.Isolation); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range parts {
		if err := errors.Join(found[i].oldest.err, found[i].newest.err); err != nil {
			r.fail(p, err)
			continue
		}
		r.recovered(p)
		r.moveInto(p, found[i].oldest.offset, max(found[i].newest.offset, found[i].oldest.offset))
	}
	return nil
}

// moveInto puts the position of a partition into what its log holds now. The caller
// holds r.mu.
func (r *Reader) moveInto(p *partition, oldest, newest int64) {
	was := p.next
	endless := r.cfg.Follow && r.cfg.To.IsZero()
	text := ""
	switch {
	case p.anew && endless:
		p.next = oldest
		text = fmt.Sprintf("topic %s was deleted and made anew; reading partition %d from its beginning", p.topic, p.id)
	case p.anew:
		p.next, p.end = oldest, oldest
		text = fmt.Sprintf("topic %s was deleted and made anew; partition %d ended at %d", p.topic, p.id, was)
	case p.next < oldest:
		p.next = oldest
		text = fmt.Sprintf("the records %d to %d of partition %d of %s are gone (retention); going on at %d", was, oldest-1, p.id, p.topic, oldest)
	case p.next > newest:
		p.next = newest
		if !endless {
			p.end = min(p.end, newest)
		}
		text = fmt.Sprintf("partition %d of %s was cut back from %d to %d; going on there", p.id, p.topic, was, newest)
	}
	if text != "" {
		p.delivered = p.next
		r.say(Notice{Kind: OffsetClamped, Topic: p.topic, Partition: p.id, Text: text})
	}
	p.oldest, p.newest, p.heard, p.clampNext, p.anew = oldest, newest, time.Now(), false, false
	if p.next >= p.end {
		r.finish(p)
	}
}

// permanent reports whether asking again cannot help.
func permanent(err error) bool {
	return denied(err) || errors.Is(err, sarama.ErrInvalidTopic) || errors.Is(err, sarama.ErrUnsupportedVersion)
}

// denied reports whether a right is missing.
func denied(err error) bool {
	return errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClusterAuthorizationFailed)
}

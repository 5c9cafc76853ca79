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
	high           int64 // newest, whatever is committed; -1 not asked
	local          int64 // first offset of the local log; -1 not asked
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
		out[i].p, out[i].high, out[i].local = p, -1, -1
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
	if err := r.resolveHigh(ctx, out); err != nil {
		return nil, err
	}
	if err := r.resolveLocal(ctx, out); err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].err == nil {
			out[i].place(r)
		}
	}
	return out, nil
}

// resolveHigh finds out how far partitions reach beyond an open transaction, where the
// read ends in front of it.
func (r *Reader) resolveHigh(ctx context.Context, out []resolved) error {
	if r.cfg.Isolation != ReadCommitted || r.cfg.Follow {
		return nil // a follower hears it with each fetch
	}
	queries := make([]*offsetQuery, len(out))
	for i, v := range out {
		queries[i] = &offsetQuery{topicPartition: v.p.topicPartition, leader: v.p.leader, time: timeNewest}
	}
	if err := r.cluster.offsets(ctx, queries, ReadUncommitted); err != nil {
		return err
	}
	for i, q := range queries {
		if q.err == nil { // else the other questions have failed too
			out[i].high = q.offset
		}
	}
	return nil
}

// resolveLocal finds out where the local logs begin of partitions that are to be read
// from there.
func (r *Reader) resolveLocal(ctx context.Context, out []resolved) error {
	byLeader := map[int32][]localQuery{}
	at := map[topicPartition]*resolved{}
	for i := range out {
		v := &out[i]
		from, _ := r.startPoint(v.p)
		to, _ := r.cfg.To.p.at(v.p.id)
		if v.err == nil && (from.kind == pointOldestLocal || to.kind == pointOldestLocal) {
			byLeader[v.p.leader] = append(byLeader[v.p.leader], localQuery{p: v.p, topicPartition: v.p.topicPartition})
			at[v.p.topicPartition] = v
		}
	}
	for leader, queries := range byLeader {
		tiered, err := r.askLocal(ctx, leader, queries)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, q := range queries {
			v := at[q.topicPartition]
			switch {
			case err != nil:
				v.err = err
			case !tiered, q.err == sarama.ErrUnsupportedVersion: // nothing is remote
				v.local = v.oldest
			case q.err != sarama.ErrNoError:
				v.err = q.err
			default:
				v.local = q.first
			}
		}
	}
	return nil
}

// askLocal asks a leader where the local logs of partitions begin.
func (r *Reader) askLocal(ctx context.Context, leader int32, queries []localQuery) (tiered bool, err error) {
	addr, ok := r.cluster.brokers[leader]
	if !ok {
		return false, errNoLeader
	}
	l, err := dial(ctx, r.cluster.cfg, addr)
	if err != nil {
		return false, err
	}
	defer l.close()
	return l.firstLocal(queries, r.cluster.cfg.ClientID, r.pool)
}

// startPoint returns where a partition is to be started, and whether that was asked
// for by number.
func (r *Reader) startPoint(p *partition) (point, bool) {
	if r.cfg.unread.why[p.topicPartition] != nil {
		return point{kind: pointBack, n: r.cfg.unread.back}, false
	}
	from, given := r.cfg.From.p.at(p.id)
	if p.late && (!given || from.kind == pointNewest) {
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
	case pointOldestLocal:
		v.start = min(max(v.local, v.oldest), v.newest)
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
	case pointOldestLocal:
		v.end = max(v.local, v.oldest)
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

// settle writes what was resolved into the partition; the caller holds r.mu.
func (r *Reader) settle(v *resolved) (say sayings) {
	p := v.p
	if p.phase != placing { // given up meanwhile
		return nil
	}
	if v.err != nil {
		return r.fail(p, v.err)
	}
	if p.contact != answering && !isDenied(p.err) { // offsets may be asked for without the right to read
		say = r.recovered(p)
	}
	p.phase = reading
	say = append(say, r.stable(p, v.newest, max(v.high, v.newest))...)
	p.oldest, p.newest, p.heard = v.oldest, v.newest, time.Now()
	p.start, p.next, p.delivered = v.start, v.start, v.start
	p.end, p.endTime = v.end, v.endTime
	if v.clamped != "" {
		held := fmt.Sprintf(" holds the offsets %d to %d and not", v.oldest, v.newest-1)
		if v.oldest == v.newest {
			held = " is empty and has no offset"
		}
		say.about(OffsetClamped, p, fmt.Sprintf("%s %s; starting at %d", held, v.clamped, v.start),
			" do not hold the offset "+v.clamped+"; starting at the nearest one of each")
	}
	if v.early != "" {
		say.about(OffsetClamped, p, " has nothing as late as "+v.early+"; starting at newest", " have nothing as late as "+v.early+"; starting at newest")
	}
	if p.next >= p.end {
		r.finish(p)
	}
	return say
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
	r.locked(func() (say sayings) {
		for i, p := range parts {
			if p.phase.over() {
				continue
			}
			if err := errors.Join(found[i].oldest.err, found[i].newest.err); err != nil {
				say = append(say, r.fail(p, err)...)
				continue
			}
			oldest, newest := found[i].oldest.offset, max(found[i].newest.offset, found[i].oldest.offset)
			if p.phase == outside && oldest <= p.next && p.next <= newest {
				// Asked again. Remote storage whose index lacks a segment answers so for ever.
				p.phase = reading
				say = append(say, r.fail(p, fmt.Errorf("its broker says that it has no offset %d, and that it has %d to %d", p.next, oldest, newest-1))...)
				continue
			}
			say = append(say, r.recovered(p)...)
			say = append(say, r.moveInto(p, oldest, newest)...)
		}
		return say
	})
	return nil
}

// moveInto puts the position of a partition into what its log holds now. The caller
// holds r.mu.
func (r *Reader) moveInto(p *partition, oldest, newest int64) (say sayings) {
	was := p.next
	endless := r.cfg.Follow && r.cfg.To.IsZero()
	text := ""
	switch {
	case p.phase == replaced && endless:
		p.next = oldest
		text = fmt.Sprintf("topic %s was deleted and made anew; reading partition %d from its beginning", p.topic, p.id)
	case p.phase == replaced:
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
		say.add(Notice{Kind: OffsetClamped, Topic: p.topic, Partition: p.id, Text: text})
	}
	p.oldest, p.newest, p.heard, p.phase = oldest, newest, time.Now(), reading
	if p.next >= p.end {
		r.finish(p)
	}
	return say
}

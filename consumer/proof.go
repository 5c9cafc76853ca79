package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// An answer without data, while the end is known to be behind the position, has two
// meanings. The rest of the log may hold no batch any more: compaction took it, or
// the records were deleted. Or the data is in remote storage (KIP-405), and the
// broker did not get hold of it within its remote.fetch.max.wait.ms; then it answers
// with nothing and no error. Only the first offset of the local log tells them
// apart: a local log is read within the request, so nothing from there on is proof.

// silentMost is the longest pause before remote storage is asked again.
const silentMost = 2 * time.Second

// doubt notes the partitions of which an answer without any data, for whichever
// partition, so that none was left out for want of room, brought nothing although
// their ends are known to be behind their positions. The caller holds r.mu.
func (f *fetcher) doubt() {
	for i, p := range f.parts {
		if !p.phase.fetched() || p.end == noEnd || p.contact != answering || p.next >= p.end || p.newest < p.end && f.r.cfg.Follow ||
			f.req.parts[i].offset != p.next || p.need > 0 {
			continue
		}
		p.phase = doubtful
		if p.silence.answers++; p.silence.answers == 1 {
			p.silence.began = f.r.callers.sum()
		}
		if p.newest < p.end { // it was there at the beginning: nothing can prove that it is not missed
			f.r.again(p)
			continue
		}
		f.doubts = append(f.doubts, localQuery{p: p, topicPartition: p.topicPartition, next: p.next})
	}
}

// localQuery asks where the local log of a partition begins.
type localQuery struct {
	topicPartition
	p     *partition
	next  int64 // position that the question is about
	first int64 // answer: offset
	err   sarama.KError
}

// prove finds out which of the doubtful partitions have nothing left, and ends them.
func (f *fetcher) prove() error {
	local, err := f.link.firstLocal(f.doubts, f.r.cluster.cfg.ClientID, f.r.pool)
	if err != nil {
		return fmt.Errorf("first local offsets: %w", err)
	}
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range f.doubts {
		p := q.p
		switch {
		case p.phase != doubtful || p.next != q.next: // moved meanwhile
		case !local, q.err == sarama.ErrUnsupportedVersion, q.err == sarama.ErrNoError && q.first <= q.next:
			r.cfg.Log.Debug("no batch up to the end", "topic", p.topic, "partition", p.id, "next", p.next, "end", p.end)
			p.delivered = max(p.delivered, p.end)
			r.finish(p)
		default:
			r.again(p)
		}
	}
	return nil
}

// again lets a silent partition be asked again after a while. The caller holds r.mu.
func (r *Reader) again(p *partition) {
	p.pause = time.Now().Add(min(retryFirst<<min(p.silence.answers-1, 10), silentMost))
	r.lookSoon() // somebody must mind the deadline
}

// The request for offsets in the version that knows the local log. timeOldestLocal
// stands for its first offset.
const (
	listOffsetsKey     = 2
	listOffsetsVersion = 8
	timeOldestLocal    = -4
)

// firstLocal asks a broker where the local logs of partitions begin. It returns false
// when the broker's version knows no remote storage: everything is local.
func (l *link) firstLocal(queries []localQuery, clientID string, pool *bufferPool) (tiered bool, err error) {
	if tiered, err = l.serves(listOffsetsKey, listOffsetsVersion, clientID, pool); err != nil || !tiered {
		return false, err
	}
	body, err := l.ask(appendListOffsets(l.head(listOffsetsKey, listOffsetsVersion, clientID, true), queries), pool, fetchPatience)
	if err != nil {
		return false, err
	}
	defer pool.put(body)
	return true, parseListOffsets(body, queries)
}

// appendListOffsets appends the body of a request for the first local offsets.
func appendListOffsets(b []byte, queries []localQuery) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, 0xffffffff) // replica -1: a consumer
	b = append(b, 0)                   // isolation: of no meaning here
	byTopic := map[string][]localQuery{}
	for _, q := range queries {
		byTopic[q.topic] = append(byTopic[q.topic], q)
	}
	b = binary.AppendUvarint(b, uint64(len(byTopic))+1)
	for _, of := range byTopic {
		b = binary.AppendUvarint(b, uint64(len(of[0].topic))+1)
		b = append(b, of[0].topic...)
		b = binary.AppendUvarint(b, uint64(len(of))+1)
		for _, q := range of {
			b = be.AppendUint32(b, uint32(q.id))
			b = be.AppendUint32(b, 0xffffffff) // leader epoch: unknown
			at := int64(timeOldestLocal)
			b = be.AppendUint64(b, uint64(at))
			b = append(b, 0) // no tagged fields
		}
		b = append(b, 0)
	}
	return append(b, 0)
}

// parseListOffsets puts the answers into the queries.
func parseListOffsets(body []byte, queries []localQuery) error {
	for i := range queries {
		queries[i].err = sarama.ErrUnknown
	}
	r := wireReader{b: body}
	r.tags()
	r.int32() // throttle time
	for range r.compactLen() {
		topic := string(r.take(r.compactLen()))
		for range r.compactLen() {
			id, code := r.int32(), r.int16()
			r.int64() // time
			first := r.int64()
			r.int32() // leader epoch
			r.tags()
			for i := range queries {
				if q := &queries[i]; r.err == nil && q.id == id && q.topic == topic {
					q.first, q.err = first, sarama.KError(code)
				}
			}
		}
		r.tags()
	}
	if r.err != nil {
		return errors.New("malformed answer about offsets")
	}
	return nil
}

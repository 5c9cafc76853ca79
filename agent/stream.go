package agent

import (
	"slices"
	"sync"
	"time"

	"logctl/agent/ship"
	"logctl/agent/tail"
	"logctl/agent/transform"
)

// stream is what a task knows of one file generation beyond what tail knows: what
// is on its way, and the line rules' state.
type stream struct {
	id      tail.FileID
	file    *tail.File
	path    string
	key     string // partition key
	headers sourceHeaders
	start   int64 // position of the first byte read in this run
	window  window
	elders  []*stream // older generations of the path, whose held events go first; of the pump
	before  *stream   // of another path, all of which is to be acknowledged first; of the pump
	left    bool      // it is of a life of the task that failed; guarded by task.mu
	known   bool      // its generation is on disk; of the pump
	skip    *skip     // what Kafka has of it already; nil: nothing. Guarded by mu where there is a pipe, else of the pump

	// mu guards the pipe: a pump and the flush timer may meet.
	mu      sync.Mutex
	pipe    *transform.Pipe
	held    share      // of the memory of all tasks
	pieces  bool       // it was said that events are sent in pieces
	odd     bool       // it was said that lines are not in the entry's format
	heldEnd tail.State // to save when the held event was sent
	heldAt  time.Time  // when the last line of the held event was read
}

// unacked says whether anything of the file is on its way or held.
func (s *stream) unacked() bool {
	if _, ok := s.window.oldest(); ok {
		return true
	}
	return s.holds()
}

// holds says whether an event waits for more lines.
func (s *stream) holds() bool {
	if s.pipe == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, held := s.pipe.Held()
	return held
}

// acked is the position before which everything was acknowledged.
func (s *stream) acked() int64 {
	if pos, ok := s.window.position(); ok {
		return pos
	}
	return s.start
}

// parcel is a chunk on its way: the bundle with what is to happen on its
// acknowledgement. Parcels are used again, so that a chunk costs no allocation.
type parcel struct {
	bundle ship.Bundle
	chunk  *tail.Chunk // released on acknowledgement; nil when data is batch's
	batch  transform.Batch
	marks  []ship.Mark // memory of the bundle's
	task   *task
	stream *stream
	seg    *segment
	lines  uint64 // lines of the file it stands for
	bytes  uint64 // bytes of the file it stands for
}

// parcels is a free list of parcels for all tasks: one for each of 5,000 tasks would keep a
// parcel in each.
type parcels struct{ pool sync.Pool }

func (p *parcels) get(t *task, s *stream) *parcel {
	pc, ok := p.pool.Get().(*parcel)
	if !ok {
		pc = &parcel{}
		pc.bundle.Done = pc.done
	}
	pc.task, pc.stream = t, s
	pc.bundle.Topic, pc.bundle.Key = t.entry.Topic, s.key
	s.headers.onto(&pc.bundle)
	pc.bundle.Spans, pc.bundle.Marks = pc.bundle.Spans[:0], pc.marks[:0]
	return pc
}

func (p *parcels) put(pc *parcel) {
	if pc.chunk != nil {
		pc.chunk.Release()
	}
	pc.chunk, pc.task, pc.stream, pc.seg, pc.bundle.Data = nil, nil, nil, nil, nil
	pc.lines, pc.bytes = 0, 0
	pc.marks = pc.bundle.Marks[:0]
	pc.batch.Reset()
	if cap(pc.batch.Data) > 1<<20 {
		pc.batch.Data = nil // one giant line must not be kept for ever
	}
	p.pool.Put(pc)
}

// done is called by ship once, from its goroutine.
func (pc *parcel) done(r ship.Result) {
	t := pc.task
	if r.Err == nil {
		t.counters.ackedLines.Add(pc.lines)
		t.counters.ackedBytes.Add(pc.bytes)
		t.counters.split.Add(uint64(r.Split))
		t.counters.skipped.Add(uint64(r.Skipped))
		pc.seg.at = landing{t.entry.Topic, r.Partition, r.Offset}
		t.acknowledge(pc.stream, pc.seg)
	}
	t.shared.parcels.put(pc)
}

// lines makes the bundle carry the lines of a chunk as they are.
func (pc *parcel) carry(c *tail.Chunk) {
	pc.chunk = c
	pc.bundle.Data = c.Data
	pc.bundle.Spans = slices.Grow(pc.bundle.Spans, len(c.Lines))
	for i := range c.Lines {
		l := &c.Lines[i]
		pc.bundle.Spans = append(pc.bundle.Spans, ship.Span{Start: l.Start, End: l.End, Pos: l.Pos, Part: l.Part, Last: l.Last})
	}
	if s := pc.stream; s.skip != nil && s.skip.lines(&pc.bundle) {
		s.skip = nil
	}
}

// carryBatch makes the bundle carry the events the line rules made.
func (pc *parcel) carryBatch() {
	pc.bundle.Data = pc.batch.Data
	for i := range pc.batch.Events {
		e := &pc.batch.Events[i]
		span := ship.Span{Start: e.Start, End: e.End, Pos: e.Pos, Part: e.Part, Last: e.Last}
		mark(&pc.bundle, &span, e)
		pc.bundle.Spans = append(pc.bundle.Spans, span)
	}
	if s := pc.stream; s.skip != nil && s.skip.events(&pc.bundle) {
		s.skip = nil
	}
}

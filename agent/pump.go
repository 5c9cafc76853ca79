package agent

import (
	"context"
	"errors"
	"io"
	"time"

	"logctl/agent/tail"
	"logctl/agent/transform"
)

// quantum is how much of one file is read, in bytes, before other files of the
// task get their turn.
const quantum = 2 << 20

// pump reads one file until there is nothing whole to read or its turn is over.
func (t *task) pump(ctx context.Context, f *tail.File, rules *transform.Rules) error {
	defer f.Release()
	s := t.streamOf(f, rules)
	if err := t.awaitBefore(ctx, s); err != nil {
		return err
	}
	for left := int64(quantum); left > 0; {
		n, err := t.pass(ctx, s, f)
		if errors.Is(err, io.EOF) {
			return t.endOfFile(ctx, s, f)
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// awaitBefore waits until what the file before this one held is acknowledged. Both have
// paths, and so partition keys, of their own: ship keeps no order between them.
func (t *task) awaitBefore(ctx context.Context, s *stream) error {
	if s.before == nil {
		return nil
	}
	if s.before.pipe != nil {
		if err := t.flushHeld(ctx, s.before, time.Time{}); err != nil {
			return err
		}
	}
	select {
	case <-s.before.window.rests():
		s.before = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pass hands the next chunk of a file to ship, when there is room for it to wait. It
// returns how many bytes of the file that was, io.EOF when there is nothing to read.
func (t *task) pass(ctx context.Context, s *stream, f *tail.File) (n int64, err error) {
	size, err := t.door.enter(ctx, t.flows)
	if err != nil {
		return 0, err
	}
	accepted := false
	defer func() { t.door.leave(size, accepted) }()
	f.Limit(size)
	c, err := f.Next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			// The Set keeps the file and says what is wrong in its FileInfo; it becomes
			// ready again when that changes.
			t.log.Debug("file cannot be read now", "path", f.Path(), "error", err)
		}
		return 0, io.EOF
	}
	if !s.known {
		s.known = true
		if err := t.shared.registry.Know(t.entry.Key(), c.StateAt(c.Start)); err != nil {
			t.log.Debug("state of a new file cannot be saved; a crash now would send its lines again", "path", f.Path(), "error", err)
		}
	}
	n = c.End - c.Start // c is not ours any more when it was sent
	err = t.send(ctx, s, c)
	accepted = err == nil
	return n, err
}

// flows tells whether nothing is known to be wrong with the topic.
func (t *task) flows() bool {
	st := t.shared.producer.Topic(t.entry.Topic)
	return st.State == "" || st.Slow
}

// send hands a chunk to ship. The chunk is released when it was acknowledged, or
// at once when nothing of it is to be sent.
func (t *task) send(ctx context.Context, s *stream, c *tail.Chunk) error {
	now := time.Now()
	t.counters.lines.Add(uint64(len(c.Lines)))
	t.counters.bytes.Add(uint64(c.End - c.Start))
	t.counters.lastRead.Store(now.UnixNano())
	if s.pipe != nil {
		return t.sendThrough(ctx, s, c, now)
	}
	pc := t.shared.parcels.get(t, s)
	pc.carry(c)
	pc.lines, pc.bytes = uint64(len(c.Lines)), uint64(c.End-c.Start)
	pc.seg = s.window.track(c.StateAt(c.End), false, now)
	return t.dispatch(ctx, pc, now)
}

// sendThrough applies the line rules to a chunk first.
func (t *task) sendThrough(ctx context.Context, s *stream, c *tail.Chunk, now time.Time) error {
	// A generation is handed out when the older ones were read to their ends, so that
	// what they hold is complete, and older than this chunk.
	for _, older := range s.elders {
		if err := t.flushHeld(ctx, older, time.Time{}); err != nil {
			c.Release()
			return err
		}
	}
	s.elders = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	pc := t.shared.parcels.get(t, s)
	for i := range c.Lines {
		l := &c.Lines[i]
		if s.skip != nil && s.skip.dealtWith(l) {
			continue
		}
		s.pipe.Add(transform.In{Data: c.Data[l.Start:l.End], Pos: l.Pos, Part: l.Part, Last: l.Last}, &pc.batch)
	}
	t.holdLess(s, pc)
	pc.lines, pc.bytes = uint64(len(c.Lines)), uint64(c.End-c.Start)
	end, keep := c.StateAt(c.End), false
	if held, ok := s.pipe.Held(); ok {
		s.heldEnd, s.heldAt = end, now
		if held >= c.Start {
			end = c.StateAt(held)
		} else {
			keep = true
		}
	}
	pc.seg = s.window.track(end, keep, now)
	c.Release() // the events were copied
	t.countRuled(s, &pc.batch)
	pc.carryBatch()
	return t.dispatch(ctx, pc, now)
}

// countRuled counts what the rules of the entry did. That lines are not in its format is
// said once for a file: the entry names another program than the one that writes.
func (t *task) countRuled(s *stream, b *transform.Batch) {
	t.counters.filtered.Add(uint64(b.Filtered))
	t.counters.unparsed.Add(uint64(b.Unparsed))
	if b.Unparsed > 0 && !s.odd {
		s.odd = true
		t.log.Warn("lines are not in the entry's format and go as they are", "path", s.path, "format", t.entry.Format, "lines", b.Unparsed)
	}
}

// dispatch sends a parcel, or acknowledges it when it holds no record.
func (t *task) dispatch(ctx context.Context, pc *parcel, now time.Time) error {
	if err := ctx.Err(); err != nil {
		// A range before this one may not have been sent, so not even one without
		// records may move the position.
		pc.stream.window.drop(pc.seg)
		t.shared.parcels.put(pc)
		return err
	}
	if len(pc.bundle.Spans) == 0 {
		t.counters.ackedLines.Add(pc.lines)
		t.counters.ackedBytes.Add(pc.bytes)
		t.acknowledge(pc.stream, pc.seg)
		t.shared.parcels.put(pc)
		return nil
	}
	pc.bundle.Time = now
	pc.stream.headers.stamped(&pc.bundle)
	if err := t.shared.producer.Send(ctx, &pc.bundle); err != nil {
		// Nothing after this range is sent either, so the saved position stays before
		// it, and whoever reads the file next reads it again. It must not stay in the
		// window: a successor waits until that is empty.
		pc.stream.window.drop(pc.seg)
		t.shared.parcels.put(pc)
		return err
	}
	return nil
}

// endOfFile sends a held event when no more lines can follow.
func (t *task) endOfFile(ctx context.Context, s *stream, f *tail.File) error {
	if s.pipe == nil || !f.Done() {
		return nil
	}
	return t.flushHeld(ctx, s, time.Time{})
}

// flushHeld sends the held event of a stream if its last line was read before the
// given time and there is no more to read; the zero time means in any case.
func (t *task) flushHeld(ctx context.Context, s *stream, before time.Time) error {
	pending := !before.IsZero() && s.file.Pending() // asked first: s.mu waits for no file system
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.pipe.Held(); !ok || (!before.IsZero() && (s.heldAt.After(before) || pending)) {
		return nil
	}
	now := time.Now()
	pc := t.shared.parcels.get(t, s)
	s.pipe.Flush(&pc.batch)
	s.held.take(&t.shared.lobby.events, s.pipe)
	t.countRuled(s, &pc.batch)
	pc.seg = s.window.track(s.heldEnd, false, now)
	pc.carryBatch()
	return t.dispatch(ctx, pc, now)
}

// flushEvents ends multi-line events that got their last line before a time, and tells
// whether others are still held. An event whose file has more to read waits for that, however
// long: for the file's turn, or for a topic that takes nothing.
func (t *task) flushEvents(ctx context.Context, before time.Time) (held bool, err error) {
	for _, s := range t.streamList() {
		if err := t.flushHeld(ctx, s, before); err != nil {
			return false, err
		}
		held = held || s.holds()
	}
	return held, nil
}

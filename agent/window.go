package agent

import (
	"sync"
	"time"

	"logctl/agent/tail"
)

// window keeps the ranges of one file that were read and are not yet safely
// acknowledged, in the order of the file. Acknowledgements come in any order; the
// position that may be saved is the end of the longest run of ranges, from the
// oldest on, that are all acknowledged.
//
// The idea of a contiguous low-watermark is Filebeat's and Vector's
// (OrderedFinalizer); without it a later success would leapfrog an earlier failure.
type window struct {
	used *sync.Pool // of *segment, to be used again; nil: none are

	mu    sync.Mutex
	head  *segment // oldest
	tail  *segment
	acked tail.State // valid if saved
	saved bool
	rest  chan struct{} // closed when nothing is on its way; nil: nobody waits
}

// segment is one range on its way.
type segment struct {
	next  *segment
	state tail.State // what to save once everything up to here is acknowledged
	keep  bool       // state is not to be saved: a held event began before this range
	done  bool
	read  time.Time
	at    landing // where Kafka has it, once done
}

// landing is where the records of a range begin.
type landing struct {
	topic     string // empty: it had none
	partition int32
	offset    int64 // -1: not known
}

// track notes a range as on its way. keep says that the state must not be saved
// even when the range is acknowledged.
func (w *window) track(st tail.State, keep bool, read time.Time) *segment {
	seg := w.segment()
	*seg = segment{state: st, keep: keep, read: read}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tail == nil {
		w.head = seg
	} else {
		w.tail.next = seg
	}
	w.tail = seg
	return seg
}

// segment returns memory for a range.
func (w *window) segment() *segment {
	if w.used != nil {
		if seg, ok := w.used.Get().(*segment); ok {
			return seg
		}
	}
	return new(segment)
}

// ack notes a range as acknowledged, once; seg is not to be used any more. It returns
// the state to save, and whether it moved.
func (w *window) ack(seg *segment) (tail.State, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seg.done = true
	moved := false
	for w.head != nil && w.head.done {
		first := w.head
		if !first.keep {
			w.acked, w.saved, moved = first.state, true, true
		}
		w.head = first.next
		if w.used != nil {
			*first = segment{}
			w.used.Put(first)
		}
	}
	if w.head == nil {
		w.tail = nil
		w.restsLocked()
	}
	return w.acked, moved
}

// rests returns a channel that is closed as soon as nothing is on its way.
func (w *window) rests() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rest == nil {
		w.rest = make(chan struct{})
	}
	rest := w.rest
	if w.head == nil {
		w.restsLocked()
	}
	return rest
}

func (w *window) restsLocked() {
	if w.rest != nil {
		close(w.rest)
		w.rest = nil
	}
}

// uncovered calls back with where the ranges are that are acknowledged and not covered by
// the acknowledged position, because one before them is on its way.
func (w *window) uncovered(each func(landing)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for seg := w.head; seg != nil; seg = seg.next {
		if seg.done && seg.at.topic != "" {
			each(seg.at)
		}
	}
}

// drop takes back a range that was not sent after all, with what was tracked after it:
// the ranges before it are all that an acknowledgement can still come for. None of them
// is used again: who tracked the later ones may still hold them.
func (w *window) drop(seg *segment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var before *segment
	for at := w.head; at != nil; before, at = at, at.next {
		if at != seg {
			continue
		}
		if w.tail = before; before == nil {
			w.head = nil
			w.restsLocked()
		} else {
			before.next = nil
		}
		return
	}
}

// position returns the acknowledged position in bytes; ok is false as long as
// nothing was acknowledged.
func (w *window) position() (pos int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked.Pos, w.saved
}

// oldest returns when the oldest range on its way was read; ok is false when
// nothing is on its way.
func (w *window) oldest() (read time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head == nil {
		return time.Time{}, false
	}
	return w.head.read, true
}

package transform

// fill is what an event still waits for.
//
//	cut ──the rest of its last line──▶ open ──line of another event, limit or time──▶ done
//	 └──────────── no rule joins lines ───────────────────────────────────────────────▶ done
type fill uint8

const (
	cut  fill = iota // the rest of a line
	open             // further lines
	done             // nothing: it leaves when what began before it has left
)

// event is one that is held.
type event struct {
	source Source
	fill   fill
	phase  phase // of an event that is open
	lines  int
	pos    int64 // of its first byte in the file
	millis int64 // of its first line; 0: the line does not say
	data   []byte
}

// lanes hold the events of one file that are not complete, and those behind them. Each
// source has a lane of its own, so that a trace on stderr and lines on stdout that
// stand mixed in the file stay whole. Events leave in the order in which they began:
// the positions that are saved behind them then leave out nothing and repeat nothing.
type lanes struct {
	join   *joiner // nil: a line is an event
	queue  []event
	bytes  int      // of the data in the queue
	spares [][]byte // memory of events that left
	single event    // that leaves at once
}

// Bounds of what waits for an event that began before it.
const (
	maxWaiting      = 1000 // events
	maxWaitingBytes = 2 * MaxEventBytes
)

// most is how many bytes an event may have.
func (l *lanes) most() int {
	if l.join == nil {
		return MaxEventBytes
	}
	return l.join.maxBytes
}

// find returns the index of the event of a source in that state; -1: there is none.
func (l *lanes) find(s Source, f fill) int {
	for i := len(l.queue) - 1; i >= 0; i-- {
		if l.queue[i].source == s && l.queue[i].fill == f {
			return i
		}
	}
	return -1
}

// add takes the next piece of output, which begins at pos.
func (l *lanes) add(e envelope, pos int64, leave func(*event)) {
	i := l.find(e.source, cut)
	if i < 0 {
		if !e.more && l.join == nil && len(l.queue) == 0 { // the usual line: nothing is copied
			l.single = event{source: e.source, fill: done, lines: 1, pos: pos, millis: e.millis, data: e.text}
			leave(&l.single)
			return
		}
		l.queue = append(l.queue, event{source: e.source, fill: cut, lines: 1, pos: pos, millis: e.millis, data: l.spare()})
		i = len(l.queue) - 1
	}
	ev := &l.queue[i]
	ev.data = append(ev.data, e.text...)
	l.bytes += len(e.text)
	if !e.more || len(ev.data) >= l.most() {
		l.complete(i)
	}
	l.drain(leave)
}

// complete takes the line that has come to its end in the queue.
func (l *lanes) complete(i int) {
	ev := &l.queue[i]
	if l.join == nil {
		ev.fill = done
		return
	}
	before, at := l.find(ev.source, open), outside
	if before >= 0 {
		b := &l.queue[before]
		if b.lines >= l.join.maxLines || len(b.data)+1+len(ev.data) > l.join.maxBytes {
			b.fill, before = done, -1
		} else {
			at = b.phase
		}
	}
	to, begins := l.join.next(at, ev.data)
	if begins || before < 0 {
		if before >= 0 {
			l.queue[before].fill = done
		}
		ev.fill, ev.phase = open, to
	} else {
		b := &l.queue[before]
		b.data = append(append(b.data, '\n'), ev.data...)
		b.lines++
		b.phase = to
		l.bytes++
		l.keep(ev.data)
		l.queue = append(l.queue[:i], l.queue[i+1:]...)
		ev = b
	}
	if to == ended {
		ev.fill = done
	}
}

// drain lets events leave that nothing holds, and more where too many wait.
func (l *lanes) drain(leave func(*event)) {
	n := 0
	for n < len(l.queue) && (l.queue[n].fill == done || len(l.queue)-n > maxWaiting || l.bytes > maxWaitingBytes) {
		l.bytes -= len(l.queue[n].data)
		leave(&l.queue[n])
		n++
	}
	l.drop(n)
}

// flush lets all leave, complete or not.
func (l *lanes) flush(leave func(*event)) {
	for i := range l.queue {
		leave(&l.queue[i])
	}
	l.bytes = 0
	l.drop(len(l.queue))
}

// drop forgets the first n events and keeps their memory, within bounds.
func (l *lanes) drop(n int) {
	for i := range n {
		l.keep(l.queue[i].data)
	}
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
}

// Bounds of the memory that is kept for later events of a file: most lines are short.
const (
	maxSpares    = 4
	maxSpareSize = 64 << 10 // bytes of each
)

func (l *lanes) keep(data []byte) {
	if len(l.spares) < maxSpares && cap(data) <= maxSpareSize {
		l.spares = append(l.spares, data[:0])
	}
}

func (l *lanes) spare() []byte {
	if n := len(l.spares); n > 0 {
		b := l.spares[n-1]
		l.spares = l.spares[:n-1]
		return b
	}
	return nil
}

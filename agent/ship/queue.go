package ship

// entry is a bundle that was accepted and is not done.
type entry struct {
	b       *Bundle
	key     *keyQueue
	millis  int64 // timestamp of the records that have none of their own
	oldest  int64 // the earliest timestamp of them
	headers int   // bytes that the static headers of one record take, encoded
	next    int   // first span that is in no batch yet
	left    int   // spans not acknowledged
	res     Result
	frames  []frame // span next is being sent in parts; see split.go
	begun   bool    // some of it is acknowledged
	first   int64   // then: offset of the first batch that holds some of it, or one before
	follow  *entry  // next of the same key
}

// millisOf is the timestamp of a span, and which further headers it has.
func (e *entry) millisOf(s *Span) (millis int64, set uint8) {
	if s.Mark == 0 {
		return e.millis, 0
	}
	m := e.b.Marks[s.Mark-1]
	if m.Time == 0 {
		return e.millis, m.Set
	}
	return m.Time, m.Set
}

// fixed is an upper bound of what one record of the entry takes in a batch
// beside its value.
func (e *entry) fixed() int {
	n := recordOverhead + e.headers
	if e.b.PosHeader {
		n += posHeaderSize
	}
	for i := range e.b.Places {
		h := &e.b.Places[i]
		n += bytesLen(len(h.Key)) + bytesLen(len(h.Value)+posDigits)
	}
	return n
}

const (
	batchOverhead  = 61 // header of a record batch
	recordOverhead = 24 // length, attributes, two deltas, key, value length, header count
	posDigits      = 20 // of a position, at most
	posHeaderSize  = 1 + len(posKey) + 1 + posDigits
	partHeaderSize = 1 + len(partKey) + 1 + 40
)

// keyQueue holds the entries of one key that wait in one partition.
type keyQueue struct {
	id         keyID
	part       *partition
	head, tail *entry
	pending    int // entries not done, whether they wait or are in a batch
	inRing     bool
	after      *keyQueue // ring order
}

// keyID names a key within a topic: with the file partitioner a key has one
// partition while it is running (part is -1), else one queue per partition.
type keyID struct {
	key  string
	part int32
}

func (q *keyQueue) push(e *entry) {
	e.follow = nil
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.follow = e
	}
	q.tail = e
}

func (q *keyQueue) pop() {
	e := q.head
	q.head = e.follow
	if q.head == nil {
		q.tail = nil
	}
	e.follow = nil
}

func (q *keyQueue) pushFront(e *entry) {
	e.follow = q.head
	q.head = e
	if q.tail == nil {
		q.tail = e
	}
}

// ring is the round of keys with something to send, first come first served
// and then in turn.
type ring struct {
	head, tail *keyQueue
}

func (r *ring) push(q *keyQueue) {
	q.inRing, q.after = true, nil
	if r.tail == nil {
		r.head = q
	} else {
		r.tail.after = q
	}
	r.tail = q
}

func (r *ring) pushFront(q *keyQueue) {
	q.inRing, q.after = true, r.head
	r.head = q
	if r.tail == nil {
		r.tail = q
	}
}

func (r *ring) pop() {
	q := r.head
	r.head = q.after
	if r.head == nil {
		r.tail = nil
	}
	q.inRing, q.after = false, nil
}

// remove takes a queue out wherever it stands.
func (r *ring) remove(q *keyQueue) {
	var before *keyQueue
	for at := r.head; at != nil; before, at = at, at.after {
		if at != q {
			continue
		}
		if before == nil {
			r.pop()
			return
		}
		before.after = q.after
		if r.tail == q {
			r.tail = before
		}
		q.inRing, q.after = false, nil
		return
	}
}

// piece is a run of spans of one entry in a batch, or one part of one span.
type piece struct {
	e        *entry
	from, to int // spans [from, to); to == from+1 for a part
	isPart   bool
	lo, hi   uint32 // of a part: Data[lo:hi]
	label    string // of a part: value of the header part
}

// batch is what is in flight, or about to be, in one partition.
type batch struct {
	pieces  []piece
	records int
	bytes   int64   // of values
	size    int     // upper bound of the encoded size, uncompressed
	payload *buffer // the records, encoded and compressed; nil until they are
	codec   codec   // of payload
	first   int64   // timestamp of the first record, in milliseconds
	oldest  int64   // the earliest and the latest one; all three
	latest  int64   // are valid with payload
	// restamped is when the records' times were made those of now, in milliseconds; 0: they
	// are the times of reading.
	restamped int64
	stampDue  bool // the records' times were refused: they become those of the next attempt
	unsure    bool // an attempt ended without an answer: it may be stored
}

// reset forgets the batch and gives its memory back.
func (b *batch) reset(m *memory) {
	if b.payload != nil {
		m.put(b.payload)
	}
	clear(b.pieces)
	*b = batch{pieces: b.pieces[:0]}
}

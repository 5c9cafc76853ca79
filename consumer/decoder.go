package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"time"
)

// abortedTxn says that a producer's records from an offset on, up to its next abort
// marker, were aborted.
type abortedTxn struct {
	producerID  int64
	firstOffset int64
}

// decoder takes the records out of the batches of one partition that one fetch
// response brought.
type decoder struct {
	topic     string
	partition int32
	from, end int64 // records outside [from, end) are passed over
	until     int64 // the first record of this time (milliseconds) or a later one is the end; 0: none
	late      bool  // it was met, and is end now
	data      []byte
	aborted   []abortedTxn       // by firstOffset; empty when everything is wanted
	aborting  map[int64]struct{} // producers in an aborted transaction

	batch   batchHeader
	left    int32  // records of the batch not yet decoded
	payload []byte // their bytes
	typ     TimeType

	shared  *decodeBuffers
	onSkip  func(offset int64, err error) // a batch that cannot be decoded
	scratch []byte                        // decompressed bytes of the batch, from shared
	given   bool                          // records that were returned point into it
	kept    [][]byte                      // those of the batches before, when records live long
	held    int                           // bytes of kept
	early   []*aheadBatch                 // those of the batches that may be decompressed before their turn
}

// decodeBuffers is what the decoders of one Reader have in common. It is used by
// the goroutine that calls Next only.
type decodeBuffers struct {
	pool     *bufferPool
	inflater inflater
	headers  []Header // arena of the current batch of Next
	keys     []string // header keys seen last, by position
	used     [][]byte // decompressed batches that records returned by Next point into

	keepHeaders bool // records live longer than one batch of Next

	ahead  *ahead   // nil: batches are decompressed at their turn
	helper inflater // of the batches that are not too large for ahead

	maxRecord int64 // bytes; 0: no bound
	maxHeld   int   // bytes of used and of headers: a batch of Next ends early there; 0: no bound
	share     int   // bytes that the records of one partition point into that wait for their turn; 0: no bound
	held      int   // bytes of used
}

// full reports whether the records of the current batch of Next take as much memory as
// they may.
func (s *decodeBuffers) full() bool {
	return s.maxHeld > 0 && s.held+headerCost*len(s.headers) > s.maxHeld
}

// use notes that records of the current batch of Next point into b.
func (s *decodeBuffers) use(b []byte) {
	s.used = append(s.used, b)
	s.held += cap(b)
}

// recycle takes back all memory that records returned so far point into.
func (s *decodeBuffers) recycle() {
	for i, b := range s.used {
		s.pool.put(b)
		s.used[i] = nil
	}
	s.used, s.held = s.used[:0], 0
	if s.keepHeaders {
		s.headers = nil
	} else {
		s.headers = s.headers[:0]
	}
}

// decode appends records to dst until it holds limit of them, what they point into is as
// much as it may be, or the data ends, and reports whether the data ended.
func (d *decoder) decode(dst []Record, limit int) ([]Record, bool) {
	for len(dst) < limit {
		if len(dst) > 0 && d.full() { // what was decoded so far goes first
			return dst, false
		}
		if d.left == 0 {
			d.close()
			if len(d.data) == 0 {
				d.discardAll()
				return dst, true
			}
			d.open()
			continue
		}
		var err error
		at := len(dst)
		if dst, err = d.records(dst, limit); err != nil {
			d.skip(err)
		}
		d.given = d.given || len(dst) > at
	}
	return dst, d.left == 0 && len(d.data) == 0
}

// full reports whether records point into as much as they may.
func (d *decoder) full() bool {
	return d.shared.full() || d.shared.share > 0 && d.held > d.shared.share
}

// close gives up the decompressed bytes of the current batch.
func (d *decoder) close() {
	switch {
	case d.scratch == nil:
	case !d.given:
		d.shared.pool.put(d.scratch)
	case d.shared.keepHeaders: // records may still point into it
		d.kept = append(d.kept, d.scratch)
		d.held += cap(d.scratch)
	default:
		d.shared.use(d.scratch)
	}
	d.scratch, d.given = nil, false
}

// passOn makes what the records of the batches before point into that of the records
// which the next batch of Next brings.
func (d *decoder) passOn() {
	for _, b := range d.kept {
		d.shared.use(b)
	}
	clear(d.kept)
	d.kept, d.held = d.kept[:0], 0
}

// open is nextBatch for batches of which some may be damaged.
func (d *decoder) open() {
	if err := d.nextBatch(); err != nil {
		d.skip(err)
		if d.batch.size == 0 { // its end is unknown
			d.data = nil
		}
	}
}

// skip passes over what is left of the current batch.
func (d *decoder) skip(err error) {
	d.onSkip(d.batch.baseOffset, err)
	d.left = 0
}

// nextBatch opens the next batch of d.data that has records to deliver.
func (d *decoder) nextBatch() error {
	h, err := parseBatchHeader(d.data)
	d.batch = h
	if err != nil {
		d.batch.size = 0
		return err
	}
	raw := d.data[:h.size]
	d.data = d.data[h.size:]
	var early *aheadBatch
	if len(d.early) > 0 && &d.early[0].raw[0] == &raw[0] {
		early, d.early = d.early[0], d.early[1:]
	}
	if h.lastOffset < d.from || h.baseOffset >= d.end {
		if early != nil {
			d.shared.ahead.discard(early)
		}
		return nil
	}
	if h.magic < 2 {
		return errLegacy
	}
	unpacked := false
	if early != nil {
		d.scratch, unpacked, err = d.shared.ahead.take(early, &d.shared.helper)
	} else {
		err = checkCRC(raw)
	}
	if err != nil {
		return err
	}
	payload := raw[batchHeaderSize:]
	if d.dropped(&h, payload) {
		return nil
	}
	if codec := codecOf(raw); codec != 0 && h.count > 0 {
		if !unpacked {
			in := &d.shared.inflater
			if d.scratch, err = in.inflate(codec, d.shared.pool.get(in.usual()), payload); err != nil {
				return err
			}
		}
		payload = d.scratch
	}
	d.left, d.payload = max(h.count, 0), payload
	switch {
	case h.attributes&attrLogAppendTime != 0:
		d.typ = LogAppendTime
	case h.firstTime < 0 && h.maxTime < 0:
		d.typ = NoTime
	default:
		d.typ = CreateTime
	}
	return nil
}

// discardAll forgets the batches that are not reached any more.
func (d *decoder) discardAll() {
	for _, b := range d.early {
		d.shared.ahead.discard(b)
	}
	d.early = nil
}

// dropped reports whether a batch holds nothing for the caller: transaction markers
// and records of aborted transactions. It keeps track of which those are.
func (d *decoder) dropped(h *batchHeader, payload []byte) bool {
	if h.control() {
		if len(d.aborting) > 0 && abortMarker(payload) {
			delete(d.aborting, h.producerID)
		}
		return true
	}
	for len(d.aborted) > 0 && d.aborted[0].firstOffset <= h.lastOffset {
		if d.aborting == nil {
			d.aborting = make(map[int64]struct{})
		}
		d.aborting[d.aborted[0].producerID] = struct{}{}
		d.aborted = d.aborted[1:]
	}
	if !h.transactional() || len(d.aborting) == 0 {
		return false
	}
	_, aborted := d.aborting[h.producerID]
	return aborted
}

// abortMarker reports whether the control record at the head of payload ends an
// aborted transaction: its key is a version and the type 0.
func abortMarker(payload []byte) bool {
	var r record
	if _, err := parseRecord(payload, &r); err != nil || len(r.key) < 4 {
		return false
	}
	return binary.BigEndian.Uint16(r.key[2:]) == 0
}

// records decodes records of the current batch.
func (d *decoder) records(dst []Record, limit int) ([]Record, error) {
	var r record
	for d.left > 0 && len(dst) < limit {
		wanted, err := d.next(&r)
		if err != nil {
			return dst, err
		}
		if !wanted {
			continue
		}
		rec := Record{Topic: d.topic, Partition: d.partition, Offset: d.batch.baseOffset + r.offsetDelta, Time: d.timeOf(&r), TimeType: d.typ,
			Key: r.key, Value: r.value}
		if r.headerCount > 0 {
			if rec.Headers, err = d.headers(&r); err != nil {
				return dst, err
			}
		}
		if dst = append(dst, rec); r.headerCount > 0 && d.shared.full() {
			break
		}
	}
	return dst, nil
}

// next reads the next record of the current batch and reports whether it is wanted: the
// first one of the time that was to come ends the data.
func (d *decoder) next(r *record) (wanted bool, err error) {
	if d.payload, err = parseRecord(d.payload, r); err != nil {
		return false, err
	}
	d.left--
	offset := d.batch.baseOffset + r.offsetDelta
	if offset < d.from || offset >= d.end {
		return false, nil
	}
	if d.until > 0 && d.typ != NoTime && d.time(r) >= d.until {
		d.end, d.late = offset, true
		d.left, d.data = 0, nil
		return false, nil
	}
	if size := r.size(); d.shared.maxRecord > 0 && size > d.shared.maxRecord {
		d.onSkip(offset, &RecordSizeError{Size: size, Limit: d.shared.maxRecord})
		return false, nil
	}
	return true, nil
}

// RecordSizeError is why a record was passed over.
type RecordSizeError struct{ Size, Limit int64 } // bytes

func (e *RecordSizeError) Error() string {
	return fmt.Sprintf("the record takes %d bytes, --max-record allows %d", e.Size, e.Limit)
}

// headerCost is what a header takes in memory beside its bytes.
const headerCost = 48

// size is what a record takes in memory, bytes.
func (r *record) size() int64 {
	size := int64(len(r.key)) + int64(len(r.value))
	if r.headerCount > 0 {
		size += int64(len(r.headers)) + headerCost*int64(r.headerCount)
	}
	return size
}

// time returns the time of a record of the current batch, in milliseconds.
func (d *decoder) time(r *record) int64 {
	if d.typ == LogAppendTime {
		return d.batch.maxTime
	}
	return d.batch.firstTime + r.timeDelta
}

// timeOf is time as a Record has it.
func (d *decoder) timeOf(r *record) time.Time {
	if d.typ == NoTime {
		return time.Time{}
	}
	return time.UnixMilli(d.time(r))
}

// headers decodes the headers of a record into the arena.
func (d *decoder) headers(r *record) ([]Header, error) {
	s := d.shared
	b := r.headers
	at := len(s.headers)
	for i := range r.headerCount {
		var err error
		key, after, ok := shortbytes(b)
		if !ok {
			if key, after, err = varbytes(b); err != nil {
				return nil, err
			}
		}
		value, rest, ok := shortbytes(after)
		if !ok {
			if value, rest, err = varbytes(after); err != nil {
				return nil, err
			}
		}
		b = rest
		s.headers = append(s.headers, Header{Key: s.intern(i, key), Value: value})
	}
	return s.headers[at:len(s.headers):len(s.headers)], nil
}

// maxInterned bounds the header positions whose keys are remembered.
const maxInterned = 32

// intern returns the key as a string, without an allocation when the header at the
// same position had the same key last time.
func (s *decodeBuffers) intern(i int, key []byte) string {
	if i < len(s.keys) && s.keys[i] == string(key) {
		return s.keys[i]
	}
	str := string(key)
	if i == len(s.keys) && i < maxInterned {
		s.keys = append(s.keys, str)
	} else if i < len(s.keys) {
		s.keys[i] = str
	}
	return str
}

// sortAborted orders the list as dropped wants it.
func sortAborted(list []abortedTxn) {
	sort.Slice(list, func(i, j int) bool { return list[i].firstOffset < list[j].firstOffset })
}

// skipped names what was passed over.
func skipped(err error) string {
	var size *RecordSizeError
	if errors.As(err, &size) {
		return "record"
	}
	return "batch"
}

// skipText says in words why a batch was passed over.
func skipText(err error) string {
	var size *RecordSizeError
	if errors.Is(err, errLegacy) || errors.As(err, &size) {
		return err.Error()
	}
	return fmt.Sprintf("cannot be decoded: %v", err)
}

package ship

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"sync"
)

const (
	posKey  = "pos"
	partKey = "part"
)

// posField and partField are the keys of two headers, encoded.
var (
	posField  = string(appendBytes(nil, []byte(posKey)))
	partField = string(appendBytes(nil, []byte(partKey)))
)

// recordWriter encodes the records of a batch. Its memory is used again for the
// next one: encoding allocates nothing per record. What the records of a bundle
// share is encoded once for all of them, so that one more header costs a record
// the copy of some bytes and nothing else.
type recordWriter struct {
	shared []byte // number of headers, and the shared ones, of the bundle at hand
	before int64  // time of the record at hand before it was changed; -1: it was not
	set    uint8  // further headers of the record at hand
	first  int    // where the shared headers begin, behind their number
	count  int    // headers of a record that is no part
	digits []byte // value of pos of the record at hand; empty: no such header
	part   []byte // value of part; empty: no such header
	places []byte // further headers of the record at hand, encoded
	value  []byte // of one of them
}

// write appends the records of b to dst, uncompressed, as they stand behind the
// header of a record batch of version 2:
// https://kafka.apache.org/documentation/#record
func (w *recordWriter) write(dst []byte, b *batch) []byte {
	offset := 0
	for i := range b.pieces {
		p := &b.pieces[i]
		var delta int64
		for j := p.from; j < p.to; j++ {
			span := &p.e.b.Spans[j]
			if j == p.from || p.e.b.Marks != nil {
				delta = w.own(b, p.e, span, j == p.from)
			}
			value := p.e.b.Data[span.Start:span.End]
			w.part = w.part[:0]
			switch {
			case p.isPart:
				value = p.e.b.Data[p.lo:p.hi]
				w.part = append(w.part, p.label...)
			case span.Part > 0:
				w.partOf(span)
			}
			if p.e.b.PosHeader {
				w.digits = strconv.AppendInt(w.digits[:0], span.Pos, 10)
			}
			if len(p.e.b.Places) > 0 {
				w.place(p.e.b.Places, span.Pos)
			}
			dst = w.record(dst, delta, offset, value)
			offset++
		}
	}
	return dst
}

// own prepares for what a span has of its own, and returns its time beside that of the
// batch's first record, in milliseconds. What is prepared already is used again.
func (w *recordWriter) own(b *batch, e *entry, span *Span, first bool) (delta int64) {
	millis, set := e.millisOf(span)
	stamped, changed := b.stamp(millis)
	before := int64(-1)
	if changed {
		before = millis
	}
	if first || before != w.before || set != w.set {
		w.before, w.set = before, set
		w.begin(e.b)
	}
	return stamped - b.first
}

// begin encodes the headers that records of a bundle share, with the time before it was
// changed, in milliseconds, among them unless that is negative.
func (w *recordWriter) begin(b *Bundle) {
	readAt := w.before
	var further []Header
	if w.set > 0 {
		further = b.Sets[w.set-1]
	}
	w.count = len(b.Headers) + len(further) + len(b.Places)
	if readAt >= 0 {
		w.count++
	}
	if b.PosHeader {
		w.count++
	}
	w.digits, w.places = w.digits[:0], w.places[:0]
	w.shared = binary.AppendVarint(w.shared[:0], int64(w.count))
	w.first = len(w.shared)
	for _, headers := range [...][]Header{b.Headers, further} {
		for i := range headers {
			w.shared = appendBytes(w.shared, headers[i].Key)
			w.shared = appendBytes(w.shared, headers[i].Value)
		}
	}
	if readAt >= 0 {
		w.value = strconv.AppendInt(w.value[:0], readAt, 10)
		w.shared = appendBytes(appendBytes(w.shared, []byte(readAtKey)), w.value)
	}
}

// place encodes the headers that hold the position of a record.
func (w *recordWriter) place(places []Header, pos int64) {
	w.places = w.places[:0]
	for i := range places {
		w.value = strconv.AppendInt(append(w.value[:0], places[i].Value...), pos, 10)
		w.places = appendBytes(w.places, places[i].Key)
		w.places = appendBytes(w.places, w.value)
	}
}

// partOf makes the label of a part that the reader made: "2/?", and "3/3" for
// the last one.
func (w *recordWriter) partOf(span *Span) {
	w.part = append(strconv.AppendInt(w.part, int64(span.Part), 10), '/')
	if span.Last {
		w.part = strconv.AppendInt(w.part, int64(span.Part), 10)
	} else {
		w.part = append(w.part, '?')
	}
}

// record appends one record. It has no key.
func (w *recordWriter) record(dst []byte, delta int64, offset int, value []byte) []byte {
	size := 2 + varintLen(delta) + varintLen(int64(offset)) + bytesLen(len(value)) + len(w.shared) + len(w.places)
	if len(w.digits) > 0 {
		size += len(posField) + bytesLen(len(w.digits))
	}
	if len(w.part) > 0 {
		return w.partRecord(dst, size, delta, offset, value)
	}
	dst = binary.AppendVarint(dst, int64(size))
	dst = append(dst, 0) // attributes
	dst = binary.AppendVarint(dst, delta)
	dst = binary.AppendVarint(dst, int64(offset))
	dst = append(dst, noKey)
	dst = appendBytes(dst, value)
	dst = append(dst, w.shared...)
	if len(w.places) > 0 {
		dst = append(dst, w.places...)
	}
	if len(w.digits) > 0 {
		dst = appendBytes(append(dst, posField...), w.digits)
	}
	return dst
}

// noKey is the length -1 in zigzag encoding.
const noKey = 1

// partRecord appends a record that is part of a line: record without it takes size bytes.
func (w *recordWriter) partRecord(dst []byte, size int, delta int64, offset int, value []byte) []byte {
	count := int64(w.count) + 1 // another number stands before the shared headers
	size += varintLen(count) - w.first + len(partField) + bytesLen(len(w.part))
	dst = append(binary.AppendVarint(dst, int64(size)), 0)
	dst = binary.AppendVarint(binary.AppendVarint(dst, delta), int64(offset))
	dst = appendBytes(append(dst, noKey), value)
	dst = append(binary.AppendVarint(dst, count), w.shared[w.first:]...)
	dst = append(dst, w.places...)
	if len(w.digits) > 0 {
		dst = appendBytes(append(dst, posField...), w.digits)
	}
	return appendBytes(append(dst, partField...), w.part)
}

// appendBytes appends b behind its length.
func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

// bytesLen is the length of n bytes behind their length.
func bytesLen(n int) int { return varintLen(int64(n)) + n }

// varintLen is the length of a number in zigzag encoding.
func varintLen(n int64) int {
	return (bits.Len64(uint64(n<<1)^uint64(n>>63)|1) + 6) / 7
}

// memory hands out buffers for encoded records, by the power of two that they
// have room for, and takes them back to be used again.
type memory struct {
	class [maxClass - minClass + 1]sync.Pool // of *buffer
}

const (
	minClass = 10 // 1 KiB
	maxClass = 22 // 4 MiB: what a giant line took is not kept
)

type buffer struct{ b []byte }

// get returns an empty buffer with room for n bytes.
func (m *memory) get(n int) *buffer {
	class := max(bits.Len(uint(max(n-1, 0))), minClass)
	if class > maxClass {
		return &buffer{b: make([]byte, 0, n)}
	}
	if buf, ok := m.class[class-minClass].Get().(*buffer); ok {
		buf.b = buf.b[:0]
		return buf
	}
	return &buffer{b: make([]byte, 0, 1<<class)}
}

// put takes a buffer back, which may have grown.
func (m *memory) put(buf *buffer) {
	class := bits.Len(uint(cap(buf.b))) - 1
	if class >= minClass && class <= maxClass {
		m.class[class-minClass].Put(buf)
	}
}

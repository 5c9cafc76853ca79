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

// recordWriter encodes the records of a batch. Its memory is used again for the
// next one: encoding allocates nothing per record.
type recordWriter struct {
	headers []byte // of the bundle at hand, encoded
	count   int    // of them
	pos     []byte // values of the record at hand; empty: no such header
	part    []byte
	places  []byte // further headers of the record at hand, encoded
	more    int    // of them
	value   []byte // of one of them
}

// write appends the records of b to dst, uncompressed, as they stand behind the
// header of a record batch of version 2:
// https://kafka.apache.org/documentation/#record
func (w *recordWriter) write(dst []byte, b *batch) []byte {
	offset := 0
	for i := range b.pieces {
		p := &b.pieces[i]
		w.begin(p.e.b)
		millis, changed := b.stamp(p.e)
		if changed {
			w.readAt(p.e.millis)
		}
		delta := millis - b.first
		for j := p.from; j < p.to; j++ {
			span := &p.e.b.Spans[j]
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
				w.pos = strconv.AppendInt(w.pos[:0], span.Pos, 10)
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

// begin encodes the headers that all records of a bundle share.
func (w *recordWriter) begin(b *Bundle) {
	w.headers, w.count, w.pos = w.headers[:0], len(b.Headers), w.pos[:0]
	w.places, w.more = w.places[:0], len(b.Places)
	for i := range b.Headers {
		w.headers = appendBytes(w.headers, b.Headers[i].Key)
		w.headers = appendBytes(w.headers, b.Headers[i].Value)
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

// readAt adds the time of reading, in milliseconds, to the headers of a bundle.
func (w *recordWriter) readAt(millis int64) {
	w.value = strconv.AppendInt(w.value[:0], millis, 10)
	w.headers = appendBytes(appendBytes(w.headers, []byte(readAtKey)), w.value)
	w.count++
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
	count := w.count + w.more
	size := 1 + varintLen(delta) + varintLen(int64(offset)) + 1 + bytesLen(len(value)) + len(w.headers) + len(w.places)
	if len(w.pos) > 0 {
		count++
		size += bytesLen(len(posKey)) + bytesLen(len(w.pos))
	}
	if len(w.part) > 0 {
		count++
		size += bytesLen(len(partKey)) + bytesLen(len(w.part))
	}
	size += varintLen(int64(count))
	dst = binary.AppendVarint(dst, int64(size))
	dst = append(dst, 0) // attributes
	dst = binary.AppendVarint(dst, delta)
	dst = binary.AppendVarint(dst, int64(offset))
	dst = binary.AppendVarint(dst, -1) // no key
	dst = appendBytes(dst, value)
	dst = binary.AppendVarint(dst, int64(count))
	dst = append(dst, w.headers...)
	dst = append(dst, w.places...)
	if len(w.pos) > 0 {
		dst = appendBytes(append(binary.AppendVarint(dst, int64(len(posKey))), posKey...), w.pos)
	}
	if len(w.part) > 0 {
		dst = appendBytes(append(binary.AppendVarint(dst, int64(len(partKey))), partKey...), w.part)
	}
	return dst
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

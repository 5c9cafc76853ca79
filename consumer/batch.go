package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A record batch (message format 2) starts with a header of this many bytes; the
// length field counts what follows it.
const (
	batchHeaderSize = 61
	batchLengthEnd  = 12 // end of the length field
	magicAt         = 16 // in all message formats
	crcAt           = 17
	crcFrom         = 21 // first byte that the checksum covers
	attributesAt    = 21
)

// Bits of a batch's attributes.
const (
	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

var (
	errShort  = errors.New("batch is cut off")
	errLegacy = errors.New("message format 0 or 1, which Kafka wrote before 0.11, is not supported")
)

// batchHeader is what the head of a record batch says.
type batchHeader struct {
	size       int // of the whole batch, bytes
	baseOffset int64
	lastOffset int64
	magic      int8
	attributes int16
	firstTime  int64 // milliseconds
	maxTime    int64 // milliseconds
	producerID int64
	count      int32 // records
}

func (h *batchHeader) control() bool       { return h.attributes&attrControl != 0 }
func (h *batchHeader) transactional() bool { return h.attributes&attrTransactional != 0 }

// parseBatchHeader reads the head of the first batch in b. The error is errShort
// when b does not hold the whole batch; size is then what it needs, or 0 when not
// even that is known.
func parseBatchHeader(b []byte) (batchHeader, error) {
	var h batchHeader
	if len(b) < batchLengthEnd {
		return h, errShort
	}
	h.baseOffset = int64(binary.BigEndian.Uint64(b))
	length := int32(binary.BigEndian.Uint32(b[8:]))
	if length < 0 {
		return h, fmt.Errorf("batch at offset %d has the length %d", h.baseOffset, length)
	}
	h.size = int(length) + batchLengthEnd
	if h.size <= magicAt {
		return h, fmt.Errorf("batch at offset %d has the length %d", h.baseOffset, length)
	}
	if len(b) <= magicAt {
		return h, errShort
	}
	if h.magic = int8(b[magicAt]); h.magic < 2 {
		h.lastOffset = h.baseOffset
		if len(b) < h.size {
			return h, errShort
		}
		return h, nil
	}
	if h.size < batchHeaderSize {
		return h, fmt.Errorf("batch at offset %d has the length %d", h.baseOffset, length)
	}
	if len(b) < h.size {
		return h, errShort
	}
	h.attributes = int16(binary.BigEndian.Uint16(b[attributesAt:]))
	delta := int32(binary.BigEndian.Uint32(b[23:]))
	if delta < 0 || h.baseOffset < 0 {
		return h, fmt.Errorf("batch at offset %d ends %d offsets behind it", h.baseOffset, delta)
	}
	h.lastOffset = h.baseOffset + int64(delta)
	h.firstTime = int64(binary.BigEndian.Uint64(b[27:]))
	h.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
	h.producerID = int64(binary.BigEndian.Uint64(b[43:]))
	h.count = int32(binary.BigEndian.Uint32(b[57:]))
	return h, nil
}

// checkCRC verifies the checksum of a whole batch of format 2.
func checkCRC(batch []byte) error {
	want := binary.BigEndian.Uint32(batch[crcAt:])
	if got := crc32.Checksum(batch[crcFrom:], castagnoli()); got != want {
		return fmt.Errorf("checksum is %08x, want %08x", got, want)
	}
	return nil
}

// castagnoli returns the table of the checksum; crc32 makes it once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// spanOf walks over the whole batches in data and returns the offset behind the
// last of them (next when there is none) and the bytes that they take. need is the
// size of a batch that is cut off at the very start, else 0.
func spanOf(data []byte, next int64) (after int64, size, need int, err error) {
	after = next
	for size < len(data) {
		h, err := parseBatchHeader(data[size:])
		if errors.Is(err, errShort) {
			if size == 0 {
				need = max(h.size, 1)
			}
			return after, size, need, nil
		}
		if err != nil {
			return after, size, 0, err
		}
		after = max(after, h.lastOffset+1)
		size += h.size
	}
	return after, size, 0, nil
}

// record is one decoded record of a batch; the slices point into the batch.
type record struct {
	timeDelta   int64
	offsetDelta int64
	key, value  []byte
	headers     []byte // the encoded headers
	headerCount int
}

var errRecord = errors.New("malformed record")

// parseRecord reads the first record in b and returns what follows it.
func parseRecord(b []byte, r *record) (rest []byte, err error) {
	size, n := varint(b)
	if n <= 0 || size < 0 || size > int64(len(b)-n) {
		return nil, errRecord
	}
	rest = b[n+int(size):]
	b = b[n : n+int(size)]
	if len(b) < 1 {
		return nil, errRecord
	}
	b = b[1:] // attributes, unused
	if r.timeDelta, n = varint(b); n <= 0 {
		return nil, errRecord
	}
	b = b[n:]
	if r.offsetDelta, n = varint(b); n <= 0 {
		return nil, errRecord
	}
	b = b[n:]
	if r.key, b, err = varbytes(b); err != nil {
		return nil, err
	}
	if r.value, b, err = varbytes(b); err != nil {
		return nil, err
	}
	count, n := varint(b)
	if n <= 0 || count < 0 || count > int64(len(b)) {
		return nil, errRecord
	}
	r.headerCount = int(count)
	r.headers = b[n:]
	return rest, nil
}

// varint is binary.Varint with the one-byte case first.
func varint(b []byte) (int64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		u := b[0]
		return int64(u>>1) ^ -int64(u&1), 1
	}
	return binary.Varint(b)
}

// shortbytes is varbytes for what is shorter than 64 bytes, as most is in records. It is
// small enough to be inlined. ok is false for anything else.
func shortbytes(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&0x81 != 0 || int(b[0]>>1) >= len(b) {
		return nil, nil, false
	}
	end := int(b[0]>>1) + 1
	return b[1:end:end], b[end:], true
}

// varbytes reads a length and that many bytes; the length -1 gives nil.
func varbytes(b []byte) (value, rest []byte, err error) {
	size, n := varint(b)
	if n <= 0 || size < -1 || size > int64(len(b)-n) {
		return nil, nil, errRecord
	}
	if size == -1 {
		return nil, b[n:], nil
	}
	end := n + int(size)
	return b[n:end:end], b[end:], nil
}

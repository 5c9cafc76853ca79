package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// The fetch is spoken in version 11: the last one that names topics instead of
// numbering them and has no tagged fields; all of Kafka 2.3 to 4.x serve it.
const (
	fetchKey     = 1
	fetchVersion = 11
)

// fetchPart asks for one partition.
type fetchPart struct {
	topic     string
	partition int32
	offset    int64
	maxBytes  int32
}

// fetchRequest is one request to one broker.
type fetchRequest struct {
	maxWaitMS int32
	maxBytes  int32
	isolation Isolation
	parts     []fetchPart // those of a topic follow each other
}

// appendBody appends the request without its header to b.
func (r *fetchRequest) appendBody(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, 0xffffffff) // replica -1: a consumer
	b = be.AppendUint32(b, uint32(r.maxWaitMS))
	b = be.AppendUint32(b, 1) // least bytes
	b = be.AppendUint32(b, uint32(r.maxBytes))
	if r.isolation == ReadCommitted {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = be.AppendUint32(b, 0)          // session: none
	b = be.AppendUint32(b, 0xffffffff) // session epoch: none
	topics := len(b)
	b = be.AppendUint32(b, 0) // number of topics, below
	count, parts := 0, 0
	for i := 0; i < len(r.parts); i++ {
		p := &r.parts[i]
		if i == 0 || p.topic != r.parts[i-1].topic {
			count++
			b = appendString(b, p.topic)
			parts = len(b)
			b = be.AppendUint32(b, 0)
		}
		be.PutUint32(b[parts:], be.Uint32(b[parts:])+1)
		b = be.AppendUint32(b, uint32(p.partition))
		b = be.AppendUint32(b, 0xffffffff) // leader epoch: unknown
		b = be.AppendUint64(b, uint64(p.offset))
		b = be.AppendUint64(b, 0xffffffffffffffff) // log start: for replicas only
		b = be.AppendUint32(b, uint32(p.maxBytes))
	}
	be.PutUint32(b[topics:], uint32(count))
	b = be.AppendUint32(b, 0)  // forgotten topics
	return appendString(b, "") // rack
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// fetchedPart is the answer for one partition. data points into the response.
type fetchedPart struct {
	topic         []byte
	partition     int32
	err           sarama.KError
	highWatermark int64
	lastStable    int64
	logStart      int64
	aborted       []abortedTxn
	data          []byte
}

// wireReader reads the fields of a response; it stays at the first error.
type wireReader struct {
	b   []byte
	err error
}

var errResponse = errors.New("malformed fetch response")

func (r *wireReader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.err = errResponse
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *wireReader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *wireReader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *wireReader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// compactLen reads the length of a string, an array or bytes of the flexible encoding;
// null is 0.
func (r *wireReader) compactLen() int {
	n, size := binary.Uvarint(r.b)
	if r.err != nil || size <= 0 || n > uint64(len(r.b))+1 {
		r.err = errResponse
		return 0
	}
	r.b = r.b[size:]
	return max(int(n)-1, 0)
}

// tags passes over the tagged fields of the flexible encoding.
func (r *wireReader) tags() {
	n, size := binary.Uvarint(r.b)
	if r.err != nil || size <= 0 || n > uint64(len(r.b)) {
		r.err = errResponse
		return
	}
	r.b = r.b[size:]
	for range n {
		_, size := binary.Uvarint(r.b) // number of the field
		if size <= 0 {
			r.err = errResponse
			return
		}
		r.b = r.b[size:]
		length, size := binary.Uvarint(r.b)
		if size <= 0 || length > uint64(len(r.b)-size) {
			r.err = errResponse
			return
		}
		r.b = r.b[size+int(length):]
	}
}

// parseFetchResponse reads a response without its length and correlation and calls
// each for every partition in it.
func parseFetchResponse(body []byte, each func(*fetchedPart)) (throttleMS int32, err error) {
	r := wireReader{b: body}
	throttleMS = r.int32()
	if code := sarama.KError(r.int16()); code != sarama.ErrNoError && r.err == nil {
		return throttleMS, fmt.Errorf("fetch: %w", code)
	}
	r.int32() // session
	var p fetchedPart
	for range r.int32() {
		p.topic = r.take(int(r.int16()))
		for range r.int32() {
			p.partition = r.int32()
			p.err = sarama.KError(r.int16())
			p.highWatermark = r.int64()
			p.lastStable = r.int64()
			p.logStart = r.int64()
			p.aborted = nil
			for range r.int32() { // -1: none
				a := abortedTxn{producerID: r.int64(), firstOffset: r.int64()}
				if r.err != nil {
					return throttleMS, r.err
				}
				p.aborted = append(p.aborted, a)
			}
			r.int32() // preferred replica: we name no rack, so there is none
			p.data = r.take(int(max(r.int32(), 0)))
			if r.err != nil {
				return throttleMS, r.err
			}
			each(&p)
		}
		if r.err != nil {
			return throttleMS, r.err
		}
	}
	return throttleMS, r.err
}

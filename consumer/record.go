package consumer

import (
	"bytes"
	"strings"
	"time"
)

// TimeType says who set the timestamp of a Record.
type TimeType uint8

// The kinds of timestamps of a record.
const (
	CreateTime    TimeType = iota // set by the producer
	LogAppendTime                 // set by the broker on arrival
	NoTime                        // the record has none; Record.Time is zero
)

// String returns the name that Kafka uses for the kind of timestamp.
func (t TimeType) String() string {
	switch t {
	case CreateTime:
		return "CreateTime"
	case LogAppendTime:
		return "LogAppendTime"
	default:
		return "NoTimestampType"
	}
}

// Record is one record of a topic.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      time.Time // in local time, millisecond precision
	TimeType  TimeType
	Key       []byte // nil: null
	Value     []byte // nil: null
	Headers   []Header
}

// Header is one header of a Record. The same key may occur more than once.
type Header struct {
	Key   string
	Value []byte // nil: null
}

// Clone returns a copy of the record that shares no memory with it. Whoever keeps
// few records of many should keep clones: the records of one batch share an
// allocation, and one that is kept keeps all of it.
func (r *Record) Clone() Record {
	c := *r
	c.Key = bytes.Clone(r.Key)
	c.Value = bytes.Clone(r.Value)
	if r.Headers != nil {
		c.Headers = make([]Header, len(r.Headers))
		for i, h := range r.Headers {
			c.Headers[i] = Header{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)}
		}
	}
	return c
}

// Size returns the bytes of the key, the value and the headers of the record.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// copyRecords gives the records one new allocation for all their bytes and one for
// their headers.
func copyRecords(records []Record) []Record {
	size, headers := 0, 0
	for i := range records {
		r := &records[i]
		size += len(r.Key) + len(r.Value)
		headers += len(r.Headers)
		for _, h := range r.Headers {
			size += len(h.Value)
		}
	}
	arena := make([]byte, 0, size)
	put := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		at := len(arena)
		arena = append(arena, b...)
		return arena[at:len(arena):len(arena)]
	}
	hs := make([]Header, 0, headers)
	out := make([]Record, len(records))
	for i := range records {
		r := records[i]
		r.Key = put(r.Key)
		r.Value = put(r.Value)
		if len(r.Headers) > 0 {
			at := len(hs)
			for _, h := range r.Headers {
				hs = append(hs, Header{Key: h.Key, Value: put(h.Value)})
			}
			r.Headers = hs[at:len(hs):len(hs)]
		}
		out[i] = r
	}
	return out
}

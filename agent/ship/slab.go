package ship

import (
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

const (
	posKey  = "pos"
	partKey = "part"
)

// slab is the memory of the records of one request, used again for the next:
// filling it allocates nothing per record once it has grown. It is free again
// as soon as sarama has encoded the request.
type slab struct {
	records    []sarama.Record
	pointers   []*sarama.Record
	headers    []sarama.RecordHeader
	headerPtrs []*sarama.RecordHeader
	text       []byte // positions and part labels
	pos, part  []byte
}

func newSlab() *slab { return &slab{pos: []byte(posKey), part: []byte(partKey)} }

// reset lets go of the bundles' memory.
func (s *slab) reset() {
	clear(s.records)
	clear(s.headers)
	s.records, s.pointers = s.records[:0], s.pointers[:0]
	s.headers, s.headerPtrs = s.headers[:0], s.headerPtrs[:0]
	s.text = s.text[:0]
}

// reserve makes room for n more records without moving those that are there.
func (s *slab) reserve(n int) {
	if cap(s.records)-len(s.records) < n {
		s.records = make([]sarama.Record, 0, n+n/4)
		s.pointers = make([]*sarama.Record, 0, n+n/4)
	}
}

// fill writes the batch's records and points its RecordBatch at them. What an
// append moves stays valid where it was: nothing is written to it again.
func (s *slab) fill(b *batch) {
	s.reserve(b.records)
	first := len(s.pointers)
	base := b.pieces[0].e.millis
	latest := base
	for i := range b.pieces {
		p := &b.pieces[i]
		latest = max(latest, p.e.millis)
		delta := time.Duration(p.e.millis-base) * time.Millisecond
		if p.isPart {
			s.addPart(p, delta, len(s.pointers)-first)
		} else {
			s.addSpans(p, delta, first)
		}
	}
	b.rb.Records = s.pointers[first:len(s.pointers):len(s.pointers)]
	b.rb.LastOffsetDelta = int32(b.records - 1)
	b.rb.FirstTimestamp = time.UnixMilli(base)
	b.rb.MaxTimestamp = time.UnixMilli(latest)
}

// static adds the headers that all records of a bundle share.
func (s *slab) static(e *entry) []*sarama.RecordHeader {
	from := len(s.headerPtrs)
	for _, h := range e.b.Headers {
		s.headers = append(s.headers, sarama.RecordHeader{Key: h.Key, Value: h.Value})
		s.headerPtrs = append(s.headerPtrs, &s.headers[len(s.headers)-1])
	}
	return s.headerPtrs[from:len(s.headerPtrs):len(s.headerPtrs)]
}

func (s *slab) addSpans(p *piece, delta time.Duration, first int) {
	shared := s.static(p.e)
	bundle := p.e.b
	data, pos := bundle.Data, bundle.PosHeader
	if data == nil {
		data = []byte{} // empty values, not null ones
	}
	for i := p.from; i < p.to; i++ {
		span := &bundle.Spans[i]
		headers := shared
		if pos || span.Part > 0 {
			from := len(s.headerPtrs)
			s.headerPtrs = append(s.headerPtrs, shared...)
			if pos {
				s.addText(s.pos, span.Pos)
			}
			if span.Part > 0 {
				s.addHeader(s.part, s.partText(span))
			}
			headers = s.headerPtrs[from:len(s.headerPtrs):len(s.headerPtrs)]
		}
		s.add(headers, data[span.Start:span.End:span.End], delta, len(s.pointers)-first)
	}
}

func (s *slab) addPart(p *piece, delta time.Duration, offset int) {
	span := &p.e.b.Spans[p.from]
	shared := s.static(p.e)
	from := len(s.headerPtrs)
	s.headerPtrs = append(s.headerPtrs, shared...)
	if p.e.b.PosHeader {
		s.addText(s.pos, span.Pos)
	}
	s.addHeader(s.part, []byte(p.label))
	headers := s.headerPtrs[from:len(s.headerPtrs):len(s.headerPtrs)]
	s.add(headers, p.e.b.Data[p.lo:p.hi:p.hi], delta, offset)
}

func (s *slab) add(headers []*sarama.RecordHeader, value []byte, delta time.Duration, offset int) {
	s.records = append(s.records, sarama.Record{
		Headers:        headers,
		TimestampDelta: delta,
		OffsetDelta:    int64(offset),
		Value:          value,
	})
	s.pointers = append(s.pointers, &s.records[len(s.records)-1])
}

// addText adds a header whose value is a decimal number.
func (s *slab) addText(key []byte, n int64) {
	from := len(s.text)
	s.text = strconv.AppendInt(s.text, n, 10)
	s.addHeader(key, s.text[from:len(s.text):len(s.text)])
}

func (s *slab) addHeader(key, value []byte) {
	s.headers = append(s.headers, sarama.RecordHeader{Key: key, Value: value})
	s.headerPtrs = append(s.headerPtrs, &s.headers[len(s.headers)-1])
}

// partText is the label of a part that the reader made: "2/?", and "3/3" for
// the last one.
func (s *slab) partText(span *Span) []byte {
	from := len(s.text)
	s.text = strconv.AppendInt(s.text, int64(span.Part), 10)
	s.text = append(s.text, '/')
	if span.Last {
		s.text = strconv.AppendInt(s.text, int64(span.Part), 10)
	} else {
		s.text = append(s.text, '?')
	}
	return s.text[from:len(s.text):len(s.text)]
}

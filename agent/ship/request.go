package ship

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"net"
	"slices"
)

// request is what a produce request carries, encoded: topics, their partitions, and
// the header of each one's batch. The records are not copied into it. Its memory
// is used again for the next request.
type request struct {
	head   []byte
	ends   []int       // of the pieces of head: batch i's records belong behind head[:ends[i]]
	pieces net.Buffers // of head and of the records, in turn
}

// build encodes batches as an array of topics, for produce requests of the
// versions 3 to 8: https://kafka.apache.org/protocol#The_Messages_Produce. It puts
// the partitions in an order in which those of a topic are together.
func (r *request) build(taken []*partition) net.Buffers {
	if len(taken) > 1 {
		slices.SortStableFunc(taken, func(a, b *partition) int { return cmp.Compare(a.t.name, b.t.name) })
	}
	be := binary.BigEndian
	r.ends = r.ends[:0]
	b := be.AppendUint32(r.head[:0], 0) // number of topics, below
	topics, count := uint32(0), 0
	for i, part := range taken {
		if i == 0 || part.t != taken[i-1].t {
			topics++
			b = be.AppendUint16(b, uint16(len(part.t.name)))
			b = append(b, part.t.name...)
			count = len(b)
			b = be.AppendUint32(b, 0)
		}
		be.PutUint32(b[count:], be.Uint32(b[count:])+1)
		b = be.AppendUint32(b, uint32(part.id))
		b = be.AppendUint32(b, uint32(batchOverhead+len(part.out.payload.b)))
		b = part.out.header(b, part.seq)
		r.ends = append(r.ends, len(b))
	}
	be.PutUint32(b, topics)
	r.head = b
	from := 0
	r.pieces = r.pieces[:0]
	for i, part := range taken {
		r.pieces = append(r.pieces, b[from:r.ends[i]], part.out.payload.b)
		from = r.ends[i]
	}
	return r.pieces
}

// reset lets go of the records.
func (r *request) reset() { clear(r.pieces[:cap(r.pieces)]) }

// encode makes the batch's records what is sent.
func (b *batch) encode(w *recordWriter, m *memory, c *compressor) {
	b.span()
	plain := m.get(b.size)
	plain.b = w.write(plain.b, b)
	if c.codec == codecNone {
		b.payload, b.codec = plain, codecNone
		return
	}
	packed := m.get(len(plain.b) / 2)
	b.codec = c.compress(packed, plain.b)
	b.payload = packed
	m.put(plain)
}

// header appends the 61 bytes before the records of a batch of version 2:
// https://kafka.apache.org/documentation/#recordbatch
func (b *batch) header(dst []byte, seq sequence) []byte {
	be := binary.BigEndian
	records := b.payload.b
	start := len(dst)
	dst = be.AppendUint64(dst, 0) // first offset: the broker's to say
	dst = be.AppendUint32(dst, uint32(batchOverhead-12+len(records)))
	dst = be.AppendUint32(dst, 0xffffffff) // leader epoch: the broker's to say
	dst = append(dst, 2)
	dst = be.AppendUint32(dst, 0) // checksum, below
	dst = be.AppendUint16(dst, uint16(b.codec))
	dst = be.AppendUint32(dst, uint32(b.records-1))
	dst = be.AppendUint64(dst, uint64(b.first))
	dst = be.AppendUint64(dst, uint64(b.latest))
	dst = be.AppendUint64(dst, uint64(seq.id))
	dst = be.AppendUint16(dst, uint16(seq.epoch))
	dst = be.AppendUint32(dst, uint32(seq.next))
	dst = be.AppendUint32(dst, uint32(b.records))
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(dst[start+21:], castagnoli), castagnoli, records)
	be.PutUint32(dst[start+17:], sum)
	return dst
}

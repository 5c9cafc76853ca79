package ship

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRequest encodes batches of several topics with everything that a record
// can have and reads them with another client's decoder.
func TestRequest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := offline(t)
			codec, err := parseCompression(name)
			if err != nil {
				t.Fatal(err)
			}
			p.packer.codec = codec
			var taken []*partition
			for _, id := range []string{"beta/0", "alpha/2", "beta/1"} {
				topic := p.topic(strings.Split(id, "/")[0])
				part := newPartition(topic, int32(id[len(id)-1]-'0'))
				part.seq = sequence{id: 1 << 40, epoch: 7, next: 1000}
				part.accept(everything(id))
				later := lines(300, 200, true)
				later.Time = time.UnixMilli(1_699_999_999_000) // before the first
				part.accept(later)
				part.compose(1<<20, 10000)
				taken = append(taken, part)
			}
			var w recordWriter
			var r request
			for range 2 { // the second time in used memory
				for _, part := range taken {
					part.out.encode(&w, &p.memory, &p.packer)
					if n := len(part.out.payload.b); n > part.out.size {
						t.Errorf("%d bytes of records, more than the bound %d", n, part.out.size)
					}
				}
				var body []byte
				for _, piece := range r.build(taken) {
					body = append(body, piece...)
				}
				r.reset()
				checkRequest(t, body, codec)
			}
		})
	}
}

// everything is a bundle of one line, parts and an empty line.
func everything(value string) *Bundle {
	return &Bundle{
		Data: []byte(value + "ab"), Key: "k", PosHeader: true, Headers: []Header{{[]byte("host"), []byte("h1")}}, Places: []Header{{[]byte("uid"), []byte("f/")}},
		Time: time.UnixMilli(1_700_000_000_000),
		Spans: []Span{
			{End: uint32(len(value)), Pos: 1 << 40},
			{Start: uint32(len(value)), End: uint32(len(value) + 1), Part: 1},
			{Start: uint32(len(value) + 1), End: uint32(len(value) + 2), Part: 2, Last: true},
			{},
		},
	}
}

func checkRequest(t *testing.T, body []byte, codec codec) {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Version = 8
	head := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1} // no transaction, acks, timeout
	if err := req.ReadFrom(append(head, body...)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			id := fmt.Sprintf("%s/%d", topic.Topic, part.Partition)
			got = append(got, id)
			checkBatch(t, part.Records, codec, id)
		}
	}
	if want := []string{"alpha/2", "beta/0", "beta/1"}; !slices.Equal(got, want) || len(req.Topics) != 2 {
		t.Errorf("%d topics, partitions %v, want %v", len(req.Topics), got, want)
	}
}

func checkBatch(t *testing.T, raw []byte, codec codec, first string) {
	t.Helper()
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	if sum := crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)); uint32(b.CRC) != sum || int(b.Length) != len(raw)-12 {
		t.Errorf("checksum %x, want %x; length %d of %d", uint32(b.CRC), sum, b.Length, len(raw)-12)
	}
	records := b.Records
	b.Records, b.CRC, b.Length = nil, 0, 0
	want := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(codec), LastOffsetDelta: 303, FirstTimestamp: 1_700_000_000_000,
		MaxTimestamp: 1_700_000_000_000, ProducerID: 1 << 40, ProducerEpoch: 7, FirstSequence: 1000, NumRecords: 304,
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
	plain, err := kgo.DefaultDecompressor().Decompress(records, kgo.CompressionCodecType(codec))
	if err != nil {
		t.Fatal(err)
	}
	if codec != codecNone && len(records)*3 > len(plain) {
		t.Errorf("%d bytes compressed to %d only", len(plain), len(records))
	}
	var got []string
	for offset := int32(0); len(plain) > 0; offset++ {
		size, n := binary.Varint(plain)
		var r kmsg.Record
		if err := r.ReadFrom(plain[:n+int(size)]); err != nil {
			t.Fatal(err)
		}
		plain = plain[n+int(size):]
		if r.OffsetDelta != offset || r.Key != nil || r.Value == nil {
			t.Errorf("offset %d, want %d; key %q, value %q", r.OffsetDelta, offset, r.Key, r.Value)
		}
		text := fmt.Sprintf("%d %s", r.TimestampDelta64, r.Value)
		for _, h := range r.Headers {
			text += fmt.Sprintf(" %s=%s", h.Key, h.Value)
		}
		got = append(got, text)
	}
	most := []string{
		"0 " + first + " host=h1 uid=f/1099511627776 pos=1099511627776",
		"0 a host=h1 uid=f/0 pos=0 part=1/?",
		"0 b host=h1 uid=f/0 pos=0 part=2/2",
		"0  host=h1 uid=f/0 pos=0",
		"-1000 " + strings.Repeat("x", 200) + " host=web-07 path=/var/log/app.log file=5yc1s-dkq3w9b1x0za pos=0",
	}
	if diff := cmp.Diff(most, got[:len(most)]); diff != "" {
		t.Error(diff)
	}
}

// TestRecordsAllocateNothing encodes a batch in memory that was used before.
func TestRecordsAllocateNothing(t *testing.T) {
	p, part := offline(t)
	part.accept(lines(1760, 149, true))
	part.compose(1<<20, 10000)
	var w recordWriter
	once := func() {
		part.out.encode(&w, &p.memory, &compressor{})
		p.memory.put(part.out.payload)
	}
	once()
	// Others allocate too, and a collection may empty the pool: the best of some counts.
	least := testing.AllocsPerRun(20, once)
	for range 10 {
		if least > 1 {
			least = min(least, testing.AllocsPerRun(20, once))
		}
	}
	if least > 1 {
		t.Errorf("%.0f allocations for a batch of %d records", least, part.out.records)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	var m memory
	for _, n := range []int{0, 1, 1024, 1025, 900 << 10, 4 << 20, 9 << 20} {
		buf := m.get(n)
		if len(buf.b) != 0 || cap(buf.b) < n {
			t.Errorf("for %d bytes: %d used of %d", n, len(buf.b), cap(buf.b))
		}
		m.put(buf)
	}
	// One that grew by itself, to a size between two classes, serves the lower one.
	m.put(&buffer{b: make([]byte, 3000)})
	if buf := m.get(2049); cap(buf.b) < 2049 {
		t.Errorf("room for %d bytes", cap(buf.b))
	}
}

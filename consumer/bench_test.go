package consumer

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkDecode decodes batches of 6,000 records of 148 bytes with the three
// headers that the agent sends, as Next does with Config.Reuse; it must not allocate
// per record.
func BenchmarkDecode(b *testing.B) {
	value := make([]byte, 148)
	records := make([]kmsg.Record, 6000)
	for i := range records {
		records[i] = kmsg.Record{OffsetDelta: int32(i), Value: value, Headers: []kmsg.Header{
			{Key: "host", Value: []byte("web-01")}, {Key: "path", Value: []byte("/var/log/nginx/access.log")}, {Key: "pos", Value: []byte("123456")}}}
	}
	data := rawBatch(0, records, nil)
	shared := &decodeBuffers{pool: &bufferPool{keep: 4}}
	batch := make([]Record, 0, MaxBatch)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d := decoder{topic: "t", data: data, end: noEnd, shared: shared}
		for done := false; !done; {
			batch, done = d.decode(batch[:0], MaxBatch)
			shared.recycle()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/6000, "ns/record")
}

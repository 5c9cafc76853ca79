package ship

import (
	"bytes"
	"testing"
	"time"
)

// lines makes a bundle of n lines of the given length.
func lines(n, length int, headers bool) *Bundle {
	b := &Bundle{Topic: "t", Key: "/var/log/app.log", Time: time.UnixMilli(1_700_000_000_000)}
	line := append(bytes.Repeat([]byte("x"), length), '\n')
	for i := range n {
		from := uint32(len(b.Data))
		b.Data = append(b.Data, line...)
		b.Spans = append(b.Spans, Span{Start: from, End: from + uint32(length), Pos: int64(i) << 20})
	}
	if headers {
		b.Headers = []Header{{[]byte("host"), []byte("web-07")}, {[]byte("path"), []byte(b.Key)}, {[]byte("file"), []byte("5yc1s-dkq3w9b1x0za")}}
		b.PosHeader = true
	}
	return b
}

// BenchmarkBatch is the cost of a line from an accepted bundle to records that
// can be sent: accept, cut a batch, encode it, and acknowledge it. An
// operation is one line.
func BenchmarkBatch(b *testing.B) {
	for _, headers := range []bool{false, true} {
		name := "headers=none"
		if headers {
			name = "headers=host,path,file,pos"
		}
		b.Run(name, func(b *testing.B) {
			p, part := offline(b)
			bundle := lines(1760, 149, headers)
			bundle.Done = func(Result) {}
			var w recordWriter
			done := make([]*entry, 0, 16)
			b.SetBytes(150)
			b.ReportAllocs()
			for n := 0; n < b.N; {
				for range 3 {
					part.accept(bundle)
				}
				for part.ring.head != nil {
					part.compose(900<<10, 10000)
					part.out.encode(&w, &p.memory, &compressor{})
					n += part.out.records
					done = part.acknowledged(done[:0], 0)
					for _, e := range done {
						p.entries.Put(e)
					}
				}
			}
		})
	}
}

// offline returns a partition of a producer that does not run.
func offline(t testing.TB) (*Producer, *partition) {
	t.Helper()
	cfg := Config{}
	cfg.Kafka.Addresses = []string{"127.0.0.1:1"}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	topic := p.topic("t")
	topic.parts = []*partition{newPartition(topic, 0)}
	return p, topic.parts[0]
}

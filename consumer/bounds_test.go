package consumer

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
	"logctl/internal/testkit/ceiling"
)

// A record beyond the bound is passed over with its offset; the rest is read.
func TestARecordThatIsTooLargeIsPassedOver(t *testing.T) {
	headers := plainRecord(3, "many headers")
	for range 100 {
		headers.Headers = append(headers.Headers, kmsg.Header{})
	}
	data := rawBatch(10, []kmsg.Record{plainRecord(0, "a"), plainRecord(1, strings.Repeat("b", 2000)), plainRecord(2, "c"), headers, plainRecord(4, "d")}, nil)
	shared := &decodeBuffers{pool: &bufferPool{keep: 4}}
	shared.setBounds(1000, 0)
	var at []int64
	d := decoder{topic: "t", data: data, end: noEnd, shared: shared, onSkip: func(offset int64, err error) {
		var size *RecordSizeError
		if !errors.As(err, &size) || size.Limit != 1000 || skipped(err) != "record" {
			t.Errorf("%v", err)
		}
		at = append(at, offset)
	}}
	got, done := d.decode(nil, 100)
	if v := values(got, -1); !done || strings.Join(v, "") != "acd" || len(at) != 2 || at[0] != 11 || at[1] != 13 {
		t.Errorf("done %v, %q, passed over %v", done, v, at)
	}
}

// What one batch of Next points into is bounded, however small its batches are packed.
func TestABatchOfNextEndsBeforeItsMemory(t *testing.T) {
	var data []byte
	const each = 1 << 20
	for i := range 20 {
		data = append(data, packedBatch(t, int64(i), 1, kmsg.Record{Value: make([]byte, each)})...)
	}
	shared := &decodeBuffers{pool: &bufferPool{keep: 4}}
	shared.setBounds(0, 16<<20)
	d := decoder{topic: "t", data: data, end: noEnd, shared: shared, onSkip: func(offset int64, err error) { t.Errorf("offset %d: %v", offset, err) }}
	n, most := 0, 0
	for done := false; !done; {
		var got []Record
		got, done = d.decode(nil, 1000)
		n += len(got)
		most = max(most, shared.held)
		shared.recycle()
	}
	if n != 20 || most > 4<<20+4*each {
		t.Errorf("%d records, %d bytes held", n, most)
	}
}

// packedBatch makes a batch with one compressed record.
func packedBatch(t testing.TB, offset int64, codec int16, r kmsg.Record) []byte {
	t.Helper()
	return rawBatch(offset, []kmsg.Record{r}, func(b *kmsg.RecordBatch) {
		b.Attributes |= codec
		b.Records = pack(t, int(codec), b.Records)
	})
}

func pack(t testing.TB, codec int, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	switch codec {
	case 1:
		w := gzip.NewWriter(&b)
		_, err1 := w.Write(plain)
		if err := errors.Join(err1, w.Close()); err != nil {
			t.Fatal(err)
		}
	case 2:
		return xerial.Encode(nil, plain)
	case 3:
		w := lz4.NewWriter(&b)
		_, err1 := w.Write(plain)
		if err := errors.Join(err1, w.Close()); err != nil {
			t.Fatal(err)
		}
	case 4:
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = w.Close() }()
		return w.EncodeAll(plain, nil)
	}
	return b.Bytes()
}

// FuzzInflate unpacks what came damaged, never to more than the bound and a little.
func FuzzInflate(f *testing.F) {
	for codec := 1; codec <= 4; codec++ {
		f.Add(byte(codec), pack(f, codec, []byte(strings.Repeat("some lines of a log\n", 50))))
		f.Add(byte(codec), pack(f, codec, make([]byte, 300<<10)))
	}
	f.Fuzz(func(t *testing.T, codec byte, src []byte) {
		const limit = 64 << 10
		var out []byte
		var err error
		// zstd's windows and tables take some megabytes whatever the bound.
		ceiling.Within(t, 32<<20, func() {
			in := inflater{most: limit}
			out, err = in.inflate(int(codec%5), nil, src)
		})
		if cap(out) > 8*limit {
			t.Fatalf("codec %d: %d bytes in memory for %d, %v", codec, cap(out), len(src), err)
		}
		if err == nil && len(out) > limit {
			t.Fatalf("codec %d: %d bytes were let through", codec, len(out))
		}
	})
}

// A batch of Next that is full by the bytes of its batches is handed out, and the next ones
// bring the rest: looking for more of it would never end.
func TestNextHandsOutWhatItsMemoryHolds(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	const n, each = 40, 300 << 10
	cl := client(t, k, kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	for i := range n { // one batch each
		write(t, cl, &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte{byte(i)}, each)})
	}
	cfg := config(k, topic)
	cfg.MaxMemory, cfg.Follow = 4<<20, true
	got := take(t, open(t, cfg), n)
	for i := range got {
		if len(got[i].Value) != each || got[i].Value[each-1] != byte(i) {
			t.Fatalf("record %d has %d bytes", i, len(got[i].Value))
		}
	}
}

// What is fetched and passed over gives its room back though no record is delivered: the
// buffer would stay full, and what follows would never come.
func TestPassedOverGivesItsRoomBack(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	transact(t, k, topic, kgo.TryAbort, bigRecords(topic, 6, 800<<10)...)
	transact(t, k, topic, kgo.TryCommit, text(topic, 0, "kept")...)
	cfg := config(k, topic)
	cfg.Buffer, cfg.Isolation = 1<<20, ReadCommitted
	if got := values(all(t, open(t, cfg)), -1); len(got) != 1 || got[0] != "kept" {
		t.Fatalf("read %d records: %.20q", len(got), got)
	}
}

// bigRecords makes n records of partition 0, of that many bytes each.
func bigRecords(topic string, n, bytesEach int) []*kgo.Record {
	out := make([]*kgo.Record, n)
	for i := range out {
		out[i] = &kgo.Record{Topic: topic, Value: make([]byte, bytesEach)}
	}
	return out
}

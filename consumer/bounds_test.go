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
	"github.com/twmb/franz-go/pkg/kmsg"

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

package consumer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
	"logctl/internal/testkit/ceiling"
)

// walkAll takes the values of data as one chunk, a few at a time.
func walkAll(d decoder) (out []byte, w walk, errs []error) {
	d.onSkip = func(_ int64, err error) { errs = append(errs, err) }
	w = walk{Wanted: Wanted{Separator: "\n", Limit: 8}, offset: -1}
	for {
		part, done := d.values(nil, &w)
		if out = append(out, part...); done {
			return out, w, errs
		}
	}
}

// joined is what walkAll must come by, made of records.
func joined(records []Record) (out []byte, w walk) {
	w.offset = -1
	for i := range records {
		r := &records[i]
		out = append(append(out, r.Value...), '\n')
		w.records++
		w.size += int64(len(r.Key) + len(r.Value))
		w.offset, w.at = r.Offset, r.Time
	}
	return out, w
}

// variety is a batch of each shape of record.
func variety(change func(*kmsg.RecordBatch)) []byte {
	long := []byte(strings.Repeat("long ", 40_000))
	return rawBatch(100, []kmsg.Record{
		{OffsetDelta: 0, Value: []byte("plain value")},
		{OffsetDelta: 1, Value: []byte("with a key"), Key: []byte("key")},
		{OffsetDelta: 2, Value: []byte("of an empty key"), Key: []byte{}},
		{OffsetDelta: 3, Value: nil, Key: []byte("tombstone")},
		{OffsetDelta: 4, Value: []byte{}},
		{OffsetDelta: 5, Value: []byte("x")},
		{OffsetDelta: 6, Value: []byte("headers"), Headers: []kmsg.Header{{Key: "host", Value: []byte("web-01")}, {Key: "none"}}},
		{OffsetDelta: 7, Value: long},
		{OffsetDelta: 8, Value: long[:9000], TimestampDelta64: 1 << 40},
		{OffsetDelta: 9, Value: long[:200], TimestampDelta64: -5},
		{OffsetDelta: 70_000, Value: []byte("far away"), Key: long[:300]},
	}, change)
}

func TestValuesAreThoseOfRecords(t *testing.T) {
	spread := func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 70_000 }
	appended := func(b *kmsg.RecordBatch) { spread(b); b.Attributes |= attrLogAppendTime }
	damaged := variety(spread)
	damaged[len(damaged)-3] ^= 1
	for name, d := range map[string]decoder{
		"whole":            {data: variety(spread), end: noEnd},
		"several":          {data: append(variety(spread), rawBatch(70_101, []kmsg.Record{plainRecord(0, "next batch")}, nil)...), end: noEnd},
		"from within":      {data: variety(spread), from: 102, end: noEnd},
		"end within":       {data: variety(spread), end: 106},
		"a time":           {data: variety(spread), end: noEnd, until: 1000 + 1<<39},
		"append time":      {data: variety(appended), end: noEnd},
		"damaged":          {data: append(bytes.Clone(damaged), variety(spread)...), end: noEnd},
		"cut off":          {data: variety(spread)[:200], end: noEnd},
		"none":             {end: noEnd},
		"bounded record":   {data: variety(spread), end: noEnd, shared: &decodeBuffers{pool: &bufferPool{keep: 4}, maxRecord: 100}},
		"bounded a little": {data: variety(spread), end: noEnd, shared: &decodeBuffers{pool: &bufferPool{keep: 4}, maxRecord: 150_000}},
	} {
		t.Run(name, func(t *testing.T) {
			d.topic = "t"
			if d.shared == nil {
				d.shared = &decodeBuffers{pool: &bufferPool{keep: 4}}
			}
			byRecord := d
			var wantErrs []error
			byRecord.onSkip = func(_ int64, err error) { wantErrs = append(wantErrs, err) }
			records, done := byRecord.decode(nil, 1000)
			want, counts := joined(records)
			got, w, errs := walkAll(d)
			if !bytes.Equal(got, want) || !done {
				t.Errorf("%q, want %q", short(got), short(want))
			}
			if diff := cmp.Diff(counts, w, cmp.AllowUnexported(walk{}), cmpopts.IgnoreFields(walk{}, "Wanted", "Values")); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if len(errs) != len(wantErrs) {
				t.Errorf("passed over: %v, want %v", errs, wantErrs)
			}
		})
	}
}

// TestValuesOfAnyShape holds the quick ways against the whole decoding of a record where
// lengths take another byte, with damage in one batch of three.
func TestValuesOfAnyShape(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	bytesOf := func(lengths ...int) []byte {
		n := lengths[rnd.IntN(len(lengths))]
		if n < 0 {
			return nil
		}
		return bytes.Repeat([]byte{byte(rnd.Uint32())}, n+rnd.IntN(3))
	}
	quick := 0
	for range 3000 {
		var records []kmsg.Record
		for i := range 1 + rnd.IntN(20) {
			r := kmsg.Record{OffsetDelta: int32(i) << rnd.IntN(3) << (rnd.IntN(20) / 19 * 14), TimestampDelta64: rnd.Int64N(1<<20) >> rnd.IntN(20) << (rnd.IntN(30) / 29 * 30),
				Value: bytesOf(-1, 0, 5, 40, 61, 150, 150, 150, 4080, 8180, 9000)}
			if rnd.IntN(8) == 0 {
				r.Key = bytesOf(-1, 0, 3, 62, 100)
			}
			for range rnd.IntN(4) {
				r.Headers = append(r.Headers, kmsg.Header{Key: "h", Value: bytesOf(-1, 0, 10)})
			}
			records = append(records, r)
		}
		data := rawBatch(100, records, nil)
		payload := bytes.Clone(data[batchHeaderSize:])
		if rnd.IntN(3) == 0 {
			payload[rnd.IntN(len(payload))] ^= 1 << rnd.IntN(8)
		}
		d := decoder{end: noEnd, left: int32(len(records)), payload: payload, shared: &decodeBuffers{pool: &bufferPool{keep: 4}}}
		byRecord, once := d, d
		broken := false
		byRecord.onSkip = func(int64, error) { broken = true }
		all, _ := byRecord.decode(nil, 1001)
		got, w, _ := walkAll(d) // must not panic, whatever the damage
		if broken || len(all) < len(records) {
			continue // the headers of a value are not looked at, nor is an offset outside the batch
		}
		want, counts := joined(all)
		if !bytes.Equal(got, want) || w.size != counts.size || w.offset != counts.offset || !w.at.Equal(counts.at) {
			t.Fatalf("%q: %d bytes to %d of %v, want %q: %d to %d of %v", short(got), w.size, w.offset, w.at, short(want), counts.size, counts.offset, counts.at)
		}
		once.quickValues(nil, &walk{Wanted: Wanted{Separator: "\n", Limit: 1 << 20}}, nil)
		quick += len(records) - int(once.left)
	}
	if quick < 3000 {
		t.Errorf("%d records were taken by the quick way", quick)
	}
}

func short(b []byte) []byte { return b[:min(len(b), 400)] }

// FuzzValues holds the quick way to a value against the whole decoding of a record.
func FuzzValues(f *testing.F) {
	whole := variety(nil)
	f.Add(whole[batchHeaderSize:], int32(11))
	f.Add([]byte{14, 0, 0, 0, 1, 2, 'v', 0}, int32(1))
	f.Fuzz(func(t *testing.T, payload []byte, count int32) {
		ceiling.Within(t, 128<<20, func() {
			count = max(count, 0) % 1000
			d := decoder{end: noEnd, left: count, payload: payload, shared: &decodeBuffers{pool: &bufferPool{keep: 4}}}
			byRecord := d
			broken := false
			byRecord.onSkip = func(int64, error) { broken = true }
			records, _ := byRecord.decode(nil, 1001)
			if broken || len(records) < int(count) {
				return // the headers of a value are not looked at, nor is an offset outside the batch
			}
			want, counts := joined(records)
			got, w, errs := walkAll(d)
			if !bytes.Equal(got, want) || len(errs) > 0 || w.size != counts.size || w.offset != counts.offset || !w.at.Equal(counts.at) {
				t.Errorf("%q at %d, %v, want %q at %d (%v)", got, w.offset, w.at, want, counts.offset, errs)
			}
		})
	})
}

// What a reader knows of its partitions is the same whether records or values are asked
// for.
func TestAppendValues(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 3)
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		cl := client(t, k, kgo.ProducerBatchCompression(codec))
		for p := range int32(3) {
			write(t, cl, numbered(topic, p, 400)...)
		}
	}
	for _, cfg := range []Config{
		{From: Oldest()}, {From: Last(700)}, {From: Oldest(), Sort: true}, {From: Oldest(), Partitions: mustPartitions(t, "1")},
	} {
		cfg.Kafka, cfg.Topics, cfg.Reuse = k.Config(), []string{topic}, true
		byRecord := open(t, cfg)
		perPartition := map[int32]string{}
		for {
			batch, err := byRecord.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				perPartition[batch[i].Partition] += string(batch[i].Value) + "\n"
			}
		}
		r := open(t, cfg)
		var got []byte
		var sum Values
		for {
			var v Values
			var err error
			got, v, err = r.AppendValues(t.Context(), got, Wanted{Separator: "\n", Limit: len(got) + 5000, Keep: func(b []byte) bool { return !bytes.HasSuffix(b, []byte("7")) }})
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			sum.Kept, sum.Passed, sum.Bytes = sum.Kept+v.Kept, sum.Passed+v.Passed, sum.Bytes+v.Bytes
		}
		want, passed := 0, 0
		for _, s := range perPartition {
			for line := range strings.Lines(s) {
				if strings.HasSuffix(line, "7\n") {
					passed++
				} else {
					want++
				}
			}
		}
		if n := bytes.Count(got, []byte("\n")); n != want || sum.Kept != want || sum.Passed != passed || sum.Bytes != int64(len(got)-want) {
			t.Errorf("%v: %d values, %+v; want %d and %d passed over", cfg.From, n, sum, want, passed)
		}
		if diff := cmp.Diff(byRecord.Partitions(), r.Partitions()); diff != "" {
			t.Errorf("%v: partitions (-by record +by value):\n%s", cfg.From, diff)
		}
	}
}

func mustPartitions(t testing.TB, s string) Partitions {
	t.Helper()
	p, err := ParsePartitions(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A caller who follows is given what there is, waits, and can end the waiting.
func TestAppendValuesFollows(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	cfg := config(k, topic)
	cfg.From, cfg.Follow = Oldest(), true
	r := open(t, cfg)
	cl := client(t, k)
	for range 3 {
		write(t, cl, numbered(topic, 0, 2)...)
		var got []byte
		for bytes.Count(got, []byte("|")) < 2 {
			var err error
			if got, _, err = r.AppendValues(t.Context(), got, Wanted{Separator: "|", Limit: 1 << 20}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, v, err := r.AppendValues(ctx, nil, Wanted{Limit: 1}); err == nil || v != (Values{}) {
		t.Errorf("%+v, %v", v, err)
	}
}

package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

// mixed makes batches of all codecs, some of them larger than what may be decompressed
// before its turn, some damaged, some markers, some of aborted transactions.
func mixed(t testing.TB, rnd *rand.Rand, n int) (data []byte, aborted []abortedTxn) {
	t.Helper()
	offset := int64(0)
	for i := range n {
		size := []int{1, 300, 20 << 10, 70 << 10}[rnd.IntN(4)]
		var records []kmsg.Record
		for k := range 1 + rnd.IntN(5) {
			value := bytes.Repeat(fmt.Appendf(nil, "%d %d ", i, k), 1+size/10)
			records = append(records, kmsg.Record{OffsetDelta: int32(k), Value: value})
		}
		codec, kind := rnd.IntN(5), rnd.IntN(12)
		batch := rawBatch(offset, records, func(b *kmsg.RecordBatch) {
			b.Attributes = int16(codec)
			if codec > 0 {
				b.Records = pack(t, codec, b.Records)
			}
			switch kind {
			case 0:
				b.Attributes |= attrTransactional
				b.ProducerID = 7
				aborted = append(aborted, abortedTxn{7, offset})
			case 1:
				if len(b.Records) > 20 { // its checksum is right
					clear(b.Records[4:20])
				}
			}
		})
		if kind == 2 {
			batch[len(batch)-1] ^= 1
		}
		data = append(data, batch...)
		offset += int64(len(records))
		if kind == 0 {
			data = append(data, rawBatch(offset, control(false), func(b *kmsg.RecordBatch) {
				b.Attributes, b.ProducerID = attrTransactional|attrControl, 7
			})...)
			offset++
		}
	}
	return data, aborted
}

// outcome is what a decoder made of its data.
type outcome struct {
	Values []string // lengths and sums
	Errors []string
}

func digest(b []byte) string { return fmt.Sprintf("%d %08x", len(b), crc32.ChecksumIEEE(b)) }

// tellAll decodes data from and up to offsets, before the turns with as many goroutines
// beside this one as helpers says; less than 0: at their turns.
func tellAll(t *testing.T, data []byte, aborted []abortedTxn, from, end int64, helpers int, byValue bool) (out outcome) {
	t.Helper()
	shared := &decodeBuffers{pool: &bufferPool{keep: 8}}
	shared.setBounds(0, 4<<20)
	d := decoder{topic: "t", data: bytes.Clone(data), from: from, end: end, aborted: aborted, shared: shared}
	d.onSkip = func(offset int64, err error) { out.Errors = append(out.Errors, fmt.Sprint(offset, err)) }
	if helpers >= 0 {
		a := &ahead{pool: shared.pool, least: 100, most: 64 << 10}
		a.moved.L = &a.mu
		shared.ahead, shared.helper.most = a, a.most
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		a.serve(ctx, &wg, helpers)
		d.early = a.add(d.data, d.decompressable)
		defer func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.waits != 0 || len(a.list) != 0 {
				t.Errorf("%d bytes in %d batches are left over", a.waits, len(a.list))
			}
		}()
	}
	if byValue {
		values, done := d.values(nil, &walk{Wanted: Wanted{Separator: "|", Limit: 1 << 30}})
		if !done {
			t.Error("values stopped before the end")
		}
		for v := range bytes.SplitSeq(values, []byte("|")) {
			out.Values = append(out.Values, digest(v))
		}
		return out
	}
	for done := false; !done; {
		var records []Record
		records, done = d.decode(nil, 7)
		for i := range records {
			out.Values = append(out.Values, digest(records[i].Value))
		}
		shared.recycle()
	}
	return out
}

// Whoever decompresses a batch, and whenever, the records, their order and the errors are
// the same.
func TestDecompressedAheadIsTheSame(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		data, aborted := mixed(t, rnd, 40)
		from, end := int64(0), int64(noEnd)
		if rnd.IntN(2) == 0 {
			from, end = rnd.Int64N(40), 40+rnd.Int64N(60)
		}
		for _, byValue := range []bool{false, true} {
			want := tellAll(t, data, aborted, from, end, -1, byValue)
			for helpers := range 4 {
				if diff := cmp.Diff(want, tellAll(t, data, aborted, from, end, helpers, byValue)); diff != "" {
					t.Fatalf("%d helpers, by value %v, %d to %d (-want +got):\n%.2000s", helpers, byValue, from, end, diff)
				}
			}
		}
	}
}

// What waits decompressed is bounded, and goes on when its turn comes.
func TestAheadIsBounded(t *testing.T) {
	var data []byte
	const each = 40 << 10
	for i := range 30 {
		data = append(data, packedBatch(t, int64(i), 1, kmsg.Record{Value: bytes.Repeat([]byte{byte(i)}, each)})...)
	}
	pool := &bufferPool{keep: 4}
	a := &ahead{pool: pool, least: 1, most: 100 << 10}
	a.moved.L = &a.mu
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	a.serve(ctx, &wg, 2)
	list := a.add(data, func(*batchHeader) bool { return true })
	bytesWaiting := func() int {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.waits
	}
	in := inflater{most: a.most}
	for i, b := range list {
		testkit.Eventually(t, "it goes on as far as it may", func() bool {
			return bytesWaiting() >= min(a.most, (len(list)-i)*each)
		})
		if n := bytesWaiting(); n > 2*a.most+2*each {
			t.Fatalf("%d bytes wait", n)
		}
		out, ok, err := a.take(b, &in)
		if !ok || err != nil || !bytes.HasSuffix(out[:len(out)-1], []byte{byte(i)}) {
			t.Fatalf("batch %d: %v, %v", i, ok, err)
		}
	}
}

// A reader of compressed topics brings what one of plain topics does, ends, and closes in
// the middle.
func TestCompressedTopics(t *testing.T) {
	k := testkit.Kafka(t)
	for i, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		topic := k.Topic(t, 2)
		cl := client(t, k, kgo.ProducerBatchCompression(codec))
		const n = 200
		var records []*kgo.Record
		for j := range n {
			noise := make([]byte, 20<<10)
			for at := range noise {
				noise[at] = byte(j * at * at >> 3)
			}
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(j % 2), Value: noise})
		}
		write(t, cl, records...)
		for _, sorted := range []bool{false, true} {
			cfg := config(k, topic)
			cfg.Sort, cfg.MaxMemory = sorted, 8<<20
			got := all(t, open(t, cfg))
			ordered(t, got)
			if len(got) != n {
				t.Errorf("codec %d, sorted %v: %d records", i+1, sorted, len(got))
			}
			for j := range got {
				if want := records[int(got[j].Offset)*2+int(got[j].Partition)]; !bytes.Equal(got[j].Value, want.Value) {
					t.Fatalf("codec %d: another value at %d of partition %d", i+1, got[j].Offset, got[j].Partition)
				}
			}
		}
		r, err := Open(t.Context(), config(k, topic))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

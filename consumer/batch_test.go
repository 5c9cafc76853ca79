package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
	"logctl/internal/testkit/ceiling"
)

// rawBatch encodes records as one batch. change may falsify it before its length and
// checksum are set.
func rawBatch(base int64, records []kmsg.Record, change func(*kmsg.RecordBatch)) []byte {
	var body []byte
	for i := range records {
		r := records[i]
		r.Length = int32(len(r.AppendTo(nil)) - 1) // an empty length takes one byte
		body = r.AppendTo(body)
	}
	b := kmsg.RecordBatch{FirstOffset: base, Magic: 2, LastOffsetDelta: int32(len(records) - 1), FirstTimestamp: 1000, MaxTimestamp: 2000,
		ProducerID: -1, NumRecords: int32(len(records)), Records: body, PartitionLeaderEpoch: -1}
	if change != nil {
		change(&b)
	}
	b.Length = int32(batchHeaderSize - batchLengthEnd + len(b.Records))
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[crcAt:], crc32.Checksum(raw[crcFrom:], castagnoli()))
	return raw
}

func plainRecord(delta int32, value string) kmsg.Record {
	return kmsg.Record{OffsetDelta: delta, Value: []byte(value)}
}

// control makes the record of a transaction marker.
func control(commit bool) []kmsg.Record {
	key := []byte{0, 0, 0, 0}
	if commit {
		key[3] = 1
	}
	return []kmsg.Record{{Key: key, Value: make([]byte, 6)}}
}

// decodeAll decodes data as one chunk of the offsets [from, end).
func decodeAll(t testing.TB, data []byte, from, end int64, aborted []abortedTxn) ([]Record, []error) {
	t.Helper()
	return decodeIn(t, &decodeBuffers{pool: &bufferPool{keep: 4}}, data, from, end, aborted)
}

// decodeIn is decodeAll within the bounds of the buffers.
func decodeIn(t testing.TB, shared *decodeBuffers, data []byte, from, end int64, aborted []abortedTxn) ([]Record, []error) {
	t.Helper()
	var errs []error
	d := decoder{topic: "t", data: data, from: from, end: end, aborted: aborted, shared: shared,
		onSkip: func(_ int64, err error) { errs = append(errs, err) }}
	var out []Record
	for {
		var done bool
		out, done = d.decode(out, len(out)+3)
		if done {
			return out, errs
		}
	}
}

func TestDecodeBounds(t *testing.T) {
	data := rawBatch(10, []kmsg.Record{plainRecord(0, "a"), plainRecord(1, "b"), plainRecord(2, "c"), plainRecord(3, "d")}, nil)
	data = append(data, rawBatch(20, []kmsg.Record{plainRecord(0, "e"), plainRecord(5, "f")}, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 9 })...)
	got, errs := decodeAll(t, data, 12, 25, nil)
	if diff := cmp.Diff([]string{"c", "d", "e"}, values(got, -1)); diff != "" || len(errs) > 0 {
		t.Errorf("errors %v (-want +got):\n%s", errs, diff)
	}
	after, size, need, err := spanOf(data, 12)
	if after != 30 || size != len(data) || need != 0 || err != nil {
		t.Errorf("the batches end at %d after %d bytes (%d, %v), want 30 and %d", after, size, need, err, len(data))
	}
	after, size, need, err = spanOf(data[:len(data)-1], 12)
	if after != 14 || size == 0 || need != 0 || err != nil {
		t.Errorf("a cut last batch: %d %d %d %v", after, size, need, err)
	}
	if _, size, need, err = spanOf(data[:70], 12); size != 0 || need <= 70 || err != nil {
		t.Errorf("a cut first batch: %d %d %v", size, need, err)
	}
}

func TestDecodeAborted(t *testing.T) {
	txn := func(id int64) func(*kmsg.RecordBatch) {
		return func(b *kmsg.RecordBatch) { b.ProducerID, b.Attributes = id, attrTransactional }
	}
	marker := func(id int64) func(*kmsg.RecordBatch) {
		return func(b *kmsg.RecordBatch) { b.ProducerID, b.Attributes = id, attrTransactional|attrControl }
	}
	one := func(v string) []kmsg.Record { return []kmsg.Record{plainRecord(0, v)} }
	var data []byte
	data = append(data, rawBatch(0, one("7 aborted"), txn(7))...)
	data = append(data, rawBatch(1, one("8 committed"), txn(8))...)
	data = append(data, rawBatch(2, one("7 aborted too"), txn(7))...)
	data = append(data, rawBatch(3, control(false), marker(7))...)
	data = append(data, rawBatch(4, control(true), marker(8))...)
	data = append(data, rawBatch(5, one("7 committed"), txn(7))...)
	data = append(data, rawBatch(6, control(true), marker(7))...)
	data = append(data, rawBatch(7, one("7 aborted again"), txn(7))...)
	data = append(data, rawBatch(8, one("plain"), nil)...)
	data = append(data, rawBatch(9, control(false), marker(7))...)
	got, errs := decodeAll(t, data, 0, noEnd, []abortedTxn{{7, 0}, {7, 7}})
	if diff := cmp.Diff([]string{"8 committed", "7 committed", "plain"}, values(got, -1)); diff != "" || len(errs) > 0 {
		t.Errorf("errors %v (-want +got):\n%s", errs, diff)
	}
}

func TestDecodeDamaged(t *testing.T) {
	good := rawBatch(0, []kmsg.Record{plainRecord(0, "first")}, nil)
	bad := rawBatch(1, []kmsg.Record{plainRecord(0, "second")}, nil)
	bad[len(bad)-2] ^= 1
	last := rawBatch(2, []kmsg.Record{plainRecord(0, "third")}, nil)
	got, errs := decodeAll(t, bytes.Join([][]byte{good, bad, last}, nil), 0, noEnd, nil)
	if diff := cmp.Diff([]string{"first", "third"}, values(got, -1)); diff != "" || len(errs) != 1 {
		t.Errorf("errors %v (-want +got):\n%s", errs, diff)
	}
	old := append([]byte{}, good...)
	old[magicAt] = 1
	if _, errs = decodeAll(t, old, 0, noEnd, nil); len(errs) != 1 || !errors.Is(errs[0], errLegacy) {
		t.Errorf("an old format gives %v", errs)
	}
}

func TestDecodeTimes(t *testing.T) {
	rec := []kmsg.Record{{TimestampDelta64: 5, Value: []byte("x")}}
	for _, tc := range []struct {
		change func(*kmsg.RecordBatch)
		typ    TimeType
		at     int64
	}{
		{nil, CreateTime, 1005},
		{func(b *kmsg.RecordBatch) { b.Attributes = attrLogAppendTime }, LogAppendTime, 2000},
		{func(b *kmsg.RecordBatch) { b.FirstTimestamp, b.MaxTimestamp = -1, -1 }, NoTime, 0},
	} {
		got, _ := decodeAll(t, rawBatch(0, rec, tc.change), 0, noEnd, nil)
		if len(got) != 1 || got[0].TimeType != tc.typ || tc.at != 0 && !got[0].Time.Equal(time.UnixMilli(tc.at)) || tc.at == 0 && !got[0].Time.IsZero() {
			t.Errorf("%v: %+v", tc.typ, got)
		}
	}
}

// A small batch that unpacks into more than the limit is refused.
func TestDecodeBomb(t *testing.T) {
	const limit = 1 << 20
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 2*limit)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	for codec, body := range map[int][]byte{1: packed.Bytes(), 4: z.EncodeAll(make([]byte, 2*limit), nil), 2: xerial.Encode(nil, make([]byte, 8*limit))} {
		f := inflater{most: limit}
		if out, err := f.inflate(codec, nil, body); !errors.Is(err, errInflated) {
			t.Errorf("codec %d: %d bytes, %v", codec, len(out), err)
		}
	}
}

// crafted answers every fetch and offset request of a topic as the test says; fetches are
// left alone without data.
func crafted(t testing.TB, k *testkit.KafkaServer, end int64, data func(offset int64) []byte) {
	t.Helper()
	c := k.Cluster()
	c.ControlKey(2, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		in := req.(*kmsg.ListOffsetsRequest)
		resp := in.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, rt := range in.Topics {
			st := kmsg.NewListOffsetsResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewListOffsetsResponseTopicPartition()
				sp.Partition = rp.Partition
				if rp.Timestamp == timeNewest {
					sp.Offset = end
				} else {
					sp.Offset = 0
				}
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	if data != nil {
		answerFetches(k, end, func(sp *kmsg.FetchResponseTopicPartition, offset int64) { sp.RecordBatches = data(offset) })
	}
}

// answerFetches answers every fetch with partitions that end there, as each makes them.
func answerFetches(k *testkit.KafkaServer, end int64, each func(sp *kmsg.FetchResponseTopicPartition, offset int64)) {
	c := k.Cluster()
	c.ControlKey(fetchKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		in := req.(*kmsg.FetchRequest)
		resp := in.ResponseKind().(*kmsg.FetchResponse)
		for _, rt := range in.Topics {
			st := kmsg.NewFetchResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewFetchResponseTopicPartition()
				sp.Partition, sp.HighWatermark, sp.LastStableOffset, sp.LogStartOffset = rp.Partition, end, end, 0
				each(&sp, rp.FetchOffset)
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
}

// Ends that only the heads of batches, or nothing at all, can prove.
func TestTailsOfCompactedLogs(t *testing.T) {
	first := rawBatch(0, []kmsg.Record{plainRecord(0, "only")}, nil)
	for name, tail := range map[string][]byte{
		"empty batch":          rawBatch(1, nil, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 98 }),
		"last records gone":    rawBatch(1, []kmsg.Record{plainRecord(3, "kept")}, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 98 }),
		"marker":               rawBatch(99, control(true), func(b *kmsg.RecordBatch) { b.Attributes = attrTransactional | attrControl }),
		"nothing":              nil,
		"empty batch, then no": rawBatch(1, nil, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 50 }),
	} {
		t.Run(name, func(t *testing.T) { // two partitions: neither waits for the other to end first
			k := testkit.Kafka(t, testkit.Embedded())
			topic := k.Topic(t, 2)
			crafted(t, k, 100, func(offset int64) []byte {
				switch {
				case offset == 0:
					return first
				case offset == 1:
					return tail
				}
				return nil
			})
			want := []string{"only"}
			if name == "last records gone" {
				want = append(want, "kept")
			}
			var r *Reader
			var got []Record
			testkit.Soon(t, 3*time.Second, "reading to the end", func() time.Duration {
				return testkit.Took(func() {
					r = open(t, config(k, topic))
					got = all(t, r)
				})
			})
			for p := range int32(2) {
				if diff := cmp.Diff(want, values(got, p)); diff != "" {
					t.Errorf("partition %d (-want +got):\n%s", p, diff)
				}
			}
			for _, s := range r.Partitions() {
				if s.Next != 100 {
					t.Errorf("ended at %d, want 100", s.Next)
				}
			}
		})
	}
}

// TestSnappyLengthIsNotBelieved: a block that says it has more than its bytes can become
// takes no memory for that.
func TestSnappyLengthIsNotBelieved(t *testing.T) {
	ceiling.Within(t, 256<<10, func() {
		f := inflater{}
		if _, err := f.inflate(2, nil, []byte{0x80, 0x80, 0x40, 0, 'a'}); !errors.Is(err, errSnappyLength) {
			t.Errorf("error %v, want %v", err, errSnappyLength)
		}
	})
	text := bytes.Repeat([]byte("a"), 1<<20)
	f := inflater{}
	if got, err := f.inflate(2, nil, xerial.Encode(nil, text)); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes of what packs best, %v", len(got), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(rawBatch(0, []kmsg.Record{plainRecord(0, "a"), {OffsetDelta: 1, Key: []byte("k"), Headers: []kmsg.Header{{Key: "h", Value: []byte("v")}}}}, nil))
	f.Add(rawBatch(5, control(false), func(b *kmsg.RecordBatch) { b.Attributes = attrTransactional | attrControl }))
	f.Add(rawBatch(0, nil, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 9 }))
	f.Fuzz(func(t *testing.T, data []byte) {
		ceiling.Within(t, 128<<20, func() {
			_, size, _, err := spanOf(data, 0)
			if err != nil || size == 0 {
				return
			}
			data = bytes.Clone(data[:size])
			for at := 0; at < len(data); { // a fuzzer finds no checksums
				h, err := parseBatchHeader(data[at:])
				if err != nil {
					t.Fatalf("a batch that was whole is %v", err)
				}
				if h.magic >= 2 {
					binary.BigEndian.PutUint32(data[at+crcAt:], crc32.Checksum(data[at+crcFrom:at+h.size], castagnoli()))
				}
				at += h.size
			}
			shared := &decodeBuffers{pool: &bufferPool{keep: 4}}
			shared.setBounds(1<<20, 64<<20) // a batch may become 16 MiB
			records, _ := decodeIn(t, shared, data, 0, noEnd, []abortedTxn{{1, 0}})
			for i := range records {
				if records[i].Offset < 0 {
					t.Fatalf("offset %d", records[i].Offset)
				}
			}
			copyRecords(records)
		})
	})
}

func FuzzFetchResponse(f *testing.F) {
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = fetchVersion
	st := kmsg.NewFetchResponseTopic()
	st.Topic = "t"
	sp := kmsg.NewFetchResponseTopicPartition()
	sp.RecordBatches = rawBatch(0, []kmsg.Record{plainRecord(0, "a")}, nil)
	st.Partitions = append(st.Partitions, sp)
	resp.Topics = append(resp.Topics, st)
	f.Add(resp.AppendTo(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		ceiling.Within(t, 1<<20+64*uint64(len(body)), func() {
			bytesSeen := 0 // of the partitions: their topic stands in the answer once for all of them
			_, err := parseFetchResponse(body, func(p *fetchedPart) {
				if bytesSeen += len(p.data); len(p.topic) > len(body) {
					t.Fatalf("a topic of %d bytes out of %d", len(p.topic), len(body))
				}
			})
			if bytesSeen > len(body) {
				t.Fatalf("%d bytes out of %d, %v", bytesSeen, len(body), err)
			}
		})
	})
}

// TestShortBytes compares the quick way of reading a length and its bytes with the whole one.
func TestShortBytes(t *testing.T) {
	for first := range 256 {
		for n := range 70 {
			b := append([]byte{byte(first)}, bytes.Repeat([]byte{'x'}, n)...)
			value, rest, ok := shortbytes(b)
			if !ok {
				continue
			}
			want, after, err := varbytes(b)
			if err != nil || !bytes.Equal(value, want) || (value == nil) != (want == nil) || !bytes.Equal(rest, after) {
				t.Fatalf("%x and %d bytes: %q, %q; want %q, %q, %v", first, n, value, rest, want, after, err)
			}
		}
	}
	if _, _, ok := shortbytes(nil); ok {
		t.Error("bytes of nothing")
	}
}

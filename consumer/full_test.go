package consumer

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

// Answers in which nothing is wanted do not end a call of AppendValues, and more of them
// than one look takes do not make it wait for what will never be told.
func TestValuesBehindManyAnswersWithoutRecords(t *testing.T) {
	k := testkit.Kafka(t)
	const partitions = 3 * maxChunks
	topic := k.Topic(t, partitions)
	var records []*kgo.Record
	for p := range int32(partitions) {
		records = append(records, text(topic, p, "aborted")...)
	}
	transact(t, k, topic, kgo.TryAbort, records...)
	r := open(t, config(k, topic))
	testkit.Eventually(t, "all is fetched", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.open == 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got, v, err := r.AppendValues(ctx, nil, Wanted{Limit: 1 << 20}); v.Kept != 0 || err == nil || ctx.Err() != nil {
		t.Errorf("%q, %+v, %v", got, v, err)
	}
}

// Where there is no room left in the caller's buffer, a value comes nevertheless.
func TestValuesIntoAFullBuffer(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 3)...)
	r := open(t, config(k, topic))
	got := []byte("full|")
	for range 3 {
		var err error
		if got, _, err = r.AppendValues(t.Context(), got, Wanted{Separator: "|", Limit: 2}); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "full|0|1|2|" {
		t.Errorf("%q", got)
	}
}

// A decompressed batch of which no record is wanted takes no memory beyond its turn.
func TestPassedOverIsNotHeld(t *testing.T) {
	const each = 1 << 20
	var data []byte
	for i := range 20 {
		data = append(data, packedBatch(t, int64(i), 4, kmsg.Record{Value: make([]byte, each)})...)
	}
	for _, sorted := range []bool{false, true} {
		pool := &bufferPool{keep: 4}
		shared := &decodeBuffers{pool: pool, keepHeaders: sorted}
		shared.setBounds(1000, 16<<20)
		skipped := 0
		d := decoder{topic: "t", data: data, end: noEnd, shared: shared, onSkip: func(int64, error) { skipped++ }}
		if got, done := d.decode(nil, 1000); len(got) > 0 || !done || skipped != 20 {
			t.Fatalf("%d records, done %v, %d passed over", len(got), done, skipped)
		}
		if n := len(shared.used) + len(d.kept); n > 0 || len(pool.free) > 1 {
			t.Errorf("sorted %v: %d batches are held, %d buffers were made", sorted, n, len(pool.free))
		}
	}
}

// Headers take many times their bytes in memory: a batch of Next ends for them too.
func TestABatchOfNextEndsBeforeItsHeaders(t *testing.T) {
	var records []kmsg.Record
	for i := range 50 {
		records = append(records, kmsg.Record{OffsetDelta: int32(i), Headers: make([]kmsg.Header, 1000)})
	}
	shared := &decodeBuffers{pool: &bufferPool{keep: 4}}
	shared.setBounds(0, 1<<20)
	d := decoder{topic: "t", data: rawBatch(0, records, nil), end: noEnd, shared: shared, onSkip: func(offset int64, err error) { t.Errorf("offset %d: %v", offset, err) }}
	n, most := 0, 0
	for done := false; !done; {
		var got []Record
		got, done = d.decode(nil, 1000)
		for i := range got {
			if len(got[i].Headers) != 1000 || got[i].Offset != int64(n+i) {
				t.Fatalf("offset %d has %d headers", got[i].Offset, len(got[i].Headers))
			}
		}
		n += len(got)
		most = max(most, len(shared.headers)*headerCost)
		shared.recycle()
	}
	if n != 50 || most > 256<<10+1000*headerCost {
		t.Errorf("%d records, %d bytes of headers", n, most)
	}
}

// A merge of batches that unpack to much keeps within its memory, and brings all.
func TestASortedReadKeepsItsMemory(t *testing.T) {
	k := testkit.Kafka(t)
	const partitions, each, size = 4, 40, 200 << 10
	topic := k.Topic(t, partitions)
	cl := client(t, k, kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	for i := range each {
		for p := range int32(partitions) { // one batch each
			write(t, cl, &kgo.Record{Topic: topic, Partition: p, Value: bytes.Repeat([]byte{byte(i)}, size)})
		}
	}
	cfg := config(k, topic)
	cfg.Sort, cfg.Reuse, cfg.MaxMemory = true, true, 4<<20
	r := open(t, cfg)
	n, most := 0, 0
	for {
		batch, err := r.Next(t.Context())
		if err != nil {
			break
		}
		n += len(batch)
		held := 0
		for _, b := range r.shared.used {
			held += cap(b)
		}
		for _, h := range r.merge.runs {
			if h.chunk != nil {
				held += cap(h.chunk.scratch)
				for _, b := range h.chunk.kept {
					held += cap(b)
				}
			}
		}
		for _, c := range r.spent {
			held += cap(c.scratch)
			for _, b := range c.kept {
				held += cap(b)
			}
		}
		most = max(most, held)
	}
	if n != partitions*each {
		t.Errorf("%d records, want %d", n, partitions*each)
	}
	if most > 1<<20+2*partitions*2*size {
		t.Errorf("%d bytes of decompressed batches at once", most)
	}
}

// What never becomes better is told while it is waited for, and ends a bounded read with
// an error: it must not be asked for silently for ever.
func TestAnswersThatBringNothing(t *testing.T) {
	whole := rawBatch(0, []kmsg.Record{plainRecord(0, strings.Repeat("x", 1000))}, nil)
	damaged := bytes.Clone(whole)
	copy(damaged[8:], []byte{0xff, 0xff, 0xff, 0xff}) // a length below 0
	long := bytes.Clone(whole)
	copy(long[8:], []byte{0x7f, 0xff, 0xff, 0xf0}) // with its head it fits into 32 bits
	for name, c := range map[string]struct {
		data []byte
		code sarama.KError
		high int64
		want string
	}{
		"a batch cut off":       {high: 10, data: whole[:500], want: fmt.Sprintf("500 of the %d bytes of the batch at offset 0", len(whole))},
		"the head of a batch":   {high: 10, data: whole[:5], want: "no more than 5 bytes of the batch at offset 0"},
		"a batch of 2 GiB":      {high: 10, data: long, want: "of the 2147483644 bytes of the batch at offset 0"},
		"a damaged head":        {high: 10, data: damaged, want: "at offset 0: batch at offset 0 has the length -1"},
		"an offset that is not": {high: 10, code: sarama.ErrOffsetOutOfRange, want: "it has no offset 0, and that it has 0 to 9"},
		"a log cut back":        {want: "its log ends at 0, though it reached to 10"},
	} {
		t.Run(name, func(t *testing.T) {
			k := testkit.Kafka(t, testkit.Embedded())
			topic := k.Topic(t, 1)
			crafted(t, k, 10, nil)
			answerFetches(k, c.high, func(sp *kmsg.FetchResponseTopicPartition, _ int64) {
				sp.ErrorCode, sp.RecordBatches = int16(c.code), c.data
			})
			var said notices
			cfg := config(k, topic)
			cfg.Wait, cfg.Notify = quietFor+2*time.Second, said.add
			r := open(t, cfg)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := r.Next(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if s := r.Partitions()[0]; !s.Done || s.Next != 0 || s.StopAt != 10 {
				t.Errorf("%+v", s)
			}
			if n := said.count(PartitionError); n != 1 && name != "a log cut back" {
				t.Errorf("told %d times: %v", n, said.all())
			}
		})
	}
}

// A broker that cuts batches to the room of its answer brings them when there is room.
func TestABatchThatNeedsAWholeAnswer(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 3)
	batch := rawBatch(0, []kmsg.Record{plainRecord(0, strings.Repeat("x", fetchBytes+fetchBytes/2))}, nil)
	crafted(t, k, 1, nil)
	k.Cluster().ControlKey(fetchKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		in := req.(*kmsg.FetchRequest)
		resp := in.ResponseKind().(*kmsg.FetchResponse)
		room := int(in.MaxBytes)
		for _, rt := range in.Topics {
			st := kmsg.NewFetchResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewFetchResponseTopicPartition()
				sp.Partition, sp.HighWatermark, sp.LastStableOffset = rp.Partition, 1, 1
				if rp.FetchOffset == 0 {
					sp.RecordBatches = batch[:min(len(batch), int(rp.PartitionMaxBytes), room)]
					room -= len(sp.RecordBatches)
				}
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	if got := all(t, open(t, config(k, topic))); len(got) != 3 {
		t.Errorf("%d records", len(got))
	}
}

// How long a partition is waited for does not pass while nobody takes records.
func TestPatienceIsOfThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Wait: 10 * time.Second}
		cfg.setDefaults()
		r := &Reader{cfg: cfg, ready: make(chan struct{}, 1), refresh: make(chan struct{}, 1)}
		p := newPartition(topicPartition{"t", 0}, 1)
		p.phase = reading
		r.order, r.open = []*partition{p}, 1
		r.attend(true)
		r.fail(p, errNoLeader)
		time.Sleep(5 * time.Second)
		r.attend(false)
		time.Sleep(time.Hour)
		if r.giveUp(); p.phase.over() || !r.firstDeadline().IsZero() {
			t.Errorf("given up while nobody waited, or to be: %v", r.firstDeadline())
		}
		r.attend(true)
		if d := time.Until(r.firstDeadline()); d != 5*time.Second {
			t.Errorf("%v are left, want 5s", d)
		}
		time.Sleep(4 * time.Second)
		if r.giveUp(); p.phase.over() {
			t.Error("given up too early")
		}
		time.Sleep(time.Second)
		if r.giveUp(); p.phase != gaveUp {
			t.Error("not given up")
		}
	})
}

// A partition that is given up while the last records are looked for is not taken for one
// without records, and its records do not take the places of others.
func TestLastRecordsOfAPartitionThatFallsSilent(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 20)...)
	write(t, cl, numbered(topic, 1, 20)...)
	var records []kmsg.Record
	for i := range 20 {
		records = append(records, plainRecord(int32(i), fmt.Sprint(i)))
	}
	var refuses atomic.Int64
	answerFetches(k, 20, func(sp *kmsg.FetchResponseTopicPartition, offset int64) {
		if sp.Partition == 0 {
			sp.RecordBatches = rawBatch(0, records, nil)
		} else if sp.RecordBatches = rawBatch(0, records[:19], nil); offset == 19 { // the last one never comes
			refuses.Add(1)
			sp.ErrorCode, sp.RecordBatches = int16(sarama.ErrKafkaStorageError), nil
		}
	})
	var said notices
	cfg := config(k, topic)
	cfg.Wait, cfg.Notify = time.Second, said.add
	r, err := OpenLast(t.Context(), cfg, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	got := all(t, r)
	if diff := cmp.Diff([]string{"18", "19"}, values(got, 0)); diff != "" {
		t.Errorf("of the others (-want +got):\n%s", diff)
	}
	if s := r.Partitions()[1]; s.Err == nil || !s.Done {
		t.Errorf("%+v", s)
	}
	if refuses.Load() == 0 || said.count(PartitionError) == 0 {
		t.Errorf("refused %d times, said %v", refuses.Load(), said.all())
	}
}

package consumer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

func TestReadAllPartitions(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 3)
	cl := client(t, k)
	for p := range int32(3) {
		write(t, cl, numbered(topic, p, 2500)...)
	}
	for _, reuse := range []bool{false, true} {
		cfg := config(k, topic)
		cfg.Reuse = reuse
		got := all(t, open(t, cfg))
		ordered(t, got)
		if len(got) != 7500 {
			t.Fatalf("reuse %v: %d records, want 7500", reuse, len(got))
		}
	}
}

func TestReadWholeRecord(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	at := time.UnixMilli(1_700_000_000_123)
	write(t, client(t, k),
		&kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v"), Timestamp: at,
			Headers: []kgo.RecordHeader{{Key: "host", Value: []byte("a")}, {Key: "none"}}},
		&kgo.Record{Topic: topic, Value: []byte{}, Timestamp: at},
		&kgo.Record{Topic: topic, Key: []byte("gone"), Timestamp: at})
	got := all(t, open(t, config(k, topic)))
	want := []Record{
		{Topic: topic, Offset: 0, Time: at, Key: []byte("k"), Value: []byte("v"),
			Headers: []Header{{Key: "host", Value: []byte("a")}, {Key: "none"}}},
		{Topic: topic, Offset: 1, Time: at, Value: []byte{}},
		{Topic: topic, Offset: 2, Time: at, Key: []byte("gone")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestCompressions(t *testing.T) {
	k := testkit.Kafka(t)
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			topic := k.Topic(t, 1)
			var records []*kgo.Record
			for i := range 3000 {
				records = append(records, &kgo.Record{Topic: topic, Value: []byte(strings.Repeat(fmt.Sprint(i, " "), 40))})
			}
			write(t, client(t, k, kgo.ProducerBatchCompression(codec)), records...)
			got := all(t, open(t, config(k, topic)))
			if len(got) != len(records) {
				t.Fatalf("%d records, want %d", len(got), len(records))
			}
			for i := range got {
				if string(got[i].Value) != string(records[i].Value) {
					t.Fatalf("record %d is %q", i, got[i].Value)
				}
			}
		})
	}
}

func TestEmptyTopicAndPartitionsEndAtOnce(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 5)
	if got := all(t, open(t, config(k, topic))); len(got) != 0 {
		t.Errorf("an empty topic gives %d records", len(got))
	}
	write(t, client(t, k), numbered(topic, 3, 10)...)
	if got := values(all(t, open(t, config(k, topic))), 3); len(got) != 10 {
		t.Errorf("got %d records, want 10", len(got))
	}
}

func TestFollowFromNewest(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 10)...)
	cfg := config(k, topic)
	cfg.From, cfg.Follow = From{}, true
	r := open(t, cfg)
	write(t, cl, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("new")})
	if got := values(take(t, r, 1), 1); !slices.Equal(got, []string{"new"}) {
		t.Errorf("got %q", got)
	}
}

func TestWritesDoNotProlong(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 100)...)
	r := open(t, config(k, topic))
	write(t, cl, numbered(topic, 0, 100)...)
	if got := all(t, r); len(got) != 100 {
		t.Errorf("got %d records, want the 100 that were there at the start", len(got))
	}
}

func TestMissingTopic(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	_, err := Open(t.Context(), config(k, topic+"x"))
	var missing *kafka.MissingTopicError
	if !errors.As(err, &missing) || !slices.Contains(missing.Nearest, topic) {
		t.Fatalf("error %v, want a missing topic that names %s", err, topic)
	}
	admin := kafka.NewAdmin(k.Config())
	defer func() { _ = admin.Close() }()
	topics, err := admin.Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(topics, func(x kafka.Topic) bool { return x.Name == topic+"x" }) {
		t.Error("asking for the topic created it")
	}
}

func TestLastOfTopicMerged(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 3)
	cl := client(t, k)
	base := time.UnixMilli(1_700_000_000_000)
	for i := range 300 { // partition 0 has the odd ones of the last, 1 few and old, 2 nothing
		p := int32(0)
		if i < 20 || i == 295 {
			p = 1
		}
		write(t, cl, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%d", i), Timestamp: base.Add(time.Duration(i) * time.Second)})
	}
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprint(i))
	}
	var last *Reader
	for _, n := range []int{1, 7, 290, 1000} {
		r, err := OpenLast(t.Context(), config(k, topic), n)
		if err != nil {
			t.Fatal(err)
		}
		last = r
		got := values(all(t, r), -1)
		if diff := cmp.Diff(want[max(300-n, 0):], got); diff != "" {
			t.Errorf("last %d (-want +got):\n%s", n, diff)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	next, err := last.Continue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	write(t, cl, &kgo.Record{Topic: topic, Partition: 2, Value: []byte("after"), Timestamp: base})
	if got := values(take(t, next, 1), -1); got[0] != "after" {
		t.Errorf("following goes on with %q", got)
	}
}

// What goes on behind the last records keeps to the order and the end asked for.
func TestContinueKeepsOrderAndEnd(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 5)...)
	for _, tt := range []struct {
		to     string
		sorted bool
		ends   bool
	}{
		{"", false, false}, {"", true, false}, {"end", true, true}, {"3", false, true}, {"-1m", false, true},
		{"0=3", false, false}, // partition 1 has no end
	} {
		cfg := config(k, topic)
		cfg.Follow, cfg.Sort = true, tt.sorted
		var err error
		if cfg.To, err = ParseTo(tt.to); err != nil {
			t.Fatal(err)
		}
		r, err := OpenLast(t.Context(), cfg, 2)
		if err != nil {
			t.Fatal(err)
		}
		all(t, r)
		next, err := r.Continue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if sorted := next.merge != nil; sorted != tt.sorted {
			t.Errorf("to %q: sorted %v, want %v", tt.to, sorted, tt.sorted)
		}
		if tt.ends {
			if got := all(t, next); len(got) > 0 {
				t.Errorf("to %q: %d records behind the end", tt.to, len(got))
			}
		} else if next.Buffered() { // also when it has ended
			t.Errorf("to %q: it ends, or has records already delivered", tt.to)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What is written while the last records are read is delivered behind them, though one
// answer of the broker brings both.
func TestContinueLosesNothing(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 5)...)
	written := make(chan struct{})
	cluster := k.Cluster()
	fetches := 0
	cluster.ControlKey(fetchKey, func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		select {
		case <-written:
		default:
			if fetches++; fetches > 1 { // the first looks for what the last ones are
				cluster.SleepControl(func() { <-written })
			}
		}
		return nil, nil, false
	})
	cfg := config(k, topic)
	cfg.Follow = true
	r, err := OpenLast(t.Context(), cfg, 3)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cl, text(topic, 0, "5", "6", "7")...)
	close(written)
	if diff := cmp.Diff([]string{"2", "3", "4"}, values(all(t, r), 0)); diff != "" {
		t.Errorf("the last three (-want +got):\n%s", diff)
	}
	next, err := r.Continue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	write(t, cl, text(topic, 0, "8")...)
	if diff := cmp.Diff([]string{"5", "6", "7", "8"}, values(take(t, next, 4), 0)); diff != "" {
		t.Errorf("what follows (-want +got):\n%s", diff)
	}
}

func TestContinueToATimeToCome(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 5)...)
	cfg := config(k, topic)
	cfg.Follow = true
	var err error
	if cfg.To, err = ParseTo("+1500ms"); err != nil {
		t.Fatal(err)
	}
	r, err := OpenLast(t.Context(), cfg, 2)
	if err != nil {
		t.Fatal(err)
	}
	all(t, r)
	next, err := r.Continue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	write(t, cl, &kgo.Record{Topic: topic, Value: []byte("in time")})
	if got := values(all(t, next), -1); !slices.Equal(got, []string{"in time"}) {
		t.Errorf("got %q", got)
	}
}

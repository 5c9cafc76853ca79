package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

func TestBrokerLostAndBack(t *testing.T) {
	k := testkit.Kafka(t, testkit.Restartable())
	topic := k.Topic(t, 2)
	write(t, client(t, k), numbered(topic, 0, 10)...)
	var said notices
	cfg := config(k, topic)
	cfg.Follow, cfg.Notify = true, said.add
	r := open(t, cfg)
	take(t, r, 10)
	k.Stop()
	testkit.Eventually(t, "the loss is told", func() bool { return said.count(BrokerLost) == 1 })
	k.Start(t)
	write(t, client(t, k), numbered(topic, 1, 5)...)
	if got := values(take(t, r, 5), 1); len(got) != 5 {
		t.Errorf("got %q", got)
	}
	testkit.Eventually(t, "the return is told", func() bool { return said.count(BrokerBack) == 1 })
	if n := said.count(BrokerLost); n != 1 {
		t.Errorf("the loss was told %d times: %v", n, said.all())
	}
}

func TestLeaderMoves(t *testing.T) {
	k := testkit.Kafka(t, testkit.Brokers(3))
	topic := k.Topic(t, 3)
	cl := client(t, k)
	cfg := config(k, topic)
	cfg.Follow = true
	r := open(t, cfg)
	for round := range int32(4) {
		for p := range int32(3) {
			if err := k.Cluster().MoveTopicPartition(topic, p, (round+p)%3); err != nil {
				t.Fatal(err)
			}
		}
		for p := range int32(3) {
			write(t, cl, numbered(topic, p, 100)...)
		}
		got := take(t, r, 300)
		ordered(t, got)
	}
	for _, s := range r.Partitions() {
		if s.Next != 400 || s.Records != 400 {
			t.Errorf("partition %d: %d records up to %d, want 400", s.Partition, s.Records, s.Next)
		}
	}
}

// A broker that takes connections and never answers must not hold up Close.
func TestCloseWhileBrokerHangs(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	release := make(chan struct{})
	cfg := config(k, topic)
	cfg.Follow = true
	cluster := k.Cluster()
	var asleep atomic.Int64
	cluster.ControlKey(fetchKey, func(kmsg.Request) (kmsg.Response, error, bool) {
		asleep.Add(1)
		defer asleep.Add(-1)
		cluster.SleepControl(func() { <-release })
		return nil, nil, false
	})
	// A cluster that is closed while a request wakes up may wait for itself forever.
	t.Cleanup(func() {
		testkit.Eventually(t, "no request is held back", func() bool { return asleep.Load() == 0 })
	})
	var r *Reader
	testkit.Soon(t, 2*time.Second, "closing", func() time.Duration {
		r = open(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Next: %v", err)
		}
		return testkit.Took(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	})
	close(release)
	if _, err := r.Next(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("Next after Close: %v", err)
	}
}

// Opening ends with its context though nobody answers.
func TestOpenEndsWithContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	k := testkit.Kafka(t, testkit.Embedded())
	cfg := config(k, "x")
	cfg.Kafka.Addresses = []string{l.Addr().String()}
	testkit.Soon(t, 2*time.Second, "opening", func() time.Duration {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return testkit.Took(func() {
			if _, err := Open(ctx, cfg); err == nil {
				t.Error("opened although nobody answers")
			}
		})
	})
}

func TestOffsetsOutsideAreClamped(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 100)...)
	if err := k.Cluster().DeleteRecords(topic, 0, 40); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		from    string
		want    int
		clamped int
	}{
		{"10", 60, 1}, {"40", 60, 0}, {"99", 1, 0}, {"100", 0, 0}, {"5000", 0, 1}, {"-1000", 60, 0}, {"+50", 10, 0}, {"oldest", 60, 0},
	} {
		var said notices
		cfg := config(k, topic)
		cfg.Notify = said.add
		var err error
		if cfg.From, err = ParseFrom(tc.from); err != nil {
			t.Fatal(err)
		}
		got := all(t, open(t, cfg))
		if len(got) != tc.want || said.count(OffsetClamped) != tc.clamped {
			t.Errorf("from %s: %d records and %v, want %d and %d notices", tc.from, len(got), said.all(), tc.want, tc.clamped)
		}
	}
}

// An offset that many partitions do not hold is told in one line.
func TestOffsetOutsideOfManyIsOneLine(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 20)
	write(t, client(t, k), numbered(topic, 0, 10)...)
	for from, want := range map[string]string{
		"5":    "partitions 1-19 of " + topic + " do not hold the offset 5; starting at the nearest one of each",
		"0=11": "partition 0 of " + topic + " holds the offsets 0 to 9 and not 11; starting at 10",
		"7=3":  "partition 7 of " + topic + " is empty and has no offset 3; starting at 0",
	} {
		var said notices
		cfg := config(k, topic)
		cfg.Notify = said.add
		var err error
		if cfg.From, err = ParseFrom(from); err != nil {
			t.Fatal(err)
		}
		all(t, open(t, cfg))
		if list := said.all(); len(list) != 1 || list[0].Text != want {
			t.Errorf("from %s: %v, want %q", from, list, want)
		}
	}
}

// Records that retention takes away while the reader is behind are skipped with a
// notice, in a follow and in a bounded read.
func TestRetentionOvertakesTheReader(t *testing.T) {
	for _, follow := range []bool{false, true} {
		t.Run(fmt.Sprintf("follow=%v", follow), func(t *testing.T) {
			k := testkit.Kafka(t, testkit.Embedded())
			topic := k.Topic(t, 1)
			cl := client(t, k)
			big := make([]byte, 1000)
			for range 100 { // many batches, more than the buffer holds
				var batch []*kgo.Record
				for range 100 {
					batch = append(batch, &kgo.Record{Topic: topic, Value: big})
				}
				write(t, cl, batch...)
			}
			var said notices
			cfg := config(k, topic)
			cfg.Follow, cfg.Notify, cfg.Buffer = follow, said.add, 1<<20
			r := open(t, cfg)
			take(t, r, 1000)
			if err := k.Cluster().DeleteRecords(topic, 0, 9990); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
			defer cancel()
			last := int64(0)
			for last != 9999 {
				batch, err := r.Next(ctx)
				if err != nil {
					t.Fatalf("at %d: %v", last, err)
				}
				last = batch[len(batch)-1].Offset
			}
			if n := said.count(OffsetClamped); n != 1 {
				t.Errorf("told %d times: %v", n, said.all())
			}
		})
	}
}

// A topic that is deleted and made anew with the same name is read from its beginning.
func TestTopicMadeAnew(t *testing.T) {
	if runtime.GOOS == "windows" {
		// kfake names files in its memory with the system's separator, and removes those below
		// a directory by a slash: the new topic keeps the bytes of the old one.
		t.Skip("the embedded broker does not delete topics on Windows")
	}
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 100)...)
	var said notices
	cfg := config(k, topic)
	cfg.Follow, cfg.Notify = true, said.add
	r := open(t, cfg)
	take(t, r, 100)
	if err := k.Cluster().DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	k.Create(t, topic, 1)
	write(t, client(t, k), numbered(topic, 0, 3)...)
	if got := values(take(t, r, 3), 0); got[0] != "0" {
		t.Errorf("got %q", got)
	}
	if n := said.count(OffsetClamped); n != 1 {
		t.Errorf("told %d times: %v", n, said.all())
	}
}

// A caller that stops reading stops the fetching: memory stays bounded, nothing is
// lost.
func TestBlockedReader(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 4)
	cl := client(t, k)
	value := make([]byte, 10_000)
	const each = 2000 // 80 MB in all
	for p := range int32(4) {
		var records []*kgo.Record
		for range each {
			records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: value})
		}
		write(t, cl, records...)
	}
	cfg := config(k, topic)
	cfg.Buffer, cfg.Reuse = 8<<20, true
	r := open(t, cfg)
	held := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.held
	}
	testkit.Eventually(t, "the buffer fills", func() bool { return held() > 2<<20 })
	for range 50 {
		runtime.Gosched()
		if n := held(); n > 8<<20+fetchBytes {
			t.Fatalf("%d bytes held", n)
		}
	}
	if got := len(all(t, r)); got != 4*each {
		t.Errorf("%d records, want %d", got, 4*each)
	}
	if n := held(); n != 0 {
		r.recycle()
		if n = held(); n != 0 {
			t.Errorf("%d bytes held behind the end", n)
		}
	}
}

func TestNewPartitionsAndTopics(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	cl := client(t, k)
	var said notices
	cfg := config(k, "t-[a-zA-Z0-9-]*"+topic[len(topic)-8:]+".*")
	cfg.Regex, cfg.Follow, cfg.From, cfg.Notify, cfg.Refresh = true, true, From{}, said.add, 100*time.Millisecond
	r := open(t, cfg)
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, 3
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	if err != nil || resp.Topics[0].ErrorCode != 0 {
		t.Fatalf("create partitions: %v %+v", err, resp)
	}
	k.Create(t, topic+"-more", 1)
	write(t, client(t, k), &kgo.Record{Topic: topic, Partition: 2, Value: []byte("new partition")},
		&kgo.Record{Topic: topic + "-more", Value: []byte("new topic")})
	got := values(take(t, r, 2), -1)
	slices.Sort(got)
	if strings.Join(got, ",") != "new partition,new topic" {
		t.Errorf("got %q", got)
	}
	testkit.Eventually(t, "the new ones are told", func() bool {
		n := 0
		for _, x := range said.all() {
			switch {
			case x.Kind != PartitionAdded:
			case x.Partition < 0: // both of the topic
				n += 2
			default:
				n++
			}
		}
		return n == 3
	})
}

// A lost broker is not told to be replaced because its records have no room now.
func TestALostBrokerIsNotReplacedByAFullBuffer(t *testing.T) {
	var said notices
	cfg := Config{Notify: said.add}
	cfg.setDefaults()
	r := &Reader{cfg: cfg, brokers: map[int32]string{1: "127.0.0.1:1"}, held: int(cfg.Buffer)}
	p := newPartition(topicPartition{"t", 0}, 1)
	p.phase = reading
	r.order = []*partition{p}
	f := &fetcher{r: r, id: 1, wake: make(chan struct{}, 1), lost: true}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f.plan(); len(f.parts) != 0 {
		t.Fatal("the buffer is not full")
	}
	f.sleep(ctx, time.Minute)
	if list := said.all(); len(list) > 0 {
		t.Errorf("said %v", list)
	}
	p.leader = 2
	f.plan()
	f.sleep(ctx, time.Minute)
	if said.count(BrokerBack) != 1 {
		t.Errorf("others lead its partitions, said %v", said.all())
	}
}

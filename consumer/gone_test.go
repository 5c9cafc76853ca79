package consumer

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

// A bounded read of a topic that is deleted meanwhile ends, and says that it is not
// all; a follower waits, and says it in one line for all partitions.
func TestTopicDeletedWhileRead(t *testing.T) {
	for _, follow := range []bool{false, true} {
		k := testkit.Kafka(t, testkit.Embedded())
		topic := k.Topic(t, 2)
		cl := client(t, k)
		for p := range int32(2) {
			for range 50 { // more than the buffer holds
				var batch []*kgo.Record
				for range 100 {
					batch = append(batch, &kgo.Record{Topic: topic, Partition: p, Value: make([]byte, 2000)})
				}
				write(t, cl, batch...)
			}
		}
		var said notices
		cfg := config(k, topic)
		cfg.Follow, cfg.Notify, cfg.Buffer, cfg.gone = follow, said.add, 1<<20, 300*time.Millisecond
		r := open(t, cfg)
		take(t, r, 1000)
		if err := k.Cluster().DeleteTopic(topic); err != nil {
			t.Fatal(err)
		}
		if follow {
			go func() {
				for {
					if _, err := r.Next(t.Context()); err != nil {
						return
					}
				}
			}()
			testkit.Eventually(t, "the loss is told", func() bool { return said.count(PartitionError) > 0 })
			want := Notice{Kind: PartitionError, Topic: topic, Partition: -1,
				Text: "partitions 0-1 of " + topic + " cannot be read (the topic does not exist any more); trying again"}
			if diff := cmp.Diff([]Notice{want}, said.all()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			continue
		}
		all(t, r)
		for _, s := range r.Partitions() {
			if !s.Done || !errors.Is(s.Err, errNoTopic) || s.Next >= s.StopAt {
				t.Errorf("%+v", s)
			}
		}
	}
}

// A partition without a leader is told to be unreadable, and its lost broker is not
// told to be replaced.
func TestNoLeader(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 2)
	write(t, client(t, k), numbered(topic, 0, 3)...)
	var said notices
	cfg := config(k, topic)
	cfg.Follow, cfg.Notify, cfg.Refresh = true, said.add, 100*time.Millisecond
	r := open(t, cfg)
	take(t, r, 3)
	k.Cluster().ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		return ledBy(t, k.Addr(), req, topic, -1, -1), nil, true
	})
	testkit.Eventually(t, "it is told", func() bool { return said.count(PartitionError) == 1 })
	if s := said.all()[0].Text; s != "partitions 0-1 of "+topic+" cannot be read (the partition has no leader now); trying again" {
		t.Errorf("said %q", s)
	}
	f := &fetcher{r: r, id: 0, wake: make(chan struct{}, 1), lost: true}
	f.plan()
	f.sleep(t.Context(), time.Millisecond)
	if n := said.count(BrokerBack); n > 0 {
		t.Errorf("said %v", said.all())
	}
}

// One partition that nobody leads does not keep the last records of the others back;
// it is read once it can be.
func TestLastRecordsWithoutALeader(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, numbered(topic, 0, 5)...)
	write(t, cl, text(topic, 1, "a", "b", "c", "d", "e")...)
	var back atomic.Bool
	k.Cluster().ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		if back.Load() {
			return nil, nil, false
		}
		return ledBy(t, k.Addr(), req, topic, 0, -1), nil, true
	})
	var said notices
	cfg := config(k, topic)
	cfg.Follow, cfg.Notify = true, said.add
	r, err := OpenLast(t.Context(), cfg, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2", "3", "4"}, values(all(t, r), -1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := "partition 1 of " + topic + " cannot be read (the partition has no leader now); the last records are those of the others"
	if list := said.all(); len(list) != 1 || list[0].Text != want {
		t.Errorf("said %v, want %q", list, want)
	}
	if s := r.Partitions()[1]; !s.Done || !errors.Is(s.Err, errNoLeader) || s.StopAt >= 0 {
		t.Errorf("the other is %+v", s)
	}
	back.Store(true)
	next, err := r.Continue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	if diff := cmp.Diff([]string{"c", "d", "e"}, values(take(t, next, 3), 1)); diff != "" {
		t.Errorf("when it is back (-want +got):\n%s", diff)
	}
}

// ledBy is metadata of a topic whose partitions have these leaders.
func ledBy(t *testing.T, addr string, req kmsg.Request, topic string, leaders ...int32) kmsg.Response {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		t.Error(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Error(err)
	}
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	broker := kmsg.NewMetadataResponseBroker()
	broker.NodeID, broker.Host, broker.Port = 0, host, int32(port)
	resp.Brokers = append(resp.Brokers, broker)
	mt := kmsg.NewMetadataResponseTopic()
	mt.Topic = kmsg.StringPtr(topic)
	for id, leader := range leaders {
		mp := kmsg.NewMetadataResponseTopicPartition()
		if mp.Partition, mp.Leader = int32(id), leader; leader < 0 {
			mp.ErrorCode = 5
		}
		mt.Partitions = append(mt.Partitions, mp)
	}
	resp.Topics = append(resp.Topics, mt)
	return resp
}

// A follower of an expression that no topic matches yet waits for the first one.
func TestFollowerWaitsForItsFirstTopic(t *testing.T) {
	for _, sorted := range []bool{false, true} {
		k := testkit.Kafka(t)
		topic := k.TopicName(t)
		var said notices
		cfg := config(k, topic+".*")
		cfg.Regex, cfg.Follow, cfg.Sort, cfg.Notify, cfg.Refresh = true, true, sorted, said.add, 100*time.Millisecond
		cfg.SortWindow = 100 * time.Millisecond
		r := open(t, cfg)
		if r.Buffered() || said.count(NoTopicYet) != 1 {
			t.Errorf("sorted %v: it has ended, or says nothing: %v", sorted, said.all())
		}
		k.Create(t, topic, 1)
		write(t, client(t, k), numbered(topic, 0, 1)...)
		take(t, r, 1)
		cfg.Follow = false
		cfg.Topics = []string{topic + "-none"}
		if _, err := Open(t.Context(), cfg); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a bounded read of nothing gives %v", err)
		}
	}
}

// An answer to what was asked before a partition was moved is not taken: it would
// move the position past records that nobody has seen.
func TestAnswerFromBeforeAMove(t *testing.T) {
	cfg := Config{}
	cfg.setDefaults()
	r := &Reader{cfg: cfg, ready: make(chan struct{}, 1), pool: &bufferPool{keep: 1}}
	p := newPartition(topicPartition{"t", 0}, 1)
	p.phase, p.next = reading, 0 // made anew: it was 10
	r.order, r.open = []*partition{p}, 1
	f := &fetcher{r: r, id: 1}
	part := &fetchedPart{highWatermark: 11, lastStable: 11, data: rawBatch(10, []kmsg.Record{plainRecord(0, "ten")}, nil)}
	f.take(p, &fetchPart{offset: 10, maxBytes: partBytes}, part, &frame{refs: 1})
	if p.next != 0 || len(r.queue) != 0 {
		t.Fatalf("the position is %d, %d chunks are queued", p.next, len(r.queue))
	}
	p.next = 10
	f.take(p, &fetchPart{offset: 10, maxBytes: partBytes}, part, &frame{refs: 1})
	if p.next != 11 || len(r.queue) != 1 {
		t.Errorf("the position is %d, %d chunks are queued", p.next, len(r.queue))
	}
}

func TestNoticesThatSayTheSameAreOne(t *testing.T) {
	var say sayings
	for _, id := range []int32{0, 1, 2, 7} {
		say.about(PartitionBack, newPartition(topicPartition{"a", id}, 1), " is read again", " are read again")
	}
	say.add(Notice{Kind: BrokerBack, Partition: -1, Text: "broker 1 is back"})
	say.about(PartitionBack, newPartition(topicPartition{"b", 4}, 1), " is read again", " are read again")
	want := []Notice{
		{Kind: PartitionBack, Topic: "a", Partition: -1, Text: "partitions 0-2,7 of a are read again"},
		{Kind: BrokerBack, Partition: -1, Text: "broker 1 is back"},
		{Kind: PartitionBack, Topic: "b", Partition: 4, Text: "partition 4 of b is read again"},
	}
	if diff := cmp.Diff(want, gather(say)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package consumer

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

// remote makes an embedded broker answer like one whose records below an offset are in
// remote storage that is too slow for it: fetches get nothing and no error, as long as
// slow says so. It reports how often the first local offset was asked for.
func remote(k *testkit.KafkaServer, local int64, slow func(offset int64) bool) (asked *atomic.Int64) {
	asked = new(atomic.Int64)
	c := k.Cluster()
	c.ControlKey(listOffsetsKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		lo := req.(*kmsg.ListOffsetsRequest)
		if lo.Topics[0].Partitions[0].Timestamp != timeOldestLocal {
			return nil, nil, false
		}
		asked.Add(1)
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, t := range lo.Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewListOffsetsResponseTopicPartition()
				rp.Partition, rp.Offset = p.Partition, local
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	c.ControlKey(fetchKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		fr := req.(*kmsg.FetchRequest)
		if !slow(fr.Topics[0].Partitions[0].FetchOffset) {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, t := range fr.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				pi := c.PartitionInfo(t.Topic, p.Partition)
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.Partition, rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = p.Partition, pi.HighWatermark, pi.LastStableOffset, pi.LogStartOffset
				rp.PreferredReadReplica = -1
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	return asked
}

// An answer without records from below the end is not the end: remote storage may be
// slow. All bounded reads bring all records, however many such answers come.
func TestSlowRemoteStorageIsNotTheEnd(t *testing.T) {
	for name, read := range map[string]func(t *testing.T, cfg Config) []Record{
		"to the end": func(t *testing.T, cfg Config) []Record { return all(t, open(t, cfg)) },
		"from 10 to 30": func(t *testing.T, cfg Config) []Record {
			cfg.From, _ = ParseFrom("10")
			cfg.To, _ = ParseTo("30")
			cfg.Follow = true
			return all(t, open(t, cfg))
		},
		"the last 20": func(t *testing.T, cfg Config) []Record {
			r, err := OpenLast(t.Context(), cfg, 20)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			return all(t, r)
		},
		"sorted": func(t *testing.T, cfg Config) []Record {
			cfg.Sort = true
			return all(t, open(t, cfg))
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := testkit.Kafka(t, testkit.Embedded())
			topic := k.Topic(t, 1)
			write(t, client(t, k), numbered(topic, 0, 50)...)
			var empty atomic.Int64
			asked := remote(k, 40, func(offset int64) bool { return offset < 40 && empty.Add(1)%8 != 0 })
			got := read(t, config(k, topic))
			want := map[string]int{"to the end": 50, "sorted": 50}[name]
			if want == 0 {
				want = 20
			}
			if len(got) != want {
				t.Errorf("%d records, want %d", len(got), want)
			}
			if empty.Load() < 4 || asked.Load() == 0 {
				t.Errorf("%d empty answers, asked %d times for the local log: the test shows nothing", empty.Load(), asked.Load())
			}
		})
	}
}

// A read that remote storage never answers ends with an error that says where.
func TestRemoteStorageThatNeverAnswers(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 50)...)
	remote(k, 50, func(int64) bool { return true })
	cfg := config(k, topic)
	cfg.Wait = time.Second
	r := open(t, cfg)
	_, err := r.Next(t.Context())
	var silent *SilenceError
	if !errors.As(err, &silent) || silent.Offset != 0 || silent.End != 50 {
		t.Fatalf("Next: %v", err)
	}
	if s := r.Partitions()[0]; !s.Done || s.Next != 0 || s.StopAt != 50 {
		t.Errorf("%+v", s)
	}
}

// Where the local log begins at or before the position, one empty answer is the proof
// that compaction left nothing up to the end.
func TestNothingLeftLocallyIsTheEnd(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 50)...)
	asked := remote(k, 30, func(offset int64) bool { return offset >= 30 })
	cfg := config(k, topic)
	cfg.From, _ = ParseFrom("30")
	r := open(t, cfg)
	if got := all(t, r); len(got) != 0 {
		t.Errorf("%d records", len(got))
	}
	if s := r.Partitions()[0]; s.Next != 50 || s.Err != nil || asked.Load() != 1 {
		t.Errorf("%+v, asked %d times", s, asked.Load())
	}
}

func TestOldestLocal(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 5)...)
	remote(k, 3, func(int64) bool { return false })
	cfg := config(k, topic)
	var err error
	if cfg.From, err = ParseFrom("oldest-local"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"3", "4"}, values(all(t, open(t, cfg)), 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A bounded read of a partition that nobody leads ends, with the partition's error.
func TestABoundedReadGivesUpALeaderlessPartition(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 2)
	write(t, client(t, k), numbered(topic, 0, 5)...)
	k.Cluster().ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		return ledBy(t, k.Addr(), req, topic, 0, -1), nil, true
	})
	cfg := config(k, topic)
	cfg.Wait = time.Second
	r := open(t, cfg)
	if got := all(t, r); len(got) != 5 {
		t.Errorf("%d records, want 5", len(got))
	}
	if s := r.Partitions()[1]; !s.Done || !errors.Is(s.Err, errNoLeader) {
		t.Errorf("%+v", s)
	}
}

// The same of a leader whose advertised address nobody answers at.
func TestABoundedReadGivesUpAnUnreachableLeader(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 5)...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	_ = l.Close()
	k.Cluster().ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		return ledBy(t, dead, req, topic, 0), nil, true
	})
	cfg := config(k, topic)
	cfg.Wait = time.Second
	r := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	if _, err := r.Next(ctx); err == nil || errors.Is(err, io.EOF) || ctx.Err() != nil || !strings.Contains(err.Error(), dead) {
		t.Errorf("Next: %v, want an error that names %s", err, dead)
	}
}

// Of several topics, one that may not be read is told, and the others are read. It comes
// in when the right is granted.
func TestOneOfSeveralTopicsIsDenied(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	open1, secret := k.Topic(t, 1), k.Topic(t, 1)
	cl := client(t, k)
	write(t, cl, append(text(open1, 0, "a", "b"), text(secret, 0, "x", "y")...)...)
	var granted atomic.Bool
	k.Cluster().ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		mr := req.(*kmsg.MetadataRequest)
		if granted.Load() || mr.Topics == nil {
			return nil, nil, false
		}
		kept := mr.Topics[:0:0]
		denied := false
		for _, mt := range mr.Topics {
			if *mt.Topic == secret {
				denied = true
				continue
			}
			kept = append(kept, mt)
		}
		if !denied || len(kept) == 0 {
			return nil, nil, false
		}
		resp := ledBy(t, k.Addr(), req, open1, 0).(*kmsg.MetadataResponse)
		mt := kmsg.NewMetadataResponseTopic()
		mt.Topic, mt.ErrorCode = kmsg.StringPtr(secret), 29
		resp.Topics = append(resp.Topics, mt)
		return resp, nil, true
	})

	var said notices
	cfg := config(k, open1, secret)
	cfg.Notify = said.add
	r := open(t, cfg)
	if diff := cmp.Diff([]string{"a", "b"}, values(all(t, r), -1)); diff != "" {
		t.Errorf("bounded (-want +got):\n%s", diff)
	}
	if list := r.Refused(); len(list) != 1 || said.count(TopicDenied) != 1 {
		t.Errorf("refused %v, said %v", list, said.all())
	}

	last, err := OpenLast(t.Context(), config(k, open1, secret), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b"}, values(all(t, last), -1)); diff != "" {
		t.Errorf("last (-want +got):\n%s", diff)
	}
	_ = last.Close()

	said = notices{}
	cfg.Follow, cfg.Refresh = true, 100*time.Millisecond
	r = open(t, cfg)
	take(t, r, 2)
	granted.Store(true)
	if diff := cmp.Diff([]string{"x", "y"}, values(take(t, r, 2), -1)); diff != "" {
		t.Errorf("when it is granted (-want +got):\n%s", diff)
	}
	if said.count(TopicDenied) != 1 || said.count(TopicGranted) != 1 {
		t.Errorf("said %v", said.all())
	}
}

// The same where the topic may be described but not read: the fetch finds out.
func TestOneOfSeveralTopicsMayNotBeFetched(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	free, secret := k.Topic(t, 1), k.Topic(t, 1)
	write(t, client(t, k), append(text(free, 0, "a", "b"), text(secret, 0, "x", "y")...)...)
	var granted atomic.Bool
	k.Cluster().ControlKey(fetchKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		fr := req.(*kmsg.FetchRequest)
		for _, ft := range fr.Topics {
			if ft.Topic != secret || granted.Load() {
				continue
			}
			resp := req.ResponseKind().(*kmsg.FetchResponse)
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic = secret
			rp := kmsg.NewFetchResponseTopicPartition()
			rp.ErrorCode = 29
			rt.Partitions = append(rt.Partitions, rp)
			resp.Topics = append(resp.Topics, rt)
			return resp, nil, true
		}
		return nil, nil, false
	})
	var said notices
	cfg := config(k, free, secret)
	cfg.Notify, cfg.Follow, cfg.Refresh = said.add, true, 100*time.Millisecond
	r := open(t, cfg)
	if diff := cmp.Diff([]string{"a", "b"}, values(take(t, r, 2), -1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	testkit.Eventually(t, "it is told", func() bool { return said.count(TopicDenied) == 1 })
	granted.Store(true)
	if diff := cmp.Diff([]string{"x", "y"}, values(take(t, r, 2), -1)); diff != "" {
		t.Errorf("when it is granted (-want +got):\n%s", diff)
	}
}

// What an open transaction keeps back is told, at once where the read ends in front of it.
func TestAnOpenTransactionIsTold(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	write(t, client(t, k), text(topic, 0, "before")...)
	cl := client(t, k, kgo.TransactionalID(topic))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(t, cl, text(topic, 0, "pending", "pending too")...)
	var said notices
	cfg := config(k, topic)
	cfg.Notify = said.add
	r := open(t, cfg)
	all(t, r)
	want := "up to 2 records of partition 0 of " + topic + " from offset 1 on wait for a transaction open since "
	if list := said.all(); len(list) != 1 || list[0].Kind != OpenTransaction || !strings.HasPrefix(list[0].Text, want) {
		t.Errorf("said %v, want %q", list, want)
	}
	if s := r.Partitions()[0]; s.Held != 2 {
		t.Errorf("%+v", s)
	}

	var later notices
	cfg.Notify, cfg.Follow, cfg.Refresh = later.add, true, 100*time.Millisecond
	f := open(t, cfg)
	take(t, f, 1)
	testkit.Eventually(t, "a follower is told", func() bool { return later.count(OpenTransaction) == 1 })
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	take(t, f, 2)
	testkit.Eventually(t, "its end is told", func() bool { return later.count(TransactionEnded) == 1 })
}

// A broker that asks to be left alone because of a quota is left alone, and that is said.
func TestAQuotaIsTold(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 5)...)
	var once atomic.Bool
	c := k.Cluster()
	c.ControlKey(fetchKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if once.Swap(true) {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		resp.ThrottleMillis = 1200
		return resp, nil, true
	})
	var said notices
	cfg := config(k, topic)
	cfg.Notify = said.add
	r := open(t, cfg)
	if got := all(t, r); len(got) != 5 {
		t.Errorf("%d records", len(got))
	}
	if said.count(Throttled) != 1 || r.Throttled() != 1200*time.Millisecond {
		t.Errorf("said %v, throttled %v", said.all(), r.Throttled())
	}
}

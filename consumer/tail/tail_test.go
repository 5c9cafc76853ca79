package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"logctl/consumer"
	"logctl/consumer/filter"
	"logctl/consumer/format"
	"logctl/internal/testkit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func write(t testing.TB, k *testkit.KafkaServer, topic string, values ...string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	base := time.UnixMilli(1_700_000_000_000)
	var records []*kgo.Record
	for i, v := range values {
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: []byte(v), Timestamp: base.Add(time.Duration(i) * time.Second)})
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// setup writes 0..n-1 over two partitions and returns a run that prints them raw.
func setup(t testing.TB, n int) (*testkit.KafkaServer, string, Config, *testkit.Buffer, *testkit.Buffer) {
	t.Helper()
	return setupOn(t, testkit.Kafka(t), n)
}

func setupOn(t testing.TB, k *testkit.KafkaServer, n int) (*testkit.KafkaServer, string, Config, *testkit.Buffer, *testkit.Buffer) {
	t.Helper()
	topic := k.Topic(t, 2)
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	write(t, k, topic, values...)
	p, err := format.New("raw", format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, messages := &testkit.Buffer{}, &testkit.Buffer{}
	return k, topic, Config{
		Reader: consumer.Config{Kafka: k.Config(), Topics: []string{topic}, From: consumer.Oldest()},
		Last:   -1, Printer: p, Out: out, Messages: messages,
	}, out, messages
}

func TestSummary(t *testing.T) {
	_, _, cfg, out, messages := setup(t, 10)
	var err error
	if cfg.Filter, err = filter.New(filter.Config{Exclude: []string{"^[5-9]$"}}); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 5 {
		t.Errorf("output %q", out)
	}
	if s := messages.String(); !strings.Contains(s, "5 records, 5 B (5 filtered out) from 2 partitions") || !strings.HasSuffix(s, "next 0=5,1=5\n") {
		t.Errorf("summary %q", s)
	}
}

func TestCountAndQuiet(t *testing.T) {
	_, _, cfg, out, messages := setup(t, 100)
	cfg.Count, cfg.Reader.Follow = 3, true
	if err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 3 {
		t.Errorf("output %q", out)
	}
	if s := messages.String(); !strings.Contains(s, "=3,") && !strings.HasSuffix(s, "=3\n") {
		t.Errorf("the summary tells no place to go on: %q", s)
	}
	cfg.Quiet, cfg.Total, cfg.Printer, cfg.Count, cfg.Reader.Follow = true, true, nil, 0, false
	messages.Reset()
	out.Reset()
	if err := Run(t.Context(), cfg); err != nil || out.String() != "100\n" || messages.String() != "" {
		t.Errorf("count: %q, %q, %v", out, messages, err)
	}
}

func TestLastThenFollow(t *testing.T) {
	k, topic, cfg, out, _ := setup(t, 20)
	cfg.Last, cfg.Reader.Follow = 3, true
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg) }()
	testkit.Eventually(t, "the last three are printed", func() bool { return out.String() == "17\n18\n19\n" })
	write(t, k, topic, "new")
	testkit.Eventually(t, "the new one is printed", func() bool { return out.String() == "17\n18\n19\nnew\n" })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPerPartitionAndSort(t *testing.T) {
	_, _, cfg, out, _ := setup(t, 20)
	cfg.Last, cfg.PerPartition, cfg.Reader.Sort = 2, true, true
	if err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("16\n17\n18\n19\n", out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// untilFull runs until what was printed is full: on a busy machine nothing may come for as
// long as Idle, before all has.
func untilFull(t *testing.T, cfg Config, full func(out string) bool) (text string) {
	t.Helper()
	testkit.Eventually(t, "a run prints all", func() bool {
		out := &testkit.Buffer{}
		cfg.Out = out
		if err := Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		text = out.String()
		return full(text)
	})
	return text
}

// someRate is the first line that tells of records.
func someRate(out string) string {
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "  0 records/s") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func TestIdleEnds(t *testing.T) {
	_, _, cfg, _, _ := setup(t, 4)
	cfg.Reader.Follow, cfg.Idle = true, 300*time.Millisecond
	out := untilFull(t, cfg, func(out string) bool { return strings.Count(out, "\n") == 4 })
	if strings.Count(out, "\n") != 4 {
		t.Errorf("%q", out)
	}
}

func TestRate(t *testing.T) {
	_, _, cfg, _, _ := setup(t, 10)
	cfg.Printer, cfg.Rate, cfg.Reader.Follow, cfg.Idle = nil, true, true, 2500*time.Millisecond
	out := untilFull(t, cfg, func(out string) bool { return someRate(out) != "" && strings.Contains(out, " 0 records/s") })
	// On a busy machine the second of the first records is longer than one.
	var all, p0, p1 int
	if f := regexp.MustCompile(` (\d+) records/s .* p0 (\d+)/s  p1 (\d+)/s$`).FindStringSubmatch(someRate(out)); len(f) == 4 {
		if _, err := fmt.Sscan(strings.Join(f[1:], " "), &all, &p0, &p1); err != nil {
			t.Fatal(err)
		}
	}
	if all < 1 || p0 != p1 || max(all-p0-p1, p0+p1-all) > 1 {
		t.Errorf("rates %q", out)
	}
}

// The rates are those of the records that pass.
func TestRateOfWhatPasses(t *testing.T) {
	_, _, cfg, _, _ := setup(t, 10)
	var err error
	if cfg.Filter, err = filter.New(filter.Config{Include: []string{"^[046]$"}}); err != nil {
		t.Fatal(err)
	}
	cfg.Printer, cfg.Rate, cfg.Reader.Follow, cfg.Idle = nil, true, true, 1500*time.Millisecond
	first := someRate(untilFull(t, cfg, func(out string) bool { return someRate(out) != "" }))
	if !regexp.MustCompile(`  [1-3] records/s  [1-3] B/s  p0 [1-3]/s$`).MatchString(first) { // fewer a second on a machine that is late
		t.Errorf("rates %q", first)
	}
}

// A batch that was passed over is a failure, which -q does not hide.
func TestSkippedBatchIsAFailure(t *testing.T) {
	k, topic, cfg, out, messages := setupOn(t, testkit.Kafka(t, testkit.Embedded()), 4)
	damaged := func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		in := req.(*kmsg.FetchRequest)
		resp := in.ResponseKind().(*kmsg.FetchResponse)
		st := kmsg.NewFetchResponseTopic()
		st.Topic = topic
		for _, rp := range in.Topics[0].Partitions {
			sp := kmsg.NewFetchResponseTopicPartition()
			sp.Partition, sp.HighWatermark, sp.LastStableOffset = rp.Partition, 2, 2
			batch := kmsg.NewRecordBatch()
			batch.Magic, batch.LastOffsetDelta, batch.NumRecords, batch.Length, batch.CRC = 2, 1, 2, 49, 1
			sp.RecordBatches = batch.AppendTo(nil)
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
		return resp, nil, true
	}
	k.Cluster().ControlKey(1, damaged)
	cfg.Quiet = true
	if err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "2 batches or records were passed over") {
		t.Errorf("%v, %q, %q", err, out, messages)
	}
}

// failing is a writer that fails after some bytes.
type failing struct {
	left int
	err  error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func TestOutputFails(t *testing.T) {
	_, _, cfg, _, messages := setup(t, 100)
	cfg.Out = &failing{err: syscall.EPIPE}
	if err := Run(t.Context(), cfg); err != nil || messages.String() != "" {
		t.Errorf("a closed pipe gives %v and %q", err, messages)
	}
	cfg.Out = &failing{err: syscall.ENOSPC}
	if err := Run(t.Context(), cfg); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk gives %v", err)
	}
}

// The end of a pipe is noticed without one more record.
func TestPipeClosedWhileIdle(t *testing.T) {
	_, _, cfg, _, messages := setup(t, 2)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	cfg.Out, cfg.Reader.Follow = w, true
	done := make(chan error, 1)
	go func() { done <- Run(t.Context(), cfg) }()
	if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil || messages.String() != "" {
			t.Errorf("%v, %q", err, messages)
		}
	case <-time.After(testkit.Hang):
		t.Fatal("it goes on")
	}
}

// A reader of the output that stops for a while loses nothing.
func TestBlockedOutput(t *testing.T) {
	_, _, cfg, _, _ := setup(t, 200_000)
	r, w := io.Pipe()
	cfg.Out = w
	done := make(chan error, 1)
	go func() {
		err := Run(t.Context(), cfg)
		_ = w.Close()
		done <- err
	}()
	first := make([]byte, 1)
	if _, err := io.ReadFull(r, first); err != nil {
		t.Fatal(err)
	}
	block := time.NewTimer(300 * time.Millisecond)
	<-block.C
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(rest, []byte("\n")); n != 200_000 {
		t.Errorf("%d lines, want 200000", n)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMessagesShowControlCharacters(t *testing.T) {
	messages := &testkit.Buffer{}
	tl := &tailer{cfg: Config{Messages: messages}}
	tl.say("value %s is no JSON", "\x1b]0;pwned\a")
	if got, want := messages.String(), "logctl: value \\x1b]0;pwned\\x07 is no JSON\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPositionsNameEveryTopic(t *testing.T) {
	one := []consumer.PartitionStat{{Topic: "a", Partition: 0, Next: 5}, {Topic: "a", Partition: 1, Next: 6}}
	if got := positions(one); got != "0=5,1=6" {
		t.Errorf("one topic: %q", got)
	}
	if got := positions(append(one, consumer.PartitionStat{Topic: "b", Next: 7})); got != "a: 0=5,1=6, b: 0=7" {
		t.Errorf("two topics: %q", got)
	}
}

// A silence ends the read, but that of a partition that cannot be read means nothing.
func TestIdleNamesWhatCouldNotBeRead(t *testing.T) {
	k, topic, cfg, out, messages := setupOn(t, testkit.Kafka(t, testkit.Embedded()), 4)
	k.Cluster().ControlKey(1, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, ft := range req.(*kmsg.FetchRequest).Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic = ft.Topic
			for _, fp := range ft.Partitions {
				if fp.Partition == 1 {
					rp := kmsg.NewFetchResponseTopicPartition()
					rp.Partition, rp.ErrorCode = 1, 6 // it has no leader here
					rt.Partitions = append(rt.Partitions, rp)
				}
			}
			if resp.Topics = append(resp.Topics, rt); len(rt.Partitions) > 0 {
				return resp, nil, true
			}
		}
		return nil, nil, false
	})
	cfg.Reader.Partitions, _ = consumer.ParsePartitions("1")
	cfg.Reader.Follow, cfg.Idle = true, 500*time.Millisecond
	err := Run(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "partition 1 of "+topic+" was not read to its end") {
		t.Errorf("%v; output %q, messages %q", err, out, messages)
	}
}

func TestPartitionsGivenUpAreAnError(t *testing.T) {
	gone := errors.New("no right")
	for _, tt := range []struct {
		s   consumer.PartitionStat
		bad bool
	}{
		{consumer.PartitionStat{Done: true, StopAt: 7, Next: 7}, false},
		{consumer.PartitionStat{Done: true, StopAt: -1, Next: 7, Err: gone}, true},
		{consumer.PartitionStat{Done: true, StopAt: 9, Next: 7, Err: gone}, true},
		{consumer.PartitionStat{Done: true, StopAt: 9, Next: 9, Err: gone}, false}, // it failed when all was read
		{consumer.PartitionStat{StopAt: 9, Next: 7, Err: gone}, false},             // it may come back; the user ended it
	} {
		if err := unread([]consumer.PartitionStat{tt.s}, false); (err != nil) != tt.bad {
			t.Errorf("%+v: %v", tt.s, err)
		}
	}
}

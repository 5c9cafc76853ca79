package report_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/agent/report"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// published starts a reporter on k and returns how many reports it has begun, and how to end it and wait.
func published(t *testing.T, k *testkit.KafkaServer, topic string) (begun *atomic.Uint64, end func()) {
	t.Helper()
	begun = new(atomic.Uint64)
	r := report.NewReporter(report.ReporterConfig{
		Kafka: k.Config(), Topic: topic, Interval: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Snapshot: func() report.Report {
			n := begun.Add(1)
			return report.Report{Agent: "agent-1", Host: "host", Kafka: "ok", Tasks: []report.Task{{Path: "/a", Lines: n}}}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	end = func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(testkit.Hang):
			t.Errorf("Run did not end within %v", testkit.Hang)
		}
	}
	return begun, end
}

func TestReporterPublishesAndHeals(t *testing.T) {
	k := testkit.Kafka(t, testkit.Restartable())
	topic := k.TopicName(t) // the reporter creates it
	_, end := published(t, k, topic)
	defer end()
	admin := kafka.NewAdmin(k.Config())
	defer admin.Close()
	count := func() int64 {
		all, err := admin.Offsets(t.Context(), topic)
		if err != nil || len(all[topic]) == 0 {
			return 0
		}
		return all[topic][0].Newest
	}
	testkit.Eventually(t, "three reports", func() bool { return count() >= 3 })
	k.Stop()
	k.Start(t)
	before := count()
	testkit.Eventually(t, "three more after an outage", func() bool { return count() >= before+3 })
	last := uint64(0)
	for _, rec := range k.Read(t, topic) {
		r, err := report.Parse([]byte(rec.Value))
		if err != nil || r.Agent != "agent-1" || len(r.Tasks) != 1 || r.Tasks[0].Lines <= last {
			t.Fatalf("report %q after %d lines: %v", rec.Value, last, err)
		}
		last = r.Tasks[0].Lines
	}
}

// TestReporterEndsWhileKafkaHangs has a request without an answer under way when the
// agent ends.
// TestNewTopicIsNotKnownYet has the broker deny a topic that it has just made, as real ones
// do for some milliseconds: that is no failure worth a warning.
func TestNewTopicIsNotKnownYet(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.TopicName(t)
	const unknownTopic, denials = 3, 3
	var made, denied atomic.Int32
	c := k.Cluster()
	c.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		made.Add(1)
		return nil, nil, false
	})
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked := req.(*kmsg.MetadataRequest).Topics
		if made.Load() == 0 || len(asked) == 0 || denied.Load() >= denials {
			return nil, nil, false
		}
		denied.Add(1)
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		at := kmsg.NewMetadataResponseTopic()
		at.Topic, at.ErrorCode = asked[0].Topic, unknownTopic
		resp.Topics = append(resp.Topics, at)
		return resp, nil, true
	})
	var log testkit.Buffer
	r := report.NewReporter(report.ReporterConfig{
		Kafka: k.Config(), Topic: topic, Interval: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Snapshot: func() report.Report { return report.Report{Agent: "agent-1"} },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	testkit.Eventually(t, "a report", func() bool {
		return denied.Load() == denials && len(k.Read(t, topic)) > 0
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, "WARN") || !strings.Contains(text, "report topic created") {
		t.Errorf("log: %s", text)
	}
}

func TestReporterEndsWhileKafkaHangs(t *testing.T) {
	k := testkit.Kafka(t, testkit.Proxied())
	topic := k.Topic(t, 1)
	stall := func(on bool) {
		for _, p := range k.Proxies() {
			p.Stall(on)
		}
	}
	testkit.Soon(t, 3*time.Second, "the end of a reporter whose brokers hang", func() time.Duration {
		stall(false)
		before := len(k.Read(t, topic))
		begun, end := published(t, k, topic)
		testkit.Eventually(t, "a report", func() bool { return len(k.Read(t, topic)) > before })
		stall(true)
		n := begun.Load()
		testkit.Eventually(t, "one more has begun, and nobody answers", func() bool { return begun.Load() > n })
		return testkit.Took(end)
	})
}

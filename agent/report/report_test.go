package report

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"logctl/agent/state"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sample() Report {
	return Report{
		Agent: "web-01", Host: "h", Version: "v", At: time.Unix(10, 0), StartedAt: time.Unix(5, 0), Revision: 42, Kafka: "ok",
		Tasks: []Task{
			{Path: `/a"b`, Topic: "t", State: state.Shipping, Lines: 7, AckedLines: 5, LagBytes: 30, OldestUnackedMS: 1500,
				TopFiles: []File{{Path: "/x", Size: 50, Acked: 20}, {Path: "/x", Size: 9, Acked: 0}, {Path: "/y", Size: 5, Acked: 5}}},
			{Path: "/b", Topic: "u", State: state.PermissionDenied, Error: "open /b: permission denied"},
		},
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestMetricsAndHealth(t *testing.T) {
	r := sample()
	h := NewServer("127.0.0.1:0", func() Report { return r }, slog.New(slog.DiscardHandler)).Handler()
	code, text := get(t, h, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("code %d: %s", code, text)
	}
	for _, want := range []string{
		`logctl_task_acked_lines_total{path="/a\"b",topic="t"} 5`, `logctl_task_oldest_unacked_seconds{path="/a\"b",topic="t"} 1.5`,
		`logctl_file_lag_bytes{file="/x",path="/a\"b",topic="t"} 30`, `logctl_task_state{path="/b",state="permission denied",topic="u"} 1`,
		`logctl_kafka_up 1`, `logctl_list_revision 42`, `process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(text, `file="/y"`) {
		t.Error("a file without lag is named")
	}
	if code, text := get(t, h, "/healthz"); code != http.StatusOK || !strings.Contains(text, `"degraded"`) {
		t.Errorf("healthz: %d %s", code, text)
	}
	if code, text := get(t, h, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "/b -> u: permission denied") {
		t.Errorf("readyz: %d %s", code, text)
	}
	r.Tasks[1].Error = "permission denied: /b" // as agents write it: the word is said once
	if _, text := get(t, h, "/readyz"); !strings.Contains(text, `"/b -> u: permission denied: /b"`) {
		t.Errorf("readyz: %s", text)
	}
	r.Tasks = r.Tasks[:1]
	if code, text := get(t, h, "/readyz"); code != http.StatusOK || !strings.Contains(text, `"ok"`) {
		t.Errorf("readyz: %d %s", code, text)
	}
	r.Kafka = "kafka unreachable: dial"
	if code, _ := get(t, h, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("readyz with Kafka down: %d", code)
	}
	if code, _ := get(t, h, "/debug/pprof/heap"); code != http.StatusOK {
		t.Errorf("pprof: %d", code)
	}
}

// TestMetricsOfAnyName: names of files are bytes, and no name may cost all metrics.
func TestMetricsOfAnyName(t *testing.T) {
	r := sample()
	r.Tasks = r.Tasks[:1]
	names := []string{"/\xc8\xd5\xd6\xbe.log", "/\xc8\xd5\xd6\xbf.log", "/new\nline.log", "/日志.log", ""}
	r.Tasks[0].TopFiles = nil
	for _, name := range names {
		r.Tasks[0].TopFiles = append(r.Tasks[0].TopFiles, File{Path: name, Size: 7})
	}
	h := NewServer("127.0.0.1:0", func() Report { return r }, slog.New(slog.DiscardHandler)).Handler()
	code, text := get(t, h, "/metrics")
	if n := strings.Count(text, "logctl_file_lag_bytes{"); code != http.StatusOK || n != len(names) {
		t.Errorf("code %d, %d of %d files: %s", code, n, len(names), text)
	}
	if want := `file="/\\xc8\\xd5`; !strings.Contains(text, want) {
		t.Errorf("metrics lack %s", want)
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := NewServer("127.0.0.1:0", sample, slog.New(slog.DiscardHandler))
	go func() { done <- s.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReporterPublishes(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.TopicName(t)
	ctx, cancel := context.WithCancel(t.Context())
	rep := NewReporter(ReporterConfig{Kafka: k.Config(), Topic: topic, Interval: 20 * time.Millisecond, Snapshot: sample, Log: slog.New(slog.DiscardHandler)})
	done := make(chan error, 1)
	go func() { done <- rep.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	admin := kafka.NewAdmin(k.Config())
	defer admin.Close()
	testkit.Eventually(t, "the report topic exists and has two reports", func() bool {
		got, err := admin.Topic(ctx, topic)
		return err == nil && len(got.Partitions) == topicPartitions && got.Partitions[0].Newest >= 2
	})
	m := firstRecord(t, k, topic)
	r, err := Parse(m.Value)
	if err != nil || string(m.Key) != "web-01" || r.Revision != 42 || len(r.Tasks) != 2 {
		t.Errorf("got %q %+v, %v", m.Key, r, err)
	}
}

func firstRecord(t *testing.T, k *testkit.KafkaServer, topic string) *sarama.ConsumerMessage {
	t.Helper()
	cfg, err := k.Config().Sarama()
	if err != nil {
		t.Fatal(err)
	}
	c, err := sarama.NewConsumer(k.Addrs(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := c.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return <-p.Messages()
}

// TestFieldNames holds the names that consoles and scripts of other versions read.
func TestFieldNames(t *testing.T) {
	data, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"agent", "host", "version", "at", "started_at", "revision", "kafka", "tasks", "path", "topic", "state", "error",
		"files", "lines", "bytes", "acked_lines", "acked_bytes", "lag_bytes", "oldest_unacked_ms", "split", "skipped", "top_files", "size", "read", "acked"} {
		if !strings.Contains(string(data), `"`+name+`":`) {
			t.Errorf("a report has no %q", name)
		}
	}
	for _, bad := range []string{"", "{", "{}", "[]"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("Parse(%q): no error", bad)
		}
	}
}

// The broker's answer to a report tells its clock, and a report read by others is of the time
// that the broker would say.
func TestClockIsMeasuredFromTheBrokersAnswers(t *testing.T) {
	k := testkit.Kafka(t)
	ctx, cancel := context.WithCancel(t.Context())
	rep := NewReporter(ReporterConfig{Kafka: k.Config(), Topic: k.TopicName(t), Interval: 20 * time.Millisecond, Snapshot: sample, Log: slog.New(slog.DiscardHandler)})
	done := make(chan error, 1)
	go func() { done <- rep.Run(ctx) }()
	admin := kafka.NewAdmin(k.Config())
	defer admin.Close()
	testkit.Eventually(t, "the topic is stamped by the broker", func() bool {
		all, err := admin.SettingsOf(ctx, []string{"message.timestamp.type"}, rep.cfg.Topic)
		return err == nil && all[rep.cfg.Topic]["message.timestamp.type"] == "LogAppendTime"
	})
	if os.Getenv(testkit.KafkaEnv) != "" { // the embedded broker keeps the setting and does not heed it
		testkit.Eventually(t, "the clock was measured", func() bool { _, known := rep.Skew(); return known })
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if skew, _ := rep.Skew(); skew.Abs() > ClockLimit {
		t.Errorf("on one host the clocks differ by %v", skew)
	}
	now := time.Now()
	rep.measure(now, now.Add(100*time.Millisecond), now.Add(-2*time.Hour))
	if skew, _ := rep.Skew(); skew.Round(time.Second) != 2*time.Hour {
		t.Errorf("skew %v, want 2 h", skew)
	}
	rep.measure(now, now.Add(time.Minute), now) // an answer that took a minute tells nothing
	rep.measure(now, now, time.Time{})          // nor one without a time
	if skew, _ := rep.Skew(); skew.Round(time.Second) != 2*time.Hour {
		t.Errorf("skew %v, want 2 h", skew)
	}
	r := Report{Agent: "a", At: now, ClockSkewMS: (2 * time.Hour).Milliseconds()}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Parse(text); err != nil || !got.At.Equal(now.Add(-2*time.Hour)) {
		t.Errorf("at %v, %v", got.At, err)
	}
}

package demo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"logctl/internal/testkit"
)

func start(t testing.TB, opts Options) *Servers {
	t.Helper()
	s, err := StartServers(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func etcdClient(t *testing.T, s *Servers) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.EtcdAddr}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func kafkaClient(t *testing.T, s *Servers) sarama.Client {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Producer.Return.Successes = true
	c, err := sarama.NewClient([]string{s.KafkaAddr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t *testing.T, c sarama.Client, topic, value string) {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(c)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)}); err != nil {
		t.Fatal(err)
	}
}

func newest(t *testing.T, c sarama.Client, topic string) (sum int64) {
	t.Helper()
	partitions, err := c.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		n, err := c.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

func TestServersAnswerAndLeaveNothing(t *testing.T) {
	s := start(t, Options{Topics: []string{"a", "b"}, Partitions: 2})
	if _, err := etcdClient(t, s).Put(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	c := kafkaClient(t, s)
	if got, err := c.Partitions("b"); err != nil || len(got) != 2 {
		t.Fatalf("partitions of b: %v, %v; want 2", got, err)
	}
	send(t, c, "a", "hello")
	if n := newest(t, c, "a"); n != 1 {
		t.Fatalf("a holds %d records, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("after Close the directory %s is still there: %v", s.Dir, err)
	}
}

func TestDataDirIsKept(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Options{DataDir: dir, Topics: []string{"a"}})
	if _, err := etcdClient(t, first).Put(t.Context(), "k", "kept"); err != nil {
		t.Fatal(err)
	}
	send(t, kafkaClient(t, first), "a", "hello")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, Options{DataDir: dir, Topics: []string{"a"}})
	got, err := etcdClient(t, second).Get(t.Context(), "k")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "kept" {
		t.Fatalf("etcd after a restart: %v, %v", got, err)
	}
	if n := newest(t, kafkaClient(t, second), "a"); n != 1 {
		t.Fatalf("a holds %d records after a restart, want 1", n)
	}
}

func TestOldRecordsGo(t *testing.T) {
	s := start(t, Options{Topics: []string{"a"}, Partitions: 1, RetainBytes: 64 << 10})
	c := kafkaClient(t, s)
	for range 20 {
		send(t, c, "a", strings.Repeat("x", 16<<10))
	}
	testkit.Eventually(t, "the broker drops what is beyond its limit", func() bool {
		oldest, err := c.GetOffset("a", 0, sarama.OffsetOldest)
		return err == nil && oldest > 0
	})
	if n := newest(t, c, "a"); n != 20 {
		t.Errorf("the end offset is %d, want 20", n)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := StartServers(ctx, Options{})
	if err == nil {
		// Ready before it looked: both are allowed, neither may leak.
		_ = s.Close()
	}
}

func TestUnusableDataDir(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := StartServers(t.Context(), Options{DataDir: file}); err == nil {
		_ = s.Close()
		t.Fatal("a data directory that is a file was accepted")
	}
}

// BenchmarkStart is the time from nothing to two servers that answer.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		began := time.Now()
		s, err := StartServers(b.Context(), Options{Topics: []string{"a", "b", "c"}})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/start")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// lab is what all measurements share: the servers, a scratch directory, the clients that
// watch.
type lab struct {
	options
	kafka, etcd string
	dir         string // scratch
	self        string // this binary
	client      sarama.Client
	admin       sarama.ClusterAdmin
	store       *clientv3.Client
	names       int // topics and keys given out
	stopServers func()
}

func newLab(ctx context.Context, o options) (*lab, error) {
	l := &lab{options: o, stopServers: func() {}}
	var err error
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if o.logctl != "" {
		if l.logctl, err = filepath.Abs(o.logctl); err != nil {
			return nil, err
		}
		if _, err := os.Stat(l.logctl); err != nil {
			return nil, fmt.Errorf("no built binary: run make build first: %w", err)
		}
	}
	if l.dir, err = os.MkdirTemp("", "logctl-bench-"); err != nil {
		return nil, err
	}
	if err := l.findServers(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if err := l.connect(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// findServers takes the servers named in the environment, else starts some.
func (l *lab) findServers(ctx context.Context) error {
	l.kafka, l.etcd = os.Getenv("LOGCTL_TEST_KAFKA"), os.Getenv("LOGCTL_TEST_ETCD")
	if l.kafka != "" && l.etcd != "" {
		return nil
	}
	script := filepath.Join("..", ".ci", "servers")
	running := exec.CommandContext(ctx, script, "env").Run() == nil
	up := exec.CommandContext(ctx, script, "up")
	up.Stderr = os.Stderr
	out, err := up.Output()
	if err != nil {
		return fmt.Errorf("start the servers: %w", err)
	}
	if !running {
		l.stopServers = func() { _ = exec.Command(script, "down").Run() }
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "export LOGCTL_TEST_KAFKA="); ok {
			l.kafka = v
		}
		if v, ok := strings.CutPrefix(lines.Text(), "export LOGCTL_TEST_ETCD="); ok {
			l.etcd = v
		}
	}
	return nil
}

func (l *lab) connect() error {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.ClientID = "bench"
	var err error
	if l.client, err = sarama.NewClient(strings.Split(l.kafka, ","), cfg); err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	if l.admin, err = sarama.NewClusterAdminFromClient(l.client); err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	l.store, err = clientv3.New(clientv3.Config{Endpoints: strings.Split(l.etcd, ","), Logger: zap.NewNop(), DialTimeout: 5 * time.Second})
	return err
}

func (l *lab) close() error {
	var errs []error
	if l.store != nil {
		errs = append(errs, l.store.Close())
	}
	if l.admin != nil {
		errs = append(errs, l.admin.Close()) // closes the client too
	}
	l.stopServers()
	if !l.keep {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	return errors.Join(errs...)
}

func (l *lab) name(kind string) string {
	l.names++
	return fmt.Sprintf("bench-%s-%d-%d", kind, os.Getpid(), l.names)
}

// topic creates a topic stamped by the broker, so that a record says when it was
// appended.
func (l *lab) topic(partitions int32) (string, error) {
	name := l.name("t")
	stamp := "LogAppendTime"
	err := l.admin.CreateTopic(name, &sarama.TopicDetail{
		NumPartitions: partitions, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"message.timestamp.type": &stamp},
	}, false)
	if err != nil {
		return "", fmt.Errorf("create topic %s: %w", name, err)
	}
	return name, retry(5*time.Second, func() error {
		if err := l.client.RefreshMetadata(name); err != nil {
			return err
		}
		_, err := l.ends(name)
		return err
	})
}

func (l *lab) drop(topic string) { _ = l.admin.DeleteTopic(topic) }

// ends is the sum of a topic's end offsets: how many records it holds.
func (l *lab) ends(topic string) (int64, error) {
	partitions, err := l.client.Partitions(topic)
	if err != nil {
		return 0, err
	}
	leader, err := l.client.Leader(topic, 0)
	if err != nil {
		return 0, err
	}
	ask := sarama.NewOffsetRequest(l.client.Config().Version)
	for _, p := range partitions {
		ask.AddBlock(topic, p, sarama.OffsetNewest, 1)
	}
	answer, err := leader.GetAvailableOffsets(ask)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range partitions {
		block := answer.GetBlock(topic, p)
		if block == nil || block.Err != sarama.ErrNoError {
			return 0, fmt.Errorf("end offset of %s/%d is missing", topic, p)
		}
		sum += block.Offset
	}
	return sum, nil
}

// entry is one of logctl's collect entries.
type entry struct {
	Path  string `json:"path"`
	Topic string `json:"topic"`
	From  string `json:"from,omitempty"`
}

// collect writes entries under a new key and returns the key.
func (l *lab) collect(ctx context.Context, entries ...entry) (string, error) {
	data, err := json.Marshal(entries)
	if err != nil {
		return "", err
	}
	key := l.name("key")
	_, err = l.store.Put(ctx, key, string(data))
	return key, err
}

// scratch makes a directory of its own.
func (l *lab) scratch(kind string) (string, error) { return os.MkdirTemp(l.dir, kind+"-") }

// input writes n numbered lines of 149 bytes with their newline, as an access log has them.
func (l *lab) input(n int) (string, error) {
	path := filepath.Join(l.dir, "lines-"+strconv.Itoa(n)+".log")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	writeLines(w, n, "")
	return path, errors.Join(w.Flush(), file.Sync(), file.Close())
}

const lineBytes = 149 // with the newline

func writeLines(w io.Writer, n int, mark string) {
	line := make([]byte, 0, lineBytes)
	for i := range n {
		line = append(line[:0], mark...)
		line = fmt.Appendf(line, `%09d 203.0.113.%d - - [22/Nov/2026:18:31:04 +0000] "GET /api/v1/orders/%d HTTP/1.1" %d %d "-" "curl/8.14.1" `,
			i, i%251, i*7919%100_000, 200+i%7, i*31%50_000)
		for len(line) < lineBytes-1 {
			line = append(line, 'a'+byte((i+len(line))%26))
		}
		line = append(line[:lineBytes-1], '\n')
		_, _ = w.Write(line)
	}
}

func retry(within time.Duration, try func() error) error {
	deadline := time.Now().Add(within)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.etcd.io/etcd/server/v3/embed"
)

// Options says how StartServers starts.
type Options struct {
	// DataDir keeps the data of both servers, so that a later start finds it again.
	// Empty: a temporary directory that Close removes.
	DataDir string
	// Topics are created if missing.
	Topics []string
	// Partitions of each topic that is created. Zero: 3.
	Partitions int
	// RetainBytes is how much of each partition the broker keeps on disk, in bytes.
	// Zero: 128 MiB.
	RetainBytes int64
}

// Servers are an etcd and a Kafka broker inside this process.
type Servers struct {
	KafkaAddr string // host:port
	EtcdAddr  string // host:port
	Dir       string // where their data is

	temporary bool // Dir is ours to remove
	etcd      *embed.Etcd
	kafka     *kfake.Cluster
	stop      context.CancelFunc
	work      sync.WaitGroup
	close     sync.Once
	closeErr  error
}

// StartServers starts both servers and returns when they answer. It gives up when
// ctx ends.
func StartServers(ctx context.Context, opts Options) (*Servers, error) {
	opts = opts.withDefaults()
	s := &Servers{Dir: opts.DataDir}
	if s.Dir == "" {
		dir, err := os.MkdirTemp("", "logctl-demo-")
		if err != nil {
			return nil, fmt.Errorf("make a directory for the demo's servers: %w", err)
		}
		s.Dir, s.temporary = dir, true
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if err := s.start(ctx, background, opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start starts the broker while etcd elects itself. What it started stays in s for Close.
func (s *Servers) start(ctx, background context.Context, opts Options) error {
	for _, dir := range []string{s.etcdDir(), s.kafkaDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the demo's data directory: %w", err)
		}
	}
	server, err := startEtcd(s.etcdDir())
	if err != nil {
		return fmt.Errorf("start the embedded etcd in %s: %w", s.etcdDir(), err)
	}
	s.etcd = server
	s.EtcdAddr = server.Clients[0].Addr().String()

	cluster, err := startKafka(s.kafkaDir(), opts)
	if err != nil {
		return fmt.Errorf("start the embedded Kafka broker in %s: %w", s.kafkaDir(), err)
	}
	s.kafka = cluster
	s.KafkaAddr = cluster.ListenAddrs()[0]
	s.work.Go(func() { applyRetention(background, cluster) })

	return waitEtcd(ctx, server)
}

func (s *Servers) etcdDir() string  { return filepath.Join(s.Dir, "etcd") }
func (s *Servers) kafkaDir() string { return filepath.Join(s.Dir, "kafka") }

// Close stops both servers and removes their data unless a directory was named. It may
// be called more than once.
func (s *Servers) Close() error {
	s.close.Do(func() {
		s.stop()
		s.work.Wait()
		if s.kafka != nil {
			s.kafka.Close()
		}
		if s.etcd != nil {
			s.etcd.Close()
		}
		if !s.temporary {
			return
		}
		if err := os.RemoveAll(s.Dir); err != nil {
			s.closeErr = fmt.Errorf("remove the demo's data: %w", err)
		}
	})
	return s.closeErr
}

func (o Options) withDefaults() Options {
	if o.Partitions <= 0 {
		o.Partitions = 3
	}
	if o.RetainBytes <= 0 {
		o.RetainBytes = 128 << 20
	}
	return o
}

package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// servers are an etcd and a Kafka broker in this process, on loopback.
type servers struct {
	dir    string
	etcd   *embed.Etcd
	kafka  *kfake.Cluster
	addr   string // of the broker, kept over an outage
	store  *clientv3.Client
	topics []string
}

// startServers starts both on the topics, of one partition each.
func startServers(ctx context.Context, dir string, topics []string) (*servers, error) {
	s := &servers{dir: dir, topics: topics}
	if err := s.startKafka(); err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(dir, "etcd")
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.LogLevel = "panic"
	cfg.UnsafeNoFsync = true
	loopback := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{loopback}, []url.URL{loopback}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{loopback}, []url.URL{loopback}
	cfg.InitialCluster = cfg.Name + "=" + loopback.String()
	var err error
	if s.etcd, err = embed.StartEtcd(cfg); err != nil {
		return nil, fmt.Errorf("start the embedded etcd: %w", err)
	}
	select {
	case <-s.etcd.Server.ReadyNotify():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.store, err = clientv3.New(clientv3.Config{Endpoints: []string{s.etcdAddr()}, Logger: zap.NewNop(), DialTimeout: 5 * time.Second})
	return s, err
}

func (s *servers) etcdAddr() string { return s.etcd.Clients[0].Addr().String() }

// startKafka starts the broker, on the port it had before.
func (s *servers) startKafka() error {
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(filepath.Join(s.dir, "kafka")), kfake.SeedTopics(1, append(s.topics, "logctl-reports")...)}
	if s.addr != "" {
		_, port, err := net.SplitHostPort(s.addr)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return err
		}
		opts = append(opts, kfake.Ports(n))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	s.kafka, s.addr = cluster, cluster.ListenAddrs()[0]
	return nil
}

func (s *servers) close() {
	if s.store != nil {
		_ = s.store.Close()
	}
	s.kafka.Close()
	s.etcd.Close()
}

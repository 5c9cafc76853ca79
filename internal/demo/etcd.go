package demo

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// startEtcd starts a quiet server of one member in dir on free loopback ports. It is
// not ready yet: see waitEtcd.
func startEtcd(dir string) (*embed.Etcd, error) {
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.Name = "demo"
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.LogLevel = "panic"
	// A lone member elects itself: no need to wait for others for a second.
	cfg.TickMs, cfg.ElectionMs = 20, 200
	cfg.UnsafeNoFsync = true
	// History beyond the last revisions is dropped, so that a long demo stays small.
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = "revision", "1000"

	loopback := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{loopback}, []url.URL{loopback}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{loopback}, []url.URL{loopback}
	cfg.InitialCluster = cfg.Name + "=" + loopback.String()
	return embed.StartEtcd(cfg)
}

// waitEtcd returns when the server answers, and fails when it ends or ctx does.
func waitEtcd(ctx context.Context, server *embed.Etcd) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	select {
	case <-server.Server.ReadyNotify():
		return nil
	case err := <-server.Err():
		return fmt.Errorf("start the embedded etcd: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("wait for the embedded etcd: %w", ctx.Err())
	}
}

package etcdcfg_test

import (
	"context"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// likeKine makes etcd serve of leases and deletions what kine 0.17 serves; the refusals are
// in its own words.
func likeKine() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			if strings.HasSuffix(method, "/LeaseKeepAlive") {
				return nil, status.Error(codes.Unknown, "lease keep alive is not supported")
			}
			return next(ctx, desc, cc, method, opts...)
		}),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			switch {
			case strings.HasSuffix(method, "/Range") && (req.(*pb.RangeRequest).SortOrder != pb.RangeRequest_NONE || req.(*pb.RangeRequest).MaxModRevision != 0):
				return status.Error(codes.Unimplemented, "sortOrder is not implemented by kine")
			case strings.HasSuffix(method, "/LeaseRevoke"):
				return status.Error(codes.Unknown, "lease revoke is not supported")
			case strings.HasSuffix(method, "/DeleteRange"):
				return status.Error(codes.Unimplemented, "delete is not implemented by kine")
			}
			return next(ctx, method, req, reply, cc, opts...)
		}),
	}
}

// Where no lease is kept alive the presence stays all the same, and goes with the agent.
func TestPresenceWithoutKeepAlive(t *testing.T) {
	d := newDesk(t)
	client := kine(t, d)
	log := &logbook{}
	const id = "on-kine"
	a := etcdcfg.NewAnnouncer(client, id, 3*time.Second, log.logger())
	a.Set(etcdcfg.Presence{Host: "h"})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	seen := d.client.Watch(t.Context(), etcdcfg.AgentsPrefix+id, clientv3.WithRev(1))
	go func() { done <- a.Run(ctx) }()
	leases := map[int64]bool{}
	for len(leases) < 5 { // more than its time to live
		for _, ev := range (<-seen).Events {
			if ev.Type == clientv3.EventTypeDelete {
				t.Fatal("the presence went while the agent was there")
			}
			leases[ev.Kv.Lease] = true
		}
	}
	if n := log.count("keeps no lease alive"); n != 1 || log.count("not announced") > 0 {
		t.Errorf("it was told %d times: %s", n, log.String())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	testkit.Eventually(t, "nothing is left of the agent", func() bool {
		got, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+id, clientv3.WithPrefix())
		return err == nil && got.Count == 0
	})
}

// kine returns a client of etcd that serves as kine does.
func kine(t *testing.T, d *desk) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: d.client.Endpoints(), DialOptions: likeKine(), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// A server that sorts nothing tells of the changes all the same, the last first.
func TestHistoryUnsorted(t *testing.T) {
	d := newDesk(t)
	snap, err := d.Load(t.Context(), d.key)
	for _, topic := range []string{"a", "b", "c"} {
		if err != nil {
			t.Fatal(err)
		}
		snap, err = d.Save(t.Context(), snap, []etcdcfg.Entry{{Path: "/x", Topic: topic}}, topic)
	}
	if err != nil {
		t.Fatal(err)
	}
	changes, err := etcdcfg.NewStore(kine(t, d), "op").History(t.Context(), d.key, 2)
	if err != nil || len(changes) != 2 || changes[0].Note != "c" || changes[1].Note != "b" {
		t.Errorf("%+v, %v", changes, err)
	}
}

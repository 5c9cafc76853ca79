package etcdcfg_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"logctl/etcdcfg"
)

// oldEtcd answers as etcd 3.4 does when it has users: it refuses every call that shows
// a login it does not know, also the call that is to make a new one.
type oldEtcd struct {
	pb.AuthServer
	pb.KVServer

	mu     sync.Mutex
	logins int
	token  string
}

// check reads the login of a call; anonymous ones are allowed where it says so.
func (e *oldEtcd) check(ctx context.Context, anonymous bool) error {
	shown := metadata.ValueFromIncomingContext(ctx, rpctypes.TokenFieldNameGRPC)
	switch {
	case len(shown) == 0 && anonymous:
		return nil
	case len(shown) == 0:
		return rpctypes.ErrGRPCUserEmpty
	case shown[0] != e.token:
		return rpctypes.ErrGRPCInvalidAuthToken
	}
	return nil
}

func (e *oldEtcd) Authenticate(ctx context.Context, _ *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.check(ctx, true); err != nil {
		return nil, err
	}
	e.logins++
	e.token = fmt.Sprint("token-", e.logins)
	return &pb.AuthenticateResponse{Header: &pb.ResponseHeader{}, Token: e.token}, nil
}

func (e *oldEtcd) Range(ctx context.Context, _ *pb.RangeRequest) (*pb.RangeResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.check(ctx, false); err != nil {
		return nil, err
	}
	return &pb.RangeResponse{Header: &pb.ResponseHeader{Revision: 7}}, nil
}

// expire makes every login invalid, as a restart does.
func (e *oldEtcd) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.token = "none"
}

// TestLoginIsRenewedByAnOldServer lets logins expire; the next call must get through.
func TestLoginIsRenewedByAnOldServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	etcd, server := &oldEtcd{}, grpc.NewServer()
	pb.RegisterAuthServer(server, etcd)
	pb.RegisterKVServer(server, etcd)
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); wg.Wait() })
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("pw"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := etcdcfg.NewStore(dial(t, etcdcfg.Config{Endpoints: []string{listener.Addr().String()}, Username: "ann", PasswordFile: password}), "")
	for range 3 {
		if snap, err := store.Load(t.Context(), "k"); err != nil || snap.Revision != 7 {
			t.Fatalf("%+v, %v", snap, err)
		}
		etcd.expire()
	}
	etcd.mu.Lock()
	defer etcd.mu.Unlock()
	if etcd.logins != 3 {
		t.Errorf("%d logins, want 3", etcd.logins)
	}
}

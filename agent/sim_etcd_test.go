package agent

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// simEtcd is as much of an etcd as an agent speaks to: keys with revisions, watches, and
// leases that never end.
type simEtcd struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedLeaseServer
	server *grpc.Server

	mu       sync.Mutex
	revision int64
	leases   int64
	kvs      map[string]*mvccpb.KeyValue
	watchers map[*simWatch]bool
}

type simWatch struct {
	key, end []byte
	events   chan clientv3.WatchResponse
}

func newSimEtcd(l net.Listener) *simEtcd {
	e := &simEtcd{server: grpc.NewServer(), revision: 1, kvs: map[string]*mvccpb.KeyValue{}, watchers: map[*simWatch]bool{}}
	etcdserverpb.RegisterKVServer(e.server, e)
	etcdserverpb.RegisterLeaseServer(e.server, e)
	go func() { _ = e.server.Serve(l) }() // it ends with Stop
	return e
}

// newKey is a key as it stands after its first write.
func newKey(key string, value []byte) *mvccpb.KeyValue {
	return &mvccpb.KeyValue{Key: []byte(key), Value: value, CreateRevision: 1, ModRevision: 1, Version: 1}
}

func (e *simEtcd) header() *etcdserverpb.ResponseHeader {
	return &etcdserverpb.ResponseHeader{ClusterId: 1, MemberId: 1, Revision: e.revision, RaftTerm: 1}
}

// inRange is etcd's rule for [key, end).
func inRange(k, key, end []byte) bool {
	switch {
	case len(end) == 0:
		return bytes.Equal(k, key)
	case len(end) == 1 && end[0] == 0:
		return bytes.Compare(k, key) >= 0
	}
	return bytes.Compare(k, key) >= 0 && bytes.Compare(k, end) < 0
}

func (e *simEtcd) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.get(r), nil
}

func (e *simEtcd) get(r *etcdserverpb.RangeRequest) *etcdserverpb.RangeResponse {
	out := &etcdserverpb.RangeResponse{Header: e.header()}
	for _, kv := range e.kvs {
		if inRange(kv.Key, r.Key, r.RangeEnd) {
			out.Count++
			if !r.CountOnly {
				out.Kvs = append(out.Kvs, kv)
			}
		}
	}
	slices.SortFunc(out.Kvs, func(a, b *mvccpb.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return out
}

func (e *simEtcd) Put(_ context.Context, r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(r)
	return &etcdserverpb.PutResponse{Header: e.header()}, nil
}

func (e *simEtcd) put(r *etcdserverpb.PutRequest) {
	e.revision++
	kv := &mvccpb.KeyValue{Key: r.Key, Value: r.Value, Lease: r.Lease, CreateRevision: e.revision, ModRevision: e.revision, Version: 1}
	if old := e.kvs[string(r.Key)]; old != nil {
		kv.CreateRevision, kv.Version = old.CreateRevision, old.Version+1
	}
	e.kvs[string(r.Key)] = kv
	e.tell(&mvccpb.Event{Type: mvccpb.PUT, Kv: kv})
}

func (e *simEtcd) DeleteRange(_ context.Context, r *etcdserverpb.DeleteRangeRequest) (*etcdserverpb.DeleteRangeResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.remove(r), nil
}

func (e *simEtcd) remove(r *etcdserverpb.DeleteRangeRequest) *etcdserverpb.DeleteRangeResponse {
	out := &etcdserverpb.DeleteRangeResponse{}
	e.revision++
	for name, kv := range e.kvs {
		if inRange(kv.Key, r.Key, r.RangeEnd) {
			delete(e.kvs, name)
			out.Deleted++
			e.tell(&mvccpb.Event{Type: mvccpb.DELETE, Kv: &mvccpb.KeyValue{Key: kv.Key, ModRevision: e.revision}})
		}
	}
	out.Header = e.header()
	return out
}

// Txn takes every condition as met: nobody else writes here.
func (e *simEtcd) Txn(_ context.Context, r *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &etcdserverpb.TxnResponse{Succeeded: true}
	for _, op := range r.Success {
		switch q := op.Request.(type) {
		case *etcdserverpb.RequestOp_RequestPut:
			e.put(q.RequestPut)
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponsePut{ResponsePut: &etcdserverpb.PutResponse{Header: e.header()}}})
		case *etcdserverpb.RequestOp_RequestDeleteRange:
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: e.remove(q.RequestDeleteRange)}})
		case *etcdserverpb.RequestOp_RequestRange:
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseRange{ResponseRange: e.get(q.RequestRange)}})
		}
	}
	out.Header = e.header()
	return out, nil
}

// tell brings an event to those who watch.
func (e *simEtcd) tell(ev *mvccpb.Event) {
	for w := range e.watchers {
		if inRange(ev.Kv.Key, w.key, w.end) {
			w.events <- clientv3.WatchResponse{Header: e.header(), Events: []*clientv3.Event{ev}}
		}
	}
}

// simWatcher is the client's side of a watch. That of the client library cannot be used:
// it waits on a channel of its package, which is none of the bubble's.
type simWatcher struct{ e *simEtcd }

// Watch is clientv3.Watcher's.
func (w simWatcher) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	op := clientv3.OpGet(key, opts...)
	e, out := w.e, make(chan clientv3.WatchResponse)
	me := &simWatch{key: op.KeyBytes(), end: op.RangeBytes(), events: make(chan clientv3.WatchResponse, 4096)}
	e.mu.Lock()
	e.watchers[me] = true
	me.events <- clientv3.WatchResponse{Header: e.header(), Created: true}
	for _, kv := range e.kvs {
		if op.Rev() > 0 && kv.ModRevision >= op.Rev() && inRange(kv.Key, me.key, me.end) {
			me.events <- clientv3.WatchResponse{Header: e.header(), Events: []*clientv3.Event{{Type: mvccpb.PUT, Kv: kv}}}
		}
	}
	e.mu.Unlock()
	go func() {
		defer close(out)
		defer func() {
			e.mu.Lock()
			delete(e.watchers, me)
			e.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-me.events:
				select {
				case out <- r:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out
}

// RequestProgress is clientv3.Watcher's.
func (w simWatcher) RequestProgress(context.Context) error { return nil }

// Close is clientv3.Watcher's.
func (w simWatcher) Close() error { return nil }

func (e *simEtcd) LeaseGrant(_ context.Context, r *etcdserverpb.LeaseGrantRequest) (*etcdserverpb.LeaseGrantResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leases++
	return &etcdserverpb.LeaseGrantResponse{Header: e.header(), ID: e.leases, TTL: r.TTL}, nil
}

func (e *simEtcd) LeaseRevoke(_ context.Context, r *etcdserverpb.LeaseRevokeRequest) (*etcdserverpb.LeaseRevokeResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, kv := range e.kvs {
		if kv.Lease == r.ID && strings.HasPrefix(name, "logctl/") {
			e.remove(&etcdserverpb.DeleteRangeRequest{Key: kv.Key})
		}
	}
	return &etcdserverpb.LeaseRevokeResponse{Header: e.header()}, nil
}

func (e *simEtcd) LeaseKeepAlive(s etcdserverpb.Lease_LeaseKeepAliveServer) error {
	for {
		r, err := s.Recv()
		if err != nil {
			return err
		}
		e.mu.Lock()
		h := e.header()
		e.mu.Unlock()
		if err := s.Send(&etcdserverpb.LeaseKeepAliveResponse{Header: h, ID: r.ID, TTL: 15}); err != nil {
			return err
		}
	}
}

package etcdcfg

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// kine grants leases and lets keys run out with them, but keeps none alive, revokes none
// and deletes a key in transactions only. There a presence is written again and again,
// under a new lease each time.

// grant asks for a lease of the announcer's time to live.
func (a *Announcer) grant(ctx context.Context, lessor clientv3.Lease) (clientv3.LeaseID, error) {
	call, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	lease, err := lessor.Grant(call, int64((a.ttl+time.Second-1)/time.Second))
	if err != nil {
		return 0, err
	}
	return lease.ID, nil
}

// keepAlive keeps a lease alive until ctx ends: alive is closed when the lease is lost.
// Where etcd cannot do that, renew says when to write everything under another lease.
func (a *Announcer) keepAlive(ctx context.Context, lessor clientv3.Lease, lease clientv3.LeaseID) (alive <-chan *clientv3.LeaseKeepAliveResponse, renew <-chan time.Time, err error) {
	call, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	_, err = lessor.KeepAliveOnce(call, lease)
	switch {
	case err == nil:
		alive, err = lessor.KeepAlive(ctx, lease)
		return alive, nil, err
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		return nil, nil, errLeaseLost
	case !notServed(err):
		return nil, nil, err
	}
	every := a.ttl / 3
	if !a.told {
		a.told = true
		a.log.Info("this server (kine?) keeps no lease alive: the presence is written anew again and again", "every", every)
	}
	ticker := time.NewTicker(every)
	context.AfterFunc(ctx, ticker.Stop)
	return nil, ticker.C, nil
}

// notServed reports whether the server has no such call. kine says so in its words only.
func notServed(err error) bool {
	return status.Code(err) == codes.Unimplemented || strings.Contains(err.Error(), "is not supported")
}

// revoke takes the presence back, also after ctx has ended. Then it is a goodbye: what
// would tell of a lost agent is removed too.
func (a *Announcer) revoke(ctx context.Context, lessor clientv3.Lease, w *writing) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.timeout)
	defer cancel()
	if ctx.Err() != nil {
		if err := a.remove(call, partMember); err != nil {
			a.log.Debug("goodbye not said, the agent will be taken for lost", "agent", a.id, "error", err)
		}
	}
	_, err := lessor.Revoke(call, w.lease)
	if err != nil && notServed(err) {
		err = nil
		for part := range w.written {
			err = errors.Join(err, a.remove(call, part))
		}
	}
	if err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		a.log.Debug("lease not revoked, it runs out by itself", "agent", a.id, "error", err)
	}
}

// remove deletes one key of the agent.
func (a *Announcer) remove(ctx context.Context, part string) error {
	key := AgentsPrefix + a.id + part
	_, err := a.client.Delete(ctx, key)
	if err != nil && notServed(err) {
		_, err = a.client.Txn(ctx).Then(clientv3.OpGet(key), clientv3.OpDelete(key)).Commit()
	}
	return err
}

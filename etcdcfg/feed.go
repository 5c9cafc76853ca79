package etcdcfg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
)

// Pauses between attempts to read a key again.
const (
	minRetry = 100 * time.Millisecond
	maxRetry = 3 * time.Second
)

// errLost says that the connection broke while a watch was open.
var errLost = errors.New("connection lost")

// feed follows a key or a prefix: it reads all of it, then watches from the next
// revision, and begins again whenever the watch ends or may have missed
// something. Its functions are called by one goroutine.
type feed struct {
	store *Store
	key   string
	opts  []clientv3.OpOption                                   // WithPrefix, for a prefix
	load  func(ctx context.Context) (revision int64, err error) // read everything
	event func(ev *clientv3.Event, revision int64)              // one change
	done  func()                                                // after a load or a batch of changes
	state func(err error)                                       // nil: connected
}

// run returns when ctx ends.
func (f *feed) run(ctx context.Context) {
	wait := time.Duration(0)
	for pause(ctx, wait) {
		revision, err := f.load(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.state(err)
			wait = nextWait(wait)
			continue
		}
		f.done()
		began := time.Now()
		err = f.follow(ctx, revision+1)
		switch {
		case errors.Is(err, errLost) || errors.Is(err, rpctypes.ErrCompacted):
			wait = minRetry
		case time.Since(began) > maxRetry:
			wait = minRetry
		default: // refused as soon as it was opened
			f.state(err)
			wait = nextWait(wait)
		}
	}
}

// follow hands on changes from a revision on until the watch ends, and says why it
// ended.
func (f *feed) follow(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	lost := make(chan struct{})
	wg.Go(func() {
		if connectionLost(ctx, f.store.client.ActiveConnection()) {
			close(lost)
		}
	})
	opts := append(f.opts[:len(f.opts):len(f.opts)], clientv3.WithRev(revision), clientv3.WithCreatedNotify())
	watch := f.store.client.Watch(ownStream(clientv3.WithRequireLeader(ctx)), f.key, opts...)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-lost:
			return errLost
		case resp, ok := <-watch:
			if !ok {
				return errLost
			}
			if resp.Created && !resp.Canceled {
				f.state(nil)
			}
			for _, ev := range resp.Events {
				f.event(ev, resp.Header.Revision)
			}
			if len(resp.Events) > 0 {
				f.done()
			}
			if err := resp.Err(); err != nil {
				return fmt.Errorf("watch: %w", f.store.explain(ctx, denied(err, "read", readName(f.key))))
			}
		}
	}
}

// ownStream keeps a watch from sharing a stream with others of the same client: a
// stream carries the login it was opened with, which may have expired.
func ownStream(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "logctl-watch", strconv.FormatUint(rand.Uint64(), 36))
}

// connectionLost waits until the connection breaks, then gives it a second to
// come back, and reports whether it broke before ctx ended. The client library
// resumes a watch silently; it is begun anew instead, since the server that comes
// back may have been restored to an earlier state.
func connectionLost(ctx context.Context, conn *grpc.ClientConn) bool {
	for {
		state := conn.GetState()
		if state != connectivity.Ready && state != connectivity.Idle {
			break
		}
		if !conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
	grace, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for state := conn.GetState(); state != connectivity.Ready && state != connectivity.TransientFailure; state = conn.GetState() {
		if !conn.WaitForStateChange(grace, state) {
			break
		}
	}
	return ctx.Err() == nil
}

// nextWait doubles a pause, with some randomness so that many agents do not come
// back at the same moment.
func nextWait(wait time.Duration) time.Duration {
	wait = min(max(2*wait, minRetry), maxRetry)
	return wait - rand.N(wait/5+1)
}

// pause waits and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// isDenied reports whether etcd answered, and refused.
func isDenied(err error) bool {
	for _, e := range []error{rpctypes.ErrPermissionDenied, rpctypes.ErrAuthFailed, rpctypes.ErrUserEmpty, rpctypes.ErrInvalidAuthToken} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

package etcdcfg

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// announceInterval is the least time between two writes of a presence.
const announceInterval = 200 * time.Millisecond

// lookAfter is how long after the end of the watch of its own key an announcer looks
// whether the key still stands. The watch ends when etcd was restarted, or another member
// took over, and what was written last has been compacted away or the login has expired.
const lookAfter = time.Second

// errLeaseLost says that the lease ran out, because the agent was cut off from
// etcd or stopped for longer than its TTL, or was revoked.
var errLeaseLost = errors.New("the lease ran out")

// Announcer keeps the presence of one agent in etcd, under a lease. One that
// somebody deletes is written again.
type Announcer struct {
	client  *clientv3.Client
	id      string
	ttl     time.Duration
	timeout time.Duration // of one call
	log     *slog.Logger
	wake    chan struct{} // capacity 1

	instance string // names this process among those with the id
	about    string // what it says of itself
	told     bool   // that the server keeps no lease alive; of Run only

	mu      sync.Mutex
	keys    map[string][]byte // what is to stand in etcd, by what follows the id; nil before the first Set
	member  []byte            // what is to stay without a lease
	trouble string            // why the presence does not stand in etcd; empty: it does
	twin    string            // what another process with the id says of itself; empty: there is none
}

// NewAnnouncer returns an announcer for an agent. A ttl of 0 is
// DefaultPresenceTTL; etcd counts whole seconds. Set what to announce, then Run.
func NewAnnouncer(c *clientv3.Client, id string, ttl time.Duration, log *slog.Logger) *Announcer {
	if ttl <= 0 {
		ttl = DefaultPresenceTTL
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Announcer{client: c, id: id, ttl: ttl, timeout: DefaultTimeout, log: log, wake: make(chan struct{}, 1),
		instance: strconv.FormatUint(rand.Uint64(), 16)}
}

// SetInstance names this process among those that may go by the same id, by mistake, and
// what it says of itself. The name is to be the same when the process was killed and starts
// again on the same host, and another one on any other host. It is to be called before
// Run; without it the name is a new one each time.
func (a *Announcer) SetInstance(name, about string) { a.instance, a.about = name, about }

// Trouble says in words why the presence does not stand in etcd; empty when it does, or
// nothing was tried yet.
func (a *Announcer) Trouble() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trouble
}

// Twin is what another process with the same id says of itself; empty when there is none.
func (a *Announcer) Twin() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.twin
}

// SetTimeout sets how long one call may take; 0 leaves DefaultTimeout. It is to be called
// before Run.
func (a *Announcer) SetTimeout(d time.Duration) {
	if d > 0 {
		a.timeout = d
	}
}

// Set says what is to be announced. It never blocks; of quick successions the last
// one is written, and one that changes nothing is not written.
func (a *Announcer) Set(p Presence) {
	p.ID = a.id
	keys, err := encodePresence(p)
	if err != nil { // a time out of range, nothing else can fail
		a.log.Error("presence not announced", "error", err)
		return
	}
	keys[partInstance+a.instance] = []byte(a.about)
	stays, err := json.Marshal(remains{Host: p.Host, Version: p.Version, Started: p.Started, CollectKey: p.CollectKey})
	if err != nil {
		a.log.Error("presence not announced", "error", err)
		return
	}
	a.mu.Lock()
	same := maps.EqualFunc(a.keys, keys, bytes.Equal)
	a.keys, a.member = keys, stays
	a.mu.Unlock()
	if !same {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

func (a *Announcer) current() (keys map[string][]byte, member []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys, a.member
}

// Run announces until ctx ends, then takes the presence back and returns nil. While
// etcd is away it tries again and again, and logs once that it is and once that it
// is back.
func (a *Announcer) Run(ctx context.Context) error {
	lessor := clientv3.NewLease(a.client)
	defer func() { _ = lessor.Close() }() // ends its goroutines, has nothing else to fail
	wait := time.Duration(0)
	away := false
	tell := func(err error) {
		switch {
		case err != nil && !away:
			a.log.Warn("presence not announced", "agent", a.id, "reason", Explain(err))
		case err == nil && away:
			a.log.Info("presence announced again", "agent", a.id)
		}
		away = err != nil
		a.mu.Lock()
		a.trouble = Explain(err)
		a.mu.Unlock()
	}
	for pause(ctx, wait) {
		began := time.Now()
		err := a.session(ctx, lessor, tell)
		if ctx.Err() != nil {
			return nil
		}
		tell(err)
		if time.Since(began) > maxRetry {
			wait = 0
		}
		wait = nextWait(wait)
	}
	return nil
}

// session announces under one lease until that is lost; tell is called with nil when the
// presence stands, and with the reason when it cannot be written. The one written before
// stays as long as the lease does: an agent whose etcd takes no writes, because its quota is
// used up, is on duty.
func (a *Announcer) session(ctx context.Context, lessor clientv3.Lease, tell func(error)) error {
	lease, err := a.grant(ctx, lessor)
	if err != nil {
		return fmt.Errorf("grant lease: %w", err)
	}
	w := &writing{a: a, lease: lease, written: map[string][]byte{}}
	defer a.revoke(ctx, lessor, w)
	keep, cancelKeep := context.WithCancel(ctx)
	defer cancelKeep()
	alive, renew, err := a.keepAlive(keep, lessor, lease)
	if err != nil {
		return fmt.Errorf("keep lease alive: %w", err)
	}

	var own clientv3.WatchChan // what happens to the key, once it is written
	twins := a.client.Watch(ownStream(keep), AgentsPrefix+a.id+partInstance, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	retry := time.NewTimer(0) // for the first write, and after a failed one
	defer retry.Stop()
	look := time.NewTimer(lookAfter) // at the key, when the watch of it has ended
	defer look.Stop()
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-alive:
			if !ok {
				return errLeaseLost
			}
			continue
		case <-renew: // the lease runs out: all is written again under a new one
			if w.lease, err = a.grant(ctx, lessor); err != nil {
				return fmt.Errorf("grant lease: %w", err)
			}
			clear(w.written)
		case _, ok := <-twins:
			if !ok {
				twins = nil // it may not be watched, or etcd was away: the next session looks again
			}
			a.lookForTwin(keep)
			continue
		case resp, ok := <-own:
			if !ok {
				own = nil
				look.Reset(lookAfter)
				continue
			}
			if deleted(resp) {
				clear(w.written)
			}
		case <-look.C:
			if own == nil && len(w.written) > 0 && !a.stands(keep, &own, look) {
				clear(w.written)
			}
		case <-a.wake:
		case <-retry.C:
		}
		presence, changed, err := w.write(ctx)
		if err != nil {
			if errors.Is(err, rpctypes.ErrLeaseNotFound) {
				return errLeaseLost
			}
			if wait = nextWait(wait); wait > maxRetry/2 && ctx.Err() == nil {
				tell(err)
			}
			retry.Reset(wait)
			continue
		}
		if !changed {
			continue
		}
		if own == nil && presence > 0 { // from there on: it may be deleted before the other keys are written
			own = a.client.Watch(ownStream(keep), AgentsPrefix+a.id, clientv3.WithRev(presence+1))
		}
		wait = 0
		tell(nil)
		if !a.settle(ctx, alive) {
			return errLeaseLost
		}
	}
}

// stands looks whether the presence is there, and watches it again if so. When that
// cannot be found out now, it is taken to be, and looked for again.
func (a *Announcer) stands(ctx context.Context, own *clientv3.WatchChan, again *time.Timer) bool {
	call, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	got, err := a.client.Get(call, AgentsPrefix+a.id, clientv3.WithCountOnly())
	switch {
	case errors.Is(err, rpctypes.ErrPermissionDenied): // nor may it be watched
		return true
	case err != nil:
		again.Reset(lookAfter)
		return true
	case got.Count == 0:
		return false
	}
	*own = a.client.Watch(ownStream(ctx), AgentsPrefix+a.id, clientv3.WithRev(got.Header.Revision+1))
	return true
}

// settle lets the interval between two writes pass, and reports whether the lease
// is still held.
func (a *Announcer) settle(ctx context.Context, alive <-chan *clientv3.LeaseKeepAliveResponse) bool {
	timer := time.NewTimer(announceInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-timer.C:
			return true
		case _, ok := <-alive:
			if !ok {
				return false
			}
		}
	}
}

// deleted reports whether somebody removed the presence, which is written again then:
// a person, or another agent that went by the same id and stopped.
func deleted(resp clientv3.WatchResponse) bool {
	gone := false
	for _, ev := range resp.Events {
		gone = ev.Type == clientv3.EventTypeDelete
	}
	return gone
}

// lookForTwin looks which processes announce themselves under the id. Another one is a
// mistake in somebody's configuration: both go on, and both say so.
func (a *Announcer) lookForTwin(ctx context.Context) {
	call, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	got, err := a.client.Get(call, AgentsPrefix+a.id+partInstance, clientv3.WithPrefix())
	if err != nil {
		return // the watch tells of the next change, and readers see it for themselves
	}
	twin := ""
	for _, kv := range got.Kvs {
		if _, part := splitAgentKey(string(kv.Key)); part != partInstance+a.instance {
			twin = cmp.Or(string(kv.Value), "another process")
		}
	}
	a.mu.Lock()
	was := a.twin
	a.twin = twin
	a.mu.Unlock()
	switch {
	case twin != "" && was == "":
		a.log.Error("another agent announces itself under the same id: give each its own [agent] id", "agent", a.id, "other", twin)
	case twin == "" && was != "":
		a.log.Info("the other agent with the same id is gone", "agent", a.id)
	}
}

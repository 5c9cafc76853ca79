package etcdcfg

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// watchInterval is the least time between two deliveries of a Watch: the first
// change of a burst is delivered at once, of the rest the last state.
const watchInterval = 50 * time.Millisecond

// Watch follows a collect key until ctx ends, and returns nil then. It calls
// onSnapshot with the list as it stands, then after each change (of a burst of
// changes at least with the last state); a bad list comes with Err set, a deleted
// key with ModRevision 0. It calls onState, which may be nil, with the reason, in
// words, once when etcd cannot be reached or refuses, and with nil when it can
// be reached at first and again. Snapshots are not repeated after an outage in
// which nothing changed.
//
// Both functions are called from the calling goroutine, one at a time; while one of
// them is busy changes are coalesced, not queued.
func (s *Store) Watch(ctx context.Context, key string, onSnapshot func(Snapshot), onState func(err error)) error {
	if key == "" {
		return errors.New("watch entries: no collect key: set [etcd] collect_key")
	}
	box := newMailbox[Snapshot](watchInterval)
	var last Snapshot
	first := true
	post := func(next Snapshot) {
		same := !first && next.ModRevision == last.ModRevision && bytes.Equal(next.Raw, last.Raw)
		first, last = false, next
		if !same {
			box.post(next)
		}
	}
	f := &feed{
		store: s,
		key:   key,
		load: func(ctx context.Context) (int64, error) {
			snap, err := s.load(ctx, key)
			if err == nil {
				post(snap)
			}
			return snap.Revision, err
		},
		event: func(ev *clientv3.Event, revision int64) {
			next := Snapshot{Key: key, Revision: revision}
			if ev.Type == clientv3.EventTypePut {
				next.Raw, next.ModRevision = notNil(ev.Kv.Value), ev.Kv.ModRevision
			}
			post(next)
		},
		done:  func() {},
		state: box.postState,
	}
	runFeed(ctx, f, box, func(snap Snapshot) { onSnapshot(snap.parsed()) }, onState)
	return nil
}

// runFeed runs a feed and delivers from its mailbox until ctx ends.
func runFeed[T any](ctx context.Context, f *feed, box *mailbox[T], onValue func(T), onState func(error)) {
	var wg sync.WaitGroup
	wg.Go(func() { f.run(ctx) })
	box.deliver(ctx, onValue, onState)
	wg.Wait()
}

package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"logctl/etcdcfg"
)

// cacheDelay is how long a starting agent waits for etcd before it starts from
// the cached list.
const cacheDelay = 2 * time.Second

// lists turns what etcd says into lists to apply: the last good one counts, from
// the cache as long as etcd was never heard.
type lists struct {
	store *etcdcfg.Store
	key   string
	dir   string
	log   *slog.Logger
	apply func(etcdcfg.Snapshot) // called from one goroutine

	settled func() bool // whether what was applied has begun; nil: at once
	trial   *trial      // of the list applied last; used by run and by what runs after it
	good    []byte      // the last good list; nil: none

	mu     sync.Mutex
	latest *etcdcfg.Snapshot // not yet applied
	wake   chan struct{}
	bad    string // why the list in etcd is not applied; empty: it is
	etcd   string // why etcd is not connected; empty: it is
}

func newLists(store *etcdcfg.Store, key, dir string, log *slog.Logger, apply func(etcdcfg.Snapshot)) *lists {
	return &lists{store: store, key: key, dir: dir, log: log, apply: apply, wake: make(chan struct{}, 1), etcd: "connecting",
		trial: &trial{path: filepath.Join(dir, trialName)}}
}

// run applies lists until ctx ends. Watching and applying are apart, so that a
// burst of edits is applied as its last state.
func (l *lists) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	watchErr := make(chan error, 1)
	wg.Go(func() { watchErr <- l.store.Watch(ctx, l.key, l.onSnapshot, l.onState) })
	cache := time.NewTimer(cacheDelay)
	defer cache.Stop()
	l.openTrial()
	look := time.NewTicker(trialLook)
	defer look.Stop()
	applied := false // some list, be it the cached one
	heard := false   // etcd answered, be it with a bad list
	for {
		if l.trial.now == nil {
			look.Stop() // nothing is waited for: do not wake
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			l.prove()
		case err := <-watchErr:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-cache.C:
			if !applied && !heard {
				applied = l.fromCache(l.noList())
			}
		case <-l.wake:
			heard = true
			if snap := l.take(); snap != nil {
				if l.accept(*snap) || applied {
					applied = true
					look.Reset(trialLook)
				} else {
					applied = l.fromCache("the list in etcd is not usable")
				}
			}
		}
	}
}

// accept applies one list from etcd, or says why it cannot be and returns false.
func (l *lists) accept(snap etcdcfg.Snapshot) bool {
	snap, refused := usable(snap)
	if why := l.trial.held(&snap, l.good); why != "" {
		l.setBad(why)
		l.log.Error("the list in etcd is held back", "key", l.key, "revision", snap.ModRevision, "why", why)
		return false
	}
	if snap.Err != nil {
		why := problems(snap.Err)
		l.setBad(why)
		l.log.Error("collect entries in etcd are not usable; the last good list stays in force", "key", l.key, "revision", snap.ModRevision, "error", why)
		return false
	}
	l.setBad("")
	if refused != nil {
		why := problems(refused)
		l.setBad("not collected: " + why)
		l.log.Error("entries exceed a bound and are not collected; the others are", "key", l.key, "revision", snap.ModRevision, "error", why)
	}
	l.try(snap)
	if len(snap.Entries) == 0 {
		l.log.Warn("no collect entries: nothing is collected", "key", l.key)
	}
	l.apply(snap)
	if l.trial.now == nil {
		l.keep(snap)
	}
	return true
}

// problemsShown is how many problems of a bad list are named; one edit by hand
// rarely makes more.
const problemsShown = 5

// problems names what is wrong with a list, so that one look at the log or the
// presence is enough to mend it.
func problems(err error) string {
	var bad *etcdcfg.ListError
	if !errors.As(err, &bad) || len(bad.Problems) == 0 {
		return err.Error()
	}
	shown := make([]string, 0, problemsShown+1)
	for i, p := range bad.Problems {
		if i == problemsShown {
			shown = append(shown, fmt.Sprintf("and %d more", len(bad.Problems)-i))
			break
		}
		shown = append(shown, p.String())
	}
	return strings.Join(shown, "; ")
}

// fromCache applies the cached list; false: there is none that can be used.
func (l *lists) fromCache(why string) bool {
	snap, err := loadCache(l.dir, l.key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.log.Warn("no list to start from yet; waiting for one in etcd", "why", why, "key", l.key)
	case err != nil:
		l.log.Error("no list to start from yet; waiting for one in etcd", "why", why, "error", err)
	default:
		l.log.Warn("starting from the cached list", "why", why, "key", l.key, "revision", snap.ModRevision, "entries", len(snap.Entries))
		l.apply(snap)
		return true
	}
	return false
}

func (l *lists) onSnapshot(snap etcdcfg.Snapshot) {
	l.mu.Lock()
	l.latest = &snap
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lists) take() *etcdcfg.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	snap := l.latest
	l.latest = nil
	return snap
}

func (l *lists) onState(err error) {
	l.mu.Lock()
	was := l.etcd
	l.etcd = ""
	if err != nil {
		l.etcd = err.Error()
	}
	l.mu.Unlock()
	switch {
	case err != nil && etcdcfg.Refused(err) && was != err.Error():
		l.log.Warn("etcd refuses to show the collect entries; what runs goes on, edits arrive when it does", "error", err)
	case err != nil && was == "" || err != nil && was == "connecting":
		l.log.Warn("etcd is not reachable; what runs goes on, edits arrive when it is back", "error", err)
	case err == nil && was != "" && was != "connecting":
		l.log.Info("etcd is reachable again")
	}
}

// noList says why there is no list from etcd at the start.
func (l *lists) noList() string {
	if _, why := l.problems(); why != "" && why != "connecting" {
		return why
	}
	return "etcd does not answer"
}

func (l *lists) setBad(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad = why
}

// problems returns why the list is not applied and why etcd is not connected, each
// empty when it is well.
func (l *lists) problems() (list, etcd string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bad, l.etcd
}

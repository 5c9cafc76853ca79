package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/positions"
	"logctl/agent/ship"
	"logctl/agent/state"
	"logctl/agent/tail"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// fakeSender takes bundles and acknowledges those of topics that are up.
type fakeSender struct {
	mu        sync.Mutex
	got       map[string][]string // values by topic, as sent
	own       map[string][]string // what each has of its own: see ownOf
	down      map[string]bool     // topics that do not acknowledge
	closed    map[string]bool     // topics that nothing can be sent to
	held      map[string][]*ship.Bundle
	forgotten []string
	panic     string // topic whose bundles make Send panic once
}

func newFakeSender() *fakeSender {
	return &fakeSender{got: map[string][]string{}, own: map[string][]string{}, down: map[string]bool{}, closed: map[string]bool{}, held: map[string][]*ship.Bundle{}}
}

func (f *fakeSender) Send(ctx context.Context, b *ship.Bundle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	if f.panic == b.Topic {
		f.panic = ""
		f.mu.Unlock()
		panic("a bug in a task")
	}
	for _, s := range b.Spans {
		f.got[b.Topic] = append(f.got[b.Topic], string(b.Data[s.Start:s.End]))
		f.own[b.Topic] = append(f.own[b.Topic], ownOf(b, s))
	}
	if f.down[b.Topic] {
		f.held[b.Topic] = append(f.held[b.Topic], b)
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	b.Done(ship.Result{Acked: len(b.Spans)})
	return nil
}

func (f *fakeSender) Forget(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgotten = append(f.forgotten, topic)
}

func (f *fakeSender) MaxRecord(string) int { return 1 << 20 }

func (f *fakeSender) Topic(topic string) ship.TopicStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed[topic] {
		return ship.TopicStatus{Topic: topic, State: state.TopicMissing, Err: "create it", Closed: true}
	}
	if f.down[topic] {
		return ship.TopicStatus{Topic: topic, State: state.TopicMissing, Err: "create it"}
	}
	return ship.TopicStatus{Topic: topic}
}

// sent returns what a topic was sent so far.
func (f *fakeSender) sent(topic string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got[topic])
}

// bench is a supervisor on a fake sender.
type bench struct {
	*supervisor
	t    *testing.T
	send *fakeSender
	dir  string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	reg, err := positions.Open(filepath.Join(dir, "data"), log)
	if err != nil {
		t.Fatal(err)
	}
	send := newFakeSender()
	sh := &shared{
		address: address{host: "h"}, maxLine: 1 << 20, interval: 50 * time.Millisecond, producer: send, registry: reg,
		watcher: tail.NewWatcher(log), rounds: tail.NewRounds(), log: log,
		times: times{restart: 10 * time.Millisecond, settle: 100 * time.Millisecond, event: 100 * time.Millisecond},
	}
	ctx, cancel := context.WithCancel(t.Context())
	b := &bench{supervisor: newSupervisor(sh), t: t, send: send, dir: dir}
	b.begin(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = sh.watcher.Run(ctx) })
	wg.Go(func() { _ = sh.rounds.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		b.stop(context.Background())
		wg.Wait()
		if err := reg.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) entry(name, topic string) etcdcfg.Entry {
	return etcdcfg.Entry{Path: filepath.Join(b.dir, name), Topic: topic, From: etcdcfg.FromBeginning}
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	f, err := os.OpenFile(filepath.Join(b.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// expect waits until a topic was sent just these lines.
func (b *bench) expect(topic string, want ...string) {
	b.t.Helper()
	testkit.Eventually(b.t, fmt.Sprintf("topic %s got %d lines", topic, len(want)), func() bool { return len(b.send.sent(topic)) >= len(want) })
	if diff := cmp.Diff(want, b.send.sent(topic)); diff != "" {
		b.t.Fatalf("topic %s: %s", topic, diff)
	}
}

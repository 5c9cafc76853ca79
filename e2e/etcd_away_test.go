//go:build unix

package e2e

import (
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/internal/testkit"
)

// behindProxy starts the agent with a proxy between it and etcd.
func (w *world) behindProxy(env ...string) (*testkit.Proxy, *process) {
	w.t.Helper()
	proxy := testkit.NewProxy(w.t, w.etcd.Endpoints()[0])
	args := []string{"agent", "--data-dir", w.data, "--id", w.agentID(), "--kafka", strings.Join(w.kafka.Addrs(), ","), "--etcd", proxy.Addr(), "--key", w.key}
	return proxy, start(w.t, env, args...)
}

func compactedMeanwhile(w *world) {
	l := newLedger()
	a, b := w.writer(l, "a.log"), w.writer(l, "b.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(a.path, topic))
	proxy, agent := w.behindProxy(quickScan)
	w.awaitApplied()
	a.lines(10)
	w.awaitLanded(10, topic)
	proxy.Refuse(true)
	proxy.Cut()
	for i := range 20 {
		w.put(collect(a.path, topic), collect(w.path(fmt.Sprint(i)), topic))
	}
	w.put(collect(a.path, topic), collect(b.path, topic))
	w.etcd.Compact(w.t)
	a.lines(10) // shipped without etcd
	w.awaitLanded(20, topic)
	proxy.Refuse(false)
	w.awaitApplied()
	b.lines(10)
	w.clean(newCounter(l), topic)
	agent.startedOnce(a.path)
	agent.stop()
}

func downThenChanged(w *world) {
	l := newLedger()
	a, b := w.writer(l, "a.log"), w.writer(l, "b.log")
	topic, agent := w.follow(a.path)
	for range 2 {
		w.etcd.Stop(w.t)
		a.lines(100)
		w.awaitLanded(l.written(), topic)
		testkit.Eventually(w.t, "the log tells of etcd", func() bool { return strings.Contains(agent.err.String(), "etcd is not reachable") })
		w.etcd.Restart(w.t)
		w.put(collect(a.path, topic), collect(b.path, topic))
		w.awaitApplied()
		b.lines(10)
		w.awaitLanded(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.startedOnce(a.path)
	agent.stop()
}

func wiped(w *world) {
	l := newLedger()
	a := w.writer(l, "a.log")
	topic, agent := w.follow(a.path)
	a.lines(10)
	w.awaitLanded(10, topic)
	w.etcd.Stop(w.t)
	w.etcd.Wipe(w.t)
	w.etcd.Restart(w.t)
	a.lines(10)
	w.put(collect(a.path, topic))
	w.awaitApplied()
	a.lines(10)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func leaseRevoked(w *world) {
	path := w.path("app.log")
	_, agent := w.follow(path)
	for range 2 {
		w.awaitState(path, "waiting for file")
		got, err := w.store.Get(w.t.Context(), "logctl/agents/"+w.agentID())
		w.must(err)
		if len(got.Kvs) != 1 || got.Kvs[0].Lease == 0 {
			w.t.Fatalf("the presence has no lease: %v", got.Kvs)
		}
		_, err = w.store.Revoke(w.t.Context(), clientv3.LeaseID(got.Kvs[0].Lease))
		w.must(err)
	}
	w.awaitState(path, "waiting for file")
	agent.stop()
	if _, ok := w.presence(); ok {
		w.t.Error("the presence is there after the end")
	}
}

func downAtStart(w *world) {
	l := newLedger()
	a, b := w.writer(l, "a.log"), w.writer(l, "b.log")
	topic, agent := w.follow(a.path)
	a.lines(100)
	w.awaitLanded(100, topic)
	agent.stop()
	w.etcd.Stop(w.t)
	a.lines(100)
	agent = w.startAgent(quickScan)
	w.awaitLanded(200, topic)
	w.etcd.Restart(w.t)
	w.put(collect(a.path, topic), collect(b.path, topic))
	w.awaitApplied()
	b.lines(100)
	w.clean(newCounter(l), topic)
	agent.startedOnce(a.path)
	agent.stop()
}

func downForLife(w *world) {
	l := newLedger()
	a := w.writer(l, "a.log")
	topic, agent := w.follow(a.path)
	a.lines(100)
	w.awaitLanded(100, topic)
	agent.stop()
	w.etcd.Stop(w.t)
	for range 2 {
		a.lines(100)
		a.rotate(fmt.Sprintf(".%d", l.written()))
		agent = w.startAgent(quickScan)
		a.lines(100)
		w.awaitLanded(l.written(), topic)
		agent.stop()
	}
	w.unproved = true // verify takes the list from etcd, which is away
	w.clean(newCounter(l), topic)
}

func bothDown(w *world) {
	l := newLedger()
	a := w.writer(l, "a.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(a.path, topic))
	up := []func(){func() { w.kafka.Start(w.t) }, func() { w.etcd.Restart(w.t) }}
	for round := range 2 {
		w.kafka.Stop()
		w.etcd.Stop(w.t)
		a.lines(100)
		agent := w.startAgent(quickScan)
		testkit.Eventually(w.t, "the log says what it waits for", func() bool { return strings.Contains(agent.err.String(), "etcd is not reachable") })
		up[round]()
		a.lines(100)
		every(time.Second, 1, func(int) {})
		up[1-round]()
		w.awaitLanded(l.written(), topic)
		agent.stop()
	}
	w.clean(newCounter(l), topic)
}

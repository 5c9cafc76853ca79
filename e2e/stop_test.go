//go:build unix

package e2e

import (
	"strings"
	"syscall"
	"time"

	"logctl/internal/testkit"
)

type stopState struct {
	name string
	run  func(w *world)
}

// stopStates are states in which the agent is told to end.
func stopStates() []stopState {
	nowhere := []string{"--kafka", "127.0.0.1:9", "--etcd", "127.0.0.1:9"}
	return []stopState{
		{"with nothing reachable", func(w *world) {
			p := start(w.t, nil, append(append([]string{"agent", "--data-dir", w.data}, nowhere...), "--key", w.key)...)
			testkit.Eventually(w.t, "it waits for etcd", func() bool { return strings.Contains(p.err.String(), "etcd is not reachable") })
			p.stop()
		}},
		{"at its very start", func(w *world) {
			p := w.startAgent()
			testkit.Eventually(w.t, "it runs", func() bool { return p.err.String() != "" })
			p.stop()
		}},
		{"without a list", func(w *world) {
			p := w.startAgent()
			testkit.Eventually(w.t, "its presence is there", func() bool { _, ok := w.presence(); return ok })
			p.stop()
			if _, ok := w.presence(); ok {
				w.t.Error("its presence is still there")
			}
		}},
		{"waiting for a file", func(w *world) {
			path := w.path("none.log")
			_, p := w.follow(path)
			w.awaitState(path, "waiting for file")
			p.stop()
		}},
		{"with a bad list", func(w *world) {
			w.putRaw("[{")
			p := w.startAgent()
			testkit.Eventually(w.t, "it says so", func() bool { pr, _ := w.presence(); return pr.ListError != "" })
			p.stop()
		}},
		{"with a missing topic and a backlog", func(w *world) {
			l := newLedger()
			a := w.writer(l, "app.log")
			a.lines(50_000)
			w.put(collect(a.path, w.kafka.TopicName(w.t)))
			p := w.startAgent("LOGCTL_KAFKA_CHAN_SIZE=1000")
			w.awaitState(a.path, "topic missing")
			p.stop()
		}},
		{"while Kafka is down and the buffer full", func(w *world) {
			l := newLedger()
			a := w.writer(l, "app.log")
			topic := w.kafka.Topic(w.t, 1)
			w.put(collect(a.path, topic))
			p := w.startAgent("LOGCTL_KAFKA_CHAN_SIZE=1000", listen)
			a.lines(10)
			w.awaitLanded(10, topic)
			w.kafka.Stop()
			a.lines(50_000)
			testkit.Eventually(w.t, "the buffer is full", func() bool { return w.sum(p, "logctl_task_read_lines_total") > 500 })
			p.stop()
			w.kafka.Start(w.t)
			p = w.startAgent(quickScan)
			w.clean(newCounter(l), topic)
			p.stop()
		}},
		{"in full flight", func(w *world) {
			l := newLedger()
			topic, p := w.follow(w.path("load*.log"))
			writing := w.load(l, 3, 100, 5*time.Millisecond)
			w.awaitLanded(1000, topic)
			p.stop()
			writing.stop()
			p = w.startAgent(quickScan)
			w.clean(newCounter(l), topic)
			p.stop()
		}},
		{"twice", func(w *world) {
			l := newLedger()
			a := w.writer(l, "app.log")
			topic := w.kafka.Topic(w.t, 1)
			w.put(collect(a.path, topic))
			p := w.startAgent()
			a.lines(10)
			w.awaitLanded(10, topic)
			w.kafka.Stop()
			a.lines(100)
			w.awaitState(a.path, "kafka unreachable")
			p.signal(syscall.SIGTERM)
			testkit.Eventually(w.t, "a second signal ends it at once", func() bool {
				_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
				select {
				case <-p.done:
					return true
				default:
					return false
				}
			})
			if p.code == 0 { // what the first signal alone comes to, once it has waited for Kafka
				w.t.Error("it ended in order, whatever the second signal said")
			}
			w.kafka.Start(w.t)
			p = w.startAgent(quickScan)
			w.clean(newCounter(l), topic)
			p.stop()
		}},
	}
}

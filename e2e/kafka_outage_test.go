package e2e

import (
	"syscall"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestKafkaDownAtStart starts the agent first and Kafka later.
func TestKafkaDownAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Restartable())
	topic := w.kafka.Topic(t, 3)
	l := newLedger()
	lanes := renamed(3)
	w.put(w.collectAll(topic, lanes...)...)
	w.kafka.Stop()
	for _, la := range lanes {
		appendTo(t, w.path(la.name), l.lines(la.name, 5000))
	}
	agent := w.startAgent()
	w.awaitState(w.path(lanes[0].name), "kafka unreachable")
	for _, la := range lanes {
		appendTo(t, w.path(la.name), l.lines(la.name, 5000))
	}
	w.kafka.Start(t)
	w.arrived(10, topic)
	for _, la := range lanes {
		appendTo(t, w.path(la.name), l.lines(la.name, 5000))
	}
	w.clean(newCounter(l), topic)
	w.awaitState(w.path(lanes[0].name), "shipping")
	agent.stop()
}

// TestKafkaOutage stops Kafka under load, while files are rotated in every way.
func TestKafkaOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Restartable())
	topic := w.kafka.Topic(t, 3)
	l := newLedger()
	agent := w.startAgent()
	lanes := append(renamed(3), laneSpec{"copied.log", byCopy}, laneSpec{"removed.log", agent.byRemoval})
	w.put(w.collectAll(topic, lanes...)...)
	w.awaitApplied()
	f := w.flow(l, 20, 100, lanes...)
	w.arrived(2000, topic)
	for range 2 {
		w.kafka.Stop()
		f.during(4 * time.Second)
		w.kafka.Start(t)
		f.during(time.Second)
	}
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestKafkaOutageAndKill kills the agent in the middle of an outage; the files are
// rotated before, meanwhile and after, every 0.75 s, also the one that is copied and
// truncated, whose generations wait unread behind older ones.
func TestKafkaOutageAndKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Restartable())
	topic := w.stamped(3)
	l := newLedger()
	lanes := append(renamed(3), laneSpec{"copied.log", byCopy})
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 75, lanes...)
	w.arrived(1000, topic)
	w.cut()
	w.kafka.Stop()
	f.during(5 * time.Second)
	w.kill(agent)
	f.during(3 * time.Second)
	agent = w.startAgent()
	f.during(5 * time.Second)
	w.kafka.Start(t)
	f.during(time.Second)
	f.stop()
	w.crashed(newCounter(l), topic)
	agent.stop()
}

// TestKafkaKills kills the agent again and again under load with rotations.
func TestKafkaKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.stamped(3)
	l := newLedger()
	lanes := append(renamed(4), laneSpec{"copied.log", byCopy})
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 60, lanes...)
	for range 5 {
		w.more(500, topic)
		w.kill(agent)
		f.during(300 * time.Millisecond)
		agent = w.startAgent()
	}
	f.stop()
	w.crashed(newCounter(l), topic)
	agent.stop()
}

// TestKafkaStalled lets the broker hang for longer than a request may take, as a
// stopped process does: the same requests are then answered twice over.
func TestKafkaStalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Proxied())
	topic := w.kafka.Topic(t, 3)
	l := newLedger()
	lanes := renamed(3)
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 100, lanes...)
	w.arrived(1000, topic)
	w.proxies(func(p *testkit.Proxy) { p.Stall(true) })
	f.during(18 * time.Second)
	w.proxies(func(p *testkit.Proxy) { p.Stall(false) })
	f.during(time.Second)
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestKafkaAmbiguous cuts connections, holds answers back and throws them away, so
// that the agent cannot know what was stored.
func TestKafkaAmbiguous(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Proxied())
	topic := w.kafka.Topic(t, 3)
	l := newLedger()
	lanes := renamed(3)
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 100, lanes...)
	w.arrived(1000, topic)
	for range 5 {
		w.proxies(func(p *testkit.Proxy) { p.DropResponses(true) })
		f.during(200 * time.Millisecond)
		w.proxies(func(p *testkit.Proxy) { p.Cut(); p.DropResponses(false) })
		f.during(300 * time.Millisecond)
		w.proxies(func(p *testkit.Proxy) { p.Delay(300 * time.Millisecond) })
		f.during(500 * time.Millisecond)
		w.proxies(func(p *testkit.Proxy) { p.Cut() })
		f.during(100 * time.Millisecond)
		w.proxies(func(p *testkit.Proxy) { p.Refuse(true); p.Cut(); p.Delay(0) })
		f.during(300 * time.Millisecond)
		w.proxies(func(p *testkit.Proxy) { p.Refuse(false) })
		f.during(300 * time.Millisecond)
	}
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestKafkaLeaderMoves moves every partition from broker to broker under load.
func TestKafkaLeaderMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Brokers(3))
	const partitions = 6
	topic := w.kafka.Topic(t, partitions)
	l := newLedger()
	lanes := renamed(6)
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 100, lanes...)
	w.arrived(1000, topic)
	for round := range int32(20) {
		for p := range int32(partitions) {
			if err := w.kafka.Cluster().MoveTopicPartition(topic, p, (round+p)%3); err != nil {
				t.Fatal(err)
			}
		}
		f.during(200 * time.Millisecond)
	}
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestKafkaStopWhileBlocked ends the agent while nothing moves, as on a host without
// network: Kafka and etcd are silent. SIGTERM is obeyed, and what was read is
// sent by the next run. Only the one request that hung may come twice: its batch has
// 10,000 records at most.
func TestKafkaStopWhileBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Proxied())
	etcd := testkit.NewProxy(t, w.etcd.Endpoints()[0])
	w.via = etcd.Addr()
	topic, missing := w.kafka.Topic(t, 3), w.kafka.TopicName(t)
	l := newLedger()
	w.put(collect(w.path("hung.log"), topic), collect(w.path("missing.log"), missing))
	agent := w.startAgent("LOGCTL_AGENT_MAX_BUFFER=4MiB")
	appendTo(t, w.path("hung.log"), l.lines("hung.log", 1000))
	w.arrived(1000, topic)
	w.proxies(func(p *testkit.Proxy) { p.Stall(true) })
	etcd.Stall(true)
	for range 10 {
		appendTo(t, w.path("hung.log"), l.lines("hung.log", 10_000))
		appendTo(t, w.path("missing.log"), l.lines("missing.log", 10_000))
	}
	pause(t, 3*time.Second) // the buffer fills and a Send blocks
	agent.signal(syscall.SIGTERM)
	if code := agent.wait(); code != 0 { // within 10 s: agent's TestStopWhileNothingAnswers
		t.Errorf("exit code %d", code)
	}
	etcd.Stall(false)
	w.proxies(func(p *testkit.Proxy) { p.Stall(false) })
	w.kafka.Create(t, missing, 2)
	agent = w.startAgent()
	w.spared(newCounter(l), 10_000, topic, missing)
	agent.stop()
}

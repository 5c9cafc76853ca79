//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"logctl/internal/kafka"
)

// brokers are the three real brokers of 'make torture', which scenarios may stop.
type brokers struct {
	t   *testing.T
	dir string
}

const brokerCount = 3

// realBrokers takes hold of the brokers that .ci/servers started, if the tests run on
// those: no other broker is ever touched.
func realBrokers(t *testing.T) *brokers {
	t.Helper()
	if !torture() {
		t.Skip("a long form for three real brokers: run 'make torture'")
	}
	dir, err := filepath.Abs(filepath.Join("..", ".cache", fmt.Sprintf("servers-%d", brokerCount)))
	if err != nil {
		t.Fatal(err)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatalf("no brokers to stop: .ci/servers up %d: %v", brokerCount, err)
	}
	if addrs := os.Getenv("LOGCTL_TEST_KAFKA"); addrs == "" || !strings.Contains(string(env), "LOGCTL_TEST_KAFKA="+addrs+"\n") {
		t.Fatalf("LOGCTL_TEST_KAFKA %q does not name the brokers of %s", addrs, dir)
	}
	b := &brokers{t: t, dir: dir}
	t.Cleanup(func() {
		b.signal(syscall.SIGCONT, 1, 2, 3)
		b.start(1, 2, 3)
	})
	return b
}

// pid is the process of a broker, 0 when it does not run.
func (b *brokers) pid(i int) int {
	data, err := os.ReadFile(filepath.Join(b.dir, fmt.Sprintf("kafka-%d.pid", i)))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.Fields(string(data))[0])
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

func (b *brokers) signal(sig syscall.Signal, ids ...int) {
	b.t.Helper()
	for _, i := range ids {
		if pid := b.pid(i); pid > 0 {
			if err := syscall.Kill(pid, sig); err != nil {
				b.t.Errorf("broker %d: %v", i, err)
			}
		}
	}
}

// kill ends brokers with SIGKILL.
func (b *brokers) kill(ids ...int) {
	b.t.Helper()
	for _, i := range ids {
		b.run("kill", i)
	}
}

// start starts those of the brokers that do not run, at the same time: one alone has
// no quorum to come up with.
func (b *brokers) start(ids ...int) {
	b.t.Helper()
	var wg sync.WaitGroup
	for _, i := range ids {
		if b.pid(i) == 0 {
			wg.Go(func() { b.run("start", i) })
		}
	}
	wg.Wait()
}

func (b *brokers) run(what string, i int) {
	out, err := exec.Command(filepath.Join("..", ".ci", "servers"), what, strconv.Itoa(brokerCount), strconv.Itoa(i)).CombinedOutput()
	if err != nil {
		b.t.Errorf("%s broker %d: %v\n%s", what, i, err, out)
	}
}

// tortured is a world on the real brokers with a load on it: rotations of every kind,
// a topic of six partitions.
func tortured(t *testing.T) (w *world, topic string, l *ledger, agent *process, f *flow) {
	t.Helper()
	w = newWorld(t)
	topic = w.kafka.Topic(t, 6)
	l = newLedger()
	agent = w.startAgent()
	lanes := append(renamed(4), laneSpec{"copied.log", byCopy}, laneSpec{"removed.log", agent.byRemoval})
	w.put(w.collectAll(topic, lanes...)...)
	w.awaitApplied()
	f = w.flow(l, 20, 200, lanes...)
	w.arrived(5000, topic)
	return w, topic, l, agent, f
}

// TestTortureOutage kills all brokers for a minute, under load with rotations.
func TestTortureOutage(t *testing.T) {
	b := realBrokers(t)
	w, topic, l, agent, f := tortured(t)
	b.kill(1, 2, 3)
	f.during(60 * time.Second)
	b.start(1, 2, 3)
	f.during(5 * time.Second)
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestTortureStopped stops all broker processes for half a minute.
func TestTortureStopped(t *testing.T) {
	b := realBrokers(t)
	w, topic, l, agent, f := tortured(t)
	b.signal(syscall.SIGSTOP, 1, 2, 3)
	f.during(30 * time.Second)
	b.signal(syscall.SIGCONT, 1, 2, 3)
	f.during(5 * time.Second)
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestTortureLeaders kills the leader of a partition again and again; replication is
// three, and two replicas acknowledge.
func TestTortureLeaders(t *testing.T) {
	b := realBrokers(t)
	w, topic, l, agent, f := tortured(t)
	admin := kafka.NewAdmin(w.client())
	for round := range 8 {
		leader := leaderOf(t, admin, topic, round)
		b.kill(leader)
		f.during(8 * time.Second)
		b.start(leader)
		f.during(4 * time.Second)
	}
	if err := admin.Close(); err != nil {
		t.Error(err)
	}
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestTortureKills kills the agent twenty times under load with rotations, and a
// broker now and then too.
func TestTortureKills(t *testing.T) {
	b := realBrokers(t)
	w := newWorld(t)
	topic := w.stamped(6)
	l := newLedger()
	lanes := append(renamed(4), laneSpec{"copied.log", byCopy})
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 150, lanes...)
	const kills = 20
	for i := range kills {
		w.more(2000, topic)
		if i%5 == 0 || i%5 == 4 {
			f.during(1500 * time.Millisecond) // a life of some saves, while all brokers run; the others have one or none
		}
		w.kill(agent)
		switch i % 5 {
		case 1:
			w.cut()
			b.kill(i%brokerCount + 1)
		case 3:
			b.start(1, 2, 3)
		}
		f.during(300 * time.Millisecond)
		agent = w.startAgent()
	}
	f.stop()
	w.crashed(newCounter(l), topic)
	agent.stop()
}

// TestTortureMemory is TestKafkaMemory with 1 GB, on real brokers.
func TestTortureMemory(t *testing.T) {
	b := realBrokers(t)
	w := newWorld(t)
	w.backlog(1<<30, func() { b.kill(1, 2, 3) }, func() { b.start(1, 2, 3) })
}

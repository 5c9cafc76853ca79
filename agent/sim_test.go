//go:build unix

package agent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// sim is one life after another of a whole agent, in pretended time: the follower polls
// real files below /dev/shm, whose times are pretended, too; brokers and etcd are in this
// process, behind a network in memory. A crash takes the data directory as it is at an
// instant at which nobody runs, and leaves what is on its way to the brokers alone.
//
// The oracle: what was acknowledged is owed, what is owed arrives once, each file in order.
type sim struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	net   *simNet
	kafka *kfake.Cluster
	etcd  *simEtcd
	dir   string
	log   *bytes.Buffer // nil: not wanted
	lanes []*simLane
	topic string

	config func(*Config) // what a life has beside the usual settings; nil: nothing

	haste  time.Duration // what divides waits and pauses
	writes int           // of 100 things that happen

	client *simClient // of the life at hand; nil: none runs
	stop   context.CancelFunc
	ended  chan error
	old    []chan error // of lives that were killed
	acts   []string
	lives  int
	kills  int
}

// simLane is one watched file, whose lines are numbered.
type simLane struct {
	path    string
	next    int
	half    []byte // the rest of a line whose beginning stands in the file
	turns   int
	rotated time.Time
	packs   simPacking
}

const (
	simKey  = "sim"
	simEtcA = "127.0.0.1:2379"
)

func newSim(t *testing.T, seed uint64, dir string) *sim {
	s := &sim{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 0)), net: newSimNet(seed), dir: dir, topic: "t"}
	s.haste, s.writes = 1<<(4*s.rnd.IntN(2)), 55-25*s.rnd.IntN(2)
	l, err := s.net.listen("tcp", simEtcA)
	s.must(err)
	s.etcd = newSimEtcd(l)
	s.kafka, err = kfake.NewCluster(kfake.NumBrokers(3), kfake.Ports(9001, 9002, 9003), kfake.ListenFn(s.net.listen), kfake.SeedTopics(int32(1+s.rnd.IntN(3)), s.topic))
	s.must(err)
	s.must(os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
	var list []map[string]string
	for i := range 1 + s.rnd.IntN(4) {
		la := &simLane{path: filepath.Join(dir, "logs", fmt.Sprintf("lane%d.log", i)), rotated: time.Now(), packs: simPacking(s.rnd.IntN(int(simPackings)))}
		s.lanes = append(s.lanes, la)
		list = append(list, map[string]string{"path": la.path, "topic": s.topic, "from": etcdcfg.FromBeginning})
	}
	raw, err := json.Marshal(list)
	s.must(err)
	s.etcd.mu.Lock()
	s.etcd.kvs[simKey] = newKey(simKey, raw)
	s.etcd.mu.Unlock()
	return s
}

func (s *sim) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("seed %d: %v", s.seed, err)
	}
}

func (s *sim) brokers() []string {
	return []string{"127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"}
}

// begin starts a life.
func (s *sim) begin() {
	c := &simClient{n: s.net}
	log := slog.New(slog.DiscardHandler)
	if s.log != nil {
		log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	cfg := Config{
		ID: "sim", Host: "sim", Version: "sim", DataDir: filepath.Join(s.dir, "data"), CollectKey: simKey, TransactionalID: "sim",
		Headers: []string{"host", "path", "file", "pos"}, Poll: true, Log: log,
		Etcd: etcdcfg.Config{Endpoints: []string{simEtcA}, Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return c.dial(ctx, "tcp", address)
		}},
		Kafka: kafka.Config{Addresses: s.brokers(), Dial: c.dial},
	}
	if s.config != nil {
		s.config(&cfg)
	}
	a, err := New(cfg)
	s.must(err)
	a.etcd.Watcher = simWatcher{s.etcd}
	a.release.Do(func() {}) // pages of this process are not the agent's
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s.client, s.stop, s.ended = c, cancel, ended
	s.lives++
}

// crash ends a life as SIGKILL does: what it wrote is there, and nothing more comes of it.
func (s *sim) crash() {
	synctest.Wait() // nobody is in the middle of a write
	data, gone := filepath.Join(s.dir, "data"), filepath.Join(s.dir, fmt.Sprintf("gone%d", s.lives))
	s.must(os.Rename(data, gone))
	s.must(os.CopyFS(data, os.DirFS(gone)))
	s.client.kill()
	s.stop()
	s.old = append(s.old, s.ended)
	s.client = nil
	s.kills++
}

// end stops a life in order.
func (s *sim) end() {
	s.stop()
	if err := <-s.ended; err != nil {
		s.t.Errorf("seed %d: the agent ended with %v", s.seed, err)
	}
	s.client = nil
}

// write appends lines to a lane, the last one perhaps without its end.
func (s *sim) write(la *simLane, n int) {
	out := la.half
	la.half = nil
	for range n {
		out = fmt.Appendf(out, "%s %d %s\n", filepath.Base(la.path), la.next, "abcdefghijklmnopqrstuvwxyz"[:s.rnd.IntN(26)])
		la.next++
	}
	if n > 0 && s.rnd.IntN(4) == 0 {
		cut := len(out) - 1 - s.rnd.IntN(8)
		out, la.half = out[:cut], bytes.Clone(out[cut:])
	}
	f, err := os.OpenFile(la.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	s.must(err)
	_, err = f.Write(out)
	s.must(errors.Join(err, f.Close()))
	now := time.Now()
	s.must(os.Chtimes(la.path, now, now))
}

// note keeps what happens for a seed that fails.
func (s *sim) note(format string, args ...any) {
	s.acts = append(s.acts, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// act does one thing of those that happen to an agent.
func (s *sim) act() {
	la := s.lanes[s.rnd.IntN(len(s.lanes))]
	note := s.note
	switch n := s.rnd.IntN(100); {
	case n < s.writes:
		lines := 1 + s.rnd.IntN(1<<s.rnd.IntN(10))
		note("write %d lines to %s", lines, filepath.Base(la.path))
		s.write(la, lines)
	case n < 63:
		if la.next == 0 || time.Since(la.rotated) < 4*time.Second/s.haste {
			return
		}
		s.write(la, 0) // a line is whole before its file goes
		la.turns++
		note("rotate %s, %d", filepath.Base(la.path), la.turns)
		s.must(os.Rename(la.path, fmt.Sprintf("%s.%d", la.path, la.turns)))
		la.rotated = time.Now()
		s.write(la, 1)
		s.pack(la)
	case n < 78:
		if s.client != nil {
			note("crash")
			s.crash()
		}
		s.sleep(1 << s.rnd.IntN(12))
		note("start")
		s.begin()
	case n < 82:
		if s.client != nil {
			note("stop in order")
			s.end()
			s.sleep(1 << s.rnd.IntN(12))
		}
		note("start")
		if s.client == nil {
			s.begin()
		}
	case n < 88:
		to := int32(s.rnd.IntN(3))
		note("leader of partition 0: broker %d", to)
		s.must(s.kafka.MoveTopicPartition(s.topic, 0, to))
	case n < 92:
		b := s.brokers()[s.rnd.IntN(3)]
		note("connections of %s are cut", b)
		s.net.cut(b)
	case n < 95:
		b := s.brokers()[s.rnd.IntN(3)]
		note("%s is away", b)
		s.net.away(b, true)
		s.sleep(1 << s.rnd.IntN(15))
		s.net.away(b, false)
	case n < 97:
		note("etcd is away")
		s.net.away(simEtcA, true)
		s.sleep(1 << s.rnd.IntN(15))
		s.net.away(simEtcA, false)
	default:
		d := time.Duration(s.rnd.IntN(600)) * time.Second
		note("%v pass", d)
		time.Sleep(d)
	}
	s.sleep(1 << s.rnd.IntN(13))
}

// sleep lets up to so many milliseconds pass.
func (s *sim) sleep(most int) {
	time.Sleep(time.Duration(s.rnd.IntN(most)) * time.Millisecond / s.haste)
}

// run does so many things, then waits until all that was written is in the topic.
func (s *sim) run(steps int) {
	s.begin()
	for range steps {
		s.act()
	}
	if s.client == nil {
		s.begin()
	}
	want := int64(0)
	for _, la := range s.lanes {
		if la.half != nil {
			s.write(la, 0)
		}
		want += int64(la.next)
	}
	for range 1200 { // 20 minutes at most: waits between two attempts, fences, patience
		if time.Sleep(time.Second); s.landed() >= want {
			break
		}
	}
	time.Sleep(5 * time.Second) // what comes again, comes now
	s.end()
	for _, ended := range s.old {
		<-ended
	}
	s.judge()
	s.close()
	time.Sleep(time.Minute) // sarama's consumer ends in its own time
}

// close ends the servers and the network.
func (s *sim) close() {
	s.etcd.server.Stop()
	s.kafka.Close()
	s.net.cut("")
	s.net.wg.Wait()
}

// landed counts records and markers.
func (s *sim) landed() (n int64) {
	for _, p := range s.kafka.PartitionInfos(s.topic) {
		n += p.HighWatermark
	}
	return n - s.markers()
}

// markers is how many fences there are at most: each takes an offset of each partition.
func (s *sim) markers() int64 { return int64(s.lives * len(s.kafka.PartitionInfos(s.topic))) }

// judge reads the topic as a plain consumer does.
func (s *sim) judge() {
	c := &simClient{n: s.net}
	cfg, err := kafka.Config{Addresses: s.brokers()}.Sarama()
	s.must(err)
	cfg.Net.Proxy.Enable, cfg.Net.Proxy.Dialer = true, simDialer{c}
	cons, err := sarama.NewConsumer(s.brokers(), cfg)
	s.must(err)
	seen, last := map[string]int{}, map[string]int{}
	bad := func(format string, args ...any) {
		if !s.t.Failed() {
			s.t.Errorf("seed %d: "+format, append([]any{s.seed}, args...)...)
		}
	}
	for _, p := range s.kafka.PartitionInfos(s.topic) {
		part, err := cons.ConsumePartition(s.topic, p.Partition, sarama.OffsetOldest)
		s.must(err)
		for m := s.message(part); m != nil; m = s.message(part) {
			name, n, ok := s.line(m.Value)
			if !ok {
				bad("garbled: %q", m.Value)
				continue
			}
			id := fmt.Sprintf("%s %d", name, n)
			if seen[id]++; seen[id] > 1 {
				bad("twice: %s, at partition %d offset %d", id, m.Partition, m.Offset)
			}
			at := fmt.Sprintf("%s %d", name, m.Partition)
			if was, ok := last[at]; ok && n < was {
				bad("out of order: %s behind %d", id, was)
			}
			last[at] = n
		}
		s.must(part.Close())
	}
	s.must(cons.Close())
	for _, la := range s.lanes {
		for n := range la.next {
			if id := fmt.Sprintf("%s %d", filepath.Base(la.path), n); seen[id] == 0 {
				bad("lost: %s of %d", id, la.next)
			}
		}
	}
}

// message is the next one, nil when none has come for long: markers are at the end, too.
func (s *sim) message(part sarama.PartitionConsumer) *sarama.ConsumerMessage {
	select {
	case m := <-part.Messages():
		return m
	case err := <-part.Errors():
		s.must(err)
	case <-time.After(20 * time.Second):
	}
	return nil
}

// line reads what write wrote.
func (s *sim) line(value []byte) (lane string, n int, ok bool) {
	f := bytes.Split(value, []byte(" "))
	if len(f) != 3 {
		return "", 0, false
	}
	n, err := strconv.Atoi(string(f[1]))
	return string(f[0]), n, err == nil
}

// simDialer is sarama's seam.
type simDialer struct{ c *simClient }

func (d simDialer) Dial(network, address string) (net.Conn, error) {
	return d.c.dial(context.Background(), network, address)
}

// TestSimulation runs lives of an agent in pretended time. LOGCTL_SIM_SEED repeats one and
// prints what happened; LOGCTL_SIM_CASES is how many there are ('make soak': 10,000), and
// LOGCTL_SIM_FIRST the seed of the first one.
func TestSimulation(t *testing.T) {
	cases, first := 6, uint64(1)
	if testing.Short() {
		cases = 2
	}
	if n, err := strconv.Atoi(os.Getenv("LOGCTL_SIM_CASES")); err == nil {
		cases = n
	}
	if n, err := strconv.ParseUint(os.Getenv("LOGCTL_SIM_FIRST"), 10, 64); err == nil {
		first = n
	}
	told := false
	if n, err := strconv.ParseUint(os.Getenv("LOGCTL_SIM_SEED"), 10, 64); err == nil {
		cases, first, told = 1, n, true
	}
	root, err := os.MkdirTemp(cmp.Or(os.Getenv("LOGCTL_SIM_DIR"), "/dev/shm"), "logctl-sim")
	if err != nil {
		root = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	begin, lived, kills, failed := cpuTime(), time.Duration(0), 0, 0
	for i := range cases {
		seed, dir := first+uint64(i), filepath.Join(root, strconv.Itoa(i))
		ok := t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, seed, dir)
				if told {
					s.log = &bytes.Buffer{}
				}
				start := time.Now()
				s.run(40)
				lived += time.Since(start)
				kills += s.kills
				if t.Failed() || told {
					t.Logf("LOGCTL_SIM_SEED=%d go test -run TestSimulation ./agent repeats it; what happened:", seed)
					for _, a := range s.acts {
						t.Log(a)
					}
				}
				if told {
					t.Log(s.log.String())
				}
			})
		})
		if !ok {
			failed++
		}
		_ = os.RemoveAll(dir)
	}
	spent := cpuTime() - begin
	t.Logf("%d simulations, %d failed: %v of an agent's time with %d kills in %v of CPU: %.2f days a CPU minute",
		cases, failed, lived.Round(time.Second), kills, spent.Round(time.Millisecond), lived.Hours()/24/spent.Minutes())
}

// cpuTime is what this process took of the processors so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// cost is what a process has used so far.
type cost struct {
	cpu    time.Duration
	memory int // kB resident
	at     time.Time
}

// clockTick is the unit of times in /proc; every Linux of ours has the same.
const clockTick = 10 * time.Millisecond

// cost looks at the console's process.
func (s *terminal) cost() cost {
	s.t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", s.read("pid"), "stat"))
	if err != nil {
		s.t.Skipf("what a process uses cannot be seen here: %v", err)
	}
	status, err := os.ReadFile(filepath.Join("/proc", s.read("pid"), "status"))
	if err != nil {
		s.t.Fatal(err)
	}
	c := cost{at: time.Now()}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, f := range fields[11:13] { // user and system time
		n, err := strconv.Atoi(f)
		if err != nil {
			s.t.Fatal(err)
		}
		c.cpu += time.Duration(n) * clockTick
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(status)
	if m == nil {
		s.t.Fatal("no VmRSS in /proc")
	}
	if c.memory, err = strconv.Atoi(string(m[1])); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// share lets d pass and returns the share of one processor used meanwhile, in percent,
// and the bytes written to the terminal.
func (s *terminal) share(d time.Duration) (percent float64, bytes int64) {
	s.t.Helper()
	out := filepath.Join(s.dir, "written")
	if msg, err := s.tmux("pipe-pane", "exec cat >>"+quoted([]string{out})); err != nil {
		s.t.Fatalf("record the terminal: %v\n%s", err, msg)
	}
	before := s.cost()
	<-time.After(d) // the time that is measured
	after := s.cost()
	if _, err := s.tmux("pipe-pane"); err != nil {
		s.t.Fatal(err)
	}
	if st, err := os.Stat(out); err == nil {
		bytes = st.Size()
	}
	if err := os.RemoveAll(out); err != nil {
		s.t.Fatal(err)
	}
	return 100 * (after.cpu - before.cpu).Seconds() / after.at.Sub(before.at).Seconds(), bytes
}

// loose is by how much the race detector may exceed a bar of time or memory.
func loose() float64 {
	if testkit.Race {
		return 8
	}
	return 1
}

// While nothing changes the console costs next to nothing and writes nothing but its
// clock, once a minute.
func TestConsoleIdle(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 120, 40)
	// Servers of its own: on shared ones other agents are news.
	w := newWorldOn(t, testkit.Etcd(t, testkit.EmbeddedEtcd()), testkit.Embedded())
	topic := w.kafka.Topic(t, 1)
	w.put(collect(w.path("a.log"), topic))
	log := testkit.NewLog(t, w.path("a.log"))
	log.Lines(10)
	w.startAgent(fastReports)
	s.console(w.flags()...)
	s.await("the entry at rest", `a\.log .*1/1 +· idle +0 `)
	for _, screen := range []struct{ key, shows string }{{"2", "1 agent on duty"}, {"5", "logctl ▸ events"}, {"1", `logctl ▸ entries  `}} {
		s.keys(screen.key)
		s.await("the screen", screen.shows)
		testkit.Eventually(t, "a second without news", func() bool {
			_, n := s.share(time.Second)
			return n == 0
		})
		percent, bytes := s.share(4 * time.Second)
		if percent > 1.5*loose() || bytes > 100 {
			t.Errorf("screen %s: %.2f %% of a processor, %d bytes written", screen.key, percent, bytes)
		}
	}
}

// A thousand agents: the first picture comes at once, and looking at them is cheap.
func TestConsoleFleet(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 120, 40)
	demo := start(t, nil, "demo", "--headless", "--fleet", "1000", "--rate", "1", "--data-dir", t.TempDir())
	var at []string
	testkit.Eventually(t, "the demo says where its servers are", func() bool {
		at = regexp.MustCompile(`kafka (\S+)  etcd (\S+) [\s\S]*agents have the key (\S+)`).FindStringSubmatch(demo.err.String())
		return at != nil
	})
	s.console("--kafka", at[1], "--etcd", at[2], "--key", at[3])
	s.await("the list", `logctl ▸ entries`, `applied 1000/1000`, `access-00`)
	if took := s.cost().cpu; took.Seconds() > loose() {
		t.Errorf("the first picture took %v of a processor", took)
	}
	s.await("the rates", `\dk lines/s`)
	for _, key := range []string{"2", "1"} {
		s.keys(key)
		s.await("the screen", map[string]string{"2": "1001 agents on duty", "1": "100 entries"}[key])
		percent, _ := s.share(5 * time.Second)
		memory := s.cost().memory
		if percent > 10*loose() || float64(memory) > 150_000*loose() {
			t.Errorf("screen %s: %.1f %% of a processor, %d kB", key, percent, memory)
		}
		t.Logf("screen %s: %.1f %% of a processor, %d kB", key, percent, memory)
	}
}

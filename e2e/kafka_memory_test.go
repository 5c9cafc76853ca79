package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// TestKafkaMemory lets a backlog pile up while Kafka is down, then drains it: memory
// stays under 128 MB the whole time, and a waiting agent uses next to no processor
// time.
func TestKafkaMemory(t *testing.T) {
	w := newWorld(t, testkit.Restartable())
	w.backlog(200<<20, w.kafka.Stop, func() { w.kafka.Start(t) })
}

// backlog runs an agent while so many bytes are written with Kafka stopped, and until
// they are drained.
func (w *world) backlog(size int64, stop, restart func()) {
	w.t.Helper()
	t := w.t
	topic := w.kafka.Topic(t, 4)
	w.put(collect(w.path("*.log"), topic))
	agent := w.startPlain()
	w.awaitApplied()
	stop()
	const files, block, width = 8, 1 << 20, 500
	written := int64(0)
	lines := make([]byte, 0, block)
	for i := int64(0); i < size/block; i++ {
		// Each line once: a file with the content of another one is a copy of it.
		lines = lines[:0]
		for len(lines) <= block-width {
			lines = fmt.Appendf(lines, "%0*d\n", width-1, written)
			written++
		}
		appendTo(t, w.path(fmt.Sprintf("file%d.log", i%files)), lines)
	}
	w.awaitState(w.path("*.log"), "kafka unreachable")
	load := agent.load(4 * time.Second)
	down := agent.peak()
	restart()
	admin := kafka.NewAdmin(w.client())
	began := time.Now()
	testkit.Eventually(t, "the backlog is drained", func() bool { return w.ends(admin, topic) >= written })
	took := time.Since(began)
	got := w.ends(admin, topic)
	if err := admin.Close(); err != nil {
		t.Error(err)
	}
	draining := agent.peak()
	t.Logf("backlog %d MB: peak %d MB while kafka is down (%.1f %% of a processor), %d MB after draining at %.0f MB/s",
		size>>20, down>>20, 100*load, draining>>20, float64(size>>20)/took.Seconds())
	const limit = 128 << 20
	if draining > limit {
		t.Errorf("peak resident set: %d MB, want under %d MB", draining>>20, limit>>20)
	}
	if load > 0.1 {
		t.Errorf("uses %.0f %% of a processor while kafka is down", 100*load)
	}
	agent.stop()
	v := verdict{Written: int(written), Lost: int(max(0, written-got)), Duplicated: int(max(0, got-written))}
	if v.Lost+v.Duplicated > 0 {
		t.Error(v)
	}
	record(t, v)
}

// startPlain starts an agent without the race detector, which takes several times the
// memory.
func (w *world) startPlain(env ...string) *process {
	w.t.Helper()
	path := binary
	if testkit.Race && os.Getenv("LOGCTL_BINARY") == "" {
		path = filepath.Join(w.t.TempDir(), "logctl")
		// The flags of 'make build', whose results are then in the cache.
		out, err := exec.CommandContext(w.t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "logctl").CombinedOutput()
		if err != nil {
			w.t.Fatalf("build logctl: %v\n%s", err, out)
		}
	}
	args := append([]string{"agent", "--data-dir", w.data, "--id", w.agentID()}, w.flags()...)
	return startBinary(w.t, path, env, args...)
}

// TestKafkaManyTopicsMissing has a hundred entries on topics that do not exist, each
// with ten large files, beside a topic that lives: memory stays under 128 MB, next to
// nothing is read for them, and a line of the living topic costs no more. That its lines
// wait no longer is held in pretended time: agent's TestDeadTopicsTakeNoTime.
func TestKafkaManyTopicsMissing(t *testing.T) {
	w := newWorld(t)
	w.covers("G04 G06", "a hundred entries on missing topics, each a glob of ten files of 8 MB, beside a living topic: memory, what is read, and what a line of the living one costs")
	topic := w.kafka.Topic(t, 2)
	block := newLedger().lines("dead", 100_000)
	for i := range 10 {
		appendTo(t, w.path(fmt.Sprintf("dead%d.txt", i)), block)
	}
	const missing = 100
	missed := func(i int) string { return fmt.Sprintf("%s-missing-%d", topic, i) }
	list := func(dead bool) []entry {
		out := []entry{collect(w.path("a.log"), topic)}
		for i := range missing {
			e := collect(w.path("dead*.txt"), missed(i))
			e["disabled"] = !dead
			out = append(out, e)
		}
		return out
	}
	agent := w.startPlain(listen)
	lines, written := bytes.Count(block, []byte("\n")), 0
	read := func() (n float64) {
		metrics := w.get(agent, "/metrics")
		for i := range missing {
			n += sumOf(t, metrics, "logctl_task_read_bytes_total", missed(i))
		}
		return n
	}
	var c costs
	for range 20 {
		for _, dead := range []bool{false, true} {
			w.put(list(dead)...)
			w.awaitApplied()
			if dead {
				w.awaitMissing(missing)
			}
			c.round(agent, dead, 2*lines, func() {
				appendTo(t, w.path("a.log"), block)
				appendTo(t, w.path("a.log"), block)
				written += 2 * lines
				testkit.Eventually(t, "the lines land", func() bool { return w.landed(topic) >= int64(written) })
			})
			// Two small chunks of each: one in ship, one that waits for it.
			if most := 2.0 * missing * (16 << 10); dead && read() > most {
				t.Errorf("%.0f bytes were read for topics that take nothing, want %.0f at most", read(), most)
			}
		}
		if c.level() {
			break
		}
	}
	t.Logf("peak %d MB; %v", agent.peak()>>20, &c)
	if !c.level() {
		t.Error("lines of the living topic cost more beside missing topics")
	}
	const limit = 128 << 20
	if peak := agent.peak(); peak > limit {
		t.Errorf("peak resident set: %d MB, want under %d MB", peak>>20, limit>>20)
	}
	agent.stop()
	got := int(w.landed(topic))
	v := verdict{Written: written, Lost: max(0, written-got), Duplicated: max(0, got-written)}
	if v.Lost+v.Duplicated > 0 {
		t.Error(v)
	}
	record(t, v)
}

// awaitMissing waits until so many tasks say that their topic is missing.
func (w *world) awaitMissing(n int) {
	w.t.Helper()
	testkit.Eventually(w.t, fmt.Sprintf("%d topics are said to be missing", n), func() bool {
		p, _ := w.presence()
		missing := 0
		for _, task := range p.Tasks {
			if task.State == "topic missing" {
				missing++
			}
		}
		return missing == n
	})
}

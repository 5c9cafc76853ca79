package e2e

import (
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
	w.awaitApplied(5 * time.Second)
	stop()
	const files, block = 8, 1 << 20
	lines, n := make([]byte, 0, block), 0
	for len(lines) < block-500 {
		lines = append(lines, fmt.Sprintf("%0499d\n", n)...)
		n++
	}
	written := int64(0)
	for i := int64(0); i < size/block; i++ {
		appendTo(t, w.path(fmt.Sprintf("file%d.log", i%files)), lines)
		written += int64(n)
	}
	w.awaitState(w.path("*.log"), "kafka unreachable", 10*time.Second)
	load := agent.load(4 * time.Second)
	down := agent.peak()
	restart()
	admin := kafka.NewAdmin(w.client())
	began := time.Now()
	testkit.Eventually(t, 240*time.Second, "the backlog is drained", func() bool { return w.ends(admin, topic) >= written })
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
	if raceEnabled && os.Getenv("LOGCTL_BINARY") == "" {
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

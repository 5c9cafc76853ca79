package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/internal/kafka"
)

// sumOf is the sum of a metric of the tasks of a topic, in what /metrics says.
func sumOf(t *testing.T, metrics, metric, topic string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(metrics) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, metric+"{") || !strings.Contains(line, strconv.Quote(topic)) {
			continue
		}
		v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		sum += v
	}
	return sum
}

// endOf is the end offset of one partition; 0 when it cannot be asked.
func (w *world) endOf(topic string, partition int32) int64 {
	admin := kafka.NewAdmin(w.client())
	defer admin.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	all, err := admin.Offsets(ctx, topic)
	if err != nil {
		return 0
	}
	for _, p := range all[topic] {
		if p.ID == partition {
			return max(0, p.Newest)
		}
	}
	return 0
}

// peak is the largest resident set the process ever had, in bytes, from
// /proc/PID/status.
func (p *process) peak() int64 {
	p.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kb << 10
		}
	}
	p.t.Fatal("no VmHWM in the status of the process")
	return 0
}

// load is the share of one processor that the process uses over a while. Other work on
// the machine can only lower it.
func (p *process) load(d time.Duration) float64 {
	p.t.Helper()
	began, used := time.Now(), p.cpu()
	pause(p.t, d)
	return (p.cpu() - used).Seconds() / time.Since(began).Seconds()
}

// costs are what a line cost the agent in rounds without something and beside it, in
// nanoseconds of processor time: other work on the machine takes an agent's time on the
// clock, and not on the processor.
type costs struct{ alone, beside []float64 }

// round notes what so many lines cost while do runs. What the agent takes anyway, without
// lines, is taken off.
func (c *costs) round(p *process, beside bool, lines int, do func()) {
	p.t.Helper()
	idle := p.load(500 * time.Millisecond)
	began, used := time.Now(), p.cpu()
	do()
	cost := (float64(p.cpu()-used) - idle*float64(time.Since(began))) / float64(lines)
	if beside {
		c.beside = append(c.beside, cost)
	} else {
		c.alone = append(c.alone, cost)
	}
}

// level says whether three rounds or more tell that lines cost no more beside it than a ninth
// above what they cost alone: by the cheapest rounds or by the middle ones.
func (c *costs) level() bool {
	middle := func(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }
	return len(c.beside) >= 3 && (slices.Min(c.alone)/slices.Min(c.beside) >= 0.9 || middle(c.alone)/middle(c.beside) >= 0.9)
}

func (c *costs) String() string {
	return fmt.Sprintf("a line costs in each round alone %.0f ns, beside it %.0f ns of processor time", c.alone, c.beside)
}

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/consumer"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// scenario is one row of a table of scenarios: what is done in words, for the table
// of results, and the doing of it.
type scenario struct {
	name  string
	cases string // of the acceptance list: "A03", or "B01 B02"; empty: beyond it
	done  string
	run   func(w *world)
	opts  []testkit.KafkaOption
	etcd  []testkit.EtcdOption
	alone bool // not beside other scenarios: it measures, or changes limits of the machine
}

// runAll runs the scenarios of a group, side by side where they may.
func runAll(t *testing.T, all []scenario) {
	t.Helper()
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			if !s.alone {
				t.Parallel()
			}
			w := newWorldOn(t, testkit.Etcd(t, s.etcd...), s.opts...)
			w.covers(s.cases, s.done)
			s.run(w)
		})
	}
}

// story is what the results file says about a scenario beside its verdict.
type story struct {
	Scenario string `json:"scenario"`
	Cases    string `json:"cases"`
	Done     string `json:"done"`
	Passed   bool   `json:"passed"`
	Skipped  bool   `json:"skipped,omitempty"`
}

// covers tells the results file which cases of the acceptance list ("A03", or
// "B01 B02") this test is about and what is done in it, in words. A scenario without
// numbered lines has only this line in the file.
func (w *world) covers(cases, done string) { covers(w.t, cases, done) }

func covers(t *testing.T, cases, done string) {
	t.Helper()
	path := os.Getenv("LOGCTL_RESULTS")
	if path == "" {
		return
	}
	t.Cleanup(func() {
		data, err := json.Marshal(story{Scenario: t.Name(), Cases: cases, Done: done, Passed: !t.Failed() && !t.Skipped(), Skipped: t.Skipped()})
		if err != nil {
			t.Error(err)
			return
		}
		appendTo(t, path, append(data, '\n'))
	})
}

// follow is the common beginning: a topic, an entry for the path, a running agent
// that has applied it.
func (w *world) follow(path string, more ...entry) (topic string, agent *process) {
	w.t.Helper()
	topic = w.stamped(3)
	e := collect(path, topic)
	for _, m := range more {
		for k, v := range m {
			e[k] = v
		}
	}
	w.put(e)
	agent = w.startAgent(quickScan)
	w.awaitApplied()
	return topic, agent
}

// quickScan lets the agent look more often than once a second, so that what it does
// after a number of looks is seen sooner.
const quickScan = "LOGCTL_AGENT_SCAN_INTERVAL=200ms"

// landed is the number of records in the topics now.
func (w *world) landed(topics ...string) int64 {
	w.t.Helper()
	if w.admin == nil {
		w.admin = kafka.NewAdmin(w.kafka.Config())
		w.t.Cleanup(func() {
			if err := w.admin.Close(); err != nil {
				w.t.Errorf("close admin: %v", err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), 5*time.Second)
	defer cancel()
	all, err := w.admin.Offsets(ctx, topics...)
	if err != nil {
		return 0 // a broker that is just starting; the caller asks again
	}
	n := int64(0)
	for _, partitions := range all {
		for _, p := range partitions {
			n += max(0, p.Newest-max(0, p.Oldest))
		}
	}
	return n
}

// awaitLanded waits until as many records are in the topics, or more.
func (w *world) awaitLanded(n int, topics ...string) {
	w.t.Helper()
	last := int64(-1)
	testkit.Eventually(w.t, fmt.Sprintf("%d records in %v (see the last count above)", n, topics), func() bool {
		if now := w.landed(topics...); now != last {
			last = now
			w.t.Logf("%d of %d records", now, n)
		}
		return last >= int64(n)
	})
}

// writer is a program that writes a log: it keeps its descriptor over rotations
// until it is told to reopen.
type writer struct {
	w    *world
	l    *ledger
	lane string
	path string
	f    *os.File
}

// writer opens the log file of that name for appending. Its lane is the name of the
// file.
func (w *world) writer(l *ledger, name string) *writer {
	w.t.Helper()
	wr := &writer{w: w, l: l, lane: strings.ReplaceAll(name, "/", "_"), path: w.path(name)}
	wr.reopen()
	w.t.Cleanup(wr.close)
	return wr
}

func (wr *writer) reopen() {
	wr.w.t.Helper()
	wr.close()
	if err := os.MkdirAll(filepath.Dir(wr.path), 0o755); err != nil {
		wr.w.t.Fatal(err)
	}
	f, err := os.OpenFile(wr.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		wr.w.t.Fatal(err)
	}
	wr.f = f
}

func (wr *writer) close() {
	if wr.f != nil {
		_ = wr.f.Close()
		wr.f = nil
	}
}

// lines appends n numbered lines in one write.
func (wr *writer) lines(n int) { wr.w.t.Helper(); wr.raw(wr.l.lines(wr.lane, n)) }

// late appends n numbered lines of a lane of their own: the order of what is written
// late to a rotated file and what is written to the new one is not defined.
func (wr *writer) late(n int) { wr.w.t.Helper(); wr.raw(wr.l.lines(wr.lane+"-late", n)) }

func (wr *writer) raw(data []byte) {
	wr.w.t.Helper()
	if _, err := wr.f.Write(data); err != nil {
		wr.w.t.Fatal(err)
	}
}

// rename moves the file to path+suffix; the descriptor stays on it.
func (wr *writer) rename(suffix string) { wr.w.t.Helper(); wr.w.rename(wr.path, wr.path+suffix) }

// rotate renames the file and opens a new one.
func (wr *writer) rotate(suffix string) {
	wr.w.t.Helper()
	wr.rename(suffix)
	wr.reopen()
}

// shift renames path.n to path.n+1 from the highest on, then the file to path.1.
func (wr *writer) shift(count int) {
	wr.w.t.Helper()
	for n := count - 1; n >= 1; n-- {
		err := os.Rename(fmt.Sprintf("%s.%d", wr.path, n), fmt.Sprintf("%s.%d", wr.path, n+1))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			wr.w.t.Fatal(err)
		}
	}
	wr.rename(".1")
}

func (wr *writer) truncate(size int64) {
	wr.w.t.Helper()
	wr.w.must(os.Truncate(wr.path, size))
}

// copyTruncate copies the file to path+suffix and truncates it.
func (wr *writer) copyTruncate(suffix string) {
	wr.w.t.Helper()
	data, err := os.ReadFile(wr.path)
	wr.w.must(err)
	wr.w.must(os.WriteFile(wr.path+suffix, data, 0o644))
	wr.truncate(0)
}

func (w *world) rename(from, to string) { w.t.Helper(); w.must(os.Rename(from, to)) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// every calls do n times at an interval, as a writer with a rhythm does.
func every(interval time.Duration, n int, do func(i int)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for i := range n {
		do(i)
		<-tick.C
	}
}

// values reads a topic until it has as many records as wanted and no more come, and
// returns them by partition and offset.
func (w *world) values(want int, topic string) []consumer.Record {
	w.t.Helper()
	from, err := consumer.ParseFrom("oldest")
	w.must(err)
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	r, err := consumer.Open(ctx, consumer.Config{Kafka: w.kafka.Config(), Topics: []string{topic}, From: from, Follow: true, Isolation: consumer.ReadUncommitted})
	w.must(err)
	defer r.Close()
	var out []consumer.Record
	since := time.Now()
	for {
		next, cancelNext := context.WithTimeout(ctx, time.Second)
		records, err := r.Next(next)
		cancelNext()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			w.t.Fatal(err)
		}
		for i := range records {
			rec := records[i]
			rec.Value = bytes.Clone(rec.Value)
			out = append(out, rec)
		}
		if len(records) > 0 {
			since = time.Now()
		}
		if len(out) >= want && len(records) == 0 || time.Since(since) > testkit.Hang/2 {
			return out
		}
	}
}

// exactly checks that the topic holds these values, each as often and, within the
// topic's single partition, in this order; it is for lines that are not numbered.
func (w *world) exactly(topic string, want ...string) verdict {
	w.t.Helper()
	var got []string
	for _, r := range w.values(len(want), topic) {
		got = append(got, string(r.Value))
	}
	return w.compare(got, want)
}

// compare makes a verdict of two lists of values and checks it.
func (w *world) compare(got, want []string) verdict {
	w.t.Helper()
	v := verdict{Written: len(want)}
	left := map[string]int{}
	for _, s := range want {
		left[s]++
	}
	known := map[string]bool{}
	for s := range left {
		known[s] = true
	}
	for i, s := range got {
		switch {
		case !known[s]:
			v.Garbled++
			w.t.Errorf("record %d was never written: %.200q", i, s)
		case left[s] == 0:
			v.Duplicated++
			w.t.Errorf("record %d came once more: %.200q", i, s)
		default:
			left[s]--
			if i < len(want) && s != want[i] {
				v.Reordered++
			}
		}
	}
	for s, n := range left {
		if n > 0 {
			v.Lost += n
			w.t.Errorf("lost %d times: %.200q", n, s)
		}
	}
	if v.Reordered > 0 && v.Lost == 0 {
		w.t.Errorf("%d values are not in their place", v.Reordered)
	}
	if v.Lost > 0 {
		v.Reordered = 0 // the places mean nothing then
	}
	w.t.Logf("%s", v)
	record(w.t, v)
	return v
}

// sum adds up a counter of the agent's /metrics over all tasks. The agent listens
// on a port of its own when it was started with listen().
func (w *world) sum(p *process, metric string) float64 {
	w.t.Helper()
	total := 0.0
	for line := range strings.Lines(w.get(p, "/metrics")) {
		if !strings.HasPrefix(line, metric+"{") && !strings.HasPrefix(line, metric+" ") {
			continue
		}
		var n float64
		if _, err := fmt.Sscan(line[strings.LastIndexByte(strings.TrimSpace(line), ' ')+1:], &n); err != nil {
			w.t.Fatalf("metric %q: %v", line, err)
		}
		total += n
	}
	return total
}

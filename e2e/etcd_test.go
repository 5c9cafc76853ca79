//go:build unix

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestEtcd is group H: edits of the list, and an etcd in trouble.
func TestEtcd(t *testing.T) {
	embedded := []testkit.EtcdOption{testkit.EmbeddedEtcd()}
	all := []scenario{
		{name: "add_remove_swap_reorder", cases: "H01", done: "entries are added, removed, given another topic, swapped and reordered; unchanged ones are not restarted", run: editsOfAllKinds},
		{name: "duplicate_entries", cases: "H01", done: "the same path and topic twice: a bad list, named with line", run: duplicates},
		{name: "emptied_and_deleted", cases: "H02", done: "[] and a deleted key stop all tasks; the entry comes back", run: emptied},
		{name: "edits_at_the_start", cases: "H03", done: "edits every millisecond while the agent starts, five starts: the last one is applied", run: editsAtStart},
		{name: "compacted_while_disconnected", cases: "H04", done: "the connection to etcd is cut; 20 edits and a compaction; the connection is back", run: compactedMeanwhile, etcd: embedded},
		{name: "down_then_changed", cases: "H04", done: "etcd is stopped, then back, then the list changes: applied, unchanged tasks keep running", run: downThenChanged, etcd: embedded},
		{name: "wiped", cases: "H04", done: "etcd comes back with an empty store and the list is written again", run: wiped, etcd: embedded},
		{name: "lease_revoked", cases: "H04", done: "the lease of the presence is lost; the presence comes back", run: leaseRevoked},
		{name: "down_at_the_start", cases: "H05", done: "etcd is down when an agent with a cached list starts, and up later", run: downAtStart, etcd: embedded},
		{name: "down_for_life", cases: "H05", done: "etcd is down for the whole life of an agent that has a cached list", run: downForLife, etcd: embedded},
		{name: "both_down_at_the_start", cases: "H05 G01", done: "Kafka and etcd are down at the first start; they come up in both orders", run: bothDown, etcd: embedded, opts: []testkit.KafkaOption{testkit.Restartable()}},
		{name: "burst_of_edits", cases: "H06", done: "1,000 edits as fast as etcd takes them; the last one counts", run: burst},
		{name: "removed_and_added_again", cases: "H07", done: "an entry is removed and added again: reading goes on at its position; also over a restart", run: removedAndBack},
		{name: "topic_changed", cases: "H01 H07", done: "the topic of a busy file is changed back and forth: every line is in one of the two", run: topicChanged},
		{name: "two_editors_at_once", cases: "H08", done: "two 'logctl entries add' at a time, ten rounds: no edit is lost", run: twoEditors},
		{name: "many_agents_one_key", cases: "H09", done: "several agents share one key; those without the file stay quiet", run: manyAgents},
		{name: "key_of_the_host", cases: "H09", done: "{hostname} in the key gives the agent a list of its own", run: keyOfHost},
	}
	for _, bad := range badLists() {
		all = append(all, scenario{
			name: "bad_list_" + strings.ReplaceAll(bad.name, " ", "_"), cases: "H02",
			done: "the list is " + bad.name + ": what runs goes on, the place and the cause are in the log and in the presence", run: bad.run,
		})
	}
	runAll(t, all)
}

// sinceOf tells how often tasks were started, from the agent's log.
func (p *process) starts(path string) int {
	n := 0
	for line := range strings.Lines(p.err.String()) {
		if strings.Contains(line, `msg="task starts"`) && strings.Contains(line, path+" ") {
			n++
		}
	}
	return n
}

// startedOnce checks that the task of a path, which stayed in every list, was never touched.
func (p *process) startedOnce(path string) {
	p.t.Helper()
	if n := p.starts(path); n != 1 {
		p.t.Errorf("the task of %s was started %d times", path, n)
	}
}

func editsOfAllKinds(w *world) {
	l := newLedger()
	a, b, c := w.writer(l, "a.log"), w.writer(l, "b.log"), w.writer(l, "c.log")
	one, two := w.kafka.Topic(w.t, 1), w.kafka.Topic(w.t, 1)
	w.put(collect(a.path, one), collect(b.path, two))
	agent := w.startAgent(quickScan)
	step := func(list ...entry) {
		w.t.Helper()
		if list != nil {
			w.put(list...)
		}
		w.awaitApplied()
		for _, f := range []*writer{a, b, c} {
			f.lines(50)
		}
	}
	step()
	step(collect(b.path, two), collect(a.path, one))                       // reordered
	step(collect(b.path, two), collect(a.path, one), collect(c.path, one)) // added
	step(collect(a.path, one), collect(c.path, one))                       // removed
	step(collect(a.path, one), collect(c.path, two))                       // another topic
	step(collect(a.path, two), collect(c.path, one))                       // two topics swapped
	step(collect(a.path, two), collect(b.path, two), collect(c.path, one))
	w.unproved = true // each entry was there for a part of the lines only
	w.clean(newCounter(l), one, two)
	if got := [3]int{agent.starts(a.path), agent.starts(b.path), agent.starts(c.path)}; got != [3]int{2, 2, 3} {
		w.t.Errorf("the tasks of a, b and c were started %v times, want 2 2 3: unchanged entries are left alone", got)
	}
	agent.stop()
}

func duplicates(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	w.putRaw(fmt.Sprintf("[{\"path\": %q, \"topic\": %q},\n {\"path\": %q, \"topic\": %q}]", a.path, topic, a.path, topic))
	testkit.Eventually(w.t, "the presence names the second entry", func() bool {
		p, _ := w.presence()
		return strings.Contains(p.ListError, "line 2") && strings.Contains(p.ListError, "entry 2")
	})
	a.lines(100)
	w.unproved = true // the list is a bad one to verify, too
	w.clean(newCounter(l), topic)
	agent.stop()
}

func emptied(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(100)
	w.awaitLanded(100, topic)
	noTasks := func() bool { p, ok := w.presence(); return ok && len(p.Tasks) == 0 }
	for _, empty := range []func(){
		func() { w.put() },
		func() {
			_, err := w.store.Delete(w.t.Context(), w.key)
			w.must(err)
		},
	} {
		empty()
		testkit.Eventually(w.t, "no task runs", noTasks)
		a.lines(100)
		a.rotate("." + fmt.Sprint(l.written()))
		w.put(collect(a.path, topic))
		w.awaitApplied()
	}
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func editsAtStart(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 1)
	for round := range 5 {
		agent := w.startAgent(quickScan)
		for i := range 300 {
			w.put(collect(a.path, topic), collect(w.path(fmt.Sprintf("other-%d-%d.log", round, i)), topic))
		}
		w.put(collect(a.path, topic))
		w.awaitApplied()
		testkit.Eventually(w.t, "one task runs", func() bool { p, _ := w.presence(); return len(p.Tasks) == 1 })
		a.lines(10)
		w.awaitLanded(l.written(), topic)
		agent.stop()
	}
	w.clean(newCounter(l), topic)
}

func burst(w *world) {
	l := newLedger()
	a := w.writer(l, "a.log")
	topic, agent := w.follow(a.path)
	a.lines(10)
	for i := range 1000 {
		w.put(collect(a.path, topic), collect(w.path(fmt.Sprintf("b%d.log", i%7)), topic))
		if i%100 == 0 {
			a.lines(10)
		}
	}
	last := w.writer(l, "last.log")
	w.put(collect(a.path, topic), collect(last.path, topic))
	w.awaitApplied()
	last.lines(10)
	w.clean(newCounter(l), topic)
	agent.startedOnce(a.path)
	agent.stop()
}

func removedAndBack(w *world) {
	l := newLedger()
	a := w.writer(l, "a.log")
	other := w.path("other.log")
	topic, agent := w.follow(a.path)
	for i := range 3 {
		a.lines(100)
		w.put(collect(other, topic))
		w.awaitApplied()
		a.lines(100)
		if i == 1 {
			agent.stop()
			a.rotate(".1")
			a.lines(100)
			agent = w.startAgent(quickScan)
			w.awaitApplied()
		}
		w.put(collect(a.path, topic))
		w.awaitApplied()
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func topicChanged(w *world) {
	l := newLedger()
	topics := []string{w.kafka.Topic(w.t, 1), w.kafka.Topic(w.t, 1)}
	w.put(collect(w.path("load*.log"), topics[0]))
	agent := w.startAgent(quickScan)
	w.awaitApplied()
	writing := w.load(l, 2, 50, 5*time.Millisecond)
	for i := range 6 {
		w.put(collect(w.path("load*.log"), topics[(i+1)%2]))
		w.awaitApplied()
	}
	writing.stop()
	w.unproved = true // the entry's earlier topic has some of the lines
	w.clean(newCounter(l), topics...)
	agent.stop()
}

func twoEditors(w *world) {
	w.put()
	flags := []string{"--etcd", strings.Join(w.etcd.Endpoints(), ","), "--key", w.key}
	for round := range 10 {
		var editors [2]*process
		for i := range editors {
			args := append([]string{"entries", "add", fmt.Sprintf("/var/log/%d-%d.log", round, i), "topic_" + fmt.Sprint(i)}, flags...)
			editors[i] = start(w.t, nil, args...)
		}
		for i, e := range editors {
			if code := e.wait(); code != 0 && !strings.Contains(e.err.String(), "changed") {
				w.t.Errorf("editor %d: exit code %d: %s", i, code, e.err.String())
			} else if code != 0 {
				again := start(w.t, nil, e.cmd.Args[1:]...) // told of the conflict, the operator tries again
				if code := again.wait(); code != 0 {
					w.t.Errorf("editor %d, second try: exit code %d: %s", i, code, again.err.String())
				}
			}
		}
	}
	got, err := w.store.Get(w.t.Context(), w.key)
	w.must(err)
	list := string(got.Kvs[0].Value)
	lost := 0
	for round := range 10 {
		for i := range 2 {
			if !strings.Contains(list, fmt.Sprintf("/var/log/%d-%d.log", round, i)) {
				lost++
				w.t.Errorf("the edit of editor %d in round %d is lost", i, round)
			}
		}
	}
	record(w.t, verdict{Written: 20, Lost: lost})
}

func manyAgents(w *world) {
	n := 5
	if torture() {
		n = 100
	}
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 1)
	missing := filepath.Join(w.logs, "elsewhere", "app.log")
	w.put(collect(missing, topic))
	var agents []*process
	for i := range n {
		args := append([]string{"agent", "--data-dir", fmt.Sprintf("%s-%d", w.data, i), "--id", fmt.Sprintf("%s-%d", w.key, i)}, w.flags()...)
		agents = append(agents, start(w.t, nil, args...))
	}
	one := w.startAgent()
	w.put(collect(missing, topic), collect(a.path, topic+"-none"), collect(a.path, topic))
	w.awaitState(missing, "waiting for file")
	for _, p := range append(agents, one) {
		for line := range strings.Lines(p.err.String()) {
			if strings.Contains(line, "elsewhere") && (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")) {
				w.t.Errorf("an agent without the file is not quiet: %s", line)
			}
		}
	}
	var wg sync.WaitGroup
	for _, p := range agents {
		wg.Go(func() { p.stop() })
	}
	wg.Wait()
	one.stop()
}

func keyOfHost(w *world) {
	host, err := os.Hostname()
	w.must(err)
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 1)
	template := w.key + "_{hostname}"
	w.key += "_" + host
	w.put(collect(a.path, topic))
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), 5*time.Second)
		defer cancel()
		_, _ = w.etcd.Client(w.t).Delete(ctx, w.key) // a real server is cleaned up as far as it lets us
	})
	agent := start(w.t, []string{quickScan}, "agent", "--data-dir", w.data, "--id", w.agentID(), "--kafka", w.kafka.Addr(), "--etcd", strings.Join(w.etcd.Endpoints(), ","), "--key", template)
	a.lines(10)
	w.clean(newCounter(l), topic)
	agent.stop()
}

//go:build unix

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestCrashOf: what was sent and not saved when the agent was killed is found again in the
// topics, whatever the records are of.
func TestCrashOf(t *testing.T) {
	runAll(t, []scenario{
		{name: "events_of_several_lines", cases: "E02", done: "SIGKILL ten times under multi-line events: each event once, whole, in order", run: killedUnderEvents},
		{name: "an_entry_whose_topic_changed", cases: "E02", done: "SIGKILL; the topic of the entry is changed before the next start, three times: each line once, in one of the topics", run: killedBeforeATopicChange},
		{name: "compressed_records", cases: "E02", done: "SIGKILL under each codec: each line once", run: killedUnderCodecs},
		{name: "a_thousand_files", cases: "E02", done: "SIGKILL twice while a thousand files are written: each line once", run: killedOverManyFiles},
	})
}

func killedUnderEvents(w *world) {
	path, topic, agent := w.shipLines(entry{"multiline": map[string]string{"start": `^event `, "timeout": "1h"}})
	const rounds, each = 10, 300
	var want []string
	for range rounds {
		first := len(want)
		for i := range each {
			want = append(want, fmt.Sprintf("event %d\n  at a.B(%d)\n  at c.D", first+i, i))
		}
		appendTo(w.t, path, []byte(strings.Join(want[first:], "\n")+"\n"))
		w.awaitLandedQuietly(first+each/2, topic) // some are sent, and some of these are saved
		w.kill(agent)
		agent = w.startAgent(quickScan)
	}
	appendTo(w.t, path, []byte("event that ends the last one\n"))
	w.exactly(topic, want...)
	agent.stop()
}

func killedBeforeATopicChange(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topics := []string{w.stamped(3), w.stamped(2), w.stamped(1), w.stamped(3)}
	w.put(collect(a.path, topics[0]))
	agent := w.startAgent(quickScan)
	for i, next := range topics[1:] {
		before := int(w.landed(topics[:i+1]...))
		a.lines(3000)
		w.awaitLanded(before+1000, topics[:i+1]...)
		w.kill(agent)
		w.put(collect(a.path, next))
		agent = w.startAgent(quickScan)
	}
	a.lines(1000)
	v := w.count(newCounter(l), topics...)
	if v.Lost+v.Duplicated+v.Garbled > 0 {
		w.t.Error(v)
	}
	agent.stop()
}

func killedUnderCodecs(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.stamped(3)
	w.put(collect(a.path, topic))
	agent := w.startAgent(quickScan)
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		before := int(w.landed(topic))
		a.lines(3000)
		w.awaitLanded(before+1000, topic)
		w.kill(agent)
		agent = w.startAgent(quickScan, "LOGCTL_KAFKA_COMPRESSION="+codec)
	}
	a.lines(1000)
	w.crashed(newCounter(l), topic)
	w.proved()
	agent.stop()
}

func killedOverManyFiles(w *world) {
	l := newLedger()
	topic, agent := w.follow(w.path("many*.log"))
	var files []*writer
	for i := range 1000 {
		files = append(files, w.writer(l, fmt.Sprintf("many%03d.log", i)))
	}
	for range 2 {
		before := int(w.landed(topic))
		for _, f := range files {
			f.lines(10)
		}
		w.awaitLanded(before+5000, topic)
		w.kill(agent)
		agent = w.startAgent(quickScan)
	}
	for _, f := range files {
		f.lines(1)
	}
	w.crashed(newCounter(l), topic)
	w.proved()
	agent.stop()
}

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestRules is what an entry asks to be done with its lines.
func TestRules(t *testing.T) {
	runAll(t, []scenario{
		{name: "multiline", done: "stack traces are joined to events, over a rotation and a restart", run: multiline},
		{name: "containers", done: "lines of containers: pieces are joined by stream, over a restart in the middle of one; stream, time and pod as headers", run: containers},
		{name: "filters", done: "include_lines and exclude_lines; positions pass what is left out", run: filters},
		{name: "labels_and_headers", done: "labels, host, path and pos as headers", run: labels},
		{name: "from_end", done: "from = end: what was there before the first start is left, what comes later is not", run: fromEnd},
		{name: "exclude", done: "exclude globs", run: excludeGlobs},
		{name: "disabled", done: "an entry is disabled and enabled again", run: disabledEntry},
	})
}

func multiline(w *world) {
	path, topic, agent := w.shipLines(entry{"multiline": map[string]string{"start": `^\d{4}-`}})
	appendTo(w.t, path, []byte("2026-11-22 boom\n  at a\n  at b\n2026-11-22 ok\n2026-11-22 half\n"))
	w.awaitLanded(3, topic) // the last one after its timeout
	appendTo(w.t, path, []byte("2026-11-22 before the restart\n"))
	agent.stop()
	agent = w.startAgent(quickScan)
	appendTo(w.t, path, []byte("  and after\n2026-11-22 last"))
	w.rename(path, path+".1")
	appendTo(w.t, path, []byte("2026-11-22 next\n"))
	w.exactly(topic, "2026-11-22 boom\n  at a\n  at b", "2026-11-22 ok", "2026-11-22 half", "2026-11-22 before the restart\n  and after", "2026-11-22 last", "2026-11-22 next")
	agent.stop()
}

func containers(w *world) {
	dir := w.path("pods/shop_web-1_u-1/app")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	path, topic := filepath.Join(dir, "0.log"), w.kafka.Topic(w.t, 1)
	w.put(entry{"path": w.path("pods/*/*/*.log"), "topic": topic, "from": "beginning", "format": "auto", "multiline": map[string]string{"preset": "java", "timeout": "1h"}})
	agent := w.startAgent(quickScan)
	const at = "2026-11-30T06:54:20.5Z "
	appendTo(w.t, path, []byte(at+"stdout F GET /a\n"+at+"stderr F x.BadException: no\n"+at+"stderr P \tat x\n"+at+"stdout F GET /b\n"))
	w.awaitLanded(1, topic) // the others wait for the trace
	agent.stop()
	agent = w.startAgent(quickScan)
	appendTo(w.t, path, []byte(at+"stderr F .y(Z.java:1)\n"+at+"stderr F 2026 on\n"+at+"stdout F GET /c\n"))
	for i, r := range w.values(3, topic) {
		stream := [...]string{"stdout", "stderr", "stdout"}[i]
		for key, want := range map[string]string{"stream": stream, "k8s.namespace.name": "shop", "k8s.pod.name": "web-1", "k8s.container.name": "app"} {
			if got := header(r, key); got != want {
				w.t.Errorf("record %d: header %s is %q, want %q", i, key, got, want)
			}
		}
	}
	w.rename(path, path+".20261130-065421")                                  // as kubelet does: what waits can get no more
	appendTo(w.t, path, []byte(at+"stdout F GET /d\n"+at+"stdout F last\n")) // which waits
	w.exactly(topic, "GET /a", "x.BadException: no\n\tat x.y(Z.java:1)", "GET /b", "2026 on", "GET /c", "GET /d")
	agent.stop()
}

func filters(w *world) {
	path, topic, agent := w.shipLines(entry{"include_lines": []string{"ERROR", "WARN"}, "exclude_lines": []string{"healthz"}})
	appendTo(w.t, path, []byte("INFO a\nERROR b\nWARN healthz\nWARN c\nDEBUG\n"))
	w.awaitLanded(2, topic)
	every(500*time.Millisecond, 1, func(int) {}) // the position behind the last line is saved
	agent.stop()
	agent = w.startAgent(quickScan)
	appendTo(w.t, path, []byte("ERROR d\n"))
	w.exactly(topic, "ERROR b", "WARN c", "ERROR d")
	agent.stop()
}

func labels(w *world) {
	path, topic, agent := w.shipLines(entry{"labels": map[string]string{"env": "prod", "团队": "支付"}})
	appendTo(w.t, path, []byte("one\ntwo\n"))
	records := w.values(2, topic)
	for i, r := range records {
		for key, want := range map[string]string{"env": "prod", "团队": "支付", "path": path, "pos": strconv.Itoa(4 * i)} {
			if got := header(r, key); got != want {
				w.t.Errorf("record %d: header %s is %q, want %q", i, key, got, want)
			}
		}
		if host, _ := os.Hostname(); header(r, "host") != host {
			w.t.Errorf("record %d: host %q, want %q", i, header(r, "host"), host)
		}
	}
	w.exactly(topic, "one", "two")
	agent.stop()
}

func fromEnd(w *world) {
	path, topic := w.path("app.log"), w.kafka.Topic(w.t, 1)
	appendTo(w.t, path, []byte("old\nolder\nunfinish"))
	w.put(entry{"path": w.path("*.log"), "topic": topic}) // the lesson's entry: from its end
	agent := w.startAgent(quickScan)
	w.awaitApplied()
	appendTo(w.t, path, []byte("ed\nnew\n"))
	appendTo(w.t, w.path("later.log"), []byte("of a later file\n"))
	w.awaitLanded(3, topic)
	agent.kill()
	appendTo(w.t, path, []byte("while stopped\n"))
	appendTo(w.t, w.path("while.log"), []byte("of a file made while stopped\n"))
	agent = w.startAgent(quickScan)
	var got []string
	for _, r := range w.values(5, topic) {
		got = append(got, string(r.Value))
	}
	want := []string{"unfinished", "new", "of a later file", "while stopped", "of a file made while stopped"}
	slices.Sort(got)
	slices.Sort(want)
	got = slices.Compact(got) // the kill may bring some twice
	w.compare(got, want)
	agent.stop()
}

func excludeGlobs(w *world) {
	topic := w.kafka.Topic(w.t, 1)
	e := collect(w.path("**/*.log"), topic)
	e["exclude"] = []string{w.path("private/**"), "**/debug*.log"}
	w.put(e)
	for _, name := range []string{"private", "a/b"} {
		w.must(os.MkdirAll(w.path(name), 0o755))
	}
	for _, name := range []string{"private/x.log", "a/debug1.log", "a/b/app.log", "top.log"} {
		appendTo(w.t, w.path(name), []byte(name+"\n"))
	}
	agent := w.startAgent(quickScan)
	w.awaitLanded(2, topic)
	appendTo(w.t, w.path("a/debug2.log"), []byte("never\n"))
	appendTo(w.t, w.path("a/b/later.log"), []byte("later\n"))
	var got []string
	for _, r := range w.values(3, topic) {
		got = append(got, string(r.Value))
	}
	slices.Sort(got)
	w.compare(got, []string{"a/b/app.log", "later", "top.log"})
	agent.stop()
}

func disabledEntry(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(100)
	w.awaitLanded(100, topic)
	e := collect(a.path, topic)
	e["disabled"] = true
	w.put(e)
	w.awaitState(a.path, "disabled")
	a.lines(100)
	a.rotate(".1")
	a.lines(100)
	w.put(collect(a.path, topic))
	w.clean(newCounter(l), topic)
	agent.stop()
}

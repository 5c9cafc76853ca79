package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// keepWriting appends numbered lines to the files, about a hundred a second to each,
// until the test ends.
func (w *world) keepWriting(names ...string) {
	w.t.Helper()
	var logs []*testkit.Log
	for _, n := range names {
		logs = append(logs, testkit.NewLog(w.t, w.path(n)))
	}
	ctx, stop := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n += 5 {
			for _, l := range logs {
				for i := range 5 {
					l.Raw(fmt.Appendf(nil, "{\"n\":%d,\"msg\":\"%s\"}\n", n+i, []string{"even", "odd"}[(n+i)%2]))
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	w.t.Cleanup(func() { stop(); wg.Wait() })
}

// entries reads the list as it is in etcd.
func (w *world) entries() []etcdcfg.Entry {
	w.t.Helper()
	r, err := w.store.Get(w.t.Context(), w.key)
	w.must(err)
	if len(r.Kvs) == 0 {
		w.t.Fatal("the key does not exist")
	}
	list, err := etcdcfg.Parse(r.Kvs[0].Value)
	w.must(err)
	return list
}

const fastReports = "LOGCTL_AGENT_REPORT_INTERVAL=1s"

// The whole road in a terminal: an entry is added, its topic made, its rate watched, its
// records streamed; it is edited, the edit taken back, an old list restored, the entry
// deleted.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 120, 40)
	w := newWorld(t)
	topic, missing := w.kafka.Topic(t, 3), w.kafka.TopicName(t)
	w.put(collect(w.path("first.log"), topic))
	w.keepWriting("first.log", "second.log")
	w.startAgent(fastReports)
	s.console(w.flags()...)
	s.await("the entry with its rate", `logctl ▸ entries`, `etcd ● ok`, `kafka ● \d broker`, `first\.log .*1/1 +● shipping +\d+`)

	s.keys("a")
	s.await("the form", "A new entry of "+w.key)
	s.typed(w.path("second.log"))
	s.keys("Tab")
	s.typed(missing)
	s.await("the form knows that the topic is missing", "Topic "+missing+" does not exist yet")
	s.keys("C-s")
	difference(s, `+{"path":"`+w.path("second.log")+`","topic":"`+missing+`"}`)
	s.keys("y")
	s.await("the offer to make the topic", "The entry is saved, but topic", "Create it now")
	s.keys("C-s")
	s.await("the new entry ships", "logctl ▸ entries  ", `second\.log .*1/1 +● shipping +\d+`)
	if got := w.entries(); len(got) != 2 || got[1].Topic != missing {
		t.Fatalf("etcd has %v", got)
	}

	streamAndBack(s)
	editAndUndo(s, w, topic, missing)
	revertAndDelete(s, w)
	s.keys("q")
	if code, shown := s.ended(); code != 0 || strings.Contains(shown, "logctl ▸") {
		t.Errorf("exit code %d; the shell's screen:\n%s", code, shown)
	}
}

// difference waits until a difference is shown that has those parts; long lines of it
// go on in the next one, and blanks do not count.
func difference(s *terminal, parts ...string) {
	s.t.Helper()
	shown := s.await("the difference", `▸ save\?`, `y save`)
	flat := regexp.MustCompile(`\n +[-+] {4,}`).ReplaceAllString(shown, "")
	flat = strings.Join(strings.Fields(flat), "")
	for _, p := range parts {
		if !strings.Contains(flat, p) {
			s.t.Errorf("the difference lacks %s:\n%s", p, shown)
		}
	}
}

// streamAndBack streams the entry selected last, and goes through its manners.
func streamAndBack(s *terminal) {
	s.keys("G", "t")
	s.await("records", `LIVE +kept`, `"msg":"odd"`, `"msg":"even"`)
	s.keys("/")
	s.typed("even")
	s.await("the prompt", `/ ?even|filter.*even`)
	s.keys("Enter")
	s.await("the filter's count", `matched \d+/\d+`, `"msg":"even"`)
	s.awaitGone("what the filter leaves out", `"msg":"odd"`)
	s.keys("Space")
	s.await("the frozen view", `FROZEN \+\d+ new`)
	frozen := offsets(s.text())
	s.await("what is new meanwhile", `FROZEN \+[1-9]\d+ new`)
	if again := offsets(s.text()); frozen == "" || frozen != again {
		s.t.Errorf("the frozen view moved: %s, then %s", frozen, again)
	}
	s.keys("Enter")
	s.await("the detail", `size +\d+ bytes`, `header +path = `, `"msg": "even"`)
	s.keys("v")
	s.await("the value raw", "raw")
	s.keys("Escape")
	s.awaitGone("the detail", `header +path = `)
	s.keys("Escape")
	s.await("the live view", `LIVE +kept`)
	s.keys("Escape")
	s.awaitGone("the filter", `matched \d+/\d+`)
	s.keys("Escape")
	s.await("the entries", "logctl ▸ entries  ")
}

// offsets are the first and the last row of a stream.
func offsets(shown string) string {
	rows := regexp.MustCompile(`(?m)\d\d:\d\d:\d\d\.\d{3} +\d+ +(\d+) `).FindAllStringSubmatch(shown, -1)
	if len(rows) == 0 {
		return ""
	}
	return rows[0][1] + ".." + rows[len(rows)-1][1]
}

// editAndUndo adds a filter to the entry, moves it to another topic, and takes the
// second edit back.
func editAndUndo(s *terminal, w *world, topic, missing string) {
	s.keys("G", "e")
	s.await("the form", "Entry .*second.log")
	for _, field := range []string{"Topic", "Start at", "Exclude", "Rotated", "Encoding", "Format", "Multiline", "Include lines"} {
		s.keys("Tab")
		s.await("the field", "▸ "+field)
	}
	s.typed("even")
	s.keys("C-s")
	difference(s, `"include_lines":["even"]`)
	s.keys("y")
	s.await("who applied it", `rev \d+ applied by 1/1 agent`)
	s.keys("e")
	s.await("the form", "Entry .*second.log")
	s.keys("Tab", "C-u")
	s.typed(topic)
	s.keys("C-s")
	difference(s, `"topic":"`+missing+`"`, `"topic":"`+topic+`"`)
	s.keys("y")
	s.await("the other topic", `second\.log +`+topic[:12])
	s.keys("u")
	s.await("the topic of before", "Undone, saved as rev", `second\.log +`+missing[:12])
	got := w.entries()
	if len(got) != 2 || got[1].Topic != missing || len(got[1].IncludeLines) != 1 || got[1].IncludeLines[0] != "even" {
		s.t.Fatalf("etcd has %+v", got)
	}
}

// revertAndDelete goes back to the list with the first filter by way of the history,
// then deletes the second entry.
func revertAndDelete(s *terminal, w *world) {
	s.keys("H")
	s.await("the history", "undo: edit ", "add .*second.log", "edit .*second.log")
	s.keys("j", "j", "j")
	s.await("the change that added it", `^▸ .*add .*second.log`)
	s.keys("r")
	s.await("the question", "Make .* what it was at rev", "y revert")
	s.keys("Enter") // does nothing
	s.keys("y")
	testkit.Eventually(s.t, "the list is as it was when the entry was added", func() bool {
		got := w.entries()
		return len(got) == 2 && len(got[1].IncludeLines) == 0
	})
	s.keys("Escape")
	s.await("the entries", "logctl ▸ entries  ", `first\.log`)
	s.keys("G", "d")
	s.await("the question", "Delete from "+w.key, "second.log", "y delete")
	s.keys("y")
	s.await("who applied it", `rev \d+ applied by 1/1 agent`)
	s.awaitGone("the entry", `second\.log`)
	if got := w.entries(); len(got) != 1 || got[0].Path != w.path("first.log") {
		s.t.Fatalf("etcd has %+v", got)
	}
}

// However the console ends, the terminal is as it was before.
func TestConsoleRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 120, 40)
	w := newWorld(t)
	w.put(collect(w.path("a.log"), w.kafka.Topic(t, 1)))
	open := func() {
		t.Helper()
		s.console(w.flags()...)
		s.await("the console", `logctl ▸ entries`, `a\.log`)
	}
	open()
	s.keys("C-z")
	s.await("the shell", `^ended=\d+$`, `^noted=0$`)
	s.restored("after")
	s.keys("clear; fg; echo again=$?; stty -a >later; echo noted=$?", "Enter")
	s.await("the console after fg", `logctl ▸ entries`, `a\.log`)
	s.keys("2")
	s.await("an answer to a key", "logctl ▸ agents")
	s.keys("q")
	s.await("the end", `^again=0$`, `^noted=0$`)
	s.restored("later")

	ends := []struct {
		name string
		end  func()
		fine bool
		says string
	}{
		{"Ctrl-C twice", func() { s.keys("C-c", "C-c") }, true, ""},
		{"SIGTERM", func() { w.must(s.process().Signal(syscall.SIGTERM)) }, false, ""},
		{"SIGHUP", func() { w.must(s.process().Signal(syscall.SIGHUP)) }, false, ""},
		{"SIGQUIT", func() { w.must(s.process().Signal(syscall.SIGQUIT)) }, false, "broke down.*crash-"},
	}
	for _, e := range ends {
		open()
		e.end()
		code, shown := s.ended()
		if fine := code == 0; fine != e.fine {
			t.Errorf("%s: exit code %d", e.name, code)
		}
		if !regexp.MustCompile(e.says).MatchString(strings.ReplaceAll(shown, "\n", "")) || strings.Contains(shown, "goroutine ") {
			t.Errorf("%s: the shell's screen:\n%s", e.name, shown)
		}
	}
	if files, err := filepath.Glob(filepath.Join(s.home, "logctl", "crash-*.txt")); err != nil || len(files) != 1 {
		t.Errorf("crash files: %v, %v", files, err)
	}
}

// Agents, Kafka and etcd go away one after the other: the console says so, and q ends
// it within two seconds.
func TestConsoleOutage(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 120, 40)
	w := newWorldOn(t, testkit.Etcd(t, testkit.EmbeddedEtcd()), testkit.Restartable())
	topic := w.kafka.Topic(t, 1)
	w.put(collect(w.path("a.log"), topic))
	w.keepWriting("a.log")
	agent := w.startAgent(fastReports)
	s.console(w.flags()...)
	s.await("the entry with its rate", `a\.log .*1/1 +● shipping +\d+`)
	agent.stop()
	s.await("that no agent is there", `a\.log .*! no agent`)
	s.keys("2")
	s.await("the agent that left", w.agentID()[:10]+`.*gone`)
	s.keys("1", "t")
	s.await("the stream", "LIVE")
	w.kafka.Stop()
	s.await("that Kafka is gone", `kafka ✗ lost \d\d:\d\d:\d\d`, "STALLED|LOST")
	w.etcd.Stop(t)
	s.await("that etcd is gone", `etcd ✗ lost \d\d:\d\d:\d\d`)
	s.keys("1")
	s.await("the last list", `a\.log`, "etcd is gone since|list as of")
	s.keys("q")
	if code, _ := s.ended(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// With --read-only no key changes anything, and the screen says why.
func TestConsoleReadOnly(t *testing.T) {
	t.Parallel()
	s := newTerminal(t, 100, 30)
	w := newWorld(t)
	w.put(collect(w.path("a.log"), w.kafka.Topic(t, 1)))
	before, err := w.store.Get(t.Context(), w.key)
	w.must(err)
	s.console(append(w.flags(), "--read-only")...)
	s.await("the console", "read-only", `a\.log`)
	for _, key := range []string{"a", "e", "d", "p", "u", "E"} {
		s.keys(key)
		s.await("the refusal of "+key, "Read-only console: nothing can be changed here")
	}
	s.keys("q")
	if code, _ := s.ended(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	after, err := w.store.Get(t.Context(), w.key)
	w.must(err)
	if before.Kvs[0].ModRevision != after.Kvs[0].ModRevision {
		t.Error("the list was written")
	}
}

// Without a terminal there is one line that says what to use instead, and every screen
// as text.
func TestConsoleWithoutTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.kafka.Topic(t, 2)
	w.put(collect(w.path("a.log"), topic))
	w.keepWriting("a.log")
	w.startAgent(fastReports)
	p := start(t, nil, append([]string{"tui"}, w.flags()...)...)
	if code := p.wait(); code != 2 || p.out.String() != "" || strings.Count(p.err.String(), "\n") != 1 || !strings.Contains(p.err.String(), "--snapshot") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, p.out.String(), p.err.String())
	}
	w.awaitState(w.path("a.log"), "shipping")
	screens := map[string]string{
		"entries": `a\.log .*shipping`, "agents": `agent-.*shipping|1 agent on duty`, "topics": `RECORDS KEPT`, "events": `events`,
		"stream:" + topic: `"msg":"`, "history": `history`, "help": `help`,
		"entry:" + w.path("a.log"): `a\.log`, "agent:" + w.agentID(): `a\.log`,
	}
	var all sync.WaitGroup
	for screen, want := range screens {
		for _, size := range []struct{ w, h int }{{80, 24}, {120, 40}} {
			p := start(t, nil, append([]string{"tui", "--snapshot", screen, "--size", fmt.Sprintf("%dx%d", size.w, size.h)}, w.flags()...)...)
			all.Go(func() {
				<-p.done
				text := p.out.String()
				lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
				for _, l := range lines {
					if utf8.RuneCountInString(l) > size.w || strings.ContainsRune(l, 0x1b) {
						t.Errorf("%s at %dx%d: line %q", screen, size.w, size.h, l)
					}
				}
				if p.code != 0 || len(lines) > size.h || !regexp.MustCompile(want).MatchString(text) {
					t.Errorf("%s at %dx%d: exit code %d, want %q in %d lines:\n%s", screen, size.w, size.h, p.code, want, len(lines), text)
				}
			})
		}
		all.Wait()
	}
}

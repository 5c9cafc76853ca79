package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestLogrotate runs the logrotate program as a cron job would.
func TestLogrotate(t *testing.T) {
	if _, err := exec.LookPath("logrotate"); err != nil {
		t.Skip("the logrotate program is not installed")
	}
	runAll(t, []scenario{
		{name: "create_and_compress", cases: "A08", done: "logrotate with create and compress between two halves; the .gz is not read", run: func(w *world) { withLogrotate(w, 2, "create\ncompress") }},
		{name: "delaycompress_ten_times", cases: "A09", done: "ten runs of logrotate with delaycompress, lines before and after each", run: func(w *world) { withLogrotate(w, 10, "create\ncompress\ndelaycompress") }},
		{name: "dateext", cases: "A16", done: "logrotate with dateext, five runs", run: func(w *world) { withLogrotate(w, 5, "create\ndateext\ndateformat -%Y%m%d-%s") }},
		{name: "copytruncate", cases: "B02", done: "logrotate with copytruncate, five runs, the writer quiet during each", run: copytruncated},
		{name: "writer_reopens_on_a_signal", cases: "A10", done: "logrotate runs beside a busy writer, which reopens its file when the postrotate script sends SIGHUP", run: reopenOnSignal, alone: true},
	})
}

// logrotate rotates the file once by the given rules.
func (w *world) logrotate(path, rules string) {
	w.t.Helper()
	conf := filepath.Join(filepath.Dir(w.data), "logrotate.conf")
	state := conf + ".state"
	text := fmt.Sprintf("%s {\nsu root root\nrotate 20\n%s\n}\n", path, rules)
	if os.Getuid() != 0 {
		text = strings.Replace(text, "su root root\n", "", 1)
	}
	w.must(os.WriteFile(conf, []byte(text), 0o644))
	if out, err := exec.Command("logrotate", "-f", "-s", state, conf).CombinedOutput(); err != nil {
		w.t.Fatalf("logrotate: %v\n%s", err, out)
	}
}

func withLogrotate(w *world, runs int, rules string) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	per := 1000
	if torture() {
		per = 10_000
	}
	for range runs {
		a.lines(per)
		if strings.Contains(rules, "%s") {
			every(1100*time.Millisecond, 1, func(int) {}) // names are by the second
		}
		if strings.Contains(rules, "compress") {
			// What is compressed before it was read cannot be read any more; with
			// delaycompress there is a whole period for it.
			w.awaitLanded(l.written(), topic)
		}
		w.logrotate(a.path, rules)
		a.late(10)
		a.reopen()
	}
	a.lines(per)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func copytruncated(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for range 5 {
		a.lines(2000)
		w.logrotate(a.path, "copytruncate")
	}
	a.lines(2000)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func reopenOnSignal(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	hup := make(chan os.Signal, 8)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done, reopened := make(chan struct{}), atomic.Int32{}
	written := make(chan struct{})
	go func() {
		defer close(written)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-hup:
				a.reopen()
				reopened.Add(1)
			case <-tick.C:
				a.lines(20)
			case <-done:
				return
			}
		}
	}()
	for i := range 5 {
		w.logrotate(a.path, fmt.Sprintf("create\npostrotate\nkill -HUP %d\nendscript", os.Getpid()))
		testkit.Eventually(w.t, "the writer reopened its file", func() bool { return reopened.Load() > int32(i) })
		every(100*time.Millisecond, 2, func(int) {})
	}
	close(done)
	<-written
	w.clean(newCounter(l), topic)
	agent.stop()
}

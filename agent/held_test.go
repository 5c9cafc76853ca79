package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// Events that wait for an hour, in many files, do not take more memory than all tasks may:
// they go in pieces then, and nothing of them is lost.
func TestEventsThatWaitAreBounded(t *testing.T) {
	b := newBench(t)
	const others = heldMost - 300<<10 // what tasks of other files hold
	b.shared.lobby.events.Store(others)
	e := b.entry("*.log", "t1")
	e.From = etcdcfg.FromBeginning
	e.Multiline = &etcdcfg.Multiline{Start: "^never", MaxLines: 10_000, Timeout: time.Hour}
	const files, lines = 8, 256
	line := strings.Repeat("x", 1023) + "\n"
	for i := range files {
		b.write(fmt.Sprintf("%d.log", i), fmt.Sprintf("never %d\n", i)+strings.Repeat(line, lines))
	}
	b.apply([]etcdcfg.Entry{e}, 1)
	testkit.Eventually(t, "all lines are read", func() bool {
		_, tasks, _ := b.list()
		return tasks[0].counters.lines.Load() == files*(lines+1)
	})
	if got := b.shared.lobby.events.Load(); got > heldMost+files*heldSmall {
		t.Errorf("%d bytes are held, %d may be", got, heldMost)
	}
	b.apply(nil, 2)
	testkit.Eventually(t, "the task has ended and given everything back", func() bool {
		return b.shared.lobby.events.Load() == others
	})
	b.send.mu.Lock()
	defer b.send.mu.Unlock()
	if text := strings.Join(b.send.got["t1"], "\n") + "\n"; strings.Count(text, line) < files*lines/2 {
		t.Errorf("%d lines were sent in pieces", strings.Count(text, line))
	}
}

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestRoad is the main scenario: 100,000 numbered lines over ten files with rotations,
// while entries are added, removed, re-topiced and added again, and the agent is
// killed twice. Every line must be in one of its file's topics.
func TestRoad(t *testing.T) {
	w := newWorld(t)
	const files, rounds, perRound = 10, 20, 500
	const late = 3 // round from which on the second five files are written
	main, other := w.stamped(3), w.stamped(3)
	l := newLedger()
	name := func(i int) string { return fmt.Sprintf("file%d.log", i) }
	list := func(use func(i int) (topic string, ok bool)) (out []entry) {
		for i := range files {
			if topic, ok := use(i); ok {
				out = append(out, collect(w.path(name(i)), topic))
			}
		}
		return out
	}
	all := func(int) (string, bool) { return main, true }
	w.put(list(func(i int) (string, bool) { return main, i < 5 })...)
	agent := w.startAgent()
	for i := range 5 {
		w.awaitState(w.path(name(i)), "waiting for file")
	}
	generation := make([]int, files)
	for round := range rounds {
		for i := range files {
			lines := perRound
			if i >= 5 && round < late {
				continue
			}
			if i >= 5 && round == late {
				lines = (late + 1) * perRound
			}
			appendTo(t, w.path(name(i)), l.lines(name(i), lines/2))
			if round%4 == i%4 {
				generation[i]++
				rotate(t, w.path(name(i)), generation[i])
			}
			appendTo(t, w.path(name(i)), l.lines(name(i), lines/2))
		}
		w.tick()
		switch round {
		case 2: // five more
			w.put(list(all)...)
			for i := range files {
				if i >= 5 {
					w.awaitState(w.path(name(i)), "waiting for file")
				}
			}
		case 5: // three removed
			w.put(list(func(i int) (string, bool) { return main, i >= 3 })...)
		case 7:
			w.awaitApplied()
			w.kill(agent)
			agent = w.startAgent()
		case 9: // four change their topic, the three come back
			w.put(list(func(i int) (string, bool) {
				if i%3 == 0 {
					return other, true
				}
				return main, true
			})...)
			w.awaitApplied()
		case 13:
			w.kill(agent)
			agent = w.startAgent()
		case 16: // and back
			w.put(list(all)...)
		}
	}
	v := w.crashed(newCounter(l), main, other)
	if v.Written != files*rounds*perRound {
		t.Errorf("wrote %d lines, want %d", v.Written, files*rounds*perRound)
	}
	agent.stop()
}

// tick waits until the clock of the file system has gone on: it is what tells the order of
// generations that the agent never saw, when their numbers grow with time.
func (w *world) tick() {
	w.t.Helper()
	probe := filepath.Join(filepath.Dir(w.data), "tick")
	touched := func() time.Time {
		w.must(os.WriteFile(probe, []byte("x"), 0o600))
		info, err := os.Stat(probe)
		w.must(err)
		return info.ModTime()
	}
	begin := touched()
	testkit.Eventually(w.t, "the clock of the file system goes on", func() bool { return touched().After(begin) })
}

// rotate renames a file to path.n, the highest number being the newest.
func rotate(t *testing.T, path string, n int) {
	t.Helper()
	if err := os.Rename(path, fmt.Sprintf("%s.%d", path, n)); err != nil {
		t.Fatal(err)
	}
}

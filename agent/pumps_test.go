package agent

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// TestAQuietTaskHasNoGoroutine ships lines of many entries and counts what runs when all is
// acknowledged: 5,000 entries had 55,000 goroutines with 250 MB of stacks.
func TestAQuietTaskHasNoGoroutine(t *testing.T) {
	const entries = 40
	b := newBench(t)
	b.apply([]etcdcfg.Entry{b.entry("first.log", "t1")}, 1)
	b.write("first.log", "first\n")
	b.expect("t1", "first")
	before := runtime.NumGoroutine() // with a pump more, perhaps
	list := []etcdcfg.Entry{b.entry("first.log", "t1")}
	var want []string
	for i := range entries {
		name := fmt.Sprintf("app-%02d.log", i)
		b.write(name, name+"\n")
		e := b.entry(name, "t2")
		e.From = etcdcfg.FromBeginning
		list = append(list, e)
		want = append(want, name)
	}
	b.apply(list, 2)
	testkit.Eventually(t, 20*time.Second, "all lines are there", func() bool { return len(b.send.sent("t2")) == len(want) })
	now := 0
	testkit.Eventually(t, 10*time.Second, "no goroutine for a task", func() bool {
		now = runtime.NumGoroutine()
		return now <= before+4
	})
}

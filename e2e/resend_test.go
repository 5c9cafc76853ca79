package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/agent/positions"
)

// What may come twice after a crash is exactly what was stored by Kafka and not yet
// in the saved positions: the acknowledgements of the last quarter of a second, and
// the request whose answer the agent did not live to see. So every line that came
// again must have landed for the first time just before a crash, and the second time
// after it; a line sent twice by one life of the agent is an error. The topics'
// records carry the broker's time, which tells it for every single line.

// stamped creates a topic whose records have the time at which they were stored.
func (w *world) stamped(partitions int) string {
	w.t.Helper()
	return w.kafka.Topic(w.t, partitions, "message.timestamp.type", "LogAppendTime")
}

// crash is the end of a life of the agent without a farewell.
type crash struct {
	at, over time.Time     // the signal was sent; the process was gone
	save     time.Duration // what saving the positions took then, on this disk
}

// kill ends the agent with SIGKILL and notes when, for crashed.
func (w *world) kill(agent *process) {
	w.t.Helper()
	c := crash{save: w.savingTakes(), at: time.Now()}
	agent.kill()
	c.over = time.Now()
	w.crashes = append(w.crashes, c)
}

// cut notes that brokers are made to vanish now: a request that was stored and is not
// answered, because its leader died or waits for a replica that did, can only be known by
// asking again, which a crash may prevent.
func (w *world) cut() { w.cuts = append(w.cuts, time.Now()) }

// savingTakes is how long the disk takes for what a save of the positions does: two
// writes that are to be on the disk.
func (w *world) savingTakes() time.Duration {
	w.t.Helper()
	w.must(os.MkdirAll(w.data, 0o700))
	f, err := os.CreateTemp(filepath.Dir(w.data), "disk")
	w.must(err)
	defer func() { w.must(f.Close()); w.must(os.Remove(f.Name())) }()
	begin := time.Now()
	for range 2 {
		_, err := f.Write(make([]byte, 4096))
		w.must(err)
		w.must(f.Sync())
	}
	return time.Since(begin)
}

// answerTakes is how long at most a stored batch waits for the agent to take note of
// its acknowledgement: the way back, and a processor that others use too.
func answerTakes() time.Duration {
	switch {
	case raceEnabled:
		return time.Second
	case torture():
		return time.Second // two more brokers have to have it
	}
	return 100 * time.Millisecond
}

// window is the age that a line may have at a crash, since it landed, and come again:
// a save begins a quarter of a second after the one before ended, with what is
// acknowledged then, and the crash comes before the next one has ended.
func (c crash) window() time.Duration {
	return positions.FlushInterval + 2*c.save + answerTakes()
}

// lateBy is how much later than the end of an agent its last requests may be stored: a
// real broker has a queue before its log. No agent sends so soon after its start.
func lateBy() time.Duration {
	if torture() {
		return 300 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// again is a line that landed once more.
type again struct {
	lane          string
	number        int
	from          string    // topic and partition
	first, second time.Time // of two landings that follow on one another
}

// crashed checks that nothing was lost, garbled or reordered, and that what came twice
// is what the crashes of the agent explain, line by line.
func (w *world) crashed(c *counter, topics ...string) verdict {
	w.t.Helper()
	v := w.count(c, topics...)
	if v.Lost+v.Garbled+v.Reordered > 0 {
		w.t.Errorf("%s: %s\n%v", w.t.Name(), v, c.first)
	}
	w.explain(c)
	return v
}

// explain finds for every line that came again the crash it is owed to.
func (w *world) explain(c *counter) {
	w.t.Helper()
	type tally struct {
		lines, cut int
		oldest     time.Duration
	}
	tallies, open := make([]tally, len(w.crashes)), make([]map[string]int, len(w.crashes))
	var wrong []string
	for _, a := range c.again {
		i := w.crashAfter(a.first)
		switch {
		case i < 0 || a.second.Before(w.crashes[i].at):
			wrong = append(wrong, fmt.Sprintf("%s %d: landed at %s and again at %s, with no crash between", a.lane, a.number, stamp(a.first), stamp(a.second)))
			continue
		}
		age, limit := max(0, w.crashes[i].at.Sub(a.first)), w.crashes[i].window()
		if age > limit && w.cutOff(a.first, w.crashes[i]) {
			if tallies[i].cut++; open[i] == nil {
				open[i] = map[string]int{}
			}
			if open[i][a.from]++; open[i][a.from] == batchRecords+1 {
				wrong = append(wrong, fmt.Sprintf("%s: more than the one request that can be unanswered came again after the crash at %s", a.from, stamp(w.crashes[i].at)))
			}
			continue
		}
		tallies[i].lines++
		tallies[i].oldest = max(tallies[i].oldest, age)
		if age > limit {
			wrong = append(wrong, fmt.Sprintf("%s %d: landed %v before the crash at %s and came again, want at most %v",
				a.lane, a.number, age, stamp(w.crashes[i].at), limit))
		}
	}
	for i, crash := range w.crashes {
		if t := tallies[i]; t.lines+t.cut > 0 {
			w.t.Logf("crash %d at %s: %d lines came again, the oldest had landed %v before (at most %v is owed to it), %d of requests without an answer",
				i+1, stamp(crash.at), t.lines, t.oldest.Round(time.Millisecond), crash.window().Round(time.Millisecond), t.cut)
		}
	}
	if len(wrong) > 0 {
		w.t.Errorf("%d lines came again for no good reason, such as\n%s", len(wrong), strings.Join(wrong[:min(10, len(wrong))], "\n"))
	}
}

// crashAfter is the first crash after a landing, -1 when there is none.
func (w *world) crashAfter(landed time.Time) int {
	for i, c := range w.crashes {
		if !landed.After(c.over.Add(lateBy())) {
			return i
		}
	}
	return -1
}

// batchRecords is how many lines a request has at most for one partition, of which one
// request at a time is on its way.
const batchRecords = 10_000

// outageMost is how long after a broker has vanished requests may go unanswered: until
// the others have noticed and no longer wait for it.
const outageMost = 30 * time.Second

// cutOff says whether a landing may have been of a request that was unanswered when the
// crash came, because brokers had vanished.
func (w *world) cutOff(landed time.Time, c crash) bool {
	for _, cut := range w.cuts {
		if cut.Before(c.at) && c.at.Sub(cut) < outageMost && !landed.Before(cut.Add(-answerTakes())) {
			return true
		}
	}
	return false
}

func stamp(at time.Time) string { return at.Format("15:04:05.000") }

// TestResends is the check of the check: it must see what no crash explains.
func TestResends(t *testing.T) {
	t.Parallel()
	at := time.Now()
	w := &world{t: t, crashes: []crash{{at: at, over: at.Add(5 * time.Millisecond)}}, cuts: []time.Time{at.Add(-3 * time.Second)}}
	before := func(d time.Duration) time.Time { return at.Add(-d) }
	for name, c := range map[string]struct {
		first time.Time
		crash int
		cut   bool
	}{
		"just before":             {before(10 * time.Millisecond), 0, true},
		"on its way at the crash": {before(-20 * time.Millisecond), 0, true},
		"after":                   {before(-time.Second), -1, false},
		"cut off":                 {before(3*time.Second + 10*time.Millisecond), 0, true},
		"before the brokers went": {before(10 * time.Second), 0, false},
	} {
		i := w.crashAfter(c.first)
		if i != c.crash || i >= 0 && w.cutOff(c.first, w.crashes[i]) != c.cut {
			t.Errorf("%s: crash %d, want %d", name, i, c.crash)
		}
	}
}

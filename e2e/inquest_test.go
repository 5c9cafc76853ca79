package e2e

import (
	"strings"
	"testing"
	"time"

	"logctl/internal/kafka"
)

// sent is a batch of a made-up topic of one partition: lines [from, to) of one lane.
type sent struct {
	life     int
	at       time.Duration // after the end of the first life
	from, to int
}

// TestResends is the check of the check: it must see what no crash explains. The first
// agent is killed, the second ends well, a third follows.
func TestResends(t *testing.T) {
	t.Parallel()
	const far = 20_000 // lines that are not read in one piece with the first hundred
	recent := -10 * time.Millisecond
	for name, c := range map[string]struct {
		batches []sent
		late    bool   // answers may take any time
		want    string // in what is wrong; empty: nothing is
	}{
		"nothing twice":                    {[]sent{{0, -time.Minute, 0, 100}, {1, time.Second, 100, 200}}, false, ""},
		"just before the crash":            {[]sent{{0, recent, 0, 100}, {1, time.Second, 0, 100}}, false, ""},
		"on its way at the crash":          {[]sent{{0, time.Millisecond, 0, 100}, {1, time.Second, 0, 100}}, false, ""},
		"queued behind the next life":      {[]sent{{0, recent, 0, 100}, {1, time.Second, 0, 200}, {0, 5 * time.Second, 100, 200}}, false, ""},
		"two requests of a dead agent":     {[]sent{{1, time.Second, 0, 200}, {0, 2 * time.Second, 0, 100}, {0, 5 * time.Second, 100, 200}}, false, "one at a time"},
		"not saved for long":               {[]sent{{0, -10 * time.Second, 0, 100}, {1, time.Second, 0, 100}}, false, "landed 9.995s before"},
		"not answered for long":            {[]sent{{0, -10 * time.Second, 0, 100}, {1, time.Second, 0, 100}}, true, ""},
		"answered in part for long":        {[]sent{{0, -10 * time.Second, 0, 100}, {0, -9 * time.Second, 100, 200}, {1, time.Second, 0, 200}}, true, ""},
		"acknowledged for long, not saved": {[]sent{{0, -10 * time.Second, 0, far}, {0, -9 * time.Second, far, far + 1}, {1, time.Second, 0, 100}}, true, "8.995s before"},
		"acknowledged just before":         {[]sent{{0, -10 * time.Second, 0, far}, {0, recent, far, far + 1}, {1, time.Second, 0, far + 1}}, true, ""},
		"twice by one agent":               {[]sent{{0, recent, 0, 100}, {0, recent, 99, 120}}, true, "agent 1 sent it twice"},
		"twice by one agent, late":         {[]sent{{0, recent, 0, 100}, {1, time.Second, 100, 200}, {0, 2 * time.Second, 99, 120}}, true, "agent 1 sent it twice"},
		"thrice, by three agents":          {[]sent{{0, recent, 0, 100}, {1, time.Second, 0, 100}, {2, time.Minute, 0, 100}}, true, "did not crash"},
		"again after an agent ended well":  {[]sent{{1, time.Second, 0, 100}, {2, time.Minute, 0, 100}}, true, "did not crash"},
		"of no agent":                      {[]sent{{-1, recent, 0, 100}}, true, "which no agent got"},
		"again, and nobody knows by whom":  {[]sent{{0, recent, 0, 100}, {-1, time.Second, 0, 1}}, true, "nobody knows"},
	} {
		t.Run(name, func(t *testing.T) {
			over := time.UnixMilli(time.Now().UnixMilli())
			in := inquest{
				lives:   []life{{crash: &crash{at: over.Add(-5 * time.Millisecond), over: over}}, {}, {}},
				late:    func(crash) bool { return c.late },
				counter: newCounter(newLedger()), origins: origins{},
			}
			offset := int64(0)
			for _, s := range c.batches {
				b := batch{at: over.Add(s.at), first: offset, producer: kafka.Identity{ID: int64(s.life)}, life: s.life}
				for n := s.from; n < s.to; n++ {
					data := appendLine(nil, "app.log", n)
					in.counter.add("topic/0", offset, data[:len(data)-1], b.at)
					offset++
				}
				b.last = offset - 1
				in.origins["topic/0"] = append(in.origins["topic/0"], b)
			}
			in.origins.link()
			in.hold()
			got := strings.Join(in.wrong, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("found wrong: %.300q, want %q", got, c.want)
			}
		})
	}
}

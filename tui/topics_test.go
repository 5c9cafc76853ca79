package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
)

// write adds n records to each partition of a topic of the fake cluster.
func (f *fakeTopics) write(name string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		if f.list[i].Name == name {
			f.list[i] = fakeTopic(name, len(f.list[i].Partitions), f.list[i].Partitions[0].Newest+n)
		}
	}
}

func (f *fakeTopics) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func TestTopicsSayOfWhenTheyAre(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("3")
		good := c.clock
		c.topics.fail(errors.New("no broker answers"))
		for range 3 { // each of the failures is later than the last good look
			c.clock = c.clock.Add(3 * time.Second)
			c.key("r")
		}
		if s, want := c.screen(), "as of "+good.Format("15:04:05")+": no broker answers"; !strings.Contains(s, want) {
			t.Errorf("want %q in\n%s", want, s)
		}
		// 60 records in the 12 s since the last good look, 3 s after the last failure.
		c.topics.fail(nil)
		c.topics.write("trade", 60)
		c.clock = c.clock.Add(3 * time.Second)
		c.key("r")
		if got := c.root.env.topics.rates["trade"]; got != 5 {
			t.Errorf("the rate over the failures is %v a second, want 5", got)
		}
		if s := c.screen(); strings.Contains(s, "as of") {
			t.Errorf("the list is still said to be old:\n%s", s)
		}
	})
}

func TestTopicsDrawNothingForReportsAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.topics.list = append(c.topics.list, fakeTopic(report.DefaultTopic, 1, 100))
		c.key("3", "r")
		c.clock = c.clock.Add(3 * time.Second)
		c.key("r") // now rates are known
		before := c.root.View().Content
		for range 3 {
			c.topics.write(report.DefaultTopic, 7)
			c.clock = c.clock.Add(3 * time.Second)
			c.key("r")
		}
		if after := c.root.View().Content; after != before {
			t.Errorf("the screen was drawn anew for reports alone:\n%s\n%s", before, after)
		}
		c.key("i")
		if s := c.screen(); !strings.Contains(s, report.DefaultTopic) {
			t.Errorf("i does not show the reports' topic:\n%s", s)
		}
	})
}

func TestAgentIsUpSinceItsStart(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Hour: "<1m", 0: "<1m", 59 * time.Second: "<1m", time.Minute: "1m", 125 * time.Minute: "2h05m", 50 * time.Hour: "2d"} {
		if got := upText(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

package consumer

import (
	"fmt"
	"time"
)

// clock is what relative and local times are read against.
type clock struct {
	now   time.Time
	loc   *time.Location
	later bool         // of the two instants of a repeated hour the later one is meant: it is an end
	note  func(string) // told what was chosen where a local time is ambiguous; nil: nobody
}

// parse is time.ParseInLocation for the zone of the clock, but for local times that the
// zone has twice or not at all.
func (c clock) parse(layout, s string) (time.Time, error) {
	none := time.FixedZone("", 1) // no text can name a zone of one second
	t, err := time.ParseInLocation(layout, s, none)
	if err != nil || t.Location() != none { // the text names a zone
		return t, err
	}
	return c.wall(t), nil
}

// wall returns the instant at which clocks in the zone show what t shows. When clocks
// were put back, the earlier of two instants starts a read and the later one ends it.
// When they were put forward, the first instant after the gap stands for all in it.
func (c clock) wall(t time.Time) time.Time {
	shown := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	const day = 24 * time.Hour
	_, before := shown.Add(-day).In(c.loc).Zone()
	_, after := shown.Add(day).In(c.loc).Zone()
	first := shown.Add(-time.Duration(max(before, after)) * time.Second).In(c.loc)
	second := shown.Add(-time.Duration(min(before, after)) * time.Second).In(c.loc)
	shows := func(at time.Time) bool {
		_, offset := at.Zone()
		return at.UTC().Add(time.Duration(offset) * time.Second).Equal(shown)
	}
	const layout = "2006-01-02T15:04:05Z07:00"
	switch {
	case before == after, shows(first) && !shows(second):
		return first
	case shows(second) && !shows(first):
		return second
	case !shows(first): // a time that no clock showed
		at, _ := second.ZoneBounds()
		c.say("%s does not exist in %s, where clocks were put forward: %s is taken", shown.Format("2006-01-02 15:04:05"), c.loc, at.Format(layout))
		return at
	}
	taken, which := first, "first"
	if c.later {
		taken, which = second, "second"
	}
	c.say("%s was twice in %s, where clocks were put back: of %s and %s the %s is taken; write the offset of the zone to choose",
		shown.Format("2006-01-02 15:04:05"), c.loc, first.Format(layout), second.Format(layout), which)
	return taken
}

func (c clock) say(f string, args ...any) {
	if c.note != nil {
		c.note(fmt.Sprintf(f, args...))
	}
}

// midnight is the beginning of a day, counted from today.
func (c clock) midnight(days int) time.Time {
	y, m, d := c.now.In(c.loc).Date()
	return c.wall(time.Date(y, m, d+days, 0, 0, 0, 0, time.UTC))
}

package tui

import (
	"math"
	"time"

	"logctl/agent/report"
)

// Trends: lines a second in the last minutes and in the last hour, from the counters of
// reports. Counters are cumulative, so that two reports tell what lies between them,
// also when they stand apart by an outage, or were read from Kafka after the fact.
const (
	trendLen   = 60              // cells of a trend
	trendFine  = 2 * time.Second // of one cell, of the last two minutes
	trendWide  = time.Minute     // of one cell, of the last hour
	trendDelay = 4 * time.Second // reports of a moment have come by then
	trendsMost = 50_000          // more entries than this have no trends
	trendSpan  = trendLen * trendWide
)

// trendKey names what a trend is of: an entry of a collect key, or all of its entries
// when path and topic are empty.
type trendKey struct{ list, path, topic string }

// spans are sums over equal spans of time. The last trendLen are kept, with some to spare
// for those that are not complete yet. Not safe for concurrent use.
type spans struct {
	sums  [trendLen + 4]float32 // lines; below zero: nothing was measured
	index int64                 // of the newest cell: its beginning divided by the span
}

// add puts lines that were counted evenly between two moments into their cells.
func (c *spans) add(lines float64, from, to time.Time, span time.Duration) {
	if !to.After(from) {
		return
	}
	last := to.UnixNano() / int64(span)
	if to.UnixNano()%int64(span) == 0 {
		last--
	}
	c.advance(last)
	first := max(from.UnixNano()/int64(span), c.index-int64(len(c.sums))+1)
	per := lines / float64(to.Sub(from))
	for i := first; i <= last; i++ {
		lo, hi := max(i*int64(span), from.UnixNano()), min((i+1)*int64(span), to.UnixNano())
		at := &c.sums[i%int64(len(c.sums))]
		*at = max(*at, 0) + float32(per*float64(hi-lo))
	}
}

// advance makes index the newest cell.
func (c *spans) advance(index int64) {
	if index <= c.index {
		return
	}
	for i := max(c.index+1, index-int64(len(c.sums))+1); i <= index; i++ {
		c.sums[i%int64(len(c.sums))] = -1
	}
	c.index = index
}

// rates are lines a second of the last trendLen complete cells, oldest first; NaN where
// nothing was measured.
func (c *spans) rates(now time.Time, span time.Duration) []float64 {
	out := make([]float64, trendLen)
	end := now.Add(-trendDelay).UnixNano() / int64(span) // the first that is not complete
	for i := range out {
		at := end - int64(trendLen-i)
		out[i] = math.NaN()
		if at > c.index || at <= c.index-int64(len(c.sums)) || at < 0 {
			continue
		}
		if v := c.sums[at%int64(len(c.sums))]; v >= 0 {
			out[i] = float64(v) / span.Seconds()
		}
	}
	return out
}

// trend is the way of one entry.
type trend struct{ fine, wide spans }

func newTrend() *trend {
	t := &trend{}
	for i := range t.fine.sums {
		t.fine.sums[i], t.wide.sums[i] = -1, -1
	}
	return t
}

func (t *trend) add(lines float64, from, to time.Time) {
	t.fine.add(lines, from, to, trendFine)
	t.wide.add(lines, from, to, trendWide)
}

// samples are the last two minutes, or the last hour.
func (t *trend) samples(now time.Time, hour bool) []float64 {
	if t == nil {
		return (&spans{index: -1}).rates(now, trendFine)
	}
	if hour {
		return t.wide.rates(now, trendWide)
	}
	return t.fine.rates(now, trendFine)
}

// trends are those of all entries. Not safe for concurrent use.
type trends struct {
	of    map[trendKey]*trend
	swept time.Time
}

// counted is the part of the time between two reports that is to be counted. shift is what
// is added to its times, because the clock of the agent is wrong.
type counted struct {
	from, to time.Time
	shift    time.Duration
}

// between counts for a collect key what an agent did from one report to the next one of the
// same life.
func (t *trends) between(list string, a, b *report.Report, c counted) {
	whole := b.At.Sub(a.At)
	if whole <= 0 || !c.to.After(c.from) {
		return
	}
	part := float64(c.to.Sub(c.from)) / float64(whole)
	from, to := c.from.Add(c.shift), c.to.Add(c.shift)
	old := reportedTasks(a)
	all := math.NaN()
	for i := range b.Tasks {
		task := &b.Tasks[i]
		was := old.find(i, taskKey{task.Path, task.Topic})
		if was == nil || task.Lines < was.Lines {
			continue
		}
		lines := float64(task.Lines-was.Lines) * part
		all = plus(all, lines)
		if x := t.get(trendKey{list, task.Path, task.Topic}); x != nil {
			x.add(lines, from, to)
		}
	}
	if x := t.get(trendKey{list: list}); x != nil && !math.IsNaN(all) {
		x.add(all, from, to)
	}
}

func (t *trends) get(k trendKey) *trend {
	x := t.of[k]
	if x == nil && len(t.of) < trendsMost {
		x = newTrend()
		t.of[k] = x
	}
	return x
}

// sweep drops those of which nothing was heard for the whole span, once a minute.
func (t *trends) sweep(now time.Time) {
	if now.Sub(t.swept) < time.Minute {
		return
	}
	t.swept = now
	for k, x := range t.of {
		if now.UnixNano()/int64(trendWide)-x.wide.index > int64(trendSpan/trendWide) {
			delete(t.of, k)
		}
	}
}

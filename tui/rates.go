package tui

import (
	"math"
	"time"
)

const (
	meterBuckets = 62 // a minute of seconds, the one being filled and one to spare
	rateWindow   = 5  // seconds that a shown rate is the mean of
)

// meter counts events in buckets of a second. It is not safe for concurrent use.
type meter struct {
	counts [meterBuckets]uint64
	second int64 // the second of the newest bucket, Unix
	first  int64 // the second of the first event
}

// add counts n events at a time; time must not go back by more than a minute.
func (m *meter) add(n uint64, at time.Time) {
	sec := at.Unix()
	if m.first == 0 {
		m.first, m.second = sec, sec
	}
	m.advance(sec)
	if sec > m.second-meterBuckets && sec <= m.second {
		m.counts[sec%meterBuckets] += n
	}
}

func (m *meter) advance(sec int64) {
	if sec <= m.second {
		return
	}
	if sec-m.second >= meterBuckets {
		m.counts = [meterBuckets]uint64{}
	} else {
		for s := m.second + 1; s <= sec; s++ {
			m.counts[s%meterBuckets] = 0
		}
	}
	m.second = sec
}

// rate is the mean number of events a second over the last whole seconds (five
// at most), NaN before the first whole second.
func (m *meter) rate(now time.Time) float64 {
	if m.first == 0 {
		return math.NaN()
	}
	m.advance(now.Unix())
	last := m.second - 1
	from := max(last-rateWindow+1, m.first)
	if from > last {
		return math.NaN()
	}
	sum := uint64(0)
	for s := from; s <= last; s++ {
		sum += m.counts[s%meterBuckets]
	}
	return float64(sum) / float64(last-from+1)
}

// series is the counts of the last n whole seconds, oldest first, NaN where
// nothing was measured yet.
func (m *meter) series(n int, now time.Time) []float64 {
	out := make([]float64, n)
	if m.first != 0 {
		m.advance(now.Unix())
	}
	for i := range out {
		s := m.second - int64(n-i)
		if m.first == 0 || s < m.first || s <= m.second-meterBuckets {
			out[i] = math.NaN()
			continue
		}
		out[i] = float64(m.counts[s%meterBuckets])
	}
	return out
}

var sparkSteps = [...]string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// sparkline draws values in w cells: the mean of the samples of each cell,
// scaled to the biggest. A gap is drawn as a space, zero as the lowest step.
func sparkline(values []float64, w int) string {
	if w <= 0 {
		return ""
	}
	means := squeeze(values, w)
	top := 0.0
	for _, v := range means {
		if !math.IsNaN(v) {
			top = max(top, v)
		}
	}
	out := make([]byte, 0, 3*w)
	for _, v := range means {
		switch {
		case math.IsNaN(v):
			out = append(out, ' ')
		case top == 0:
			out = append(out, sparkSteps[0]...)
		default:
			i := int(v / top * float64(len(sparkSteps)-1))
			if v > 0 {
				i = max(i, 1)
			}
			out = append(out, sparkSteps[min(max(i, 0), len(sparkSteps)-1)]...)
		}
	}
	return string(out)
}

// squeeze makes w values of values: the newest at the right end, means of
// neighbours when there are more values than cells.
func squeeze(values []float64, w int) []float64 {
	out := make([]float64, w)
	per := max((len(values)+w-1)/w, 1)
	for i := range out {
		hi := len(values) - (w-1-i)*per
		lo := hi - per
		sum, n := 0.0, 0
		for k := max(lo, 0); k < hi; k++ {
			if !math.IsNaN(values[k]) {
				sum += values[k]
				n++
			}
		}
		if n == 0 {
			out[i] = math.NaN()
			continue
		}
		out[i] = sum / float64(n)
	}
	return out
}

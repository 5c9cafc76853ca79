package tui

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	retryPause   = time.Second
	stallAfter   = 5 * time.Second // a partition with lag and no record for this long is stalled
	latencyDecay = 0.2
	lateRecords  = 2 * time.Second // records that were on their way when a broker was lost come within this
)

// session reads one stream into a ring until it is closed. Its goroutine is
// owned by the keeper; the other methods are safe for concurrent use.
type session struct {
	query   streamQuery
	ring    *ring
	cancel  context.CancelFunc
	changed chan struct{} // cap 1
	now     func() time.Time

	mu      sync.Mutex
	info    sessionInfo
	meter   meter
	bmeter  meter
	parts   map[int32]*meter
	latency time.Duration
	haveLat bool
}

// sessionInfo is the state of a session beside its records.
type sessionInfo struct {
	state   string // "connecting", "live", or what is wrong
	bad     bool
	since   time.Time
	ended   bool
	rate    float64 // records a second
	bytes   float64 // bytes a second
	spark   []float64
	parts   []partRow
	lost    time.Time     // since when the reader cannot read and nothing came; zero: it can
	latency time.Duration // from the records' time to here, smoothed; -1 unknown
}

// partRow is one partition of the strip.
type partRow struct {
	partStat
	rate    float64
	stalled time.Duration
}

func (p partRow) lag() int64 {
	if p.end < 0 || p.next < 0 {
		return -1
	}
	return max(p.end-p.next, 0)
}

// openSession starts to read q. The session ends with ctx or close.
func openSession(ctx context.Context, keep *keeper, port StreamPort, q streamQuery, j *journal, now func() time.Time) *session {
	sub, cancel := context.WithCancel(ctx)
	s := &session{
		query: q, ring: newRing(ringRecords, ringBytes), cancel: cancel,
		changed: make(chan struct{}, 1), now: now, parts: map[int32]*meter{},
	}
	s.info = sessionInfo{state: "connecting", since: now(), latency: -1}
	keep.spawn(func() { s.run(sub, port, j) })
	keep.spawn(func() { s.beat(sub) })
	return s
}

func (s *session) close() { s.cancel() }

// setFilter replaces the ring's filter; see ring.setFilter.
func (s *session) setFilter(f *filter) {
	s.ring.setFilter(f)
	s.notify()
}

func (s *session) notify() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// setState tells whether the state is another one than before. Trouble in other words
// is since when it was first.
func (s *session) setState(state string, bad bool) (changed bool) {
	s.mu.Lock()
	if changed = s.info.state != state; changed {
		if !bad || !s.info.bad {
			s.info.since = s.now()
		}
		s.info.state, s.info.bad = state, bad
	}
	s.mu.Unlock()
	s.notify()
	return changed
}

// run opens the reader, again after errors, and pumps. After the first opening
// a lost reader goes on from the newest record it had not seen.
func (s *session) run(ctx context.Context, port StreamPort, j *journal) {
	q := s.query
	for ctx.Err() == nil {
		r, err := port.Open(ctx, q, func(n streamNotice) {
			j.add("stream", n.trouble, q.topic+": "+n.text)
			s.noticed(n)
		})
		if err == nil {
			s.setState("live", false)
			err = errors.Join(s.pump(ctx, r), r.Close())
		}
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, io.EOF) {
			s.end()
			return
		}
		if err != nil && s.setState(clean(err.Error()), true) {
			j.add("stream", true, q.topic+": "+err.Error())
		}
		q.from = s.resumeAt(s.query.from)
		sleep(ctx, retryPause)
	}
}

// noticed keeps whether the reader lost what it reads from.
func (s *session) noticed(n streamNotice) {
	s.mu.Lock()
	switch {
	case n.lost && s.info.lost.IsZero():
		s.info.lost = s.now()
	case n.back:
		s.info.lost = time.Time{}
	}
	s.mu.Unlock()
	s.notify()
}

// resumeAt is where a reader that broke goes on: behind what was read, and where it
// was to begin in partitions that could not be read yet.
func (s *session) resumeAt(from string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, p := range s.info.parts {
		if p.next >= 0 {
			parts = append(parts, strconv.Itoa(int(p.id))+"="+strconv.FormatInt(p.next, 10))
		}
	}
	return strings.Join(append([]string{from}, parts...), ",")
}

func (s *session) end() {
	s.mu.Lock()
	s.info.ended = true
	s.mu.Unlock()
	s.setState("at the end", false)
}

func (s *session) pump(ctx context.Context, r streamReader) error {
	lastParts := time.Time{}
	for {
		recs, err := r.Next(ctx)
		now := s.now()
		if len(recs) > 0 {
			mergeByTime(recs)
			s.ring.push(recs)
			s.count(recs, now)
			s.notify()
		}
		if now.Sub(lastParts) >= 250*time.Millisecond || err != nil {
			lastParts = now
			s.setParts(r.Partitions(), now)
		}
		if err != nil {
			return err
		}
	}
}

// mergeByTime orders a batch by time without changing the order of any
// partition: a record counts as no older than those before it in its partition.
func mergeByTime(recs []*rec) {
	newest := map[int32]time.Time{}
	at := make(map[*rec]time.Time, len(recs))
	sorted := true
	for i, x := range recs {
		t := x.time
		if n := newest[x.partition]; t.Before(n) {
			t = n
		}
		newest[x.partition], at[x] = t, t
		sorted = sorted && (i == 0 || !t.Before(at[recs[i-1]]))
	}
	if !sorted {
		slices.SortStableFunc(recs, func(a, b *rec) int { return at[a].Compare(at[b]) })
	}
}

func (s *session) count(recs []*rec, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.info.lost.IsZero() && now.Sub(s.info.lost) > lateRecords {
		s.info.lost = time.Time{} // other brokers deliver
	}
	size, perPart := int64(0), map[int32]uint64{}
	newest := time.Time{}
	for _, x := range recs {
		size += int64(len(x.key) + len(x.value))
		perPart[x.partition]++
		if x.time.After(newest) {
			newest = x.time
		}
	}
	s.meter.add(uint64(len(recs)), now)
	s.bmeter.add(uint64(size), now)
	for id, n := range perPart {
		m := s.parts[id]
		if m == nil {
			m = &meter{}
			s.parts[id] = m
		}
		m.add(n, now)
	}
	if newest.IsZero() {
		return
	}
	lat := now.Sub(newest)
	if !s.haveLat {
		s.latency, s.haveLat = lat, true
		return
	}
	s.latency += time.Duration(latencyDecay * float64(lat-s.latency))
}

func (s *session) setParts(stats []partStat, now time.Time) {
	rows := make([]partRow, 0, len(stats))
	for _, p := range stats {
		row := partRow{partStat: p}
		if row.lag() > 0 && !p.lastAt.IsZero() && now.Sub(p.lastAt) > stallAfter {
			row.stalled = now.Sub(p.lastAt)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b partRow) int { return int(a.id) - int(b.id) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.parts = rows
}

// beat makes the rates fall when records stop; it wakes nobody while nothing
// changes.
func (s *session) beat(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	shown := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			info := s.snapshot()
			now := humanCount(info.rate) + sparkline(info.spark, 60)
			for _, p := range info.parts {
				now += humanCount(p.rate) + humanCount(float64(p.lag())) + p.err + humanAge(p.stalled)
			}
			if now != shown {
				shown = now
				s.notify()
			}
		}
	}
}

// snapshot returns the state with rates of now. The caller owns the result.
func (s *session) snapshot() sessionInfo {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.info
	info.rate, info.bytes = s.meter.rate(now), s.bmeter.rate(now)
	info.spark = s.meter.series(60, now)
	info.parts = slices.Clone(s.info.parts)
	for i := range info.parts {
		if m := s.parts[info.parts[i].id]; m != nil {
			info.parts[i].rate = m.rate(now)
		}
	}
	info.latency = -1
	if s.haveLat {
		info.latency = s.latency
	}
	return info
}

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"logctl/agent/positions"
	"logctl/internal/testkit"
)

// What may come twice after a crash is exactly what Kafka has stored, or has queued and
// stores later, and the saved positions do not have: what was acknowledged since the
// last save, and the one request of each partition whose answer the agent did not live
// to see. So of the landings of every line that came again each must be of another life
// of the agent, which the producer ids in the topics tell; the life that ended must have
// crashed; and the acknowledgement of the line must not be older than a save takes. When
// a landing was stored says nothing about whose it is: a broker that waits for replicas
// has the requests of a dead agent queued for seconds, while the next life sends.

// stamped creates a topic whose records have the time at which they were stored. Agents
// that start from then on log what tells their batches in it.
func (w *world) stamped(partitions int) string {
	w.t.Helper()
	w.traced = true
	return w.kafka.Topic(w.t, partitions, "message.timestamp.type", "LogAppendTime")
}

// crash is the end of a life of the agent without a farewell.
type crash struct {
	at, over time.Time     // the signal was sent; the process was gone
	save     time.Duration // what saving the positions took then, on this disk
	late     time.Duration // how late the machine had let a process run until then
}

// kill ends the agent with SIGKILL and notes when, for crashed.
func (w *world) kill(agent *process) {
	w.t.Helper()
	i := slices.IndexFunc(w.lives, func(l life) bool { return l.agent == agent })
	if i < 0 {
		w.t.Fatal("killed an agent that startAgent did not start")
	}
	c := crash{save: w.savingTakes(), late: w.pulse.latest(), at: time.Now()}
	agent.kill()
	c.over = time.Now()
	w.lives[i].crash = &c
}

// cut notes that brokers are made to vanish now: how long a request that was stored has
// no answer is not bounded from then on.
func (w *world) cut() { w.cuts = append(w.cuts, time.Now()) }

// answersLate says whether a stored batch may have waited for its answer for any time
// at a crash: brokers had vanished, or other brokers have to have the batch too.
func (w *world) answersLate(c crash) bool {
	return len(w.kafka.Addrs()) > 1 || slices.ContainsFunc(w.cuts, c.at.After)
}

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

// answerTakes is how long at most an answered batch waits for the agent to take note of
// its acknowledgement: the way back. What others take of the processors comes on top.
func answerTakes() time.Duration {
	if testkit.Race {
		return time.Second
	}
	return 100 * time.Millisecond
}

// window is the age that an acknowledgement may have at a crash, and its lines come
// again: a save begins a quarter of a second after the one before ended, with what is
// acknowledged then, and the crash comes before the next one has ended.
func (c crash) window() time.Duration {
	return positions.FlushInterval + 2*c.save + answerTakes() + 4*c.late // of reader, broker's answer, saver, disk
}

// chunkBytes is how much of a file the agent reads and ships in one piece at most. The
// position moves when all of a piece is acknowledged.
const chunkBytes = 256 << 10

// crashed checks that nothing was lost, garbled or reordered, and nothing came twice; or,
// where the agent cannot look back, that what came twice is what its crashes explain,
// line by line.
func (w *world) crashed(c *counter, topics ...string) verdict {
	w.t.Helper()
	v := w.count(c, topics...)
	if v.Lost+v.Garbled+v.Reordered > 0 || v.Duplicated > 0 && !w.bounded {
		w.t.Errorf("%s: %s\n%v", w.t.Name(), v, c.first)
	}
	in := inquest{lives: w.lives, late: w.answersLate, counter: c, origins: w.origins(topics...)}
	in.hold()
	for i, t := range in.tallies {
		if t.lines > 0 {
			crash := w.lives[i].crash
			w.t.Logf("crash %d at %s: %d lines came again: %d acknowledged, at most %v before (%v is owed to it); %d of a last request and %d of a piece with it, landed at most %v before; %d landed after the end, at most %v, %d of these after the next agent had sent them",
				i+1, stamp(crash.at), t.lines, t.lines-t.open-t.part, t.acked.Round(time.Millisecond), crash.window().Round(time.Millisecond),
				t.open, t.part, t.oldest.Round(time.Millisecond), t.queued, t.latest.Round(time.Millisecond), t.passed)
		}
	}
	if len(in.wrong) > 0 {
		w.t.Errorf("%d things have no good reason, such as\n%s", len(in.wrong), strings.Join(in.wrong[:min(10, len(in.wrong))], "\n"))
	}
	return v
}

// inquest finds for every line that came again the crash it is owed to.
type inquest struct {
	lives   []life
	late    func(crash) bool // see answersLate
	counter *counter
	origins origins

	tallies []tally // by life
	wrong   []string
	ends    map[string][]int64 // bytes of a lane up to the end of each line
}

// tally is what came again after one crash.
type tally struct {
	lines  int
	acked  time.Duration // longest time before the crash at which one is proved to have been acknowledged
	open   int           // lines of the last batch of their partition, which may have had no answer
	part   int           // others that were read in one piece with lines of such a batch
	oldest time.Duration // longest time before the crash at which one of these two had landed
	queued int           // lines that landed when the agent had ended
	passed int           // of these, lines that the next agent had landed before
	latest time.Duration // longest time after it
}

// told is a landing with whose it is.
type told struct {
	landing
	place string
	batch int // in its place
	life  int
}

func (in *inquest) hold() {
	in.tallies, in.ends = make([]tally, len(in.lives)), map[string][]int64{}
	for place, list := range in.origins {
		for i := range list {
			in.batch(place, i)
		}
	}
	lines := make([]line, 0, len(in.counter.again))
	for l := range in.counter.again {
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Or(cmp.Compare(a.lane, b.lane), a.number-b.number) })
	for _, l := range lines {
		in.line(l)
	}
}

// batch checks a batch: it is of a known life, and of a dead one only the request that
// was on its way is stored later.
func (in *inquest) batch(place string, i int) {
	b := in.origins[place][i]
	if b.life < 0 {
		in.blame("%s: the batch at offset %d has producer id and epoch %v, which no agent got", place, b.first, b.producer)
		return
	}
	c := in.lives[b.life].crash
	if c == nil || !b.at.After(c.over) || b.before < 0 {
		return
	}
	if before := in.origins[place][b.before]; before.at.After(c.over) {
		in.blame("%s: agent %d ended at %s, and two of its batches landed later, at %s and %s: one at a time may be on its way",
			place, b.life+1, stamp(c.over), stamp(before.at), stamp(b.at))
	}
}

// line checks a line that came again.
func (in *inquest) line(l line) {
	var all []told
	for _, at := range in.counter.landings(l) {
		to := in.tell(at)
		if to.life < 0 {
			in.blame("%s %d: nobody knows who sent what is at offset %d of %s", l.lane, l.number, at.offset, to.place)
			return
		}
		all = append(all, to)
	}
	slices.SortFunc(all, func(a, b told) int { return cmp.Or(a.life-b.life, cmp.Compare(a.at, b.at)) })
	for i, a := range all[:len(all)-1] {
		b := all[i+1]
		if a.life == b.life {
			in.blame("%s %d: agent %d sent it twice: landed at %s (%s, producer %v) and at %s (%s, producer %v)",
				l.lane, l.number, a.life+1, stamp(a.time()), a.place, in.origins[a.place][a.batch].producer, stamp(b.time()), b.place, in.origins[b.place][b.batch].producer)
			continue
		}
		c := in.lives[a.life].crash
		if c == nil {
			in.blame("%s %d: agent %d had landed it at %s and did not crash; agent %d sent it again, it landed at %s",
				l.lane, l.number, a.life+1, stamp(a.time()), b.life+1, stamp(b.time()))
			continue
		}
		if in.owed(l, a, *c); a.at > b.at {
			in.tallies[a.life].passed++
		}
	}
}

// owed checks that a landing is one that the crash of its life made come again.
func (in *inquest) owed(l line, a told, c crash) {
	t := &in.tallies[a.life]
	t.lines++
	age := c.at.Sub(a.time())
	if after := a.time().Sub(c.over); after > 0 {
		t.queued++
		t.latest = max(t.latest, after)
	}
	known, sure := in.acknowledged(l, a)
	switch {
	case sure:
		t.acked = max(t.acked, c.at.Sub(known))
	case in.origins[a.place][a.batch].next < 0:
		t.open++
	default:
		t.part++
	}
	if !sure {
		t.oldest = max(t.oldest, age)
	}
	switch limit := c.window(); {
	case sure && c.at.Sub(known) > limit:
		in.blame("%s %d: landed at %s and was acknowledged by %s, %v before the crash at %s, and came again, want at most %v",
			l.lane, l.number, stamp(a.time()), stamp(known), c.at.Sub(known).Round(time.Millisecond), stamp(c.at), limit)
	case !in.late(c) && age > limit:
		in.blame("%s %d: landed %v before the crash at %s and came again, want at most %v", l.lane, l.number, age, stamp(c.at), limit)
	}
}

// acknowledged says by when the agent had the acknowledgement of all that was read in
// one piece with the line, if it certainly had: all of that is in batches that another
// batch of the same sequence followed.
func (in *inquest) acknowledged(l line, a told) (by time.Time, ok bool) {
	beyond := line{l.lane, in.beyond(l)}
	for _, at := range in.counter.landings(beyond) {
		to := in.tell(at)
		if to.life != a.life || to.place != a.place {
			continue
		}
		list := in.origins[to.place]
		if next := list[to.batch].next; next >= 0 {
			return list[next].at, true
		}
	}
	return time.Time{}, false
}

// beyond is the number of the first line that was not read in one piece with another,
// however that lies in it.
func (in *inquest) beyond(l line) int {
	ends := in.ends[l.lane]
	if ends == nil {
		size := int64(0)
		for n := range in.counter.seen[l.lane] {
			size += int64(len(appendLine(nil, l.lane, n)))
			ends = append(ends, size)
		}
		in.ends[l.lane] = ends
	}
	begin := int64(0)
	if l.number > 0 {
		begin = ends[l.number-1]
	}
	return sort.Search(len(ends), func(i int) bool { return ends[i] > begin+chunkBytes })
}

// tell finds out whose a landing is.
func (in *inquest) tell(at landing) told {
	to := told{landing: at, place: in.counter.places[at.place], life: -1}
	if to.batch = in.origins.at(to.place, at.offset); to.batch >= 0 {
		to.life = in.origins[to.place][to.batch].life
	}
	return to
}

func (in *inquest) blame(format string, args ...any) {
	in.wrong = append(in.wrong, fmt.Sprintf(format, args...))
}

func (l landing) time() time.Time { return time.UnixMilli(l.at) }

func stamp(at time.Time) string { return at.Format("15:04:05.000") }

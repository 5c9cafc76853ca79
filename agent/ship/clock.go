package ship

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	status "logctl/agent/state"

	"github.com/IBM/sarama"
)

// readAtKey is the record header that keeps the time of reading, in milliseconds since
// 1970, of a line whose record has another time because its topic takes none that old.
const readAtKey = "read_at"

// restampSpan is how far back the times of a batch may lie that was restamped: of lines
// read within it, each keeps its own.
const restampSpan = time.Second

// acceptedTimes is in what a broker says of a record that it refuses for its time:
// "Timestamp 17 of message with offset 0 is out of range. The timestamp should be within [18, 19]".
// It is written in org.apache.kafka.storage.internals.log.LogValidator.
var acceptedTimes = regexp.MustCompile(`within \[(-?\d+), (-?\d+)\]`)

// skewOf is how far our clock is ahead of the broker's (behind: below zero), from the
// times that the broker says it takes. exact is false when the difference is at least
// that. It is 0 when the answer does not tell.
func skewOf(text string, now time.Time, s topicSettings) (skew time.Duration, exact bool) {
	m := acceptedTimes.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	low, err1 := strconv.ParseInt(m[1], 10, 64)
	high, err2 := strconv.ParseInt(m[2], 10, 64)
	ours := now.UnixMilli()
	switch {
	case err1 != nil || err2 != nil:
		return 0, false
	case ours > high:
		return time.Duration(ours-high)*time.Millisecond + s.after, s.after > 0
	case ours < low:
		return -time.Duration(low-ours)*time.Millisecond - s.before, s.before > 0
	}
	return 0, false
}

// clockReason says that the broker refuses the present time, and how far the clocks
// differ where the answer tells.
func (t *topic) clockReason(block *sarama.ProduceResponseBlock, now time.Time) reason {
	text := brokerText(block)
	skew, exact := skewOf(text, now, t.settings)
	about := "about "
	if !exact {
		about = "at least "
	}
	const todo = ": set the clock that is wrong, or widen message.timestamp.after.max.ms and message.timestamp.before.max.ms of the topic"
	switch {
	case skew > 0:
		return reason{status.ClockDiffers, fmt.Sprintf("this host's clock is %s%s ahead of the broker's, and topic %q takes no such time%s", about, skew.Round(time.Second), t.name, todo)}
	case skew < 0:
		return reason{status.ClockDiffers, fmt.Sprintf("this host's clock is %s%s behind the broker's, and topic %q takes no such time%s", about, (-skew).Round(time.Second), t.name, todo)}
	}
	if text != "" {
		text = " (" + text + ")"
	}
	return reason{status.ClockDiffers, fmt.Sprintf("the broker refuses this host's present time for topic %q: the clocks differ by more than the topic allows%s%s", t.name, text, todo)}
}

// restamp makes the batch that was refused for its records' times one whose times are
// of now, and once more of the moment at which it is sent: a topic may take times of the last
// few seconds only, and a retry waits. Its bytes are made anew, so nothing of it may be in
// flight.
func (part *partition) restamp(now time.Time) {
	b := &part.out
	if old := now.UnixMilli() - b.oldest; b.restamped == 0 && old > restampSpan.Milliseconds() &&
		(part.t.tooOld == 0 || old < part.t.tooOld.Milliseconds()) {
		part.t.tooOld = time.Duration(old) * time.Millisecond
	}
	b.restamped, b.stampDue = now.UnixMilli(), true
	if b.payload != nil {
		part.t.p.memory.put(b.payload)
		b.payload = nil
	}
}

// stampDue gives a batch that was refused for its times those of now, before it is sent.
func (part *partition) stampDue(now time.Time) {
	if b := &part.out; b.stampDue {
		b.restamped, b.stampDue = now.UnixMilli(), false
	}
}

// refusedNow says whether the times that were refused are those of the moment at which the
// batch was sent: time may have gone by since it was stamped.
func (part *partition) refusedNow() bool {
	b := &part.out
	return b.restamped != 0 && part.sent.UnixMilli()-b.restamped <= restampSpan.Milliseconds()
}

// stampOld restamps a batch before it is sent, when its topic has refused records of
// that age: so that an old backlog does not cost a refusal for each batch.
func (part *partition) stampOld(now time.Time) {
	b := &part.out
	if part.t.tooOld == 0 || b.restamped != 0 {
		return
	}
	for i := range b.pieces {
		if now.UnixMilli()-b.pieces[i].e.oldest >= part.t.tooOld.Milliseconds() {
			b.restamped = now.UnixMilli()
			return
		}
	}
}

// stamp is the time that a record gets in this batch whose own is millis, and whether
// that is another.
func (b *batch) stamp(millis int64) (stamped int64, changed bool) {
	if b.restamped == 0 {
		return millis, false
	}
	stamped = min(max(millis, b.restamped-restampSpan.Milliseconds()), b.restamped)
	return stamped, stamped != millis
}

// span works out the earliest and the latest time of the records, and the first one.
func (b *batch) span() {
	begun := false
	note := func(millis int64) {
		at, _ := b.stamp(millis)
		if !begun {
			b.first, b.oldest, b.latest, begun = at, at, at, true
		}
		b.oldest, b.latest = min(b.oldest, at), max(b.latest, at)
	}
	for i := range b.pieces {
		p := &b.pieces[i]
		if p.e.b.Marks == nil {
			note(p.e.millis)
			continue
		}
		for j := p.from; j < p.to; j++ {
			millis, _ := p.e.millisOf(&p.e.b.Spans[j])
			note(millis)
		}
	}
}

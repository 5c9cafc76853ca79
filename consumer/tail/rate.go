package tail

import (
	"fmt"
	"time"

	"logctl/consumer"
)

// rates prints how many records came in each second.
type rates struct {
	due  time.Time
	last time.Time
	seen map[partitionID]uint64
	size uint64 // bytes seen
}

type partitionID struct {
	topic string
	id    int32
}

func newRates() *rates {
	now := time.Now()
	return &rates{due: now.Add(time.Second), last: now, seen: map[partitionID]uint64{}}
}

// rate prints the line of a second when that is over: the rate of all partitions and
// of each that had records.
func (t *tailer) rate(r *consumer.Reader, _ int) error {
	now := time.Now()
	if now.Before(t.rates.due) {
		return nil
	}
	stats := r.Partitions()
	seconds := now.Sub(t.rates.last).Seconds()
	var records, bytes uint64
	var each []byte
	several := len(stats) > 0 && stats[0].Topic != stats[len(stats)-1].Topic
	for _, s := range stats {
		id := partitionID{s.Topic, s.Partition}
		n := s.Records - t.rates.seen[id]
		t.rates.seen[id] = s.Records
		records += n
		bytes += s.Bytes
		if n == 0 {
			continue
		}
		each = append(each, ' ', ' ')
		if several {
			each = append(append(each, s.Topic...), '/')
		}
		each = fmt.Appendf(each, "p%d %s/s", s.Partition, Group(int64(float64(n)/seconds+0.5)))
	}
	rate := float64(records) / seconds
	size := float64(bytes-t.rates.size) / seconds
	t.rates.size = bytes
	t.rates.last = now
	t.rates.due = t.rates.due.Add(time.Second)
	if t.rates.due.Before(now) {
		t.rates.due = now.Add(time.Second)
	}
	t.out = fmt.Appendf(t.out, "%s  %s records/s  %s/s%s\n", now.Format("15:04:05"), Group(int64(rate+0.5)), Bytes(int64(size+0.5)), each)
	return t.flush()
}

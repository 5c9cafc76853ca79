package tail

import (
	"fmt"
	"time"

	"logctl/consumer"
)

// rates counts the records that pass, for a line each second.
type rates struct {
	due  time.Time
	last time.Time
	seen map[partitionID]*int64 // since the last line
	at   partitionID            // the partition of the last record
	n    *int64                 // its count
	size int                    // bytes of keys and values since the last line
}

type partitionID struct {
	topic string
	id    int32
}

func newRates() *rates {
	now := time.Now()
	return &rates{due: now.Add(time.Second), last: now, seen: map[partitionID]*int64{}}
}

// add counts a record.
func (r *rates) add(rec *consumer.Record) {
	if id := (partitionID{rec.Topic, rec.Partition}); r.n == nil || id != r.at {
		if r.at, r.n = id, r.seen[id]; r.n == nil {
			r.n = new(int64)
			r.seen[id] = r.n
		}
	}
	*r.n++
	r.size += len(rec.Key) + len(rec.Value)
}

// rate prints the line of a second when that is over.
func (t *tailer) rate(r *consumer.Reader) error {
	now := time.Now()
	if now.Before(t.rates.due) {
		return nil
	}
	t.out = t.rates.line(t.out, now, r.Partitions())
	return t.flush()
}

// line appends the rate of all partitions since the last line, and of each that had
// records, and begins to count anew.
func (r *rates) line(dst []byte, now time.Time, stats []consumer.PartitionStat) []byte {
	seconds := now.Sub(r.last).Seconds()
	var records int64
	var each []byte
	several := len(stats) > 0 && stats[0].Topic != stats[len(stats)-1].Topic
	for _, s := range stats {
		count := r.seen[partitionID{s.Topic, s.Partition}]
		if count == nil || *count == 0 {
			continue
		}
		n := *count
		*count = 0
		records += n
		each = append(each, ' ', ' ')
		if several {
			each = append(append(each, s.Topic...), '/')
		}
		each = fmt.Appendf(each, "p%d %s/s", s.Partition, Group(int64(float64(n)/seconds+0.5)))
	}
	rate := float64(records) / seconds
	size := float64(r.size) / seconds
	r.size, r.last = 0, now
	r.due = r.due.Add(time.Second)
	if r.due.Before(now) {
		r.due = now.Add(time.Second)
	}
	return fmt.Appendf(dst, "%s  %s records/s  %s/s%s\n", now.Format("15:04:05"), Group(int64(rate+0.5)), Bytes(int64(size+0.5)), each)
}

package tail

import (
	"testing"
	"time"

	"logctl/consumer"
)

// TestRatesOfALine: rates are those of the time that went by since the last line, be that a
// second or more.
func TestRatesOfALine(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	r := newRates()
	r.last, r.due = at, at.Add(time.Second)
	stats := []consumer.PartitionStat{{Topic: "t", Partition: 0}, {Topic: "t", Partition: 1}, {Topic: "t", Partition: 2}}
	count := func(n int) {
		for i := range n {
			r.add(&consumer.Record{Topic: "t", Partition: int32(i % 2), Value: []byte("v")})
		}
	}
	for _, c := range []struct {
		records int
		after   time.Duration
		want    string
	}{
		{10, time.Second, "12:00:01  10 records/s  10 B/s  p0 5/s  p1 5/s\n"},
		{0, time.Second, "12:00:02  0 records/s  0 B/s\n"},
		{10, 2500 * time.Millisecond, "12:00:04  4 records/s  4 B/s  p0 2/s  p1 2/s\n"},
	} {
		count(c.records)
		at = at.Add(c.after)
		if got := string(r.line(nil, at, stats)); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if !r.due.After(at) {
			t.Errorf("the next line is due at %v, which is past %v", r.due, at)
		}
	}
}

package tail

import (
	"fmt"
	"strings"
	"time"

	"logctl/consumer"
)

// summary prints the one line at the end.
func (t *tailer) summary(stats []consumer.PartitionStat, throttled time.Duration, idle bool) {
	if t.cfg.Quiet {
		return
	}
	took := time.Since(t.began)
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", plural(t.shown, "record", "records"), Bytes(t.bytes))
	if t.passed > 0 {
		fmt.Fprintf(&b, " (%s filtered out)", Group(t.passed))
	}
	if t.failed.count > 0 {
		fmt.Fprintf(&b, " (%s not decoded)", Group(t.failed.count))
	}
	fmt.Fprintf(&b, " from %s in %s", plural(int64(len(stats)), "partition", "partitions"), took.Round(time.Millisecond))
	if s := took.Seconds(); t.shown >= 1000 && s > 0 {
		fmt.Fprintf(&b, ", %s records/s", Group(int64(float64(t.shown)/s)))
	}
	if throttled >= time.Second {
		fmt.Fprintf(&b, ", %v of it held up by quotas", throttled.Round(100*time.Millisecond))
	}
	if ends := positions(stats); ends != "" {
		b.WriteString("; next ")
		b.WriteString(ends)
	}
	t.say("%s", b.String())
	if idle {
		return // they are errors
	}
	for _, err := range unfinished(stats, func(s *consumer.PartitionStat) bool { return !s.Done }) { // given up: an error, told at the end
		t.say("%v", err)
	}
}

// unfinished is the errors of the partitions that are chosen, those of a topic with
// the same error in one.
func unfinished(stats []consumer.PartitionStat, chosen func(*consumer.PartitionStat) bool) []error {
	type group struct{ topic, text string }
	var order []group
	ids, causes := map[group][]int32{}, map[group]error{}
	for i := range stats {
		s := &stats[i]
		if s.Err == nil || !chosen(s) {
			continue
		}
		g := group{s.Topic, s.Err.Error()}
		if ids[g] == nil {
			order, causes[g] = append(order, g), s.Err
		}
		ids[g] = append(ids[g], s.Partition)
	}
	out := make([]error, 0, len(order))
	for _, g := range order {
		end := "was not read to its end"
		if len(ids[g]) > 1 {
			end = "were not read to their ends"
		}
		out = append(out, fmt.Errorf("%s of %s %s: %w", consumer.PartitionNames(ids[g]), g.topic, end, causes[g]))
	}
	return out
}

// maxPositions is how many partitions the summary names.
const maxPositions = 16

// positions returns the next offset of each partition, in the form that --from reads.
func positions(stats []consumer.PartitionStat) string {
	var b strings.Builder
	topic := ""
	several := len(stats) > 0 && stats[0].Topic != stats[len(stats)-1].Topic
	for i, s := range stats {
		if i == maxPositions {
			fmt.Fprintf(&b, ",… (%d more)", len(stats)-i)
			break
		}
		if s.Next < 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if several && s.Topic != topic {
			if topic != "" {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s: ", s.Topic)
		}
		topic = s.Topic
		fmt.Fprintf(&b, "%d=%d", s.Partition, s.Next)
	}
	return b.String()
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Group(n) + " " + many
}

// Group writes a number with commas between the thousands.
func Group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes writes a number of bytes with a decimal unit.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		if f /= 1000; f < 999.5 {
			return fmt.Sprintf("%.3g %s", f, unit)
		}
	}
	return fmt.Sprintf("%.0f TB", f)
}

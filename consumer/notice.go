package consumer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// said is a notice that waits to be told.
type said struct {
	Notice
	many string // how the text goes on behind the names of several partitions; "" for a text of its own
}

// sayings is what a section that held Reader.mu wants told. Whoever released the
// lock passes them on.
type sayings []said

// add notes a notice.
func (s *sayings) add(n Notice) { *s = append(*s, said{Notice: n}) }

// about notes a notice about a partition, whose text goes on behind its name as one
// says. Those of partitions of one topic with the same many are told in one line.
func (s *sayings) about(kind NoticeKind, p *partition, one, many string) {
	*s = append(*s, aboutOne(kind, p.topicPartition, one, many))
}

func aboutOne(kind NoticeKind, tp topicPartition, one, many string) said {
	return said{
		Notice: Notice{Kind: kind, Topic: tp.topic, Partition: tp.id, Text: fmt.Sprintf("partition %d of %s%s", tp.id, tp.topic, one)},
		many:   many,
	}
}

// tell passes a notice on now; the caller does not hold r.mu.
func (r *Reader) tell(n Notice) {
	r.sayMu.Lock()
	defer r.sayMu.Unlock()
	r.cfg.Notify(n)
}

// locked runs a section with r.mu held and then passes on what it returns.
func (r *Reader) locked(section func() sayings) {
	r.mu.Lock()
	list := section()
	r.mu.Unlock()
	r.pass(list)
}

// pass tells notices; the caller does not hold r.mu.
func (r *Reader) pass(list sayings) {
	for _, n := range gather(list) {
		r.tell(n)
	}
}

// gather makes one notice of those that say the same of partitions of one topic: 200
// of them that lose their leader are one line.
func gather(list sayings) []Notice {
	type group struct {
		kind        NoticeKind
		topic, many string
	}
	ids := map[group][]int32{}
	for _, s := range list {
		if s.many != "" {
			g := group{s.Kind, s.Topic, s.many}
			ids[g] = append(ids[g], s.Partition)
		}
	}
	out := make([]Notice, 0, len(list))
	for _, s := range list {
		if s.many != "" {
			g := group{s.Kind, s.Topic, s.many}
			of := ids[g]
			if delete(ids, g); len(of) == 0 {
				continue // told with the first of them
			}
			if len(of) > 1 {
				s.Partition, s.Text = -1, fmt.Sprintf("%s of %s%s", PartitionNames(of), s.Topic, s.many)
			}
		}
		out = append(out, s.Notice)
	}
	return out
}

// PartitionNames names partitions in words: "partition 3", or "partitions 0-5,9" with
// the numbers as ParsePartitions reads them.
func PartitionNames(ids []int32) string {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var b strings.Builder
	b.WriteString("partition")
	if len(ids) != 1 {
		b.WriteByte('s')
	}
	sep := byte(' ')
	for i := 0; i < len(ids); {
		end := i
		for end+1 < len(ids) && ids[end+1] == ids[end]+1 {
			end++
		}
		b.WriteByte(sep)
		sep = ','
		b.WriteString(strconv.Itoa(int(ids[i])))
		if end > i {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(ids[end])))
		}
		i = end + 1
	}
	return b.String()
}

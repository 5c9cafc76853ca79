package tui

import (
	"fmt"
	"strconv"
	"strings"

	"logctl/internal/kafka"
)

// underReplicated counts the partitions with fewer in-sync replicas than
// replicas, and those without a leader.
func underReplicated(t *kafka.Topic) (under, leaderless int) {
	for _, p := range t.Partitions {
		if len(p.ISR) < len(p.Replicas) {
			under++
		}
		if p.Leader < 0 {
			leaderless++
		}
	}
	return under, leaderless
}

func (s *topicsScreen) cells(i int) []cell {
	st, t := s.env.styles, s.rows[i]
	value := st.plain
	if s.env.internal(t) || s.env.topics.err != "" {
		value = st.dim
	}
	replicas := 0
	for _, p := range t.Partitions {
		replicas = max(replicas, len(p.Replicas))
	}
	health, paint := "● ok", st.good
	if n, none := underReplicated(t); none > 0 {
		health, paint = fmt.Sprintf("✗ %d without leader", none), st.bad
	} else if n > 0 {
		health, paint = fmt.Sprintf("✗ %d under-replicated", n), st.bad
	}
	records, end, size, by := "", "", "", ""
	if n := kept(t); n >= 0 {
		records = humanCount(float64(n))
	}
	if n := newestSum(t); n >= 0 {
		end = strconv.FormatInt(n, 10)
	}
	if t.Bytes >= 0 {
		size = humanBytes(float64(t.Bytes))
	}
	entries := 0
	for k := range s.env.view.entries {
		if s.env.view.entries[k].entry.Topic == t.Name {
			entries++
		}
	}
	if entries > 0 {
		by = itoa(entries)
	}
	return []cell{
		{text: clean(t.Name), paint: value}, {text: itoa(len(t.Partitions)), paint: value}, {text: itoa(replicas), paint: value}, {text: health, paint: paint}, {text: records, paint: value},
		{text: end, paint: value}, {text: humanCount(s.env.topics.rates[t.Name]), paint: value}, {text: size, paint: value}, {text: by, paint: value},
	}
}

// newPartitionsScreen shows the partitions of a topic as they are now.
func newPartitionsScreen(e *env, t *kafka.Topic) *textScreen {
	st := e.styles
	s := &textScreen{env: e, name: t.Name, parent: actTopics, actions: textKeys(), head: "The partitions of " + clean(t.Name) + " as of " + e.topics.good.Format("15:04:05")}
	s.lines = append(s.lines, "  "+st.head.apply(fitRight("PART", 5)+fitRight("LEADER", 8)+"  "+fit("REPLICAS", 16)+fit("IN SYNC", 16)+fitRight("OLDEST", 14)+fitRight("NEWEST", 14)))
	offset := func(n int64) string {
		if n < 0 {
			return "-"
		}
		return strconv.FormatInt(n, 10)
	}
	for _, p := range t.Partitions {
		line := fitRight(itoa(int(p.ID)), 5) + fitRight(itoa(int(p.Leader)), 8) + "  " + fit(ids(p.Replicas), 16) + fit(ids(p.ISR), 16) +
			fitRight(offset(p.Oldest), 14) + fitRight(offset(p.Newest), 14)
		switch {
		case p.Err != nil:
			line += "  " + st.bad.apply("✗ "+clean(p.Err.Error()))
		case len(p.ISR) < len(p.Replicas):
			line += "  " + st.bad.apply("✗ under-replicated")
		}
		s.lines = append(s.lines, "  "+line)
	}
	return s
}

func ids(list []int32) string {
	parts := make([]string, 0, len(list))
	for _, n := range list {
		parts = append(parts, itoa(int(n)))
	}
	return strings.Join(parts, ",")
}

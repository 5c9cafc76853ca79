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
	s := &textScreen{env: e, name: t.Name, parent: actTopics, actions: textKeys(), head: "The partitions of " + clean(t.Name) + " as of " + e.stamp(e.topics.good)}
	s.lines = partitionLines(e.styles, t)
	return s
}

// partitionLines are a head line and one for each partition, in columns no wider than
// what stands in them, so that the trouble at the end is seen on a narrow screen too.
func partitionLines(st *styles, t *kafka.Topic) []string {
	offset := func(n int64) string {
		if n < 0 {
			return "-"
		}
		return strconv.FormatInt(n, 10)
	}
	rows := [][]string{{"PART", "LEADER", "OLDEST", "NEWEST", "REPLICAS", "IN SYNC"}}
	var wrong []string
	for _, p := range t.Partitions {
		leader, trouble := itoa(int(p.Leader)), ""
		switch {
		case p.Err != nil:
			trouble = clean(p.Err.Error())
		case p.Leader < 0:
			leader, trouble = "none", "without leader"
		case len(p.ISR) < len(p.Replicas):
			trouble = "under-replicated"
		}
		rows = append(rows, []string{itoa(int(p.ID)), leader, offset(p.Oldest), offset(p.Newest), ids(p.Replicas), ids(p.ISR)})
		wrong = append(wrong, trouble)
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for c, x := range r {
			widths[c] = max(widths[c], cells(x))
		}
	}
	out := make([]string, 0, len(rows))
	for i, r := range rows {
		line := ""
		for c, x := range r {
			if c < 4 {
				line += "  " + fitRight(x, widths[c])
			} else {
				line += "  " + fit(x, widths[c])
			}
		}
		switch {
		case i == 0:
			line = st.head.apply(strings.TrimRight(line, " "))
		case wrong[i-1] != "":
			line += "  " + st.bad.apply("✗ "+wrong[i-1])
		}
		out = append(out, line)
	}
	return out
}

func ids(list []int32) string {
	parts := make([]string, 0, len(list))
	for _, n := range list {
		parts = append(parts, itoa(int(n)))
	}
	return strings.Join(parts, ",")
}

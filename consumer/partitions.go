package consumer

import (
	"fmt"
	"strconv"
	"strings"
)

// Partitions is a choice of partitions. The zero value is all of them.
type Partitions struct {
	ranges [][2]int32 // inclusive
}

// ParsePartitions reads a list like "0,2,4-7". "" and "all" are all partitions.
func ParsePartitions(s string) (Partitions, error) {
	var p Partitions
	s = strings.TrimSpace(s)
	if s == "" || s == "all" || s == "*" {
		return p, nil
	}
	for item := range strings.SplitSeq(s, ",") {
		r, err := parseRange(strings.TrimSpace(item))
		if err != nil {
			return Partitions{}, fmt.Errorf("partitions %q: %w", s, err)
		}
		p.ranges = append(p.ranges, r)
	}
	return p, nil
}

// parseRange reads "4" or "4-7".
func parseRange(s string) ([2]int32, error) {
	lo, hi, isRange := strings.Cut(s, "-")
	a, err := strconv.ParseInt(lo, 10, 32)
	if err != nil || a < 0 {
		return [2]int32{}, fmt.Errorf("%q is no partition number or range; write 0,2,4-7", s)
	}
	b := a
	if isRange {
		b, err = strconv.ParseInt(hi, 10, 32)
		if err != nil || b < a {
			return [2]int32{}, fmt.Errorf("%q is no range of partitions; write 0,2,4-7", s)
		}
	}
	return [2]int32{int32(a), int32(b)}, nil
}

// All reports whether no partition is left out.
func (p Partitions) All() bool { return len(p.ranges) == 0 }

// Has reports whether partition id is chosen.
func (p Partitions) Has(id int32) bool {
	if p.All() {
		return true
	}
	for _, r := range p.ranges {
		if r[0] <= id && id <= r[1] {
			return true
		}
	}
	return false
}

// missing returns the first chosen partition that a topic of n partitions does not
// have, or -1.
func (p Partitions) missing(n int) int32 {
	for _, r := range p.ranges {
		if int(r[0]) >= n {
			return r[0]
		}
		if int(r[1]) >= n {
			return max(r[0], int32(n))
		}
	}
	return -1
}

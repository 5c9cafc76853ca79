package consumer

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// GrammarHelp describes the forms that ParseFrom and ParseTo read, for help texts.
const GrammarHelp = `newest | end       behind the last record
oldest             the first record
oldest-local       the first record on the brokers' own disks (tiered storage)
12345              that offset
-100               100 offsets before newest, in each partition
+100               100 offsets after oldest (--to: after the start)
-15m -2h30m -1d    that long ago
2026-11-22T10:00   that time, local unless it has a zone: RFC 3339, 2026-11-22,
                   "2026-11-22 10:00:05", 10:00 (today), yesterday, 22/Nov/2026:10:00:05 +0000
@1764000000000     Unix time in milliseconds (ten digits: seconds)
0=120,3=-5         per partition; 0-3=oldest and a plain form for all others are allowed`

// places is a point for each partition.
type places struct {
	set   bool     // a value was given
	notes []string // what was chosen where a local time is ambiguous
	all   point
	rest  bool // all was given, or else is the default
	parts []partPoint
}

type partPoint struct {
	lo, hi int32
	point  point
}

func parsePlaces(s string, c clock) (places, error) {
	p := places{set: true}
	c.note = func(text string) {
		if !slices.Contains(p.notes, text) {
			p.notes = append(p.notes, text)
		}
	}
	for item := range strings.SplitSeq(s, ",") {
		left, right, per := strings.Cut(item, "=")
		if !per {
			right = left
		}
		pt, err := parsePoint(right, c)
		if err != nil {
			return places{}, err
		}
		left = strings.TrimSpace(left)
		if !per || left == "*" || left == "all" {
			if p.rest {
				return places{}, fmt.Errorf("two values for all partitions: %s and %s", p.all, pt)
			}
			p.all, p.rest = pt, true
			continue
		}
		r, err := parseRange(left)
		if err != nil {
			return places{}, err
		}
		p.parts = append(p.parts, partPoint{lo: r[0], hi: r[1], point: pt})
	}
	return p, nil
}

// at returns the point of a partition, and whether one was given for it.
func (p places) at(id int32) (point, bool) {
	for i := len(p.parts) - 1; i >= 0; i-- {
		if pp := p.parts[i]; pp.lo <= id && id <= pp.hi {
			return pp.point, true
		}
	}
	return p.all, p.rest
}

func (p places) String() string {
	var b strings.Builder
	if p.rest || len(p.parts) == 0 {
		b.WriteString(p.all.String())
	}
	for _, pp := range p.parts {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if pp.lo == pp.hi {
			fmt.Fprintf(&b, "%d=%s", pp.lo, pp.point)
		} else {
			fmt.Fprintf(&b, "%d-%d=%s", pp.lo, pp.hi, pp.point)
		}
	}
	return b.String()
}

// From is where a read starts in each partition. The zero value is newest.
// Partitions that a From does not name start at newest.
type From struct{ p places }

// To is where a read ends in each partition: the first record that is not read any
// more. The zero value is no end. Partitions that a To does not name have none.
type To struct{ p places }

// ParseFrom reads a start, with local times in the zone of the machine; see
// GrammarHelp for the forms.
func ParseFrom(s string) (From, error) { return ParseFromAt(s, time.Now(), time.Local) }

// ParseFromAt is ParseFrom with the time that counts as now and the zone of times
// that name none.
func ParseFromAt(s string, now time.Time, loc *time.Location) (From, error) {
	if s == "" {
		return From{}, nil
	}
	p, err := parsePlaces(s, clock{now: now, loc: loc})
	if err != nil {
		return From{}, fmt.Errorf("start: %w", err)
	}
	return From{p}, nil
}

// ParseTo reads an end, like ParseFrom.
func ParseTo(s string) (To, error) { return ParseToAt(s, time.Now(), time.Local) }

// ParseToAt is ParseTo with the time that counts as now and the zone of times that
// name none.
func ParseToAt(s string, now time.Time, loc *time.Location) (To, error) {
	if s == "" {
		return To{}, nil
	}
	p, err := parsePlaces(s, clock{now: now, loc: loc, later: true})
	if err != nil {
		return To{}, fmt.Errorf("end: %w", err)
	}
	return To{p}, nil
}

// Newest starts behind the last record.
func Newest() From { return From{places{set: true, rest: true}} }

// Oldest starts at the first record.
func Oldest() From { return From{places{set: true, rest: true, all: point{kind: pointOldest}}} }

// Last starts n offsets before the end of each partition.
func Last(n int64) From {
	return From{places{set: true, rest: true, all: point{kind: pointBack, n: n}}}
}

// FromTime starts at the first record of each partition that is not older than t.
func FromTime(t time.Time) From {
	return From{places{set: true, rest: true, all: point{kind: pointTime, t: t}}}
}

// IsTime reports whether all partitions start at one time.
func (f From) IsTime() bool { return f.p.rest && f.p.all.kind == pointTime }

// String writes the start as ParseFrom reads it.
func (f From) String() string { return f.p.String() }

// String writes the end as ParseTo reads it; "" when there is none.
func (t To) String() string {
	if !t.p.set {
		return ""
	}
	return t.p.String()
}

// Notes says what was chosen where a local time of the start was twice, or was not at
// all, because clocks were put back or forward.
func (f From) Notes() []string { return f.p.notes }

// Notes is like From.Notes.
func (t To) Notes() []string { return t.p.notes }

// IsZero reports whether there is no end.
func (t To) IsZero() bool { return !t.p.set }

package consumer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pointKind says what a point counts from.
type pointKind uint8

const (
	pointNewest      pointKind = iota // behind the last record; the zero value
	pointOldest                       // at the first record
	pointOldestLocal                  // at the first record that is on the leader's own disk
	pointOffset                       // n
	pointBack                         // n offsets before newest
	pointAhead                        // n offsets behind oldest (of --to: behind the start)
	pointTime                         // the first record at or after t
)

// point is one place in a partition, before it is known which offset that is.
type point struct {
	kind pointKind
	n    int64
	t    time.Time
}

// String writes the point so that parsePoint reads the same point.
func (p point) String() string {
	switch p.kind {
	case pointOldest:
		return "oldest"
	case pointOldestLocal:
		return "oldest-local"
	case pointOffset:
		return strconv.FormatInt(p.n, 10)
	case pointBack:
		return "-" + strconv.FormatInt(p.n, 10)
	case pointAhead:
		return "+" + strconv.FormatInt(p.n, 10)
	case pointTime:
		return p.t.Format(time.RFC3339Nano)
	default:
		return "newest"
	}
}

// parsePoint reads one place: a word, a count, an offset or a time.
func parsePoint(s string, c clock) (point, error) {
	s = strings.TrimSpace(s)
	switch strings.ToLower(s) {
	case "":
		return point{}, errors.New("empty; write newest, oldest, -N, +N, an offset or a time")
	case "newest", "latest", "end":
		return point{kind: pointNewest}, nil
	case "oldest", "earliest", "beginning", "start":
		return point{kind: pointOldest}, nil
	case "oldest-local", "earliest-local":
		return point{kind: pointOldestLocal}, nil
	case "now":
		return point{kind: pointTime, t: c.now}, nil
	case "today":
		return point{kind: pointTime, t: c.midnight(0)}, nil
	case "yesterday":
		return point{kind: pointTime, t: c.midnight(-1)}, nil
	}
	if digits(s) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return point{}, fmt.Errorf("offset %s is too large", s)
		}
		return point{kind: pointOffset, n: n}, nil
	}
	switch s[0] {
	case '-', '+':
		return parseRelative(s, c)
	case '@':
		return parseAt(s[1:], c)
	}
	t, err := parseTime(s, c)
	if err != nil {
		return point{}, err
	}
	return pointAt(t)
}

// pointAt returns the point of an instant. Its year has four digits wherever the instant
// is shown: a time that could not be written could not be read again either.
func pointAt(t time.Time) (point, error) {
	const day = 24 * time.Hour
	if t.UTC().Add(-day).Year() < 0 || t.UTC().Add(day).Year() > 9999 {
		return point{}, fmt.Errorf("the time %s is not in the years 0 to 9999", t.Format(time.RFC3339Nano))
	}
	return point{kind: pointTime, t: t}, nil
}

// parseRelative reads -N, +N, -15m and +15m.
func parseRelative(s string, c clock) (point, error) {
	rest := s[1:]
	if digits(rest) {
		n, err := strconv.ParseInt(rest, 10, 64)
		if err != nil {
			return point{}, fmt.Errorf("count %s is too large", s)
		}
		if s[0] == '-' {
			return point{kind: pointBack, n: n}, nil
		}
		return point{kind: pointAhead, n: n}, nil
	}
	d, err := parseDuration(rest)
	if err != nil {
		return point{}, fmt.Errorf("%q is neither a count nor a duration; write -100 or -15m", s)
	}
	if s[0] == '-' {
		d = -d
	}
	return pointAt(c.now.Add(d))
}

// parseAt reads what follows an @: a Unix time in milliseconds (in seconds when it
// has at most ten digits), or any other form of time.
func parseAt(s string, c clock) (point, error) {
	if !digits(s) {
		p, err := parsePoint(s, c)
		if err == nil && p.kind != pointTime {
			err = fmt.Errorf("@%s is no time; write @1764000000000 (milliseconds) or a date", s)
		}
		return p, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	const most = 1e15 // beyond the year 9999, and far from the end of what a time.Time holds
	if err != nil || n >= most {
		return point{}, fmt.Errorf("time @%s is too large", s)
	}
	if len(s) <= 10 {
		n *= 1000
	}
	return pointAt(time.UnixMilli(n).In(c.loc))
}

// longest bounds each part of a duration: weeks, days and the rest, so that their sum is one.
const longest = 90 * 365 * 24 * time.Hour

// parseDuration reads a Go duration that may start with days or weeks: 15m, 2h30m,
// 1d, 1w2d.
func parseDuration(s string) (time.Duration, error) {
	var total time.Duration
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, tail, found := strings.Cut(s, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(head, 10, 16)
		if err != nil || n > uint64(longest/unit.length) {
			return 0, fmt.Errorf("duration %q is longer than 90 years", s)
		}
		total += time.Duration(n) * unit.length
		if s = tail; s == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || s[0] == '-' || s[0] == '+' {
		return 0, fmt.Errorf("duration %q is not like 15m, 2h30m or 1d", s)
	}
	if d > longest {
		return 0, fmt.Errorf("duration %q is longer than 90 years", s)
	}
	return total + d, nil
}

// parseTime reads a date, a time of today, or both, with or without a zone. Without
// one the zone of the clock counts.
func parseTime(s string, c clock) (time.Time, error) {
	if s[len(s)-1] == 'z' {
		s = s[:len(s)-1] + "Z"
	}
	for _, day := range []string{"2006-01-02", "2006/01/02", "2006.01.02"} {
		for _, sep := range []string{"T", " ", "t"} {
			for _, hour := range []string{"15:04:05", "15:04"} {
				for _, zone := range []string{"", "Z07:00", " Z07:00", "Z0700", " Z0700", "Z07"} {
					if t, err := c.parse(day+sep+hour+zone, s); err == nil {
						return t, nil
					}
				}
			}
		}
		if t, err := c.parse(day, s); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{
		"02/Jan/2006:15:04:05 -0700", // access logs
		"02/Jan/2006:15:04:05",
		"2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006",
		"Jan 2 2006 15:04:05", "Jan 2 2006",
		"20060102T150405Z07:00", "20060102T150405",
	} {
		if t, err := c.parse(layout, s); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := c.now.In(c.loc).Date()
			return c.wall(time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)), nil
		}
	}
	for _, layout := range []string{"Jan 2 15:04:05", "Jan 2 15:04"} { // syslog: this year's, or last year's
		if t, err := time.Parse(layout, s); err == nil {
			quiet := c
			quiet.note = nil
			t = t.AddDate(c.now.In(c.loc).Year(), 0, 0)
			if quiet.wall(t).After(c.now.AddDate(0, 0, 1)) {
				t = t.AddDate(-1, 0, 0)
			}
			return c.wall(t), nil
		}
	}
	return time.Time{}, fmt.Errorf(
		"%q is not understood; write newest, oldest, -100, +100, 12345, 2026-11-22T10:00, 10:00, -15m or @1764000000000", s)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

package consumer

import (
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit/ceiling"
)

func testClock(t testing.TB) clock {
	t.Helper()
	loc := time.FixedZone("here", 8*3600)
	return clock{now: time.Date(2026, 11, 22, 18, 30, 0, 0, loc), loc: loc}
}

func TestParsePoint(t *testing.T) {
	c := testClock(t)
	at := func(s string) point {
		tm, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return point{kind: pointTime, t: tm}
	}
	for in, want := range map[string]point{
		"newest": {}, "latest": {}, "end": {}, "END": {},
		"oldest": {kind: pointOldest}, "oldest-local": {kind: pointOldestLocal}, "earliest": {kind: pointOldest}, "beginning": {kind: pointOldest}, "start": {kind: pointOldest},
		"0": {kind: pointOffset}, "12345": {kind: pointOffset, n: 12345}, " 7 ": {kind: pointOffset, n: 7},
		"9223372036854775807": {kind: pointOffset, n: 1<<63 - 1},
		"-100":                {kind: pointBack, n: 100}, "+100": {kind: pointAhead, n: 100}, "-0": {kind: pointBack},
		"-15m":                           at("2026-11-22T18:15:00+08:00"),
		"-2h30m":                         at("2026-11-22T16:00:00+08:00"),
		"-1d":                            at("2026-11-21T18:30:00+08:00"),
		"-1w2d12h":                       at("2026-11-13T06:30:00+08:00"),
		"-1.5s":                          at("2026-11-22T18:29:58.5+08:00"),
		"+10m":                           at("2026-11-22T18:40:00+08:00"),
		"now":                            at("2026-11-22T18:30:00+08:00"),
		"today":                          at("2026-11-22T00:00:00+08:00"),
		"Yesterday":                      at("2026-11-21T00:00:00+08:00"),
		"2026-11-22":                     at("2026-11-22T00:00:00+08:00"),
		"2026/11/22":                     at("2026-11-22T00:00:00+08:00"),
		"2026-11-22T10:00":               at("2026-11-22T10:00:00+08:00"),
		"2026-11-22 10:00":               at("2026-11-22T10:00:00+08:00"),
		"2026-11-22 10:00:05.25":         at("2026-11-22T10:00:05.25+08:00"),
		"2026-11-22T10:00:05Z":           at("2026-11-22T10:00:05Z"),
		"2026-11-22t10:00:05z":           at("2026-11-22T10:00:05Z"),
		"2026-11-22T10:00:05.123456789Z": at("2026-11-22T10:00:05.123456789Z"),
		"2026-11-22T10:00:05+01:00":      at("2026-11-22T10:00:05+01:00"),
		"2026-11-22T10:00Z":              at("2026-11-22T10:00:00Z"),
		"2026-11-22 10:00:05 +0100":      at("2026-11-22T10:00:05+01:00"),
		"22/Nov/2026:10:00:05 +0000":     at("2026-11-22T10:00:05Z"),
		"22 Nov 2026 10:00":              at("2026-11-22T10:00:00+08:00"),
		"20261122T100005Z":               at("2026-11-22T10:00:05Z"),
		"10:00":                          at("2026-11-22T10:00:00+08:00"),
		"10:00:05.5":                     at("2026-11-22T10:00:05.5+08:00"),
		"Nov 21 10:00:05":                at("2026-11-21T10:00:05+08:00"),
		"Dec 24 10:00:05":                at("2025-12-24T10:00:05+08:00"),
		"@1764000000000":                 at("2025-11-24T16:00:00Z"),
		"@1764000000":                    at("2025-11-24T16:00:00Z"),
		"@-15m":                          at("2026-11-22T18:15:00+08:00"),
		"@2026-11-22":                    at("2026-11-22T00:00:00+08:00"),
	} {
		got, err := parsePoint(in, c)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got.kind != want.kind || got.n != want.n || !got.t.Equal(want.t) {
			t.Errorf("%q is %v (%d), want %v (%d)", in, got, got.kind, want, want.kind)
		}
	}
}

func TestParsePointRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "-", "+", "@", "abc", "-abc", "1.5", "0x10", "--5", "2026-13-01", "25:00", "@newest", "@-5",
		"99999999999999999999", "-99999999999999999999", "-5x", "-1d-2h", "10:00:61", "١٢",
	} {
		if p, err := parsePoint(in, testClock(t)); err == nil {
			t.Errorf("%q is taken for %v", in, p)
		}
	}
}

func TestParsePlaces(t *testing.T) {
	now := testClock(t).now
	for in, want := range map[string]map[int32]string{
		"":                 {0: "newest", 7: "newest"},
		"oldest":           {0: "oldest", 7: "oldest"},
		"0=120,3=-5":       {0: "120", 1: "newest", 3: "-5"},
		"oldest,2=7":       {0: "oldest", 2: "7"},
		"2=7,oldest":       {0: "oldest", 2: "7"},
		"*=oldest, 2=+3":   {0: "oldest", 2: "+3"},
		"0-3=oldest,2=5":   {0: "oldest", 2: "5", 3: "oldest", 4: "newest"},
		"all=end,1=oldest": {0: "newest", 1: "oldest"},
	} {
		f, err := ParseFromAt(in, now, time.UTC)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		for id, w := range want {
			if got, _ := f.p.at(id); got.String() != w {
				t.Errorf("%q: partition %d starts at %s, want %s", in, id, got, w)
			}
		}
		again, err := ParseFromAt(f.String(), now, time.UTC)
		if err != nil || again.String() != f.String() {
			t.Errorf("%q is written as %q and read as %q, %v", in, f, again, err)
		}
	}
	for _, in := range []string{"oldest,newest", "x=5", "0=", "-1=5", "3-1=5", "0=5;1=6", ","} {
		if f, err := ParseFromAt(in, now, time.UTC); err == nil {
			t.Errorf("%q is taken for %s", in, f)
		}
	}
	if to, err := ParseTo(""); err != nil || !to.IsZero() {
		t.Errorf("an empty end is %v, %v", to, err)
	}
}

func TestParsePartitions(t *testing.T) {
	p, err := ParsePartitions("0,2, 4-7")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int32]bool{0: true, 1: false, 2: true, 3: false, 4: true, 7: true, 8: false} {
		if p.Has(id) != want {
			t.Errorf("partition %d: %v", id, !want)
		}
	}
	if p, err := ParsePartitions("all"); err != nil || !p.All() || !p.Has(99) {
		t.Errorf("all is %v, %v", p, err)
	}
	if got := p.missing(6); got != 6 {
		t.Errorf("of 6 partitions %d is missing, want 6", got)
	}
	for _, in := range []string{"x", "1,", "-1", "3-1", "1-", "1.5", "99999999999"} {
		if _, err := ParsePartitions(in); err == nil || !strings.Contains(err.Error(), "partition") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// TestFarPlaces: a time that could not be written as it is read, and a duration beyond
// what a sum of them holds, are refused.
func TestFarPlaces(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"@700000000000000":          "0 to 9999",
		"@9999999999999999":         "too large",
		"9999-12-31T23:59:59-12:00": "0 to 9999",
		"0000-01-01T00:00:00+14:00": "0 to 9999",
		"-60000w":                   "neither a count nor a duration",
		"-2000000h":                 "neither a count nor a duration",
	} {
		if f, err := ParseFromAt(in, now, time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is taken for %v, %v; want an error with %q", in, f, err, want)
		}
	}
	for _, in := range []string{"@250000000000000", "9999-12-30T00:00Z", "0000-01-02T12:00Z", "-4000w30000d700000h"} {
		f, err := ParseFromAt(in, now, time.UTC)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if again, err := ParseFromAt(f.String(), now, time.UTC); err != nil || again.String() != f.String() {
			t.Errorf("%q is written as %q and read as %v, %v", in, f, again, err)
		}
	}
}

func FuzzParsePlaces(f *testing.F) {
	for _, s := range []string{"newest", "0=120,3=-5", "-15m", "2026-11-22T10:00", "@1764000000000", "*=oldest,1-3=+7", "22/Nov/2026:10:00:05 +0000", "@700000000000000", "-60000w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ceiling.Within(t, 128<<20, func() {
			p, err := parsePlaces(s, testClock(t))
			if err != nil {
				return
			}
			again, err := parsePlaces(p.String(), testClock(t))
			if err != nil {
				t.Fatalf("%q is written as %q, which is refused: %v", s, p, err)
			}
			for id := range int32(8) {
				a, _ := p.at(id)
				b, _ := again.at(id)
				if a.kind != b.kind || a.n != b.n || !a.t.Equal(b.t) {
					t.Fatalf("%q: partition %d is %v and, read again, %v", s, id, a, b)
				}
			}
		})
	})
}

// Where clocks were put back a start takes the earlier of two instants and an end the
// later; where they were put forward, both take the first that there is. It is told.
func TestTimesAroundAChangeOfClocks(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("this system has no time zones, and Go none of its own:", err)
	}
	now := time.Date(2026, 11, 22, 18, 30, 0, 0, loc)
	for _, tc := range []struct {
		in, from, to string
		told         bool
	}{
		{"2026-10-25T02:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", true},
		{"2026-10-25T01:59:59", "2026-10-24T23:59:59Z", "2026-10-24T23:59:59Z", false},
		{"2026-10-25T03:00", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z", false},
		{"2026-10-25T02:30+01:00", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z", false},
		{"2026-10-25T02:30+00:00", "2026-10-25T02:30:00Z", "2026-10-25T02:30:00Z", false},
		{"2026-03-29 02:30", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", true},
		{"2026-03-29 01:59", "2026-03-29T00:59:00Z", "2026-03-29T00:59:00Z", false},
		{"2026-03-29 03:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", false},
		{"Oct 25 02:30:00", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", true},
		{"10:00", "2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z", false},
		{"yesterday", "2026-11-20T23:00:00Z", "2026-11-20T23:00:00Z", false},
	} {
		from, err := ParseFromAt(tc.in, now, loc)
		if err != nil {
			t.Fatal(err)
		}
		to, err := ParseToAt(tc.in, now, loc)
		if err != nil {
			t.Fatal(err)
		}
		if got := from.p.all.t.UTC().Format(time.RFC3339); got != tc.from {
			t.Errorf("--from %s is %s, want %s", tc.in, got, tc.from)
		}
		if got := to.p.all.t.UTC().Format(time.RFC3339); got != tc.to {
			t.Errorf("--to %s is %s, want %s", tc.in, got, tc.to)
		}
		if told := len(from.Notes()) == 1 && len(to.Notes()) == 1; told != tc.told || len(from.Notes()) > 1 {
			t.Errorf("%s: told %q and %q", tc.in, from.Notes(), to.Notes())
		}
	}
}

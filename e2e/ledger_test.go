package e2e

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger writes numbered lines and knows what was written. A line is
// "<lane> <number> <padding>", so that a reader of the topics can tell each line's
// lane and place. A lane is what must keep its order: the lines of one watched path.
type ledger struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

type lane struct {
	name string
	next int // number of the next line
	buf  []byte
}

func newLedger() *ledger { return &ledger{lanes: map[string]*lane{}} }

// lines makes the next n lines of a lane.
func (l *ledger) lines(name string, n int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	la := l.lanes[name]
	if la == nil {
		la = &lane{name: name}
		l.lanes[name] = la
	}
	la.buf = la.buf[:0]
	for range n {
		la.buf = appendLine(la.buf, name, la.next)
		la.next++
	}
	return bytes.Clone(la.buf)
}

// appendLine is one line: 60 to 120 bytes, as access logs have.
func appendLine(b []byte, lane string, n int) []byte {
	b = append(b, lane...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, ' ')
	for i := range 40 + n%60 {
		b = append(b, 'a'+byte((n+i)%26))
	}
	return append(b, '\n')
}

// written is the number of lines of all lanes.
func (l *ledger) written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, la := range l.lanes {
		n += la.next
	}
	return n
}

// verdict says what arrived of what was written.
type verdict struct {
	Written    int `json:"written"`
	Lost       int `json:"lost"`
	Duplicated int `json:"duplicated"`
	Garbled    int `json:"garbled"`
	Reordered  int `json:"reordered"`
}

func (v verdict) String() string {
	return fmt.Sprintf("written %d, lost %d, duplicated %d, garbled %d, reordered %d", v.Written, v.Lost, v.Duplicated, v.Garbled, v.Reordered)
}

// counter compares arrived lines with the ledger, one at a time, in the order of
// their partition. A line counts as reordered when it was not seen before and comes
// after one of its lane with a higher number: a run that is sent again after a crash
// brings seen ones.
type counter struct {
	ledger *ledger
	seen   map[string][]landing // where each line was seen first; the zero value: nowhere
	again  map[line][]landing   // and where else
	last   map[string]int       // highest number seen of a lane in one partition
	places []string             // what landing.place stands for
	v      verdict
	first  []string // examples of what is wrong
}

// line is one line of the ledger.
type line struct {
	lane   string
	number int
}

// landing is a record that brought a line. There are millions of them.
type landing struct {
	at     int64 // the record's time, Unix milliseconds
	offset int64
	place  int32 // topic and partition: index in counter.places, from 1
}

func newCounter(l *ledger) *counter {
	return &counter{ledger: l, seen: map[string][]landing{}, again: map[line][]landing{}, last: map[string]int{}, places: []string{""}}
}

// add takes one record's value; from names the topic and partition it was in, for
// order is kept within one; at is the record's time.
func (c *counter) add(from string, offset int64, value []byte, at time.Time) {
	name, number, ok := parseLine(value)
	if !ok {
		c.v.Garbled++
		c.example("garbled %.120q", value)
		return
	}
	seen := c.seen[name]
	for len(seen) <= number {
		seen = append(seen, landing{})
	}
	c.seen[name] = seen
	here := landing{at: at.UnixMilli(), offset: offset, place: c.place(from)}
	if seen[number].place > 0 {
		c.v.Duplicated++
		if c.again[line{name, number}] = append(c.again[line{name, number}], here); c.v.Duplicated <= 3 {
			c.example("duplicated %s %d", name, number)
		}
		return
	}
	seen[number] = here
	place := name + " " + from
	if last, ok := c.last[place]; ok && number < last {
		c.v.Reordered++
		c.example("reordered %s %d after %d in %s", name, number, last, from)
	}
	c.last[place] = max(c.last[place], number)
}

// place is the index of a topic and partition in places.
func (c *counter) place(from string) int32 {
	i := slices.Index(c.places, from)
	if i < 0 {
		i = len(c.places)
		c.places = append(c.places, from)
	}
	return int32(i)
}

// landings are all records that brought a line, in the order they were read.
func (c *counter) landings(l line) []landing {
	seen := c.seen[l.lane]
	if l.number >= len(seen) || seen[l.number].place == 0 {
		return nil
	}
	return append([]landing{seen[l.number]}, c.again[l]...)
}

func (c *counter) example(format string, args ...any) {
	if len(c.first) < 10 {
		c.first = append(c.first, fmt.Sprintf(format, args...))
	}
}

// distinct is the number of different lines that arrived.
func (c *counter) distinct() int {
	n := 0
	for _, seen := range c.seen {
		for _, s := range seen {
			if s.place > 0 {
				n++
			}
		}
	}
	return n
}

// verdict ends the count.
func (c *counter) verdict() verdict {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	v := c.v
	for name, la := range c.ledger.lanes {
		v.Written += la.next
		for n := 0; n < la.next; n++ {
			from := n
			for n < la.next && (n >= len(c.seen[name]) || c.seen[name][n].place == 0) {
				n++
			}
			if n > from {
				v.Lost += n - from
				c.example("lost %s %d to %d", name, from, n-1)
			}
		}
	}
	return v
}

// parseLine reads lane and number of a line and checks all of its bytes.
func parseLine(value []byte) (name string, number int, ok bool) {
	name, rest, ok := strings.Cut(string(value), " ")
	if !ok {
		return "", 0, false
	}
	digits, _, ok := strings.Cut(rest, " ")
	number, err := strconv.Atoi(digits)
	if !ok || err != nil || number < 0 {
		return "", 0, false
	}
	want := appendLine(nil, name, number)
	return name, number, bytes.Equal(value, want[:len(want)-1])
}

// appendTo opens a file for appending, writes and closes it.
func appendTo(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

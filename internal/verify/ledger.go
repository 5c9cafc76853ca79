package verify

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Key names a file generation in a topic.
type Key struct {
	Topic, Host, File string
}

// Generation is what a topic holds of one file generation.
type Generation struct {
	Key
	Path    string
	Records uint64
	Bytes   int64 // of values
	First   Mark  // of the record with the lowest position
	Last    Mark  // and with the highest

	Twice    []Span // arrived more than once, in the order of the file
	Repeats  uint64 // records that brought nothing new
	Disorder uint64 // records behind one of a higher position in the same partition

	runs      []run
	partition int32           // of the record before
	high      int64           // highest position in it
	highest   map[int32]int64 // and in others
	content   bool
	lastPart  bool // the record before was a part of a line
	lastPos   int64
}

// Mark is one record of a generation.
type Mark struct {
	Pos, Len int64
	Sum      uint64 // XXH64 of the value
	At       time.Time
}

// Span is a range of bytes of a file, To not included.
type Span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// run is a range that arrived: From its first line's first byte to its last line's last
// one, line ends at the end not included.
type run struct {
	Span
	lines       uint64
	first, last time.Time // of its records
	hash        *xxhash.Digest
}

// newlineMost is how many bytes lie between two lines at most: CR LF, or CR CR LF that
// some programs write.
const newlineMost = 3

// hashedRun is how long a run of hashed values grows, so that an altered line is found.
const hashedRun = 1 << 20

// Ledger collects what topics hold.
type Ledger struct {
	Content     bool // hash the values
	Generations map[Key]*Generation
	Unaddressed uint64 // records without an address: of other producers, or without the header file
	Records     uint64
	Bytes       int64

	last *Generation // of the record before
}

// NewLedger returns an empty one.
func NewLedger(content bool) *Ledger {
	return &Ledger{Content: content, Generations: map[Key]*Generation{}}
}

// Record is a record as the ledger takes it. Value is used during the call only.
type Record struct {
	Key
	Path      string
	Pos       int64
	Part      bool // one of several records of a line
	Partition int32
	At        time.Time
	Value     []byte
}

// Add takes one record. Records of a partition come in their order.
func (l *Ledger) Add(r *Record) {
	l.Records++
	l.Bytes += int64(len(r.Value))
	g := l.last
	if g == nil || g.File != r.File || g.Host != r.Host || g.Topic != r.Topic {
		if g = l.Generations[r.Key]; g == nil {
			g = &Generation{Key: r.Key, Path: r.Path, First: Mark{Pos: -1}, Last: Mark{Pos: -1}, partition: r.Partition, high: -1, highest: map[int32]int64{}, content: l.Content}
			l.Generations[r.Key] = g
		}
		l.last = g
	}
	g.add(r)
}

func (g *Generation) add(r *Record) {
	n := int64(len(r.Value))
	g.Records++
	g.Bytes += n
	if g.First.Pos < 0 || r.Pos < g.First.Pos {
		g.First = Mark{r.Pos, n, xxhash.Sum64(r.Value), r.At}
	}
	part := r.Part && g.lastPart && r.Pos == g.lastPos // ship split a line: its parts have one position
	g.lastPart, g.lastPos = r.Part, r.Pos
	behind := g.behind(r.Partition, r.Pos)
	if r.Pos >= g.Last.Pos {
		g.Last = Mark{Pos: r.Pos, Len: n, At: r.At}
	}
	if len(g.runs) > 0 {
		last := &g.runs[len(g.runs)-1]
		if part && r.Pos < last.To {
			last.To += n
			g.hash(last, r.Value, false)
			return
		}
		if gap := r.Pos - last.To; gap >= 0 && gap <= newlineMost && (gap > 0 || n > 0) && !behind { // the usual case: the next line
			g.extend(last, r, n)
			return
		}
	}
	g.insert(r, n, behind)
}

// behind notes how far a partition is, and tells whether it was farther.
func (g *Generation) behind(partition int32, pos int64) bool {
	if partition != g.partition {
		g.highest[g.partition] = g.high
		high, ok := g.highest[partition]
		if !ok {
			high = -1
		}
		g.partition, g.high = partition, high
	}
	if pos < g.high {
		return true
	}
	g.high = pos
	return false
}

// extend makes a run longer by the next line.
func (g *Generation) extend(last *run, r *Record, n int64) {
	if g.content && last.To-last.From > hashedRun {
		g.runs = append(g.runs, g.begin(r, n))
		return
	}
	g.hash(last, r.Value, r.Pos > last.To)
	last.To, last.last = r.Pos+n, r.At
	last.lines++
}

func (g *Generation) begin(r *Record, n int64) run {
	out := run{Span: Span{r.Pos, r.Pos + n}, lines: 1, first: r.At, last: r.At}
	if g.content {
		out.hash = xxhash.New()
		_, _ = out.hash.Write(r.Value)
	}
	return out
}

func (g *Generation) hash(to *run, value []byte, newline bool) {
	if !g.content || to.hash == nil {
		return
	}
	if newline {
		_, _ = to.hash.Write([]byte{'\n'})
	}
	_, _ = to.hash.Write(value)
}

// insert takes a record that is not the next line of the last run.
func (g *Generation) insert(r *Record, n int64, behind bool) {
	i, _ := slices.BinarySearchFunc(g.runs, r.Pos, func(x run, pos int64) int {
		switch {
		case x.To < pos || x.To == pos && x.From < pos:
			return -1
		case x.From > pos:
			return 1
		}
		return 0
	})
	if i < len(g.runs) && g.runs[i].From <= r.Pos && (r.Pos < g.runs[i].To || n == 0 && r.Pos == g.runs[i].To) {
		g.Repeats++
		g.Twice = addSpan(g.Twice, Span{r.Pos, r.Pos + n})
		return
	}
	if behind {
		g.Disorder++
	}
	if !g.content && i > 0 {
		if before := &g.runs[i-1]; r.Pos >= before.To && r.Pos-before.To <= newlineMost {
			before.To, before.lines = r.Pos+n, before.lines+1
			before.last = later(before.last, r.At)
			g.join(i - 1)
			return
		}
	}
	g.runs = slices.Insert(g.runs, i, g.begin(r, n))
	if !g.content {
		g.join(i)
	}
}

// join puts run i and the one behind it together where they touch.
func (g *Generation) join(i int) {
	if i+1 >= len(g.runs) {
		return
	}
	a, b := &g.runs[i], g.runs[i+1]
	if gap := b.From - a.To; gap < 0 || gap > newlineMost {
		return
	}
	a.To, a.lines = b.To, a.lines+b.lines
	a.last = later(a.last, b.last)
	g.runs = slices.Delete(g.runs, i+1, i+2)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// addSpan adds a range to ranges in order, joining those that touch.
func addSpan(spans []Span, s Span) []Span {
	if n := len(spans); n > 0 && s.From >= spans[n-1].From && s.From-spans[n-1].To <= newlineMost {
		spans[n-1].To = max(spans[n-1].To, s.To)
		return spans
	}
	i, _ := slices.BinarySearchFunc(spans, s.From, func(x Span, from int64) int {
		switch {
		case x.From < from:
			return -1
		case x.From > from:
			return 1
		}
		return 0
	})
	return slices.Insert(spans, i, s)
}

// Runs returns the ranges that arrived, in the order of the file.
func (g *Generation) Runs() []Span {
	out := make([]Span, len(g.runs))
	for i := range g.runs {
		out[i] = g.runs[i].Span
	}
	return out
}

// Gaps returns the ranges between the first and the last record of which nothing
// arrived, with the times of the records around each. A gap of two or three bytes may
// be a line end, and is none here.
func (g *Generation) Gaps() []Hole {
	var out []Hole
	for i := 1; i < len(g.runs); i++ {
		a, b := &g.runs[i-1], &g.runs[i]
		if b.From-a.To > newlineMost {
			out = append(out, Hole{Span: Span{a.To, b.From}, After: a.last, Before: b.first})
		}
	}
	return out
}

// Hole is a range of bytes of which nothing arrived.
type Hole struct {
	Span
	Lines  int64     `json:"lines,omitempty"` // line ends in it, where the file was read
	After  time.Time `json:"after,omitzero"`  // of the record before it
	Before time.Time `json:"before,omitzero"` // of the record behind it
}

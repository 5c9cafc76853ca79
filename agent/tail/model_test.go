package tail

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// The model test does random things to a file and its rotated names, lets a Set
// look and read in between, stops it and lets it go on from states saved up to
// random positions, and compares what was read with a model of what was written.
//
// The model's rule is exact. A generation is what was written between two events
// that begin a file anew. Its lines must come out once, in order, from its first
// byte to its last, unless it is gone: truncated without a copy, or deleted, or another
// file renamed over it, while no Set had it open. Of what is gone, the bytes that the Set had seen and not
// read must be counted as unreadable, exactly.

type modelGen struct {
	n       int
	ino     uint64
	copyIno uint64 // of the copy that copytruncate made
	content []byte
	cursor  int // bytes handed out
	known   int // bytes that a running Set had seen
	gone    bool
	unnamed bool // no name leads to it
	away    bool
	since   int // scans since it is away
	excused bool
	mixedUp bool   // the Set takes it for what goes on in a file that it saw empty
	prefix  bool   // its content is the beginning of that of the one before
	gap     bool   // written to between the copy and the truncation
	copied  int    // bytes that are in the copy
	target  string // name of its own, which path leads or led to
	line    int
	time    int64 // modification time of what it is in
	born    int64 // creation time of that
	found   int64 // modification time when the Set found it,
	foundAt int   // in that look
	marks   []modelMark
	cut     int // size at which it was moved away
	w       *os.File
}

// modelMark says that at bytes of a generation were written when its predecessor had
// whole bytes of whole lines: those come before what was written then.
type modelMark struct {
	at, whole int
	before    *modelGen
}

type model struct {
	*rig
	rnd     *rand.Rand
	path    string
	gens    []*modelGen
	cur     *modelGen // at path
	ids     map[FileID]*modelGen
	filled  map[FileID]bool // seen with content
	emptied map[FileID]bool // seen empty, and another generation has its file now
	history map[FileID][]State
	running bool
	met     bool // looked once
	held    *File
	looks   int
	want    uint64
	spare   uint64 // how much less may be counted
	trace   []string
	files   *modelFiles
	pace    time.Duration // most between two actions
	links   bool          // path may become a symbolic link
	linked  string        // it is one, to names of that format

	birthless bool // the Set is told no creation times
}

// finish lets everything be read that can be.
func (m *model) finish() {
	m.act("finish")
	if m.held != nil {
		m.goOn(1 << 30)
	}
	if m.running && m.outage {
		m.halt()
	}
	if !m.running {
		m.resume()
	}
	if m.cur == nil {
		m.create() // what came and went between two looks is looked for when something is there
	}
	for range closedEvery + 4 {
		m.pass(time.Second)
		m.look()
		m.readSome(1 << 30)
	}
}

func (m *model) act(format string, a ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%9.4f ", float64(m.clock.UnixNano()-1_800_000_000e9)/1e9)+fmt.Sprintf(format, a...))
}

// pass lets time go by.
func (m *model) pass(d time.Duration) { m.clock = m.clock.Add(d) }

// seen returns the size of g that the Set knows of; 0: it does not know g.
func (m *model) seen(g *modelGen) int {
	if f := m.file(g); f != nil {
		return int(f.size)
	}
	return 0
}

func (m *model) file(g *modelGen) *File {
	var newest *File
	if m.running {
		for f := range m.set.files {
			if m.ids[f.id] == g && (newest == nil || newest.id.Gen < f.id.Gen) {
				newest = f
			}
		}
	}
	return newest
}

// noticing does what may make the Set notice that bytes are gone, and adds up
// those that it has to count.
func (m *model) noticing(do func()) {
	before := map[FileID]int{}
	for f := range m.set.files {
		if g := m.ids[f.id]; g != nil {
			before[f.id] = g.known
		}
	}
	do()
	for f := range m.set.files {
		if g := m.ids[f.id]; g != nil && !m.stale(f) {
			g.known = int(f.size)
		}
	}
	for _, f := range m.known() {
		delete(before, f.id)
	}
	for _, g := range m.gens {
		if g.unnamed && !m.open(g) {
			g.gone = true
		}
	}
	for id, size := range before {
		g := m.ids[id]
		left := len(g.content)
		if g.gone {
			left = 0
		}
		lost := uint64(max(0, size-max(left, g.cursor)))
		m.want += lost
		if g.prefix {
			m.spare += lost
		}
	}
}

func (m *model) look() {
	m.looks++
	m.noticing(m.scan)
	m.act("look")
	m.files.inUse(m.isOpen)
	m.identify()
	if m.cur != nil && m.held == nil && !m.follows(m.cur) {
		m.t.Fatalf("generation %d was not seen", m.cur.n)
	}
	for f := range m.set.files {
		if g := m.ids[f.id]; !m.stale(f) {
			g.known = int(f.size)
		}
	}
	for _, g := range m.gens {
		if g.away {
			g.since++
		}
		if f := m.file(g); f != nil && !g.gone && int(f.size) < len(g.content) && !g.gap && f.handle != nil && f != m.held && !m.stale(f) {
			m.t.Fatalf("generation %d has %d bytes, the set saw %d", g.n, len(g.content), f.size)
		}
	}
	if !m.met {
		m.met = true
		for _, g := range m.gens {
			g.excused = g.excused || g.away // moved away before the first look
		}
	}
}

// stale tells whether f was truncated and the Set has yet to find out.
func (m *model) stale(f *File) bool {
	g := m.ids[f.id]
	return g.gone || g.copyIno != 0 && g.copyIno != f.id.Ino
}

// again forgets what f is, if that is gone and nothing was seen of it.
func (m *model) again(f *File) {
	g := m.ids[f.id]
	if g == nil || !m.stale(f) || m.filled[f.id] {
		return
	}
	if o := m.newestIn(f); o != nil && o.n > g.n {
		m.ids[f.id] = nil
		m.emptied[f.id] = true
	}
}

// newest returns the last generation that is in the file of that number.
func (m *model) newest(ino uint64) *modelGen {
	for _, g := range slices.Backward(m.gens) {
		if m.inode(g) == ino {
			return g
		}
	}
	return nil
}

// newestIn returns the last generation that is in the file of f, which need not be the
// last one that had its number.
func (m *model) newestIn(f *File) *modelGen {
	for _, g := range slices.Backward(m.gens) {
		if m.inode(g) == f.id.Ino && (g.born == f.born || f.born == 0) {
			return g
		}
	}
	return nil
}

// known returns what the Set knows, oldest first.
func (m *model) known() []*File {
	return slices.SortedFunc(maps.Keys(m.set.files), func(a, b *File) int { return cmp.Compare(a.id.Gen, b.id.Gen) })
}

// identify finds out which generation each new file of the Set is: the newest of
// that inode that it was not before. A file of which the Set saw nothing but that it
// was there may be that of a later generation, too.
func (m *model) identify() {
	for _, f := range m.known() {
		m.again(f)
		if m.ids[f.id] != nil {
			continue
		}
		g := m.newestIn(f)
		if g == nil {
			m.t.Fatalf("%v is no generation of the model", f.id)
		}
		m.ids[f.id] = g
		g.mixedUp = m.emptied[f.id] && m.birthless
		g.found, g.foundAt, g.known = g.time, m.looks, int(f.size)
		m.act("%v is %d", f.id, g.n)
	}
	for f := range m.set.files {
		m.filled[f.id] = m.filled[f.id] || f.size > 0 && !m.stale(f)
	}
	for id := range m.states { // of what ended before it was looked at here
		if m.ids[id] == nil {
			m.ids[id] = m.newest(id.Ino)
		}
	}
}

func (m *model) readSome(chunks int) {
	for f := m.set.TryReady(); f != nil; f = m.set.TryReady() {
		chunks = m.next(f, chunks)
		f.Release()
		m.save()
		m.identify()
		if chunks == 0 {
			return
		}
	}
}

// next reads up to so many chunks of f. It returns how many are left.
func (m *model) next(f *File, chunks int) int {
	if g := m.ids[f.id]; f.look && !m.stale(f) {
		m.want += uint64(max(0, int(f.size)-len(g.content))) // cut off
	}
	m.noticing(func() {
		for chunks > 0 {
			c, err := f.Next()
			if err == io.EOF {
				break
			}
			chunks--
			m.deliver(f, c)
		}
	})
	return chunks
}

// hold takes a file that is ready, and leaves it to goOn.
func (m *model) hold() {
	if m.held = m.set.TryReady(); m.held != nil {
		m.act("hold %v", m.held.id)
	}
}

// goOn reads what is held, and releases it at its end.
func (m *model) goOn(chunks int) {
	m.act("go on with %v", m.held.id)
	chunks = m.next(m.held, chunks)
	m.identify()
	if chunks > 0 {
		m.held.Release()
		m.held = nil
		m.act("released")
	}
	m.save()
}

func (m *model) deliver(f *File, c *Chunk) {
	m.identify()
	g := m.ids[f.id]
	m.act("chunk %d..%d of %d (%v)", c.Start, c.End, g.n, f.id)
	if int(c.Start) != g.cursor {
		m.t.Fatalf("generation %d: chunk begins at %d, %d bytes were handed out", g.n, c.Start, g.cursor)
	}
	for i, l := range c.Lines {
		line := c.Data[l.Start:l.End]
		end := int(l.Pos) + len(line)
		if int(l.Pos) != g.cursor || end > len(g.content) || !bytes.Equal(line, g.content[l.Pos:end]) {
			m.t.Fatalf("generation %d at %d: read %q at %d", g.n, g.cursor, line, l.Pos)
		}
		if end < len(g.content) && g.content[end] == '\n' {
			end++
		} else if end != len(g.content) || !g.away {
			m.t.Fatalf("generation %d at %d: half a line: %q", g.n, g.cursor, line)
		}
		g.cursor = end
		if after := c.After(i); int(after) != end {
			m.t.Fatalf("generation %d: position after line is %d, want %d", g.n, after, end)
		}
		if !m.outage {
			m.history[f.id] = append(m.history[f.id], c.StateAt(c.After(i)))
		}
	}
	for _, k := range g.marks {
		if o := k.before; k.at < g.cursor && !o.gone && m.file(o) != nil && o.cursor < k.whole && !m.lateOrder(o, g) {
			m.t.Fatalf("generation %d is read to %d while %d, written to %d before, is read to %d", g.n, g.cursor, o.n, k.whole, o.cursor)
		}
	}
	// Times and names tell the order of generations that nobody saw.
	for _, o := range m.gens[:g.n] {
		whole := bytes.LastIndexByte(o.content[:min(o.cut, len(o.content))], '\n') + 1
		if !o.gone && !o.excused && m.file(o) != nil && o.cursor < whole && !m.unordered(o, g) {
			m.t.Fatalf("generation %d is read while %d is read to %d of %d only", g.n, o.n, o.cursor, whole)
		}
	}
	if !m.outage {
		m.keep(c.StateAt(c.End))
	}
	c.Release()
}

// unordered tells whether nothing says that o is older than g: it was not found before
// g, one of them has no name any more, or one that tells nothing, and times do not tell, for they are the same or
// contradict one another.
func (m *model) unordered(o, g *modelGen) bool {
	return m.lateOrder(o, g) || (m.nameless(o) || m.nameless(g)) && o.foundAt >= g.foundAt && (o.found >= g.found || o.born >= g.born)
}

// lateOrder tells whether o comes after g by all that the Set is told: its times of creation
// are not, and o was written to later, or one of them is in a file that was seen empty.
func (m *model) lateOrder(o, g *modelGen) bool {
	return o.mixedUp || g.mixedUp || m.birthless && o.foundAt >= g.foundAt && o.found >= g.found
}

func (m *model) verify() {
	for _, g := range m.gens {
		end := len(g.content)
		if !g.away {
			end = bytes.LastIndexByte(g.content, '\n') + 1
		}
		if !g.gone && !g.excused && g.cursor != end {
			m.t.Fatalf("generation %d: %d of %d bytes were read", g.n, g.cursor, end)
		}
	}
	if got := m.unreadable(); got > m.want || got+m.spare < m.want {
		m.t.Fatalf("%d bytes counted as unreadable, want %d", got, m.want)
	}
}

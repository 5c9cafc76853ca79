package tail

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/internal/ownfile"
)

// create makes a new file at path.
func (m *model) create() {
	if m.linked != "" {
		m.createTarget()
		return
	}
	m.files.gone(m.isOpen)
	w, err := ownfile.OpenShared(m.path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
	m.must(err)
	m.begin0(w, m.files.made(m.path), m.files.stamp())
	m.act("create %d ino %d", m.cur.n, m.cur.ino)
}

func (m *model) begin0(w *os.File, ino uint64, born int64) {
	m.cur = &modelGen{n: len(m.gens), ino: ino, w: w, time: m.files.stamp(), born: born}
	m.gens = append(m.gens, m.cur)
}

// moveTo renames a file.
func (m *model) moveTo(from, to string) {
	m.must(os.Rename(from, to))
	m.files.moved(to)
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// text returns the next bytes that the writer of g writes: any number of lines,
// the last one often not whole.
func (m *model) text(g *modelGen) []byte {
	b := m.lines(g, 400)
	n := 1 + m.rnd.IntN(len(b))
	if m.rnd.IntN(2) == 0 {
		n = bytes.LastIndexByte(b[:n], '\n') + 1
	}
	return b[:n]
}

// lines returns whole lines of at least so many bytes.
func (m *model) lines(g *modelGen, size int) []byte {
	var b bytes.Buffer
	for b.Len() < size {
		g.line++
		fmt.Fprintf(&b, "%c%d-%d%s\n", 'A'+g.n%50, g.n, g.line, strings.Repeat("x", m.rnd.IntN(40)))
		if m.rnd.IntN(10) == 0 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func (m *model) append(g *modelGen) { m.appendTo(g, m.text(g)) }

func (m *model) appendTo(g *modelGen, b []byte) {
	_, err := g.w.Write(b)
	m.must(err)
	if len(b) > 0 {
		m.files.wrote(g.w)
		g.time = m.files.stamp()
	}
	g.content = append(g.content, b...)
	m.act("write %d bytes to %d: %d", len(b), g.n, len(g.content))
}

func (m *model) write() {
	if m.cur == nil {
		m.create()
	}
	m.mark()
	m.append(m.cur)
}

// mark notes what must come before what is written next.
func (m *model) mark() {
	if m.cur.n == 0 {
		return
	}
	o := m.gens[m.cur.n-1]
	f := m.file(o)
	if f != nil && f.phase == history.Passed && !slices.Contains(f.home.late, f) {
		return // as many as are looked at were read to their end since
	}
	if f != nil && f.handle != nil && !o.gone && !o.excused && o.copyIno == 0 {
		whole := bytes.LastIndexByte(o.content, '\n') + 1
		m.cur.marks = append(m.cur.marks, modelMark{len(m.cur.content), whole, o})
	}
}

// lateWrite goes on writing to the file that was moved away last.
func (m *model) lateWrite() {
	if i := len(m.gens) - 2; i >= 0 && m.gens[i].away && (!m.gens[i].unnamed || m.open(m.gens[i])) && !m.gens[i].gone && m.gens[i].copyIno == 0 && m.gens[i].since < 6 && m.cur != nil {
		m.append(m.gens[i])
	}
}

func (m *model) shift() {
	for n := 40; n >= 1; n-- {
		if from := fmt.Sprintf("%s.%d", m.path, n); fileExists(from) {
			m.moveTo(from, fmt.Sprintf("%s.%d", m.path, n+1))
		}
	}
}

func (m *model) leave() *modelGen {
	g := m.cur
	g.away, g.since, g.cut = true, 0, len(g.content)
	m.cur = nil
	return g
}

func (m *model) rename() {
	if m.cur == nil {
		return
	}
	m.shift()
	m.moveTo(m.path, m.path+".1")
	g := m.leave()
	m.act("rename %d", g.n)
	if m.rnd.IntN(4) > 0 {
		m.create()
	}
}

// copyTruncate copies the present file and truncates it; gap: it is written to between.
func (m *model) copyTruncate(gap bool) {
	if m.cur == nil {
		return
	}
	m.shift()
	m.must(os.WriteFile(m.path+".1", m.cur.content, 0o644))
	ino := m.files.made(m.path + ".1")
	born, size := m.cur.born, len(m.cur.content)
	m.cur.time, m.cur.born = m.files.stamp(), m.files.stamp()
	if gap {
		m.gap()
	}
	m.pass(time.Duration(m.rnd.Int64N(int64(m.pace))))
	m.must(os.Truncate(m.path, 0))
	m.files.touched(m.path)
	g := m.leave()
	if left := max(size, g.cursor); left < len(g.content) || left > size {
		g.content, g.cut, g.gap, g.copied = g.content[:left], left, true, size
	}
	if g.n > 0 && bytes.HasPrefix(m.gens[g.n-1].content, g.content) {
		g.excused, g.prefix = true, true // what is in the copy was read of the generation before
	}
	g.copyIno = ino
	m.begin0(g.w, g.ino, born)
	m.act("copytruncate %d, copy ino %d, now %d", g.n, ino, m.cur.n)
}

// gap writes to the present file, which was copied, before it is truncated. The Set may
// see that, and read it.
func (m *model) gap() {
	f := m.file(m.cur)
	if f == nil || f.pos == 0 || m.outage || m.held != nil || m.stale(f) {
		return
	}
	at, born := m.cur.time, m.cur.born
	m.appendTo(m.cur, m.lines(m.cur, 100))
	m.cur.time, m.cur.born = at, born // of the copy, which it is in from now on
	m.pass(1 + m.pace/2)
	if m.rnd.IntN(3) > 0 {
		m.set.event(fsys.Event{Dir: filepath.Dir(m.path), Name: m.path, Op: fsnotify.Write})
		m.readSome(1 + m.rnd.IntN(3))
	}
}

func (m *model) truncate() {
	if m.cur == nil {
		return
	}
	g := m.cur
	to := 0
	if m.rnd.IntN(3) == 0 && !m.outage {
		to = m.rnd.IntN(len(g.content) + 1)
	}
	m.truncateTo(to)
}

func (m *model) truncateTo(to int) {
	g := m.cur
	m.act("truncate %d to %d (handed out %d, seen %d)", g.n, to, g.cursor, m.seen(g))
	m.must(os.Truncate(m.path, int64(to)))
	m.files.touched(m.path)
	if to >= g.cursor && to >= m.head(g) {
		g.content = g.content[:to]
		return
	}
	m.leave()
	g.gone = true
	m.begin0(g.w, g.ino, g.born)
	m.cur.content = bytes.Clone(g.content[:to])
	m.cur.line, m.cur.target = g.line, g.target
}

func (m *model) remove() {
	if m.cur == nil {
		return
	}
	m.unlink(m.path)
	g := m.leave()
	if g.target != "" {
		m.must(os.Remove(g.target)) // path was a link
	}
	g.unnamed = true
	m.act("remove %d", g.n)
	if !m.running || !m.open(g) {
		g.gone = true
	}
}

// unlink deletes a file. It returns its number.
func (m *model) unlink(path string) uint64 {
	ino := m.files.removed(path)
	m.must(os.Remove(path))
	m.files.moved(path)
	return ino
}

// removeOldest deletes the oldest file that was rotated away.
func (m *model) removeOldest() {
	path := m.oldest()
	if path == "" {
		return
	}
	ino := m.unlink(path)
	for _, g := range m.gens {
		if g.away && m.inode(g) == ino && !g.gone {
			g.unnamed = true
			g.gone = !m.running || !m.open(g)
			m.act("remove %s of %d, gone: %v", filepath.Base(path), g.n, g.gone)
		}
	}
}

// wait lets much time go by.
func (m *model) wait() {
	for range 1 + m.rnd.IntN(4) {
		m.pass(time.Duration(1+m.rnd.IntN(70)) * time.Second)
		m.look()
		m.readSome(1 + m.rnd.IntN(20))
	}
}

// inode returns the number of the file that g is in.
func (m *model) inode(g *modelGen) uint64 {
	if g.copyIno != 0 {
		return g.copyIno
	}
	return g.ino
}

// open tells whether the Set has the file of g open.
func (m *model) open(g *modelGen) bool { return m.isOpen(m.inode(g)) }

func (m *model) isOpen(ino uint64) bool {
	for _, sl := range m.set.slots {
		if slices.ContainsFunc(sl.heldOpen, func(p arrival) bool { return p.st.ID.Ino == ino }) {
			return m.running
		}
	}
	for f := range m.set.files {
		if f.id.Ino == ino && f.handle != nil {
			return m.running
		}
	}
	return m.held != nil && m.held.id.Ino == ino && m.held.handle != nil
}

// head returns up to where a file that nothing was read of is known by content.
func (m *model) head(g *modelGen) int {
	if f := m.file(g); f != nil {
		return f.head.Len
	}
	most := 0
	if !m.running {
		for id, st := range m.states {
			if m.ids[id] == g {
				most = max(most, st.HeadLen)
			}
		}
	}
	return most
}

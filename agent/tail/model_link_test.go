package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"logctl/internal/ownfile"
)

// A case in three may come to the point where path is a symbolic link. From then on each
// new file has a name of its own, which the link is switched to. These names are those of
// rotated files, or say nothing: then a generation that the link did not lead to at any
// look of a Set, and whose file no Set had then, is not known, and need not be read.

// Formats of names of files that path leads to. Those of rotated files are in order, and
// after those with a number, which are older.
const (
	linkRotated = "app.log-9%07d"
	linkPlain   = "target%07d"
)

// link makes path a symbolic link to the present file, or switches it to a new one.
func (m *model) link() {
	if m.linked != "" {
		m.relink()
		return
	}
	m.linked = []string{linkRotated, linkPlain}[m.rnd.IntN(2)]
	if m.cur == nil {
		return
	}
	m.cur.target = m.target(m.cur.n)
	m.moveTo(m.path, m.cur.target)
	m.pointTo(m.cur)
	m.act("link to %d, %s", m.cur.n, filepath.Base(m.cur.target))
}

// target is the name of a new file, once path is a link.
func (m *model) target(n int) string {
	return filepath.Join(filepath.Dir(m.path), fmt.Sprintf(m.linked, n))
}

// pointTo lets path lead to the file of g, without a moment in which it leads nowhere.
func (m *model) pointTo(g *modelGen) {
	beside := m.path + ".new"
	m.must(os.Symlink(filepath.Base(g.target), beside))
	m.must(os.Rename(beside, m.path))
	m.files.moved(m.path)
}

// relink switches path to a new file.
func (m *model) relink() {
	if m.cur != nil {
		m.createTarget()
	}
}

// createTarget makes a new file, and lets path lead to it. The file it leads to may be
// written to until then.
func (m *model) createTarget() {
	m.files.gone(m.isOpen)
	name := m.target(len(m.gens))
	w, err := ownfile.OpenShared(name, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
	m.must(err)
	ino, born := m.files.made(name), m.files.stamp()
	if m.cur != nil {
		if m.rnd.IntN(3) == 0 {
			m.write()
		}
		m.leave()
	}
	m.begin0(w, ino, born)
	m.cur.target = name
	if m.rnd.IntN(2) == 0 {
		m.append(m.cur)
	}
	m.pass(time.Duration(m.rnd.Int64N(int64(m.pace))))
	m.pointTo(m.cur)
	m.act("link to new %d ino %d", m.cur.n, ino)
	m.unseen()
}

// unseen excuses generations that path does not lead to any more, that no Set has seen,
// and whose names do not tell that it led to them.
func (m *model) unseen() {
	for _, g := range m.gens {
		if m.linked == linkPlain && g.away && g.target != "" && !m.seenBefore(g) && !m.follows(g) {
			g.excused = true
		}
	}
}

// nameless tells whether g has no name, or one that does not tell its place in the order.
func (m *model) nameless(g *modelGen) bool {
	return g.unnamed || g.target != "" && m.linked == linkPlain
}

// seenBefore tells whether this Set, or one before it, has seen g.
func (m *model) seenBefore(g *modelGen) bool {
	for _, o := range m.ids {
		if o == g {
			return true
		}
	}
	return false
}

// follows tells whether the Set has the file that g is in.
func (m *model) follows(g *modelGen) bool {
	for f := range m.set.files {
		if m.running && f.id.Ino == m.inode(g) && (f.born == g.born || f.born == 0) {
			return true
		}
	}
	return false
}

// oldest is the name of the oldest file that was rotated away, "" if there is none.
func (m *model) oldest() string {
	for n := 41; n >= 1; n-- {
		if path := fmt.Sprintf("%s.%d", m.path, n); fileExists(path) {
			return path
		}
	}
	for _, g := range m.gens {
		if g.target != "" && (m.cur == nil || g.target != m.cur.target) && fileExists(g.target) {
			return g.target
		}
	}
	return ""
}

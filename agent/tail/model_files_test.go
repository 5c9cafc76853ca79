package tail

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// modelFiles gives the files of a case numbers and times that depend on nothing but
// the case: the clock of the case, in the grain of the file system that is played.
type modelFiles struct {
	t     testing.TB
	grain time.Duration // of file times: 4 ms, or as exact as the clock
	reuse bool          // a new file may get the number of a deleted one
	clock func() time.Time
	next  uint64
	known map[uint64]*modelFile // by the number that the real file system gave
	ended []modelFile           // deleted files; mtime is when they were open last
	free  []uint64              // numbers of files that nobody has open any more
}

// modelFile is what a look at a file is to tell.
type modelFile struct {
	ino                uint64
	mtime, ctime, born int64
}

func newModelFiles(t testing.TB, clock func() time.Time) *modelFiles {
	return &modelFiles{t: t, grain: time.Nanosecond, clock: clock, next: 10, known: map[uint64]*modelFile{}}
}

func (m *modelFiles) stamp() int64 {
	now := m.clock().UnixNano()
	return now - now%int64(m.grain)
}

// made notes that something was created at path. It returns its number.
func (m *modelFiles) made(path string) uint64 {
	f := &modelFile{ino: m.next, mtime: m.stamp()}
	if n := len(m.free); m.reuse && n > 0 {
		f.ino, m.free = m.free[n-1], m.free[:n-1]
	} else {
		m.next++
	}
	f.ctime, f.born = f.mtime, f.mtime
	m.known[m.real(path)] = f
	m.moved(path)
	return f.ino
}

// removed notes that what is at path is about to be deleted. It returns its number.
func (m *modelFiles) removed(path string) uint64 {
	ino := m.known[m.real(path)].ino
	m.ended = append(m.ended, modelFile{ino: ino, mtime: m.stamp()})
	return ino
}

// inUse notes which deleted files are still open.
func (m *modelFiles) inUse(open func(ino uint64) bool) {
	for i := range m.ended {
		if open(m.ended[i].ino) {
			m.ended[i].mtime = m.stamp()
		}
	}
}

// gone lets the numbers of deleted files be given again that are not open. In the tick
// in which an empty file is seen last, nothing tells a new one of its number from it.
func (m *modelFiles) gone(open func(ino uint64) bool) {
	rest := m.ended[:0]
	for _, f := range m.ended {
		if open(f.ino) || f.mtime == m.stamp() {
			rest = append(rest, f)
		} else {
			m.free = append(m.free, f.ino)
		}
	}
	m.ended = rest
}

// moved notes that the entries of the directory of path changed.
func (m *modelFiles) moved(path string) { m.touched(filepath.Dir(path)) }

// touched notes that the content at path changed.
func (m *modelFiles) touched(path string) {
	f := m.known[m.real(path)]
	if f == nil {
		f = &modelFile{ino: 1}
		m.known[m.real(path)] = f
	}
	f.mtime = m.stamp()
	f.ctime = f.mtime
}

// wrote is touched for an open file.
func (m *modelFiles) wrote(h *os.File) {
	var st fsys.Stat
	if err := fsys.StatFile(h, &st); err != nil {
		m.t.Fatal(err)
	}
	f := m.known[st.ID.Ino]
	f.mtime = m.stamp()
	f.ctime = f.mtime
}

func (m *modelFiles) real(path string) uint64 {
	var st fsys.Stat
	if err := fsys.StatPath(path, &st); err != nil {
		m.t.Fatal(err)
	}
	return st.ID.Ino
}

// adapt is what a Set under test sees through.
func (m *modelFiles) adapt(st *fsys.Stat) {
	f := m.known[st.ID.Ino]
	if f == nil {
		m.t.Fatalf("inode %d was not made by the model", st.ID.Ino)
	}
	st.ID = fsys.Inode{Dev: 1, Ino: f.ino}
	st.Mtime, st.Ctime = f.mtime, f.ctime
}

func (m *modelFiles) bornAt(h *os.File) int64 {
	var st fsys.Stat
	if err := fsys.StatFile(h, &st); err != nil {
		m.t.Fatal(err)
	}
	return m.known[st.ID.Ino].born
}

// system is what a Set gets.
func (m *modelFiles) system() fsys.System { return fsys.System{Adapt: m.adapt, Born: m.bornAt} }

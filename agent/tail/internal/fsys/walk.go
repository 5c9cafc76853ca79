package fsys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"logctl/internal/glob"

	"github.com/bmatcuk/doublestar/v4"
)

// ErrStopping is why a walk is not complete when its owner ends.
var ErrStopping = errors.New("the follower is ending")

// ErrOutside is why a walk finds nothing: nothing below where it begins is wanted.
var ErrOutside = errors.New("outside what may be followed")

// Walker lists the names that a path or glob stands for. It keeps what it read of
// a directory until the directory changes, so that looking again is cheap.
type Walker struct {
	sys      *System
	path     string // as given, with slashes
	Literal  bool
	folds    bool        // names differ by more than case
	Base     string      // directory where the glob begins; the directory of a literal path
	Stopping func() bool // asked on the way: the walk ends early
	Told     bool        // changes are told of: of many directories, quiet ones are looked at in turn
	walks    uint64
	globs    *glob.Glob // of path
	exclude  []*glob.Glob
	within   func(dir string) bool // whether anything below a directory is wanted
	patterns [][]string            // below base, by path component; more than one for braces
	bases    []string
	cache    map[walkKey]*walked
	seen     map[string]struct{} // directories read by the last walk
	found    []string
	err      error
}

// walkKey is a directory and the pattern that its entries are matched with.
type walkKey struct {
	dir            string
	pattern, index int
}

// walked is what a directory had for a pattern.
type walked struct {
	id    Inode
	mtime int64
	sure  bool     // a change after reading it would show in mtime
	turn  uint64   // when it is looked at, of so many walks
	files []string // paths
	subs  []string // paths of directories to go on in, with the same or the next component
}

// NewWalker returns a walker of a path or glob. Both it and exclude must be within the
// bounds of package glob. within, which may be nil, tells for a directory, with
// slashes, whether anything below it is wanted; others are not read.
func NewWalker(sys *System, path string, exclude []string, within func(dir string) bool) (*Walker, error) {
	path = systemPath(path)
	w := &Walker{sys: sys, path: filepath.ToSlash(path), within: within, cache: map[walkKey]*walked{}, seen: map[string]struct{}{},
		folds: sys.FoldsNames(), Stopping: func() bool { return false }}
	if within == nil {
		w.within = func(string) bool { return true }
	}
	for _, x := range exclude {
		g, err := glob.Compile(w.folded(filepath.ToSlash(systemPath(x))))
		if err != nil {
			return nil, fmt.Errorf("exclude %q: %w", x, err)
		}
		w.exclude = append(w.exclude, g)
	}
	return w, w.compile()
}

// Beside returns a walker of another path or glob that leaves out, wants and stops as this
// one does.
func (w *Walker) Beside(path string) (*Walker, error) {
	b := &Walker{sys: w.sys, path: filepath.ToSlash(systemPath(path)), within: w.within, cache: map[walkKey]*walked{}, seen: map[string]struct{}{},
		folds: w.folds, Stopping: func() bool { return w.Stopping() }, exclude: w.exclude}
	return b, b.compile()
}

// compile takes the path apart.
func (w *Walker) compile() error {
	var err error
	if w.globs, err = glob.Compile(w.folded(w.path)); err != nil {
		return err
	}
	if !strings.ContainsAny(w.path, "*?[{\\") {
		w.Literal = true
		w.Base = filepath.Dir(filepath.FromSlash(w.path))
		return nil
	}
	written, err := glob.Compile(w.path) // its directories keep their case
	if err != nil {
		return err
	}
	for _, p := range written.Patterns() {
		base, pattern := doublestar.SplitPattern(p)
		w.bases = append(w.bases, filepath.FromSlash(rooted(base)))
		w.patterns = append(w.patterns, strings.Split(w.folded(pattern), "/"))
	}
	w.Base = w.bases[0]
	return nil
}

// folded is a name or pattern as names are compared.
func (w *Walker) folded(name string) string {
	if w.folds {
		return strings.ToLower(name)
	}
	return name
}

// Named returns the path that the walk lists for what is at path: the same, but for a
// path entry where names differ by more than case, which is listed as it is written.
func (w *Walker) Named(path string) string {
	if w.folds && w.Literal && strings.EqualFold(filepath.ToSlash(path), w.path) {
		return filepath.FromSlash(w.path)
	}
	return path
}

// Match tells whether a path is one that the walk would list, were it there.
func (w *Walker) Match(path string) bool {
	slashed := w.folded(filepath.ToSlash(path))
	if w.Literal {
		return slashed == w.folded(w.path)
	}
	return w.globs.Match(slashed) && !w.Excluded(path)
}

func (w *Walker) Excluded(path string) bool {
	path = w.folded(filepath.ToSlash(path))
	for _, x := range w.exclude {
		if x.Match(path) {
			return true
		}
	}
	return false
}

// Walk lists the names. An error says that some could not be listed.
func (w *Walker) Walk() ([]string, error) {
	w.found, w.err = w.found[:0], nil
	w.walks++
	clear(w.seen)
	if w.Literal {
		w.seen[w.Base] = struct{}{}
		if w.Excluded(w.path) {
			return nil, nil
		}
		return append(w.found, filepath.FromSlash(w.path)), nil
	}
	outside := 0
	for i, base := range w.bases {
		if !w.within(filepath.ToSlash(base)) {
			outside++
		}
		w.dir(walkKey{base, i, 0})
	}
	if outside == len(w.bases) {
		w.err = ErrOutside
	}
	for k := range w.cache {
		if _, ok := w.seen[k.dir]; !ok {
			delete(w.cache, k)
		}
	}
	return w.found, w.err
}

// Dirs returns the directories that the last walk read.
func (w *Walker) Dirs() map[string]struct{} {
	dirs := make(map[string]struct{}, len(w.seen))
	for d := range w.seen {
		dirs[d] = struct{}{}
	}
	return dirs
}

// Recursive tells whether a new directory could hold files to follow.
func (w *Walker) Recursive() bool {
	for _, p := range w.patterns {
		if len(p) > 1 {
			return true
		}
	}
	return false
}

func (w *Walker) dir(k walkKey) {
	switch {
	case w.Stopping():
		w.err = ErrStopping
		return
	case !w.within(filepath.ToSlash(k.dir)):
		return // nothing in there may be followed
	}
	c := w.cache[k]
	if !w.rests(c) {
		if c = w.look(k, c); c == nil {
			return
		}
	}
	w.seen[k.dir] = struct{}{}
	w.found = append(w.found, c.files...)
	comps := w.patterns[k.pattern]
	for _, sub := range c.subs {
		next := k.index
		if comps[k.index] != "**" {
			next++
		}
		w.dir(walkKey{sub, k.pattern, next})
	}
	if comps[k.index] == "**" && k.index+1 < len(comps) {
		w.dir(walkKey{k.dir, k.pattern, k.index + 1})
	}
}

// Of more than manyDirs directories, those that did not change for quietDir are looked at
// each dirTurns walks, where changes are told of.
const (
	manyDirs = 500
	dirTurns = 10
	quietDir = 10 * time.Second
)

// rests tells whether what was read of a directory will do for this walk.
func (w *Walker) rests(c *walked) bool {
	return w.Told && c != nil && c.sure && len(w.cache) > manyDirs && c.turn%dirTurns != w.walks%dirTurns &&
		w.sys.Now().UnixNano()-c.mtime > int64(quietDir)
}

// look reads a directory, unless it is as c was read; nil: it cannot be read, or is none.
func (w *Walker) look(k walkKey, c *walked) *walked {
	var st Stat
	if err := w.sys.StatPath(k.dir, &st); err != nil || !st.Dir {
		if err != nil && !IsGone(err) {
			w.err = err
		}
		return nil
	}
	if c != nil && c.sure && c.id == st.ID && c.mtime == st.Mtime {
		return c
	}
	c, err := w.readDir(k, &st)
	if err != nil {
		w.err = err
		return nil
	}
	c.turn = uint64(len(w.cache))
	w.cache[k] = c
	return c
}

// readDir reads a directory and sorts out what matches. The time stamp of a
// directory that changed a moment ago could stay the same at the next change.
func (w *Walker) readDir(k walkKey, st *Stat) (*walked, error) {
	const granularity = 50 * time.Millisecond
	c := &walked{id: st.ID, mtime: st.Mtime}
	c.sure = w.sys.Now().UnixNano()-st.Mtime > int64(granularity)
	d, err := os.Open(w.sys.at(k.dir))
	if err != nil {
		return nil, err
	}
	entries, err := d.ReadDir(-1)
	_ = d.Close()
	if err != nil {
		return nil, err
	}
	comps := w.patterns[k.pattern]
	comp, last := comps[k.index], k.index == len(comps)-1
	for i, e := range entries {
		if i%64 == 0 && w.Stopping() {
			return nil, ErrStopping
		}
		path := filepath.Join(k.dir, e.Name())
		if comp == "**" {
			if e.IsDir() {
				c.subs = append(c.subs, path)
			} else if last && isFile(e) && !w.Excluded(path) {
				c.files = append(c.files, path)
			}
			continue
		}
		if ok, err := doublestar.Match(comp, w.folded(e.Name())); err != nil || !ok {
			continue
		}
		switch {
		case last && isFile(e) && !w.Excluded(path):
			c.files = append(c.files, path)
		case !last && (e.IsDir() || e.Type()&fs.ModeSymlink != 0):
			c.subs = append(c.subs, path)
		}
	}
	return c, nil
}

// isFile tells whether an entry may be a file: a link may lead to one.
func isFile(e fs.DirEntry) bool {
	return e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0
}

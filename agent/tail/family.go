package tail

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"weak"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// The family of a log: the directories where its old generations may stand, and the
// names they may have there. Names come from the grammar of package rotation, from
// Config.Rotated, from the targets a link had, and from what was seen: a generation
// that is known by identity and stands under another name teaches that name.

// roomsMost is how many directories are looked at for one log.
const roomsMost = 64

// archiveDepth is how deep below a log directories are looked at that are named like an
// archive.
const archiveDepth = 2

// grammar tells the names of old generations in one directory.
type grammar struct {
	prefixes []string // which such names begin with; nil: with anything
	tag      func(name string) (rotation.Tag, bool)
	said     bool  // Config.Rotated says so
	of       *slot // the log that such names were learned for; nil: they were not
}

// room is a directory where old generations of a log may stand.
type room struct {
	dir      string
	grammars []grammar
}

// bySureness returns the grammars of a room, those that Config.Rotated says first: what a
// name says is no doubt where the entry says what it is.
func (r *room) bySureness() []*grammar {
	said, others := make([]*grammar, 0, len(r.grammars)), []*grammar(nil)
	for i := range r.grammars {
		if g := &r.grammars[i]; g.said {
			said = append(said, g)
		} else {
			others = append(others, g)
		}
	}
	return append(said, others...)
}

// relative is a name that an old generation may have.
type relative struct {
	name string // in the directory of its room
	tag  rotation.Tag
}

// lesson is a name under which a generation was seen.
type lesson struct {
	dir     string
	pattern rotation.Pattern
}

// nameGrammar is the grammar of the names rotated from base.
func (s *Set) nameGrammar(base string, of tagger) grammar {
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	if i := strings.LastIndexByte(base, '0'); i > 0 {
		stem = stem[:min(len(stem), i)] // the number of an active file
	}
	if i := strings.Index(base, "rCURRENT"); i > 0 {
		stem = stem[:min(len(stem), i)]
	}
	g := grammar{
		prefixes: []string{stem, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		tag:      func(name string) (rotation.Tag, bool) { return s.tagged(of, base, name) },
	}
	if base == "current" {
		g.prefixes = append(g.prefixes, "@")
	}
	return g
}

// names returns those of the names of a directory, which are sorted, that an old
// generation may have and that are not followed for their own sake.
func (s *Set) names(r *room, names []string) []relative {
	var found []relative
	seen := map[string]struct{}{}
	add := func(n string, g *grammar) {
		tag, ok := g.tag(n)
		if _, twice := seen[n]; !ok || twice {
			return
		}
		seen[n] = struct{}{}
		path := filepath.Join(r.dir, n)
		own := g.said || tag.Certain || tag.Packed != "" || g.of != nil && s.isTaught(g.of, path) // it is a member of this log: see homeLocked
		if (own || !s.walker.Match(path)) && !s.walker.Excluded(path) {
			tag.Certain = tag.Certain || g.said
			found = append(found, relative{n, tag})
		}
	}
	for _, g := range r.bySureness() {
		if g.prefixes == nil {
			for _, n := range names {
				add(n, g)
			}
			continue
		}
		for _, p := range g.prefixes {
			p = s.key(p)
			first, _ := slices.BinarySearchFunc(names, p, func(n, p string) int { return strings.Compare(s.key(n), p) })
			for _, n := range names[first:] {
				if !strings.HasPrefix(s.key(n), p) {
					break
				}
				add(n, g)
			}
		}
	}
	slices.SortFunc(found, func(a, b relative) int { return strings.Compare(a.name, b.name) })
	return found
}

// rooms returns the directories where generations of the log sl, and those after p,
// may stand. p may be nil.
func (s *Set) rooms(lists map[string]*listing, sl *slot, p *past) []*room {
	dir, base := split(sl.path)
	if sl.virtual {
		return []*room{{dir: dir, grammars: []grammar{s.memberRoom(sl)}}}
	}
	all := []*room{{dir: dir, grammars: []grammar{s.nameGrammar(base, rotation.Of)}}}
	add := func(dir string, g grammar) {
		i := slices.IndexFunc(all, func(r *room) bool { return s.isSame(r.dir, dir) })
		switch {
		case i >= 0:
			all[i].grammars = append(all[i].grammars, g)
		case len(all) < roomsMost:
			all = append(all, &room{dir: dir, grammars: []grammar{g}})
		}
	}
	if p != nil && p.name != "" && !s.isSame(filepath.Base(p.name), base) {
		s.linkRooms(sl, p, add)
	}
	s.archiveRooms(lists, dir, base, add) // what is certain comes before what was learned
	for _, l := range sl.family.learned {
		add(l.dir, grammar{prefixes: []string{l.pattern.Prefix()}, of: sl, tag: func(name string) (rotation.Tag, bool) {
			return l.pattern.Match(s.spelled(base, name))
		}})
	}
	for _, w := range s.rotatedWalkers(sl) {
		_, _ = w.Walk() // a directory that cannot be read has nothing to tell now
		for _, d := range sortedDirs(w) {
			add(d, grammar{said: true, tag: func(name string) (rotation.Tag, bool) {
				path := filepath.Join(d, name)
				if s.isSame(path, sl.path) || !w.Match(path) {
					return rotation.Tag{}, false
				}
				return s.saidTag(base, name), true
			}})
		}
	}
	return all
}

// familyNames returns one name in each directory where generations of the log sl may
// stand, its own first.
func (s *Set) familyNames(lists map[string]*listing, sl *slot) []string {
	rooms := s.rooms(lists, sl, nil)
	names := make([]string, 0, len(rooms))
	for _, r := range rooms {
		names = append(names, filepath.Join(r.dir, filepath.Base(sl.path)))
	}
	return names
}

// familyPaths returns the paths where generations of the log sl may stand now.
func (s *Set) familyPaths(sl *slot) []string {
	var paths []string
	for _, r := range s.rooms(s.lists, sl, nil) {
		for _, n := range s.names(r, s.list(s.lists, r.dir).names) {
			paths = append(paths, filepath.Join(r.dir, n.name))
		}
	}
	return paths
}

// saidTag is the tag of a name that Config.Rotated matches: that of the grammar if it
// has one, or the numbers in the name.
func (s *Set) saidTag(base, name string) rotation.Tag {
	name = s.spelled(base, name)
	if tag, ok := rotation.In(base, name); ok && tag.Place != rotation.Same {
		return tag
	}
	if p, ok := rotation.Learn(base, name); ok {
		if tag, ok := p.Match(name); ok {
			return tag
		}
	}
	_, packed := rotation.Unpacked(name)
	return rotation.Tag{Place: rotation.Learned, Packed: packed}
}

// linkRooms adds the names of a log whose path is, or was, a symbolic link: those
// rotated from its target, and those like the targets it had.
func (s *Set) linkRooms(sl *slot, p *past, add func(string, grammar)) {
	dir, target := split(p.name)
	if _, rotated := s.rotatedOf(filepath.Base(sl.path), target); rotated && !isLink(sl.path) {
		return // it was renamed
	}
	add(dir, s.nameGrammar(target, rotation.Of))
	if !isLink(sl.path) {
		return
	}
	pattern, ok := rotation.Between(target, filepath.Base(s.sys.Resolve(sl.path)))
	if !ok {
		pattern, ok = rotation.Like(target)
	}
	if ok {
		add(dir, grammar{prefixes: []string{pattern.Prefix()}, tag: func(name string) (rotation.Tag, bool) {
			tag, ok := pattern.Match(name)
			tag.Place = rotation.Target
			return tag, ok
		}})
	}
}

// archiveRooms adds directories beside the log that are named like an archive, and
// those in them.
func (s *Set) archiveRooms(lists map[string]*listing, dir, base string, add func(string, grammar)) {
	dirs := []string{dir}
	for depth := 0; depth < archiveDepth && len(dirs) > 0; depth++ {
		var next []string
		for _, d := range dirs {
			for _, n := range s.list(lists, d).names {
				if len(next) >= roomsMost {
					break
				}
				if !rotation.IsArchive(n) { // thousands of names are none: nothing is made of them
					continue
				}
				var st fsys.Stat
				sub := filepath.Join(d, n)
				if s.sys.StatPath(sub, &st) != nil || !st.Dir || isLink(sub) {
					continue
				}
				next = append(next, sub)
				add(sub, s.nameGrammar(base, rotation.In))
			}
		}
		dirs = next
	}
}

// besides are the walkers of what Config.Rotated names for the logs of one directory.
type besides struct{ walkers []*fsys.Walker }

// rotatedWalkers lists what Config.Rotated names for one log. Logs of one directory share
// the walkers, which are forgotten with the last of them.
func (s *Set) rotatedWalkers(sl *slot) []*fsys.Walker {
	if sl.family.rotated != nil || len(s.cfg.Rotated) == 0 {
		return sl.family.rotated.list()
	}
	dir := filepath.Dir(sl.path)
	if sl.family.rotated = s.beside[dir].Value(); sl.family.rotated != nil {
		return sl.family.rotated.walkers
	}
	b := &besides{}
	for _, g := range s.cfg.rotatedGlobs(sl.path) {
		w, err := s.walker.Beside(g)
		if err != nil { // with the directory before it
			s.log.Error("rotated files are not looked for by this glob", "glob", g, "error", err)
			continue
		}
		b.walkers = append(b.walkers, w)
	}
	if len(s.beside)%1000 == 999 {
		maps.DeleteFunc(s.beside, func(_ string, p weak.Pointer[besides]) bool { return p.Value() == nil })
	}
	if s.beside == nil {
		s.beside = map[string]weak.Pointer[besides]{}
	}
	s.beside[dir], sl.family.rotated = weak.Make(b), b
	return b.walkers
}

func (b *besides) list() []*fsys.Walker {
	if b == nil {
		return nil
	}
	return b.walkers
}

// escapeGlob makes the characters of a glob stand for themselves. A backslash does so
// where it is no separator.
var escapeGlob = func() *strings.Replacer {
	if filepath.Separator == '\\' {
		return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", "{", "[{]")
	}
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`)
}()

// EscapeGlob returns a path as a glob that matches this path alone.
func EscapeGlob(path string) string { return escapeGlob.Replace(path) }

// rotatedGlobs returns the globs of Rotated in full for one file.
func (cfg *Config) rotatedGlobs(path string) []string {
	globs := make([]string, 0, len(cfg.Rotated))
	for _, g := range cfg.Rotated {
		if !filepath.IsAbs(g) {
			g = filepath.Join(escapeGlob.Replace(filepath.Dir(path)), filepath.FromSlash(g))
		}
		globs = append(globs, g)
	}
	return globs
}

func sortedDirs(w *fsys.Walker) []string {
	var dirs []string
	for d := range w.Dirs() {
		dirs = append(dirs, d)
	}
	slices.Sort(dirs)
	return dirs
}

func isLink(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.Mode()&os.ModeSymlink != 0
}

// split returns the directory and the last element of a path.
func split(path string) (dir, base string) {
	return filepath.Dir(path), filepath.Base(path)
}

// learn notes that a generation of the log sl stands at that name now.
func (s *Set) learn(sl *slot, name string) {
	dir, seen := split(name)
	home, base := split(sl.path)
	if name == "" || s.isSame(name, sl.path) || isLink(sl.path) {
		return
	}
	if tag, ok := s.rotatedOf(base, seen); ok && tag.Certain && s.isSame(dir, home) {
		return // known to every log
	}
	pattern, ok := rotation.Learn(base, s.spelled(base, seen))
	if !ok {
		pattern = rotation.Exactly(seen)
	}
	for _, l := range sl.family.learned {
		if s.isSame(l.dir, dir) && l.pattern.String() == pattern.String() {
			return
		}
	}
	learned := append(slices.Clone(sl.family.learned), lesson{dir, pattern})
	sl.family.learned = learned[max(0, len(learned)-lessonsMost):]
	s.mu.Lock()
	s.memory.learn(sl.path, sl.family.learned)
	s.mu.Unlock()
	s.log.Info("old generations of a log are named like this, as one of them shows", "path", sl.path,
		"name", name, "names", filepath.Join(dir, pattern.String()))
}

// sameButDigits tells whether two directories differ in numbers at most.
func sameButDigits(a, b string) bool {
	p, _ := rotation.Like(a)
	q, _ := rotation.Like(b)
	return a == b || p.String() == q.String()
}

package tail

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/rotation"
	"logctl/internal/glob"
)

// A glob may match several generations of one log. They are members of that log: what
// they hold has one path, one order and one partition key. The log is the name that is
// written to, if there is one (app.log for app.log.1, current for @4000….s), or else
// what the names have in common (app-*.log for app-2026-01-31.log): then the newest
// member is the one that is written to.

// logLocked returns the log that the name sl belongs to: sl itself unless it is a
// member of another.
func (s *Set) logLocked(sl *slot) *slot {
	if sl.home == nil && !sl.virtual && !sl.alone && !s.walker.Literal {
		sl.home = s.homeLocked(sl)
	}
	if sl.home == nil {
		return sl
	}
	return sl.home
}

// kinship is what the name of a slot says of the logs it may be a generation of. It is
// the same for ever: which of those logs there are changes.
type kinship struct {
	bases  []origin // logs that it may have been rotated from, longest names first
	family string   // the log that it belongs to by a rotated glob or its date; "": none
	taught string   // the log that it belongs to by what was learned, "": none,
	asked  uint64   // when so many lessons were
}

// origin is a log that a file may have been rotated from, by their names.
type origin struct {
	path string
	tag  rotation.Tag // what the rotation put to the name
}

// origins returns the logs that the file at a path may have been rotated from: beside it,
// and above it where its directory is named like an archive, two deep at most. A file under
// a temporary name was the one without that ending a moment ago, or is what it becomes.
func origins(path string) []origin {
	dir, name := split(path)
	lasting := rotation.Lasting(name)
	var found []origin
	for depth := 0; ; depth++ {
		if lasting != name {
			found = append(found, origin{filepath.Join(dir, lasting), rotation.Tag{Place: rotation.Behind, Certain: true}})
		}
		for _, base := range rotation.Bases(lasting) {
			tag, _ := rotation.Of(base, lasting)
			found = append(found, origin{filepath.Join(dir, base), tag})
		}
		if depth == archiveDepth || !rotation.IsArchive(filepath.Base(dir)) {
			return found
		}
		dir = filepath.Dir(dir)
	}
}

// hasOrigin tells whether the path is one in an archive directory, and the log itself stands
// above that, or did.
func (s *Set) hasOrigin(path string) bool {
	dir, base := split(path)
	for depth := 0; depth < archiveDepth && rotation.IsArchive(filepath.Base(dir)); depth++ {
		dir = filepath.Dir(dir)
		log := filepath.Join(dir, base)
		var st fsys.Stat
		if _, saved := s.newestAt(log); saved || s.sys.StatPath(log, &st) == nil && st.Regular {
			return s.walker.Match(log)
		}
	}
	return false
}

// kinLocked returns the kinship of a slot. It is worked out once: every change of a file
// asks for it.
func (s *Set) kinLocked(sl *slot) *kinship {
	if sl.kin != nil {
		return sl.kin
	}
	dir, name := split(sl.path)
	k := &kinship{family: s.saidLocked(sl.path)}
	for _, o := range origins(sl.path) {
		if (o.tag.Certain || o.tag.Packed != "" || k.family != "") && s.walker.Match(o.path) {
			k.bases = append(k.bases, o)
		}
	}
	if k.family == "" {
		if family, _, ok := rotation.Dated(name); ok {
			k.family = filepath.Join(dir, family)
		}
	}
	sl.kin = k
	return k
}

func (s *Set) homeLocked(sl *slot) *slot {
	k := s.kinLocked(sl)
	dir, name := split(sl.path)
	for _, o := range k.bases {
		if !o.tag.Certain && k.family == "" && !s.packedAloneLocked(dir, name) {
			continue
		}
		_, saved := s.newestAt(o.path)
		if home := s.slotAtLocked(o.path); home != nil && home.seen > 0 || saved {
			return s.logLocked(s.slotLocked(o.path))
		}
	}
	if home := s.taughtHomeLocked(sl, k); home != nil {
		return s.logLocked(home)
	}
	if k.family == "" {
		return nil
	}
	home := s.slotAtLocked(k.family)
	if home == nil {
		home = s.slotLocked(k.family)
		s.log.Info("files of one log are told by their names", "path", k.family, "first", sl.path)
	}
	home.virtual = true
	return home
}

// packedAloneLocked tells whether a name is that of a compressed file, and no log has the
// name without its ending: then the file is an old generation of something.
func (s *Set) packedAloneLocked(dir, name string) bool {
	plain, ending := rotation.Unpacked(name)
	sl := s.slotAtLocked(filepath.Join(dir, plain))
	return ending != "" && (sl == nil || sl.cur == nil)
}

// membersOfBefore tells the logs of an earlier run that had no name of their own.
func (s *Set) membersOfBefore() {
	var st fsys.Stat
	for _, last := range s.newest {
		if strings.Contains(filepath.Base(last.Path), "*") && fsys.IsGone(s.sys.StatPath(last.Path, &st)) {
			sl := s.slotOf(last.Path)
			s.mu.Lock()
			sl.virtual = true
			s.mu.Unlock()
		}
	}
}

// saidLocked returns the glob of Config.Rotated that matches a path, "" for none.
func (s *Set) saidLocked(path string) string {
	for _, g := range s.cfg.rotatedGlobs(path) {
		if c, err := glob.Compile(filepath.ToSlash(g)); err == nil && c.Match(filepath.ToSlash(path)) {
			return unescapeGlob.Replace(g)
		}
	}
	return ""
}

var unescapeGlob = strings.NewReplacer(`\*`, "*", `\?`, "?", `\[`, "[", `\{`, "{")

// memberRoom is the grammar of the members of a log without a name of its own.
func (s *Set) memberRoom(sl *slot) grammar {
	dir, base := split(sl.path)
	prefix, _, _ := strings.Cut(base, "*")
	return grammar{prefixes: []string{prefix}, said: true, tag: func(name string) (rotation.Tag, bool) {
		s.mu.Lock()
		member := s.slotAtLocked(filepath.Join(dir, name))
		own := member != nil && member.home == nil
		s.mu.Unlock()
		family, tag, ok := rotation.Dated(name)
		return tag, ok && s.isSame(family, base) && !own
	}}
}

// inOrder sorts names that are to be looked at so that the members of a log come from
// the oldest to the youngest, then the log itself, where the first of them stood. Is
// what was at the name of the log still there, then it comes first: others may be copies
// of it. It returns the log of each name.
func (s *Set) inOrder(slots []*slot) map[*slot]*slot {
	homes := make(map[*slot]*slot, len(slots))
	rank := make(map[*slot]int, len(slots))
	stays := map[*slot]bool{}
	s.mu.Lock()
	for i, sl := range slots {
		home := s.logLocked(sl)
		homes[sl] = home
		if _, ok := rank[home]; !ok {
			rank[home] = i
		}
		if home != sl && !home.virtual {
			stays[home] = false
		}
	}
	s.mu.Unlock()
	for home := range stays {
		stays[home] = s.stays(home)
	}
	slices.SortStableFunc(slots, func(a, b *slot) int {
		home := homes[a]
		if home != homes[b] {
			return cmp.Compare(rank[home], rank[homes[b]])
		}
		return s.order(a, b, home, stays[home])
	})
	return homes
}

// stays tells whether the file that was last seen at the name is still there.
func (s *Set) stays(sl *slot) bool {
	var st fsys.Stat
	if s.sys.StatPath(sl.path, &st) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl.cur != nil {
		return sl.cur.inode() == st.ID
	}
	saved, _ := s.newestAt(sl.path)
	last := saved.ID
	return last != FileID{} && st.ID == fsys.Inode{Dev: last.Dev, Ino: last.Ino}
}

// order compares two names of the log home. It is by times, and by names where times are
// the same or are those of a compression.
func (s *Set) order(a, b, home *slot, first bool) int {
	switch {
	case a == b:
		return 0
	case a == home && !first, b == home && first:
		return 1
	case a == home, b == home:
		return -1
	case a.mtime != b.mtime && !isPackedName(a.path) && !isPackedName(b.path):
		return cmp.Compare(a.mtime, b.mtime)
	}
	return rotation.Older(s.memberTag(home, a), s.memberTag(home, b), false)
}

func isPackedName(path string) bool {
	_, ending := rotation.Unpacked(path)
	return ending != ""
}

// memberTag is the tag of the name sl as one of the log home.
func (s *Set) memberTag(home, sl *slot) rotation.Tag {
	name := filepath.Base(sl.path)
	if tag, ok := s.rotatedOf(filepath.Base(home.path), name); ok {
		return tag
	}
	if _, tag, ok := rotation.Dated(name); ok {
		return tag
	}
	p, _ := rotation.Like(name)
	tag, _ := p.Match(name)
	return tag
}

// apartLocked tells whether the file that arrived at a member's name is written side by
// side with another member: then it is a log of its own.
func (s *Set) apartLocked(sl, home *slot, a *arrival) bool {
	born := s.birthLocked(a.h)
	if !home.virtual || born == 0 || isPackedName(sl.path) {
		return false
	}
	for f := range s.files {
		if f.home != home || f.packed != nil || f.inode() == a.st.ID || f.born == 0 {
			continue
		}
		mtime := f.mtime
		var st fsys.Stat
		if f.handle != nil && s.statLocked(f.handle, &st) == nil {
			mtime = st.Mtime
		}
		if mtime > born+history.Overlap && a.st.Mtime > f.born+history.Overlap && a.st.Mtime > mtime-history.Overlap {
			s.log.Info("a file is written side by side with others of such a name: it is a log of its own", "path", sl.path, "beside", f.name)
			return true
		}
	}
	return false
}

// joinLocked makes f, which was found at a member's name, a generation of the log home.
func (s *Set) joinLocked(home *slot, f *File) {
	if !home.virtual || f.packed != nil {
		s.leaveLocked(f)
		return
	}
	for o := range s.files {
		if o.home != home || o == f || o.away {
			continue
		}
		if o.born > f.born {
			s.leaveLocked(f)
			return
		}
		s.awayLocked(o)
	}
	if f.away {
		f.away, f.flush, f.phase = false, false, f.phase.Next(history.Returned)
		delete(s.away, f)
		if !slices.Contains(home.queue, f) {
			home.insert(f)
		}
	}
}

// leaveLocked notes that f is not the file that is written to.
func (s *Set) leaveLocked(f *File) {
	if !f.away {
		f.away, f.awayAt = true, s.now()
		s.away[f] = struct{}{}
	}
}

// memberLocked begins to follow a file found at the name sl as a generation of the log
// home. It comes before the file that is at the name of the log now.
func (s *Set) memberLocked(home *slot, name string, a *arrival) *File {
	f := s.newLocked(home, name, &a.st, a.h)
	var now fsys.Stat
	if cur := home.cur; cur != nil && cur != f && s.statPathLocked(home.path, &now) == nil && now.ID == cur.inode() {
		delete(s.files, f)
		home.drop(f)
		f.id.Gen = cur.id.Gen - 1
		f.base.ID = f.id
		s.files[f] = struct{}{}
		if i := slices.Index(home.queue, cur); i >= 0 {
			home.queue = slices.Insert(home.queue, i, f)
		}
	}
	s.joinLocked(home, f)
	return f
}

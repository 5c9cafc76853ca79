package tail

import (
	"errors"
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// arrival is what was found at a name.
type arrival struct {
	st     fsys.Stat
	at     time.Time // before st was taken
	h      *os.File
	name   string // with links followed
	exists bool
	err    error        // it may exist, but cannot be followed
	past   *past        // what was there before
	broken int          // how many generations saved of the file have ended
	start  State        // where to begin, if that is the end
	twin   bool         // it has the content of what was there before: see twin.go
	known  recalled     // it is a copy of a generation that ended
	tag    rotation.Tag // of the name that it has now, if that is known
	beside bool         // it was written beside the log that its name is one of
	became bool         // tag is that of the compressed file that it became
}

// rotate finds out what changed. Between the look at a name and the look for
// generations that were never at it the name must not change, or a generation
// could be missed; so it is looked at again.
func (s *Set) rotate(slots []*slot) {
	const tries = 6
	slices.SortFunc(slots, func(a, b *slot) int { // a file before its copies
		if x, y := s.knew(a), s.knew(b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return rotation.Natural(a.path, b.path)
	})
	s.teach(slots)
	homes := s.inOrder(slots)
	for try := 1; len(slots) > 0; try++ {
		held := s.noticeTruncations(homes)
		arrived := make([]arrival, len(slots))
		for i, sl := range slots {
			s.stalls.scan.begin(&sl.path, s.now())
			arrived[i] = s.arrive(sl)
		}
		s.lists = map[string]*listing{}
		var again []*slot
		for i, sl := range slots {
			s.stalls.scan.begin(&sl.path, s.now())
			a := &arrived[i]
			if home := homes[sl]; home != sl && (held[home] || slices.ContainsFunc(again, func(o *slot) bool { return o.home == home }) ||
				s.beginsLike(a, home, slots[i+1:], arrived[i+1:])) {
				s.holdOpen(sl, a, nil) // an older one of its log comes first, or what it is a copy of
				again = append(again, sl)
				continue
			}
			if a.err != nil {
				s.mu.Lock()
				sl.refusedLocked(a.err)
				sl.err = a.err
				s.mu.Unlock()
				continue
			}
			a.beside = s.besides(sl, homes[sl], a)
			if s.leaves(sl, homes[sl], a) {
				continue
			}
			if s.aboutToNotice(sl) {
				s.holdOpen(sl, a, nil)
				continue // the next scan goes on with it
			}
			var found []candidate
			clean := s.noticeTruncation(sl, a.st.ID)
			if clean {
				s.recoverSince(a)
				s.twin(sl, a)
				s.recallArrival(sl, a)
				found, clean = s.older(sl, a)
			}
			s.judgeHeldOpen(sl, a)
			found = distinct(sl, found)
			if clean && s.same(sl, a) && s.reconcile(sl, a, found) {
				continue
			}
			s.holdOpen(sl, a, found)
			again = append(again, sl)
		}
		slots = again
		if try == tries {
			s.later(slots)
			return
		}
	}
}

// knew tells whether something was followed at the name before.
func (s *Set) knew(sl *slot) bool {
	_, saved := s.newestAt(sl.path)
	return saved || sl.last != nil || sl.cur != nil
}

// aboutToNotice tells whether the file that was at the name was truncated, or filled
// since it was empty, and is being read: what became of it must be known before what
// came after it, and its reader is to find out.
func (s *Set) aboutToNotice(sl *slot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := sl.cur
	if f == nil || f.home != sl || f.state != fileHeld || f.handle == nil || f.packed != nil {
		return false
	}
	var st fsys.Stat
	if err := s.statLocked(f.handle, &st); err != nil {
		return false
	}
	if st.Size >= f.pos && f.intactLocked() && (!f.blankLocked() || st.Mtime == f.mtime && !f.isRecent()) {
		return false
	}
	s.wakeLocked(f)
	return true
}

// noticeTruncation notices that the file that was at the name was truncated before
// it was moved away, so that a copy made of it is not taken for another file. now is
// what is at the name. It returns false when that cannot be told now.
func (s *Set) noticeTruncation(sl *slot, now fsys.Inode) bool {
	s.mu.Lock()
	f := sl.cur
	ok := f != nil && f.home == sl && f.packed == nil && (f.state == fileIdle || f.state == fileQueued)
	closed := ok && f.handle == nil
	s.mu.Unlock()
	if closed && !s.reopen(f) {
		s.deletedWhileClosed(f, now)
		return true
	}
	s.mu.Lock()
	ok = ok && f.handle != nil && (f.state == fileIdle || f.state == fileQueued)
	var st fsys.Stat
	if err := s.lookLocked(f, &st, ok); err != nil {
		settled := f.handle != nil // else it is opened again at the next try
		s.mu.Unlock()
		return settled
	}
	truncated := ok && (st.Size < f.pos || !f.intactLocked())
	blank := ok && f.blankLocked()
	s.mu.Unlock()
	switch {
	case truncated:
		return s.renew(f, st, now, false)
	case blank && st.ID != now:
		return s.cameAndWent(f, st, now, false) != blankAgain
	}
	return true
}

// deletedWhileClosed lets the copy of f go on where f ended, if there is one: it may have
// been truncated before it was deleted.
func (s *Set) deletedWhileClosed(f *File, now fsys.Inode) {
	s.mu.Lock()
	sl := f.home
	p := &past{name: f.name, mtime: f.bound, size: f.size, state: f.stateLocked(), trail: f.trail.Clone(), trunc: true}
	s.mu.Unlock()
	found, _ := s.unseen(sl, p, now)
	found = slices.DeleteFunc(found, func(c candidate) bool {
		if !c.copied {
			_ = c.h.Close() // it is found again
		}
		return !c.copied
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(found) > 0 && (f.state == fileIdle || f.state == fileQueued) {
		rescued, _, found := s.copiesOfLocked(f, nil, found)
		s.finishFromLocked(f, f.pos+rescued+s.adoptLocked(sl, p, found), "deleted")
		return
	}
	s.discardLocked(&arrival{}, found)
}

// reopen opens a file that was closed, wherever it is now. false: it is nowhere.
func (s *Set) reopen(f *File) bool {
	h, name, err := s.find(s.lists, f)
	if err != nil || h == nil {
		return err != nil // it is looked for again when it is read
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.handle != nil || f.state != fileIdle && f.state != fileQueued {
		s.shutLocked(h)
		return true
	}
	f.handle, f.checkup, f.dead = h, true, false
	s.renameLocked(f, name)
	s.open++
	return true
}

// laterMost is how often between two scans a name is looked at again at once. A rotation takes
// some milliseconds; a file that is not given back by its reader may take hours.
const laterMost = 50

// later has the names looked at again soon: their files are being renamed faster
// than that could be followed.
func (s *Set) later(slots []*slot) {
	soon := false
	s.mu.Lock()
	for _, sl := range slots {
		s.dirty[sl] = struct{}{}
		if sl.lateIn != s.scans {
			sl.lateIn, sl.lates = s.scans, 0
		}
		sl.lates++
		soon = soon || !fsys.IsUnshared(sl.err) && sl.lates <= laterMost // a file may be in use for long: the next scan looks
	}
	s.mu.Unlock()
	if soon {
		s.poke()
	}
}

// same tells whether the name still leads to what was found.
func (s *Set) same(sl *slot, a *arrival) bool {
	var st fsys.Stat
	err := s.sys.StatPath(sl.path, &st)
	if err != nil {
		return !a.exists && fsys.IsGone(err)
	}
	return st.Regular == a.exists && (!a.exists || st.ID == a.st.ID)
}

// arrive opens what is at the name now.
func (s *Set) arrive(sl *slot) (a arrival) {
	a.at = s.now()
	err := s.sys.StatPath(sl.path, &a.st)
	switch {
	case err != nil && fsys.IsGone(err), err == nil && !a.st.Regular:
		return a
	case err != nil:
		a.err = err
		return a
	}
	a.exists = true
	if s.follows(a.st.ID, sl.path) {
		return a
	}
	a.name = s.sys.Resolve(sl.path)
	if a.err = s.allowed(sl.path, a.name); a.err != nil {
		return a
	}
	defer func() {
		if sl.first && a.h != nil && !s.madeSince(a.h) {
			a.start = endState(a.h, a.st.Size, s.splitter())
		}
	}()
	if p, ok := sl.takeHeldOpen(a.st.ID); ok {
		a.h = p.h
		return a
	}
	var st fsys.Stat
	a.h, st, err = s.openRetry(a.name)
	switch {
	case err != nil && fsys.IsGone(err):
		a.exists, a.err = true, nil // gone meanwhile: the look that follows tells
	case err != nil:
		a.err = err
	default:
		a.st = st
	}
	return a
}

// follows tells whether the file of that identity at path is known. One that was closed
// may have been deleted since, and its number given to another file.
func (s *Set) follows(id fsys.Inode, path string) bool {
	s.mu.Lock()
	f := s.byInode[id]
	sure := f == nil || f.handle != nil || f.state == fileHeld || f.born == 0 && !f.away
	s.mu.Unlock()
	if sure {
		return f != nil
	}
	h, st, err := s.openRetry(path)
	if err != nil {
		return true
	}
	same := st.ID != id || f.isIn(h, &st)
	_ = h.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !same && f.handle == nil && f.state != fileHeld {
		s.finishLocked(f, "deleted, and its number given to another file")
	}
	return s.byInode[id] != nil
}

// older returns the generations between what was last at the name and what is
// there now; clean is false when that cannot be known now.
func (s *Set) older(sl *slot, a *arrival) (found []candidate, clean bool) {
	p := sl.last
	s.mu.Lock()
	cur, home := sl.cur, s.logLocked(sl)
	s.mu.Unlock()
	if home != sl {
		return nil, true // others of its log have names of their own here
	}
	name := ""
	if cur != nil {
		name = s.whereIs(cur)
		if name == "" || name == sl.path { // another file took the name: a hard link may be left
			name = s.otherName(sl, cur, name)
		}
	}
	s.mu.Lock()
	if cur != nil {
		p = &past{id: cur.inode(), name: name, mtime: cur.bound, size: cur.size, born: cur.born, seen: sl.looked}
	}
	first, early := sl.fresh && sl.cur == nil, !s.scanned
	s.mu.Unlock()
	switch {
	case a.twin, first && a.exists && s.fromSaved(sl, a):
		return nil, true // nothing came after it
	case first:
		p = s.savedPast(sl)
	}
	if p == nil {
		p = s.beginning(first && early)
	}
	if p == nil {
		return nil, true
	}
	if a.exists && s.isKnown(a.st.ID) {
		return nil, true // renamed back
	}
	a.past = p
	if p.id != (fsys.Inode{}) {
		s.learn(sl, p.name)
	}
	found, err := s.unseen(sl, p, a.st.ID)
	if errors.Is(err, errTryLater) {
		s.waitForUse(sl, err)
		return nil, false
	}
	if err != nil && !fsys.IsGone(err) {
		s.log.Warn("cannot look for rotated files", "path", sl.path, "error", words(err))
	}
	return found, true
}

// clockGrain is more than the granularity of file times, which lag the clock.
const clockGrain = 20 * time.Millisecond

// beginning stands for what was at a name before anything was seen there: what is
// younger than the beginning of following was never seen because it was rotated
// away between two looks, or before the first one, not because it is an old archive.
func (s *Set) beginning(first bool) *past {
	if since := s.cfg.Since; !since.IsZero() && !s.cfg.FirstStart {
		at := since.Add(-clockGrain).UnixNano()
		return &past{mtime: at, born: at}
	}
	if first { // an archive may have been made a moment ago
		at := s.begun.UnixNano()
		return &past{mtime: at, born: at, anew: true}
	}
	at := s.begun.Add(-clockGrain).UnixNano()
	return &past{mtime: at, born: at}
}

// madeSince tells whether the file h was created when the Set was there already.
func (s *Set) madeSince(h *os.File) bool {
	return s.sys.Birth(h) > s.begun.UnixNano()
}

func (s *Set) isKnown(id fsys.Inode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byInode[id] != nil
}

// reconcile makes what arrived at the name the one that is followed there. It returns false
// when the file was truncated after the copies of it were looked for.
func (s *Set) reconcile(sl *slot, a *arrival, found []candidate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer sl.moveLocked()()
	if s.brokenLocked(a) > a.broken {
		return false
	}
	old := sl.cur
	if a.twin && old != nil && old.state == fileHeld {
		s.wakeLocked(old)
		return false // it is read up to where is not known now
	}
	found = s.followHeldOpenLocked(sl, a, found)
	if old != nil && old.state == fileDone {
		old = nil
	}
	sl.err, sl.fresh = nil, false
	if sl.last == nil && (a.past == nil || !a.past.anew) {
		sl.last = a.past
	}
	if a.exists && a.h == nil && s.byInode[a.st.ID] == nil {
		s.dirty[sl] = struct{}{} // gone while it was opened
		s.poke()
		a.exists = false
	}
	if old != nil {
		name := old.name
		if a.past != nil && a.past.id == old.inode() {
			name = a.past.name
		}
		sl.last = &past{id: old.inode(), name: name, mtime: old.bound, size: old.size, born: old.born, seen: sl.looked}
		sl.cur = nil
	}
	replaced := old != nil && a.exists && (s.replacesLocked(old, a, sl.told) || a.twin)
	sl.told = 0
	if old != nil && (old.home == sl || old.home.virtual && old.home == sl.home) {
		s.awayLocked(old)
	}
	var copies []candidate
	if a.exists && a.h != nil && s.byInode[a.st.ID] == nil {
		found, copies = s.sortOutLocked(found, a.h, s.birthLocked(a.h))
	}
	s.adoptLocked(sl, a.past, found)
	if !a.exists {
		sl.err, sl.first = os.ErrNotExist, false
		return true
	}
	f := s.byInode[a.st.ID]
	if f == nil {
		f = s.beginLocked(sl, a, copies, old, replaced)
	} else if a.h != nil {
		s.shutLocked(a.h)
	}
	sl.cur = f
	if f.home == sl {
		s.backLocked(f)
	}
	s.lineUpLocked(sl, f)
	s.wakeLocked(f)
	s.limitLocked()
	return true
}

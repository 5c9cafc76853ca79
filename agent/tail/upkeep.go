package tail

import (
	"sort"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// How long descriptors of files that are not at their watched name stay open
// after the last change, in Intervals. A writer may still have them open.
const (
	flushAfter   = 2  // an unfinished last line is handed out
	deletedAfter = 10 // the descriptor of a deleted file is closed
	rotatedAfter = 60 // the descriptor of a renamed file is closed
	closedEvery  = 16 // a renamed file without descriptor is looked at each so many scans
	copyAfter    = history.CopyAfter
	skipAfter    = 5  // newer generations no longer wait for a file that cannot be read
	partialAfter = 20 // nor for one whose last line is never finished
)

// upkeep looks at the files that are not at their watched name.
func (s *Set) upkeep() {
	s.mu.Lock()
	files := make([]*File, 0, len(s.away))
	for f := range s.away {
		files = append(files, f)
	}
	retry := make([]*File, 0)
	for f := range s.files {
		if f.err != nil && f.state == fileIdle {
			retry = append(retry, f)
		}
	}
	s.letGoLocked()
	s.checkWaitsLocked()
	sort.Slice(retry, func(i, j int) bool { return retry[i].id.Gen < retry[j].id.Gen })
	for _, f := range retry {
		s.wakeLocked(f)
		if f.away && f.phase != history.Passed && s.now().Sub(f.failedAt) > skipAfter*s.cfg.Interval {
			s.passLocked(f)
		}
	}
	s.mu.Unlock()
	s.judgeCopies()
	sort.Slice(files, func(i, j int) bool { return files[i].id.Gen < files[j].id.Gen })
	for i, f := range files {
		s.stalls.scan.begin(&f.path, s.now())
		s.mu.Lock()
		lookup, gone := s.upkeepLocked(f, (s.scans+uint64(i))%closedEvery == 0)
		s.mu.Unlock()
		if lookup {
			s.track(f)
		}
		if gone {
			s.endDeleted(f, false, "deleted")
		}
	}
	s.boundDeleted()
}

// upkeepLocked returns whether f has to be looked for by name, and whether it was deleted
// and has come to its end.
func (s *Set) upkeepLocked(f *File, turn bool) (lookup, gone bool) {
	if f.state == fileDone || f.state == fileHeld {
		return false, false
	}
	if f.packed != nil && (f.handle != nil || !f.packed.done) {
		s.upkeepPackedLocked(f)
		return false, false
	}
	if f.handle == nil {
		return turn || f.size > f.pos || f.phase != history.Passed, false
	}
	var st fsys.Stat
	if err := s.statLocked(f.handle, &st); err != nil {
		s.deadLocked(f, err)
		return false, false
	}
	f.deleted = st.Links == 0
	s.observeLocked(f, &st)
	quiet := s.now().Sub(f.quietSince())
	if f.size > f.pos {
		if f.partial && quiet >= flushAfter*s.cfg.Interval {
			f.flush = true
			s.wakeLocked(f)
		} else if f.partial && f.phase != history.Passed && s.now().Sub(f.awayAt) >= partialAfter*s.cfg.Interval &&
			s.now().Sub(f.lastUse) <= flushAfter*s.cfg.Interval {
			s.passLocked(f) // it is read, but its writer goes on and on, and newer generations wait
		}
		return false, false
	}
	if f.phase != history.Passed || f.state != fileIdle {
		s.wakeLocked(f)
		return false, false
	}
	switch {
	case f.deleted && (quiet >= deletedAfter*s.cfg.Interval || s.sys.Hinders()):
		return false, true
	case quiet >= time.Duration(s.quietFor(rotatedAfter))*s.cfg.Interval && s.elsewhereLocked(f):
		s.closeLocked(f)
	}
	return false, false
}

// elsewhereLocked tells whether f may be closed: always, but a method of its own
// because an alias that is watched keeps it open.
func (s *Set) elsewhereLocked(f *File) bool {
	sl := s.slotAtLocked(f.name)
	return sl == nil || sl.cur != f
}

// track looks where a file without descriptor is now.
func (s *Set) track(f *File) {
	s.mu.Lock()
	name := f.name
	s.mu.Unlock()
	var st fsys.Stat
	err := s.sys.StatPath(name, &st)
	if err != nil && !fsys.IsGone(err) {
		return
	}
	if err != nil || st.ID != f.inode() {
		name, err = s.locate(s.lists, f.inode(), append([]string{name}, s.familyNames(s.lists, f.home)...)...)
		if err != nil && !fsys.IsGone(err) {
			return
		}
		if name != "" && s.sys.StatPath(name, &st) != nil {
			return
		}
	}
	if name == "" {
		s.mu.Lock()
		open := f.handle != nil
		s.mu.Unlock()
		if !open {
			s.endDeleted(f, false, "deleted")
		}
		return
	}
	if st.ID == f.inode() && !s.follows(st.ID, name) {
		return // deleted, and its number given to another
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.state == fileDone || f.state == fileHeld || f.handle != nil {
		return
	}
	if st.ID != f.inode() {
		return
	}
	s.renameLocked(f, name)
	s.observeLocked(f, &st)
	if f.size > f.pos || f.phase != history.Passed {
		s.wakeLocked(f)
	}
}

// statusLocked is Status, but for what hangs.
func (s *Set) statusLocked() Status {
	st := s.counters
	st.Files, st.Open = len(s.files), s.open
	st.Waiting, st.WaitingFor = s.waitingLocked()
	st.Problem, st.ProblemAt, st.Problems, st.ProblemOf = s.problemsLocked()
	return st
}

// waitingLocked says why nothing is followed: of several reasons that of the lowest
// name, so that the text stays the same as long as the reason does.
func (s *Set) waitingLocked() (string, error) {
	at, why := "", error(nil)
	for _, sl := range s.slots {
		if sl.virtual {
			continue
		}
		cur, err := sl.standsLocked()
		if cur != nil {
			if err = cur.err; err == nil || s.passingLocked(cur) {
				return "", nil
			}
		}
		if err != nil && (why == nil || sl.path < at) {
			at, why = sl.path, err
		}
	}
	switch {
	case why != nil:
	case s.err != nil:
		why = s.err
	default:
		return "waiting for file", nil
	}
	if isProblem(why) {
		return words(why), why
	}
	return words(why), nil
}

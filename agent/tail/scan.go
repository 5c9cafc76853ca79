package tail

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// Run follows the files until ctx ends: it looks at them when the file system
// tells of a change and at least every Interval. It returns ctx.Err(). Rounds does the
// same for many Sets.
func (s *Set) Run(ctx context.Context) error {
	if s.own {
		wctx, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = s.watcher.Run(wctx) // ends with wctx, that is all it says
		}()
		defer func() {
			stop()
			<-ended
		}()
	}
	next := time.NewTimer(0)
	defer next.Stop()
	var p pace
	for {
		due := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
			due = true
		case <-s.kick:
		}
		switch pause, err := s.look(ctx, &p, due); {
		case err != nil:
			return err
		case pause > 0:
			next.Reset(pause)
		}
	}
}

// pace is how the scans of a Set follow on one another.
type pace struct {
	last time.Time     // end of the last scan
	took time.Duration // by it
}

// look scans when a scan is due or may be, if an event asks for one, else it looks at what
// events told of. The next scan is due after that time; 0: when it was.
func (s *Set) look(ctx context.Context, p *pace, due bool) (next time.Duration, err error) {
	if !due {
		// Events must not make scans follow on one another: one takes at
		// most a tenth of the time.
		rest := 10*p.took + 5*time.Millisecond
		s.openInbox()
		due = s.wantsFull() && time.Since(p.last) > rest
		if !due && s.wantsFull() {
			next = rest
		}
	}
	if !due {
		s.checkDirty()
		s.looked()
		return next, nil
	}
	begin := time.Now()
	if err := s.Scan(ctx); err != nil {
		return 0, err
	}
	s.looked()
	p.last = time.Now()
	p.took = p.last.Sub(begin)
	return s.pause(p.took), nil
}

// looked tells the owner that Run looked at the file system.
func (s *Set) looked() {
	if s.cfg.OnLook != nil {
		s.cfg.OnLook()
	}
}

// pause is the time until the next scan.
func (s *Set) pause(took time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters.Watching == "notify" {
		return s.cfg.Interval
	}
	return min(s.cfg.Interval, max(100*time.Millisecond, 20*took))
}

// wantsFull tells whether an event asked for a scan.
func (s *Set) wantsFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// Scan looks once at everything: what names there are, what is behind them, what
// became of rotated files. Run calls it; tests may, to go step by step. It fails
// only when ctx has ended.
func (s *Set) Scan(ctx context.Context) error {
	s.beginLook()
	defer s.endLook()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.stalls.scan.begin(&s.cfg.Path, s.now())
	defer s.stalls.scan.end()
	s.scans++
	s.lists = map[string]*listing{}
	if s.trusts {
		s.kept = map[string]*listing{}
	}
	s.openInbox()
	s.mu.Lock()
	s.walker.Told = s.trusts && s.scanned && !s.full && s.counters.Watching == "notify"
	s.full = false
	clear(s.dirty)
	clear(s.news)
	s.mu.Unlock()
	if s.scans == 1 {
		s.watchAll(s.walker.Base)
	}
	s.walker.Stopping = func() bool {
		s.stalls.scan.touch(s.now())
		return ctx.Err() != nil || s.ended()
	}
	paths, err := s.walker.Walk()
	if errors.Is(err, fsys.ErrOutside) {
		err = s.allowed(filepath.Join(s.walker.Base, "*")) // a name that no file has
	}
	slots := make([]*slot, 0, len(paths))
	s.mu.Lock()
	s.err = err
	if s.scans == 1 {
		for _, sts := range s.saved {
			for i := range sts {
				s.slotLocked(sts[i].Path)
			}
		}
		s.mu.Unlock()
		s.membersOfBefore()
		s.absent()
		s.recoverCopies()
		s.mu.Lock()
	}
	for _, p := range paths {
		sl := s.slotLocked(p)
		sl.seen = s.scans
	}
	slots = s.dueLocked(slots)
	s.mu.Unlock()
	s.check(slots)
	s.stalls.scan.begin(&s.cfg.Path, s.now())
	s.upkeep()
	s.recoverSaved()
	s.seekOrphans()
	s.lineUpGenerations()
	if err == nil {
		s.retire()
	}
	s.watchAll()
	s.lists = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.scanned {
		s.scanned = true
		s.signal()
	}
	return nil
}

// dueLocked appends the slots to look at in this scan: all, unless there are very
// many and notification works. Then of those where nothing happened for long only
// a part is looked at each time, each at least every tenth.
func (s *Set) dueLocked(due []*slot) []*slot {
	const (
		many  = 500
		parts = 10
	)
	all := len(s.slots) <= many || s.counters.Watching != "notify" || !s.scanned
	long := s.now().Add(-5 * s.cfg.Interval)
	for _, sl := range s.slots {
		if f := sl.cur; !all && sl.turn%parts != s.scans%parts && f != nil && f.state == fileIdle && f.err == nil &&
			f.size <= f.pos && f.space.size == 0 && f.grew.Before(long) {
			continue
		}
		due = append(due, sl)
	}
	return due
}

// slotOf is slotLocked for those who do not hold mu.
func (s *Set) slotOf(path string) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slotLocked(path)
}

// slotLocked returns the slot of a watched name.
func (s *Set) slotLocked(path string) *slot {
	sl := s.slotAtLocked(path)
	if sl == nil {
		sl = &slot{path: path, visit: visit{since: s.now(), turn: uint64(len(s.slots))}}
		last, _ := s.newestAt(path)
		sl.newest = last.ID.Gen
		sl.fresh = !s.scanned
		sl.family.learned = s.memory.names[path]
		sl.first = !s.scanned && s.cfg.FirstStart && s.cfg.From == FromEnd
		s.slots[s.key(path)] = sl
	}
	return sl
}

// retire forgets names that are gone. What was at such a name since it was looked at,
// and has a rotated name now, is looked for once more: without what was known of the
// name, nobody could tell it from an old archive.
func (s *Set) retire() {
	s.mu.Lock()
	retired := s.retiredLocked()
	s.mu.Unlock()
	if len(retired) == 0 {
		return
	}
	s.rotate(retired)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.retiredLocked() {
		if _, again := s.dirty[sl]; !again && slices.Contains(retired, sl) {
			s.gone = append(s.gone, sl.ended...)
			delete(s.slots, s.key(sl.path))
		}
	}
}

// retiredLocked returns the names that were gone for long, and that no file is left of.
func (s *Set) retiredLocked() []*slot {
	var retired []*slot
	for _, sl := range s.slots {
		if sl.cur != nil || sl.seen == s.scans {
			sl.since = s.now()
		} else if s.now().Sub(sl.since) > 60*s.cfg.Interval {
			retired = append(retired, sl)
		}
	}
	if len(retired) == 0 {
		return nil
	}
	followed := map[*slot]bool{}
	for f := range s.files {
		followed[f.home] = true
	}
	return slices.DeleteFunc(retired, func(sl *slot) bool { return followed[sl] })
}

// checkDirty looks at the names that events told of.
func (s *Set) checkDirty() {
	s.beginLook()
	defer s.endLook()
	if s.scans == 0 {
		return
	}
	s.stalls.scan.begin(&s.cfg.Path, s.now())
	defer s.stalls.scan.end()
	s.lists = map[string]*listing{}
	s.mu.Lock()
	var slots []*slot
	for sl := range s.dirty {
		slots = append(slots, sl)
	}
	clear(s.dirty)
	for p := range s.news {
		if s.walker.Match(p) {
			sl := s.slotLocked(p)
			sl.seen = s.scans
			slots = append(slots, sl)
		}
	}
	clear(s.news)
	s.mu.Unlock()
	s.check(slots)
	s.lineUpGenerations()
	s.lists = nil
}

// check looks at what is behind the names.
func (s *Set) check(slots []*slot) {
	var changed []*slot
	for _, sl := range slots {
		if sl.virtual {
			continue
		}
		s.stalls.scan.begin(&sl.path, s.now())
		var st fsys.Stat
		err := s.sys.StatPath(sl.path, &st)
		if err == nil {
			sl.mtime = st.Mtime
		}
		if s.refilled(sl, &st, err) {
			continue
		}
		s.mu.Lock()
		if s.compareLocked(sl, &st, err) {
			changed = append(changed, sl)
		}
		s.mu.Unlock()
	}
	s.rotate(changed)
	s.awaitTargets(changed)
}

// compareLocked tells whether another file, or none, is at the name now.
func (s *Set) compareLocked(sl *slot, st *fsys.Stat, err error) bool {
	if err == nil && !st.Regular {
		err = fsys.NotRegular(sl.path, *st)
	} else if err != nil && !fsys.IsGone(err) {
		sl.err = err // says nothing about the file
		return false
	}
	if sl.cur != nil && sl.cur.state == fileDone {
		sl.cur = nil
	}
	if err != nil {
		sl.err, sl.first = err, false
		return sl.cur != nil || sl.fresh || len(sl.heldOpen) > 0
	}
	if sl.cur == nil && sl.isIgnored(st) {
		return false
	}
	if sl.cur != nil && sl.cur.inode() == st.ID {
		sl.err, sl.told, sl.looked = nil, 0, s.now().UnixNano()
		s.observeLocked(sl.cur, st)
		if f := sl.cur; f.home == sl && f.mtime == st.Mtime && !f.unproved {
			f.bound = st.Mtime
		}
		return false
	}
	return true
}

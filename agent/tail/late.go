package tail

import (
	"slices"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// A writer that is told to reopen its file goes on writing to the old one, which
// was renamed, until it does. What it wrote there was written before the first
// byte of the new file, though the old one may have been read to its end already.
// So the size of the new file is looked at first, then those of the files before
// it: if they have grown, they are read before what was in the new file at that
// moment. A writer that never lets go of the old file cannot keep the new one from
// being read: they are read in turns.

// lateMost is how many generations before the present one are looked at, but for those
// that have grown already.
const lateMost = 4

// yieldLocked lets the holder of f wait when something was written to an older
// generation since that was read to its end. f has size bytes now.
func (s *Set) yieldLocked(f *File, size int64) bool {
	sl := f.home
	if f.phase == history.Passed || size <= f.pos || len(sl.late) == 0 {
		return false
	}
	var grown []*File
	rest := sl.late[:0]
	for _, o := range sl.late {
		switch {
		case o == f || o.phase != history.Passed || !o.away || o.handle == nil || o.state == fileDone:
		case o.growsLocked():
			grown = append(grown, o)
		default:
			rest = append(rest, o)
		}
	}
	clear(sl.late[len(rest):])
	sl.late = rest
	if len(grown) == 0 {
		return false
	}
	sl.queue = append(grown, sl.queue...)
	for _, o := range grown {
		o.phase, o.unseen = o.phase.Next(history.Grew), true
	}
	for _, o := range grown {
		s.wakeLocked(o)
	}
	f.yielded, f.until = true, size
	f.again = true
	return true
}

// growsLocked tells whether f has more to read, or is being read.
func (f *File) growsLocked() bool {
	if f.state == fileHeld {
		return true
	}
	if f.packed != nil {
		return false
	}
	var st fsys.Stat
	if err := f.set.statLocked(f.handle, &st); err != nil {
		return false
	}
	f.writtenLocked(&st)
	return st.Size > f.pos && (!f.partial || st.Size != f.partialAt)
}

// untilLocked returns up to where f is read, which has size bytes now: after it let
// older generations go first, only up to where it was then.
func (f *File) untilLocked(size int64) int64 {
	f.capped = f.yielded && f.until < size
	f.yielded = false
	if !f.capped {
		return size
	}
	f.again, f.final = true, false
	return f.until
}

// passedLocked notes that f, which is away, was read to its end. One that has been
// written to since it was read is not forgotten for it.
func (g *succession) passedLocked(f *File) {
	g.late = append(g.late, f)
	if len(g.late) <= lateMost {
		return
	}
	i := slices.IndexFunc(g.late, func(o *File) bool {
		return o.state == fileDone || o.handle == nil || !o.growsLocked()
	})
	if i >= 0 {
		g.late = slices.Delete(g.late, i, i+1)
	}
}

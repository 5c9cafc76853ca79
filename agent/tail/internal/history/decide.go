package history

import "time"

// Rewrite is what is known of a file whose content before the position is not what it was.
type Rewrite struct {
	Shrunk  bool // it has fewer bytes than were read: it was truncated
	Rotated bool // it is at no name that is followed
	Drained bool // all that was known of it was read
	Text    bool // it begins like text
}

// Rewritten is what to do about a file that was rewritten.
type Rewritten int

// Answers of AfterRewrite.
const (
	Anew Rewritten = iota // it has new content: read from the start
	Over                  // it was overwritten before its deletion (shred): nothing is read, nothing is lost
)

// AfterRewrite tells what a file has that was rewritten. A rotated file that was read to
// its end and is overwritten, in place, by what is no text gets no new lines.
func AfterRewrite(r Rewrite) Rewritten {
	if r.Rotated && r.Drained && !r.Shrunk && !r.Text {
		return Over
	}
	return Anew
}

// How a file that is rewritten again and again is read: the first times at once.
const (
	rewritesFree = 3
	backOffMost  = 256 // Intervals
	calmAfter    = 10  // Intervals without a rewrite, until they are counted from one again
)

// BackOff returns how long to wait before a file is read from its start again that was
// rewritten n times in a row, which is twice as long each time.
func BackOff(n int, interval time.Duration) time.Duration {
	if n <= rewritesFree {
		return 0
	}
	return interval * time.Duration(min(backOffMost, 1<<min(n-rewritesFree, 16)))
}

// Rewrites returns how often in a row a file was rewritten: before is that of the last
// time, which was so long ago.
func Rewrites(before int, ago, interval time.Duration) int {
	if ago > calmAfter*interval {
		return 1
	}
	return before + 1
}

// surePos is how much two files must have in common until they are the same log under
// another inode, where nothing else tells: a program that is started again and again may
// begin each log with the same lines.
const surePos = 1024

// Twin is what is known of a file at a name where another one was read before, and that
// begins with what was read of that one: the head and the mark at the position match.
type Twin struct {
	Pos      int64 // up to where the other one was read, in bytes
	SameTime bool  // both have the same size and modification time
	Rotated  bool  // the other one still stands at a rotated name
	Dead     bool  // the descriptor of the other one died with its file system
}

// GoesOn tells whether the file is the same log under another inode (cp -a, rsync, an
// editor, another disk), so that reading goes on at the position.
func GoesOn(t Twin) bool {
	return t.SameTime || !t.Rotated && (t.Dead || t.Pos >= surePos)
}

// Sibling is what is known of a rotated file, compared with the generation that was
// followed last. Times are Unix nanoseconds.
type Sibling struct {
	Mtime, Born         int64 // Born 0: unknown
	LastMtime, LastBorn int64 // of the generation followed last; LastMtime as it was when that was seen at its name
	LastSeen            int64 // when that was; 0: unknown
	Named               int   // how its name compares: positive when it is the younger one, 0 when names do not tell
}

// Younger tells whether the sibling came after the generation followed last, and whether
// its times say otherwise. A modification time later than the look that found it was set
// by hand, or by a clock that was wrong; it counts as the time of the look.
func Younger(s Sibling) (younger, contradicts bool) {
	known := s.Born != 0 && s.LastBorn != 0
	if known && s.Born < s.LastBorn {
		return false, s.Named > 0
	}
	last := s.LastMtime
	if s.LastSeen != 0 {
		last = min(last, s.LastSeen)
	}
	if s.Mtime >= last {
		return true, false
	}
	return known && s.Born > s.LastBorn && s.Named > 0, true
}

// Align returns where to go on in a file of size bytes that was read to pos, when its
// encoding has units of so many bytes and another one was assumed before. A position
// inside a unit is behind the first byte of a line end: the unit was dealt with. Where
// the file ends inside the unit, the unit is read again when it is whole.
func Align(pos, size int64, unit int) int64 {
	over := pos % int64(unit)
	switch {
	case over == 0:
		return pos
	case pos-over+int64(unit) <= size:
		return pos - over + int64(unit)
	}
	return pos - over
}

// Span is when a file was written: from its creation to its last change, in Unix
// nanoseconds. Born 0: unknown.
type Span struct{ Born, Mtime int64 }

// Overlap is how long a program may still write to a file after it began the next one, in
// nanoseconds: one with a buffer flushes late, or is told late. Files that are written
// longer side by side are two logs, whatever their names.
const Overlap int64 = 1e9

// Precedes tells whether a file of the span a was finished when the one of the span b
// was begun.
func Precedes(a, b Span) bool {
	return a.Born != 0 && a.Born < b.Born && a.Mtime <= b.Born+Overlap
}

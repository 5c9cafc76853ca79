package history

import "time"

// Copy is what is known of a file that looks like a copy of a generation, its original, while
// nothing was read of it. Sizes are bytes.
type Copy struct {
	Ended  bool // the original has: truncated, or deleted
	Unsure bool // one of both cannot be looked at, or the original is not what it was, which is about to be noticed
	Alike  bool // it has the content of the original as far as both are known

	ByContent bool // only its content says that it may be a copy, not its name
	Contained bool // the original has all that it has; asked where ByContent is set

	Size     int64
	Whole    int64         // the size it must have to be a copy
	Read     int64         // up to where the original was read
	Resting  time.Duration // since it was last written to,
	Known    time.Duration // since it was found,
	Grown    time.Duration // and since it was last seen to grow
	Interval time.Duration // between two looks

	Sought       bool // it was found when the original had been truncated or replaced
	OriginalAway bool // the original is not at its name
	SameSize     bool // as the original
}

// CopyVerdict is what becomes of such a file.
type CopyVerdict int

// Verdicts of JudgeCopy.
const (
	CopyWaits CopyVerdict = iota // another look tells
	CopyRead                     // it is none, or has to be read in the place of the original
	CopyKnown                    // all of it was read in the original: it is followed from its end
)

const (
	// CopyAfter is after how many Intervals a file that looks like a copy of one that is not
	// truncated is read.
	CopyAfter = 10
	// sureCopy is how many bytes must be the same in two files that both stay, and of which
	// none is named like a rotated one of the other, until the second is taken for a copy:
	// programs of which several run begin their logs alike.
	sureCopy = 16 << 10
)

// JudgeCopy tells what becomes of a file that waits as a copy.
func JudgeCopy(c Copy) CopyVerdict {
	switch {
	case c.Ended:
		return CopyRead
	case c.Unsure:
		return CopyWaits
	case !c.Alike, c.ByContent && !c.Contained: // it only began like the original, or has more
		return CopyRead
	case c.Size > c.Read, c.Resting < c.Interval: // the rest is still read there, or it is still being made
		return CopyWaits
	case c.Size < c.Whole: // it ends before it has become a copy
		return CopyRead
	case c.Sought && c.Known < CopyAfter*c.Interval: // the truncation may be to come
		return CopyWaits
	case c.Sought: // the original was truncated before the copy was found, and then began as it did
		return CopyRead
	case c.ByContent && c.Grown < CopyAfter*c.Interval: // the original may be truncated yet
		return CopyWaits
	case c.ByContent && c.Size < sureCopy && !(c.OriginalAway && c.SameSize): // two logs that begin alike
		return CopyRead
	}
	return CopyKnown
}

// Replacement is what is known of a file that arrived at a name beside the one that was there
// before, which has no name any more. Times are Unix nanoseconds.
type Replacement struct {
	Born    int64 // creation of the new file; 0: unknown
	Removed int64 // last change of the old one: that it lost its name
	Created bool  // events told of nothing but that a file came to the name
	Begins  bool  // the new file has what was read of the old one
}

// Replaces tells whether the new file was written beside the old one and then renamed over
// it, so that reading goes on where the old one ended. A file that was created after the old
// one was removed is a new one, whatever it begins with. Where both times are the same,
// events tell whether the name was ever without a file.
func Replaces(r Replacement) bool {
	return r.Begins && r.Born != 0 && (r.Born < r.Removed || r.Born == r.Removed && r.Created)
}

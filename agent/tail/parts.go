package tail

import (
	"os"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/lines"
)

// The parts of a File. All are guarded by Set.mu, but for reading, which is the holder's.

// place is where the file of a generation stands.
type place struct {
	home    *slot     // the log that it is a generation of
	name    string    // where it was last found
	away    bool      // another file, or none, is at its path,
	awayAt  time.Time // since then
	deleted bool      // no name leads to it
}

// opening is the descriptor of a generation, and why there is none.
type opening struct {
	handle   *os.File
	hold     hold      // of handle: see gentle.go
	letGo    time.Time // when it was let go without having grown; zero: it was looked at since
	lastUse  time.Time
	dead     bool // its descriptor died with its file system, and it was not opened since
	err      error
	failedAt time.Time
}

// order is the turn of a generation among the readers, and among those of its log.
type order struct {
	state   fileState
	phase   history.Phase // whether newer generations wait for it
	again   bool          // woken while held or while it had to wait
	unseen  bool          // not looked at since it grew late
	yielded bool          // it let older generations go first,
	until   int64         // and had this size then
	flush   bool          // the unfinished last line is to be handed out
	after   FileID        // see After
}

// sight is what the last looks at a file told. Sizes are bytes, times without a type Unix
// nanoseconds.
type sight struct {
	size     int64 // last seen with its content verified
	mtime    int64
	bound    int64     // mtime when last seen at its name: what comes after it has a later one
	grew     time.Time // last time the size changed
	space    space     // behind size, not written to yet: see space.go
	born     int64     // creation time, 0 unknown
	emptyAt  time.Time // when last seen without content
	fresh    bool      // mtime is so recent that it need not change when the content does
	checkup  bool      // verify head and mark at the next look, whatever the times say
	proved   int64     // size when last seen with its content verified,
	provedAt int64     // and modification time
	unproved bool      // size is that of a look since, which nothing was read after
	tries    int       // looks in a row that found names changing
}

// prove notes that the content which the file has now was verified.
func (v *sight) prove() { v.proved, v.provedAt, v.unproved = v.size, v.mtime, false }

// provedBy notes up to which size the content is known to be what it was, after a look that
// brought st: checked says that it was verified.
func (v *sight) provedBy(st *fsys.Stat, checked, changed bool) {
	switch {
	case checked:
		v.proved, v.provedAt = st.Size, st.Mtime
	case !v.unproved:
		v.proved, v.provedAt = min(v.size, st.Size), v.mtime
	}
	v.unproved = (v.unproved || changed) && !checked
}

// unsee goes back to what was verified: the looks since may have been at what came after.
func (v *sight) unsee() { v.size, v.mtime, v.unproved = v.proved, v.provedAt, false }

// sawEmpty notes when the size that the file has was taken, at the latest: if that was
// zero, the file may have been filled since.
func (v *sight) sawEmpty(at time.Time) {
	if at.Before(v.emptyAt) {
		v.emptyAt = at
	}
}

// isRecent tells whether the file was last modified so shortly before it was seen empty
// that its time need not have changed when it was modified again.
func (v *sight) isRecent() bool { return v.emptyAt.UnixNano()-v.mtime < int64(clockGrain) }

// isFresh tells whether the file was modified so shortly before now that another change
// need not show in its time.
func (v *sight) isFresh(now time.Time) bool { return now.UnixNano()-v.mtime < int64(clockGrain) }

// span is when the file was written.
func (v *sight) span() history.Span { return history.Span{Born: v.born, Mtime: v.mtime} }

// content is how far a generation was read, and what that is known by. It is changed by the
// holder, or by anyone while nobody holds the file.
type content struct {
	pos       int64
	skipped   int64 // State.Skipped
	part      int
	mark      [fingerprint.MarkMax]byte
	markLen   int
	head      fingerprint.Head
	trail     fingerprint.Trail // marks of positions before pos, to know copies by that end before pos
	alike     [2]*File          // neighbours in headIndex
	partial   bool              // an unfinished line was left at the last end
	partialAt int64             // size then
	packed    *unpacker         // it is compressed: see unpack.go
	sized     bool              // size is that of the plain file
}

// copying is what is known of a generation as a copy of another one, see copies.go, and of
// the one that goes on for it.
type copying struct {
	copyOf    *File // it looks like a copy of that one, which is still read; nil: like none
	sought    bool  // it was found when its original had been truncated or replaced
	whole     int64 // the size it must have to be one
	byContent bool  // only its content says that it may be one, not its name
	unsure    bool  // it was asked once whether it is one
	heir      *File // it was replaced by that one, which goes on where it ended
	replaces  *File // it goes on for that one, and nothing was read of it yet
}

// reading is the holder's view of a file, as of the last look.
type reading struct {
	look      bool // look at the file before reading
	sawAway   bool // away at the last look
	final     bool // flush at the last look
	atEnd     bool
	limit     int64     // read up to here: the size at the last look
	capped    bool      // it was larger than that
	spaceAt   time.Time // when all of the space was looked at
	dataAt    int64     // there is data at this position, whatever is before
	readMtime int64     // modification time at the last look
	readBound int64     // bound then
	headAt    time.Time
	scanned   int64     // no line end between pos and here
	base      State     // where the last chunk ended
	left      lines.Cut // left out since then
	hole      int64
	skimpy    int // lines per chunk were capped: bytes to read next time
	quick     fsys.Quick
	most      int // see Limit
}

package tail

import (
	"fmt"
	"log/slog"
	"time"
)

// FileID names one generation of a file. Dev and Ino are what the file system
// says (device and inode; on Windows volume serial and file index). Gen tells
// generations apart that had the same inode, one after the other: it is given
// when a generation is first seen, grows with time, and is part of the identity.
// Save and compare it whole.
type FileID struct {
	Dev, Ino, Gen uint64
}

// String returns dev:ino:gen in hexadecimal.
func (id FileID) String() string { return fmt.Sprintf("%x:%x:%x", id.Dev, id.Ino, id.Gen) }

// State is where reading of one file generation got to, and what is needed to
// know the same generation again.
type State struct {
	ID       FileID
	Path     string    // watched name under which the generation was first seen (or would have been)
	Pos      int64     // every byte before it is dealt with
	Part     int       // parts already sent of the line that Pos is in; 0: Pos is at the start of a line
	HeadLen  int       // bytes at the head of the file that HeadHash is of, at most 1024
	HeadHash uint64    // FNV-1a of them
	MarkLen  int       // bytes before Pos that MarkHash is of, at most 64
	MarkHash uint64    // FNV-1a of them
	Size     int64     // size in bytes when last seen
	ModTime  time.Time // modification time when last seen at Path
	Seen     time.Time // when that was
	Rotated  bool      // no longer at Path when last seen
	Skipped  int64     // bytes at the head that are not read, for the generation was there when an entry with from = end was first followed
	Origin   FileID    `json:",omitzero"` // of the generation that this one goes on for, as a copy of it; zero: it is none
	CopyOf   FileID    // of what it may be a copy, still being made; nothing was read of it then. Zero: it is none
}

// From says where reading starts in files that are there at the first scan and
// have no saved state.
type From int

// Start points. FromEnd starts at the start of the line that the end of the file
// is in, so that the first line handed out is a whole one.
const (
	FromEnd From = iota
	FromBeginning
)

// Config says what a Set follows and how.
type Config struct {
	Path       string                  // absolute path or doublestar glob
	Exclude    []string                // doublestar globs of paths not to follow
	Rotated    []string                // doublestar globs of old generations, absolute or relative to a file's directory, where their names do not tell
	From       From                    // start in files found at the first scan without a saved state, if FirstStart
	FirstStart bool                    // this Path was never followed before; false: such files start at 0
	Poll       bool                    // do not use file system notification (network file systems)
	Interval   time.Duration           // between two scans; default 1 s
	MaxLine    func() int              // longest line in bytes, asked at every read; default 1 MiB
	LongLines  LongLines               // what to do with longer ones
	Newline    Newline                 // what ends a line
	DropBOM    bool                    // the UTF-8 byte order mark at the head of a file is no part of its first line
	ChunkSize  int                     // bytes read at once; default 256 KiB
	MaxOpen    int                     // descriptors kept open at most; default a quarter of the process limit, at most 4096
	Allowed    func(path string) error // asked for the named path, the symlink-resolved one, and that which the opened file has; nil allows everything
	AllowedDir func(dir string) bool   // whether a path below a directory, with slashes, may be allowed: globs are not looked for elsewhere; nil: everywhere
	Watcher    *Watcher                // shared by the Sets of a process; nil: the Set has one of its own
	Deleted    *Deleted                // bound on what is kept of deleted files, shared by the Sets of a process; nil: none
	Log        *slog.Logger            // nil: nothing is logged

	Earlier
	Hooks
}

// Earlier is what earlier runs left of a Path.
type Earlier struct {
	Since  time.Time // when it was last known to be followed; zero: not known
	Saved  []State   // what was saved
	Memory Memory    // what else was
}

// Hooks are called by a Set. Each may be nil.
type Hooks struct {
	OnReady func() // a file became ready, for TryReady; from within the Set, so that it must not block or call it
	OnLook  func() // Run looked at the file system
}

// FileInfo describes one generation for operators.
type FileInfo struct {
	ID      FileID
	Path    string // watched name
	Name    string // where it is now, as far as known; Path unless it was rotated or Path is a symlink
	Size    int64  // bytes, when last seen
	Read    int64  // bytes handed out or skipped
	Skipped int64  // of these, bytes at the head that were not read: see State
	State   string // "reading", "idle", "queued", "waiting for older file", "rotated", "deleted", or an error in words
	Err     error  // why it cannot be read now; nil: it can
	Rotated bool   // no longer at Path
}

// Status describes a Set for operators. Counters are cumulative since Open.
type Status struct {
	Waiting     string // why nothing is followed, in words: "waiting for file", "permission denied: ...", "not allowed: ...", "" when files are followed
	WaitingFor  error  // the error that Waiting puts into words; nil when no file has the name, and when files are followed
	Problem     string // of the first file, by name, that cannot be followed or read while others can, in words with its path: "permission denied: /var/log/a.log"; "" when there is none
	ProblemOf   error  // the error that Problem puts into words; nil when there is none
	ProblemAt   string // the path of that file
	Problems    int    // how many there are
	Watching    string // how changes are noticed: "notify", "poll", or "poll: <why notification does not work>"
	Files       int    // generations known
	Open        int    // descriptors open
	Skipped     uint64 // lines longer than MaxLine that were left out (LongSkip)
	Truncated   uint64 // bytes of long lines that were left out (LongTruncate, LongSkip)
	Holes       uint64 // bytes of NUL at the head of files that were passed over
	DeletedOpen int64  // bytes of files that were deleted and are kept open
	Unreadable  uint64 // bytes known to have been written that were gone before they could be read
}

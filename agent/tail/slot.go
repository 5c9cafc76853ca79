package tail

import (
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
)

// slot is one watched name.
type slot struct {
	path     string
	queue    []*File   // generations in order that newer ones wait for, and the present one
	late     []*File   // generations read to their end lately, which may have grown since
	cur      *File     // at path now
	parked   []arrival // opened at path while names were moving: see parked.go
	last     *past     // what was at path before; nil: nothing yet
	err      error     // why there is nothing at path, or it is not followed
	fresh    bool      // not settled yet since the first scan
	first    bool      // Config.From holds for what is found there
	ended    []FileID  // finished generations, reported when a newer one is there
	newest   uint64    // Gen of the newest one known
	looked   int64     // when cur was seen there last, Unix nanoseconds
	turn     uint64    // when it is looked at, where there are many
	seen     uint64    // number of the scan that listed it
	since    time.Time
	family   familyOf
	told     fsnotify.Op // what events told of the name since it was looked at last, of Create, Remove and Rename
	ignored  ignored
	home     *slot    // the log that this name is a member of; nil: not known, or itself
	kin      *kinship // what its name says of that; nil: not worked out yet
	alone    bool     // it is no member, though its name is that of one
	unshared bool     // a program was seen to open it without sharing: see gentle.go
	wary     bool     // a program may wait until it is let go: see gentle.go
	came     int      // 0: it is not in Set.toLineUp; else one more than how often it was asked in vain
	virtual  bool     // no file has this name: see member.go
	mtime    int64    // of what was at the name when it was looked at last
	moving   *standing
}

// standing is what was at a name, for those who ask while that is changed. What is half
// changed is not shown.
type standing struct {
	cur *File
	err error
}

// standsLocked returns what is at the name, and why there is nothing, or it is not followed.
func (sl *slot) standsLocked() (cur *File, err error) {
	if m := sl.moving; m != nil {
		return m.cur, m.err
	}
	return sl.cur, sl.err
}

// moveLocked begins to change what is at the name; the change ends with the call of what
// is returned.
func (sl *slot) moveLocked() (moved func()) {
	if sl.moving != nil {
		return func() {}
	}
	sl.moving = &standing{sl.cur, sl.err}
	return func() { sl.moving = nil }
}

// past is what must be known of a generation to find those that came after it.
type past struct {
	id    fsys.Inode // zero unless it was moved away whole
	name  string
	mtime int64
	born  int64
	size  int64
	state State             // to know a copy of it,
	seen  int64             // when mtime was taken, Unix nanoseconds; 0: unknown
	trail fingerprint.Trail // also of one that ends before the position
	trunc bool              // it was truncated, so that there may be a copy
	vague bool              // trail has the position alone: a copy that ends before is not known
	anew  bool              // nothing was ever followed: what was not created since is an archive
}

func (sl *slot) drop(f *File) {
	for i, q := range sl.queue {
		if q == f {
			sl.queue = append(sl.queue[:i], sl.queue[i+1:]...)
			return
		}
	}
}

// insert puts f into the queue by age.
func (sl *slot) insert(f *File) {
	i := len(sl.queue)
	for i > 0 && sl.queue[i-1].id.Gen > f.id.Gen {
		i--
	}
	sl.queue = append(sl.queue, nil)
	copy(sl.queue[i+1:], sl.queue[i:])
	sl.queue[i] = f
}

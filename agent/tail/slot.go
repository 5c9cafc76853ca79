package tail

import (
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
)

// slot is one watched name.
type slot struct {
	path   string
	family familyOf
	succession
	visit
	membership
	usage
	moving *standing // what was at the name before the change under way; nil: there is none
}

// succession is the generations of a name.
type succession struct {
	queue    []*File   // in order: those that newer ones wait for, and the present one
	late     []*File   // read to their end lately, which may have grown since
	cur      *File     // at path now
	heldOpen []arrival // opened at path while names were moving: see heldopen.go
	last     *past     // what was at path before; nil: nothing yet
	ended    []FileID  // finished ones, reported when a newer one is there
	newest   uint64    // Gen of the newest one known
	came     int       // 0: it is not in Set.toLineUp; else one more than how often it was asked in vain
}

// visit is what the last look at a name told, and when the next one is due.
type visit struct {
	err     error       // why there is nothing at path, or it is not followed
	fresh   bool        // not looked at to the end yet, since the first scan
	first   bool        // Config.From holds for what is found there
	looked  int64       // when cur was seen there last, Unix nanoseconds
	mtime   int64       // of what was there
	turn    uint64      // when it is looked at, where there are many
	seen    uint64      // number of the scan that listed it
	since   time.Time   // when it was listed, or had a file
	told    fsnotify.Op // what events told of the name since it was looked at last, of Create, Remove and Rename
	ignored ignored
	lateIn  uint64 // number of the scan since which it was to be looked at again at once,
	lates   int    // and how often
}

// membership is what log a name belongs to.
type membership struct {
	home    *slot    // the log that it is a member of; nil: not known, or itself
	kin     *kinship // what its name says of that; nil: not worked out yet
	alone   bool     // it is no member, though its name is that of one
	virtual bool     // no file has this name: see member.go
}

// usage is how programs open the files of a log: see gentle.go.
type usage struct {
	unshared bool // one was seen to open a file without sharing
	wary     bool // one may wait until its file is let go
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

func (g *succession) drop(f *File) {
	for i, q := range g.queue {
		if q == f {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return
		}
	}
}

// insert puts f into the queue by age.
func (g *succession) insert(f *File) {
	i := len(g.queue)
	for i > 0 && g.queue[i-1].id.Gen > f.id.Gen {
		i--
	}
	g.queue = append(g.queue, nil)
	copy(g.queue[i+1:], g.queue[i:])
	g.queue[i] = f
}

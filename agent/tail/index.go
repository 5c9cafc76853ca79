package tail

import (
	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
)

// index is what a Set follows, and how that is found.
type index struct {
	slots    map[string]*slot
	files    map[*File]struct{}
	away     map[*File]struct{}
	copies   map[*File]struct{} // with copyOf
	waits    map[*File]*File    // files that wait for one of another log: see series.go
	byInode  map[fsys.Inode]*File
	byName   map[string]*File
	heads    headIndex
	toLineUp []*slot // to which generations came: see lineup.go
	open     int     // descriptors
}

func newIndex() index {
	return index{
		slots: map[string]*slot{}, files: map[*File]struct{}{}, away: map[*File]struct{}{}, copies: map[*File]struct{}{}, waits: map[*File]*File{},
		byInode: map[fsys.Inode]*File{}, byName: map[string]*File{}, heads: headIndex{},
	}
}

// forget takes a file out that is followed no longer.
func (x *index) forget(f *File) {
	delete(x.files, f)
	delete(x.away, f)
	delete(x.copies, f)
	delete(x.waits, f)
	x.heads.remove(f)
	if x.byInode[f.inode()] == f {
		delete(x.byInode, f.inode())
	}
}

// headIndex finds the followed files that begin alike, by the hash of their whole heads.
// Files with less content are not in it. Those with the same hash are linked by
// File.alike: before and after.
type headIndex map[uint64]*File

func (x headIndex) add(f *File) {
	if f.head.Len < fingerprint.HeadMax {
		return
	}
	first := x[f.head.Hash]
	f.alike = [2]*File{nil, first}
	if first != nil {
		first.alike[0] = f
	}
	x[f.head.Hash] = f
}

func (x headIndex) remove(f *File) {
	before, after := f.alike[0], f.alike[1]
	f.alike = [2]*File{}
	if after != nil {
		after.alike[0] = before
	}
	switch {
	case before != nil:
		before.alike[1] = after
	case x[f.head.Hash] != f || f.head.Len < fingerprint.HeadMax:
	case after != nil:
		x[f.head.Hash] = after
	default:
		delete(x, f.head.Hash)
	}
}

// headLocked notes the fingerprint of the head of f.
func (s *Set) headLocked(f *File, head fingerprint.Head) {
	if head == f.head {
		return
	}
	s.heads.remove(f)
	f.head = head
	if f.state != fileDone {
		s.heads.add(f)
	}
}

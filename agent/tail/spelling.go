package tail

import (
	"strings"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// Where names that differ in case only lead to the same file (Windows), S4.LOG.1 is an old
// generation of the entry's s4.log. Names are kept as they are written, by the entry or on
// the disk, because they are shown and opened. They are compared, and looked up, by the
// functions below.

// key is what a path is looked up by.
func (s *Set) key(path string) string {
	if s.sys.FoldsNames() {
		return strings.ToLower(path)
	}
	return path
}

// isSame tells whether two paths are the same name.
func (s *Set) isSame(a, b string) bool {
	return a == b || s.sys.FoldsNames() && strings.EqualFold(a, b)
}

// spelled returns name with what it has of base written as base is.
func (s *Set) spelled(base, name string) string {
	if s.sys.FoldsNames() {
		return rotation.Spelled(base, name)
	}
	return name
}

// tagged is the tag that of finds in a name, or in the name as base is written.
func (s *Set) tagged(of tagger, base, name string) (rotation.Tag, bool) {
	tag, ok := of(base, name)
	if !ok && s.sys.FoldsNames() {
		tag, ok = of(base, rotation.Spelled(base, name))
	}
	return tag, ok
}

// tagger is rotation.Of or rotation.In.
type tagger func(base, name string) (rotation.Tag, bool)

// rotatedOf is rotation.Of.
func (s *Set) rotatedOf(base, name string) (rotation.Tag, bool) {
	return s.tagged(rotation.Of, base, name)
}

// rotatedIn is rotation.In.
func (s *Set) rotatedIn(base, name string) (rotation.Tag, bool) {
	return s.tagged(rotation.In, base, name)
}

// slotAtLocked returns the slot of a watched name; nil: there is none.
func (s *Set) slotAtLocked(path string) *slot { return s.slots[s.key(path)] }

// newestAt returns what was saved last of a name.
func (s *Set) newestAt(path string) (State, bool) {
	st, ok := s.newest[s.key(path)]
	return st, ok
}

// spelledOnDisk is spelled for this machine.
func spelledOnDisk(base, name string) string {
	if fsys.Folds {
		return rotation.Spelled(base, name)
	}
	return name
}

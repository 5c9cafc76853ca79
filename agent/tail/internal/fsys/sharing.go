package fsys

import (
	"errors"
	"strings"
)

// ErrUnshared is why a file cannot be read that another program has opened for itself.
var ErrUnshared = errors.New("in use by another program without sharing")

// IsUnshared tells whether err says that another program has a file, or a part of it, for
// itself. It is so for a while: nothing is wrong with the file.
func IsUnshared(err error) bool { return errors.Is(err, ErrUnshared) || isUnshared(err) }

// Hinders tells whether files that are held open can stop other programs, so that they
// are let go as soon as nothing is to be read.
func (s *System) Hinders() bool { return s.Gentle || hinders && !s.Holds }

// FoldsNames tells that names differ by more than case.
func (s *System) FoldsNames() bool { return Folds || s.Folds }

// at is where the file system finds what is at path.
func (s *System) at(path string) string {
	if s.Spell != nil {
		return s.Spell(path)
	}
	return path
}

// fold makes 64 bits of an id of 128. One that has no more than 64 stays what it is; of
// others, the halves are mixed so that neither alone decides (the finalizer of MurmurHash3,
// in the public domain).
func fold(low, high uint64) uint64 {
	if high == 0 {
		return low
	}
	high ^= high >> 33
	high *= 0xff51afd7ed558ccd
	high ^= high >> 33
	high *= 0xc4ceb9fe1a85ec53
	high ^= high >> 33
	return low ^ high
}

// plainPrefix takes the prefix of long paths off a Windows path: what is opened gets it
// where it is needed, and in a glob its ? would stand for any character.
func plainPrefix(path string) string {
	p := strings.ReplaceAll(path, "/", `\`)
	if len(p) > 8 && strings.EqualFold(p[:8], `\\?\UNC\`) {
		return `\\` + path[8:]
	}
	if strings.HasPrefix(p, `\\?\`) {
		return path[4:]
	}
	return path
}

// rooted makes the directory of a glob at a drive's root that root: C: alone is whatever
// directory is the current one there.
func rooted(base string) string {
	if len(base) == 2 && base[1] == ':' {
		return base + "/"
	}
	return base
}

package fingerprint

import (
	"bytes"
	"os"

	"logctl/agent/tail/internal/fsys"
)

// How much of a file identifies it.
const (
	HeadMax = 1024 // bytes of its head
	MarkMax = 64   // bytes before a position
)

// Empty is the Sum of no bytes.
const Empty = 14695981039346656037

const fnvPrime = 1099511628211

// Sum goes on with an FNV-1a hash over b. It is written out because a hash kept
// in a State must be the same in every version, and grow with the file.
func Sum(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}

// Head is the fingerprint of a file's head.
type Head struct {
	Len  int
	Hash uint64
}

// First is the fingerprint of a file nothing was read of yet; without NUL
// bytes, which may be space that is still to be written.
func First(h *os.File, size int64) Head {
	var b [HeadMax]byte
	n, err := fsys.ReadAt(h, b[:min(size, HeadMax)], 0)
	if err != nil {
		n = 0
	}
	if i := bytes.IndexByte(b[:n], 0); i >= 0 {
		n = i
	}
	return Head{n, Sum(Empty, b[:n])}
}

// Print is where a file was read to, and what identifies it there.
type Print struct {
	Pos      int64 // of the next byte to read
	HeadLen  int   // bytes that HeadHash is of
	HeadHash uint64
	MarkLen  int // bytes before Pos that MarkHash is of
	MarkHash uint64
}

// Match tells whether the file h, which has that size, is the one that p was taken of.
func Match(h *os.File, size int64, p Print) bool {
	same, err := Compare(h, size, p)
	return same && err == nil
}

// Compare is Match for those who must tell other content from a file that cannot be read.
func Compare(h *os.File, size int64, p Print) (bool, error) {
	if size < p.Pos || p.MarkLen > MarkMax || p.HeadLen > HeadMax || int64(p.MarkLen) > p.Pos {
		return false, nil
	}
	var b [HeadMax]byte
	n, err := fsys.ReadFull(h, b[:p.HeadLen], 0)
	if err != nil || n < p.HeadLen || p.HeadLen > 0 && Sum(Empty, b[:n]) != p.HeadHash {
		return false, err
	}
	n, err = fsys.ReadFull(h, b[:p.MarkLen], p.Pos-int64(p.MarkLen))
	return err == nil && n == p.MarkLen && Sum(Empty, b[:n]) == p.MarkHash, err
}

// Begins tells whether the file h begins with what is in c, which has that size, as far
// as is looked.
func Begins(h, c *os.File, size int64) bool {
	return sameBytes(c, h, 0, min(size, HeadMax)) && sameBytes(c, h, size-min(size, MarkMax), min(size, MarkMax))
}

// sameBytes tells whether both files have the same n bytes, at most headMax, at that
// offset.
func sameBytes(a, b *os.File, at, n int64) bool {
	var x, y [HeadMax]byte
	i, errA := fsys.ReadFull(a, x[:n], at)
	j, errB := fsys.ReadFull(b, y[:n], at)
	return errA == nil && errB == nil && int64(i) == n && int64(j) == n && x == y
}

// Extend lets the fingerprint of the head of the file h grow to n bytes. buf was read
// at from.
func Extend(h *os.File, buf []byte, from int64, head Head, n int) Head {
	if from <= int64(head.Len) && int64(n) <= from+int64(len(buf)) {
		return Head{n, Sum(head.Hash, buf[int64(head.Len)-from:int64(n)-from])}
	}
	// The file may have been truncated since buf was read: it must begin as it did, and
	// have what buf has.
	var b, at [HeadMax]byte
	m, err := fsys.ReadFull(h, b[:n], 0)
	if err != nil || m < n || Sum(Empty, b[:head.Len]) != head.Hash {
		return head
	}
	k := min(len(buf), HeadMax)
	if m, err = fsys.ReadFull(h, at[:k], from); err != nil || m < k || !bytes.Equal(at[:k], buf[:k]) {
		return head
	}
	return Head{n, Sum(head.Hash, b[head.Len:n])}
}

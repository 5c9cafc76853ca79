package positions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// Sizes and flags of bbolt's pages, in the byte order of the machine:
// https://pkg.go.dev/go.etcd.io/bbolt/internal/common
const (
	pageHeader  = 16
	element     = 16
	metaMagic   = 0xED0CDAED
	metaSum     = 64 // offset of the checksum within the page, of the bytes behind the header
	branchPage  = 0x01
	leafPage    = 0x02
	freePage    = 0x10
	bucketEntry = 0x01
	nestedMost  = 8 // buckets within one another
)

// checkPages walks over the pages of a database before bbolt does. bbolt follows page
// numbers without looking: a page that leads back to itself, which a flipped bit or a lost
// write can make, ends the process with an overflowing stack.
func checkPages(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	size, root, free, err := newestRoot(data)
	if err != nil {
		return err
	}
	if err := checkFree(data, size, free); err != nil {
		return err
	}
	w := pageWalk{data: data, size: size, seen: map[uint64]bool{}}
	return w.page(root, 0)
}

// checkFree looks at the list of free pages: it must lie within the pages that it has.
func checkFree(data []byte, size, id uint64) error {
	const none = ^uint64(0) // the list is not kept
	if id == none {
		return nil
	}
	at := id * size
	if id > uint64(len(data))/size || at+size > uint64(len(data)) {
		return fmt.Errorf("damaged: the list of free pages, page %d, is behind the end", id)
	}
	ne := binary.NativeEndian
	p := data[at:]
	whole := (1 + uint64(ne.Uint32(p[12:]))) * size
	n, head := uint64(ne.Uint16(p[10:])), uint64(pageHeader)
	if n == 0xffff { // more of them: the first number is how many
		n, head = ne.Uint64(p[pageHeader:]), pageHeader+8
	}
	if ne.Uint64(p) != id || ne.Uint16(p[8:]) != freePage || at+whole > uint64(len(data)) || n > (whole-head)/8 {
		return fmt.Errorf("damaged: page %d is no list of free pages", id)
	}
	return nil
}

// newestRoot returns the page size, the root page and the page of the list of free pages,
// by the newer of the two head pages whose checksum is right.
func newestRoot(data []byte) (size, root, free uint64, err error) {
	ne := binary.NativeEndian
	best, found := uint64(0), false
	for i := range uint64(2) {
		for at := i * 512; at+80 <= uint64(len(data)) && at <= i*65536; at += max(at, 512) {
			m := data[at+pageHeader:]
			if ne.Uint32(m) != metaMagic || i*uint64(ne.Uint32(m[8:])) != at {
				continue
			}
			sum := fnv.New64a()
			_, _ = sum.Write(m[:metaSum-8])
			if txid := ne.Uint64(m[48:]); ne.Uint64(m[56:]) == sum.Sum64() && (!found || txid > best) {
				best, found = txid, true
				size, root, free = uint64(ne.Uint32(m[8:])), ne.Uint64(m[16:]), ne.Uint64(m[32:])
			}
		}
	}
	if !found || size < 512 {
		return 0, 0, 0, errors.New("no head page of it is whole")
	}
	return size, root, free, nil
}

// pageWalk visits every page once.
type pageWalk struct {
	data []byte
	size uint64
	seen map[uint64]bool
}

func (w *pageWalk) page(id uint64, depth int) error {
	if w.seen[id] {
		return fmt.Errorf("damaged: page %d is part of two others, or of itself", id)
	}
	w.seen[id] = true
	at := id * w.size
	if id > uint64(len(w.data))/w.size || at+w.size > uint64(len(w.data)) {
		return fmt.Errorf("damaged: page %d is behind the end", id)
	}
	ne := binary.NativeEndian
	p := w.data[at:]
	if got := ne.Uint64(p); got != id {
		return fmt.Errorf("damaged: page %d says that it is page %d", id, got)
	}
	whole := (1 + uint64(ne.Uint32(p[12:]))) * w.size
	if at+whole > uint64(len(w.data)) || whole < w.size {
		return fmt.Errorf("damaged: page %d is behind the end", id)
	}
	return w.elements(p[:whole], depth)
}

// elements visits what a page holds, which may stand within another page.
func (w *pageWalk) elements(p []byte, depth int) error {
	ne := binary.NativeEndian
	if len(p) < pageHeader || depth > nestedMost {
		return errors.New("damaged: buckets within buckets without end")
	}
	flags, count := ne.Uint16(p[8:]), int(ne.Uint16(p[10:]))
	if flags != branchPage && flags != leafPage || pageHeader+count*element > len(p) {
		return fmt.Errorf("damaged: a page of kind %#x with %d elements", flags, count)
	}
	for i := range count {
		at := pageHeader + i*element
		e := p[at:]
		if flags == branchPage {
			if key := uint64(at) + uint64(ne.Uint32(e)) + uint64(ne.Uint32(e[4:])); key > uint64(len(p)) {
				return errors.New("damaged: a key lies behind the end of its page")
			}
			if err := w.page(ne.Uint64(e[8:]), depth); err != nil {
				return err
			}
			continue
		}
		key := uint64(at) + uint64(ne.Uint32(e[4:])) + uint64(ne.Uint32(e[8:]))
		end := key + uint64(ne.Uint32(e[12:]))
		if end > uint64(len(p)) {
			return errors.New("damaged: a value lies behind the end of its page")
		}
		if ne.Uint32(e)&bucketEntry == 0 {
			continue
		}
		if err := w.bucket(p[key:end], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// bucket visits a bucket by its value: the number of its root page, or 0 and the page
// itself behind it.
func (w *pageWalk) bucket(v []byte, depth int) error {
	if len(v) < 16 {
		return errors.New("damaged: a bucket without a root")
	}
	if root := binary.NativeEndian.Uint64(v); root != 0 {
		return w.page(root, depth)
	}
	return w.elements(v[16:], depth)
}

package consumer

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// walk is one passing over values.
type walk struct {
	Wanted
	Values
	records int       // looked at
	size    int64     // bytes of their keys and values
	offset  int64     // of the last of them
	at      time.Time // of the last of them
}

// take decides on the value of a record and counts the record.
func (w *walk) take(dst, value []byte) []byte {
	w.records++
	w.size += int64(len(value))
	if w.Keep != nil && !w.Keep(value) {
		w.Passed++
		return dst
	}
	w.Kept++
	w.Bytes += int64(len(value))
	return append(append(dst, value...), w.Separator...)
}

// values appends the values of records to dst until that is as long as w allows or the
// data ends, and reports whether the data ended.
func (d *decoder) values(dst []byte, w *walk) ([]byte, bool) {
	for len(dst) < w.Limit {
		if d.left == 0 {
			if d.scratch != nil {
				d.shared.pool.put(d.scratch)
				d.scratch = nil
			}
			if len(d.data) == 0 {
				d.discardAll()
				return dst, true
			}
			d.open()
			continue
		}
		var err error
		if d.wholly() {
			dst, err = d.wholeValues(dst, w)
		} else {
			dst, err = d.someValues(dst, w)
		}
		if err != nil {
			d.skip(err)
		}
	}
	return dst, d.left == 0 && len(d.data) == 0
}

// wholly reports whether all records of the current batch are wanted.
func (d *decoder) wholly() bool {
	return d.from <= d.batch.baseOffset && d.batch.lastOffset < d.end && d.until == 0 &&
		(d.shared.maxRecord == 0 || d.shared.maxRecord >= maxPlain*headerCost)
}

// someValues is for batches of which not every record may be wanted.
func (d *decoder) someValues(dst []byte, w *walk) ([]byte, error) {
	var r record
	for d.left > 0 && len(dst) < w.Limit {
		wanted, err := d.next(&r)
		if err != nil {
			return dst, err
		}
		if wanted {
			dst = d.value(dst, w, &r)
		}
	}
	return dst, nil
}

// value takes the value of a decoded record.
func (d *decoder) value(dst []byte, w *walk, r *record) []byte {
	w.offset, w.at = d.batch.baseOffset+r.offsetDelta, d.timeOf(r)
	w.size += int64(len(r.key))
	return w.take(dst, r.value)
}

// wholeValues is for batches of which all records are wanted: it looks for the value of
// each and at nothing else. What is not of the usual shape is left to parseRecord.
func (d *decoder) wholeValues(dst []byte, w *walk) ([]byte, error) {
	var r record
	var last []byte // from the last record on that was taken here
	quick := w.Keep == nil && len(w.Separator) == 1
	for d.left > 0 && len(dst) < w.Limit {
		if quick {
			n := d.left
			if dst, last = d.quickValues(dst, w, last); d.left < n {
				continue
			}
		}
		value, rest, key, plain := plainValue(d.payload)
		if plain {
			last = d.payload
			d.payload = rest
			d.left--
			w.size += int64(key)
			dst = w.take(dst, value)
			continue
		}
		last = nil
		wanted, err := d.next(&r)
		if err != nil {
			return dst, err
		}
		if wanted {
			dst = d.value(dst, w, &r)
		}
	}
	if last != nil {
		if _, err := parseRecord(last, &r); err != nil {
			return dst, err
		}
		w.offset, w.at = d.batch.baseOffset+r.offsetDelta, d.timeOf(&r)
	}
	return dst, nil
}

// quickHead is what quickValues looks at of a record at most before its value, bytes.
const quickHead = 16

// quickValues appends the values of records without a key and of at most 8 KiB, all of
// which are wanted, with a byte behind each, and stops before the first record of another
// shape. Nearly all of a topic of log lines is of this one, and the loop has no call but
// that which copies. last becomes the data from the last record on that was taken.
func (d *decoder) quickValues(dst []byte, w *walk, last []byte) (out, from []byte) {
	b, left, behind := d.payload, d.left, w.Separator[0]
	total := int64(0)
	for left > 0 && len(dst) < w.Limit && len(b) >= quickHead {
		end, at := int(b[0]), 1 // twice the size
		if end >= 0x80 {
			if b[1] >= 0x80 {
				break
			}
			end, at = end&0x7f|int(b[1])<<7, 2
		}
		odd := end
		end = at + end>>1
		// The deltas of time and offset end with the first two bytes below 0x80.
		ends := ^binary.LittleEndian.Uint64(b[at+1:]) & 0x8080808080808080
		ends &= ends - 1
		if ends == 0 || end > len(b) {
			break
		}
		at += 2 + bits.TrailingZeros64(ends)>>3
		key, size := b[at], int(b[at+1]) // twice the length
		at += 2
		if size >= 0x80 {
			if b[at] >= 0x80 {
				break
			}
			size = size&0x7f | int(b[at])<<7
			at++
		}
		odd |= size
		stop := at + size>>1
		if key != 1 || odd&1 != 0 || stop >= end { // the key's length is -1: none
			break
		}
		if headers := b[stop]; headers >= 0x80 || headers&1 != 0 || int(headers/2) >= end-stop {
			break
		}
		dst = append(append(dst, b[at:stop]...), behind)
		total += int64(stop - at)
		last, b = b, b[end:]
		left--
	}
	n := int(d.left - left)
	w.records += n
	w.Kept += n
	w.size += total
	w.Bytes += total
	d.payload, d.left = b, left
	return dst, last
}

// plainValue reads the value of the first record in b and the length of its key, if the
// record has the shape that nearly all have: numbers of few bytes, a value, and a size
// that no bound is below. Otherwise plain is false, and nothing is said of the record.
func plainValue(b []byte) (value, rest []byte, key int, plain bool) {
	size, n := shortVarint(b)
	if n == 0 || size < 6 || size > maxPlain || size > len(b)-n {
		return nil, nil, 0, false
	}
	rest = b[n+size:]
	b = b[n+1 : n+size] // without the attributes
	for range 2 {       // deltas of time and offset
		k := 0
		for k < 4 && b[k] >= 0x80 { // five bytes are left at least
			k++
		}
		if k == 4 || len(b) < k+1+5 {
			return nil, nil, 0, false
		}
		b = b[k+1:]
	}
	if b[0] == 1 { // the length -1: no key
		b = b[1:]
	} else {
		if key, n = shortVarint(b); n == 0 || key < 0 || key > len(b)-n {
			return nil, nil, 0, false
		}
		b = b[n+key:]
	}
	length, n := shortVarint(b)
	if n == 0 || length < 0 || length >= len(b)-n { // a byte at least for the number of headers
		return nil, nil, 0, false
	}
	b = b[n:]
	if headers := b[length]; headers >= 0x80 || headers&1 != 0 || int(headers/2) >= len(b)-length {
		return nil, nil, 0, false
	}
	return b[:length:length], rest, key, true
}

// maxPlain is the size from which on a record is measured before its value is taken, bytes.
const maxPlain = 64 << 10

// shortVarint reads a number of at most three bytes; n is 0 when it is longer or cut off.
func shortVarint(b []byte) (v, n int) {
	if len(b) < 3 {
		return 0, 0
	}
	u := uint(b[0])
	n = 1
	if u >= 0x80 {
		u = u&0x7f | uint(b[1])<<7
		n = 2
		if b[1] >= 0x80 {
			if b[2] >= 0x80 {
				return 0, 0
			}
			u = u&0x3fff | uint(b[2])<<14
			n = 3
		}
	}
	return int(u>>1) ^ -int(u&1), n
}

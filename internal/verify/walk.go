package verify

import (
	"bytes"
	"errors"
	"io"

	"github.com/cespare/xxhash/v2"
)

// walk goes through a file beside the ranges of it that arrived.
type walk struct {
	g    *Generation
	v    *Verdict
	cut  bool // what is before the first record need not have been sent, or kept
	open bool // the file may be behind what was sent, and what was written not sent yet

	r    *pieces
	at   int64
	ends int64 // line ends in what was read last
}

// all compares the whole file.
func (w *walk) all(r *pieces) error {
	w.r = r
	for i := range w.g.runs {
		x := &w.g.runs[i]
		if err := w.gap(i, x); err != nil {
			return err
		}
		if err := w.arrived(x); err != nil {
			return err
		}
	}
	return w.rest()
}

// gap reads what lies before a range.
func (w *walk) gap(i int, x *run) error {
	from := w.at
	if x.From < from {
		return nil // ranges of hashed values touch
	}
	n, text, err := w.pass(x.From-from, nil)
	if err != nil || n < x.From-from {
		return err // the file is shorter than what arrived: it was truncated since
	}
	if !text && (i == 0 || w.ends <= 1) {
		return nil // a line end, or nothing
	}
	hole := Hole{Span: Span{from, x.From}, Lines: w.ends, Before: x.first}
	if i > 0 {
		hole.After = w.g.runs[i-1].last
	}
	if i == 0 && w.cut {
		w.v.Unknown = append(w.v.Unknown, hole)
		return nil
	}
	if !text { // only line ends: empty lines that did not arrive, but the one that ends the line before
		hole.Lines--
	}
	w.v.Missing = append(w.v.Missing, hole)
	return nil
}

// arrived reads a range that arrived: it has as many lines as records came, and their
// bytes, where these were hashed.
func (w *walk) arrived(x *run) error {
	var sum *xxhash.Digest
	if x.hash != nil {
		sum = xxhash.New()
	}
	from := w.at
	n, _, err := w.pass(x.To-from, sum)
	if err != nil {
		return err
	}
	if n < x.To-from {
		w.v.Note = "the file is shorter than what arrived: it was truncated since"
		return nil
	}
	if sum != nil && sum.Sum64() != x.hash.Sum64() {
		w.v.Altered = append(w.v.Altered, x.Span)
		return nil
	}
	// Parts of long lines are records of their own, so that there may be more than lines.
	if lines := uint64(w.ends) + 1; sum == nil && lines > x.lines {
		w.v.Missing = append(w.v.Missing, Hole{Span: x.Span, Lines: int64(lines - x.lines), After: x.first, Before: x.last})
	}
	return nil
}

// rest reads what is behind the last range.
func (w *walk) rest() error {
	from, whole, lines := w.at, w.at, int64(0)
	text := false
	for {
		b, err := w.r.next(pieceSize)
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			whole = w.at + int64(i) + 1
			lines += int64(bytes.Count(b, []byte{'\n'}))
		}
		text = text || len(bytes.Trim(b, "\r\n\x00")) > 0
		w.at += int64(len(b))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	w.v.Size = w.at
	if whole == from || !text && lines <= 1 {
		return nil
	}
	hole := Hole{Span: Span{from, whole}, Lines: lines, After: w.g.Last.At}
	if len(w.g.runs) > 0 {
		hole.Lines-- // the end of the last line that arrived
	}
	if w.open {
		w.v.Unknown, w.v.Note = append(w.v.Unknown, hole), "it is being written to"
		return nil
	}
	if hole.Lines > 0 {
		w.v.Missing = append(w.v.Missing, hole)
	}
	return nil
}

// pass reads n bytes. It tells how many there were, and whether anything but line ends and
// NULs, which are space that nobody wrote to, was among them. sum takes the bytes, with CR LF as LF.
func (w *walk) pass(n int64, sum *xxhash.Digest) (read int64, text bool, err error) {
	w.ends = 0
	held := false // a CR that may be before a LF
	for read < n {
		b, err := w.r.next(n - read)
		read += int64(len(b))
		w.at += int64(len(b))
		w.ends += int64(bytes.Count(b, []byte{'\n'}))
		text = text || len(bytes.Trim(b, "\r\n\x00")) > 0
		if sum != nil {
			held = hashLines(sum, b, held)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return read, text, err
		}
	}
	if held {
		_, _ = sum.Write([]byte{'\r'})
	}
	return read, text, nil
}

// hashLines hashes bytes with CR LF as LF. It reports whether a CR at the end waits for
// what follows.
func hashLines(sum *xxhash.Digest, b []byte, held bool) bool {
	if held && len(b) > 0 && b[0] != '\n' {
		_, _ = sum.Write([]byte{'\r'})
	}
	for {
		i := bytes.IndexByte(b, '\r')
		switch {
		case i < 0:
			_, _ = sum.Write(b)
			return false
		case i == len(b)-1:
			_, _ = sum.Write(b[:i])
			return true
		case b[i+1] == '\n':
			_, _ = sum.Write(b[:i])
			b = b[i+1:]
		default:
			_, _ = sum.Write(b[:i+1])
			b = b[i+1:]
		}
	}
}

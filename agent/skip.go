package agent

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"logctl/agent/positions"
	"logctl/agent/ship"
	"logctl/agent/tail"
)

// skip leaves out, of what is read of a file after an end without a farewell, what
// Kafka has already: see agent/lookback. Reading begins at the saved position as ever,
// so that lines and events are made of the same bytes as before.
type skip struct {
	positions.StoredFile
	spread bool // the records of a file may lie in several partitions: each is looked for
}

// newSkip returns nil when nothing is known to be stored of the file.
func newSkip(f positions.StoredFile, known, spread bool) *skip {
	if !known {
		return nil
	}
	return &skip{StoredFile: f, spread: spread && len(f.All) > 0}
}

// lines leaves out of a bundle the lines that are stored. Of one that is stored in part
// (it was longer than a record may be, or not complete then) the rest goes. It reports
// whether lines behind all that is stored were met.
func (s *skip) lines(b *ship.Bundle) (over bool) {
	kept := b.Spans[:0]
	for _, span := range b.Spans {
		n := int64(span.End - span.Start)
		have := int64(-1) // bytes from the span's beginning on that are stored
		if s.spread {
			if i, ok := s.find(span.Pos); ok {
				have = s.All[i].Len
			}
		} else if span.Pos <= s.Last.Pos {
			have = s.Last.Pos + s.Last.Len - span.Pos
		}
		switch {
		case have < 0:
			kept = append(kept, span)
		case n > have:
			span.Start += uint32(have)
			span.Pos += have
			kept = append(kept, span)
		}
		over = over || span.Pos > s.Last.Pos+s.Last.Len
	}
	b.Spans = kept
	return over
}

// events leaves out of a bundle the events that are stored. What began where a stored
// one began, but is another by now, goes again: an event may have got more lines.
func (s *skip) events(b *ship.Bundle) (over bool) {
	kept := b.Spans[:0]
	for _, span := range b.Spans {
		value := b.Data[span.Start:span.End]
		n, drop := int64(len(value)), false
		switch {
		case s.spread:
			i, ok := s.find(span.Pos)
			drop = ok && s.All[i].Len == n
		case span.Pos < s.Last.Pos:
			drop = true
		case span.Pos == s.Last.Pos:
			drop = n == s.Last.Len && (s.Last.Sum == 0 || xxhash.Sum64(value) == s.Last.Sum)
		}
		if !drop {
			kept = append(kept, span)
		}
		over = over || span.Pos > s.Last.Pos
	}
	b.Spans = kept
	return over
}

// dealtWith tells whether a line need not go through the line rules. Events are then made
// from the beginning of the last one that is stored, as it was made.
func (s *skip) dealtWith(l *tail.Line) bool {
	return !s.spread && l.Part == 0 && l.Pos < s.Last.Pos
}

// find returns the stored record that begins at a position.
func (s *skip) find(pos int64) (int, bool) {
	return slices.BinarySearchFunc(s.All, pos, func(r positions.StoredRecord, pos int64) int { return cmp.Compare(r.Pos, pos) })
}

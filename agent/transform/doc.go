// Package transform turns the lines of a chunk into the lines to be shipped:
// decoded to UTF-8, taken out of a container runtime's envelope, joined to
// multi-line events, filtered.
//
// Contract: a Pipe belongs to one file and to one goroutine at a time. It never
// blocks and does no I/O. Every line that goes in comes out, is part of an event
// that is held until its end is known, or is dropped by a filter and counted; the
// caller learns the position of the first byte still held and must not save a
// position behind it. Events leave in the order in which they began, also where two
// streams of a container stand mixed in the file. With nothing to do (no encoding, no
// format, no multi-line rule, no filter) a Pipe is not used at all, so that plain
// files cost nothing.
//
//	line ──decode──▶ envelope ──lanes (one a stream): pieces, then joiner──▶ filters ──▶ Batch
package transform

// Package packed reads compressed generations of logs as the plain bytes they were
// made of: gzip, zstd, xz, bzip2, lz4 (frames) and zip.
//
// A file is recognised by its first bytes, never by its name: rotation programs and
// people give compressed files any name. Reading is a stream from the first plain
// byte to the last, because none of the formats can be entered in the middle;
// Reader.Skip passes over what was read before.
//
// Bounds. A Reader holds at most MaxWindow bytes of history (what zstd --ultra and
// xz -9 need) plus some hundred KiB; gzip, bzip2, lz4 and zip need less than 9 MiB.
// A file whose plain content is more than MaxRatio times as large as what was read
// of it, beyond the first MaxGrace plain bytes, is refused with ErrBomb: a log that
// is one line over and over stays below.
//
// Errors. ErrCut says that the file ends too early: it may still be written to.
// ErrCorrupt says that its bytes are wrong. What was read before either is good.
// ErrUnsupported names a format or a method that is known and not read.
//
// The package opens no file and starts no goroutine. A Reader is for one goroutine.
package packed

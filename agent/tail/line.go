package tail

import "logctl/agent/tail/internal/lines"

// Line is one line, or one part of a long one, in Chunk.Data.
type Line = lines.Line

// LongLines says what happens to lines longer than Config.MaxLine.
type LongLines = lines.LongLines

// Ways to treat long lines.
const (
	LongSplit    = lines.LongSplit    // several Lines with Part 1, 2, ..., the last one with Last
	LongTruncate = lines.LongTruncate // the first MaxLine bytes; the rest is counted in Chunk.Truncated
	LongSkip     = lines.LongSkip     // nothing; counted in Chunk.Skipped and Chunk.Truncated
)

// Newline says what ends a line.
type Newline = lines.Newline

// Line ends. A carriage return before the line feed belongs to the line end.
const (
	NewlineLF      = lines.NewlineLF      // byte 0x0A
	NewlineUTF16LE = lines.NewlineUTF16LE // code unit 0x000A, little endian
	NewlineUTF16BE = lines.NewlineUTF16BE // code unit 0x000A, big endian
)

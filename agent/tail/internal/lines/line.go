package lines

// Line is one line, or one part of a long one, in Chunk.Data.
type Line struct {
	Start, End uint32 // Data[Start:End], without line end
	Part       int32  // 0: a whole line; 1, 2, ...: part of a long one
	Last       bool   // the last part
	Pos        int64  // of the first byte, in the file
}

// LongLines says what happens to lines longer than Config.MaxLine.
type LongLines int

// Ways to treat long lines.
const (
	LongSplit    LongLines = iota // several Lines with Part 1, 2, ..., the last one with Last
	LongTruncate                  // the first MaxLine bytes; the rest is counted in Chunk.Truncated
	LongSkip                      // nothing; counted in Chunk.Skipped and Chunk.Truncated
)

// Newline says what ends a line.
type Newline int

// Line ends. A carriage return before the line feed belongs to the line end.
const (
	NewlineLF      Newline = iota // byte 0x0A
	NewlineUTF16LE                // code unit 0x000A, little endian
	NewlineUTF16BE                // code unit 0x000A, big endian
)

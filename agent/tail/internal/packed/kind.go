package packed

import "bytes"

// Kind is the format of a file.
type Kind int

// Formats. Plain is everything that is not recognised.
const (
	Plain Kind = iota
	Gzip
	Zstd
	XZ
	Bzip2
	LZ4
	Zip
	SevenZip // recognised only
	Compress // .Z of compress(1), recognised only
	LZ4Old   // lz4 legacy frames, recognised only
	Lzip     // recognised only
)

// SniffLen is how many bytes Sniff needs to tell every format.
const SniffLen = 10

// magic lists what files of each format begin with.
var magic = []struct {
	kind Kind
	head []byte
	name string
}{
	{Gzip, []byte{0x1f, 0x8b, 0x08}, "gzip"},
	{Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd}, "zstd"},
	{XZ, []byte{0xfd, '7', 'z', 'X', 'Z', 0}, "xz"},
	{Bzip2, []byte("BZh"), "bzip2"},
	{LZ4, []byte{0x04, 0x22, 0x4d, 0x18}, "lz4"},
	{Zip, []byte("PK\x03\x04"), "zip"},
	{SevenZip, []byte{'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}, "7z"},
	{Compress, []byte{0x1f, 0x9d}, "compress"},
	{LZ4Old, []byte{0x02, 0x21, 0x4c, 0x18}, "lz4 (legacy)"},
	{Lzip, []byte("LZIP\x01"), "lzip"},
}

// bzip2Block and bzip2End follow the four bytes of a bzip2 header.
var bzip2Block, bzip2End = []byte{0x31, 0x41, 0x59, 0x26, 0x53, 0x59}, []byte{0x17, 0x72, 0x45, 0x38, 0x50, 0x90}

// Sniff tells the format of a file that begins with head. Fewer than SniffLen bytes
// may be too few: such a file is Plain.
func Sniff(head []byte) Kind {
	for _, m := range magic {
		if !bytes.HasPrefix(head, m.head) {
			continue
		}
		if m.kind == Bzip2 && !isBzip2(head) {
			return Plain // a line of text may begin with BZh
		}
		return m.kind
	}
	return Plain
}

func isBzip2(head []byte) bool {
	return len(head) >= SniffLen && head[3] >= '1' && head[3] <= '9' &&
		(bytes.HasPrefix(head[4:], bzip2Block) || bytes.HasPrefix(head[4:], bzip2End))
}

// Readable tells whether Open can read files of that format.
func (k Kind) Readable() bool { return k > Plain && k <= Zip }

// String returns the name of the format.
func (k Kind) String() string {
	for _, m := range magic {
		if m.kind == k {
			return m.name
		}
	}
	return "plain"
}

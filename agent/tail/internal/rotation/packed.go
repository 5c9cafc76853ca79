package rotation

import "strings"

// endings of compressed files.
var endings = []string{".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4", ".zip", ".lzma", ".br", ".7z", ".Z"}

// temporary endings of a file that a program is still writing.
var temporary = []string{".tmp", ".temp", ".part", ".partial"}

// Unpacked returns the name without the ending of a compressed file, and that
// ending; name and "" when there is none. A temporary ending behind it, as in
// app.log.1.gz.tmp, is part of the ending.
func Unpacked(name string) (plain, ending string) {
	rest := name
	for _, t := range temporary {
		if cut, ok := strings.CutSuffix(rest, t); ok {
			rest = cut
			break
		}
	}
	for _, e := range endings {
		if plain, ok := strings.CutSuffix(rest, e); ok && plain != "" {
			return plain, name[len(plain):]
		}
	}
	return name, ""
}

// Packed returns the names that a file gets when a program compresses it where it is.
func Packed(name string) []string {
	names := make([]string, len(endings))
	for i, e := range endings {
		names[i] = name + e
	}
	return names
}

// IsPacked tells whether the name is that of a compressed file.
func IsPacked(name string) bool {
	_, ending := Unpacked(name)
	return ending != ""
}

// Temporary tells whether the name says that the file is still being written by a
// program that will rename or remove it.
func Temporary(name string) bool {
	for _, t := range temporary {
		if strings.HasSuffix(name, t) {
			return true
		}
	}
	return false
}

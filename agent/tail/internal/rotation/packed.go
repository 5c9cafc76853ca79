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
	rest := Lasting(name)
	for _, e := range endings {
		if plain := len(rest) - len(e); plain > 0 && hasEnding(rest, e) {
			return name[:plain], name[plain:]
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
	return Lasting(name) != name
}

// Lasting returns the name without its temporary ending.
func Lasting(name string) string {
	for _, t := range temporary {
		if hasEnding(name, t) {
			return name[:len(name)-len(t)]
		}
	}
	return name
}

// BeingMade tells whether a file of that name and size may be one that a program has just
// begun to compress another into, of too few bytes to tell its format: least are enough. A
// temporary name alone (app.log.1.tmp) says so of an empty file only.
func BeingMade(name string, size, least int64) bool {
	return size < least && IsPacked(name) || size == 0 && Temporary(name)
}

// hasEnding tells whether name ends in what programs write small, or in capitals where
// names have no case.
func hasEnding(name, ending string) bool {
	return len(name) >= len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending)
}

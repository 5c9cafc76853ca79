package rotation

import (
	"path/filepath"
	"slices"
	"strings"
)

// Bases returns the names that Of may find name to be rotated from, longest first.
// Their number grows with the length of the name, not with that of a directory.
func Bases(name string) []string {
	plain, _ := Unpacked(name)
	if !strings.ContainsAny(plain, "0123456789") && !isWord(filepath.Ext(plain)) {
		return nil
	}
	seen := map[string]bool{plain: true, "": true}
	var found []string
	try := func(base string) {
		if seen[base] {
			return
		}
		seen[base] = true
		if _, ok := of(base, plain); ok {
			found = append(found, base)
		}
	}
	ext := filepath.Ext(plain)
	exts := []string{ext}
	if isWord(ext) {
		exts = []string{".log", ".txt", ".out"} // app.old says nothing about the extension
	}
	for i := len(plain) - 1; i > 0; i-- {
		try(plain[:i])
		for _, e := range exts {
			try(plain[:i] + e)
		}
		try(plain[i:])
	}
	for _, r := range runs(plain) {
		try(plain[:r[0]] + "0" + plain[r[1]:])
		if r[0] > 0 && plain[r[0]-1] == 'r' {
			try(plain[:r[0]-1] + "rCURRENT" + plain[r[1]:])
		}
	}
	if strings.HasPrefix(plain, "@") {
		try("current")
	}
	slices.SortStableFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}

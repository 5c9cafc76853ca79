package etcdcfg

import (
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// RotatedGlobs returns the globs of Rotated in full, with slashes, for the file
// called name: those that are not absolute are relative to its directory, in which
// a glob's own characters stand for themselves.
func (e Entry) RotatedGlobs(name string) []string {
	dir := path.Dir(strings.ReplaceAll(name, `\`, "/"))
	globs := make([]string, 0, len(e.Rotated))
	for _, g := range e.Rotated {
		if isWindowsPath(g) {
			g = strings.ReplaceAll(g, `\`, "/")
		}
		if !IsAbs(g) {
			g = path.Join(globEscaper.Replace(dir), g)
		}
		globs = append(globs, g)
	}
	return globs
}

var globEscaper = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`)

// rotatedOthers finds the other entries whose file a rotated glob of entry i
// matches: it would be taken for an old generation, and be sent twice.
func rotatedOthers(i int, entries []Entry) []Problem {
	e := entries[i]
	if strings.ContainsAny(e.Path, "*?[{") || e.Disabled {
		return nil // the directory of its files is not known here
	}
	var found []Problem
	for j, g := range e.RotatedGlobs(e.Path) {
		for k, other := range entries {
			if k == i || cleanPath(other.Path) == cleanPath(e.Path) || other.Disabled {
				continue
			}
			name := other.Path
			if isWindowsPath(name) {
				name = strings.ReplaceAll(name, `\`, "/")
			}
			if ok, err := doublestar.Match(g, name); err == nil && ok {
				found = append(found, Problem{Entry: i, Field: fmt.Sprintf("rotated[%d]", j),
					Message: fmt.Sprintf("%q matches %q, which entry %d follows", e.Rotated[j], other.Path, k+1),
					Hint:    "write it closer, so that it matches old generations of this file alone"})
			}
		}
	}
	return found
}

package etcdcfg

import (
	"fmt"
	"path"
	"strings"

	"logctl/internal/glob"
)

// RotatedGlobs returns the globs of Rotated in full, with slashes, for the file
// called name: those that are not absolute are relative to its directory, in which
// a glob's own characters stand for themselves.
func (e Entry) RotatedGlobs(name string) []string {
	dir := path.Dir(strings.ReplaceAll(name, `\`, "/"))
	globs := make([]string, 0, len(e.Rotated))
	for _, g := range e.Rotated {
		g = slashed(g)
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
func rotatedOthers(i int, entries []Entry, others *pathIndex, sums *ledger) []Problem {
	e := entries[i]
	if strings.ContainsAny(e.Path, "*?[{") || e.Disabled {
		return nil // the directory of its files is not known here
	}
	var found []Problem
	c := &checker{sums: sums}
	for j, full := range e.RotatedGlobs(e.Path) {
		field := fmt.Sprintf("rotated[%d]", j)
		g, err := glob.Compile(full)
		if err != nil {
			c.bound(field, "use fewer alternatives", "with the directory before it, %v", err)
			break
		}
		done := others.matching(g, &sums.work, func(k int) bool {
			if k != i && cleanPath(entries[k].Path) != cleanPath(e.Path) {
				found = append(found, Problem{Field: field,
					Message: fmt.Sprintf("%s matches %s, which entry %d follows", quoted(e.Rotated[j]), quoted(entries[k].Path), k+1),
					Hint:    "write it closer, so that it matches old generations of this file alone"})
			}
			return len(found) < maxProblems
		})
		if !done {
			c.bound(field, "begin the globs with more that is fixed", "to compare the rotated globs of the list with its paths takes too long")
			break
		}
	}
	return append(found, c.problems...)
}

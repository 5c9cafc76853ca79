package etcdcfg

import (
	"slices"
	"strings"

	"logctl/internal/glob"
)

// matchWork bounds what comparing the globs of a list with its paths may cost, in products
// of their lengths: a second of CPU at the worst. Globs that begin with fixed text are only
// compared with the paths that begin so.
const matchWork = 1 << 29

// pathIndex finds those of the paths of a list that a glob matches.
type pathIndex struct {
	paths []indexedPath // sorted
}

type indexedPath struct {
	path  string // with slashes
	entry int
}

// newPathIndex indexes the paths of the active entries for which keep is true; nil: all.
func newPathIndex(entries []Entry, keep func(*Entry) bool) *pathIndex {
	x := &pathIndex{}
	for i := range entries {
		e := &entries[i]
		if e.Disabled || keep != nil && !keep(e) {
			continue
		}
		x.paths = append(x.paths, indexedPath{slashed(e.Path), i})
	}
	slices.SortFunc(x.paths, func(a, b indexedPath) int {
		if c := strings.Compare(a.path, b.path); c != 0 {
			return c
		}
		return a.entry - b.entry
	})
	return x
}

// matching calls yield with the entry of each path that the glob matches, once for each,
// until yield returns false. What the comparisons cost is taken off work; false: there is
// not enough of that left.
func (x *pathIndex) matching(g *glob.Glob, work *int, yield func(entry int) bool) bool {
	var seen map[int]bool
	for _, p := range g.Patterns() {
		fixed, _ := fixedPart(p)
		first, _ := slices.BinarySearchFunc(x.paths, fixed, func(at indexedPath, want string) int { return strings.Compare(at.path, want) })
		for _, at := range x.paths[first:] {
			if !strings.HasPrefix(at.path, fixed) {
				break
			}
			if *work -= 64 + (len(p)-len(fixed))*len(at.path); *work < 0 {
				return false
			}
			if seen[at.entry] || !glob.MatchPattern(p, at.path) {
				continue
			}
			if seen == nil {
				seen = map[int]bool{}
			}
			seen[at.entry] = true
			if !yield(at.entry) {
				return true
			}
		}
	}
	return true
}

// slashed is a path or glob with slashes between directories, whichever system it is for.
func slashed(p string) string {
	if isWindowsPath(p) {
		return strings.ReplaceAll(p, `\`, "/")
	}
	return p
}

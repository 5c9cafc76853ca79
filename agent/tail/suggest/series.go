package suggest

import (
	"path/filepath"
	"slices"
	"strings"

	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/rotation"
)

// neverRenamed is the scheme of a program that begins a new file instead of renaming the
// old one.
const neverRenamed = "a new file with the next number each time, never renamed"

// series puts files that stand for themselves, and of which each was begun when the one
// before had been finished, into one log: a program numbered them and renamed none. It
// returns the paths of what is left, sorted.
func (l *look) series(groups map[string]*Log, order []string) []string {
	taken := map[string]bool{}
	for _, first := range order {
		chain := seriesFrom(first, groups, taken)
		if len(chain) < 2 {
			continue
		}
		glob := commonGlob(chain)
		g := &Log{Path: filepath.Join(l.dir, glob), Scheme: neverRenamed, Rotated: []string{glob}}
		for _, name := range chain {
			f := groups[name].Files[0]
			f.Active = name == chain[len(chain)-1]
			f.tag = rotation.Tag{}
			g.Files = append(g.Files, f)
			taken[name] = true
			delete(groups, name)
		}
		groups[glob] = g
	}
	order = order[:0]
	for path := range groups {
		order = append(order, path)
	}
	slices.Sort(order)
	return order
}

// seriesFrom returns the names of the files that follow one another from first on.
func seriesFrom(first string, groups map[string]*Log, taken map[string]bool) []string {
	alone := func(name string) *File {
		g := groups[name]
		if g == nil || taken[name] || g.Scheme != notRotated || len(g.Files) != 1 || g.Files[0].Name != name {
			return nil
		}
		return &g.Files[0]
	}
	f := alone(first)
	if f == nil || slices.ContainsFunc(rotation.Neighbours(first), func(n string) bool { o := alone(n); return o != nil && precedes(o, f) }) {
		return nil // not the first of its series
	}
	chain := []string{first}
	for {
		next := ""
		for _, n := range rotation.Neighbours(chain[len(chain)-1]) {
			if o := alone(n); o != nil && precedes(alone(chain[len(chain)-1]), o) && rotation.Natural(chain[len(chain)-1], n) < 0 {
				next = n
				break
			}
		}
		if next == "" {
			return chain
		}
		chain = append(chain, next)
	}
}

func precedes(a, b *File) bool {
	return history.Precedes(history.Span{Born: a.born, Mtime: a.ModTime.UnixNano()}, history.Span{Born: b.born, Mtime: b.ModTime.UnixNano()})
}

// commonGlob is a glob of what names have in common at both ends.
func commonGlob(names []string) string {
	head, tail := names[0], names[0]
	for _, n := range names[1:] {
		i := 0
		for i < min(len(head), len(n)) && head[i] == n[i] {
			i++
		}
		head = head[:i]
		i = 0
		for i < min(len(tail), len(n)) && tail[len(tail)-1-i] == n[len(n)-1-i] {
			i++
		}
		tail = tail[len(tail)-i:]
	}
	head = strings.TrimRight(head, "0123456789")
	tail = strings.TrimLeft(tail, "0123456789")
	shortest := len(slices.MinFunc(names, func(a, b string) int { return len(a) - len(b) }))
	if over := len(head) + len(tail) - shortest; over > 0 { // app.log: both ends have the dot
		head = head[:len(head)-over]
	}
	return head + "*" + tail
}

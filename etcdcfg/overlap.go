package etcdcfg

import (
	"slices"
	"strings"

	"logctl/internal/glob"
)

// Overlap is two entries of a list that send the same files to the same topic.
type Overlap struct {
	A, B  string // their paths; files of B are matched by A
	Topic string
}

// String says what comes of it.
func (o Overlap) String() string {
	return o.A + " and " + o.B + " both send the same files to topic " + o.Topic + ": their lines come twice"
}

// OverlapDo is what to do about an Overlap.
const OverlapDo = "exclude the files in one of the two entries, or remove one"

// Overlaps finds entries of which one names a path that the glob of another matches, with the
// same topic: each line of such a file is sent by both. Two globs that share files are found
// where one matches the other as a text. Excluded paths and paused entries do not count. Each
// pair stands there once, in the order of the list. At most maxOverlaps are found, and of a
// list that takes too long to compare those of its beginning.
func Overlaps(list []Entry) []Overlap {
	indexes := map[string]*pathIndex{} // of the active entries of a topic
	byTopic := map[string][]int{}
	for i := range list {
		byTopic[list[i].Topic] = append(byTopic[list[i].Topic], i)
	}
	var out []Overlap
	seen := map[[2]int]bool{}
	work := matchWork
	for i := range list {
		a := &list[i]
		if _, meta := fixedPart(slashed(a.Path)); a.Disabled || !meta || len(byTopic[a.Topic]) < 2 {
			continue // a plain path matches itself alone
		}
		g, err := glob.Compile(slashed(a.Path))
		if err != nil {
			continue
		}
		x := indexes[a.Topic]
		if x == nil {
			x = newPathIndex(list, func(e *Entry) bool { return e.Topic == a.Topic })
			indexes[a.Topic] = x
		}
		exclude := compiled(a.Exclude)
		found := []int{}
		done := x.matching(g, &work, func(k int) bool {
			b := &list[k]
			pair := [2]int{min(i, k), max(i, k)}
			if i != k && a.Path != b.Path && !seen[pair] && !exclude.match(slashed(b.Path), &work) {
				seen[pair] = true
				found = append(found, k)
			}
			return len(out)+len(found) < maxOverlaps
		})
		slices.Sort(found)
		for _, k := range found {
			out = append(out, Overlap{A: a.Path, B: list[k].Path, Topic: a.Topic})
		}
		if !done || len(out) >= maxOverlaps {
			break
		}
	}
	return out
}

// maxOverlaps is more than anybody reads.
const maxOverlaps = 1000

// globs are compiled ones.
type globs []*glob.Glob

func compiled(patterns []string) globs {
	var all globs
	for _, p := range patterns {
		if g, err := glob.Compile(slashed(p)); err == nil {
			all = append(all, g)
		}
	}
	return all
}

func (all globs) match(path string, work *int) bool {
	for _, g := range all {
		if *work -= g.Size() * len(path); *work < 0 || g.Match(path) {
			return true
		}
	}
	return false
}

// fixedPart is what every path that a glob matches begins with, and whether there is more.
func fixedPart(glob string) (fixed string, meta bool) {
	if i := strings.IndexAny(glob, `*?[{\`); i >= 0 {
		return glob[:i], true
	}
	return glob, false
}

// Advice is what an operator should know of an edit that is valid.
type Advice struct {
	What string `json:"what"`
	Do   string `json:"do"`
}

// Advise looks at what an edit changes: entries that overlap from now on, and a changed From,
// which files that are followed already do not heed.
func Advise(before, after []Entry) []Advice {
	var out []Advice
	old := map[Overlap]bool{}
	for _, o := range Overlaps(before) {
		old[o] = true
	}
	for _, o := range Overlaps(after) {
		if !old[o] {
			out = append(out, Advice{What: o.String(), Do: OverlapDo})
		}
	}
	were := make(map[string]*Entry, len(before))
	for i := range before {
		were[before[i].Key()] = &before[i]
	}
	for i := range after {
		e := &after[i]
		was := were[e.Key()]
		if was == nil || startOf(was) == startOf(e) {
			continue
		}
		a := Advice{What: "from = " + startOf(e) + " of " + e.Path + " has no effect on files that are followed already: they go on at their positions"}
		if startOf(e) == FromBeginning {
			a.Do = "to send what was skipped: logctl positions rewind '" + e.Path + "' " + e.Topic + " --to skipped --agent ID, or R on the entry in the console"
		} else {
			a.Do = "to pass over what waits: logctl positions seek '" + e.Path + "' " + e.Topic + " --end --agent ID"
		}
		out = append(out, a)
	}
	return out
}

// startOf is the From of an entry, with the default where none is given.
func startOf(e *Entry) string {
	if e.From == "" {
		return FromEnd
	}
	return e.From
}

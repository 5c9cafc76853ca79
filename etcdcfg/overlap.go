package etcdcfg

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
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
// pair stands there once, in the order of the list.
func Overlaps(list []Entry) []Overlap {
	topics := map[string][]int{} // indexes of active entries
	for i := range list {
		if !list[i].Disabled {
			topics[list[i].Topic] = append(topics[list[i].Topic], i)
		}
	}
	var out []Overlap
	seen := map[[2]int]bool{}
	for i := range list {
		a := &list[i]
		fixed, meta := fixedPart(a.Path)
		if a.Disabled || !meta {
			continue // a plain path matches itself alone
		}
		for _, k := range topics[a.Topic] {
			b := &list[k]
			if i == k || a.Path == b.Path || !strings.HasPrefix(b.Path, fixed) || seen[[2]int{min(i, k), max(i, k)}] {
				continue
			}
			if ok, err := doublestar.PathMatch(a.Path, b.Path); err != nil || !ok || excludes(a, b.Path) {
				continue
			}
			seen[[2]int{min(i, k), max(i, k)}] = true
			out = append(out, Overlap{A: a.Path, B: b.Path, Topic: a.Topic})
		}
	}
	return out
}

// fixedPart is what every path that a glob matches begins with, and whether there is more.
func fixedPart(glob string) (fixed string, meta bool) {
	if i := strings.IndexAny(glob, `*?[{\`); i >= 0 {
		return glob[:i], true
	}
	return glob, false
}

func excludes(e *Entry, path string) bool {
	for _, g := range e.Exclude {
		if ok, err := doublestar.PathMatch(g, path); err == nil && ok {
			return true
		}
	}
	return false
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

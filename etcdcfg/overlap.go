package etcdcfg

import "github.com/bmatcuk/doublestar/v4"

// Overlap is two entries of a list that send the same files to the same topic.
type Overlap struct {
	A, B  string // their paths
	Topic string
}

// Overlaps finds entries of which one names a path that the glob of another matches, with the
// same topic: each line of such a file is sent by both. Two globs that share files are found
// where one matches the other as a text. Excluded paths and paused entries do not count.
func Overlaps(list []Entry) []Overlap {
	var out []Overlap
	for i := range list {
		for k := range list {
			a, b := &list[i], &list[k]
			if i == k || a.Topic != b.Topic || a.Disabled || b.Disabled || a.Path == b.Path {
				continue
			}
			if ok, err := doublestar.PathMatch(a.Path, b.Path); err != nil || !ok || excludes(a, b.Path) {
				continue
			}
			out = append(out, Overlap{A: a.Path, B: b.Path, Topic: a.Topic})
		}
	}
	return out
}

func excludes(e *Entry, path string) bool {
	for _, g := range e.Exclude {
		if ok, err := doublestar.PathMatch(g, path); err == nil && ok {
			return true
		}
	}
	return false
}

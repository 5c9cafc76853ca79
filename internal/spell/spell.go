// Package spell guesses what was meant by a name that does not exist. It keeps no
// state and knows no room.
package spell

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns up to n of the names that a person who typed name may have
// meant, best first: the same letters in another case, names that begin with
// it or contain it, and names within an edit distance of a third of its length.
func Nearest(name string, names []string, n int) []string {
	type scored struct {
		name  string
		score int
	}
	low := strings.ToLower(name)
	limit := max(2, len([]rune(name))/3)
	var found []scored
	for _, other := range names {
		if other == name || other == "" {
			continue
		}
		o := strings.ToLower(other)
		switch d := distance(low, o); {
		case o == low:
			found = append(found, scored{other, 0})
		case d <= limit:
			found = append(found, scored{other, d})
		case low != "" && (strings.HasPrefix(o, low) || strings.HasPrefix(low, o)):
			found = append(found, scored{other, limit + 1})
		case len(low) > 2 && (strings.Contains(o, low) || strings.Contains(low, o)):
			found = append(found, scored{other, limit + 2})
		}
	}
	slices.SortFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.name, b.name))
	})
	out := make([]string, 0, n)
	for _, f := range found[:min(n, len(found))] {
		out = append(out, f.name)
	}
	return out
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before := make([]int, len(t)+1)
	last := make([]int, len(t)+1)
	row := make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

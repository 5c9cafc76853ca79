package rotation

import (
	"slices"
	"testing"
)

// TestRising tells which way files are numbered, by those whose age is known.
func TestRising(t *testing.T) {
	at := func(suffix string, mtime int64) Age {
		return Age{Tag: tagged(suffix), Mtime: mtime, Born: mtime}
	}
	copied := at(".3", 5)
	copied.Copied, copied.Born = true, 4
	late, tick := at(".4", 5), at(".4", 5)
	late.Born, tick.Born = 1, 4
	for _, tc := range []struct {
		name, first string
		found       []Age
		want        bool
	}{
		{"nothing tells", "", []Age{at(".1", 5), at(".2", 5)}, false},
		{"what came before has the lowest", ".1", []Age{at(".2", 5), at(".3", 5)}, true},
		{"what came before has the highest", ".4", []Age{at(".2", 5), at(".3", 5)}, false},
		{"times rise with one", "", []Age{at(".9", 5), at(".10", 5), at(".11", 6)}, true},
		{"times fall with one", "", []Age{at(".3", 5), at(".2", 5), at(".1", 6)}, false},
		{"they do not agree", "", []Age{at(".1", 5), at(".3", 6), at(".2", 7)}, false},
		{"a copy of what came before has the highest", "", []Age{copied, at(".2", 5), at(".1", 5)}, false},
		{"a copy of what came before has the lowest", "", []Age{copied, at(".4", 5), at(".5", 5)}, true},
		{"an archive was written to late", "", []Age{copied, late, at(".2", 5)}, false},
		{"an archive was made in the same tick", "", []Age{copied, tick, at(".2", 5)}, false},
		{"an archive was made in the same tick as what came before", ".1", []Age{tick, tick}, false},
		{"compressed one after the other, rising", "", []Age{at(".1.gz", 5), at(".2.gz", 6)}, true},
		{"compressed one after the other, moved up", "", []Age{at(".2.gz", 5), at(".1.gz", 6)}, false},
		{"dates rise by themselves", "-20260101", []Age{at("-20260102", 5), at("-20260103", 5)}, false},
	} {
		slices.SortFunc(tc.found, CompareAges)
		if got := Rising(tagged(tc.first), 4, tc.found); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// tagged returns the tag of a name that ends in suffix.
func tagged(suffix string) Tag {
	tag, _ := Of("app.log", "app.log"+suffix)
	return tag
}

package history

import (
	"testing"
	"time"
)

func TestJudgeCopy(t *testing.T) {
	rests := Copy{Alike: true, Size: 2000, Whole: 64, Read: 3000, Resting: time.Hour, Known: time.Hour, Grown: time.Hour, Interval: time.Second}
	with := func(change func(c *Copy)) Copy {
		c := rests
		change(&c)
		return c
	}
	for _, c := range []struct {
		name string
		of   Copy
		want CopyVerdict
	}{
		{"a copy at rest, read whole in its original", rests, CopyKnown},
		{"the original ended", with(func(c *Copy) { c.Ended, c.Unsure = true, true }), CopyRead},
		{"the original was truncated a moment ago", with(func(c *Copy) { c.Unsure, c.Alike = true, false }), CopyWaits},
		{"it only began alike", with(func(c *Copy) { c.Alike = false }), CopyRead},
		{"it has more than the original", with(func(c *Copy) { c.ByContent = true }), CopyRead},
		{"the original is not read that far", with(func(c *Copy) { c.Read = 1999 }), CopyWaits},
		{"it is still being made", with(func(c *Copy) { c.Resting = 0 }), CopyWaits},
		{"it ends too early", with(func(c *Copy) { c.Whole = 2001 }), CopyRead},
		{"sought, a moment ago", with(func(c *Copy) { c.Sought, c.Known = true, 9*time.Second }), CopyWaits},
		{"sought, long ago", with(func(c *Copy) { c.Sought, c.Known = true, 10*time.Second }), CopyRead},
		{"by content, grew a moment ago", with(func(c *Copy) {
			c.ByContent, c.Contained, c.Size, c.Read, c.Grown = true, true, sureCopy, sureCopy, time.Second
		}), CopyWaits},
		{"by content, small, beside a log that goes on", with(func(c *Copy) { c.ByContent, c.Contained = true, true }), CopyRead},
		{"by content, small, of a rotated log of another size", with(func(c *Copy) { c.ByContent, c.Contained, c.OriginalAway = true, true, true }), CopyRead},
		{"by content, small, the same as a rotated log", with(func(c *Copy) { c.ByContent, c.Contained, c.OriginalAway, c.SameSize = true, true, true, true }), CopyKnown},
		{"by content, large", with(func(c *Copy) { c.ByContent, c.Contained, c.Size, c.Read = true, true, sureCopy, sureCopy }), CopyKnown},
	} {
		if got := JudgeCopy(c.of); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestReplaces(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Replacement
		want bool
	}{
		{"written beside, renamed over", Replacement{Born: 10, Removed: 20, Begins: true}, true},
		{"created after the removal", Replacement{Born: 21, Removed: 20, Begins: true}, false},
		{"within a tick, renamed over", Replacement{Born: 20, Removed: 20, Created: true, Begins: true}, true},
		{"within a tick, removed and made anew", Replacement{Born: 20, Removed: 20, Begins: true}, false},
		{"no creation times", Replacement{Removed: 20, Created: true, Begins: true}, false},
		{"other content", Replacement{Born: 10, Removed: 20}, false},
	} {
		if got := Replaces(c.r); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

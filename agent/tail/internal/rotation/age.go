package rotation

import "cmp"

// Age is what tells how old a generation is that was not seen at the watched name.
type Age struct {
	Tag         Tag   // of its name; zero: not named like a rotated file
	Mtime, Born int64 // when it was modified and created, in Unix nanoseconds; born 0: unknown
	Copied      bool  // a copy of what came before all others
	Rising      bool  // numbers rise here
	Renamed     bool  // Tag is that of the compressed file that it became; Mtime and Born are those of the plain one
}

// CompareAges compares the age of generations that were not seen at the watched name. One
// that was created and modified before another is older. One that was created before
// another and modified after it was either written to late, after it was moved away,
// or truncated, and the other one is a copy of what was in it: then their names tell,
// as they do when times are the same, and where a file was compressed: its times are
// those of its compression.
func CompareAges(a, b Age) int {
	if a.Copied != b.Copied {
		if a.Copied {
			return -1
		}
		return 1
	}
	if (!sure(a, b) || a.Tag.Packed != "" || b.Tag.Packed != "") && a.Tag.Place != 0 && b.Tag.Place != 0 {
		return Older(a.Tag, b.Tag, a.Rising || b.Rising)
	}
	mtime, born := byTime(a, b)
	return cmp.Or(mtime, born)
}

// sure tells whether one of the two is older whatever their names are.
func sure(a, b Age) bool {
	mtime, born := byTime(a, b)
	return a.Copied != b.Copied || mtime != 0 && mtime == born
}

// byTime compares when two were modified and created.
func byTime(a, b Age) (mtime, born int) {
	mtime, born = cmp.Compare(a.Mtime, b.Mtime), cmp.Compare(a.Born, b.Born)
	if a.Born == 0 || b.Born == 0 {
		born = mtime
	}
	return mtime, born
}

// Rising tells whether a rotation here gives a younger file the next higher number,
// as opposed to moving all of them up to begin with 1 again. What tells are those of
// which one is known to be older without the names, and what came before all of them,
// of which first is the tag now, zero for unknown, and born the creation time. What
// was not created later than that, or than the copy of it, may be an archive and tells
// nothing. It is asked because files that were made within a tick of the file system's
// clock (4 ms on many systems) have the same times. found are sorted as if it were false.
func Rising(first Tag, born int64, found []Age) bool {
	up, down := false, false
	say := func(older, younger Tag) {
		if Count(older) != "" && Count(younger) != "" {
			c := Older(older, younger, true)
			up, down = up || c < 0, down || c > 0
		}
	}
	vote := func(older, younger Tag, bornOlder, bornYounger int64) {
		if bornOlder != 0 && bornOlder < bornYounger {
			say(older, younger)
		}
	}
	for i, c := range found {
		if !c.Copied && (c.Tag.Packed == "" || first.Packed != "") {
			vote(first, c.Tag, born, c.Born)
		}
		if i > 0 && (c.Tag.Packed == "") != (found[i-1].Tag.Packed == "") {
			if c.Renamed || found[i-1].Renamed {
				continue // both are compressed, and only of one the times are known
			}
			older, younger := found[i-1].Tag, c.Tag // programs compress the older ones
			if older.Packed == "" {
				older, younger = younger, older
			}
			say(older, younger)
			continue
		}
		if i > 0 && c.Tag.Packed != "" && found[i-1].Tag.Packed != "" {
			older, younger := found[i-1], c // by their names: when each was compressed tells better
			if older.Born > younger.Born {
				older, younger = younger, older
			}
			vote(older.Tag, younger.Tag, older.Born, younger.Born)
			continue
		}
		if i > 0 && sure(found[i-1], c) {
			vote(found[i-1].Tag, c.Tag, found[i-1].Born, c.Born)
		}
	}
	return up && !down
}

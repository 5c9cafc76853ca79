package history

import (
	"testing"
	"time"
)

func TestAfterRewrite(t *testing.T) {
	for _, tc := range []struct {
		name string
		r    Rewrite
		want Rewritten
	}{
		{"shred of a rotated file", Rewrite{Rotated: true, Drained: true}, Over},
		{"its rest was not read yet", Rewrite{Rotated: true}, Anew},
		{"a ring of files uses it again", Rewrite{Rotated: true, Drained: true, Shrunk: true}, Anew},
		{"a program writes text into it", Rewrite{Rotated: true, Drained: true, Text: true}, Anew},
		{"at its name", Rewrite{Drained: true}, Anew},
	} {
		if got := AfterRewrite(tc.r); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestBackOff(t *testing.T) {
	n, sum := 0, time.Duration(0)
	for range 12 {
		n = Rewrites(n, time.Second, time.Second)
		d := BackOff(n, time.Second)
		if n <= 3 && d != 0 {
			t.Errorf("rewritten %d times: waits %v", n, d)
		}
		sum += d
	}
	if most := BackOff(1000, time.Second); most != 256*time.Second {
		t.Errorf("waits %v at most", most)
	}
	if want := (2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 256) * time.Second; sum != want {
		t.Errorf("waits %v for 12 rewrites, want %v", sum, want)
	}
	if n = Rewrites(n, time.Hour, time.Second); n != 1 {
		t.Errorf("after an hour of calm it was rewritten %d times", n)
	}
}

func TestGoesOn(t *testing.T) {
	for _, tc := range []struct {
		name string
		t    Twin
		want bool
	}{
		{"an editor saved a long file", Twin{Pos: 5000}, true},
		{"cp -a of a short file", Twin{Pos: 20, SameTime: true}, true},
		{"a short file of a file system that was mounted again", Twin{Pos: 20, Dead: true}, true},
		{"a program that begins each short log alike", Twin{Pos: 20}, false},
		{"a program that begins each log alike, rotated", Twin{Pos: 5000, Rotated: true}, false},
		{"mv app.log app.log.bak; cp -a app.log.bak app.log", Twin{Pos: 5000, Rotated: true, SameTime: true}, true},
	} {
		if got := GoesOn(tc.t); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestYounger(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		s                    Sibling
		younger, contradicts bool
	}{
		{"written to later", Sibling{Mtime: 20, Born: 15, LastMtime: 10, LastBorn: 5}, true, false},
		{"an old archive", Sibling{Mtime: 4, Born: 1, LastMtime: 10, LastBorn: 5, Named: -1}, false, false},
		{"touch of the one before, into the future", Sibling{Mtime: 20, Born: 15, LastMtime: 100, LastBorn: 5, LastSeen: 12}, true, false},
		{"a clock that was set back, and a name that tells", Sibling{Mtime: 8, Born: 7, LastMtime: 10, LastBorn: 5, LastSeen: 10, Named: 1}, true, true},
		{"a clock that was set back, and nothing else", Sibling{Mtime: 8, Born: 7, LastMtime: 10, LastBorn: 5, LastSeen: 10}, false, true},
		{"creation times are not known", Sibling{Mtime: 8, LastMtime: 10, LastSeen: 10, Named: 1}, false, true},
		{"created before, written to late", Sibling{Mtime: 20, Born: 1, LastMtime: 10, LastBorn: 5}, false, false},
	} {
		younger, contradicts := Younger(tc.s)
		if younger != tc.younger || contradicts != tc.contradicts {
			t.Errorf("%s: younger %v, contradicts %v", tc.name, younger, contradicts)
		}
	}
}

func TestAlign(t *testing.T) {
	for _, tc := range []struct {
		pos, size int64
		unit      int
		want      int64
	}{{7, 20, 1, 7}, {8, 20, 2, 8}, {7, 20, 2, 8}, {7, 7, 2, 6}, {7, 8, 2, 8}} {
		if got := Align(tc.pos, tc.size, tc.unit); got != tc.want {
			t.Errorf("position %d of %d in units of %d: %d, want %d", tc.pos, tc.size, tc.unit, got, tc.want)
		}
	}
}

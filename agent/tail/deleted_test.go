package tail

import (
	"os"
	"strings"
	"testing"
)

// TestDeletedBound: deleted files that nobody read are kept, over all Sets, up to the
// bound; beyond it the oldest is let go, counted and named, and nothing else.
func TestDeletedBound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		most  int64
		left  []string // of the older one
		count uint64
	}{
		{"no bound", 0, []string{"older"}, 0},
		{"within", 13, []string{"older"}, 0},
		{"beyond", 12, nil, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := NewDeleted(c.most)
			p, q := tmp(t, "a.log"), tmp(t, "b.log")
			a := newRig(t, Config{Path: p, Deleted: d, From: FromBeginning, FirstStart: true})
			b := newRig(t, Config{Path: q, Deleted: d, From: FromBeginning, FirstStart: true})
			b.clock = a.clock
			a.scan()
			b.scan()
			write(t, p, "older\n")
			write(t, q, "latter\n")
			a.scan()
			b.scan()
			for _, path := range []string{p, q} {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				a.scan()
				b.scan()
			}
			a.scan()
			b.scan()
			want := int64(6)
			if c.count > 0 {
				want = 0
			}
			if n := a.set.Status().DeletedOpen; n != want {
				t.Errorf("%d bytes are kept of the older one, want %d", n, want)
			}
			if n := b.set.Status().DeletedOpen; n != 7 {
				t.Errorf("%d bytes are kept of the younger one, want 7", n)
			}
			a.read()
			b.read()
			a.want(c.left...)
			b.want("latter")
			if a.unreadable() != c.count || b.unreadable() != 0 {
				t.Errorf("%d and %d bytes are counted as unreadable, want %d and 0", a.unreadable(), b.unreadable(), c.count)
			}
			if said := strings.Contains(a.log.String(), "max_deleted_open"); said != (c.count > 0) {
				t.Errorf("said: %v: %s", said, a.log.String())
			}
			if err := a.set.Close(); err != nil {
				t.Fatal(err)
			}
			if _, there := d.sets[a.set]; there {
				t.Error("a Set that is closed is still counted")
			}
		})
	}
}

// TestDeletedReadFirst: of deleted files, those that were read to their end go first.
func TestDeletedReadFirst(t *testing.T) {
	t.Parallel()
	p := tmp(t, "a.log")
	r := newRig(t, Config{Path: p, Deleted: NewDeleted(12), From: FromBeginning, FirstStart: true})
	r.scan()
	write(t, p, "one\n")
	r.step(1)
	r.want("one")
	for _, line := range []string{"second\n", "third\n"} {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		r.scan()
		write(t, p, line)
		r.scan()
	}
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	r.step(2) // 4 bytes read, 7 and 6 that are not
	if n := r.unreadable(); n != 7 {
		t.Errorf("%d bytes are unreadable, want the 7 of the second", n)
	}
	r.want("third")
}

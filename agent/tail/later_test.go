package tail

import (
	"context"
	"testing"
)

// TestNoLookWithoutEnd: while a reader keeps the file that was replaced, for whatever reason,
// the name is looked at by scans.
func TestNoLookWithoutEnd(t *testing.T) {
	p, r := rigOfLong(t)
	write(t, p, "two\n")
	r.scan()
	f := r.set.TryReady()
	if f == nil {
		t.Fatal("nothing is ready")
	}
	replace(t, p)
	r.scan()
	looks := 0
	for ; looks < 200; looks++ {
		select {
		case <-r.set.kick:
		default:
			t.Logf("%d looks", looks)
			f.Release()
			return
		}
		var pc pace
		if _, err := r.set.look(context.Background(), &pc, false); err != nil {
			t.Fatal(err)
		}
	}
	f.Release()
	t.Errorf("the name was looked at %d times without a scan", looks)
}

package tail

import (
	"compress/gzip"
	"errors"
	"os"
	"testing"
)

// TestFilledAndRotatedBetweenLooks fills a file that was seen empty and moves it away before
// an event is looked at. The agent is killed then, and the file is compressed: the next run
// knows it by its content, and reads it before the file that came after it.
func TestFilledAndRotatedBetweenLooks(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "")
	r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true})
	r.scan()
	write(t, p, "one\ntwo\n")
	rename(t, p, p+".1")
	write(t, p, "three\n")
	r.set.mu.Lock()
	for _, sl := range r.set.slots {
		r.set.dirty[sl] = struct{}{}
	}
	r.set.mu.Unlock()
	r.set.checkDirty() // as Run does for an event: there is no scan
	r.save()
	if err := r.set.Close(); err != nil { // killed: nothing more is saved
		t.Fatal(err)
	}
	f, err := os.Create(p + ".1.gz")
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, err = z.Write([]byte("one\ntwo\n"))
	if err := errors.Join(err, z.Close(), f.Close(), os.Remove(p+".1")); err != nil {
		t.Fatal(err)
	}
	r.begin()
	r.step(3)
	r.want("one", "two", "three")
}

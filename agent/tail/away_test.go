package tail

import (
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
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

// TestRotatedBeforeTheFirstLook rotates a file that was created when the Set was there
// already, and not looked at yet, as on a busy machine: it is read, from its start, whatever
// from says. An archive is older than the Set and left alone.
func TestRotatedBeforeTheFirstLook(t *testing.T) {
	for _, from := range []From{FromBeginning, FromEnd} {
		for _, glob := range []string{"", "*"} {
			p := tmp(t, "app.log")
			needsBirths(t, filepath.Dir(p))
			if glob == "" {
				write(t, p+".2", "archive\n")
			}
			r := newRig(t, Config{Path: p + glob, From: from, FirstStart: true})
			testkit.Eventually(t, "what is created now is younger than the Set", func() bool {
				probe := filepath.Join(filepath.Dir(p), "probe~")
				write(t, probe, "")
				defer remove(t, probe)
				return fsys.BirthPath(probe) > r.set.begun.UnixNano()
			})
			write(t, p, "one\n")
			rename(t, p, p+".1")
			write(t, p, "two\n")
			r.step(2)
			r.want("one", "two")
		}
	}
}

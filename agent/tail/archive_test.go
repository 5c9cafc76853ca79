package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestArchivedAndWrittenLate: a program goes on writing to the old file for a moment after
// the new one was made, until it gets the signal. In an archive directory the names are
// certain, also when one of them was learned before.
func TestArchivedAndWrittenLate(t *testing.T) {
	dir := t.TempDir()
	p, old := filepath.Join(dir, "app.log"), filepath.Join(dir, "old")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Config{Path: p})
	rotate := func() {
		for i := 4; i > 0; i-- {
			from := fmt.Sprintf("%s/app.log.%d", old, i)
			if _, err := os.Lstat(from); err == nil {
				rename(t, from, fmt.Sprintf("%s/app.log.%d", old, i+1))
			}
		}
		rename(t, p, old+"/app.log.1")
	}
	write(t, p, rows(1, 100))
	r.step(2)
	rotate()
	write(t, p, rows(101, 200))
	r.step(2) // the place is learned
	rotate()
	write(t, p, rows(201, 300))
	rotate()
	write(t, p, rows(301, 400))
	late := time.Now().Add(500 * time.Millisecond)
	if err := os.Chtimes(old+"/app.log.1", late, late); err != nil {
		t.Fatal(err)
	}
	r.step(4)
	r.wantRows(1, 400)
}

package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"logctl/internal/testkit"
)

// TestCompressedFileIsEmptyAtFirst looks at the log while the compressed file of its last
// generation is still empty, as it is until gzip writes. It is not a generation of its
// own, whether its original was read before or not.
func TestCompressedFileIsEmptyAtFirst(t *testing.T) {
	for _, read := range []bool{true, false} {
		for _, path := range []string{"app.log", "app.log*"} {
			t.Run(fmt.Sprint("read ", read, " ", path), func(t *testing.T) {
				dir := t.TempDir()
				active := filepath.Join(dir, "app.log")
				old, gz := active+".1", active+".1.gz"
				l := testkit.NewLog(t, active)
				r := newRig(t, Config{Path: filepath.Join(dir, path), From: FromBeginning, FirstStart: true})
				l.Lines(20)
				r.step(2)
				written := 20
				for range 3 {
					if fileExists(gz) {
						remove(t, gz)
					}
					l.Lines(20)
					written += 21
					if read {
						r.step(2)
					}
					nextTick(t, dir)
					rename(t, active, old)
					l.Reopen()
					l.Lines(1)
					b := packers[0].compressed(t, old)
					if err := os.WriteFile(gz, nil, 0o644); err != nil {
						t.Fatal(err)
					}
					r.step(1)
					if err := os.WriteFile(gz, b, 0o644); err != nil {
						t.Fatal(err)
					}
					remove(t, old)
					r.step(4)
				}
				r.once(written)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes are said to be lost", n)
				}
			})
		}
	}
}

// TestCompressedBesideUnderAGlob rotates to a name that no grammar knows, which the glob
// matches, and compresses there: looked at before the plain file is removed, or after.
func TestCompressedBesideUnderAGlob(t *testing.T) {
	for _, between := range []bool{true, false} {
		t.Run(fmt.Sprint("looked at in between ", between), func(t *testing.T) {
			dir := t.TempDir()
			active := filepath.Join(dir, "app.log")
			l := testkit.NewLog(t, active)
			r := newRig(t, Config{Path: filepath.Join(dir, "app*"), From: FromBeginning, FirstStart: true})
			written := 0
			for round := range 3 {
				l.Lines(20)
				written += 20
				r.step(2)
				nextTick(t, dir)
				old := filepath.Join(dir, fmt.Sprintf("app-%c-size.log", 'a'+round))
				rename(t, active, old)
				l.Reopen()
				l.Lines(1)
				written++
				r.step(2)
				b := packers[1].compressed(t, old)
				if err := os.WriteFile(old+".zst", b, 0o644); err != nil {
					t.Fatal(err)
				}
				if between {
					r.step(2)
				}
				remove(t, old)
				r.step(4)
			}
			r.once(written)
			if n := r.unreadable(); n != 0 {
				t.Errorf("%d bytes are said to be lost", n)
			}
		})
	}
}

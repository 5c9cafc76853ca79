package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"logctl/internal/testkit"
)

// TestCompressedUnderATemporaryName rotates as kubelet does: to a dated name, which is
// compressed at the next rotation by way of a temporary name without the ending of a
// compressed file. That one matches the glob, and is empty when it is seen first.
func TestCompressedUnderATemporaryName(t *testing.T) {
	for _, read := range []bool{true, false} {
		for _, path := range []string{"0.log", "0.log*"} {
			t.Run(fmt.Sprint("read ", read, " ", path), func(t *testing.T) {
				dir := t.TempDir()
				active := filepath.Join(dir, "0.log")
				l := testkit.NewLog(t, active)
				r := newRig(t, Config{Path: filepath.Join(dir, path), From: FromBeginning, FirstStart: true})
				r.step(2)
				written, old := 0, ""
				for i := range 4 {
					l.Lines(50)
					written += 50
					if read {
						r.step(2)
					}
					nextTick(t, dir)
					if old != "" {
						b := packers[0].compressed(t, old)
						if err := os.WriteFile(old+".tmp", nil, 0o644); err != nil {
							t.Fatal(err)
						}
						r.scan()
						if err := os.WriteFile(old+".tmp", b, 0o644); err != nil {
							t.Fatal(err)
						}
						r.step(1)
						rename(t, old+".tmp", old+".gz")
						remove(t, old)
						r.step(2)
					}
					old = fmt.Sprintf("%s.20260131-12000%d", active, i)
					rename(t, active, old)
					l.Reopen()
					r.scan()
				}
				r.step(20)
				r.numbers(written)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes are said to be lost", n)
				}
			})
		}
	}
}

//go:build unix

package positions

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// failSyncs makes one of three syncs fail: the one before a head page is written, which
// keeps that page from being written, and the one behind, which comes too late for that.
// What was not synced stays in the system's cache, and may reach the disk or not.
func (rec *recorder) failSyncs(r *rand.Rand) {
	why := func() error {
		if r.IntN(2) == 0 {
			return syscall.EIO
		}
		return syscall.ENOSPC
	}
	rec.sync = func() error {
		if r.IntN(3) == 0 {
			return why()
		}
		return nil
	}
	rec.r.sync = func() error {
		err := rec.sync()
		if err == nil {
			rec.ops = append(rec.ops, op{sync: true})
		}
		return err
	}
}

// TestSyncsThatFail: a sync that fails is not taken for one that succeeded. Whenever the
// power goes, what the last good save wrote is there, or one of the tries behind it.
func TestSyncsThatFail(t *testing.T) {
	t.Parallel()
	n := cases(t) / 2
	for made, seed := 0, uint64(0); made < n; seed++ {
		r := rand.New(rand.NewPCG(seed, 5))
		reg := open(t, memory(t))
		rec := record(t, reg)
		if err := reg.Register("s", nil); err != nil {
			t.Fatal(err)
		}
		rec.snap()
		tries := [][]content{nil} // behind each snap
		tries = append(tries, nil)
		rec.failSyncs(r)
		failed := 0
		for i := range 60 {
			for range 1 + r.IntN(4) {
				reg.Put("s", state(uint64(r.IntN(20)), int64(i)))
			}
			if err := reg.Flush(); err != nil {
				failed++
				last := len(rec.snaps) - 1
				tries[last] = append(tries[last], contentOf(reg))
				continue
			}
			rec.snap()
			tries = append(tries, nil)
		}
		if failed == 0 || len(rec.snaps) < 5 {
			t.Fatalf("seed %d: %d failed, %d good", seed, failed, len(rec.snaps))
		}
		dir := memory(t)
		for range 100 {
			at := r.IntN(len(rec.ops) + 1)
			before := 0
			for i, mark := range rec.marks {
				if mark <= at {
					before = i
				}
			}
			allowed := append([]content{rec.snaps[before]}, tries[before]...)
			if before+1 < len(rec.snaps) {
				allowed = append(allowed, rec.snaps[before+1])
			}
			got, aside, err := reopened(t, dir, rec.image(r, at))
			made++
			ok := err == nil && aside == ""
			if ok {
				ok = false
				for _, c := range allowed {
					ok = ok || maps.Equal(got, c)
				}
			}
			if !ok {
				t.Fatalf("%s", fmt.Sprintf("seed %d, after %d of %d writes: %v, set aside %q\n%s", seed, at, len(rec.ops), err, aside, cmp.Diff(rec.snaps[before], got)))
			}
		}
		rec.sync = func() error { return nil }
		if err := reg.Flush(); err != nil {
			t.Fatal(err)
		}
		want := contentOf(reg)
		if err := reg.db.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(reg.path)
		if err != nil {
			t.Fatal(err)
		}
		if got, aside, err := reopened(t, dir, data); err != nil || aside != "" || !maps.Equal(want, got) {
			t.Fatalf("seed %d, at the next start: %v, set aside %q\n%s", seed, err, aside, cmp.Diff(want, got))
		}
	}
}

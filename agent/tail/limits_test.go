//go:build unix

package tail

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// TestNoDescriptors runs out of descriptors for a while; nothing is taken for
// deleted.
func TestNoDescriptors(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 50 {
		write(t, fmt.Sprintf("%s/%02d.log", dir, i), fmt.Sprintf("%02d\n", i))
		want = append(want, fmt.Sprintf("%02d", i))
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	probe, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Config{Path: dir + "/*.log", MaxOpen: 1000})
	low := old
	low.Cur = uint64(probe.Fd()) + 3
	_ = probe.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	r.step(6)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	r.step(3)
	seen := map[string]int{}
	for _, l := range r.got {
		seen[l]++
	}
	for _, w := range want {
		if seen[w] != 1 {
			t.Fatalf("line %q was read %d times", w, seen[w])
		}
	}
}

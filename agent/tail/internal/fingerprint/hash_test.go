package fingerprint

import (
	"os"
	"path/filepath"
	"testing"
)

// TestHeadGrows lets a fingerprint grow by a chunk whose file was truncated and filled
// since: nothing of what came after may get into it.
func TestHeadGrows(t *testing.T) {
	old, now := make([]byte, 2000), make([]byte, 2000)
	for i := range old {
		old[i], now[i] = byte('a'+i%7), byte('A'+i%7)
	}
	p := filepath.Join(t.TempDir(), "app.log")
	if err := os.WriteFile(p, now, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	head := func(n int) Head { return Head{n, Sum(Empty, old[:n])} }
	for from, want := range map[int]int{0: 0, 100: 100, 436: HeadMax, 500: HeadMax} {
		if got := Extend(h, old[436:1500], 436, head(from), HeadMax); got != head(want) {
			t.Errorf("from %d: %+v, want %+v", from, got, head(want))
		}
	}
}

package tail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBannersOfTwoLogs: a log that begins like another one, which ends while it is begun, is no
// copy of that.
func TestBannersOfTwoLogs(t *testing.T) {
	banner := strings.Repeat("=", 1100)
	for _, tc := range []struct {
		name string
		do   func(t *testing.T, r *rig, a string)
	}{
		{"truncated", func(t *testing.T, r *rig, a string) {
			if err := os.WriteFile(a, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"deleted", func(t *testing.T, r *rig, a string) { remove(t, a) }},
		{"deleted before", func(t *testing.T, r *rig, a string) { remove(t, a); r.step(deletedAfter + 5) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			a, b := filepath.Join(dir, "app-x.log"), filepath.Join(dir, "app-y.log")
			write(t, a, banner+"\n"+strings.Repeat("of a\n", 200))
			r := newRig(t, Config{Path: filepath.Join(dir, "*.log"), From: FromBeginning})
			r.step(2)
			r.got = nil
			tc.do(t, r, a)
			write(t, b, banner+"\nof b\n")
			r.step(3)
			r.want(banner, "of b")
		})
	}
}

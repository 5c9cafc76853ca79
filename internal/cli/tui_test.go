//go:build !nodemo || console

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The console opens where it can write nothing: no home, a full disk, a read-only system.
func TestConsoleOpensWithoutAPlaceForItsState(t *testing.T) {
	b, _, _ := newBench(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, env := range [][]string{{"XDG_STATE_HOME=" + filepath.Join(file, "below")}, {"HOME="}} {
		b.env = append([]string{"LOGCTL_ETCD_TIMEOUT=10s"}, env...)
		r := b.run(t, "", "tui", "--snapshot", "help", "--size", "80x24")
		if r.code != ExitOK || !strings.Contains(r.out, "Keys work as shown here") || !strings.HasPrefix(r.err, "tui: no log is kept and no settings are remembered: ") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%v: %+v", env, r)
		}
		if r := b.run(t, "", "tui", "--snapshot", "help", "--log-level", "loud"); r.code == ExitOK || !strings.Contains(r.err, "loud") {
			t.Errorf("a wrong level: %+v", r)
		}
	}
}

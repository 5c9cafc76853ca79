//go:build unix

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSettings runs the agent with broken settings.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	ini := filepath.Join(dir, "config.ini")
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"not an ini file": {"[kafka\naddress\n", []string{"config.ini:1"}},
		"unknown key":     {"[kafka]\n\nadress = a:1\n", []string{"config.ini:3", "adress", "did you mean address"}},
		"unknown section": {"[kafak]\naddress = a:1\n", []string{"config.ini:1", "kafak", "did you mean kafka"}},
		"bad value":       {"[agent]\nmax_buffer = lots\n", []string{"config.ini:2", "max_buffer"}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(ini, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(binary, "agent", "--config", ini).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("got %v, want exit code 2", err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("it says %q, want it to name %q", out, want)
				}
			}
		})
	}
}

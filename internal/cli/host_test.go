//go:build nodemo && !console

package cli

import (
	"bytes"
	"strings"
	"testing"
)

// A binary for hosts says of a command that it has not which one has it, whatever stands
// behind its name, and does not offer it.
func TestHostSaysWhatItHasNot(t *testing.T) {
	run := func(args ...string) (code int, out, errs string) {
		var o, e bytes.Buffer
		code = Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &o, Err: &e, Environ: []string{"HOME=" + t.TempDir()}})
		return code, o.String(), e.String()
	}
	for _, args := range [][]string{{"demo"}, {"tui"}, {"tui", "--snapshot", "entries"}, {"demo", "--headless"}} {
		code, out, errs := run(args...)
		if code != ExitFailure || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "the archives of a release have it") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, out, errs)
		}
	}
	if code, out, _ := run("--help"); code != ExitOK || strings.Contains(out, "\n  tui ") || !strings.Contains(out, "\n  agent ") || strings.Contains(out, "logctl tui") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

//go:build nodemo && console

package cli

import (
	"bytes"
	"strings"
	"testing"
)

// The binary of packages has the console, and says which one has the demo.
func TestPackageHasTheConsole(t *testing.T) {
	run := func(args ...string) (code int, out, errs string) {
		var o, e bytes.Buffer
		code = Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &o, Err: &e, Environ: []string{"HOME=" + t.TempDir()}})
		return code, o.String(), e.String()
	}
	if code, _, errs := run("demo"); code != ExitFailure || !strings.Contains(errs, "the archives of a release have it") {
		t.Errorf("demo: exit code %d, %q", code, errs)
	}
	if code, out, _ := run("tui", "--help"); code != ExitOK || !strings.Contains(out, "--snapshot") {
		t.Errorf("tui --help: exit code %d, %q", code, out)
	}
	if _, out, _ := run("--help"); !strings.Contains(out, "logctl tui") || strings.Contains(out, "logctl demo ") {
		t.Error(out)
	}
}

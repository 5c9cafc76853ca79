package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// runDemo runs a demo without a terminal to its end, and returns its records and the
// line with the totals.
func runDemo(t *testing.T, environ []string, args ...string) (records, summary string) {
	t.Helper()
	var out, errs lockedBuffer
	code := Main(t.Context(), append([]string{"demo", "--headless", "-o", "raw"}, args...),
		Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Environ: append(environ, "HOME="+t.TempDir())})
	summary = regexp.MustCompile(`demo: \d+ lines written.*`).FindString(errs.String())
	if code != ExitOK || summary == "" {
		t.Fatalf("%v: exit %d\n%s", args, code, errs.String())
	}
	return out.String(), summary
}

// What an earlier demo left in its directory is neither printed nor counted again.
func TestDemoTwiceInOneDirectory(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		records, summary := runDemo(t, nil, "--for", "1500ms", "--data-dir", dir)
		n := strings.Count(records, "\n")
		if want := fmt.Sprintf("demo: %d lines written, %d shipped, %d consumed", n, n, n); n == 0 || summary != want {
			t.Errorf("%d records are printed, and %q", n, summary)
		}
	}
}

// The settings for the user's own agent must not keep the demo from working.
func TestDemoPassesOverRulesForTheRealAgent(t *testing.T) {
	environ := []string{"LOGCTL_AGENT_ALLOW_PATHS=/var/log/nginx/**", "LOGCTL_AGENT_REPORT_TOPIC="}
	if records, summary := runDemo(t, environ, "--for", "1s"); records == "" {
		t.Errorf("nothing is shipped: %s", summary)
	}
}

// A FILE is that file, also when its name could be a glob.
func TestDemoOfAFileNamedLikeAGlob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a glob cannot be quoted where the backslash separates")
	}
	names := []string{"app[1].log", "a{b,c}.log", "what?*.log", `back\slash.log`}
	dir := t.TempDir()
	var files []string
	want := map[string]bool{}
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		files, want[name] = append(files, file), true
	}
	if err := os.WriteFile(filepath.Join(dir, "whatever.log"), []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	records, _ := runDemo(t, nil, append([]string{"--for", "1500ms"}, files...)...)
	for line := range strings.Lines(records) {
		delete(want, strings.TrimSuffix(line, "\n"))
	}
	if len(want) > 0 || strings.Contains(records, "another") {
		t.Errorf("not read: %v; read:\n%s", want, records)
	}
}

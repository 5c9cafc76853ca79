//go:build !nodemo

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"logctl/agent"
	"logctl/internal/testkit"
)

// runDemo runs a demo without a terminal to its end, and returns its records and the
// line with the totals.
func runDemo(t *testing.T, environ []string, args ...string) (records, summary string) {
	t.Helper()
	var out, errs testkit.Buffer
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
	if runtime.GOOS != "windows" { // a directory may be named like a glob, too
		dir = filepath.Join(dir, "d[x]*")
	}
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

func TestDemoBesideAnotherInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	streams := func(errs io.Writer) Streams {
		return Streams{In: strings.NewReader(""), Out: io.Discard, Err: errs, Environ: []string{"HOME=" + t.TempDir()}}
	}
	first, second := &testkit.Buffer{}, &testkit.Buffer{}
	done := make(chan int, 1)
	go func() { done <- Main(ctx, []string{"demo", "--headless", "--data-dir", dir}, streams(first)) }()
	testkit.Eventually(t, "the first one runs", func() bool { return strings.Contains(first.String(), "demo: kafka") })
	if code := Main(t.Context(), []string{"demo", "--headless", "--data-dir", dir}, streams(second)); code != ExitFailure || !strings.Contains(second.String(), "another demo runs in "+dir) {
		t.Errorf("exit code %d, %q", code, second.String())
	}
	cancel()
	if code := <-done; code != ExitOK {
		t.Errorf("the first one: exit code %d, %q", code, first.String())
	}
}

func TestTopicForAFileWithoutLatinLetters(t *testing.T) {
	used := map[string]bool{}
	for _, tt := range [][2]string{{"/x/交易系统-明细.log", "log"}, {"/x/日志.log", "log-2"}, {"/x/app.log", "app"}, {"/x/支付pay.log", "__pay"}} {
		if got := topicFor(tt[0], used); got != tt[1] {
			t.Errorf("%s: %q, want %q", tt[0], got, tt[1])
		}
	}
}

// TestDemoOfTheSuperuserReadsLogsOnly holds the allow_paths of the demo's agent: nobody is
// warned of the demo itself, and its etcd, open to any user, opens no other file.
func TestDemoOfTheSuperuserReadsLogsOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the demo of another user may read what that user may")
	}
	dir := t.TempDir()
	st := &demoStage{dir: dir}
	access := agent.AccessOf(st.allowed([]string{"/srv/my[1].txt"}))
	for path, want := range map[string]bool{dir + "/logs/access.log": true, "/var/log/syslog": true, "/srv/my[1].txt": true, "/etc/shadow": false, "/srv/other.txt": false, "/root/.ssh/id_rsa": false} {
		if err := access.Allowed(path); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", path, err, want)
		}
	}
}

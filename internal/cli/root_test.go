package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// collectKeyOf parses a command line and returns the collect key that the command
// would work with.
func collectKeyOf(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	a := newApp(Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Environ: append(environ, "HOME="+t.TempDir())})
	root := newRootCmd(a)
	key := ""
	cmd, _, err := root.Find(args)
	if err != nil {
		t.Fatal(err)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := a.settings(cmd, nil)
		if err == nil {
			key = c.Etcd.CollectKey
		}
		return err
	}
	root.SetArgs(args)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return key
}

func TestKeyOfTailTopicIsNotTheCollectKey(t *testing.T) {
	environ := []string{"LOGCTL_ETCD_COLLECT_KEY=from_env"}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"status", "--key", "from_flag"}, "from_flag"},
		{[]string{"--key", "from_flag", "entries", "list"}, "from_flag"},
		{[]string{"status"}, "from_env"},
		{[]string{"tail-topic", "app_log", "--key", "^user-"}, "from_env"},
		{[]string{"tail-topic", "app_log", "--key", ""}, "from_env"},
	} {
		if got := collectKeyOf(t, environ, tt.args...); got != tt.want {
			t.Errorf("%q: the collect key is %q, want %q", tt.args, got, tt.want)
		}
	}
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"tail-topic", "--help"}, Streams{In: strings.NewReader(""), Out: &out, Err: &out}); code != ExitOK {
		t.Fatalf("exit code %d", code)
	}
	for _, want := range []string{"LOGCTL_ETCD_COLLECT_KEY", "a record's key, not etcd's collect key"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help does not say %q", want)
		}
	}
}

func TestDemoRefusesOtherServers(t *testing.T) {
	for _, flag := range []string{"--kafka", "--etcd"} {
		var errs bytes.Buffer
		code := Main(t.Context(), []string{"demo", "--headless", flag, "127.0.0.1:1"}, Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &errs, Environ: []string{"HOME=" + t.TempDir()}})
		if code != ExitUsage || !strings.Contains(errs.String(), flag+" has no place here") {
			t.Errorf("%s: exit code %d, %q", flag, code, errs.String())
		}
	}
}

func TestDemoRefusesWhatItCannotRead(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.log")
	if err := os.WriteFile(secret, nil, 0); err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{t.TempDir(): "is a directory", os.DevNull: "is not a regular file", secret + "x": "no such file"}
	if f, err := os.Open(secret); err == nil { // root, or Windows
		_ = f.Close()
	} else {
		refused[secret] = "permission denied"
	}
	for name, want := range refused {
		var errs bytes.Buffer
		code := Main(t.Context(), []string{"demo", "--headless", name}, Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &errs, Environ: []string{"HOME=" + t.TempDir()}})
		if code != ExitUsage || runtime.GOOS != "windows" && !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit code %d, %q", name, code, errs.String())
		}
	}
}

// Only the end of who reads our output is a quiet end.
func TestAServerThatClosesItsConnectionIsAFailure(t *testing.T) {
	pipe := &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	server := &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}
	for _, tt := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("print: %w", pipe), ExitOK},
		{fmt.Errorf("kafka at b:9092: %w", server), ExitFailure},
		{errors.Join(&exitError{ExitFailure}, server), ExitFailure},
	} {
		var errs bytes.Buffer
		a := newApp(Streams{Err: &errs})
		if code := a.exitCode(newRootCmd(a), tt.err); code != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, code, tt.want)
		}
	}
}

// Settings that name a file that is no good are wrong settings, whichever command it is.
func TestWrongFilesInTheSettingsAreWrongUsage(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, variable := range []string{"LOGCTL_KAFKA_CA_FILE=" + none, "LOGCTL_ETCD_CA_FILE=" + none} {
		for _, args := range [][]string{
			{"agent", "--data-dir", t.TempDir()}, {"tail-topic", "x"}, {"entries", "list"}, {"tui", "--snapshot", "entries"},
		} {
			if ofKafka := strings.Contains(variable, "KAFKA"); ofKafka && args[0] != "agent" && args[0] != "tail-topic" || !ofKafka && args[0] == "tail-topic" {
				continue // has nothing to do with that server, or shows what the other knows
			}
			var out, errs bytes.Buffer
			code := Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs,
				Environ: []string{"HOME=" + t.TempDir(), "LOGCTL_KAFKA_TLS=true", "LOGCTL_ETCD_TLS=true", variable}})
			if code != ExitUsage || !strings.Contains(errs.String(), none) || out.Len() > 0 {
				t.Errorf("%s %q: exit code %d, %q", variable, args, code, errs.String())
			}
		}
	}
}

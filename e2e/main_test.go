package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"logctl/internal/testkit"

	"go.uber.org/goleak"
)

// binary is the logctl that the scenarios run, built once by TestMain. It is set
// before any test and never changed.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getenv(inotifyHolder) != "" {
			return holdInotify()
		}
		dir, err := os.MkdirTemp("", "logctl-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "logctl")
		if given := os.Getenv("LOGCTL_BINARY"); given != "" {
			binary = given // a build of somebody's own: a release, or one under test
			return run(m)
		}
		args := []string{"build", "-o", binary}
		if testkit.Race {
			args = append(args, "-race")
		}
		if out, err := exec.Command("go", append(args, "logctl")...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build logctl: %v\n%s", err, out)
			return 1
		}
		return run(m)
	}())
}

// run runs the tests and looks for goroutines that they left.
func run(m *testing.M) int {
	// Scenarios wait most of the time: more of them side by side than processors.
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set("4"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// torture says whether the long forms of the scenarios are wanted.
func torture() bool { return os.Getenv("LOGCTL_TORTURE") != "" }

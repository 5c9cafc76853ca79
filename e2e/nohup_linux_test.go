package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"logctl/internal/testkit"
)

// TestNohup starts an agent as nohup does, which is to outlive its terminal.
func TestNohup(t *testing.T) {
	t.Parallel()
	p := launch(t, exec.Command("sh", "-c", `trap "" HUP; exec "$@"`, "sh", binary, "agent", "--data-dir", t.TempDir(),
		"--kafka", "127.0.0.1:9", "--etcd", "127.0.0.1:9"), nil)
	testkit.Eventually(t, "it runs", func() bool { return strings.Contains(p.err.String(), "agent runs") })
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "SigIgn:")
	line, _, _ := strings.Cut(rest, "\n")
	ignored, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil || ignored>>(syscall.SIGHUP-1)&1 == 0 {
		t.Errorf("SIGHUP is not ignored any more: mask %q, %v", line, err)
	}
	p.stop()
}

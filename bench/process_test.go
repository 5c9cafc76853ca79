package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// TestPeakIsTheProgramsOwn measures a small program from a large parent: the kernel's
// figure has the parent's memory in it.
func TestPeakIsTheProgramsOwn(t *testing.T) {
	const large = 200 << 20
	ballast := make([]byte, large)
	for i := 0; i < large; i += os.Getpagesize() {
		ballast[i] = 1
	}
	cmd := exec.CommandContext(t.Context(), "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := watchPeak(cmd.Process.Pid)
	if _, err := in.Write([]byte("it runs\n")); err != nil {
		t.Error(err)
	}
	if got := peak(); got <= 0 || got > large/4 {
		t.Errorf("cat had %d bytes at most", got)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.Logf("the kernel says %d bytes", r.Maxrss*1024)
	}
	runtime.KeepAlive(ballast)
}

package e2e

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// holdInotify is what the test binary does when inotifyHolder is set.
func holdInotify() int {
	n := 0
	for ; n < 1<<16; n++ {
		if _, err := syscall.InotifyInit1(0); err != nil {
			break
		}
	}
	fmt.Println("held", n)
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the test ends
	return 0
}

// cpu is the processor time that the process has used, to the nanosecond: its clock has
// the number that clock_getcpuclockid gives for it.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	const sched = 2 // CPUCLOCK_SCHED of the kernel's posix-timers.h
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|sched), &at); err != nil {
		p.t.Fatal(err)
	}
	return time.Duration(at.Nano())
}

package e2e

import (
	"fmt"
	"os"
	"syscall"
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

package positions

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// giveBack drops the pages of a part of a shared mapping that is only read, and so loses
// nothing: what is read again comes from the page cache.
func giveBack(start, size uintptr) error {
	if _, _, code := unix.Syscall(unix.SYS_MADVISE, start, size, unix.MADV_DONTNEED); code != 0 {
		return fmt.Errorf("madvise: %w", code)
	}
	return nil
}

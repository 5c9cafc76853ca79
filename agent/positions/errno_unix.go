//go:build unix

package positions

import (
	"errors"
	"syscall"
)

// isDiskError recognises errors of the disk or the mount, which say nothing
// against the content of the database.
func isDiskError(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO) ||
		errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EDQUOT)
}

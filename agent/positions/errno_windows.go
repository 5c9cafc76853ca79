package positions

import (
	"errors"
	"syscall"
)

// isDiskError recognises errors of the disk or the volume, which say nothing
// against the content of the database.
func isDiskError(err error) bool {
	const writeProtect, diskFull = syscall.Errno(19), syscall.Errno(112)
	return errors.Is(err, writeProtect) || errors.Is(err, diskFull)
}

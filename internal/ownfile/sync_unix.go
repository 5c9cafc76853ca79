//go:build unix

package ownfile

import (
	"errors"
	"os"
	"syscall"
)

// syncNames has the names of a directory on disk before it returns. A file system that
// cannot do so for directories keeps them in its own way.
func syncNames(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

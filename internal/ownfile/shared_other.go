//go:build !windows

package ownfile

import (
	"io/fs"
	"os"
)

// OpenShared is os.OpenFile: an open file can be renamed and deleted here.
func OpenShared(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}

//go:build unix

package positions

import (
	"io/fs"
	"os"
)

func openDatabase(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}

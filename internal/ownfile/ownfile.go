package ownfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrNotOurs says that something else than a plain file stands at the name of one of
// ours. It is not followed, and nothing is read from it.
var ErrNotOurs = errors.New("it is not a plain file, which this program would have made: remove it")

// Check reports ErrNotOurs when something else than a plain file has the name. That
// nothing has it is fs.ErrNotExist.
func Check(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is %s: %w", path, kind(st.Mode()), ErrNotOurs)
	}
	return nil
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m.IsDir():
		return "a directory"
	}
	return "a device"
}

// Read reads a file of at most limit bytes. It never waits: the file is opened without
// following a link and without waiting for a writer, and judged by its descriptor.
func Read(path string, limit int64) ([]byte, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	f, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", path, ErrNotOurs)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes: this program did not write it, remove it", path, limit)
	}
	return data, err
}

package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes a file beside itself, with mode 0600, and renames it into place. A kill or a
// power cut leaves the old file or the new one, and when Write has returned the new one.
// What a killed process left beside it is removed by the next Write.
func Write(path string, data []byte) error { return write(system{}, path, data) }

// beside is the ending of a file that is being written.
const beside = ".new"

// disk is what a write asks of a file system.
type disk interface {
	// create makes a file that did not exist.
	create(name string) (file, error)
	rename(from, to string) error
	// remove takes a name away, whatever it leads to; fs.ErrNotExist where there is none.
	remove(name string) error
	// syncDir has the names of a directory on disk before it returns.
	syncDir(dir string) error
}

// file is a file that is written.
type file interface {
	Write(b []byte) (int, error)
	Sync() error
	Close() error
}

func write(d disk, path string, data []byte) error {
	name := path + beside
	if err := d.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync() // before its name leads to it
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.rename(name, path)
	}
	if err != nil {
		return errors.Join(err, d.remove(name))
	}
	return d.syncDir(filepath.Dir(path))
}

// system is the disk of this machine.
type system struct{}

func (system) create(name string) (file, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (system) rename(from, to string) error { return os.Rename(from, to) }

func (system) remove(name string) error { return os.Remove(name) }

func (system) syncDir(dir string) error { return syncNames(dir) }

//go:build unix

package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What is put in the place of a file of ours neither hangs a reader nor leads it on.
func TestReadRefusesWhatIsNoPlainFile(t *testing.T) {
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	if err := os.WriteFile(name("target"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, make := range map[string]func(string) error{
		"a FIFO":          func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"a symbolic link": func(p string) error { return os.Symlink(name("target"), p) },
		"a directory":     func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		t.Run(what, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "file")
			if err := make(p); err != nil {
				t.Fatal(err)
			}
			if data, err := Read(p, 100); !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), what) {
				t.Errorf("%q, %v", data, err)
			}
			if err := Check(p); !errors.Is(err, ErrNotOurs) {
				t.Error(err)
			}
		})
	}
	if _, err := Read(name("none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Read(name("target"), 5); err == nil {
		t.Error("a file larger than expected was read")
	}
	if err := Write(name("target"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(name("target"), 5); err != nil || string(data) != "new" {
		t.Errorf("%q, %v", data, err)
	}
}

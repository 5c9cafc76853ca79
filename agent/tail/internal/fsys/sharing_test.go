package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestPrefixOfLongPaths(t *testing.T) {
	for path, want := range map[string]string{
		`\\?\C:\logs\a.log`:          `C:\logs\a.log`,
		`//?/C:/logs/*.log`:          `C:/logs/*.log`,
		`\\?\UNC\host\share\a.log`:   `\\host\share\a.log`,
		`\\?\unc\host\share\a.log`:   `\\host\share\a.log`,
		`\\host\share\a.log`:         `\\host\share\a.log`,
		`d:\logs\s4.log`:             `d:\logs\s4.log`,
		`/var/log/who?.log`:          `/var/log/who?.log`,
		`\\.\PhysicalDrive0`:         `\\.\PhysicalDrive0`,
		`\\?\C:`:                     `C:`,
		`C:\logs\` + "日志" + `\a.log`: `C:\logs\` + "日志" + `\a.log`,
	} {
		if got := plainPrefix(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestRootOfADrive(t *testing.T) {
	for base, want := range map[string]string{"C:": "C:/", "C:/logs": "C:/logs", "/": "/", ".": ".", "ab": "ab"} {
		if got := rooted(base); got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
	}
}

func TestFoldedIdentity(t *testing.T) {
	if got := fold(42, 0); got != 42 {
		t.Errorf("an id of 64 bits became %d", got)
	}
	if a, b := fold(42, 1), fold(42, 2); a == b || a == 42 {
		t.Errorf("ids that differ in their upper half: %d and %d", a, b)
	}
}

func TestNamesWithoutCase(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"App.LOG", "app.log.1", "Old.Log"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sys := &System{Now: time.Now, Folds: true}
	w, err := NewWalker(sys, filepath.Join(dir, "*.Log"), []string{filepath.Join(dir, "OLD.*")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Walk()
	if want := []string{filepath.Join(dir, "App.LOG")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if !w.Match(filepath.Join(dir, "NEW.log")) || w.Match(filepath.Join(dir, "old.LOG")) {
		t.Error("names are compared by case")
	}
	lone, err := NewWalker(sys, filepath.Join(dir, "S4.log"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lone.Named(filepath.Join(dir, "s4.LOG")), filepath.Join(dir, "S4.log"); got != want {
		t.Errorf("the event of %s is for %s", want, got)
	}
}

func TestUnshared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sys := &System{Now: time.Now, Refuse: func(string) error { return ErrUnshared }}
	if _, _, err := sys.Open(path, nil); !IsUnshared(err) || IsGone(err) {
		t.Errorf("%v", err)
	}
	if IsUnshared(errors.New("another")) || IsUnshared(nil) {
		t.Error("every error is one of sharing")
	}
}

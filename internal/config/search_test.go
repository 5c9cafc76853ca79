package config

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestSearchPathsOfWindows(t *testing.T) {
	env := map[string]string{"APPDATA": "roaming", "PROGRAMDATA": "shared", "HOME": "home"}
	got := searchPaths(func(k string) string { return env[k] }, "windows")
	want := []string{filepath.Join("conf", "config.ini"), filepath.Join("roaming", "logctl", "config.ini"), filepath.Join("shared", "logctl", "config.ini")}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

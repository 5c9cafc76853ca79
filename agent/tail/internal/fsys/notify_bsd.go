//go:build unix && !linux

package fsys

// longPath is a path as the library of notifications needs it.
func longPath(path string) string { return path }

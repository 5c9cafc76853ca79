//go:build unix

package fsys

// Folds tells that names differ by more than case. File systems here may do so (macOS),
// but none has to, so that names are compared as they are written.
const Folds = false

// systemPath is a path as it is compared and opened.
func systemPath(path string) string { return path }

// hinders tells that a file which is only open for reading can stop other programs.
const hinders = false

// isUnshared tells whether another program holds the file for itself: not here.
func isUnshared(error) bool { return false }

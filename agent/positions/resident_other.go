//go:build !linux

package positions

// giveBack does nothing where there is no madvise for it.
func giveBack(uintptr, uintptr) error { return nil }

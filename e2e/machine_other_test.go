//go:build !linux

package e2e

// holdInotify is for Linux.
func holdInotify() int { return 0 }

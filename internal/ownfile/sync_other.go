//go:build !unix

package ownfile

// syncNames does nothing: a directory cannot be synced here, and NTFS keeps renames in its
// journal.
func syncNames(string) error { return nil }

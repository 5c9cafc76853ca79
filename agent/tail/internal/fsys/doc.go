// Package fsys is what the system tells of files: what is at a name or behind a
// descriptor, when it was created, what is in a directory, which names a glob
// stands for, and when something changes.
//
// It has no policy: nothing here knows what a rotation is, or which file is
// followed. A System may be given other answers by a test: that is the seam at
// which the follower is tested against file systems that are not at hand.
//
// Nothing here is locked. A call may take as long as the file system does, so none
// may be made while a lock is held that others need. A Walker is for one goroutine
// at a time; the functions and a Notifier are for any number.
package fsys
